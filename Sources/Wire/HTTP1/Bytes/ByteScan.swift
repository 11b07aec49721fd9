// Scanning of heads, eight bytes at a time.
//
// A byte loop costs 0.3 to 0.5 ns a byte, which for a head of 300 bytes is as much as everything
// else the parser does. This is the only file of the module that loads words (`matches` reads a
// literal through its pointer too): each load is bounds-checked by `RawSpan` itself and is spelled
// `unsafe` only because the library cannot know that every bit pattern is a valid UInt64.
//
// The word tests are the classic ones: `(x - n·01…) & ~x & 80…` sets the top bit of each byte below
// n. A borrow may set a false bit, but only above a true one, so the lowest bit is always exact.

/// Searches bytes. `public`, as only members of public types are inlined in other modules.
public enum ByteScan {
    @usableFromInline
    static let ones: UInt64 = 0x0101_0101_0101_0101
    @usableFromInline
    static let tops: UInt64 = 0x8080_8080_8080_8080

    /// The first offset in `start..<end` whose byte may not stand in a field value or reason
    /// phrase: anything but HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5). `end` if there is
    /// none.
    package static func endOfFieldText(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var at = start
        while at &+ 8 <= end {  // at < end <= count of the span: no overflow
            let word = load(bytes, at)
            let hit = bytesBelow(word, 0x20) | bytesEqual(word, 0x7F)
            if hit == 0 {
                at &+= 8
                continue
            }
            at &+= hit.trailingZeroBitCount / 8
            if bytes[at] != Characters.horizontalTab { return at }
            at &+= 1
        }
        while at < end, Characters.isFieldText(bytes[at]) { at &+= 1 }
        return at
    }

    /// The first offset in `start..<end` whose byte may not stand in a request target: anything but
    /// 0x21 to 0x7E, and `#`, since a target has no fragment (RFC 9112 section 3.2). `end` if none.
    package static func endOfTarget(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var at = start
        while at &+ 8 <= end {
            let word = load(bytes, at)
            let hit =
                bytesBelow(word, 0x21) | bytesEqual(word, 0x7F) | bytesEqual(word, 0x23)
                | (word & tops)
            if hit != 0 { return at &+ hit.trailingZeroBitCount / 8 }
            at &+= 8
        }
        while at < end, Characters.isTarget(bytes[at]) { at &+= 1 }
        return at
    }

    /// The first offset in `start..<end` whose byte is not a token character (RFC 9110 section
    /// 5.6.2); `end` if there is none. Names are letters and hyphens nearly always: those go eight
    /// at a time, the rest one by one.
    package static func endOfToken(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var hasUnderscore = false
        return endOfToken(bytes, from: start, to: end, &hasUnderscore)
    }

    /// The end of the token at `start`; sets `hasUnderscore` when one is passed over.
    @inline(__always)
    static func endOfToken(
        _ bytes: Span<UInt8>, from start: Int, to end: Int, _ hasUnderscore: inout Bool
    ) -> Int {
        var at = start
        while at &+ 8 <= end {
            let others = bytesButLettersAndHyphens(load(bytes, at))
            if others == 0 {
                at &+= 8
                continue
            }
            at &+= others.trailingZeroBitCount / 8
            if !Characters.isToken(bytes[at]) { return at }
            if bytes[at] == Characters.underscore { hasUnderscore = true }
            at &+= 1
        }
        while at < end, Characters.isToken(bytes[at]) {
            if bytes[at] == Characters.underscore { hasUnderscore = true }
            at &+= 1
        }
        return at
    }

