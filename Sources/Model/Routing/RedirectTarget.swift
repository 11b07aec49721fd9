// RedirectTarget: what a redirect's target is made of, and what keeps a request from choosing its
// host.
//
// `//evil.example/` is a path in a request and names a host in Location (RFC 3986 section 4.2), and
// to browsers so does `/\evil.example/`, in any mixture, with control characters in between. So a
// target that is a path gets one slash at its beginning, whatever the request has there; encoded
// ones count as well, since something between here and the browser may decode them. In a target
// with a host of its own a path stands behind that host, or the target is none.

internal import HTTP1

/// How targets of redirects are read and kept harmless.
enum RedirectTarget {
    /// The pieces of `target`; nil when it has another word in braces, or bytes that no URI has.
    static func pieces(of target: String) -> [Redirect.Piece]? {
        var pieces: [Redirect.Piece] = []
        var text: [UInt8] = []
        var rest = Array(target.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x7B else {
                guard byte > 0x20, byte < 0x7F, byte != 0x7D else { return nil }
                text.append(byte)
                continue
            }
            guard let end = rest.firstIndex(of: 0x7D),
                var piece = piece(String(decoding: rest[..<end], as: UTF8.self))
            else { return nil }
            if piece == .port(withColon: false), text.last == 0x3A {
                text.removeLast()
                piece = .port(withColon: true)
            }
            if !text.isEmpty { pieces.append(.text(text)) }
            text = []
            pieces.append(piece)
            rest = rest[(end + 1)...]
        }
        if !text.isEmpty { pieces.append(.text(text)) }
        return pieces.isEmpty ? nil : pieces
    }

    private static func piece(_ word: String) -> Redirect.Piece? {
        switch word {
        case "scheme": .scheme
        case "host": .host
        case "port": .port(withColon: false)
        case "path": .path
        case "query": .query
        default: nil
        }
    }

    // MARK: Whose host it is

    /// Whether a target of these pieces is a path on the host that the client has asked, and not a
    /// URI or a reference with a host of its own; nil when what stands in the place of its host is
    /// the request's path, or nothing.
    static func isPath(_ pieces: [Redirect.Piece]) -> Bool? {
        // As it would look for a request: a path stands for itself by a byte that no text has.
        let pathMark: UInt8 = 0
        var looks: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .text(let text): looks += text
            case .scheme: looks += Array("http".utf8)
            case .host: looks += Array("host".utf8)
            case .port: looks += Array(":1".utf8)
            case .path: looks.append(pathMark)
            case .query: looks.append(0x3F)
            }
        }
        let ends: [UInt8] = [0x2F, 0x5C, 0x3F, 0x23, pathMark]
        let beginning = looks.prefix { !ends.contains($0) }
        let hasScheme = beginning.contains(0x3A)
        let rest =
            hasScheme ? looks[(looks.firstIndex(of: 0x3A) ?? 0) + 1..<looks.count] : looks[...]
        guard rest.starts(with: Array("//".utf8)) else {
            // `https:` and a path, which may begin with two slashes.
            return hasScheme ? nil : true
        }
        let host = rest.dropFirst(2).prefix { !ends.contains($0) }
        return host.isEmpty ? nil : false
    }

    /// Makes one slash of those at the beginning of `out[start...]`.
    static func keepOnHost(_ out: inout [UInt8], from start: Int) {
        var at = start
        var end = start
        // Blanks and controls count only before one more slash.
        while let (isSlash, next) = unit(out, at) {
            at = next
            if isSlash { end = next }
        }
        // Not one alone, and not what does not begin with a slash.
        guard end > start + 1, out[start] == 0x2F || out[start] == 0x5C else { return }
        out.replaceSubrange(start..<end, with: [0x2F])
    }

    /// A slash or backslash, or a blank or control character, each encoded or not, at `at`: whether
    /// it is a slash, and where it ends; nil for anything else.
    private static func unit(_ bytes: [UInt8], _ at: Int) -> (isSlash: Bool, end: Int)? {
        guard at < bytes.count else { return nil }
        var (byte, end) = (bytes[at], at + 1)
        if byte == 0x25 {
            guard at + 2 < bytes.count, let high = Characters.hexValue(bytes[at + 1]),
                let low = Characters.hexValue(bytes[at + 2])
            else { return nil }
            (byte, end) = (high << 4 | low, at + 3)
        }
        if byte == 0x2F || byte == 0x5C { return (true, end) }
        return byte <= 0x20 || byte == 0x7F ? (false, end) : nil
    }
}
