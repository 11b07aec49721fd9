// FieldTally: how much of a header block is listened to. A block of some kilobytes can name the fields
// of a table again and again, so what counts is what it comes to, not what it has.

internal import HTTP1

/// Counts the fields of one block.
struct FieldTally {
    /// What each field counts beside the bytes of its name and value (RFC 9113 section 6.5.2).
    private static let fieldOverhead = 32
    /// With more than so many, a peer is no honest one.
    private static let excess = 1000

    private let limits: HeadLimits
    private var fields = 0
    private var lines = 0
    private var size = 0

    init(_ limits: HeadLimits) { self.limits = limits }

    /// Counts `field`; what the block comes to because of it, nil if it is within the limits. Each
    /// part of a cookie counts as a field, a pseudo-header field only with its size.
    @inline(__always)
    mutating func add(_ field: DecodedField) -> HeadTextOutcome? {
        fields &+= 1
        size &+= field.nameCount &+ field.valueCount &+ Self.fieldOverhead
        if !field.name.isPseudo { lines &+= 1 }
        if size <= limits.bytesMax, lines <= limits.fieldsMax { return nil }
        // An operator may want more than that many.
        if fields > max(Self.excess, limits.fieldsMax) { return .excessive }
        return .refused(size > limits.bytesMax ? .headTooLarge : .tooManyFields)
    }
}
