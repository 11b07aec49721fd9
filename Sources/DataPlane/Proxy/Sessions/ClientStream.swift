// ClientStream: everything that an exchange asks of its client, whatever protocol the client
// speaks. Read this file before you add a protocol. What a client calls on its exchange does not
// depend on the protocol either: `begin`, `start`, `receivedBody`, `bodyMalformed`,
// `clientProgressed`, `clientDrained`, `clientEnded` and `clientBroken`.
//
// One client is Fairlead itself: an OwnRequest, such as the question whether a request may go on,
// has an exchange of its own, with pools, evidence and counters like any request.
//
// It is an enumeration of links, not a protocol: a call through an existential costs two to five
// times as much and counts references; and with a new case the compiler lists what is missing.

internal import AccessLog
internal import Events
internal import HTTP1
internal import ProxyProtocol
internal import Routing
internal import TLS

/// A client's side of one exchange. Worker thread only.
enum ClientStream {
    /// A connection of HTTP/1.1 or 1.0, which carries one request at a time.
    case http1(Link<HTTP1Session>)
    /// One of the streams of a connection of HTTP/2.
    case http2(Link<HTTP2ClientStream>)
    /// Fairlead itself, with a request because of a client's.
    case own(Link<OwnRequest>)

    /// The session, the stream or the request of our own, which lives until its exchange is over:
    /// passed to the closure of its protocol.
    @inline(__always)
    private func with<Result>(
        _ http1: (HTTP1Session) -> Result, _ http2: (HTTP2ClientStream) -> Result,
        _ own: (OwnRequest) -> Result
    ) -> Result {
        switch self {
        case .http1(let session): session.use(http1)
        case .http2(let stream): stream.use(http2)
        case .own(let request): request.use(own)
        }
    }

    // MARK: - The client

    /// What routing, forwarding and the log need to know of the client.
    @inline(__always)
    var context: ClientContext { with({ $0.context }, { $0.context }, { $0.context }) }

    /// Whether it is Fairlead itself, which has no line in the access log.
    var isOwn: Bool { if case .own = self { true } else { false } }

    /// Whether its request is a call of gRPC.
    var isCall: Bool { with({ _ in false }, { $0.isGRPC }, { _ in false }) }

    /// The number under which the worker knows the client; -1 for Fairlead itself.
    var number: Int { with({ $0.clientNumber }, { $0.clientNumber }, { _ in -1 }) }

    /// What client and server have agreed on for TLS; nil where that is not spoken.
    var tls: TLSOutcome? { with({ $0.tls }, { $0.tls }, { _ in nil }) }

    /// What a PROXY header tells a backend of the client, or of the one whose request is the reason
    /// for one of our own.
    func proxyHeader(on worker: Worker) -> ProxyHeader {
        with(
            { worker.header(of: $0.descriptor, $0.tls) },
            { worker.header(of: $0.descriptor, $0.tls) }, { $0.proxyHeader() })
    }

    /// How a chunked body of a response goes to the client: with its chunks, or without.
    var takesChunks: Bool { with({ $0.takesChunks }, { _ in false }, { _ in false }) }

    /// Whether trailers of a response can go to the client without chunks.
    var takesTrailers: Bool { with({ _ in false }, { _ in true }, { _ in false }) }

    /// How large the heads of responses may be.
    @inline(__always)
    var answerLimits: HeadLimits {
        with(
            { $0.listener.answerLimits }, { $0.context.listener.answerLimits },
            { $0.context.listener.answerLimits })
    }

    /// Whether interim responses may go to the client (RFC 9110, section 15.2).
    var takesInterim: Bool { with({ $0.takesChunks }, { _ in true }, { _ in false }) }

    // MARK: - The request's body

    /// Stops the body from coming, since it can't be passed on for now.
    func pauseBody() { with({ $0.stopReading() }, { $0.pause() }, { _ in }) }

    /// Lets the body go on. Once all of it is here, this notices a client that goes away.
    func resumeBody() { with({ $0.resumeReading() }, { $0.resumeBody() }, { _ in }) }

    // MARK: - The response

    /// Passes on an interim response, whose `head` was parsed from `bytes`. Returns its size.
    func interim(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>
    ) -> (outcome: WriteOutcome, count: Int) {
        switch self {
        case .http1(let session): session.use { $0.interim(head, bytes) }
        case .http2(let stream): stream.use { $0.interim(head, bytes) }
        case .own: (.sent, 0)
        }
    }

    /// Begins the response, whose `head` was parsed from `bytes`: it is sent with the next `send`.
    /// `change` is what the coding of its content changes: content that is coded comes without
    /// chunks. `lines` are field lines to add; `mayStay` says whether the exchange lets the
    /// connection be used again. Returns the size of the head.
    func respond(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, change: ContentChange,
        edits: FieldEdits?, lines: Span<UInt8>, mayStay: Bool
    ) -> Int {
        switch self {
        case .http1(let session):
            session.use {
                $0.respond(
                    head, bytes, change: change, edits: edits, lines: lines, mayStay: mayStay)
            }
        case .http2(let stream):
            stream.use { $0.respond(head, bytes, change: change, edits: edits, lines: lines) }
        case .own(let request):
            request.use { $0.respond(head, bytes) }
        }
    }

