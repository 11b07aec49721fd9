// Decoding of Huffman codes (RFC 7541 section 5.2). There is no coder: coding costs more time than
// the bytes that it saves are worth.
//
// Codes of up to eight bits, which nearly all of a head is made of, are looked up in one table of
// 512 bytes. This file loads words, and writes through a pointer to room that was made before.

/// Decodes strings. Any thread.
enum HuffmanCode {
    /// The most bytes that so many bytes of codes stand for: the shortest code has five bits.
    static func decodedBytesMax(_ count: Int) -> Int { count * 8 / 5 }

    /// Decodes the codes in `range` of `block` to `out`, which has room for `decodedBytesMax`, and
    /// returns how many bytes it wrote. nil if there is the code of the end, which no string may
    /// have, or padding that is longer than seven bits or not all ones.
    /// - Precondition: `range` is inside `block`.
    static func decode(
        _ block: Span<UInt8>, _ range: Range<Int>, to out: UnsafeMutablePointer<UInt8>
    ) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= block.count, "no such bytes")
        let end = range.upperBound
        var (at, written) = (range.lowerBound, 0)
        // The bits that were read and not used, from the top, and inverted: so the zeros that come
        // in from below are the ones that padding has.
        var (bits, unused) = (UInt64(0), 0)
        while true {
            if at &+ 8 <= block.count {
                // Bounds-checked by RawSpan; any bits are a UInt64. Of the eight bytes go in as
                // many whole ones as there is room for, and none from behind the string.
                let word = unsafe UInt64(
                    bigEndian: block.bytes.unsafeLoadUnaligned(
                        fromByteOffset: at, as: UInt64.self))
                let added = min((63 &- unused) &>> 3, end &- at)
                at &+= added
                bits |= ~word &>> UInt64(truncatingIfNeeded: unused)
                unused &+= 8 &* added
                bits &= ~(UInt64.max &>> UInt64(truncatingIfNeeded: unused))
            } else {
                while at < end, unused <= 56 {
                    bits |= UInt64(~block[at]) &<< UInt64(truncatingIfNeeded: 56 &- unused)
                    at &+= 1
                    unused &+= 8
                }
            }
            var symbol = HuffmanTables.short[Int(truncatingIfNeeded: bits &>> 56)]
            while symbol != 0, unused >= 8 {
                // Every code has five bits at least: there is room.
                unsafe out[written] = UInt8(truncatingIfNeeded: symbol &>> 8)
                written &+= 1
                bits = bits &<< UInt64(truncatingIfNeeded: symbol)  // by its lower six bits
                unused &-= Int(symbol & 0xFF)
                symbol = HuffmanTables.short[Int(truncatingIfNeeded: bits &>> 56)]
            }
            // A longer code, or the last bits.
            if at < end, unused < HuffmanTables.codeBitsMax { continue }
            if unused == 0 { return written }
            if symbol == 0 {
                symbol = HuffmanTables.longSymbol(~UInt32(truncatingIfNeeded: bits &>> 32))
                // Ones until the end are no code but padding.
                if symbol == 0 { return at == end && unused < 8 ? written : nil }
            }
            let length = Int(symbol & 0xFF)
            if length > unused { return nil }  // cut short, or padding that is not all ones
            unsafe out[written] = UInt8(truncatingIfNeeded: symbol &>> 8)
            written &+= 1
            bits = bits &<< UInt64(truncatingIfNeeded: length)
            unused &-= length
        }
    }
}
