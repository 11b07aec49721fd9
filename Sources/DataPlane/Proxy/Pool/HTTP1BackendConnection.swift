// HTTP1BackendConnection: an HTTP/1 connection to a backend. One exchange at a time uses it, and
// the pool keeps it in between. BackendStream.swift says what an exchange asks of it; what it reads
// for the exchange is in HTTP1BackendConnection+Response.swift.

internal import Events
internal import Evidence
internal import HTTP1
internal import ProxyProtocol
internal import Stats
internal import TLS
internal import Traffic

/// An HTTP/1 connection to a backend. Worker thread only.
final class HTTP1BackendConnection: StreamChannel {
    let backend: PooledBackend
    let pool: BackendPool
    let worker: Worker
    /// The exchange that the connection works for; none while it is idle. An exchange releases its
    /// connection before its client releases it.
    private var exchangeLink: Link<HTTPExchange>
    private var exchange: HTTPExchange? { exchangeLink.object }
    /// The slot of the exchange's try that uses it; without meaning while the connection is idle.
    private(set) var slot: Tries.Slot
    /// Whether it is bound to its client (BoundConnections.swift).
    private(set) var isBound: Bool
    /// The form of the PROXY header with which it began; nil without one.
    private let introduction: ProxyHeader.Version?
    /// Whether it has carried an exchange before: then the backend may have closed it meanwhile.
    private(set) var isReused = false
    /// Whether sending has failed: what the backend sent before may still be read, but its end is
    /// not a proper one.
    private(set) var isBroken = false
    /// Whether the next bytes are the middle of a large body, which is moved unseen.
    var isBulk = false
    /// The client that keeps it while it is bound and idle; nil otherwise. The client closes it
    /// before it is closed itself.
    private var owner: ClientStream?
    /// Its place among the bound connections of its backend that are idle.
    var placeAmongBound = 0
    /// When it last became idle, in the loop's nanoseconds.
    private var idleSince: UInt64 = 0
    /// How long the backend says it keeps the connection, in seconds; nil when it does not say.
    var promisedIdleSeconds: UInt64?
    /// What is known of the current response.
    var response = Response()
    /// The part that came of a response's head that is not whole yet, or that waits to be read.
    var partial: [UInt8] = []
    /// What has come of the response's trailer section, which is kept until it is whole: a field's
    /// name decides whether it is passed on. The tracker of the body bounds it.
    var trailers: [UInt8] = []

    /// The connection of `handoff` to `backend`, which is new, for the try of `exchange` in `slot`.
    /// One that began with the PROXY header of its client, in the form of `introduction`, is the
    /// client's own.
    init(
        _ handoff: consuming Handoff, to backend: PooledBackend, for exchange: HTTPExchange,
        _ slot: Tries.Slot, worker: Worker, pool: BackendPool,
        introducedBy introduction: ProxyHeader.Version?
    ) {
        self.backend = backend
        self.pool = pool
        self.worker = worker
        self.slot = slot
        self.introduction = introduction
        isBound = introduction != nil
        exchangeLink = Link(exchange)
        super.init(handoff, on: worker.loop)
        startReading()
    }

    // MARK: - Use

    /// Takes the connection out of the pool for the try of `exchange` in `slot`.
    func use(for exchange: HTTPExchange, _ slot: Tries.Slot) {
        exchangeLink = Link(exchange)
        self.slot = slot
        isReused = true
        if owner != nil {
            owner = nil
            backend.free.removeBound(self)
        }
    }

    /// Binds the connection to its client: the connection is what the request has authenticated.
    func bind() { isBound = true }

    /// Sends the head of a request, and the part of its body that is here.
    func send(
        _ head: SendBuffer, _ body: [UInt8], expecting expected: ExpectedResponse
    ) -> WriteOutcome {
        response.expect(expected)
        backend.counters.add(.bytesSent, head.count + body.count)
        return body.isEmpty ? write(head) : write(head, body)
    }

