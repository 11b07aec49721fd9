// LeastConnections: the backend with the fewest requests in flight for its weight; those that have
// equally few take turns by weight. So shares are by weight as long as all answer alike, and a
// slower one gets less.
//
// The order of all backends by load is kept at hand, a step of O(log n) whenever a request begins
// or ends. It knows the requests of this worker only, as each worker does.

internal import Backends

/// The least loaded backend, ties in turns. Worker thread only.
package final class LeastConnections: Balancer {
    private var turns = TierTurns()

    /// A policy without backends. Workers pass their number as `offset`, so that each begins with
    /// another backend.
    package override init(offset: Int = 0) {
        super.init(offset: offset)
    }

    override func rebuild(_ rotation: Rotation) {
        turns.update(to: rotation, offset: offset)
        for place in 0..<loads.count { loadChanged(place) }
    }

    override func loadChanged(_ place: Int) {
        let tier = loads.tier(place)
        // A backend that can't take more is last, and not in the way.
        let level = loads.canTakeMore(place) ? loads.level(place) : .max
        turns[tier].setLevel(level, of: place - tiers[tier].lowerBound)
    }

    override func pick(_ request: PickRequest, in tier: Int) -> Pick {
        let start = tiers[tier].lowerBound
        if let index = turns[tier].first, loads.verdict(start + index, request) == .admitted {
            turns[tier].pickFirst()
            return .backend(start + index)
        }
        let next = turns[tier].pickFirst { loads.verdict(start + $0, request) == .admitted }
        return next.map { .backend(start + $0) } ?? leastLoaded(request, in: tier)
    }
}
