// Where a redirect leads: a text with places for parts of the request, cut into pieces once. A part
// of a parsed head has no CR or LF, and neither has the text, so no request can split the response.
// Nor can one choose the host that the client is sent to: see RedirectTarget.

package import HTTP1

/// A redirect.
package struct Redirect: Sendable {
    /// A piece of the target.
    enum Piece: Sendable, Equatable {
        case text([UInt8])
        /// `http` or `https`: how the client of the first proxy came.
        case scheme
        /// The host without its port.
        case host
        /// The port that the client's URI named, with a colon before it or without; nothing when
        /// that was the scheme's own.
        case port(withColon: Bool)
        /// The path without its query.
        case path
        /// The query with its `?`; nothing when there is none.
        case query
    }

    /// 301, 302, 303, 307 or 308.
    package let status: Int
    private let pieces: [Piece]
    /// Whether it names a host of its own, or is the path of one: then nothing else may name one.
    private let isPath: Bool

    /// A redirect to `target`, in which `{scheme}`, `{host}`, `{port}`, `{path}` and `{query}`
    /// stand for the request's; nil when it has another word in braces, or bytes that may not stand
    /// in a URI, or a path in the place of a host.
    package init?(status: Int, to target: String) {
        guard let pieces = RedirectTarget.pieces(of: target),
            let isPath = RedirectTarget.isPath(pieces)
        else { return nil }
        self.status = status
        self.pieces = pieces
        self.isPath = isPath
    }

    /// Appends where the request of `head`, parsed from `bytes`, is sent; `told` is what a trusted
    /// client says of the way by which its own client came. False, and nothing of use is appended,
    /// when the target needs a host and the request (of HTTP/1.0) has none.
    package func appendTarget(
        for head: borrowing RequestHead, _ bytes: Span<UInt8>, told: ClientOrigin = ClientOrigin(),
        to out: inout [UInt8]
    ) -> Bool {
        let parts = RequestParts(head, bytes)
        let isHTTPS = told.isHTTPS ?? false
        let start = out.count
        for piece in pieces {
            switch piece {
            case .text(let text): out.append(text.span)
            case .scheme: out.append(isHTTPS ? "https" : "http")
            case .host:
                guard !parts.host.isEmpty else { return false }
                out.append(bytes.extracting(parts.host))
            case .port(let withColon):
                guard let port = parts.port(bytes) ?? told.port, port != (isHTTPS ? 443 : 80) else {
                    continue
                }
                if withColon { out.append(0x3A) }
                out.appendDecimal(UInt64(port))
            case .path:
                // `*`, which is none, is of the server as a whole.
                let isNone = parts.path.isEmpty || bytes[parts.path.lowerBound] != 0x2F
                if isNone { out.append(0x2F) } else { out.append(bytes.extracting(parts.path)) }
            case .query: out.append(bytes.extracting(parts.query))
            }
        }
        if isPath { RedirectTarget.keepOnHost(&out, from: start) }
        return true
    }
}
