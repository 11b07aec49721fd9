// HTTPExchange: one request and its response, from the client's head to the last byte back.
//
// The request's side and the response's side run at the same time and end independently; their
// methods are in HTTPExchange+Request.swift and HTTPExchange+Response.swift. What happens when a
// try fails is in HTTPExchange+Failure.swift. Exchanges are reused: a worker has as many as
// requests were ever in flight at once, and a request allocates nothing.
//
// An exchange knows its client as a ClientStream and a backend as a BackendStream, whatever
// protocols they speak: it has no descriptors, no framing, and does not reuse connections. It has a
// deadline of its own: for what it waits for from its client, and for its turn in the queue.
//
// The methods pass the client and the stream down as parameters, although the exchange knows both:
// a reference that is read from a property is counted up and down, atomically, and counting at
// every step was a sixth of what a request cost. For the same reason the exchange's own are links
// (Link.swift): the client holds the exchange, and closes only after it has released it; a stream
// is released (`endTry`) before its connection is closed or kept.

internal import AccessLog
internal import Backends
internal import Balancing
internal import Events
internal import Evidence
internal import HTTP1
internal import Routing
internal import Stats
internal import Traffic

/// One request and its response. Worker thread only.
final class HTTPExchange: Deadlined {
    let worker: Worker
    /// The client; nil while the exchange is free.
    private(set) var client: ClientStream?
    /// The service that the request is for; nil while the exchange is free.
    private(set) var pool: BackendPool?
    /// The state of the current request; a new value for each.
    var request = RequestState()
    /// What the current request refers to; a new value for each.
    var held = RequestReferences()
    /// The trace of the current request; nil where requests are not traced.
    var trace: RequestTrace?
    /// Whether there is one: to ask the trace itself takes a call.
    var isTraced = false
    /// Its place in the queue of the service in which it waits; 0 when it waits in none.
    var queueTicket: UInt64 = 0
    /// Finds the end of the request's body, for a session that has to: the session sets it for each
    /// request that has a body. It is kept here since a connection without a request has to be
    /// small.
    var clientBody = BodyTracker(.none)

    // MARK: Timers, made on first use

    /// The timer of pauses before a try.
    var pauseTimer: Timer?
    /// The timer after which a second try is made beside the first.
    var hedgeTimer: Timer?

    // MARK: Buffers, whose memory serves one request after the other

    /// The head as every backend gets it.
    let requestHead = SendBuffer(capacity: 1024, keeping: 4096)
    /// Body bytes that came before a backend could take them, and sent ones as long as they may be
    /// needed again: at most `replayMax`, or one receive buffer.
    var bodyInHand: [UInt8] = []
    /// What the access log shows of the request's head; empty without a log.
    var text = LoggedText()

    init(worker: Worker) {
        self.worker = worker
        super.init(on: worker.loop)
    }

    deinit {
        precondition(
            client == nil && !request.tries.areUnderWay,
            "an exchange was dropped before its end")
    }

    /// Begins to serve a request of `client` for the service of `pool`.
    func attach(_ client: ClientStream, _ pool: BackendPool) {
        precondition(self.client == nil, "one request at a time")
        self.client = client
        self.pool = pool
    }

    /// The client did not do its part in time, or the time of the request itself is over.
    override func onDeadline() { clientStalled() }

    // MARK: - Tries

    /// Sends the request to the backend whose turn it is, or to the one in `picked`.
    func tryNext(_ client: ClientStream, _ pool: BackendPool, _ picked: Pick? = nil) {
        request.phase = .choosing
        guard request.isAdmitted || pool.admits() else {
            enqueue(client, pool)
            return
        }
        request.isAdmitted = true
        if pool.isShort, picked == nil, request.tries.count == 0 {
            awaitRoom(client, pool)
            return
        }
        var picked = picked
        // A loop, since a dial can fail at once.
        while true {
            // Not counted: the rotation changes between two events.
            let backend: Link<PooledBackend>
            switch picked ?? pick(pool) {
            case .backend(let place): backend = Link(pool.members[place])
            case .full:
                enqueue(client, pool)
                return
            case .none:
                if request.effort.isShort {
                    awaitRoom(client, pool)
                } else if !awaitsBackends(pool) {
                    giveUp(request.asking.tried.count == 0 ? .noBackend : request.effort.dialsEnd)
                }
                return
            }
            picked = nil
            guard let error = backend.use({ tryBackend($0, client, pool) }) else { return }
            backend.use { recordDialFailure(of: $0, pool, error) }
            if error.isShortage {
                guard goesOn(after: error, client, pool) else { return }
            } else {
                request.effort.dialsEnd = .notConnected
                guard !mayRetry(after: .dial, pool) else { continue }
                giveUp(.notConnected)
                return
            }
        }
    }

