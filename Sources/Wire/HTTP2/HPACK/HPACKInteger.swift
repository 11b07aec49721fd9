// Integers of HPACK (RFC 7541 section 5.1): as much as fits into the lower bits of a first byte,
// whose upper bits say something else, and the rest in groups of seven bits, the lowest first.

/// Reads and writes integers.
package enum HPACKInteger {
    /// Bytes that may follow the first one: 2^35 is more than any length or index can be.
    private static let continuationMax = 5
    /// The most bytes that `append` writes for a number below 2^28.
    package static let bytesMax = 5

    /// The integer whose first byte is at `offset`, which moves behind it. nil if the block ends
    /// within it, or if it has more than six bytes: then `offset` says nothing.
    /// - Parameter prefix: how many of the lower bits of the first byte belong to it, 1 to 8.
    /// - Precondition: `offset` is inside `block`.
    @inline(__always)
    package static func read(_ block: Span<UInt8>, at offset: inout Int, prefix: Int) -> Int? {
        let limit = (1 << prefix) &- 1
        let first = Int(block[offset]) & limit
        offset &+= 1  // at most the count of a span
        return first < limit ? first : readRest(block, at: &offset, limit)
    }

    @inline(never)
    private static func readRest(_ block: Span<UInt8>, at offset: inout Int, _ base: Int) -> Int? {
        var value = base
        for group in 0..<continuationMax {
            guard offset < block.count else { return nil }
            let byte = block[offset]
            offset += 1
            value += Int(byte & 0x7F) << (7 * group)
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// Appends `number`, below 2^28, with `flags` in the upper bits of its first byte.
    /// - Precondition: there is room for `bytesMax`.
    @inline(__always)
    package static func append(
        _ number: Int, prefix: Int, flags: UInt8, to out: inout OutputSpan<UInt8>
    ) {
        let limit = (1 << prefix) &- 1
        if number < limit {
            out.append(flags | UInt8(truncatingIfNeeded: number))
        } else {
            out.append(flags | UInt8(truncatingIfNeeded: limit))
            appendRest(number - limit, to: &out)
        }
    }

    @inline(never)
    private static func appendRest(_ number: Int, to out: inout OutputSpan<UInt8>) {
        precondition((0..<1 << 28).contains(number), "a number that no length and no index is")
        var rest = number
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(truncatingIfNeeded: rest))
    }
}
