// ClientConnection: a client that speaks HTTP/1. It finds the heads of requests in what the client
// sends and hands each request to an exchange; one at a time, so that pipelined requests are
// answered in order (RFC 9112, section 9.3.2).
//
// While it waits for a request it owns nothing but itself: heads are parsed in the worker's buffer.

internal import AccessLog
internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
internal import Stats

/// One HTTP client connection. Worker thread only.
final class ClientConnection: StreamChannel, ClientSide {
    private enum State {
        /// Between requests, or within a head.
        case awaitingHead
        /// A request is under way.
        case exchanging
    }

    let worker: Worker
    /// The listener that the client came by.
    let listener: WorkerListener
    let address: IPAddress
    // The small ones side by side: an idle connection is little more than this object.
    private var state = State.awaitingHead
    /// The client has sent its FIN: no more requests will come.
    private var hasEnded = false
    private var isProcessing = false
    /// An answer could not be written: the connection is reset once its exchange is over.
    private var isBroken = false
    /// What comes next may be the middle of a large body.
    var isBulk = false
    /// How much of `partial` the parser has seen as part of an unfinished head.
    private var seen: Int32 = 0
    /// What came of a head that is not whole yet, or of requests after the one under way.
    private var partial: [UInt8] = []
    private var exchange: HTTPExchange?
    /// Free connections to backends that serve this client alone.
    var bound = BoundConnections()

    /// At a drain, an unused connection is kept for so long for a request that may be on its way.
    private static let drainGraceNanoseconds: UInt64 = 250_000_000

    init(
        _ descriptor: Descriptor, from address: IPAddress, worker: Worker, listener: WorkerListener
    ) {
        self.worker = worker
        self.listener = listener
        self.address = address
        super.init(descriptor, on: worker.loop)
        deadlineNanoseconds = loop.nowNanoseconds + listener.headTimeout
        startReading()
    }

    // MARK: - From the client

    override func onReadable() {
        if isBulk, let exchange, exchange.spliceRequest(from: self) { return }
        switch worker.receive(from: descriptor) {
        case .bytes(let count):
            worker.withReceived(count) { received($0) }
        case .wouldBlock:
            break
        case .endOfStream:
            ended()
        case .failed:
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
            let used = exchange?.requestBytes(bytes, from: self) ?? bytes.count
            guard used < bytes.count else { return }
            keep(bytes, from: used)
        }
    }

    private func keep(_ bytes: Span<UInt8>, from start: Int) {
        guard isOpen, start < bytes.count else { return }
        partial.append(bytes.extracting(start..<bytes.count))
        // The beginning of a next request: it waits, and the client with it.
        if state == .exchanging { stopReading() }
    }

