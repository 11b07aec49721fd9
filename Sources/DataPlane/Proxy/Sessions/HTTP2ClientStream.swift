// HTTP2ClientStream: one request of an HTTP/2 client, and its response. To an exchange it is a
// client like any other (ClientStream.swift): the request's body comes in the framing of HTTP/1.1,
// so that it can go to any backend as it is, and the response goes out in frames. What is held and
// kept meanwhile is in HTTP2Stream.swift.

internal import AccessLog
internal import Backends
internal import Events
internal import HTTP1
internal import HTTP2
internal import Routing
internal import TLS

/// One stream of an HTTP/2 client. Worker thread only; used again for one request after the other.
final class HTTP2ClientStream: HTTP2Stream {
    private var sessionLink = Link<HTTP2Session>()
    private var exchange: HTTPExchange?
    /// Whether its request goes to a backend once all is read that has come.
    private(set) var isStarting = false
    private var isHead = false
    /// Whether it is a call of gRPC.
    private(set) var isGRPC = false
    /// Whether it asks for a tunnel: for a WebSocket, or by CONNECT.
    private var isTunnel = false
    /// Whether it has become that tunnel.
    private var isTunnelOpen = false
    /// Whether its body goes on in chunks, since its length is not known.
    private var isChunked = false
    /// Whether its response ends by a reset once what is kept has gone out, since it was cut short.
    private var isCutShort = false

    /// Takes it into use for the request in `slot` of the connection of `session`.
    func begin(_ slot: Int, of session: HTTP2Session) {
        sessionLink = Link(session)
        begin(slot, in: session)
    }

    override func clear() {
        precondition(exchange == nil, "a stream ends after its exchange")
        super.clear()
        sessionLink = Link()
        isStarting = false
        isHead = false
        isGRPC = false
        isTunnel = false
        isTunnelOpen = false
        isChunked = false
        isCutShort = false
    }

    private func with<Result>(_ body: (HTTP2Session) -> Result) -> Result { sessionLink.use(body) }

    // MARK: - The client

    var context: ClientContext { with { $0.context } }
    var clientNumber: Int { with { $0.clientNumber } }
    var descriptor: Descriptor { with { $0.descriptor } }
    var tls: TLSOutcome? { with { $0.tls } }

    // MARK: - The request's head

    /// Begins with a request whose head was parsed from `bytes`, and which `isWhole` if it has no
    /// body.
    func serve(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, isWhole: Bool, _ session: HTTP2Session
    ) {
        self.isWhole = isWhole
        hasPassedAll = isWhole
        if case .head = head.method { isHead = true }
        if worker.requestText.isGRPC { isGRPC = true }
        if case .chunked = head.body { isChunked = true }
        if worker.requestText.tunnel != .none { awaitTunnel() }
        let address = session.context.address
        switch session.listener.destination(of: head, bytes, worker, from: address) {
        case .service(let pool, let route):
            let exchange = worker.takeExchange()
            self.exchange = exchange
            let link = Link(exchange)
            // The worker has it when it is over.
            link.use { exchange in
                pool.use { pool in
                    let client = ClientStream.http2(Link(self))
                    exchange.begin(
                        head, bytes, from: client, session.context, to: pool, by: route.object)
                    exchange.request.acceptsTrailers = worker.requestText.acceptsTrailers
                    if isGRPC {
                        exchange.request.isCall = true
                        if let time = GRPC.timeout(of: head, bytes) { exchange.limitCall(to: time) }
                    }
                }
            }
            isStarting = true
            worker.startingStreams.append(self)
        case let other:
            other.reply(to: head, bytes, of: session.context)
                .send(to: .http2(Link(self)), answering: head, bytes, on: worker)
            exchangeFinished()
        }
    }

    /// Sends the request to a backend, with what has come of its body in the same read.
    func start() {
        isStarting = false
        exchange?.start(isLast: hasPassedAll || isTunnel)
    }

