// DeployState: one deploy of a service, from its first check to its end. Pure: what is seen of the
// backends goes in with `now`, and what is to be done comes out.
//
//             all new ones are up      none has failed for `watch`    the old ones are idle
//   checking ─────────────────▶ watching ───────────────▶ draining ────────────▶ done
//      │ `timeout` is over, or       │ a new one fails,
//      │ it is called off            │ or it is called off
//      └─────────▶ undone ◀──────────┘
//
// The old ones stay in the rotation, behind the new ones, until `watch` is over. So neither an undo
// nor a new one that dies at the moment of the move costs a request.

package import Endpoints

/// The state of one deploy. Value type, control thread.
package struct DeployState: Sendable {
    /// How far it is.
    package enum Phase: String, Sendable, CaseIterable {
        /// New ones are named and checked; the old ones serve.
        case checking
        /// New ones serve, the old ones stand by.
        case watching
        /// The old ones are no longer named; what is in flight on them finishes.
        case draining
        /// Only the new ones are left.
        case done
        /// Everything is as before.
        case undone

        /// Whether nothing follows.
        package var isEnd: Bool { self == .done || self == .undone }
    }

    /// A new backend at one moment.
    package struct Sight: Sendable, Equatable {
        /// Where it is.
        package let endpoint: Endpoint
        /// Whether it gets requests, or would if it were first.
        package let isUp: Bool
        /// Why it is in its state, as a clause.
        package let why: String
        /// Answers that came so far from it, and requests that got none.
        package let answers: Int
        /// Of these answers, statuses of 500 and above, and what broke.
        package let failures: Int

        /// What is seen of the backend at `endpoint`.
        package init(
            _ endpoint: Endpoint, isUp: Bool, why: String, answers: Int = 0, failures: Int = 0
        ) {
            self.endpoint = endpoint
            self.isUp = isUp
            self.why = why
            self.answers = answers
            self.failures = failures
        }
    }

    /// What it is to do.
    package let plan: DeployPlan
    /// How far it is.
    package private(set) var phase = Phase.checking
    /// When it began.
    package let began: ContinuousClock.Instant
    /// When each phase began, the first one included.
    package private(set) var since: ContinuousClock.Instant
    /// How long it took from the first check to the move; nil before it.
    package private(set) var timeToMove: Duration?
    /// How long it took as a whole; nil before its end.
    package private(set) var timeToEnd: Duration?
    /// Why it was undone, as a sentence without its end; nil unless it was.
    package private(set) var failure: String?
    /// How many new ones are up.
    package private(set) var upCount = 0
    /// What the old ones' requests came to before it began: the share of failures that is usual.
    private let usual: (answers: Int, failures: Int)
    /// How long the old ones may drain.
    private let drainLimit: Duration

    /// Failed answers of the new ones that are an accident.
    static let failuresMin = 5
    /// The share of failed answers of the new ones, in percent, that is no reason to undo …
    static let failuresPercentMin = 5
    /// … and how many times the usual share it may be.
    static let failuresTimesMax = 3
    /// How long a drain takes at least.
    private static let drainMin = Duration.milliseconds(500)

    /// A deploy that begins now. `usual` is what requests to the old ones came to so far, `limit`
    /// how long a drain may take.
    package init(
        _ plan: DeployPlan, usual: (answers: Int, failures: Int) = (0, 0), drainLimit: Duration,
        now: ContinuousClock.Instant
    ) {
        self.plan = plan
        self.usual = usual
        self.drainLimit = drainLimit
        began = now
        since = now
    }

    /// Looks at the new ones, and at how many requests are in flight on the old ones. Returns
    /// whether the phase is another one by now; call it until it is not.
    package mutating func look(
        _ sights: [Sight], inFlight: Int, now: ContinuousClock.Instant
    ) -> Bool {
        upCount = sights.count(where: \.isUp)
        switch phase {
        case .checking: return check(sights, now)
        case .watching: return watch(sights, now)
        case .draining:
            // Each worker has the new rotation by then, and counts what it still sends.
            let isIdle = inFlight == 0 && now >= since + Self.drainMin
            guard isIdle || now >= since + drainLimit + Self.drainMin else { return false }
            enter(.done, now)
            return true
        case .done, .undone: return false
        }
    }

    /// Calls it off, or undoes what it has done so far, for this reason: a clause. Does nothing
    /// once the old ones drain. Returns whether it did.
    package mutating func undo(_ why: String, now: ContinuousClock.Instant) -> Bool {
        guard phase == .checking || phase == .watching else { return false }
        failure = why
        enter(.undone, now)
        return true
    }

    private mutating func check(_ sights: [Sight], _ now: ContinuousClock.Instant) -> Bool {
        let missing = plan.arrivals.filter { endpoint in
            !sights.contains { $0.endpoint == endpoint && $0.isUp }
        }
        guard let first = missing.first else {
            timeToMove = began.duration(to: now)
            enter(.watching, now)
            return true
        }
        guard now >= began + plan.timeout else { return false }
        let why = sights.first { $0.endpoint == first }?.why ?? "it is no backend of the service"
        let others = missing.count > 1 ? ", and \(missing.count - 1) more are not up" : ""
        return undo("\(first) was not up in time: \(why)\(others)", now: now)
    }

    private mutating func watch(_ sights: [Sight], _ now: ContinuousClock.Instant) -> Bool {
        for endpoint in plan.arrivals {
            let sight = sights.first { $0.endpoint == endpoint }
            guard sight?.isUp != true else { continue }
            return undo("\(endpoint) failed: \(sight?.why ?? "it is gone")", now: now)
        }
        let answers = sights.reduce(0) { $0 + $1.answers }
        let failures = sights.reduce(0) { $0 + $1.failures }
        if isTooMany(failures, of: answers) {
            return undo(
                "\(failures) of the first \(answers) requests to the new ones failed", now: now)
        }
        guard now >= since + plan.watch else { return false }
        enter(.draining, now)
        return true
    }

    /// Whether so many failed answers are more than the old ones had.
    private func isTooMany(_ failures: Int, of answers: Int) -> Bool {
        guard failures >= Self.failuresMin, answers > 0 else { return false }
        let isOften = failures * 100 >= answers * Self.failuresPercentMin
        // failures / answers > times · usual failures / usual answers
        let isUnusual =
            failures * max(usual.answers, 1)
            > Self.failuresTimesMax * usual.failures * answers
        return isOften && isUnusual
    }

    private mutating func enter(_ phase: Phase, _ now: ContinuousClock.Instant) {
        self.phase = phase
        since = now
        if phase.isEnd { timeToEnd = began.duration(to: now) }
    }

    /// When the phase ends by time, if nothing else happens before; nil after the end.
    package var deadline: ContinuousClock.Instant? {
        switch phase {
        case .checking: began + plan.timeout
        case .watching: since + plan.watch
        case .draining: since + drainLimit + Self.drainMin
        case .done, .undone: nil
        }
    }
}
