// AliasTable: draws by weight in O(1), by Walker's method in Vose's form. There is a column for
// each member, as wide as an average weight; a light member shares its column with one that has
// weight to spare. A draw is a column, and a point in it.

internal import Random

/// Draws among members of different weight. Value type.
struct AliasTable {
    private struct Column {
        /// Points below it belong to the column's own member.
        var limit: UInt32
        /// The member to which the rest belongs.
        var alias: Int32
    }

    /// Empty when all have the same weight.
    private var columns: [Column] = []
    private let count: Int

    /// - Parameter weights: Each at least 1; not empty, and fewer than 2^31.
    init(weights: [UInt32]) {
        count = weights.count
        guard let first = weights.first, weights.contains(where: { $0 != first }) else { return }
        let total = weights.reduce(0) { $0 + UInt64($1) }
        // In units in which a column is `total` wide: 2^24 * 2^31 fits.
        var left = weights.map { UInt64($0) * UInt64(count) }
        columns = (0..<count).map { Column(limit: .max, alias: Int32($0)) }
        var light = left.indices.filter { left[$0] < total }
        var heavy = left.indices.filter { left[$0] >= total }
        while let from = light.popLast(), let to = heavy.last {
            columns[from] = Column(
                limit: UInt32(left[from].multipliedFullWidth(by: 1 << 32, over: total)),
                alias: Int32(to))
            left[to] -= total - left[from]
            guard left[to] < total else { continue }
            heavy.removeLast()
            light.append(to)
        }
    }

    /// A member, by weight.
    func draw(_ generator: inout SplitMix64) -> Int {
        guard !columns.isEmpty else { return generator.next(below: count) }
        let index = generator.next(below: count)
        let column = columns[index]
        let point = UInt32(truncatingIfNeeded: generator.next())
        return point < column.limit ? index : Int(column.alias)
    }
}

extension UInt64 {
    /// This times `factor` over `divisor`, rounded down.
    ///
    /// - Precondition: The result fits.
    fileprivate func multipliedFullWidth(by factor: UInt64, over divisor: UInt64) -> UInt64 {
        divisor.dividingFullWidth(multipliedFullWidth(by: factor)).quotient
    }
}
