// ChurnPlan: what happens next in a demo that changes by itself. No clock and no socket: it gets
// the instances' state and draws an action from a seeded generator, so that a run can be repeated.

internal import Random

/// Draws what happens to the instances. Value type.
package struct ChurnPlan {
    /// An instance as the plan sees it.
    package struct Member: Hashable, Sendable {
        /// Its name, which commands use.
        package let name: String
        /// Its record is in the zone.
        package var isAnnounced: Bool
        /// Its port is open.
        package var isRunning: Bool
        /// Whether it passes its health check while it runs.
        package var isHealthy: Bool
        /// Whether it has been all three for long enough that a proxy is sure to send it requests.
        package var isSteady: Bool

        /// A member in every detail.
        package init(
            name: String, isAnnounced: Bool, isRunning: Bool, isHealthy: Bool, isSteady: Bool
        ) {
            self.name = name
            self.isAnnounced = isAnnounced
            self.isRunning = isRunning
            self.isHealthy = isHealthy
            self.isSteady = isSteady
        }
    }

    /// Instances that churn makes at most: enough to see, few enough to follow.
    package static let membersMax = 6

    private var generator: SplitMix64

    /// A plan that depends only on `seed` and the state that it gets.
    package init(seed: UInt64) {
        generator = SplitMix64(seed: seed)
    }

    /// The next action, nil when none is possible. One steady instance is always left as it is.
    package mutating func next(_ members: [Member]) -> DemoCommand? {
        var choices: [DemoCommand] = []
        for member in members {
            let name = member.name
            let isExpendable = members.contains { $0.isSteady && $0.name != name }
            if member.isAnnounced, member.isRunning, member.isHealthy {
                if isExpendable { choices += [.remove(name), .crash(name), .fail(name)] }
            } else if !member.isAnnounced || !member.isRunning {
                // Listed twice, so that as many return as go.
                choices += [.start(name), .start(name)]
            } else {
                choices += [.recover(name), .recover(name)]
            }
        }
        if members.count < Self.membersMax { choices.append(.add) }
        return choices.randomElement(using: &generator)
    }
}
