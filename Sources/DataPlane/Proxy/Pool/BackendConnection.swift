// BackendConnection: one HTTP connection to a backend: dialled, used by one exchange at a time,
// kept in the pool between exchanges.

internal import Events
internal import Evidence
internal import HTTP1
internal import Stats
internal import Traffic

/// An HTTP connection to a backend. Worker thread only.
final class BackendConnection: StreamChannel {
    private enum State { case connecting, busy, idle }

    let backend: PooledBackend
    let pool: BackendPool
    private let worker: Worker
    private var state = State.connecting
    /// The exchange that the connection works for; none while it is idle. An exchange releases its
    /// connection before its client releases it.
    private var exchangeLink = Link<HTTPExchange>()
    private var exchange: HTTPExchange? { exchangeLink.object }
    /// Which of the exchange's tries goes on here; of no meaning while the connection is idle.
    private(set) var slot: Tries.Slot
    /// Whether it belongs to the client for which it works (BoundConnections.swift).
    private(set) var isBound = false
    /// The client that has it while it is bound and idle; nil otherwise. The client closes it
    /// before it goes itself.
    private var owner: ClientStream?
    /// Its place among the bound connections of its backend that are idle.
    var placeAmongBound = 0
    /// What came of a response's head that is not whole yet.
    var partial: [UInt8] = []
    /// How much of `partial` the parser has seen as part of an unfinished head.
    var partialSeen = 0
    /// Whether it has carried an exchange before: then the backend may have closed it meanwhile.
    private(set) var isReused = false
    /// What comes next is the middle of a large body: `exchange` moves it without looking at it.
    var isBulk = false
    /// When it was last put aside, in the loop's nanoseconds.
    private var idleSince: UInt64 = 0
    /// For how long the backend says it keeps the connection, in seconds; nil when it does not say.
    var promisedIdleSeconds: UInt64?
    /// Writing failed: what the backend sent before may still be read, its end is not a proper one.
    var isBroken = false

    /// Begins to dial `backend` for the try of `exchange` in `slot`.
    ///
    /// - Throws: `Errno` when the dial failed at once.
    init(
        dialing backend: PooledBackend, for exchange: HTTPExchange, _ slot: Tries.Slot,
        worker: Worker, pool: BackendPool
    ) throws(Errno) {
        self.backend = backend
        self.slot = slot
        self.worker = worker
        exchangeLink = Link(exchange)
        self.pool = pool
        let descriptor = try Socket.connectStream(
            to: backend.endpoint, below: worker.descriptorRoom.dialsEnd)
        super.init(descriptor, on: worker.loop)
        backend.counters.add(.open)
        deadlineNanoseconds = loop.nowNanoseconds + pool.connectTimeout
        awaitWrite()
    }

    // MARK: - Use

    /// Takes the connection out of the pool for the try of `exchange` in `slot`.
    func use(for exchange: HTTPExchange, _ slot: Tries.Slot) {
        exchangeLink = Link(exchange)
        self.slot = slot
        state = .busy
        isReused = true
        if owner != nil {
            owner = nil
            backend.free.removeBound(self)
        }
    }

    /// From now on the connection belongs to the client for which it works: what it has
    /// authenticated is the connection.
    func bind() { isBound = true }

    /// The exchange is over: back to the pool when `isReusable`, else closed. A bound one goes back
    /// to `client`, if that goes on.
    func release(isReusable: Bool, to client: ClientStream, clientGoesOn: Bool) {
        exchangeLink = Link()
        isBulk = false
        if !partial.isEmpty { partial = [] }
        partialSeen = 0
        guard isReusable, !worker.isDraining, !isCongested, !isBroken else {
            close()
            return
        }
        state = .idle
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

    override func onWritable() {
        guard state == .connecting else {
            super.onWritable()
            return
        }
        stopAwaitingWrite()
        if let error = descriptor.connectError() {
            dialFailed(error)
            return
        }
        state = .busy
        deadlineNanoseconds = .max
        backend.counters.add(.dials)
        startReading()
        exchange?.connected(self)
    }

    override func onReadable() {
        if isBulk, let exchange {
            exchange.spliceResponse(from: self)
        } else {
            receive()
        }
    }

    /// Receives into the worker's buffer.
    func receive() {
        switch worker.receive(from: self) {
        case .bytes(let count):
            backend.counters.add(.bytesReceived, count)
            backend.record.heardAt = loop.nowNanoseconds
            let isTaken: Void? = exchangeLink.with { exchange in
                worker.withReceived(count) { exchange.backendSent($0, on: self) }
            }
            // Nobody asked: a response to nothing must not become the answer to the next request.
            if isTaken == nil { backendDroppedIdle() }
        case .wouldBlock:
            break
        case .endOfStream:
            ended()
        case .failed:
            if let exchange { exchange.backendBroken(self) } else { backendDroppedIdle() }
        }
    }

    /// The backend has sent all it will send.
    func ended() {
        guard let exchange else {
            backendDroppedIdle()
            return
        }
        stopReading()
        if isBroken { exchange.backendBroken(self) } else { exchange.backendEnded(self) }
    }

    override func onProgress() {
        exchange?.backendProgressed(self)
    }

    override func onDrained() {
        exchange?.backendDrained(self)
    }

    override func onBroken() {
        isBroken = true
        exchange?.backendTakesNoMore()
    }

    override func onDeadline() {
        switch state {
        case .connecting: dialFailed(.timedOut)
        case .busy: exchange?.backendTimedOut(self)
        case .idle: dropIdle()
        }
    }

    private func dialFailed(_ error: Errno) {
        guard let exchange else {
            close()
            return
        }
        exchange.dialFailed(self, error)
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
