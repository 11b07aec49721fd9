// Where something stands in a head: offsets, not copies, so that a parsed head owns no text.

/// A half-open range of offsets into the bytes that a head was parsed from.
package struct ByteRange: Equatable, Sendable {
    /// Offset of the first byte; 0 is the first byte given to `parse`.
    package var start: UInt32
    /// Offset after the last byte; never less than `start`.
    package var end: UInt32

    /// The range of no bytes, at 0.
    package static let empty = ByteRange(0, 0)

    /// How many bytes.
    @inlinable
    package var count: Int { Int(end) - Int(start) }
    /// Whether there are none.
    @inlinable
    package var isEmpty: Bool { start == end }
    /// For `bytes.extracting(range.bounds)`.
    @inlinable
    package var bounds: Range<Int> { Int(start)..<Int(end) }

    @usableFromInline
    init(start: UInt32, end: UInt32) {
        self.start = start
        self.end = end
    }

    /// From offsets inside a head, which `HeadLimits` keeps below 2^31.
    init(_ start: Int, _ end: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
    }
}
