// HTTP1Session: a client that speaks HTTP/1. It finds the heads of requests in what the client
// sends, and the ends of their bodies, and hands each request to an exchange; one at a time, so
// that pipelined requests are answered in order (RFC 9112, section 9.3.2). It decides whether the
// connection is used again. HTTP1Session+Response.swift has what it does for the response,
// HTTP1Session+Answer.swift its own answers, and ClientStream.swift what an exchange asks of it.
//
// While it waits for a request it owns nothing but itself: heads are parsed in the worker's buffer,
// and the tracker of the request's body is in the exchange.

internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTP2
internal import Routing
internal import Stats
internal import Traffic

/// One HTTP client connection. Worker thread only.
final class HTTP1Session: StreamChannel, ClientSide {
    private enum State {
        /// Between requests, or within a head.
        case awaitingHead
        /// A request is under way.
        case exchanging
    }

    let worker: Worker
    let context: ClientContext
    var listener: WorkerListener { context.listener }
    // Small members side by side: an idle connection is little more than this object.
    private var state = State.awaitingHead
    var condition = Condition()
    var traits = Traits()
    var afterwards = Afterwards.close
    /// How much of `partial` the parser has seen as part of an unfinished head: less than the limit
    /// of a head, which is 64 KiB at most.
    private var seen: UInt16 = 0
    /// The part that came of a head that is not whole yet, or of requests behind the one under way.
    private var partial: [UInt8]
    private var exchange: HTTPExchange?

    /// How long an unused connection is kept at a drain, for a request that may be on its way.
    private static let drainGraceNanoseconds: UInt64 = 250_000_000

    /// The session of a connection with a client at `address`; `begin` follows.
    init(
        _ handoff: consuming Handoff, from address: IPAddress, worker: Worker,
        listener: WorkerListener
    ) {
        self.worker = worker
        context = ClientContext(handoff, from: address, listener)
        partial = handoff.received
        super.init(handoff, on: worker.loop)
        deadlineNanoseconds = loop.nowNanoseconds + listener.headTimeout
    }

    /// Begins to read. The worker knows the session by now.
    func begin() {
        startReading()
        if !partial.isEmpty { processPartial() }
    }

    // MARK: - From the client

    override func onReadable() {
        if condition.contains(.isBulk), let exchange, splice(to: exchange) { return }
        switch worker.receive(from: self) {
        case .bytes(let count):
            worker.withReceived(count) { received($0) }
        case .wouldBlock:
            break
        case .endOfStream:
            ended()
        case .failed:
            listener.countFlood(self)
            broken()
        }
    }

    private func received(_ bytes: Span<UInt8>) {
        switch state {
        case .awaitingHead:
            if partial.isEmpty {
                let used = readRequest(bytes)
                keep(bytes, from: used)
            } else {
                partial.append(bytes)
            }
            processPartial()
        case .exchanging:
            if let exchange { passBody(bytes, to: exchange) }
        }
    }

    /// Gives `exchange` the part of `bytes` that is its request's body, and keeps what is behind
    /// it.
    private func passBody(_ bytes: Span<UInt8>, to exchange: HTTPExchange) {
        guard !traits.contains(.isWhole) else {
            keep(bytes, from: 0)
            return
        }
        guard let used = followBody(bytes, of: exchange) else {
            exchange.bodyMalformed()
            return
        }
        if Bulk.isWorthwhile(exchange.clientBody.remaining) {
            condition.insert(.isBulk)
        } else {
            condition.remove(.isBulk)
        }
        // Before the exchange has the last part: a new protocol may begin behind it at once.
        keep(bytes, from: used)
        exchange.receivedBody(
            bytes.extracting(0..<used), isLast: traits.contains(.isWhole))
    }

