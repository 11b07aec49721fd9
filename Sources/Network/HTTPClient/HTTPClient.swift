// HTTPClient: one request, one response, for checks and for registries' APIs.
//
// A connection serves one request and is closed, unless the request asks for a kept one: a check
// that runs over a kept connection would not notice that the server accepts no new ones, but a
// client that asks its agent all day should not dial each time. HTTP1 alone parses the response,
// bounded in size and in time, and the outcome is one value. Nothing is retried here except a GET
// on a kept connection that turns out to be closed: all else is the caller's policy.
//
// A request may go by HTTP/2, on a connection of its own: what checks need of backends that speak
// nothing else.

package import Endpoints
package import Events
package import HTTP1
package import TLS

/// Sends requests on one loop. Loop thread only.
package final class HTTPClient {
    /// The loop of all exchanges.
    package let loop: EventLoop
    /// One for all exchanges: each uses it only while it handles a readiness.
    let buffer = ReceiveBuffer(capacity: 16 * 1024)
    private(set) lazy var kept = KeptConnections(receivingInto: buffer)
    /// What OpenSSL takes for the sockets of all connections by TLS; made with the first.
    private(set) lazy var tlsTransport = TLSTransport()
    /// The sessions that can be resumed, by where they began.
    private var sessions: [ConnectionPlace: TLSSessionSlot] = [:]

    /// A client on `loop`; one is enough for any number of exchanges.
    package init(on loop: EventLoop) {
        self.loop = loop
    }

    // Idle connections belong to the loop until they are closed.
    deinit { kept.closeAll() }

    /// Room for the session of connections to `place`.
    private func sessions(of place: ConnectionPlace) -> TLSSessionSlot {
        if let known = sessions[place] { return known }
        // Places come and go with instances: no session is worth more than a handshake.
        if sessions.count == Self.sessionsMax { sessions = [:] }
        let slot = TLSSessionSlot()
        sessions[place] = slot
        return slot
    }

    /// The most sessions that are kept.
    private static let sessionsMax = 4096

    /// The layer of a new connection to `target`, which has `security`. Also for clients of other
    /// protocols on the same loop.
    /// `protocols` are offered in place of those of its client (ALPN); nil: those.
    package func makeLayer(
        _ security: Security, to target: Target, offering protocols: [ApplicationProtocol]? = nil
    ) -> TLSLayer {
        TLSLayer(
            client: security.client, for: security.name, offering: protocols,
            resuming: sessions(of: ConnectionPlace(target, security)), tlsTransport)
    }

    /// Connections that are kept idle, to all targets.
    package var idleConnectionCount: Int { kept.count }

    /// Sends `request`, and calls `completion` on the loop's thread exactly once, unless the
    /// exchange is cancelled before. `completion` is never called while `send` runs.
    ///
    /// The exchange lives until it has ended, whether its value is kept or not.
    @discardableResult
    package func send(
        _ request: Request, completion: @escaping (Outcome) -> Void
    ) -> HTTPClientExchange {
        let exchange = HTTPClientExchange(request, client: self, completion: completion)
        exchange.begin()
        return exchange
    }

    /// Sends `request` for a response that may never end, as a stream of events has none, and
    /// passes it on part by part: its head, then the bytes of its body as they come. `completion`
    /// is called as by `send`, with a body that is empty; that the server ended the response, or
    /// closed the connection, is an outcome as any other.
    ///
    /// The deadline is that of the head: from then on only the server and `cancel()` end the
    /// exchange. What `request` says of the body has no effect.
    /// - Precondition: it goes by HTTP/1.1.
    @discardableResult
    package func stream(
        _ request: Request, onPart: @escaping (Part) -> Void,
        completion: @escaping (Outcome) -> Void
    ) -> HTTPClientExchange {
        precondition(request.version == .http1, "only a response of HTTP/1.1 can be streamed")
        let exchange = HTTPClientExchange(
            request, client: self, onPart: onPart, completion: completion)
        exchange.begin()
        return exchange
    }
}

