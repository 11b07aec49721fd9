// HTTPExchange: one request and its response, from the client's head to the last byte back.
//
// The request's side and the response's side go on at the same time and end independently; their
// methods are in HTTPExchange+Request.swift and HTTPExchange+Response.swift. What happens when a
// try fails is in HTTPExchange+Failure.swift. Exchanges are reused: a worker has as many as
// requests were ever in flight at once, and a request allocates nothing.
//
// The methods hand the client and the connection down as parameters, although the exchange knows
// both: a reference that is read from a property is counted up and down, atomically, and counting
// at every step was a sixth of what a request cost. For the same reason the exchange's own are
// links (Link.swift): the client holds the exchange, and closes only after it has released it; the
// connection is released (`endTry`) before it is closed or kept.

internal import AccessLog
internal import Backends
internal import Balancing
internal import Events
internal import Evidence
internal import HTTP1
internal import Routing
internal import Stats

/// One request and its response. Worker thread only.
final class HTTPExchange {
    let worker: Worker
    /// The client; none while the exchange is free.
    private(set) var clientLink = Link<ClientConnection>()
    /// The service that the request is for; nil while the exchange is free.
    private(set) var pool: BackendPool?
    /// What the request under way needs; a new value for each.
    var request = RequestState()
    /// Its place in the service's queue; 0 when it does not wait there.
    var queueTicket: UInt64 = 0

    // MARK: Timers, made when first needed

    /// For pauses before a try.
    var pauseTimer: Timer?
    /// For the time after which a second try is made beside the first.
    var hedgeTimer: Timer?

    // MARK: Buffers, whose memory serves one request after the other

    /// The head as backends get it, whichever of them.
    let requestHead = SendBuffer(capacity: 1024, keeping: 4096)
    /// Body bytes that came before a backend was there to take them, and those sent already for as
    /// long as they may be needed again: at most `replayMax`, or one receive buffer.
    var bodyInHand: [UInt8] = []
    /// What the access log shows of the request's head; empty without a log.
    var text = LoggedText()

    init(worker: Worker) {
        self.worker = worker
    }

    deinit {
        precondition(
            !clientLink.isSet && !request.current.link.isSet && !request.other.link.isSet,
            "an exchange was dropped before its end")
    }

    var client: ClientConnection? { clientLink.object }
    var connection: BackendConnection? { request.current.link.object }

    /// Takes up a request of `client` for the service of `pool`.
    func take(_ client: ClientConnection, _ pool: BackendPool) {
        precondition(!clientLink.isSet, "one request at a time")
        clientLink = Link(client)
        self.pool = pool
    }

    // MARK: - Tries

    /// Sends the request to the backend whose turn it is, or that was picked.
    func tryNext(_ client: ClientConnection, _ pool: BackendPool, _ picked: Pick? = nil) {
        guard request.isAdmitted || pool.admits() else {
            enqueue(client, pool)
            return
        }
        request.isAdmitted = true
        if pool.isShort, picked == nil, request.tries == 0 {
            awaitRoom(client, pool)
            return
        }
        var picked = picked
        // A loop, since a dial can fail at once.
        while true {
            let backend: PooledBackend
            switch picked ?? pick(pool) {
            case .backend(let place): backend = pool.members[place]
            case .full:
                enqueue(client, pool)
                return
            case .none:
                if request.effort.isShort {
                    awaitRoom(client, pool)
                } else {
                    giveUp(request.asking.tried.count == 0 ? .noBackend : .notConnected)
                }
                return
            }
            picked = nil
            guard let error = tryBackend(backend, client, pool) else { return }
            noteDialFailure(of: backend, pool, error)
            if error.isShortage {
                guard goesOn(after: error, client, pool) else { return }
            } else if !mayRetry(after: .dial, pool) {
                giveUp(.notConnected)
                return
            }
        }
    }

    /// Sends the request to `backend`, on a connection that is free or a new one. Nil when that is
    /// under way, or over already; else why the dial failed at once. `keptIsFine` takes one that is
    /// free even where a new one would be surer: after a break, and for the last try.
    func tryBackend(
        _ backend: PooledBackend, _ client: ClientConnection, _ pool: BackendPool,
        keptIsFine: Bool = false
    ) -> Errno? {
        let isSafer = (request.effort.hasBroken || request.asking.isLast) && !keptIsFine
        begin(on: backend, pool)
        guard !isSafer, let connection = takeKept(to: backend, client) else {
            return dial(backend, pool)
        }
        request.current.connectedAt = request.current.begunAt
        connection.use(for: self)
        request.current.link = Link(connection)
        sendRequest(client, connection)
        return nil
    }