    /// Begins a tunnel in a stream, which its client has asked for, by a response whose `head` was
    /// parsed from `bytes`: it is sent with the next `send`, and what comes of the body from here
    /// on goes through the tunnel. Returns the size of the head. A connection switches by itself
    /// (`ownConnection`).
    func openTunnel(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, edits: FieldEdits?
    ) -> Int {
        switch self {
        case .http1: preconditionFailure("a connection is handed to a relay")
        case .http2(let stream): stream.use { $0.openTunnel(head, bytes, edits: edits) }
        case .own: preconditionFailure("a request of our own asks for no tunnel")
        }
    }

    /// Adds a part of the response's body to what the next `send` sends.
    func append(_ body: Span<UInt8>) {
        with({ $0.append(body) }, { $0.append(body) }, { $0.append(body) })
    }

    /// Adds the trailers that follow the body, `section` with its empty line, to what the next
    /// `send` sends, which is the last one.
    func appendTrailers(_ section: Span<UInt8>) {
        with({ $0.appendTrailers(section) }, { $0.appendTrailers(section) }, { _ in })
    }

    /// Sends what waits to be sent, followed by `body`, with which the response ends if `isLast`.
    func send(_ body: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        with(
            { $0.send(body, isLast: isLast) }, { $0.send(body, isLast: isLast) },
            { $0.send(body, isLast: isLast) })
    }

    /// Whether bytes are kept for the client that the kernel has not taken yet, or that the client
    /// does not want yet.
    var isCongested: Bool { with({ $0.isCongested }, { $0.isCongested }, { _ in false }) }

    /// Whether the client has acknowledged anything since the last call, or since bytes last moved.
    func hasAcknowledgedMore() -> Bool {
        with({ $0.hasAcknowledgedMore() }, { $0.hasAcknowledgedMore() }, { _ in false })
    }

    /// Sends an answer of Fairlead's own, for `LocalReply.send`, which counts it. Returns the sizes
    /// of its head and its body.
    func answer(_ reply: LocalReply, mayStay: Bool) -> (head: Int, body: Int) {
        with({ $0.answer(reply, mayStay: mayStay) }, { $0.answer(reply) }, { $0.answer(reply) })
    }

    // MARK: - The end, as the last thing that an exchange does

    /// Whether the client's connection waits for another request after this response, and has it
    /// carried by the backend's connection that is its own, if there is one.
    var goesOn: Bool { with({ $0.goesOn }, { _ in false }, { _ in false }) }

    /// The exchange is over, and its response is written or kept to the last byte.
    func finish() {
        with({ $0.exchangeFinished() }, { $0.exchangeFinished() }, { $0.exchangeFinished() })
    }

    /// The exchange is over, and its response was cut short: the client gets what came of it, and
    /// must not take it for a whole one. `isOver` says that the response's time was over: then a
    /// reset is needed only where the framing does not show that more was to come.
    func cut(isOver: Bool) {
        with(
            { $0.exchangeCutShort(isOver: isOver) }, { $0.exchangeCutShort() },
            { $0.exchangeBroken() })
    }

    /// The exchange is over, and the client gets no more: it is gone, has stalled or breaks the
    /// protocol.
    func abort() { with({ $0.exchangeBroken() }, { $0.exchangeBroken() }, { $0.exchangeBroken() }) }

    // MARK: - What only a connection of its own can do

    /// Where a splice may take the request's body from; nil where that has to be received.
    var spliceEnd: Descriptor? { with({ $0.spliceEnd }, { _ in nil }, { _ in nil }) }

    /// Moves what `source` has received, at most `limit` bytes, to the client inside the kernel.
    func splice(from source: Descriptor, limit: Int) -> SpliceOutcome {
        with(
            { $0.splice(from: source, limit: limit) }, { _ in .unavailable }, { _ in .unavailable })
    }

    /// The connection, if it may switch to another protocol: nil where others share it.
    var ownConnection: HTTP1Session? {
        switch self {
        case .http1(let session): session.object
        case .http2, .own: nil
        }
    }

    /// The backend on which the client has a connection of its own for the service of `pool`
    /// (BoundConnections.swift); nil for none.
    func boundBackend(of pool: BackendPool) -> PooledBackend? {
        with({ $0.boundBackend(of: pool) }, { _ in nil }, { _ in nil })
    }

    /// Takes the client's own connection to `backend` for a request that may be sent twice, or not;
    /// nil for none.
    func takeBound(
        to backend: PooledBackend, isRepeatable: Bool
    ) -> Link<HTTP1BackendConnection>? {
        with({ $0.takeBound(to: backend, isRepeatable: isRepeatable) }, { _ in nil }, { _ in nil })
    }

    /// Keeps `connection`, which is the client's own, for its next request.
    func keepBound(_ connection: HTTP1BackendConnection) {
        // Streams have none: what one of them has authenticated is not for the others.
        with({ $0.keepBound(connection) }, { _ in connection.close() }, { _ in connection.close() })
    }

    /// Removes `connection`, which was kept and closes by itself.
    func dropBound(_ connection: HTTP1BackendConnection) {
        with({ $0.dropBound(connection) }, { _ in }, { _ in })
    }
}