    /// Sends the request to `backend`, on a free connection or a new one. Nil when that is under
    /// way, or over already; else why the dial failed at once. `keptIsFine` allows a free
    /// connection even where a new one would be safer: after a break, and for the last try.
    func tryBackend(
        _ backend: PooledBackend, _ client: ClientStream, _ pool: BackendPool,
        keptIsFine: Bool = false
    ) -> Errno? {
        let isSafer = (request.effort.hasBroken || request.asking.isLast) && !keptIsFine
        let slot = begin(on: backend, pool)
        if pool.sharesConnections, sharesConnection(to: backend) {
            return trySharing(backend, slot, client, pool)
        }
        guard !isSafer, let stream = takeKept(to: backend, client) else {
            return dial(backend, slot, pool)
        }
        request.tries[slot].connectedAt = request.tries[slot].begunAt
        stream.use { $0.use(for: self, slot) }
        sendRequest(client, .http1(stream))
        return nil
    }

    /// Whether the request goes to `backend` on a connection that others share, of a service that
    /// has such ones.
    private func sharesConnection(to backend: PooledBackend) -> Bool {
        !needsOwnConnection && backend.shared?.isHTTP1 != true
    }

    /// Whether the request needs a connection of its own: to switch to another protocol, or since
    /// it authenticates the connection.
    private var needsOwnConnection: Bool {
        request.asking.isStream || request.authenticatesConnection
    }

    /// Sends the request in a stream of a connection that others share, or has it wait for one. Nil
    /// when either is under way; else why no connection can be made.
    private func trySharing(
        _ backend: PooledBackend, _ slot: Tries.Slot, _ client: ClientStream, _ pool: BackendPool
    ) -> Errno? {
        let shared = backend.shared(pool, worker)
        if let stream = shared.open(for: self, slot) {
            request.tries[slot].connectedAt = request.tries[slot].begunAt
            sendRequest(client, stream)
            return nil
        }
        do throws(Errno) {
            try shared.await(self, slot)
            request.tries[slot].place = .awaiting(Link(backend))
            return nil
        } catch {
            return error
        }
    }

    /// The backend for the next try. The first try of a client with a connection of its own goes
    /// there: that connection may be what it has authenticated. Where connections begin with a
    /// header, every client has one; then a backend that has no room is not waited for.
    func pick(_ pool: BackendPool) -> Pick {
        if let boundTo = held.boundTo, request.asking.tried.count == 0,
            let pick = pool.pick(boundTo: boundTo),
            pick != .full || pool.options.policy.sendsHeader == nil
        {
            return pick
        }
        return pool.pick(request.asking, token: request.stickyToken)
    }

    /// Removes from the pool and returns a connection to `backend` for this request; nil when one
    /// has to be dialled.
    private func takeKept(
        to backend: PooledBackend, _ client: ClientStream
    ) -> Link<HTTP1BackendConnection>? {
        let isRepeatable = mayBeRepeated
        return client.takeBound(to: backend, isRepeatable: isRepeatable)
            ?? backend.free.take(isRepeatable: isRepeatable)
    }

    /// Whether the request can be sent again whatever becomes of this try: all of it is here, and
    /// it may run twice.
    private var mayBeRepeated: Bool {
        request.asking.isRepeatable && request.isWhole && request.retriesLoss
    }

    /// Sends the request again to a backend that closed the connection on which it was sent: there
    /// is no other backend, and the connection may just have been too old.
    func tryAgainAfresh(
        _ backend: PooledBackend, _ client: ClientStream, _ pool: BackendPool
    ) {
        let slot = begin(on: backend, pool)
        let isShared = pool.sharesConnections && sharesConnection(to: backend)
        let error =
            isShared
            ? trySharing(backend, slot, client, pool) : dial(backend, slot, pool)
        if let error {
            recordDialFailure(of: backend, pool, error)
            giveUp(error.isShortage ? .shortage : .notConnected)
        }
    }

    /// Begins a try at `backend`, which has no connection yet. Returns its slot.
    private func begin(on backend: PooledBackend, _ pool: BackendPool) -> Tries.Slot {
        request.asking.tried.insert(backend.id)
        let slot = request.tries.begin(at: worker.loop.nowNanoseconds)
        request.phase = .trying
        if request.effort.silentMoves > 0 {
            request.tries[slot].isMoved = true
            request.tries[slot].witnesses = backend.record.beginMoved()
        }
        if worker.log != nil { held.backend = backend }
        if isTraced { beginSpan(slot) }
        pool.begin(on: backend)
        return slot
    }

