// A request of HTTP/2 as the text of one of HTTP/1.1, which `RequestHead` parses: so there is one
// form of a request inside, and nothing that HTTP/1.1 refuses comes in by HTTP/2. What only HTTP/2
// can say wrong is refused here (RFC 9113 section 8).

package import HTTP1

/// The scheme that a request names (RFC 9110 section 4.2).
package enum Scheme: UInt8, Sendable {
    case http, https
}

/// The text of one request, in memory that is kept for the next; one value per worker is enough.
/// What it says is defined after `read` returned `complete`.
package struct RequestText: ~Copyable {
    /// What a request asks for beside an answer.
    package enum Tunnel: UInt8, Sendable {
        /// Nothing: the text is a request as any other.
        case none
        /// A tunnel to a host (RFC 9110 section 9.3.6): the text is `CONNECT host:port`.
        case connect
        /// A WebSocket (RFC 8441). The text is a GET that asks for an upgrade; where that is
        /// answered with 101, the client gets a 200.
        case webSocket
    }

    private var head = HeadBytes(capacity: 2048)
    /// The parts of the Cookie field, which may come one by one and are one field in HTTP/1.1 (RFC
    /// 9113 section 8.2.3).
    private var cookies = HeadBytes(capacity: 256)
    /// Where the text begins in `head`: behind the lines that the pseudo-header fields were decoded
    /// to. nil while these are read.
    private var start: Int?
    private var pseudo = PseudoFields()
    private var hasContentLength = false

    /// What Sec-WebSocket-Key says in the text of a request for a WebSocket; no two of them should
    /// have the same.
    package var webSocketKey = WebSocketKey()
    /// The scheme; `http` for a tunnel to a host, which has none.
    package private(set) var scheme = Scheme.http
    /// Whether a tunnel is wanted.
    package private(set) var tunnel = Tunnel.none
    /// Whether the client says `te: trailers`: it would not lose them.
    package private(set) var acceptsTrailers = false
    /// Whether it is a call of gRPC, by its media type.
    package private(set) var isGRPC = false

    /// Reserves the memory that every request will use.
    package init() {}

    /// Calls `body` with the text: a whole head with its empty line. Empty after any outcome but
    /// `complete`.
    package func withText<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        head.withBytes((start ?? head.count)..<head.count, body)
    }

    /// Translates the header block of a request.
    ///
    /// Its body is framed by `content-length` if that is there; else, unless the stream has ended,
    /// by chunks.
    /// - Parameters:
    ///   - endsStream: whether there is neither content nor trailers behind it.
    ///   - limits: of the head. Each field counts 32 bytes more than it has (RFC 9113 section
    ///     6.5.2), each part of a cookie as a field.
    ///   - allowsWebSocket: whether the client was told that it may ask for a WebSocket (RFC 8441
    ///     section 3).
    ///   - decoder: that of the connection; the block is decoded to its end whatever it says.
    package mutating func read(
        _ block: Span<UInt8>, endsStream: Bool, limits: HeadLimits, allowsWebSocket: Bool = false,
        decoder: inout HPACKDecoder
    ) -> HeadTextOutcome {
        reset()
        var reader = BlockReader(block, limits: limits, decoder: &decoder)
        while let field = reader.next(block, decoder: &decoder, to: &head) {
            let refusal = add(
                field, at: reader.lineStart, endsStream: endsStream,
                allowsWebSocket: allowsWebSocket)
            if let refusal { reader.refuse(refusal) }
        }
        if reader.outcome == .complete, start == nil,
            let refusal = begin(allowsWebSocket: allowsWebSocket)
        {
            reader.refuse(refusal)
        }
        if reader.outcome == .complete {
            finish(endsStream: endsStream)
        } else {
            reset()
        }
        return reader.outcome
    }

    private mutating func reset() {
        head.truncate(to: 0)
        cookies.truncate(to: 0)
        start = nil
        pseudo = PseudoFields()
        hasContentLength = false
        scheme = .http
        tunnel = .none
        acceptsTrailers = false
        isGRPC = false
    }

    /// Whether a media type is that of calls of gRPC, with or without the form of their messages.
    private static func isOfGRPC(_ type: Span<UInt8>) -> Bool {
        let name = "application/grpc".utf8.count
        guard type.count >= name,
            type.extracting(0..<name).isEqualIgnoringCase(to: "application/grpc")
        else { return false }
        // What follows as in `application/grpc-web` makes it another protocol.
        return type.count == name || type[name] == UInt8(ascii: "+")
            || type[name] == UInt8(ascii: ";")
    }

    /// Keeps the field whose line begins at `lineStart`; why not, if it may not be there.
    private mutating func add(
        _ field: DecodedField, at lineStart: Int, endsStream: Bool, allowsWebSocket: Bool
    ) -> HeadTextOutcome? {
        guard field.isValueValid else { return .malformed(.invalidFieldValue) }
        let valueStart = lineStart &+ field.nameCount &+ 2
        let value = valueStart..<valueStart &+ field.valueCount
        if field.name.isPseudo {
            guard start == nil else { return .malformed(.latePseudoField) }
            return pseudo.add(field.name, value).map { .malformed($0) }
        }
        var lineStart = lineStart
        if start == nil {
            // The first line of the text stands before this one, so this one is copied behind it.
            let line = lineStart..<head.count
            if let refusal = begin(allowsWebSocket: allowsWebSocket) { return refusal }
            lineStart = head.count
            head.append(own: line)
        }
        // The line stays, unless what follows says otherwise.
        if field.name == .other { return nil }
        return addKnown(field.name, value, at: lineStart, endsStream: endsStream)
    }

    /// Looks at a field whose name means something. `value` is where its value was decoded to,
    /// `lineStart` where its line is, which is the last one.
    private mutating func addKnown(
        _ name: HeaderName, _ value: Range<Int>, at lineStart: Int, endsStream: Bool
    ) -> HeadTextOutcome? {
        if name.isOfConnection { return .malformed(.connectionField) }
        switch name {
        case .malformed:
            return .malformed(.invalidFieldName)
        case .cookie:
            if cookies.count > 0, !value.isEmpty { cookies.append("; ") }
            head.withBytes(value) { cookies.append($0) }
            head.truncate(to: lineStart)
        case .host:
            // Of two that say the same, one is enough; which of two that differ is meant, nobody
            // knows (RFC 9113 section 8.3.1).
            guard let authority = pseudo.authority else { break }
            guard head.isSame(authority, value) else { return .refused(.repeatedHost) }
            head.truncate(to: lineStart)
        case .contentLength:
            // Whether it is a number, and the only one, `RequestHead` will say.
            if tunnel != .none { return .malformed(.contentNotAllowed) }
            if endsStream, !head.withBytes(value, { $0.isZero }) {
                return .malformed(.contentMissing)
            }
            hasContentLength = true
        case .contentType:
            isGRPC = head.withBytes(value) { Self.isOfGRPC($0) }
        case .te:
            guard head.withBytes(value, { $0.isEqualIgnoringCase(to: "trailers") }) else {
                return .malformed(.invalidTE)
            }
            acceptsTrailers = true
        case .webSocketKey where tunnel == .webSocket:
            // It has no meaning there (RFC 8441 section 5), and the text has another.
            head.truncate(to: lineStart)
        default:
            break
        }
        return nil
    }
}

