// HTTP2Stream: one request of an HTTP/2 client, and its response. To an exchange it is a client
// like any other (ClientStream.swift): the request's body comes in the framing of HTTP/1.1, so that
// it can go to any backend as it is, and the response goes out in frames.
//
// Nothing is kept for longer than the other side makes it wait. A body that the exchange can't pass
// on is held, and its bytes are not given back to the client's window (RFC 9113, section 5.2) until
// they have gone on; so a stream holds at most that window. Of a response it holds what one receive
// from the backend brought, which is not read from until the client's windows let that go.

internal import AccessLog
internal import Backends
internal import Events
internal import HTTP1
internal import HTTP2
internal import TLS

/// One stream of an HTTP/2 client. Worker thread only; used again for one request after the other.
final class HTTP2Stream: Deadlined {
    /// How the response ends once what is kept of it has gone out.
    private enum Ending {
        /// More is to come.
        case open
        /// With the last of what is kept.
        case end
        /// By a reset, since it was cut short.
        case reset
    }

    let worker: Worker
    private var sessionLink = Link<HTTP2Session>()
    /// Its place among the streams of its connection.
    private(set) var slot = 0
    private var exchange: HTTPExchange?

    // MARK: The request

    private var isHead = false
    /// Whether its body goes on in chunks, since its length is not known.
    private var isChunked = false
    /// Whether all of it has come.
    private var isWhole = false
    /// Whether the exchange has the end of it.
    private var hasPassedAll = false
    /// Whether the exchange takes none of its body for now.
    private var isPaused = false
    /// Whether the session gives it what is held at the end of the turn.
    private var isResuming = false
    /// What has come of its body meanwhile.
    private var held: [UInt8] = []
    /// The field lines of the request's trailers; empty for none.
    private var requestTrailers: [UInt8] = []
    /// Bytes of it by which the windows are not opened yet.
    private var owed = 0

    // MARK: The response

    /// What its windows, or its connection, do not let go yet.
    private var kept: [UInt8] = []
    private var keptStart = 0
    private var ending = Ending.open
    /// Whether the client has been told that it ends.
    private var hasEnded = false
    /// The field lines of its trailers; empty for none.
    private var trailers: [UInt8] = []
    /// Whether it is among those that the session sends from when it can.
    var isWaiting = false

    init(worker: Worker) {
        self.worker = worker
        super.init(on: worker.loop)
    }

    /// Takes it into use for the request in `slot` of the connection of `session`.
    func begin(_ slot: Int, in session: HTTP2Session) {
        sessionLink = Link(session)
        self.slot = slot
    }

