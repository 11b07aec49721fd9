// RandomOfTwo: the less loaded of two backends that are drawn at random (Mitzenmacher 1996). It keeps
// nothing in order, so it costs the same for three backends and for ten thousand, and workers that
// know nothing of each other do not choose the same.
//
// The two always differ: where one backend may be drawn twice, one of three that hangs is chosen
// whenever both draws are it, a ninth of the requests, for as long as it hangs. The first is drawn by
// weight and gets the request unless the second is less loaded; so shares are by weight, also of 1000
// to 1, where nearly every pair is the same two.

internal import Backends

/// The less loaded of two that are drawn by weight. Worker thread only.
package final class RandomOfTwo: Balancer {
    private var pairs = RandomPairs()

    /// A policy without backends; its choices depend on `seed`.
    package init(seed: UInt64) {
        super.init(offset: 0)
        pairs = RandomPairs(seed: seed)
    }

    override func rebuild(_ rotation: Rotation) {
        pairs.update(to: rotation)
    }

    override func pick(_ request: PickRequest, in tier: Int) -> Pick {
        let start = tiers[tier].lowerBound
        for _ in 0..<RandomPairs.tries {
            let (first, second) = pairs.draw(tier)
            let isFirst = loads.verdict(start + first, request) == .admitted
            let isSecond = loads.verdict(start + second, request) == .admitted
            guard isFirst || isSecond else { continue }
            guard isFirst, isSecond else { return .backend(start + (isFirst ? first : second)) }
            let isSecondBetter = loads.level(start + second) < loads.level(start + first)
            return .backend(start + (isSecondBetter ? second : first))
        }
        return leastLoaded(request, in: tier)
    }
}
