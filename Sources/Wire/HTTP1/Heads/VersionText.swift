// HTTP-version (RFC 9112 section 2.3) as text: eight bytes, case-sensitive, in request and status
// lines; and the question that both heads ask before they parse a head that came in pieces.

/// "HTTP/" DIGIT "." DIGIT.
struct VersionText {
    /// Bytes of a version.
    static let count = 8

    private let major: UInt8
    private let minor: UInt8

    /// "HTTP/1.1" and "HTTP/1.0", lowest byte first.
    private static let words: (http11: UInt64, http10: UInt64) =
        (0x312E_312F_5054_5448, 0x302E_312F_5054_5448)

    /// The version at `offset`, where there must be `count` bytes; nil if it is none.
    init?(_ bytes: Span<UInt8>, _ offset: Int) {
        if ByteScan.isWord(bytes, at: offset, Self.words.http11) {
            (major, minor) = (1, 1)
        } else if ByteScan.isWord(bytes, at: offset, Self.words.http10) {
            (major, minor) = (1, 0)
        } else if Self.canBegin(bytes, offset, offset + Self.count) {
            major = bytes[offset + 5] - 0x30
            minor = bytes[offset + 7] - 0x30
        } else {
            return nil
        }
    }

    /// The version that it says; nil for all but HTTP/1.0 and HTTP/1.1.
    var version: HTTPVersion? {
        guard major == 1, minor <= 1 else { return nil }
        return minor == 1 ? .http11 : .http10
    }

    /// Whether what stands between `offset` and `end` may become a version: so that a line of
    /// another protocol is refused before the rest of it comes.
    static func canBegin(_ bytes: Span<UInt8>, _ offset: Int, _ end: Int) -> Bool {
        for index in offset..<min(end, offset + count) {
            let byte = bytes[index]
            let fits =
                switch index - offset {
                case 0: byte == 0x48
                case 1, 2: byte == 0x54
                case 3: byte == 0x50
                case 4: byte == 0x2F
                case 6: byte == 0x2E
                default: Characters.isDigit(byte)
                }
            if !fits { return false }
        }
        return true
    }
}

/// Whether a head that is coming in slowly can have ended at all.
enum HeadEnd {
    /// True when `alreadySeen` bytes were parsed before and the new ones neither contain an empty
    /// line nor pass a limit: then a parse could not end, and is not worth its time.
    static func isFarOff(_ bytes: Span<UInt8>, alreadySeen: Int, _ limits: HeadLimits) -> Bool {
        let lineMax = limits.requestLineBytesMax
        guard alreadySeen > 0, alreadySeen <= bytes.count, bytes.count < limits.bytesMax,
            alreadySeen > lineMax + 2 || bytes.count <= lineMax  // 2: an empty line before it
        else { return false }
        // LF CR LF or LF LF, of which the last two bytes at most were seen before.
        var at = max(0, alreadySeen - 2)
        while let lineFeed = ByteScan.lineFeed(bytes, from: at, to: bytes.count) {
            at = lineFeed + 1
            var next = at
            if next < bytes.count, bytes[next] == Characters.carriageReturn { next += 1 }
            if next < bytes.count, bytes[next] == Characters.lineFeed { return false }
        }
        return true
    }
}
