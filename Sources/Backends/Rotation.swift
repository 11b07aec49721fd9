// Rotation: all that a worker needs to know about a service's backends, in one immutable object
// that is published as a whole. A worker keeps the one it has until the next arrives, so a request
// never sees half of a change; and a retry picks from the one that is current by then.

package import Endpoints

/// The backends of one service that may get new traffic, in priority tiers. Immutable, any thread.
package final class Rotation: Sendable {
    /// A backend as the balancing policies see it.
    package struct Member: Sendable, Equatable {
        /// The backend's number, for counters and reports.
        package let id: BackendID
        /// Where to connect.
        package let endpoint: Endpoint
        /// The effective weight, at least 1: its share is this over the sum of its tier's.
        package let weight: UInt32
        /// Where it stands in the order of fail-over.
        package let tier: Tier
        /// Whether it has to show that it answers before it gets its share again: one request at a
        /// time until then, and only such as may be sent again elsewhere.
        package let isOnProbation: Bool

        /// The RFC 2782 priority within its source.
        package var priority: UInt16 { tier.priority }

        /// A member; `weight` is at least 1.
        package init(
            id: BackendID, endpoint: Endpoint, weight: UInt32, priority: UInt16, place: UInt8 = 0,
            isOnProbation: Bool = false
        ) {
            self.id = id
            self.endpoint = endpoint
            self.weight = weight
            tier = Tier(place: place, priority: priority)
            self.isOnProbation = isOnProbation
        }
    }

    /// Whose backends these are.
    package let service: ServiceID
    /// Grows with each rotation of a service; 0 is the empty one before the first answer.
    package let generation: UInt64
    /// The best tier first, each in a stable order; no tier is empty. One that had too few backends
    /// to stand alone has those of the next with it.
    package let tiers: [[Member]]

    /// - Precondition: no tier is empty, and every weight is at least 1.
    package init(service: ServiceID, generation: UInt64, tiers: [[Member]]) {
        precondition(tiers.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.weight >= 1 } })
        self.service = service
        self.generation = generation
        self.tiers = tiers
    }

    /// Whether no backend may get traffic.
    package var isEmpty: Bool { tiers.isEmpty }

    /// How many backends may get traffic, over all tiers.
    package var count: Int { tiers.reduce(0) { $0 + $1.count } }

    /// All backends, the best tier first.
    package var members: FlattenSequence<[[Member]]> { tiers.joined() }
}

// MARK: Building

extension Rotation {
    /// How much of a tier there is, whether it may get traffic or not.
    struct Strength {
        /// Backends by tier, those that drain left out.
        var totals: [Tier: Int] = [:]
        /// A tier with fewer members than this share of its backends is joined by the next one, in
        /// percent.
        var failoverPercent = 0
    }

    /// Groups members, whose weights are still those of SRV, into tiers.
    ///
    /// Weights are used as they are: 10 to 1 is 10 to 1. Weight 0 means "a very small chance"
    /// beside others, and no preference among its like (RFC 2782): if all of a tier have it, all
    /// get 1; else they get 1 and the positive ones are multiplied by 256, which leaves the ratios
    /// among those exact and fits, since SRV weights have 16 bits.
    /// - Complexity: O(n log n).
    static func tiers(of members: [Member], _ strength: Strength = Strength()) -> [[Member]] {
        let sorted = members.sorted { ($0.tier, $0.endpoint) < ($1.tier, $1.endpoint) }
        var tiers: [[Member]] = []
        for member in sorted {
            if let last = tiers.last?.first, last.tier == member.tier {
                tiers[tiers.count - 1].append(member)
            } else {
                tiers.append([member])
            }
        }
        join(&tiers, strength)
        return tiers.map(withEffectiveWeights)
    }

    /// Lets the best tier be joined by those below it until enough of its backends are there: what
    /// is left of it goes on getting its share, and is not left alone with all of the traffic.
    private static func join(_ tiers: inout [[Member]], _ strength: Strength) {
        guard strength.failoverPercent > 0 else { return }
        while tiers.count > 1 {
            let total = Set(tiers[0].map(\.tier)).reduce(0) { $0 + strength.totals[$1, default: 0] }
            if tiers[0].count * 100 >= total * strength.failoverPercent { return }
            tiers[0] += tiers.remove(at: 1)
        }
    }

    private static func withEffectiveWeights(_ tier: [Member]) -> [Member] {
        guard tier.contains(where: { $0.weight == 0 }) else { return tier }
        return tier.map { member in
            Member(
                id: member.id, endpoint: member.endpoint, weight: max(1, member.weight * 256),
                priority: member.tier.priority, place: member.tier.place)
        }
    }
}

// MARK: Comparing

extension Rotation {
    /// What a worker has to do to get from one rotation to a later one.
    package struct Change: Sendable, Equatable {
        /// Backends that are only in the later one.
        package var added: [Member] = []
        /// Backends that are only in the earlier one: no new requests, idle connections closed.
        package var removed: [Member] = []
        /// Backends in both whose weight or priority differs, as they are in the later one.
        package var changed: [Member] = []

        /// Whether the two give traffic to the same backends in the same shares.
        package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
    }

    /// The difference from `earlier` to this one, by backend number.
    /// - Complexity: O(n).
    package func change(since earlier: Rotation) -> Change {
        var old: [BackendID: Member] = [:]
        old.reserveCapacity(earlier.count)
        for member in earlier.members { old[member.id] = member }
        var change = Change()
        for member in members {
            guard let was = old.removeValue(forKey: member.id) else {
                change.added.append(member)
                continue
            }
            if was != member { change.changed.append(member) }
        }
        change.removed = earlier.members.filter { old[$0.id] != nil }
        return change
    }
}