extension RequestText {
    /// Begins the text, once all pseudo-header fields are there: the request line, and Host from
    /// `:authority`.
    private mutating func begin(allowsWebSocket: Bool) -> HeadTextOutcome? {
        if let fault = check(allowsWebSocket: allowsWebSocket) { return .malformed(fault) }
        let start = head.count
        if tunnel == .webSocket {
            head.append("GET ")
        } else if let method = pseudo.method {
            head.append(own: method)
            head.append(" ")
        }
        if let target = tunnel == .connect ? pseudo.authority : pseudo.path {
            head.append(own: target)
        }
        head.append(" HTTP/1.1\r\n")
        if let authority = pseudo.authority {
            head.append("Host: ")
            head.append(own: authority)
            head.append("\r\n")
        }
        self.start = start
        return nil
    }

    /// Checks what the pseudo-header fields say together (RFC 9113 sections 8.3.1 and 8.5).
    private mutating func check(allowsWebSocket: Bool) -> HeadFault? {
        guard let method = pseudo.method else { return .missingPseudoField }
        guard head.withBytes(method, { Self.isToken($0) }) else { return .invalidMethod }
        if let authority = pseudo.authority, authority.isEmpty { return .invalidAuthority }

        if method.count == 7, head.withBytes(method, { $0.isEqual(to: "CONNECT") }) {
            guard let authority = pseudo.authority else { return .missingPseudoField }
            guard let name = pseudo.protocolName else {
                tunnel = .connect
                if pseudo.scheme != nil || pseudo.path != nil { return .superfluousPseudoField }
                // It is the target; whether it is a host and a port, `RequestHead` checks.
                return head.withBytes(authority, { Self.isTarget($0) }) ? nil : .invalidAuthority
            }
            let isWebSocket = head.withBytes(name) { $0.isEqualIgnoringCase(to: "websocket") }
            guard allowsWebSocket, isWebSocket else { return .invalidProtocol }
            tunnel = .webSocket
        } else if pseudo.protocolName != nil {
            return .invalidProtocol
        }

        guard let scheme = pseudo.scheme, let path = pseudo.path else {
            return .missingPseudoField
        }
        switch scheme.count {
        case 5 where head.withBytes(scheme, { $0.isEqual(to: "https") }): self.scheme = .https
        case 4 where head.withBytes(scheme, { $0.isEqual(to: "http") }): self.scheme = .http
        default: return .invalidScheme
        }
        // `*` is for OPTIONS alone, as `RequestHead` checks.
        let isPath = head.withBytes(path) { path in
            !path.isEmpty && (path[0] == 0x2F || path.count == 1 && path[0] == 0x2A)
                && Self.isTarget(path)
        }
        return isPath ? nil : .invalidPath
    }

