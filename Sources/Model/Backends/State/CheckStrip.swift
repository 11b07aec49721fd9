// CheckStrip: how the last checks of a backend ended, in sixteen bytes, since there may be
// thousands of backends: one look tells whether it fails now and then, or has only just begun to.

/// The last checks, passed or failed, up to 60 of them. Value type, any thread.
package struct CheckStrip: Sendable, Equatable {
    /// How many are kept.
    package static let capacity = 60
    private var bits: UInt64 = 0
    /// How many there are, 0 to `capacity`.
    package private(set) var count: UInt8 = 0

    /// None yet.
    package init() {}

    /// Adds one; the oldest is forgotten when there are too many.
    package mutating func add(passed: Bool) {
        bits = bits << 1 | (passed ? 1 : 0)
        count = min(count + 1, UInt8(Self.capacity))
    }

    /// A letter for each, the oldest first: `+` passed, `-` failed.
    package var text: String {
        String((0..<count).reversed().map { bits >> $0 & 1 == 1 ? "+" : "-" })
    }
}