    /// Tracks the body of the request of `exchange` in `bytes`. Returns how many of them belong to
    /// it; nil when it is malformed, or larger than it may be.
    private func followBody(_ bytes: Span<UInt8>, of exchange: HTTPExchange) -> Int? {
        let progress = exchange.clientBody.advance(bytes)
        if exchange.clientBody.payloadBytes > UInt64(exchange.request.bodyLimits.request) {
            exchange.request.isTooLarge = true
            return nil
        }
        switch progress {
        case .more: return bytes.count
        case .end(let consumed):
            traits.insert(.isWhole)
            return consumed
        case .bad: return nil
        }
    }

    /// Has `exchange` move a part of its request's body inside the kernel. False when the part has
    /// to be received.
    private func splice(to exchange: HTTPExchange) -> Bool {
        guard let remaining = exchange.clientBody.remaining, Bulk.isWorthwhile(remaining),
            let outcome = exchange.spliceRequest(limit: Bulk.limit(of: remaining))
        else { return false }
        switch outcome {
        case .sent(let count), .kept(let count):
            exchange.clientBody.skip(UInt64(count))
        case .wouldBlock, .failed: break
        case .endOfStream: ended()
        case .sourceFailed: broken()
        case .unavailable: return false
        }
        return true
    }

    private func keep(_ bytes: Span<UInt8>, from start: Int) {
        guard isOpen, start < bytes.count else { return }
        partial.append(bytes.extracting(start..<bytes.count))
        // The beginning of a next request: it waits, and the client with it.
        if state == .exchanging { stopReading() }
    }

    /// Reads the requests in `partial`, as far as they are here.
    private func processPartial() {
        // An exchange that ends at once calls this again: the loop below goes on by itself then.
        guard !condition.contains(.isProcessing) else { return }
        condition.insert(.isProcessing)
        defer { condition.remove(.isProcessing) }
        while isOpen, state == .awaitingHead, !isCongested, partial.count > Int(seen) {
            // Moved out, since the exchange may call back while its bytes are read.
            let bytes = partial
            partial = []
            let used = readRequest(bytes.span)
            if used == 0 {
                if isOpen { partial = bytes }
                break
            }
            keep(bytes.span, from: used)
        }
        if isOpen, state == .awaitingHead, !isCongested {
            if condition.contains(.hasEnded) { close() } else { startReading() }
        }
    }

    /// Begins the request at the start of `bytes`, if its head is whole. Returns the size of the
    /// head and of the part of the body that is here.
    private func readRequest(_ bytes: Span<UInt8>) -> Int {
        worker.requestHead.limits = listener.headLimits
        switch worker.requestHead.parse(bytes, alreadySeen: Int(seen)) {
        case .complete(let length):
            seen = 0
            state = .exchanging
            condition.insert(.hasServed)
            deadlineNanoseconds = .max
            return length
                + serve(
                    worker.requestHead, bytes.extracting(0..<length),
                    following: bytes.extracting(length..<bytes.count))
        case .needMore:
            if seen == 0 { deadlineNanoseconds = loop.nowNanoseconds + listener.headTimeout }
            seen = UInt16(clamping: bytes.count)
            return 0
        case .bad where beginsHTTP2(bytes):
            becomeHTTP2(bytes)
            return bytes.count
        case .bad(let error):
            refuse(LocalReply(refusing: error))
            return bytes.count
        }
    }

    /// Begins the exchange of a request whose head was parsed from `bytes`, and behind which
    /// `following` came, or answers it. Returns how many of those belong to the request's body.
    private func serve(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, following: Span<UInt8>
    ) -> Int {
        switch listener.destination(of: head, bytes, worker, from: context.address) {
        case .service(let pool, let route):
            pool.use {
                begin(head, bytes, following: following, to: $0, by: route.object)
            }
        case let other:
            answer(other.reply(to: head, bytes, of: context), head, bytes, following: following)
        }
    }

    /// Begins the exchange of a request whose head was parsed from `bytes`, and behind which
    /// `following` came. Returns how many of those belong to the request's body.
    private func begin(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, following: Span<UInt8>,
        to pool: BackendPool, by route: Route?
    ) -> Int {
        let exchange = worker.takeExchange()
        let link = Link(exchange)
        self.exchange = exchange
        readTraits(of: head)
        // The worker has it when it is over.
        return link.use {
            begin($0, head, bytes, following: following, to: pool, by: route)
        }
    }