    /// Whether all bytes in `start..<end` may stand in a field value (RFC 9110 section 5.5).
    package static func isFieldText(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Bool {
        var at = start
        while at &+ 8 <= end {
            let word = load(bytes, at)
            if bytesBelow(word, 0x20) | bytesEqual(word, 0x7F) != 0 { break }  // HTAB or worse
            at &+= 8
        }
        if at < end, at &+ 8 > end, end >= 8 {
            // The last eight, of which only those from `at` on count.
            let word = load(bytes, end &- 8) &>> UInt64(truncatingIfNeeded: 8 &* (8 &- (end &- at)))
            let beyond = UInt64.max &<< UInt64(truncatingIfNeeded: 8 &* (end &- at))
            let hit = bytesBelow(word, 0x20) | bytesEqual(word, 0x7F)
            if hit & ~beyond == 0 { return true }
        }
        return at == end || endOfFieldText(bytes, from: at, to: end) == end
    }

    /// Whether `start..<end` may be the name of a field of HTTP/2: a token without upper-case
    /// letters (RFC 9113 section 8.2.1). True for no bytes.
    package static func isLowercaseToken(
        _ bytes: Span<UInt8>, from start: Int, to end: Int
    ) -> Bool {
        var at = start
        while at &+ 8 <= end, bytesButLowercaseAndHyphens(load(bytes, at)) == 0 { at &+= 8 }
        if at < end, at &+ 8 > end, end >= 8 {
            // As in `isFieldText`.
            let word = load(bytes, end &- 8) &>> UInt64(truncatingIfNeeded: 8 &* (8 &- (end &- at)))
            let beyond = UInt64.max &<< UInt64(truncatingIfNeeded: 8 &* (end &- at))
            if bytesButLowercaseAndHyphens(word) & ~beyond == 0 { return true }
        }
        while at < end, Characters.isLowercaseToken(bytes[at]) { at &+= 1 }
        return at == end
    }

    /// The first offset in `start..<end` whose byte is none of a host's common ones: letters,
    /// digits, hyphens and dots. `end` if there is none.
    static func endOfHostName(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var at = start
        // Words may reach beyond `end`, as far as there are bytes: what is found there is cut off.
        while at < end, at &+ 8 <= bytes.count {
            let others = bytesButHostName(load(bytes, at))
            if others != 0 { return min(at &+ others.trailingZeroBitCount / 8, end) }
            at &+= 8
        }
        return min(at, end)
    }

    /// Whether the eight bytes at `offset` are, in this order from the lowest byte, those of
    /// `word`.
    @inline(__always)
    static func isWord(_ bytes: Span<UInt8>, at offset: Int, _ word: UInt64) -> Bool {
        load(bytes, offset) == word
    }

    /// The first offset in `start..<end` that holds LF; nil if there is none.
    package static func lineFeed(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
        first(Characters.lineFeed, in: bytes, from: start, to: end)
    }

    /// The first offset in `start..<end` that holds `byte`; nil if there is none.
    @inline(__always)
    static func first(
        _ byte: UInt8, in bytes: Span<UInt8>, from start: Int, to end: Int
    ) -> Int? {
        var at = start
        while at &+ 8 <= end {
            let hit = bytesEqual(load(bytes, at), UInt64(byte))
            if hit != 0 { return at &+ hit.trailingZeroBitCount / 8 }
            at &+= 8
        }
        while at < end {
            if bytes[at] == byte { return at }
            at &+= 1
        }
        return nil
    }

    /// Whether the bytes at `start`, as many as `literal` has, are `literal` in any letter case.
    /// `literal` is lower-case ASCII letters, digits and hyphens; the bytes must be in the span,
    /// and hold no CR (which folds to a hyphen): token characters and field values never do.
    static func matches(_ bytes: Span<UInt8>, at start: Int, _ literal: StaticString) -> Bool {
        let count = literal.utf8CodeUnitCount
        // A static string's bytes live as long as the program; only `0..<count` of them is read.
        let pattern = unsafe UnsafeRawBufferPointer(start: literal.utf8Start, count: count)
        func isWordSame(at offset: Int) -> Bool {
            let wanted = unsafe UInt64(
                littleEndian: pattern.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            return load(bytes, start &+ offset) | 0x2020_2020_2020_2020 == wanted
        }
        if count >= 8 {
            var at = 0
            while at &+ 8 < count {
                if !isWordSame(at: at) { return false }
                at &+= 8
            }
            // The last eight, of which some may have been looked at.
            return isWordSame(at: count &- 8)
        }
        for at in 0..<count {
            let wanted = unsafe pattern[at]
            if bytes[start &+ at] | 0x20 != wanted { return false }
        }
        return true
    }

    /// Whether the bytes at `start` are `literal` in any case, where an underscore is as good as a
    /// hyphen.
    static func matches(
        readingUnderscores bytes: Span<UInt8>, at start: Int, _ literal: StaticString
    ) -> Bool {
        let count = literal.utf8CodeUnitCount
        // A static string's bytes live as long as the program; only `0..<count` of them is read.
        let pattern = unsafe UnsafeRawBufferPointer(start: literal.utf8Start, count: count)
        for at in 0..<count {
            let byte = bytes[start &+ at]
            let wanted = unsafe pattern[at]
            if (byte == Characters.underscore ? Characters.hyphen : byte | 0x20) != wanted {
                return false
            }
        }
        return true
    }

    @inline(__always)
    private static func load(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
        // Bounds-checked by RawSpan; a span of UInt8 has no padding between its elements, and every
        // bit pattern is a valid UInt64.
        let word = unsafe bytes.bytes.unsafeLoadUnaligned(
            fromByteOffset: offset, as: UInt64.self)
        return UInt64(littleEndian: word)
    }

    /// The top bit of every byte below `bound`, up to the first that is, and perhaps of some above
    /// it.
    @inlinable
    package static func bytesBelow(_ word: UInt64, _ bound: UInt64) -> UInt64 {
        (word &- ones &* bound) & ~word & tops
    }

    /// The top bit of the first byte that is `byte`, and perhaps of some above it.
    @inlinable
    package static func bytesEqual(_ word: UInt64, _ byte: UInt64) -> UInt64 {
        bytesBelow(word ^ (ones &* byte), 1)
    }

    /// The top bit of every byte that is no ASCII letter, digit, hyphen or dot. Exact, as the next.
    @inline(__always)
    private static func bytesButHostName(_ word: UInt64) -> UInt64 {
        let sevenBits = word & ~tops
        let folded = sevenBits | ones &* 0x20
        let letters = (folded &+ ones &* 0x1F) & ~(folded &+ ones &* 0x05)  // 0x61 to 0x7A
        let digits = (sevenBits &+ ones &* 0x50) & ~(sevenBits &+ ones &* 0x46)  // 0x30 to 0x39
        let marks = (sevenBits &+ ones &* 0x53) & ~(sevenBits &+ ones &* 0x51)  // 0x2D and 0x2E
        return (word | ~(letters | digits | marks)) & tops
    }

    /// The top bit of every byte that is neither an ASCII letter nor a hyphen. Exact in each byte:
    /// the sums of seven-bit values carry into the top bit and no further.
    @inlinable
    package static func bytesButLettersAndHyphens(_ word: UInt64) -> UInt64 {
        let sevenBits = word & ~tops
        let folded = sevenBits | ones &* 0x20
        let letters = (folded &+ ones &* 0x1F) & ~(folded &+ ones &* 0x05)  // 0x61 to 0x7A
        let notHyphens = (sevenBits ^ ones &* 0x2D) &+ ones &* 0x7F
        return (word | (~letters & notHyphens)) & tops
    }

    /// The top bit of every byte that is neither a lower-case letter nor a hyphen. Exact, too.
    @inline(__always)
    private static func bytesButLowercaseAndHyphens(_ word: UInt64) -> UInt64 {
        let sevenBits = word & ~tops
        let letters = (sevenBits &+ ones &* 0x1F) & ~(sevenBits &+ ones &* 0x05)  // 0x61 to 0x7A
        let notHyphens = (sevenBits ^ ones &* 0x2D) &+ ones &* 0x7F
        return (word | (~letters & notHyphens)) & tops
    }
}
