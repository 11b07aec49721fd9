// Balancer: what all policies have in common: the rotation that they choose from, and the requests
// in flight. Each policy is a subclass in a file of its own.
//
// The first tier that has a backend which was not tried gets the request. A policy decides within a
// tier; `Loads.verdict` says which backends it may choose there: never one that was tried or is
// full, and one that is passed over only when there is no other.

package import Backends
package import Endpoints

/// Chooses backends for one service on one worker. Worker thread only.
package class Balancer {
    /// Requests in flight.
    package final private(set) var loads = Loads()
    /// The places of each tier.
    private(set) final var tiers: [Range<Int>] = []
    /// The first tier that is a reserve, for when those before it can't carry the load; `Int.max`
    /// for none.
    private final var firstReserve = Int.max
    /// The number of the worker, so that not all begin with the same backend.
    final let offset: Int
    /// Where the backends that clients stick to are.
    private final var stickyPlaces = StickyPlaces()

    /// A balancer without backends, on the worker with number `offset`. Subclasses only.
    init(offset: Int) {
        self.offset = offset
    }

    // MARK: What happens

    /// Takes up a new rotation; `inFlight` says how many requests each of its backends has, by its
    /// place, and `streams` how many of these are streams. A backend never gets more than
    /// `inFlightMax` (at least 1) from this worker; nil is no limit.
    ///
    /// - Complexity: O(n log n).
    package final func update(
        to rotation: Rotation, inFlightMax: Int?, inFlight: (Int) -> Int,
        streams: (Int) -> Int = { _ in 0 }
    ) {
        loads = Loads(
            rotation, inFlightMax: inFlightMax, inFlight: inFlight, streams: streams)
        var start = 0
        tiers = rotation.tiers.map { tier in
            defer { start += tier.count }
            return start..<start + tier.count
        }
        firstReserve = rotation.tiers.firstIndex { $0[0].tier.isReserve } ?? .max
        stickyPlaces.update(to: rotation)
        rebuild(rotation)
    }

    /// The backend for `request`. The caller says `began` if it sends it there.
    ///
    /// - Complexity: O(log n) or better, as a mean over many picks; O(n) for a request that was
    ///   tried elsewhere, and when nearly all backends are full.
    package final func pick(_ request: PickRequest) -> Pick {
        if request.isLast, request.tried.count > 0, let pick = pickInFreshTier(request) {
            return pick
        }
        var isFull = false
        for tier in tiers.indices {
            // Lower tiers are for when a tier is gone, not for when it is busy; only a reserve is
            // for both.
            let overflows = tier + 1 == firstReserve
            if request.tried.count == 0, loads.isFull(tier: tier) {
                guard overflows else { return .full }
                isFull = true
                continue
            }
            let pick = pick(request, in: tier)
            if pick == .full, overflows {
                isFull = true
            } else if pick != .none {
                return pick
            }
        }
        return isFull ? .full : .none
    }

    /// A backend of the first tier where the request was not yet; nil without one that has room. A
    /// tier is often a place of its own, such as a datacentre, and a request that failed in one may
    /// work in another.
    ///
    /// - Complexity: O(n).
    private func pickInFreshTier(_ request: PickRequest) -> Pick? {
        guard tiers.count > 1 else { return nil }
        for tier in tiers.indices
        where !tiers[tier].contains(where: { request.tried.contains(loads.id($0)) }) {
            let pick = pick(request, in: tier)
            if case .backend = pick { return pick }
        }
        return nil
    }

    /// A request was sent to the backend at `place`.
    package final func began(_ place: Int) {
        loads.add(1, at: place)
        loadChanged(place)
    }

    /// A request on the backend at `place` is over.
    package final func ended(_ place: Int) {
        loads.add(-1, at: place)
        loadChanged(place)
    }

    /// A request on the backend at `place`, which counts as begun, is a stream from now on.
    package final func becameStream(_ place: Int) {
        loads.addStreams(1, at: place)
    }

    /// A stream on the backend at `place` is over; call `ended` for it as well.
    package final func streamEnded(_ place: Int) {
        loads.addStreams(-1, at: place)
    }

    // MARK: Sticky clients

    /// From now on `place(of:)` knows the backends by their tokens, which are made with `secret`.
    final func stick(secret: UInt64) {
        stickyPlaces = StickyPlaces(secret: secret)
    }

    /// The place of the backend whose endpoint has this token (`token(of:secret:)`); nil when the
    /// rotation has none, and always without sticky clients.
    package final func place(of token: UInt64) -> Int? {
        guard let place = stickyPlaces[token] else { return nil }
        // A reserve gets nothing new while there are others.
        let tier = loads.tier(place)
        return tier > 0 && tier >= firstReserve ? nil : place
    }

    /// Whether a client that sticks to the backend at `place` may go there with `request`: not if
    /// it was tried or is full, nor if it is on probation and the request can't be sent again. More
    /// than its share is fine: the client's session is there and nowhere else.
    package final func admits(_ place: Int, _ request: PickRequest) -> Bool {
        switch loads.verdict(place, request) {
        case .admitted, .passedOver: true
        case .onProbation: request.isRepeatable
        case .full, .tried: false
        }
    }

    /// Whether the backend at `place` has as many requests as it may have.
    package final func isFull(_ place: Int) -> Bool {
        loads.inFlightMax.map { loads.inFlight(place) >= $0 } ?? false
    }

    /// What a cookie calls the backend at `endpoint`: the same on every worker, in every process
    /// with this `secret`, and after a restart. Without the secret it says nothing about the
    /// endpoint, and can't be made for another one.
    package static func token(of endpoint: Endpoint, secret: UInt64) -> UInt64 {
        EndpointHash.of(endpoint, SipHash.Key(secret, ~secret))
    }

    // MARK: For policies

    /// The rotation has changed; `loads` and `tiers` are of the new one.
    func rebuild(_ rotation: Rotation) {}

    /// The backend of a tier for `request`.
    func pick(_ request: PickRequest, in tier: Int) -> Pick {
        preconditionFailure("each policy picks in its own way")
    }

    /// The number of requests in flight at `place` has changed.
    func loadChanged(_ place: Int) {}

    /// The head of an answer came from the backend at `place`, so many nanoseconds after the
    /// request was sent; `now` is the worker's clock, in nanoseconds. Not for answers that failed:
    /// a backend that refuses everything at once is not a quick one.
    package func answered(_ place: Int, after nanoseconds: UInt64, now: UInt64) {}

    /// The best of a tier when the policy's own choice can't be: the least loaded for its weight of
    /// those that are neither tried nor full, one on probation only when there is no other. Rare,
    /// so a walk over all will do.
    ///
    /// - Complexity: O(n).
    final func leastLoaded(_ request: PickRequest, in tier: Int) -> Pick {
        var best: Int?
        var onProbation: Int?
        var isFull = false
        for place in tiers[tier] {
            switch loads.verdict(place, request) {
            case .tried: continue
            case .full: isFull = true
            case .onProbation: onProbation = lesser(place, onProbation, request)
            case .admitted, .passedOver: best = lesser(place, best, request)
            }
        }
        return (best ?? onProbation).map { .backend($0) } ?? (isFull ? .full : .none)
    }

    /// Which of the two would have less for its weight, with one more; `other` among equals.
    private func lesser(_ place: Int, _ other: Int?, _ request: PickRequest) -> Int {
        guard let other else { return place }
        let isLess =
            (loads.load(place, request) + 1) * loads.weight(other)
            < (loads.load(other, request) + 1) * loads.weight(place)
        return isLess ? place : other
    }
}