    /// Sends more of the request's body.
    func send(_ body: Span<UInt8>) -> WriteOutcome {
        backend.counters.add(.bytesSent, body.count)
        let outcome = write(body)
        if case .failed = outcome { isBroken = true }
        return outcome
    }

    /// Moves a part of the request's body, which `source` has received, inside the kernel.
    func spliceRequest(from source: Descriptor, limit: Int) -> SpliceOutcome {
        let outcome = splice(from: source, limit: limit)
        switch outcome {
        case .sent(let count), .kept(let count): backend.counters.add(.bytesSent, count)
        case .failed: isBroken = true
        case .wouldBlock, .endOfStream, .sourceFailed, .unavailable: break
        }
        return outcome
    }

    /// The exchange is over: the connection goes back to the pool if the response allows that and
    /// `isReusable`, else it is closed. A bound one goes back to `client`, if that goes on.
    func release(isReusable: Bool, to client: ClientStream, clientGoesOn: Bool) {
        exchangeLink = Link()
        isBulk = false
        guard isReusable, response.keepsAlive, !worker.isDraining, !isCongested, !isBroken,
            introduction == pool.options.policy.sendsHeader
        else {
            close()
            return
        }
        if !partial.isEmpty { partial = [] }
        if !trailers.isEmpty { trailers = [] }
        // Reading goes on, to notice when the backend closes it.
        startReading()
        idleSince = loop.nowNanoseconds
        if isBound {
            keep(for: client, clientGoesOn: clientGoesOn)
        } else {
            deadlineNanoseconds = idleSince + min(pool.idleTimeout, backendIdleTime)
            if !backend.keep(self, max: pool.options.policy.idleConnectionsMax) { close() }
        }
    }

    /// How long the backend keeps it for sure, in nanoseconds; `.max` when nothing is known.
    private var backendIdleTime: UInt64 {
        let learned = backend.idleTime.limit(at: idleSince)
        guard let promisedIdleSeconds else { return learned }
        return min(learned, IdleTime.safe(min(promisedIdleSeconds, 86_400) * 1_000_000_000))
    }

    /// Whether a request may be sent on this idle connection. One that can't be sent twice is not
    /// sent on a connection that the backend has closed, even before the loop has seen that.
    func isUsable(_ isRepeatable: Bool) -> Bool {
        guard loop.nowNanoseconds < deadlineNanoseconds else { return false }
        if isRepeatable || isQuiet || hasOnlyTickets { return true }
        backend.idleTime.recordClose(idleSince: idleSince, at: loop.nowNanoseconds)
        return false
    }

    /// Whether what came on this idle connection is for TLS alone, such as tickets. Reads it; the
    /// client's bytes, with requests behind this one, are in the worker's buffer.
    private var hasOnlyTickets: Bool {
        guard layer != nil, case .wouldBlock = receive(into: worker.spareBuffer)
        else { return false }
        return isQuiet
    }

    private func keep(for client: ClientStream, clientGoesOn: Bool) {
        // It is kept for as long as its client waits, if its backend does.
        let limit = backendIdleTime
        deadlineNanoseconds = limit == .max ? .max : idleSince + limit
        guard clientGoesOn, !pool.isRetired, backend.keepBound(self) else {
            close()
            return
        }
        owner = client
        client.keepBound(self)
    }

    /// Drops the response, of whose body `following` came. The connection goes back to the pool if
    /// all of the response is here and `isReusable`; else it is closed as for a request cut short.
    func dismiss(_ following: Span<UInt8>, isReusable: Bool, for client: ClientStream) {
        if isReusable, isOver(with: following) {
            release(isReusable: true, to: client, clientGoesOn: true)
        } else {
            abort()
        }
    }

    /// Closes the connection so that the backend can tell a request cut short from a whole one.
    func abort() {
        exchangeLink = Link()
        reset()
    }