    /// Nil when the dial is under way.
    private func dial(
        _ backend: PooledBackend, _ slot: Tries.Slot, _ pool: BackendPool
    ) -> Errno? {
        do throws(Errno) {
            // The loop keeps the dial alive until it is closed.
            request.tries[slot].place = try .dialing(
                Link(
                    BackendDial(
                        of: backend, for: self, slot, asksForHTTP1: needsOwnConnection,
                        worker: worker, pool: pool)))
            return nil
        } catch {
            return error
        }
    }

    /// Gives the try in `slot` a connection to `backend` of its own: it has waited for one that
    /// others share, and the backend speaks HTTP/1.1.
    func dialAlone(_ slot: Tries.Slot, _ backend: PooledBackend) {
        guard let pool, let error = dial(backend, slot, pool) else { return }
        sharedDialFailed(slot, backend, .system(error))
        pool.recordDialFailure(of: backend, .system(error), worker)
    }

    /// Ends the try in `slot`, if one is under way, so that the backend can tell that it was cut
    /// short.
    func abortTry(_ slot: Tries.Slot) {
        switch request.tries[slot].place {
        case .nowhere: break
        case .dialing(let link):
            guard let dial = link.object else { return }
            request.tries[slot].place = .nowhere
            release(slot, at: dial.backend, dial.pool)
            dial.abandon()
        case .awaiting(let link):
            guard let backend = link.object, let pool else { return }
            request.tries[slot].place = .nowhere
            release(slot, at: backend, pool)
            backend.shared?.remove(self, slot)
        case .sent(let stream):
            endTry(on: stream)
            stream.abort()
        }
    }

    /// Makes the try in `slot` the leading one.
    func lead(with slot: Tries.Slot) {
        request.tries.lead = slot
        if worker.log != nil, let backend = request.tries[slot].backend { held.backend = backend }
    }

    /// Aborts all tries that are under way.
    func abortTries() {
        abortTry(.first)
        abortTry(.second)
    }

    /// Ends the try on `stream`. What becomes of the stream is up to the caller.
    func endTry(on stream: BackendStream) {
        stream.withPlace { slot, backend, pool in
            request.tries[slot].place = .nowhere
            release(slot, at: backend, pool)
        }
    }

    /// Releases what the try in `slot` held at `backend`.
    func release(_ slot: Tries.Slot, at backend: PooledBackend, _ pool: BackendPool) {
        if isTraced { writeSpan(slot, at: backend, pool) }
        pool.end(on: backend, request.tries[slot].hold)
        request.tries[slot].hold = .request
        if request.tries[slot].isMoved {
            backend.record.endMoved()
            request.tries[slot].isMoved = false
        }
        if request.tries[slot].hasClientLeft {
            backend.counters.add(.clientsLeft, -1)
            request.tries[slot].hasClientLeft = false
        }
    }

    // MARK: - The end

    /// Makes the exchange ready for the next request. The caller ends the client's side afterwards,
    /// as the last thing it does; the client gives the exchange back to the worker.
    func finish(_ pool: BackendPool, _ ending: Ending) {
        precondition(
            !request.tries.areUnderWay, "a try is still under way")
        if let log = worker.log, let client, !client.isOwn {
            writeLine(log, client, pool, ending)
        }
        if request.isAsked { cancelAuth() }
        if request.isMirrored { endMirror() }
        if isTraced, let client, !client.isOwn { writeSpan(client, pool, ending) }
        countFailure(pool, ending)
        if request.isCall { countCall(pool, ending) }
        pool.counters.add(.inFlight, -1)
        dequeue(pool)
        pauseTimer?.cancel()
        hedgeTimer?.cancel()
        if request.isAdmitted { pool.release() }
        if request.isCoded { endCoding() }
        let elapsed = worker.loop.nowNanoseconds - request.startedAt
        pool.counters.duration.record(microseconds: Int(elapsed / 1000))
        if isTraced { keepExemplar(elapsed, pool) }
        client = nil
        deadlineNanoseconds = .max
        self.pool = nil
        request = worker.newRequest
        if !held.isEmpty { held = RequestReferences() }
        if isTraced { endTrace() }
        // The memory of a large head or body is not kept for the next request.
        requestHead.removeAll()
        if !bodyInHand.isEmpty {
            bodyInHand.removeAll(keepingCapacity: bodyInHand.capacity <= 4096)
        }
        text.clear()
    }
}
