// What a line of the access log shows: numbers of the whole request, and text of its head, which is
// copied when the request begins, since the bytes of the head are gone by the request's end.

package import Endpoints
package import HTTP1
package import TLS

/// The numbers of one request, or of one TCP connection.
package struct AccessEntry: Sendable {
    /// What a line is about: an HTTP request or a TCP connection.
    package enum Kind: Sendable {
        /// A request, by the version that the client speaks.
        case http(HTTPVersion)
        /// A TCP connection, or one that has switched to another protocol.
        case tcp
    }

    /// What the line is about.
    package var kind: Kind
    /// The response's status; 0 when none was sent.
    package var status = 0
    /// The status of a call of gRPC; nil for another request, and for a call that got none.
    package var grpcStatus: Int?
    /// The code of what ended it: two characters that need no escape.
    package var cause: StaticString
    /// Bytes received from the client.
    package var bytesIn = 0
    /// Bytes sent to the client, or kept for it, heads included.
    package var bytesOut = 0
    /// How many of the bytes sent were the response's body, as it is framed.
    package var bodyBytesOut = 0
    /// Tries that were begun: requests to backends, or dials.
    package var tries = 0
    /// How long it took to learn from another service whether the request may go on, in
    /// microseconds; nil where none was asked.
    package var authMicroseconds: Int?
    /// From the request's head to the beginning of the last try, without that time, in
    /// microseconds; nil without a try.
    package var queueMicroseconds: Int?
    /// What the last try's dial took, in microseconds; 0 on a kept connection, nil without a
    /// connection.
    package var connectMicroseconds: Int?
    /// From sending the request to the response's head, in microseconds; nil when none came.
    package var firstByteMicroseconds: Int?
    /// From the request's head, or the beginning of the connection, to the end, in microseconds.
    package var totalMicroseconds = 0

    /// What client and server have agreed on for TLS; nil where that was not spoken.
    package var tls: TLSOutcome?

    /// The trace of the request, with its span here; nil where requests are not traced.
    package var trace: TraceContext?
    /// What became of the response's content on its way; nil where it went as it came.
    package var coded: CodedContent?

    /// All numbers are 0 or nil.
    package init(_ kind: Kind, _ cause: StaticString) {
        self.kind = kind
        self.cause = cause
    }
}

/// A response's content that was coded on its way to the client. Value type, any thread.
package struct CodedContent: Sendable {
    /// How.
    package var coding: ContentCoding
    /// Its bytes as they came from the backend.
    package var count: Int

    /// `count` bytes that were coded so.
    package init(_ coding: ContentCoding, of count: Int) {
        self.coding = coding
        self.count = count
    }
}

/// What a PROXY header said of a connection, for its lines. Value type, any thread.
package struct ProxiedText: Sendable {
    /// The address of the proxy that sent it; nil for a connection without one.
    package var proxy: IPAddress?
    /// The host name that the client asked the proxy for; empty for none.
    package var authority: [UInt8]
    /// The connection's name; empty for none.
    package var uniqueID: [UInt8]

    /// A connection by way of `proxy`.
    package init(proxy: IPAddress?, authority: [UInt8], uniqueID: [UInt8]) {
        self.proxy = proxy
        self.authority = authority
        self.uniqueID = uniqueID
    }
}

/// The parts of a request's head that a line shows, as far as they fit. Reused from request to
/// request, so that it allocates nothing.
package struct LoggedText: Sendable {
    /// All of it, one part behind the other.
    package private(set) var bytes: [UInt8] = []
    /// Where each part ends in `bytes`, in this order.
    package private(set) var method = 0, target = 0, host = 0, referer = 0, userAgent = 0
    /// Where the user's name ends, behind all of these.
    package private(set) var user = 0

    /// How much is kept of each part, in bytes: a line must fit into what a pipe takes at once.
    static let methodMax = 32, targetMax = 1536, hostMax = 256, refererMax = 512
    static let userAgentMax = 512, userMax = 64

    /// No text, as for a request whose head could not be read.
    package init() {}

    /// Copies the text of `head`, which was parsed from `source`.
    package mutating func copy(_ head: borrowing RequestHead, from source: Span<UInt8>) {
        var refererRange = ByteRange.empty
        var userAgentRange = ByteRange.empty
        for index in 0..<head.fieldCount {
            let field = head.field(index)
            guard field.known == .other else { continue }
            let name = source.extracting(field.name.bounds)
            if name.isEqualIgnoringCase(to: "user-agent") {
                userAgentRange = field.value
            } else if name.isEqualIgnoringCase(to: "referer") {
                refererRange = field.value
            }
        }
        bytes.removeAll(keepingCapacity: true)
        method = keep(source, head.methodRange, Self.methodMax)
        target = keep(source, head.target, Self.targetMax)
        host = keep(source, head.host, Self.hostMax)
        referer = keep(source, refererRange, Self.refererMax)
        userAgent = keep(source, userAgentRange, Self.userAgentMax)
        user = userAgent
    }

    /// Adds the name by which the client says that it comes.
    package mutating func keep(user name: Span<UInt8>) {
        guard user == bytes.count else { return }
        bytes.append(name.extracting(first: min(name.count, Self.userMax)))
        user = bytes.count
    }

    private mutating func keep(_ source: Span<UInt8>, _ range: ByteRange, _ max: Int) -> Int {
        let all = source.extracting(range.bounds)
        bytes.append(all.extracting(first: min(all.count, max)))
        return bytes.count
    }

    /// Forgets the text.
    package mutating func clear() {
        guard !bytes.isEmpty else { return }
        bytes.removeAll(keepingCapacity: true)
        (method, target, host, referer, userAgent, user) = (0, 0, 0, 0, 0, 0)
    }
}
