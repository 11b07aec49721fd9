// Loads: the requests in flight on each backend, as one worker counts them, and what follows from
// them for the next one.
//
// What is stuck counts as load: a backend that hangs keeps every request that it got, soon has more
// than its share, and is passed over long before a check or a timer notices. Its share is measured by
// the others: it may have a quarter more than they have on average for their weights, and one:
//
//     mine + 1  <=  1 + 5/4 * weight * (others' requests + 1) / others' weight
//
// One of those with the least load for its weight always passes, so that somebody gets the request. Up
// to `smallLoad` are nobody's excess: with less, one slow page would cost a backend its turns, and it
// takes some that wait to tell a backend that hangs from a slow page.

package import Backends

/// Requests in flight by place. Value type; each worker has one per service.
package struct Loads {
    /// Requests in flight that are never more than a backend's share.
    package static let smallLoad = 3

    private struct Member {
        var inFlight: Int
        let weight: Int
        let tier: Int
        let isOnProbation: Bool
        let id: BackendID
    }

    private struct TierSum {
        var inFlight = 0
        var weight = 0
    }

    private var members: [Member] = []
    private var tiers: [TierSum] = []
    /// Requests that one backend may have in flight from this worker; nil is no limit.
    package var inFlightMax: Int?

    /// No backends.
    init() {}

    /// Starts anew with the backends of `rotation`; `inFlight` says what each has by its place.
    init(_ rotation: Rotation, inFlightMax: Int?, inFlight: (Int) -> Int) {
        self.inFlightMax = inFlightMax
        members.reserveCapacity(rotation.count)
        for (tier, tierMembers) in rotation.tiers.enumerated() {
            var sum = TierSum()
            for member in tierMembers {
                let count = inFlight(members.count)
                members.append(
                    Member(
                        inFlight: count, weight: Int(member.weight), tier: tier,
                        isOnProbation: member.isOnProbation, id: member.id))
                sum.inFlight += count
                sum.weight += Int(member.weight)
            }
            tiers.append(sum)
        }
    }

    /// How many backends there are.
    package var count: Int { members.count }

    /// Requests in flight on the backend at `place`.
    package func inFlight(_ place: Int) -> Int { members[place].inFlight }

    /// The weight of the backend at `place`.
    package func weight(_ place: Int) -> Int { members[place].weight }

    /// The number of the backend at `place`.
    package func id(_ place: Int) -> BackendID { members[place].id }

    /// Counts a request more, or with -1 a request less.
    mutating func add(_ difference: Int, at place: Int) {
        members[place].inFlight += difference
        tiers[members[place].tier].inFlight += difference
    }

    // MARK: Who may get a request

    /// Whether the backend at `place` may get it.
    enum Verdict {
        /// It may.
        case admitted
        /// Rather another, as long as there is one: it has more than its share.
        case passedOver
        /// Rather any other: it is on probation, and this is not the request to try it with.
        case onProbation
        /// It has as many as it may have.
        case full
        /// It was tried.
        case tried
    }

    /// Whether the backend at `place` may get `request`.
    func verdict(_ place: Int, _ request: PickRequest) -> Verdict {
        let member = members[place]
        if request.tried.count > 0, request.tried.contains(member.id) { return .tried }
        // Whoever has nothing in flight is below every limit, which is at least 1.
        guard member.inFlight > 0 else {
            return member.isOnProbation && !request.isRepeatable ? .onProbation : .admitted
        }
        if let inFlightMax, member.inFlight >= inFlightMax { return .full }
        if member.isOnProbation { return .onProbation }
        return isWithinShare(member) ? .admitted : .passedOver
    }

    private func isWithinShare(_ member: Member) -> Bool {
        if member.inFlight < Self.smallLoad { return true }
        let tier = tiers[member.tier]
        let othersWeight = tier.weight - member.weight
        guard othersWeight > 0 else { return true }
        let others = tier.inFlight - member.inFlight
        // Weights are below 2^24 and their sum below 2^40, so the products fit.
        return 4 * member.inFlight * othersWeight <= 5 * member.weight * (others + 1)
    }
}
