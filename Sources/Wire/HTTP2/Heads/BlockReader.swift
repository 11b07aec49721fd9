// BlockReader: what all readers of header blocks have in common. A block is decoded to its end also
// when the message is refused, and it is bounded by what it comes to, not by what it has: some
// kilobytes can name the fields of a table again and again.

internal import HTTP1

/// Walks over the fields of one block.
struct BlockReader {
    /// What each field counts beside the bytes of its name and value (RFC 9113 section 6.5.2).
    private static let fieldOverhead = 32
    /// With more fields than this a peer is no honest one.
    private static let excess = 1000

    private let limits: HeadLimits
    private var offset = 0
    private var fields = 0
    private var lines = 0
    private var size = 0
    /// Whether `outcome` is anything but `complete`.
    private var isRefused = false

    /// What the block has come to so far.
    private(set) var outcome = HeadTextOutcome.complete
    /// Where in the head the line of the last field begins.
    private(set) var lineStart = 0

    /// Begins with `block`.
    init(_ block: Span<UInt8>, limits: HeadLimits, decoder: inout HPACKDecoder) {
        self.limits = limits
        if let error = decoder.begin(block, at: &offset) {
            offset = block.count
            refuse(.broken(error))
        }
    }

    /// Appends the line of the next field to `head`. nil at the end; then `outcome` says what the
    /// block is, and if it is refused, `head` may have anything.
    @inline(__always)
    mutating func next(
        _ block: Span<UInt8>, decoder: inout HPACKDecoder, to head: inout HeadBytes
    ) -> DecodedField? {
        while true {
            lineStart = head.count
            switch decoder.next(block, at: &offset, isWanted: !isRefused, to: &head) {
            case .end:
                return nil
            case .broken(let error):
                refuse(.broken(error))
                return nil
            case .field(let field):
                if count(field), !isRefused { return field }
                head.truncate(to: lineStart)
                if outcome == .excessive { return nil }
            }
        }
    }

    /// Refuses the message: what remains of the block is decoded, and not returned.
    mutating func refuse(_ refusal: HeadTextOutcome) {
        isRefused = true
        outcome = refusal
    }

    /// Whether the block is within its limits with `field`; else it is refused. Each part of a
    /// cookie is a field, a pseudo-header field counts only with its size.
    @inline(__always)
    private mutating func count(_ field: DecodedField) -> Bool {
        fields &+= 1
        size &+= field.nameCount &+ field.valueCount &+ Self.fieldOverhead
        if !field.name.isPseudo { lines &+= 1 }
        if size <= limits.bytesMax, lines <= limits.fieldsMax { return true }
        exceed()
        return false
    }

    @inline(never)
    private mutating func exceed() {
        // An operator may want more fields than that.
        if fields > max(Self.excess, limits.fieldsMax) {
            refuse(.excessive)
        } else if !isRefused {
            refuse(.refused(size > limits.bytesMax ? .headTooLarge : .tooManyFields))
        }
    }
}
