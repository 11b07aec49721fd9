// Escaping: text from outside on its way into a line. Nothing in it may end the line, or the string
// that it stands in.

internal import HTTP1

/// How special bytes are written.
package enum Escaping {
    /// `\xHH`, as nginx and Apache do.
    case hexadecimal
    /// In the same way, and the space as well: for what stands without quotes.
    case word
    /// `\"`, `\\` and `\u00HH`, as in JSON. Bytes beyond ASCII are escaped too, as if they were
    /// Latin-1: what a client sends need not be UTF-8, and the line has to be.
    case json
}

extension OutputSpan<UInt8> {
    /// Appends `text`, as much of it as makes at most `max` bytes.
    package mutating func append(_ text: Span<UInt8>, _ escaping: Escaping, max: Int) {
        var left = max
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, Self.isPlain(text[end], escaping) { end += 1 }
            let count = Swift.min(end - start, left)
            append(text.extracting(start..<start + count))
            left -= count
            guard count == end - start, end < text.count else { return }
            let isShort = escaping == .json && (text[end] == 0x22 || text[end] == 0x5C)
            let needed = isShort ? 2 : escaping == .json ? 6 : 4
            guard left >= needed else { return }
            left -= needed
            if isShort {
                append(0x5C)
                append(text[end])
            } else {
                append(escaping == .json ? "\\u00" : "\\x")
                appendHex(byte: text[end])
            }
            start = end + 1
        }
    }

    /// Whether the byte needs no escape: visible ASCII and the space, but for quotes and backslash.
    private static func isPlain(_ byte: UInt8, _ escaping: Escaping) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x5C
            && (byte != 0x20 || escaping != .word)
    }

    private mutating func appendHex(byte: UInt8) {
        appendHex(digit: byte >> 4)
        appendHex(digit: byte & 0xF)
    }

    private mutating func appendHex(digit: UInt8) {
        append(digit < 10 ? 0x30 + digit : 0x37 + digit)
    }

    /// Appends a number that is not negative.
    mutating func appendDecimal(_ number: Int) {
        appendDecimal(UInt64(Swift.max(0, number)))
    }
}
