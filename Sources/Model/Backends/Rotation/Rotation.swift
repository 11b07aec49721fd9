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
        /// The name that the endpoint was resolved from; empty for none.
        package let hostName: String
        /// The effective weight, at least 1: its share is this over the sum of its tier's.
        package let weight: UInt32
        /// Where it stands in the order of fail-over.
        package let tier: Tier
        /// Whether it was ejected before and no live answer has spoken for it since: it gets one
        /// request at a time, and only such as can be repeated. Never all of a tier are.
        package let isOnProbation: Bool

        /// The RFC 2782 priority within its source.
        package var priority: UInt16 { tier.priority }

        /// A member; `weight` is at least 1.
        package init(
            id: BackendID, endpoint: Endpoint, hostName: String = "", weight: UInt32,
            priority: UInt16, place: UInt8 = 0, isReserve: Bool = false, isOnProbation: Bool = false
        ) {
            self.init(
                id: id, endpoint: endpoint, hostName: hostName, weight: weight,
                tier: Tier(place: place, priority: priority, isReserve: isReserve),
                isOnProbation: isOnProbation)
        }

        init(
            id: BackendID, endpoint: Endpoint, hostName: String, weight: UInt32, tier: Tier,
            isOnProbation: Bool
        ) {
            self.id = id
            self.endpoint = endpoint
            self.hostName = hostName
            self.weight = weight
            self.tier = tier
            self.isOnProbation = isOnProbation
        }

        /// This backend with another weight and trust.
        func with(weight: UInt32, isOnProbation: Bool) -> Member {
            Member(
                id: id, endpoint: endpoint, hostName: hostName, weight: weight, tier: tier,
                isOnProbation: isOnProbation)
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
