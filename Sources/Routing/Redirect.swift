// Where a redirect leads: a text with places for parts of the request, cut into pieces once. A part of
// a parsed head has no CR or LF, and neither has the text, so no request can split the response.

package import HTTP1

/// A redirect.
package struct Redirect: Sendable {
    /// A piece of the target.
    enum Piece: Sendable {
        case text([UInt8])
        /// `http`, or what the client used once TLS ends here.
        case scheme
        /// The host without its port.
        case host
        /// The path without its query.
        case path
        /// The query with its `?`; nothing when there is none.
        case query
    }

    /// 301, 302, 303, 307 or 308.
    package let status: Int
    private let pieces: [Piece]

    /// A redirect to `target`, in which `{scheme}`, `{host}`, `{path}` and `{query}` stand for the
    /// request's; nil when it has another word in braces, or bytes that may not stand in a URI.
    package init?(status: Int, to target: String) {
        self.status = status
        var pieces: [Piece] = []
        var text: [UInt8] = []
        var rest = Array(target.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x7B else {
                guard byte > 0x20, byte < 0x7F, byte != 0x7D else { return nil }
                text.append(byte)
                continue
            }
            guard let end = rest.firstIndex(of: 0x7D) else { return nil }
            if !text.isEmpty { pieces.append(.text(text)) }
            text = []
            switch String(decoding: rest[..<end], as: UTF8.self) {
            case "scheme": pieces.append(.scheme)
            case "host": pieces.append(.host)
            case "path": pieces.append(.path)
            case "query": pieces.append(.query)
            default: return nil
            }
            rest = rest[(end + 1)...]
        }
        if !text.isEmpty { pieces.append(.text(text)) }
        guard !pieces.isEmpty else { return nil }
        self.pieces = pieces
    }

    /// Appends where the request of `head`, parsed from `bytes`, is sent.
    package func appendTarget(
        for head: borrowing RequestHead, _ bytes: Span<UInt8>, to out: inout [UInt8]
    ) {
        let parts = RequestParts(head, bytes)
        for piece in pieces {
            switch piece {
            case .text(let text): out.append(text.span)
            case .scheme: out.append("http")
            case .host: out.append(bytes.extracting(parts.host))
            case .path:
                out.append(bytes.extracting(parts.path))
                if parts.path.isEmpty { out.append(0x2F) }
            case .query: out.append(bytes.extracting(parts.query))
            }
        }
    }
}
