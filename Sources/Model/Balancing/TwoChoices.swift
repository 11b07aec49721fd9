// TwoChoices: what the policies have in common that draw two backends at random and take the
// better: the drawing, and what happens when one of the two may not be chosen. Which is better is
// up to the policy.

internal import Backends

/// The better of two that are drawn by weight. Worker thread only.
package class TwoChoices: Balancer {
    private final var pairs: RandomPairs

    /// A policy without backends; its choices depend on `seed`. Subclasses only.
    init(seed: UInt64) {
        pairs = RandomPairs(seed: seed)
        super.init(offset: 0)
    }

    override func rebuild(_ rotation: Rotation) {
        pairs.update(to: rotation)
    }

    override final func pick(_ request: PickRequest, in tier: Int) -> Pick {
        let start = tiers[tier].lowerBound
        for _ in 0..<RandomPairs.tries {
            let (first, second) = pairs.draw(tier)
            let isFirst = loads.verdict(start + first, request) == .admitted
            let isSecond = loads.verdict(start + second, request) == .admitted
            guard isFirst || isSecond else { continue }
            guard isFirst, isSecond else { return .backend(start + (isFirst ? first : second)) }
            let isSecondBetter = isBetter(start + second, than: start + first, in: tier)
            return .backend(start + (isSecondBetter ? second : first))
        }
        return leastLoaded(request, in: tier)
    }

    /// Whether the backend at `place` is better than `other`, which was drawn first.
    func isBetter(_ place: Int, than other: Int, in tier: Int) -> Bool {
        preconditionFailure("each policy judges in its own way")
    }
}