    /// Holds what the client sends until there is a tunnel for it: to a backend its request is
    /// whole.
    private func awaitTunnel() {
        isTunnel = true
        hasPassedAll = false
        pause()
    }

    /// Gives `reply` to a request whose head can't be passed on.
    func refuse(_ reply: LocalReply, isWhole: Bool) {
        self.isWhole = isWhole
        var reply = reply
        reply.show(context.listener.options.errorPages, Span())
        reply.send(to: .http2(Link(self)), version: .http2, on: worker)
        exchangeFinished()
    }

    // MARK: - The request's body

    override var isTaken: Bool { exchange != nil }

    /// The trailers of the request have come, as whole field lines; they are its end.
    func receivedTrailers(_ lines: Span<UInt8>) {
        // A body of known length has no room for them on its way; nobody has to pass them on (RFC
        // 9110, section 6.5.1).
        if isChunked { trailersCome.append(lines) }
        received(Span(), isLast: true)
    }

    override func pass(_ body: Span<UInt8>) {
        guard let exchange else { return }
        hasPassedAll = isWhole
        guard isChunked else {
            exchange.receivedBody(body, isLast: isWhole)
            return
        }
        exchange.request.bodyBytes += body.count
        guard exchange.request.bodyBytes <= exchange.request.bodyLimits.request else {
            exchange.request.isTooLarge = true
            exchange.bodyMalformed()
            return
        }
        let lines = trailersCome
        if !lines.isEmpty { trailersCome = [] }
        worker.withChunk(of: body, isLast: isWhole, trailers: lines.span) {
            exchange.receivedBody($0, isLast: isWhole)
        }
    }

    /// Lets the body go on; that of a tunnel once there is one.
    func resumeBody() { if !isTunnel || isTunnelOpen { resumeSoon() } }

    // MARK: - The response

    /// Passes on an interim response. Returns the size of its head.
    func interim(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>
    ) -> (outcome: WriteOutcome, count: Int) {
        worker.putOutgoing(head, from: bytes, to: Self.capabilities, framing: .none)
        return (.sent, sendHead(isLast: false))
    }

    /// Begins the response, whose `head` was parsed from `bytes`. Returns the size of its head.
    func respond(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, change: ContentChange,
        edits: FieldEdits?, lines: Span<UInt8>
    ) -> Int {
        var framing = head.body
        // Content that is coded on its way has another length, which nobody knows yet.
        if change.coding != nil, framing != .none { framing = .chunked }
        worker.putOutgoing(
            head, from: bytes, to: Self.capabilities, framing: framing, change: change,
            edits: edits, lines: lines,
            // A call of gRPC would have it among its metadata.
            addsDate: !isGRPC)
        return sendHead(isLast: framing == .none || framing == .length(0))
    }

    /// Begins the tunnel that was asked for, by a response whose `head` was parsed from `bytes`.
    /// Returns the size of its head.
    func openTunnel(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, edits: FieldEdits?
    ) -> Int {
        isTunnelOpen = true
        worker.putOutgoing(
            head, from: bytes, to: Self.capabilities, framing: .none, edits: edits)
        return sendHead(isLast: false)
    }

    /// A head is written as for HTTP/1.1, and translated; the framing is that of frames.
    private static let capabilities = ClientCapabilities(version: .http11, keepsAlive: true)

    /// Sends the head in the worker's outgoing bytes, with which the response ends if `isLast`.
    /// Returns its size.
    private func sendHead(isLast: Bool) -> Int {
        defer { worker.outgoing.removeAll() }
        hasEnded = isLast
        return with { session in
            worker.outgoing.withBytes {
                session.sendHead(
                    $0, on: slot, isLast: isLast, omitsLength: isGRPC,
                    acceptsWebSocket: isTunnelOpen)
            }
        }
    }

    /// Adds a part of the body to the outgoing bytes.
    func append(_ body: Span<UInt8>) { worker.outgoing.append(body) }

    /// Keeps the trailers, `section` with its empty line, for the end of the response.
    func appendTrailers(_ section: Span<UInt8>) { trailersGo.append(section) }