extension HTTPClient {
    /// What to send, where, and how long to wait for what. Any thread.
    package struct Request: Sendable {
        /// Where to connect.
        package var target: Target
        /// How the connection is made secure; nil: it is not.
        package var tls: Security?
        /// By which HTTP it goes.
        package var version = Version.http1
        /// Whether it says `te: trailers`, without which a server of gRPC refuses; by HTTP/2 alone.
        package var acceptsTrailers = false
        /// Any but `connect` and `other`.
        package var method = Method.get
        /// Path and query, as they go into the request line: `/health?full=1`.
        package var path: String
        /// The value of the Host field: a name or address, with a port if that is not 80.
        package var host: String
        /// Further fields. Host, Connection, Content-Length and Transfer-Encoding are written by
        /// the client and may not be among them.
        package var fields: [(name: String, value: String)] = []
        /// The request's body; empty for none. By HTTP/2 at most 16,384 bytes.
        package var body: [UInt8] = []
        /// From `send` to the last byte of the response; more than zero.
        package var deadline: Duration
        /// How long of that a new connection may take, TLS included; nil for no bound of its own.
        package var connectDeadline: Duration?
        /// Whether to use a connection that an earlier request left idle, if there is one, and to
        /// leave this one for the next; by HTTP/1.1 alone.
        package var keepsConnection = false
        /// What a new connection begins with, before TLS and the request, given its own endpoint;
        /// nil for nothing. A kept connection has begun before.
        package var preface: (@Sendable (Endpoint?) -> [UInt8])?
        /// Whether a GET is sent once more, on a new connection, when a kept one closes before a
        /// byte of the response. Not for one that the server holds back on purpose: then the
        /// connection is most likely not an old one that was closed, but a server that went away.
        package var retriesClosedConnection = true
        /// What becomes of the response's body.
        package var responseBody: BodyWish

        /// A GET of `path`. `host` nil names the endpoint itself.
        package init(
            _ path: String, from endpoint: Endpoint, host: String? = nil, deadline: Duration,
            responseBody: BodyWish
        ) {
            self.init(
                path, from: .endpoint(endpoint), host: host, deadline: deadline,
                responseBody: responseBody)
        }

        /// A GET of `path`. `host` nil names the endpoint itself, and `localhost` for a Unix-domain
        /// socket, which has no name of its own.
        package init(
            _ path: String, from target: Target, host: String? = nil, deadline: Duration,
            responseBody: BodyWish
        ) {
            self.target = target
            self.path = path
            switch target {
            case .endpoint(let endpoint): self.host = host ?? "\(endpoint)"
            case .unix: self.host = host ?? "localhost"
            }
            self.deadline = deadline
            self.responseBody = responseBody
        }
    }

    /// By which HTTP a request goes. Any thread.
    package enum Version: Sendable, Hashable {
        /// HTTP/1.1.
        case http1
        /// HTTP/2: it is offered alone by TLS, and taken for granted in the clear ("prior
        /// knowledge", RFC 9113, section 3.3). A server that speaks something else is a failure.
        case http2
        /// What the server chooses of what the TLS client offers (ALPN); HTTP/1.1 in the clear.
        case negotiated
    }

    /// TLS for a request's connection. The client's loop thread only, but for its value.
    package struct Security: Sendable, Hashable {
        // Used by the loop's thread alone, which is that of the client.
        private nonisolated(unsafe) let made: TLSClient
        /// The server's name, as its certificate has it.
        package let name: TLSPeerName

        /// TLS by `client`, which is of the loop's thread, with the server called `name`.
        package init(_ client: TLSClient, for name: TLSPeerName) {
            unsafe made = client
            self.name = name
        }

        /// Whether both are by the very same client, for the same name.
        package static func == (one: Security, other: Security) -> Bool {
            one.client === other.client && one.name == other.name
        }

        /// Hashes what `==` compares.
        package func hash(into hasher: inout Hasher) {
            hasher.combine(ObjectIdentifier(client))
            hasher.combine(name)
        }

        /// What makes it.
        var client: TLSClient { unsafe made }
    }

    /// How much of a response's body the caller wants. Any thread.
    package enum BodyWish: Sendable, Hashable {
        /// None: the exchange ends with the head, and the connection is closed on the rest.
        case ignored
        /// All of it; a body of more bytes than this is a failure.
        case upTo(Int)
        /// So many bytes of it, or all if it has fewer: the exchange ends with the last of them.
        case first(Int)
    }

    /// A part of a response that is passed on as it comes. Any thread.
    package enum Part: Sendable {
        /// The head, with an empty body; first, and once.
        case head(Response)
        /// Some bytes of the body, without its framing; never empty.
        case bytes([UInt8])
    }

    /// How an exchange ended. Any thread.
    package enum Outcome: Sendable {
        case response(Response)
        case failed(Failure)
    }

