// The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). It is canonical: ordered by
// length, then by symbol, codes are consecutive numbers, so that the lengths say all of it. Only
// decoding: coding costs more time than the bytes that it saves are worth.
//
// Codes of up to eight bits, which nearly all of a head is made of, are looked up in one table of
// 512 bytes; longer ones are found by comparing with the first code that is longer still.

/// Decodes strings. Any thread.
enum HuffmanCode {
    /// The most bytes that so many bytes of codes stand for: the shortest code has five bits. The
    /// decoder may use all of this room, also when it decodes fewer.
    static func decodedBytesMax(_ count: Int) -> Int { count * 8 / 5 + 8 }

    /// Decodes all of `codes` to `out`, which has room for `decodedBytesMax`, and returns how many
    /// bytes it wrote. nil if there is the code of the end, which no string may have, or padding
    /// that is longer than seven bits or not all ones.
    static func decode(_ codes: Span<UInt8>, to out: UnsafeMutablePointer<UInt8>) -> Int? {
        let short = unsafe self.short
        var (at, written) = (0, 0)
        // The bits that were read and not used, from the top, and inverted: so the zeros that come
        // in from below are the ones that padding has.
        var (bits, unused) = (UInt64(0), 0)
        while true {
            if at &+ 8 <= codes.count {
                // Bounds-checked by RawSpan; any bits are a UInt64. Of the eight bytes go in as
                // many whole ones as there is room for; the next is read once more.
                let word = unsafe UInt64(
                    bigEndian: codes.bytes.unsafeLoadUnaligned(
                        fromByteOffset: at, as: UInt64.self))
                let added = (63 &- unused) / 8
                at &+= added
                bits |= ~word &>> UInt64(unused)
                unused &+= 8 &* added
                bits &= ~(UInt64.max &>> UInt64(unused))
            } else {
                while at < codes.count, unused <= 56 {
                    bits |= UInt64(~codes[at]) &<< UInt64(56 &- unused)
                    at &+= 1
                    unused &+= 8
                }
            }
            let isLast = at == codes.count
            while unused >= codeBitsMax || isLast && unused > 0 {
                // All of these are below 256, as many as the table has.
                var entry = unsafe short[Int(bits &>> 56)]
                if entry == 0 {
                    entry = longCode(~UInt32(truncatingIfNeeded: bits &>> 32))
                    // Ones until the end are no code but padding.
                    if entry == 0 { return isLast && unused < 8 ? written : nil }
                }
                let length = Int(entry & 0xFF)
                if length > unused { return nil }  // cut short, or padding that is not all ones
                unsafe out[written] = UInt8(truncatingIfNeeded: entry &>> 8)
                written &+= 1  // every code has five bits at least: there is room
                bits = bits &<< UInt64(length)
                unused &-= length
            }
            if isLast { return written }
        }
    }

    /// Bits of the longest codes.
    private static let codeBitsMax = 30

    /// The symbol, in the upper eight bits, and the length of the code of more than eight bits that
    /// `bits` begin with; 0 for the code of the end.
    @inline(never)
    private static func longCode(_ bits: UInt32) -> UInt16 {
        for codes in long where bits < codes.end {
            let distance = (codes.end - 1 - bits) >> UInt32(32 - codes.length)
            let symbol = symbols[codes.lastSymbol - Int(distance)]
            return UInt16(symbol) << 8 | UInt16(codes.length)
        }
        return 0
    }

    // MARK: Tables

    /// The codes of one length.
    private struct Codes {
        let length: Int
        /// The first number that is larger than all of them, where a code is the upper bits of 32.
        let end: UInt32
        /// Where in `symbols` that of the last one is.
        let lastSymbol: Int
    }

    /// All symbols in the order of their codes, but that of the end, which would be the last.
    private static let symbols: [UInt8] = (0...255).sorted {
        (lengths[Int($0)], $0) < (lengths[Int($1)], $1)
    }

    /// By length, the shortest first.
    private static let byLength: [Codes] = {
        var all: [Codes] = []
        var (code, next) = (UInt64(0), 0)
        for length in 5...codeBitsMax {
            let count = lengths.count { $0 == length }
            code = code << 1 + UInt64(count)
            next += count
            guard count > 0 else { continue }
            all.append(
                Codes(
                    length: length, end: UInt32(code << UInt64(32 - length)),
                    lastSymbol: next - 1))
        }
        return all
    }()

    /// The codes of more than eight bits.
    private static let long = byLength.filter { $0.length > 8 }

    /// For each eight bits, inverted, the symbol and the length of the code that they begin with,
    /// as `longCode` returns them; 0 when that is longer. Never freed.
    nonisolated(unsafe) private static let short: UnsafePointer<UInt16> = {
        let table = UnsafeMutablePointer<UInt16>.allocate(capacity: 256)
        unsafe table.initialize(repeating: 0, count: 256)
        var first: UInt32 = 0
        var symbol = 0
        for codes in byLength where codes.length <= 8 {
            while symbol <= codes.lastSymbol {
                let entry = UInt16(symbols[symbol]) << 8 | UInt16(codes.length)
                for bits in first..<first + 1 << UInt32(8 - codes.length) {
                    unsafe table[Int(~UInt8(bits))] = entry
                }
                first += 1 << UInt32(8 - codes.length)
                symbol += 1
            }
        }
        return unsafe UnsafePointer(table)
    }()

    /// Bits of the code of each byte (RFC 7541 appendix B).
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    ]
}