    private static func isTarget(_ text: Span<UInt8>) -> Bool {
        ByteScan.endOfTarget(text, from: 0, to: text.count) == text.count
    }

    private static func isToken(_ method: Span<UInt8>) -> Bool {
        if method.isEqual(to: "GET") { return true }
        return !method.isEmpty
            && ByteScan.endOfToken(method, from: 0, to: method.count) == method.count
    }

    /// Ends the text: cookies, framing, the empty line.
    private mutating func finish(endsStream: Bool) {
        if cookies.count > 0 {
            head.append("cookie: ")
            cookies.withBytes(0..<cookies.count) { head.append($0) }
            head.append("\r\n")
        }
        switch tunnel {
        case .connect:
            break
        case .webSocket:
            head.append("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ")
            head.append(webSocketKey.bytes.span)
            head.append("\r\n")
        case .none where hasContentLength:
            break
        case .none where !endsStream:
            head.append("Transfer-Encoding: chunked\r\n")
        case .none:
            // Servers want to be told so where content is usual (RFC 9110 section 8.6).
            if isContentUsual { head.append("Content-Length: 0\r\n") }
        }
        head.append("\r\n")
    }

    private var isContentUsual: Bool {
        guard let method = pseudo.method, head[method.lowerBound] == 0x50 else { return false }
        return head.withBytes(method) {
            $0.isEqual(to: "POST") || $0.isEqual(to: "PUT") || $0.isEqual(to: "PATCH")
        }
    }
}

/// Where the values of a request's pseudo-header fields are; nil for those that there are none of.
private struct PseudoFields {
    private(set) var method: Range<Int>?
    private(set) var scheme: Range<Int>?
    private(set) var authority: Range<Int>?
    private(set) var path: Range<Int>?
    private(set) var protocolName: Range<Int>?

    /// Keeps where a value is; why not, if it may not be there.
    mutating func add(_ name: HeaderName, _ value: Range<Int>) -> HeadFault? {
        switch name {
        case .method: Self.set(&method, value)
        case .scheme: Self.set(&scheme, value)
        case .authority: Self.set(&authority, value)
        case .path: Self.set(&path, value)
        case .protocolName: Self.set(&protocolName, value)
        default: .unknownPseudoField
        }
    }

    private static func set(_ place: inout Range<Int>?, _ value: Range<Int>) -> HeadFault? {
        if place != nil { return .repeatedPseudoField }
        place = value
        return nil
    }
}