    /// A response that was complete, as far as it was wanted. Any thread.
    package struct Response: Sendable {
        /// 101 or 200 to 599; other interim responses are skipped.
        package let status: Int
        /// The body, without its framing; empty when it was ignored.
        package internal(set) var body: [UInt8] = []
        /// The lines of the trailers by HTTP/2, without the empty one; by HTTP/1.1 none are kept.
        var trailers: [UInt8] = []
        private let head: [UInt8]
        private let fields: [Field]

        init(_ parsed: borrowing ResponseHead, head: [UInt8]) {
            status = parsed.status
            fields = parsed.fields
            self.head = head
        }

        /// The value of the first field called `name`, which is in lower case; nil if there is
        /// none.
        package func field(_ name: StaticString) -> String? {
            let bytes = head.span
            for field in fields
            where bytes.extracting(field.name.bounds).isEqualIgnoringCase(to: name) {
                return String(decoding: head[field.value.bounds], as: UTF8.self)
            }
            return nil
        }

        /// The value of the first trailer called `name`, which is in lower case; nil if there is
        /// none.
        package func trailer(_ name: StaticString) -> String? {
            var start = 0
            let count = name.utf8CodeUnitCount
            while start < trailers.count {
                let end = trailers[start...].firstIndex(of: 0x0A) ?? trailers.count
                if end - start > count, trailers[start + count] == UInt8(ascii: ":"),
                    trailers.span.extracting(start..<start + count).isEqualIgnoringCase(to: name)
                {
                    let value = trailers[start + count + 1..<end]
                    return String(
                        decoding: value.drop { $0 == 0x20 }.prefix { $0 != 0x0D }, as: UTF8.self)
                }
                start = end + 1
            }
            return nil
        }
    }

    /// What an exchange was about when it failed. Any thread.
    package enum Phase: String, Sendable, Hashable, CaseIterable {
        case connecting
        /// Sending the request or waiting for the response's head.
        case waiting
        /// Receiving the response's body.
        case receiving
    }

    /// Why there is no response. Any thread.
    package enum Failure: Error, Sendable, Hashable {
        /// No connection: refused, unreachable, no descriptor left.
        case connect(Errno)
        /// No secure connection: the server's certificate does not verify, most often.
        case tls(TLSFault)
        /// The deadline passed in this phase.
        case timeout(Phase)
        /// The connection broke: reset, most often.
        case broken(Errno, Phase)
        /// The peer closed the connection before the response was complete.
        case closedEarly(Phase)
        /// The head is no head of HTTP/1.x.
        case malformedHead(HeadError)
        /// The body is not what its framing says.
        case malformedBody(BodyError)
        /// More than `interimMax` interim responses came before the real one.
        case tooManyInterim
        /// The body has more than this many bytes.
        case bodyTooLarge(limit: Int)
        /// HTTP/2 was to be spoken, and something of it went wrong.
        case http2(HTTP2Failure)
        /// The request itself cannot be sent, and why. Nothing was sent.
        case unsendable(String)
    }

    /// Why there is no response by HTTP/2. Any thread.
    package enum HTTP2Failure: Sendable, Hashable {
        /// The server does not speak it, as the first that it says shows.
        case notSpoken
        /// The server has ended the stream, with a code of this name.
        case reset(String)
        /// The server has broken its rules in this phase.
        case rulesBroken(Phase)
    }

    /// Interim (1xx) responses that are skipped before a response; more are a failure.
    package static let interimMax = 8
}

extension HTTPClient.Failure: CustomStringConvertible {
    /// A sentence without its full stop, for the journal and the log.
    package var description: String {
        switch self {
        case .connect(let errno): "no connection: \(errno)"
        case .tls(let fault): "no secure connection: \(fault)"
        case .timeout(.connecting): "no connection in time"
        case .timeout(.waiting): "no response in time"
        case .timeout(.receiving): "the response did not end in time"
        case .broken(let errno, .receiving): "the connection broke during the response: \(errno)"
        case .broken(let errno, _): "the connection broke before a response: \(errno)"
        case .closedEarly(.receiving): "the connection was closed during the response"
        case .closedEarly: "the connection was closed without a response"
        case .malformedHead(let error): "the response's head is malformed: \(error)"
        case .malformedBody(let error): "the response's body is malformed: \(error)"
        case .tooManyInterim:
            "more than \(HTTPClient.interimMax) interim responses came before the response"
        case .bodyTooLarge(let limit): "the response's body is larger than \(limit) bytes"
        case .http2(.notSpoken): "the server does not speak HTTP/2"
        case .http2(.reset(let code)): "the server ended the stream: \(code)"
        case .http2(.rulesBroken): "the server broke the rules of HTTP/2"
        case .unsendable(let reason): "the request cannot be sent: \(reason)"
        }
    }
}
