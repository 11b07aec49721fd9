// RoundRobin: smooth weighted round robin, bounded by load.

internal import Backends

/// The default policy: the backends of a tier take turns by weight, exactly within one worker. One
/// that has more in flight than its share (Loads.swift) loses its turn. Worker thread only.
package final class RoundRobin: Balancer {
    private var turns = TierTurns()

    /// A policy without backends. Workers pass their number as `offset`, so that each begins with
    /// another backend.
    package override init(offset: Int = 0) {
        super.init(offset: offset)
    }

    override func rebuild(_ rotation: Rotation) {
        turns.update(to: rotation, offset: offset)
    }

    override func pick(_ request: PickRequest, in tier: Int) -> Pick {
        let places = tiers[tier]
        // As many turns as there are backends: when the last one is over its share as well, there
        // is no better one.
        for _ in places {
            guard let index = turns.first(in: tier) else { break }
            let place = places.lowerBound + index
            switch loads.verdict(place, request) {
            case .admitted:
                turns.pickFirst(in: tier)
                return .backend(place)
            case .passedOver, .onProbation, .full:
                turns.pickFirst(in: tier)
            case .tried:
                return pickElsewhere(request, in: tier)
            }
        }
        return leastLoaded(request, in: tier)
    }

    /// Picks for a request that has tried the backend whose turn it is: that turn stays due, and
    /// the next best gets the request. Not inlined: it keeps a copy of the request.
    @inline(never)
    private func pickElsewhere(_ request: PickRequest, in tier: Int) -> Pick {
        let start = tiers[tier].lowerBound
        let next = turns[tier].pickFirst { loads.verdict(start + $0, request) == .admitted }
        return next.map { .backend(start + $0) } ?? leastLoaded(request, in: tier)
    }
}