    /// Makes it ready for another request; the exchange is over.
    func clear() {
        precondition(exchange == nil, "a stream ends after its exchange")
        sessionLink = Link()
        deadlineNanoseconds = .max
        isHead = false
        isChunked = false
        isWhole = false
        isPaused = false
        isResuming = false
        hasPassedAll = false
        owed = 0
        ending = .open
        hasEnded = false
        isWaiting = false
        keptStart = 0
        if !held.isEmpty { held = [] }
        if !kept.isEmpty { kept.removeAll(keepingCapacity: kept.capacity <= 4096) }
        if !requestTrailers.isEmpty { requestTrailers = [] }
        if !trailers.isEmpty { trailers = [] }
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
        if case .chunked = head.body { isChunked = true }
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
                    exchange.start(with: Span(), isLast: isWhole, client, pool)
                }
            }
        case let other:
            other.reply(to: head, bytes, of: session.context)
                .send(to: .http2(Link(self)), answering: head, bytes, on: worker)
            exchangeFinished()
        }
    }

    /// Gives `reply` to a request whose head can't be passed on.
    func refuse(_ reply: LocalReply, isWhole: Bool) {
        self.isWhole = isWhole
        reply.send(to: .http2(Link(self)), version: .http2, on: worker)
        exchangeFinished()
    }

    // MARK: - The request's body

    /// A part of the body has come, and its end if `isLast`. It is as long as its head says
    /// (HTTP2Connection).
    func received(_ body: Span<UInt8>, isLast: Bool) {
        if isLast { isWhole = true }
        owed += body.count
        guard let exchange else {
            // It has its answer: the rest is dropped.
            giveBack()
            return
        }
        if isPaused || isResuming {
            held.append(body)
        } else {
            pass(body, to: exchange)
            if !isPaused { giveBack() }
        }
    }

    /// The trailers of the request have come, as whole field lines; they are its end.
    func receivedTrailers(_ lines: Span<UInt8>) {
        // A body of known length has no room for them on its way; nobody has to pass them on (RFC
        // 9110, section 6.5.1).
        if isChunked { requestTrailers.append(lines) }
        received(Span(), isLast: true)
    }

    private func pass(_ body: Span<UInt8>, to exchange: HTTPExchange) {
        hasPassedAll = isWhole
        guard isChunked else {
            exchange.receivedBody(body, isLast: isWhole)
            return
        }
        let lines = requestTrailers
        if !lines.isEmpty { requestTrailers = [] }
        worker.withChunk(of: body, isLast: isWhole, trailers: lines.span) {
            exchange.receivedBody($0, isLast: isWhole)
        }
    }

    /// Holds what comes of the body from now on.
    func pauseBody() { isPaused = true }

    /// Lets the body go on, from the end of the turn on: the caller is in the midst of its work.
    func resumeBody() {
        guard isPaused, !isResuming else { return }
        isPaused = false
        isResuming = true
        with { $0.resume(self) }
    }

    /// Passes on what is held.
    func resume() {
        guard isResuming else { return }
        isResuming = false
        guard let exchange else { return }
        if !held.isEmpty || isWhole && !hasPassedAll {
            let body = held
            held = []
            pass(body.span, to: exchange)
        }
        if !isPaused { giveBack() }
    }

    /// Opens the windows by what has gone on.
    private func giveBack() {
        // Nothing is owed, and nobody is there, once the stream has ended with what was passed on.
        guard owed > 0 else { return }
        let count = owed
        owed = 0
        with { $0.giveBack(count, to: slot) }
    }

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
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, edits: FieldEdits?,
        lines: Span<UInt8>
    ) -> Int {
        let framing = head.body
        worker.putOutgoing(
            head, from: bytes, to: Self.capabilities, framing: framing, edits: edits, lines: lines,
            addsDate: true)
        return sendHead(isLast: framing == .none || framing == .length(0))
    }

    /// A head is written as for HTTP/1.1, and translated; the framing is that of frames.
    private static let capabilities = ClientCapabilities(version: .http11, keepsAlive: true)

    /// Sends the head in the worker's outgoing bytes, with which the response ends if `isLast`.
    /// Returns its size.
    private func sendHead(isLast: Bool) -> Int {
        defer { worker.outgoing.removeAll() }
        hasEnded = isLast
        return with { session in
            worker.outgoing.withBytes { session.sendHead($0, on: slot, isLast: isLast) }
        }
    }

    /// Adds a part of the body to the outgoing bytes.
    func append(_ body: Span<UInt8>) { worker.outgoing.append(body) }

    /// Keeps the trailers, `section` with its empty line, for the end of the response.
    func appendTrailers(_ section: Span<UInt8>) { trailers.append(section) }

    /// Sends the outgoing bytes, followed by `body`, with which the response ends if `isLast`.
    func send(_ body: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        guard !worker.outgoing.isEmpty else { return transmit(body, isLast: isLast) }
        defer { worker.outgoing.removeAll() }
        worker.outgoing.append(body)
        return worker.outgoing.withBytes { transmit($0, isLast: isLast) }
    }

    private func transmit(_ body: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        if hasEnded { return .sent }
        var sent = 0
        if !isCongested {
            sent = with { $0.send(body, on: slot, isLast: isLast && trailers.isEmpty) }
        }
        if isLast { ending = .end }
        guard sent == body.count else {
            kept.append(body.extracting(sent..<body.count))
            with { $0.wait(self) }
            return .kept
        }
        if isLast { sendEnd() }
        return .sent
    }

    /// Ends the response, all of which has gone out.
    private func sendEnd() {
        hasEnded = true
        guard !trailers.isEmpty else { return }
        let lines = trailers
        trailers = []
        with { session in session.sendTrailers(lines.span, on: slot) }
    }

    /// Whether bytes are kept for the client.
    var isCongested: Bool { kept.count > keptStart }

    /// Whether the client has acknowledged anything of what is on its way to it. One that takes
    /// nothing of this stream is not heard from.
    func hasAcknowledgedMore() -> Bool {
        with { $0.isCongested && $0.hasAcknowledgedMore() }
    }

    /// Sends at most `limit` of the bytes that are kept. Returns whether it could send any.
    func sendKept(atMost limit: Int, _ session: HTTP2Session) -> Bool {
        let end = min(kept.count, keptStart + limit)
        let isLast = end == kept.count && ending == .end && trailers.isEmpty
        // Held by itself, since what is kept may change meanwhile.
        let bytes = kept
        let sent = session.send(
            bytes.span.extracting(keptStart..<end), on: slot, isLast: isLast)
        guard sent > 0 else { return false }
        keptStart += sent
        guard keptStart == kept.count else {
            if deadlineNanoseconds != .max { renewStall(session) }
            exchange?.clientProgressed()
            return true
        }
        kept.removeAll(keepingCapacity: kept.capacity <= 65_536)
        keptStart = 0
        switch ending {
        case .open: exchange?.clientDrained()
        case .end:
            sendEnd()
            if exchange == nil { depart(session) }
        case .reset: session.reset(self, .internalError)
        }
        return true
    }

    // MARK: - Answers of Fairlead's own

    /// Sends `reply`. Returns the sizes of its head and its body.
    func answer(_ reply: LocalReply) -> (head: Int, body: Int) {
        let writer = reply.writer(
            to: Self.capabilities, omitsBody: isHead, context.listener.responseEdits)
        let framing = writer.framing(ofBytes: reply.body.count)
        var text: [UInt8] = []
        writer.writeHead(framing: framing, into: &text)
        let omitsBody = isHead || framing == .none || reply.body.isEmpty
        hasEnded = omitsBody
        let head = with { $0.sendHead(text.span, on: slot, isLast: omitsBody) }
        guard !omitsBody else { return (head, 0) }
        switch transmit(reply.body.span, isLast: true) {
        case .sent, .kept, .failed: return (head, reply.body.count)
        }
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
                ending = .reset
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