    /// The backend for the next try. A client with a connection of its own goes there once: what it
    /// has authenticated is that connection.
    func pick(_ pool: BackendPool) -> Pick {
        if let boundTo = request.boundTo, request.asking.tried.count == 0,
            let pick = pool.pick(boundTo: boundTo)
        {
            return pick
        }
        return pool.pick(request.asking, token: request.stickyToken)
    }

    /// A connection to `backend` that is free for this request; nil when one has to be dialled.
    private func takeKept(
        to backend: PooledBackend, _ client: ClientConnection
    ) -> BackendConnection? {
        let isRepeatable = mayBeRepeated
        if !client.bound.isEmpty, let own = client.bound.take(to: backend) {
            if own.isUsable(isRepeatable) { return own }
            own.close()
        }
        return backend.takeIdle(isRepeatable: isRepeatable)
    }

    /// Whether the request can be sent once more, whatever becomes of this try: it is all here, and
    /// of a kind that may run twice.
    private var mayBeRepeated: Bool {
        request.asking.isRepeatable && request.body.isComplete && request.retriesLoss
    }

    /// Sends the request once more to a backend that closed the connection on which it was sent:
    /// there is no other, and the connection may just have been too old.
    func tryAgainAfresh(_ backend: PooledBackend, _ pool: BackendPool) {
        begin(on: backend, pool)
        if let error = dial(backend, pool) {
            noteDialFailure(of: backend, pool, error)
            giveUp(error.isShortage ? .shortage : .notConnected)
        }
    }

    private func begin(on backend: PooledBackend, _ pool: BackendPool) {
        request.asking.tried.insert(backend.id)
        request.tries += 1
        request.current.isHeadSent = false
        request.isSwitchHeld = false
        request.current.begunAt = worker.loop.nowNanoseconds
        request.current.connectedAt = nil
        if request.effort.silentMoves > 0 {
            request.current.isMoved = true
            request.current.witnesses = backend.record.beginMoved()
        }
        if worker.log != nil { request.current.backend = backend }
        pool.begin(on: backend)
    }

    /// Nil when the dial is under way.
    private func dial(_ backend: PooledBackend, _ pool: BackendPool) -> Errno? {
        do throws(Errno) {
            // Its loop keeps it until it is closed.
            request.current.link = try Link(
                BackendConnection(dialing: backend, for: self, worker: worker, pool: pool))
            return nil
        } catch {
            return error
        }
    }

    /// Lets go of the connection of this try, if there is one, in such a way that the backend can
    /// tell that it was cut short.
    func abortTry() {
        guard let connection else { return }
        endTry(on: connection)
        connection.abort()
    }

    /// Parts from the connection of this try; what becomes of it is up to the caller.
    func endTry(on connection: BackendConnection) {
        request.current.link = Link()
        leave(connection.backend, connection.pool)
    }

    /// What this try held at `backend` is free.
    func leave(_ backend: PooledBackend, _ pool: BackendPool) {
        pool.end(on: backend, request.current.hold)
        request.current.hold = .request
        if request.current.isMoved {
            backend.record.endMoved()
            request.current.isMoved = false
        }
        if request.current.hasClientLeft {
            backend.counters.clientsLeft.add(-1)
            request.current.hasClientLeft = false
        }
    }

    // MARK: - The end

    /// Makes the exchange free for the next request. The caller tells the client, as the last thing
    /// it does.
    func finish(_ pool: BackendPool, _ cause: EndCause) {
        precondition(
            !request.current.link.isSet && !request.other.link.isSet, "a try is still under way")
        if let log = worker.log, let client { writeLine(log, client, pool, cause) }
        noteFailure(pool, cause)
        pool.counters.inFlight.add(-1)
        dequeue(pool)
        pauseTimer?.cancel()
        hedgeTimer?.cancel()
        if request.isAdmitted { pool.release() }
        let elapsed = worker.loop.nowNanoseconds - request.startedAt
        pool.counters.duration.record(microseconds: Int(elapsed / 1000))
        clientLink = Link()
        self.pool = nil
        request = RequestState()
        // The memory of a large head or body is not kept for the next request.
        requestHead.removeAll()
        if !bodyInHand.isEmpty {
            bodyInHand.removeAll(keepingCapacity: bodyInHand.capacity <= 4096)
        }
        text.clear()
        worker.recycle(self)
    }
}
