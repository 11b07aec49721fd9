// HTTP1BackendConnection: an HTTP/1 connection to a backend: used by one exchange at a time, kept
// in the pool between exchanges. BackendStream.swift says what an exchange may ask of it; what it
// reads for the exchange is in HTTP1BackendConnection+Response.swift.

internal import Events
internal import Evidence
internal import HTTP1
internal import Stats
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
    /// Which of the exchange's tries goes on here; of no meaning while the connection is idle.
    private(set) var slot: Tries.Slot
    /// Whether it belongs to the client for which it works (BoundConnections.swift).
    private(set) var isBound = false
    /// Whether it has carried an exchange before: then the backend may have closed it meanwhile.
    private(set) var isReused = false
    /// Sending failed: what the backend sent before may still be read, its end is not a proper one.
    private(set) var isBroken = false
    /// What comes next is the middle of a large body, which is moved without being looked at.
    var isBulk = false
    /// The client that has it while it is bound and idle; nil otherwise. The client closes it
    /// before it goes itself.
    private var owner: ClientStream?
    /// Its place among the bound connections of its backend that are idle.
    var placeAmongBound = 0
    /// When it was last put aside, in the loop's nanoseconds.
    private var idleSince: UInt64 = 0
    /// For how long the backend says it keeps the connection, in seconds; nil when it does not say.
    var promisedIdleSeconds: UInt64?
    /// What is known of the response under way.
    var response = Response()
    /// What came of a response's head that is not whole yet, or waits to be read.
    var partial: [UInt8] = []
    /// What has come of the response's trailer section, which is held until it is whole: a field's
    /// name decides whether it is passed on. Bounded by what follows the body.
    var trailers: [UInt8] = []

    /// Takes over `descriptor`, a new connection to `backend`, for the try of `exchange` in `slot`.
    init(
        _ descriptor: Descriptor, to backend: PooledBackend, for exchange: HTTPExchange,
        _ slot: Tries.Slot, worker: Worker, pool: BackendPool
    ) {
        self.backend = backend
        self.pool = pool
        self.worker = worker
        self.slot = slot
        exchangeLink = Link(exchange)
        super.init(descriptor, on: worker.loop)
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

    /// From now on the connection belongs to the client for which it works: what it has
    /// authenticated is the connection.
    func bind() { isBound = true }

    /// Sends the head of a request, and what there is of its body.
    func send(
        _ head: SendBuffer, _ body: [UInt8], expecting expected: ExpectedResponse
    ) -> WriteOutcome {
        response.isAwaited(expected)
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

    /// Moves on a part of the request's body, which `source` has received, inside the kernel.
    func spliceRequest(from source: Descriptor, limit: Int) -> SpliceOutcome {
        let outcome = splice(from: source, limit: limit)
        switch outcome {
        case .sent(let count), .kept(let count): backend.counters.add(.bytesSent, count)
        case .failed: isBroken = true
        case .wouldBlock, .endOfStream, .sourceFailed, .unavailable: break
        }
        return outcome
    }

    /// The exchange is over: back to the pool when the response allows it and `isReusable`, else
    /// closed. A bound one goes back to `client`, if that goes on.
    func release(isReusable: Bool, to client: ClientStream, clientGoesOn: Bool) {
        exchangeLink = Link()
        isBulk = false
        guard isReusable, response.keepsAlive, !worker.isDraining, !isCongested, !isBroken else {
            close()
            return
        }
        if !partial.isEmpty { partial = [] }
        if !trailers.isEmpty { trailers = [] }
        // Reading goes on, to hear of the backend closing it.
        startReading()
        idleSince = loop.nowNanoseconds
        if isBound {
            keep(for: client, clientGoesOn: clientGoesOn)
        } else {
            deadlineNanoseconds = idleSince + min(pool.idleTimeout, backendIdleTime)
            if !backend.keep(self, max: pool.options.policy.idleConnectionsMax) { close() }
        }
    }

    /// For how long the backend can be relied on to keep it, in nanoseconds; `.max` when nothing is
    /// known.
    private var backendIdleTime: UInt64 {
        let learned = backend.idleTime.limit(at: idleSince)
        guard let promisedIdleSeconds else { return learned }
        return min(learned, IdleTime.safe(min(promisedIdleSeconds, 86_400) * 1_000_000_000))
    }

    /// Whether a request may be sent on it, which is idle. One that can't be sent twice is not sent
    /// on a connection that the backend has closed meanwhile, though the loop has not come to that
    /// yet.
    func isUsable(_ isRepeatable: Bool) -> Bool {
        guard loop.nowNanoseconds < deadlineNanoseconds else { return false }
        if isRepeatable || isQuiet { return true }
        backend.idleTime.noteClosed(idleSince: idleSince, at: loop.nowNanoseconds)
        return false
    }

    private func keep(for client: ClientStream, clientGoesOn: Bool) {
        // It waits as long as its client does, if its backend does.
        let limit = backendIdleTime
        deadlineNanoseconds = limit == .max ? .max : idleSince + limit
        guard clientGoesOn, !pool.isRetired, backend.keepBound(self) else {
            close()
            return
        }
        owner = client
        client.keepBound(self)
    }

    /// The response, of whose body `following` came, goes nowhere: back to the pool when it is all
    /// here and `isReusable`, else closed as a request that is cut short.
    func dismiss(_ following: Span<UInt8>, isReusable: Bool, for client: ClientStream) {
        if isReusable, isOver(with: following) {
            release(isReusable: true, to: client, clientGoesOn: true)
        } else {
            abort()
        }
    }

    /// Closes it in such a way that the backend can tell a request cut short from a whole one.
    func abort() {
        exchangeLink = Link()
        reset()
    }

    /// The connection has switched to another protocol: gives it up.
    func detachForUpgrade() -> Handoff {
        exchangeLink = Link()
        return handOff()
    }

    // MARK: - Events

    override func onReadable() {
        if isBulk, let exchange, splice(to: exchange) { return }
        switch worker.receive(from: self) {
        case .bytes(let count):
            noteReceived(count)
            let isTaken: Void? = exchangeLink.with { exchange in
                worker.withReceived(count) { received($0, for: exchange) }
            }
            // Nobody asked: a response to nothing must not become the answer to the next request.
            if isTaken == nil { backendDroppedIdle() }
        case .wouldBlock:
            break
        case .endOfStream:
            ended()
        case .failed:
            broken()
        }
    }

    /// So many bytes came from the backend, which shows that it lives.
    func noteReceived(_ count: Int) {
        backend.counters.add(.bytesReceived, count)
        backend.record.heardAt = loop.nowNanoseconds
    }

    /// Whether a part of a response's head has come.
    var hasBegun: Bool { !partial.isEmpty }

    /// Reads what was put back as if it came now.
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
        if let exchange {
            exchange.backendBroken(.http1(Link(self)))
        } else {
            backendDroppedIdle()
        }
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

    /// The backend has closed it while it was idle, or has said something that nobody asked.
    private func backendDroppedIdle() {
        backend.idleTime.noteClosed(idleSince: idleSince, at: loop.nowNanoseconds)
        dropIdle()
    }

    /// Closes it while it is idle, and has it forgotten by those that keep it.
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
