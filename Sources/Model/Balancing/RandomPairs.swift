// RandomPairs: two different backends of a tier at random, for the policies that compare two.

internal import Backends
internal import Random

/// Draws pairs in O(1). Value type.
struct RandomPairs {
    /// Pairs that are drawn before all backends are looked at: when three of four can't take a
    /// request, that is one in a hundred.
    static let tries = 8
    /// Draws, after which the second is any backend but the first: one of far more weight than all
    /// others would be drawn again and again.
    private static let redraws = 4

    private var generator: SplitMix64
    private var tables: [AliasTable] = []
    private var counts: [Int] = []

    /// No backends; the pairs depend on `seed`.
    init(seed: UInt64 = 0) {
        generator = SplitMix64(seed: seed)
    }

    /// Draws from `rotation` from now on.
    mutating func update(to rotation: Rotation) {
        tables = rotation.tiers.map { tier in AliasTable(weights: tier.map(\.weight)) }
        counts = rotation.tiers.map(\.count)
    }

    /// Two of a tier: the first by weight, the second by weight among the others, or nearly so.
    /// Both are the same only where there is but one.
    mutating func draw(_ tier: Int) -> (first: Int, second: Int) {
        let count = counts[tier]
        guard count > 1 else { return (0, 0) }
        let first = tables[tier].draw(&generator)
        for _ in 0..<Self.redraws {
            let second = tables[tier].draw(&generator)
            if second != first { return (first, second) }
        }
        let second = generator.next(below: count - 1)
        return (first, second < first ? second : second + 1)
    }
}