    /// Reads the requests in `partial` as far as they go.
    private func processPartial() {
        // An exchange that ends at once calls back here: the loop below goes on by itself then.
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
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
            if hasEnded { close() } else { startReading() }
        }
    }

    /// Begins the request at the start of `bytes`, if its head is whole. Returns how many bytes the
    /// head, and as much of the body as is here, took.
    private func readRequest(_ bytes: Span<UInt8>) -> Int {
        switch listener.requestHead.parse(bytes, alreadySeen: Int(seen)) {
        case .complete(let length):
            seen = 0
            state = .exchanging
            deadlineNanoseconds = .max
            let head = bytes.extracting(0..<length)
            let following = bytes.extracting(length..<bytes.count)
            switch listener.destination(of: listener.requestHead, head, worker) {
            case .service(let pool, let route):
                let exchange = worker.takeExchange()
                self.exchange = exchange
                return length
                    + exchange.begin(
                        listener.requestHead, head, following: following, from: self, to: pool,
                        by: route)
            case let answered:
                return length + answer(answered, listener.requestHead, head, following: following)
            }
        case .needMore:
            if seen == 0 { deadlineNanoseconds = loop.nowNanoseconds + listener.headTimeout }
            // Less than a head's limit, or it would be bad.
            seen = Int32(clamping: bytes.count)
            return 0
        case .bad(let error):
            refuse(.refused(error))
            return bytes.count
        }
    }

    /// The client has sent all it will send.
    func ended() {
        hasEnded = true
        stopReading()
        switch state {
        case .awaitingHead:
            // Between requests this is how a connection ends; within a head nothing can be done.
            close()
        case .exchanging:
            exchange?.clientEnded()
        }
    }

    /// The connection is broken.
    func broken() {
        exchange?.clientBroken()
        exchange = nil
        reset()
    }

    // MARK: - To the client

    override func onProgress() {
        switch state {
        case .awaitingHead:
            deadlineNanoseconds = loop.nowNanoseconds + listener.stallTimeout
        case .exchanging: exchange?.clientProgressed(self)
        }
    }

    override func onDrained() {
        switch state {
        case .awaitingHead: awaitRequest()
        case .exchanging: exchange?.clientDrained(self)
        }
    }

    override func onBroken() {
        broken()
    }

    /// Answers a request that no exchange was begun for, and ends the connection.
    private func refuse(_ reply: Reply) {
        listener.counters.add(.badRequests)
        let sent = send(reply, keepsAlive: false, minorVersion: 1, omitsBody: false)
        if let log = worker.log {
            var entry = AccessEntry(.http(minorVersion: 1), reply.cause)
            entry.status = reply.status
            entry.bytesOut = sent.head + sent.body
            entry.bodyBytesOut = sent.body
            log.write(
                entry, LoggedText(), client: address, listener: listener, pool: nil, backend: nil)
        }
        end(lingers: true)
    }

    /// Sends one of Fairlead's own answers; returns the sizes of its head and its body.
    func send(
        _ reply: Reply, service: String = "", keepsAlive: Bool, minorVersion: Int, omitsBody: Bool
    ) -> (head: Int, body: Int) {
        var out: [UInt8] = []
        let bodyCount = reply.write(
            to: ClientCapabilities(minorVersion: minorVersion, keepsAlive: keepsAlive),
            service: service, omitsBody: omitsBody, into: &out)
        send(out.span)
        return (out.count - bodyCount, bodyCount)
    }

    /// Sends an answer of Fairlead's own, whole.
    func send(_ answer: Span<UInt8>) {
        switch write(answer) {
        // What is kept goes out before the next request is read, and before the connection ends.
        case .sent, .kept: break
        case .failed: isBroken = true
        }
    }

    // MARK: - From the exchange

    /// Whether the connection could carry another request after this one: a client that has ended
    /// may have sent more requests before.
    var mayKeepAlive: Bool { !listener.isDraining && (!hasEnded || !partial.isEmpty) }

    /// Goes on reading: the rest of a body, or to hear of the client going away.
    func resumeReading() {
        if partial.isEmpty { startReading() }
    }

    /// Keeps what came behind the request for the protocol that the connection switches to.
    func holdBack(_ bytes: Span<UInt8>) {
        partial.append(bytes)
        stopReading()
    }

    /// The exchange is over, and everything it had to say is written or kept.
    func exchangeFinished(keepsAlive: Bool, lingers: Bool) {
        exchange = nil
        guard !isBroken else {
            reset()
            return
        }
        guard keepsAlive else {
            end(lingers: lingers)
            return
        }
        state = .awaitingHead
        guard isCongested else {
            awaitRequest()
            return
        }
        // The next request waits until the client has taken this response: what is kept for one
        // that pipelines and does not read would grow without end.
        stopReading()
        deadlineNanoseconds = loop.nowNanoseconds + listener.stallTimeout
    }

    /// Goes on with the next request, which may be here.
    private func awaitRequest() {
        deadlineNanoseconds = loop.nowNanoseconds + listener.idleTimeout
        if listener.isDraining { drain() }
        if hasEnded || !partial.isEmpty { processPartial() } else { startReading() }
    }

    /// The exchange is over and its response was cut short: the client gets what came of it, and
    /// must not take it for whole; with `.end` the framing shows that it is not (RFC 9112, section
    /// 8).
    func exchangeCutShort(_ farewell: Farewell) {
        exchange = nil
        depart(farewell)
    }

    /// The exchange is over, and the client gets no more: it is gone, stands still or breaks the
    /// rules.
    func exchangeBroken() {
        exchange = nil
        reset()
    }

    /// The connection has switched to another protocol: gives it up, with what the client has sent
    /// behind its request.
    func handOver() -> Handoff {
        exchange = nil
        bound.closeAll()
        return handOff(received: partial)
    }

    // MARK: - The end

    /// Ends the connection once the client has everything. Unless it `lingers` the client is to
    /// send nothing more, and the kernel can be left to deliver what it has taken; but for a
    /// process that stops, whose network may go with it.
    private func end(lingers: Bool) {
        if (lingers && !hasEnded) || isCongested || listener.isDraining {
            depart(.end)
        } else {
            close()
        }
    }

    private func depart(_ farewell: Farewell) {
        bound.closeAll()
        ClosingEnd.end(
            self, self, farewell, stall: listener.stallTimeout, peerHasEnded: hasEnded, on: worker)
    }

    /// Ends an unused connection. The client may not have all of the last response yet, and what it
    /// sends into a closed connection would destroy the rest.
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
                refuse(.clientTimeout)
            }
        case .exchanging:
            exchange?.clientStalled()
        }
    }

    override func close() {
        guard isOpen else { return }
        bound.closeAll()
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