    private func begin(
        _ exchange: HTTPExchange, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        following: Span<UInt8>, to pool: BackendPool, by route: Route?
    ) -> Int {
        let stream = ClientStream.http1(Link(self))
        exchange.begin(head, bytes, from: stream, context, to: pool, by: route)
        guard !traits.contains(.isWhole) else {
            exchange.start(with: Span(), isLast: true, stream, pool)
            return 0
        }
        exchange.clientBody = BodyTracker(head.body)
        guard let used = followBody(following, of: exchange) else {
            exchange.bodyMalformed()
            return following.count
        }
        exchange.start(
            with: following.extracting(0..<used), isLast: traits.contains(.isWhole), stream, pool)
        return used
    }

    // MARK: - HTTP/2

    /// Whether `bytes`, which no head of HTTP/1 begins with, begin a connection of HTTP/2, by a
    /// client that knows that it is spoken here (RFC 9113, section 3.3).
    private func beginsHTTP2(_ bytes: Span<UInt8>) -> Bool {
        listener.options.policy.speaksHTTP2 && !condition.contains(.hasServed)
            && HTTP2Connection.isBegun(by: bytes)
    }

    /// Gives the connection, which begins with `bytes`, to a session of HTTP/2.
    private func becomeHTTP2(_ bytes: Span<UInt8>) {
        var received: [UInt8] = []
        received.append(bytes)
        let session = HTTP2Session(handOff(), of: context, worker: worker)
        worker.replace(self, by: session)
        session.begin(with: received)
        if listener.isDraining { session.drain() }
    }

    /// Keeps what the session has to know of a request until that is over.
    func readTraits(of head: borrowing RequestHead) {
        traits = []
        condition.remove(.isBulk)
        if head.keepsConnection { traits.insert(.keepsAlive) }
        if head.keepsAlive { traits.insert(.mayGoOn) }
        // Not by `==`, which would be a call into another module here.
        switch head.method {
        case .connect: traits.insert(.mayGoOn)
        case .head: traits.insert(.isHead)
        default: break
        }
        if case .http10 = head.version { traits.insert(.isHTTP10) }
        switch head.body {
        case .none, .length(0): traits.insert(.isWhole)
        case .length, .chunked, .untilClose: break
        }
        afterwards = .linger
    }

    /// The client has sent all it will send.
    func ended() {
        condition.insert(.hasEnded)
        stopReading()
        switch state {
        case .awaitingHead:
            // Between requests that is a proper end; within a head there is no one left to answer.
            close()
        case .exchanging:
            exchange?.clientEnded()
        }
    }

    /// The connection broke, or the client has broken the rules of the layer: it was told so then,
    /// which gets to it only if what it still sends is read.
    func broken() {
        exchange?.clientBroken()
        returnExchange()
        if layer?.hasFailed == true { depart(.end) } else { reset() }
    }

    // MARK: - To the client

    override func onProgress() {
        switch state {
        case .awaitingHead:
            deadlineNanoseconds = loop.nowNanoseconds + listener.stallTimeout
        case .exchanging: exchange?.clientProgressed()
        }
    }

    override func onDrained() {
        switch state {
        case .awaitingHead: awaitRequest()
        case .exchanging: exchange?.clientDrained()
        }
    }

    override func onBroken() {
        broken()
    }

    // MARK: - From the exchange

    /// Whether the connection could carry another request after this one: a client that has ended
    /// may have sent more requests before.
    var mayKeepAlive: Bool {
        !listener.isDraining && (!condition.contains(.hasEnded) || !partial.isEmpty)
    }

    /// Goes on reading: for the rest of a body, or to notice that the client goes away.
    func resumeReading() {
        if partial.isEmpty { startReading() }
    }

    /// Whether the connection waits for another request after this one.
    var goesOn: Bool { afterwards == .keep }