    /// Sends the outgoing bytes, followed by `body`, with which the response ends if `isLast`.
    func send(_ body: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        guard !worker.outgoing.isEmpty else { return transmit(body, isLast: isLast) }
        defer { worker.outgoing.removeAll() }
        worker.outgoing.append(body)
        return worker.outgoing.withBytes { transmit($0, isLast: isLast) }
    }

    override func keptProgressed() {
        if deadlineNanoseconds != .max { with { renewStall($0) } }
        exchange?.clientProgressed()
    }

    override func keptDrained() {
        if isCutShort {
            with { $0.reset(self, .internalError) }
        } else if !hasLast {
            exchange?.clientDrained()
        } else if exchange == nil {
            with { depart($0) }
        }
    }

    // MARK: - Answers of Fairlead's own

    /// Sends `reply`. Returns the sizes of its head and its body.
    func answer(_ reply: LocalReply) -> (head: Int, body: Int) {
        if isGRPC { return (answerAsGRPC(reply), 0) }
        let writer = reply.writer(
            to: Self.capabilities, omitsBody: isHead, context.listener.responseEdits)
        let content = reply.content
        let framing = writer.framing(ofBytes: content.count)
        var text: [UInt8] = []
        writer.writeHead(framing: framing, into: &text)
        let omitsBody = isHead || framing == .none || content.isEmpty
        hasEnded = omitsBody
        let head = with { $0.sendHead(text.span, on: slot, isLast: omitsBody) }
        guard !omitsBody else { return (head, 0) }
        switch transmit(content.span, isLast: true) {
        case .sent, .kept, .failed: return (head, content.count)
        }
    }

    private func answerAsGRPC(_ reply: LocalReply) -> Int {
        var text: [UInt8] = []
        reply.writerOfGRPC(to: Self.capabilities, context.listener.responseEdits)
            .writeHead(framing: .none, into: &text)
        hasEnded = true
        return with { $0.sendHead(text.span, on: slot, isLast: true) }
    }

    // MARK: - The end

    /// The exchange is over, and its response has gone out, or is kept to the last byte.
    func exchangeFinished() {
        returnExchange()
        with { session in
            guard !isCongested else { return renewStall(session) }
            depart(session)
        }
    }

    /// The exchange is over, and its response was cut short: the client gets what came of it, and
    /// learns that more was to come.
    func exchangeCutShort() {
        returnExchange()
        with { session in
            guard !isCongested else {
                isCutShort = true
                return renewStall(session)
            }
            session.reset(self, .internalError)
        }
    }

    /// The exchange is over, and the client gets no more.
    func exchangeBroken() {
        returnExchange()
        with { $0.reset(self, .cancel) }
    }

    /// The client has reset the stream, or its connection is broken.
    func broken() {
        exchange?.clientBroken()
        returnExchange()
    }

    /// Leaves the session: the response is with the client. A request that has not all come was
    /// answered early, and its client is told to send no more of it (RFC 9113, section 8.1).
    private func depart(_ session: HTTP2Session) {
        if isWhole { session.remove(self) } else { session.reset(self, .noError) }
    }

    private func returnExchange() {
        if let exchange = exchange.take() { worker.recycle(exchange) }
    }

    private func renewStall(_ session: HTTP2Session) {
        deadlineNanoseconds = loop.nowNanoseconds + session.listener.stallTimeout
    }

    /// The client takes none of a response that is whole but for what is kept of it.
    override func onDeadline() {
        with { session in
            if hasAcknowledgedMore() { renewStall(session) } else { session.reset(self, .cancel) }
        }
    }

    // MARK: - From the worker

    /// What is under way on these backends goes elsewhere or ends.
    func leave(_ backends: [BackendID]) { exchange?.leave(backends) }

    /// Ends the response at `time`, if it is a stream from one of these backends.
    func endStream(to backends: [BackendID]?, at time: UInt64) {
        exchange?.endStream(to: backends, at: time)
    }
}