    /// Detaches the connection, which has switched to another protocol.
    func detachForUpgrade() -> Handoff {
        exchangeLink = Link()
        return handOff()
    }

    // MARK: - Events

    override func onReadable() {
        if isBulk, let exchange, splice(to: exchange) { return }
        switch worker.receive(from: self) {
        case .bytes(let count):
            recordReceived(count)
            let isTaken: Void? = exchangeLink.with { exchange in
                worker.withReceived(count) { received($0, for: exchange) }
            }
            // No request is under way: these bytes must not become the answer to the next one.
            if isTaken == nil { backendDroppedIdle() }
        case .wouldBlock:
            break
        case .endOfStream:
            ended()
        case .failed:
            broken()
        }
    }

    /// Records that `count` bytes came from the backend, which shows that it is alive.
    func recordReceived(_ count: Int) {
        backend.counters.add(.bytesReceived, count)
        backend.record.heardAt = loop.nowNanoseconds
    }

    /// Whether a part of a response's head has come.
    var hasBegun: Bool { !partial.isEmpty }

    /// Reads the bytes that were kept as if they came now.
    func readAgain() {
        if let exchange { readPartial(for: exchange) }
    }

    /// The backend has sent all it will send.
    func ended() {
        guard let exchange else {
            backendDroppedIdle()
            return
        }
        stopReading()
        let stream = BackendStream.http1(Link(self))
        if isBroken {
            exchange.backendBroken(stream)
        } else if response.isInBody, response.body.endsAtClose {
            response.keepsAlive = false
            exchange.receivedResponse(Span(), isLast: true, behindHead: false, stream)
        } else {
            exchange.backendBroken(stream)
        }
    }

    /// The connection is broken.
    func broken() {
        guard let exchange else {
            backendDroppedIdle()
            return
        }
        let stream = BackendStream.http1(Link(self))
        if let fault = lateFault {
            exchange.backendIsUnusable(stream, .tls(fault))
        } else {
            exchange.backendBroken(stream)
        }
    }

    /// Sending a request has failed. A backend that has just refused our certificate has said so
    /// before it closed the connection.
    func sendFailed() {
        if layer != nil, !isReused {
            // Nobody holds the buffer: a new connection is used from an event of its own.
            switch worker.receive(from: self) {
            case .bytes, .wouldBlock, .endOfStream, .failed: break
            }
        }
        broken()
    }

    /// What a backend has found wrong with our certificate, or with there being none: by TLS 1.3 it
    /// says so when the client's handshake is over. It has read nothing of the request then. Nil
    /// for any other break.
    private var lateFault: TLSFault? {
        guard !isReused, !response.isInBody, partial.isEmpty,
            let fault = (layer as? TLSLayer)?.fault(), fault.reason == .certificateWanted
        else { return nil }
        return fault
    }

    override func onProgress() {
        exchange?.backendProgressed(.http1(Link(self)))
    }

    override func onDrained() {
        exchange?.backendDrained(.http1(Link(self)))
    }

    override func onBroken() {
        isBroken = true
        exchange?.backendTakesNoMore()
    }

    override func onDeadline() {
        if let exchange {
            exchange.backendTimedOut(.http1(Link(self)))
        } else {
            dropIdle()
        }
    }

    /// The backend has closed the connection while it was idle, or has sent bytes without a
    /// request.
    private func backendDroppedIdle() {
        backend.idleTime.recordClose(idleSince: idleSince, at: loop.nowNanoseconds)
        dropIdle()
    }

    /// Closes the connection while it is idle, and removes it from the pool or its client.
    func dropIdle() {
        if let owner {
            owner.dropBound(self)
        } else {
            backend.free.remove(self)
        }
        close()
    }

    override func close() {
        guard isOpen else { return }
        if owner != nil {
            owner = nil
            backend.free.removeBound(self)
        }
        backend.counters.add(.open, -1)
        super.close()
    }
}