    /// Gives back the exchange, which is over: the worker has it for the next request. Moved, since
    /// counting it up and down would be a part of what a request costs.
    private func returnExchange() {
        if let exchange = exchange.take() { worker.recycle(exchange) }
    }

    /// The exchange is over, and its response is written or kept to the last byte.
    func exchangeFinished() {
        returnExchange()
        guard !condition.contains(.isBroken) else {
            reset()
            return
        }
        switch afterwards {
        case .keep: break
        case .close:
            // A request whose body is not all here was answered early. What the client still sends
            // is dropped; the response has said that the connection ends.
            end(lingers: !traits.contains(.isWhole))
            return
        case .linger:
            end(lingers: true)
            return
        }
        state = .awaitingHead
        guard isCongested else {
            awaitRequest()
            return
        }
        // The next request waits until the client has taken this response: else the bytes kept for
        // a client that pipelines and does not read would grow without end.
        stopReading()
        deadlineNanoseconds = loop.nowNanoseconds + listener.stallTimeout
    }

    /// Goes on with the next request, which may be here already.
    private func awaitRequest() {
        deadlineNanoseconds = loop.nowNanoseconds + listener.idleTimeout
        if listener.isDraining { drain() }
        if condition.contains(.hasEnded) || !partial.isEmpty {
            processPartial()
        } else {
            startReading()
        }
    }

    /// The exchange is over and its response was cut short: the client gets what came of it, and
    /// must not take it for a whole one. Where the response's time was over (`isOver`), FIN will do
    /// if the framing shows that more was to come (RFC 9112, section 8).
    func exchangeCutShort(isOver: Bool) {
        returnExchange()
        depart(isOver && traits.contains(.endShows) ? .end : .cut)
    }

    /// The exchange is over, and the client gets no more: it is gone, has stalled or breaks the
    /// protocol.
    func exchangeBroken() {
        returnExchange()
        reset()
    }

    /// Detaches the connection, which has switched to another protocol, with what the client has
    /// sent behind its request.
    func detachForUpgrade() -> Handoff {
        returnExchange()
        closeBound()
        return handOff(received: partial)
    }

    // MARK: - The end

    /// Ends the connection once the client has everything. Unless it `lingers`, the client will
    /// send nothing more, and the kernel delivers what it has taken; except when the process stops,
    /// since its network may go with it.
    func end(lingers: Bool) {
        if (lingers && !condition.contains(.hasEnded)) || isCongested || listener.isDraining {
            depart(.end)
        } else {
            close()
        }
    }

    private func depart(_ farewell: Farewell) {
        closeBound()
        ClosingEnd.end(
            self, self, farewell, stall: listener.stallTimeout,
            peerHasEnded: condition.contains(.hasEnded), on: worker)
    }

    /// Ends an unused connection. The client may not have all of the last response yet, and a
    /// request that it sends into a closed connection would destroy the rest.
    private func endUnused() {
        if descriptor.unacknowledgedCount > 0 { depart(.end) } else { close() }
    }

    override func onDeadline() {
        switch state {
        case .awaitingHead:
            if isCongested {
                if hasAcknowledgedMore() { onProgress() } else { reset() }
            } else if partial.isEmpty {
                endUnused()
            } else {
                refuse(LocalReply(.clientTimeout))
            }
        case .exchanging:
            // The exchange has a deadline of its own.
            break
        }
    }

    override func close() {
        guard isOpen else { return }
        closeBound()
        worker.remove(self)
        listener.counters.add(.open, -1)
        super.close()
    }

    // MARK: - ClientSide

    var clientNumber: Int { Int(descriptor.number) }

    func drain() {
        guard state == .awaitingHead, partial.isEmpty, !isCongested else { return }
        deadlineNanoseconds = min(
            deadlineNanoseconds, loop.nowNanoseconds + Self.drainGraceNanoseconds)
    }

    func leave(_ backends: [BackendID]) {
        exchange?.leave(backends)
    }

    func endStream(to backends: [BackendID]?, at time: UInt64) {
        exchange?.endStream(to: backends, at: time)
    }

    func abandon() {
        broken()
    }
}
