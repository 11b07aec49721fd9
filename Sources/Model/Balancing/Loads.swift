// Loads: the requests in flight on each backend, as one worker counts them, and what follows from
// them for the next one.
//
// What is stuck counts as load: a backend that hangs keeps every request that it got, soon has more
// than its share, and is passed over long before a check or a timer notices. Its share is measured
// by the others: it may have a quarter more than they have on average for their weights, and one:
//
//     mine + 1  <=  1 + 5/4 * weight * (others' requests + 1) / others' weight
//
// What counts is what waits for the first byte of an answer. A stream (a WebSocket, a tunnel, a TCP
// connection, a long body) says nothing of how a backend would take a request: it may last for
// hours, and those that hold many would be starved, and newcomers flooded. So streams are weighed
// among streams, when one is to begin, and limits and `least-connections` alone count both
// together.
//
// One of those with the least load for its weight always passes, so that somebody gets the request.
// Up to `smallLoad` are nobody's excess: with less, one slow page would cost a backend its turns,
// and it takes some that wait to tell a backend that hangs from a slow page. Backends on probation
// are not among the others, as they hold next to nothing; when all of a tier are on probation, none
// is, since nobody is a better choice then.

package import Backends

/// Requests in flight by place. Value type; each worker has one per service.
package struct Loads {
    /// Requests in flight that are never more than a backend's share.
    package static let smallLoad = 3

    private struct Member {
        var inFlight: Int
        /// How many of `inFlight` are streams.
        var streams: Int
        let weight: Int
        let tier: Int
        let isOnProbation: Bool
        let id: BackendID
    }

    private struct TierSum {
        /// Of those that are not on probation.
        var inFlight = 0
        /// Of those that are not on probation.
        var streams = 0
        /// Of those that are not on probation.
        var weight = 0
        /// How many have as many requests as they may have.
        var fullCount = 0
        var count = 0
        /// The lower median of the weights.
        var medianWeight = 1
    }

    private var members: [Member] = []
    private var tiers: [TierSum] = []
    /// Requests that one backend may have in flight from this worker, at least 1; nil is no limit.
    package let inFlightMax: Int?

    /// No backends.
    init() {
        inFlightMax = nil
    }

    /// Starts over with the backends of `rotation`; `inFlight` says what each has by its place, and
    /// `streams` how many of these are streams.
    init(
        _ rotation: Rotation, inFlightMax: Int?, inFlight: (Int) -> Int, streams: (Int) -> Int
    ) {
        precondition(inFlightMax.map { $0 >= 1 } ?? true)
        self.inFlightMax = inFlightMax
        members.reserveCapacity(rotation.count)
        for (tier, tierMembers) in rotation.tiers.enumerated() {
            let isProbationMeant = tierMembers.contains { !$0.isOnProbation }
            let weights = tierMembers.map(\.weight).sorted()
            var sum = TierSum()
            sum.count = weights.count
            sum.medianWeight = Int(weights[(weights.count - 1) / 2])
            tiers.append(sum)
            for member in tierMembers {
                let isOnProbation = isProbationMeant && member.isOnProbation
                if !isOnProbation { tiers[tier].weight += Int(member.weight) }
                members.append(
                    Member(
                        inFlight: 0, streams: 0, weight: Int(member.weight), tier: tier,
                        isOnProbation: isOnProbation, id: member.id))
                let place = members.count - 1
                add(inFlight(place), at: place)
                addStreams(streams(place), at: place)
            }
        }
    }

    /// How many backends there are.
    package var count: Int { members.count }

    /// Requests in flight on the backend at `place`.
    package func inFlight(_ place: Int) -> Int { members[place].inFlight }

    /// What counts for `request` of what is in flight on the backend at `place`: streams for one
    /// that will be a stream, for others what waits for the first byte of an answer.
    func load(_ place: Int, _ request: PickRequest) -> Int {
        Self.load(members[place], request)
    }

    private static func load(_ member: Member, _ request: PickRequest) -> Int {
        request.isStream ? member.streams : member.inFlight - member.streams
    }

    /// The weight of the backend at `place`.
    package func weight(_ place: Int) -> Int { members[place].weight }

    /// The number of the backend at `place`.
    package func id(_ place: Int) -> BackendID { members[place].id }

    /// The tier of the backend at `place`.
    func tier(_ place: Int) -> Int { members[place].tier }

    /// How loaded the backend at `place` is, by its weight, in whole requests of a backend of the
    /// tier's median weight.
    ///
    /// Whole ones, so that a backend of ten times the weight has ten requests before it counts as
    /// busier than an idle one, and shares are by weight when little is going on. The median, as a
    /// backend that starts slowly has a 256th of the weight of the others, which are not to count
    /// as idle for that.
    func level(_ place: Int) -> Int {
        let member = members[place]
        let median = tiers[member.tier].medianWeight
        return member.weight == median
            ? member.inFlight : member.inFlight * median / member.weight
    }

    /// Counts so many requests more, or less.
    mutating func add(_ difference: Int, at place: Int) {
        let before = members[place].inFlight
        let after = before + difference
        members[place].inFlight = after
        let tier = members[place].tier
        if !members[place].isOnProbation { tiers[tier].inFlight += difference }
        if let inFlightMax {
            if before < inFlightMax, after >= inFlightMax { tiers[tier].fullCount += 1 }
            if before >= inFlightMax, after < inFlightMax { tiers[tier].fullCount -= 1 }
        }
    }

    /// Counts so many streams more, or less, among the requests that are in flight.
    mutating func addStreams(_ difference: Int, at place: Int) {
        members[place].streams += difference
        if !members[place].isOnProbation { tiers[members[place].tier].streams += difference }
    }

    // MARK: Who may get a request

    /// Whether every backend of `tier` has as many requests as it may have.
    func isFull(tier: Int) -> Bool { tiers[tier].fullCount == tiers[tier].count }

    /// Whether the backend at `place` may get another request at all, if it was not tried.
    func canTakeMore(_ place: Int) -> Bool {
        let member = members[place]
        guard member.inFlight > 0 else { return true }
        if let inFlightMax, member.inFlight >= inFlightMax { return false }
        return !member.isOnProbation
    }

    /// Whether the backend at `place` may get it.
    enum Verdict {
        /// The backend may get the request.
        case admitted
        /// Rather another, as long as there is one: it has more than its share.
        case passedOver
        /// Rather any other: it is on probation, and this is not the request to try it with.
        case onProbation
        /// The backend has as many requests as it may have.
        case full
        /// The backend was tried for this request before.
        case tried
    }

    /// Whether the backend at `place` may get `request`. Inlined, as is what it calls: the arrays
    /// would be counted for each pick.
    @inline(__always)
    func verdict(_ place: Int, _ request: PickRequest) -> Verdict {
        let member = members[place]
        if request.tried.count > 0, request.tried.contains(member.id) { return .tried }
        // A backend with nothing in flight is below every limit, which is at least 1.
        guard member.inFlight > 0 else {
            let isMeant = !member.isOnProbation || request.isRepeatable || request.isCall
            return isMeant ? .admitted : .onProbation
        }
        if let inFlightMax, member.inFlight >= inFlightMax { return .full }
        if member.isOnProbation { return .onProbation }
        return isWithinShare(member, request) ? .admitted : .passedOver
    }

    @inline(__always)
    private func isWithinShare(_ member: Member, _ request: PickRequest) -> Bool {
        let mine = Self.load(member, request)
        if mine < Self.smallLoad { return true }
        let tier = tiers[member.tier]
        let othersWeight = tier.weight - member.weight
        guard othersWeight > 0 else { return true }
        let all = request.isStream ? tier.streams : tier.inFlight - tier.streams
        let others = all - mine
        // Weights are below 2^24 and their sum below 2^40, so the products fit.
        return 4 * mine * othersWeight <= 5 * member.weight * (others + 1)
    }
}
