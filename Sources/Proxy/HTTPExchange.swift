// HTTPExchange: one request and its response, from the client's head to the last byte back.
//
// The request's side and the response's side go on at the same time and end independently; their
// methods are in HTTPExchange+Request.swift and HTTPExchange+Response.swift. What happens when a try
// fails is in HTTPExchange+Failure.swift. Exchanges are reused: a worker has as many as requests were
// ever in flight at once, and a request allocates nothing.

internal import Backends
internal import Balancing
internal import Events
internal import HTTP1
internal import Stats

/// One request and its response. Worker thread only.
final class HTTPExchange {
    let worker: Worker
    /// The client; nil while the exchange is free.
    var client: ClientConnection?
    var pool: BackendPool?
    /// The backend of the try under way.
    var backend: PooledBackend?
    /// The connection of the try under way; nil before it is dialled and after it is let go.
    var connection: BackendConnection?
    var tried = TriedBackends()
    /// Tries begun.
    var tries = 0

    // MARK: The request

    var method = Method.other
    var minorVersion = 1
    /// Whether the client lets its connection be used again.
    var clientKeepsAlive = false
    /// The head as backends get it, whichever of them.
    var requestHead: [UInt8] = []
    var requestBody = BodyTracker(.none)
    /// Body bytes that came before a backend was there to take them, and, until a response begins,
    /// those sent first: at most one receive buffer.
    var bodyInHand: [UInt8] = []
    /// Whether every body byte received so far is in `bodyInHand`, so that a new try can start over.
    var canReplay = true
    /// Whether the head was written to the connection of this try.
    var isHeadSent = false

    // MARK: The response

    var isResponseStarted = false
    var responseBody = BodyTracker(.none)
    /// Set for a client of HTTP/1.0 that gets a chunked body without its chunks.
    var payload: PayloadReader?
    var backendKeepsAlive = false
    /// What the client was told about its connection.
    var responseKeepsAlive = false

    // MARK: Times, in the loop's nanoseconds

    var startedAt: UInt64 = 0
    var sentAt: UInt64 = 0

    init(worker: Worker) {
        self.worker = worker
        requestHead.reserveCapacity(1024)
    }

    // MARK: - Tries

    /// Sends the request to the backend whose turn it is.
    func tryNext() {
        guard let pool else { preconditionFailure("a free exchange tries nothing") }
        // A loop, since a dial can fail at once.
        while true {
            guard let backend = pool.pick(avoiding: tried) else {
                giveUp(tried.count == 0 ? .noBackend : .notConnected)
                return
            }
            begin(on: backend)
            if let connection = backend.takeIdle() {
                connection.use(for: self)
                self.connection = connection
                sendRequest()
                return
            }
            guard let error = dial(backend, pool) else { return }
            noteDialFailure(error)
            guard mayRetry(after: .dial) else {
                giveUp(.notConnected)
                return
            }
        }
    }

    /// Sends the request once more to a backend that closed the connection on which it was sent:
    /// there is no other, and the connection may just have been too old.
    func tryAgainAfresh(_ backend: PooledBackend) {
        guard let pool else { preconditionFailure("a free exchange tries nothing") }
        begin(on: backend)
        if let error = dial(backend, pool) {
            noteDialFailure(error)
            giveUp(.notConnected)
        }
    }

    private func begin(on backend: PooledBackend) {
        self.backend = backend
        tried.insert(backend.id)
        tries += 1
        isHeadSent = false
        backend.counters.requests.add()
        backend.counters.inFlight.add()
    }

    /// Nil when the dial is under way.
    private func dial(_ backend: PooledBackend, _ pool: BackendPool) -> Errno? {
        do throws(Errno) {
            connection = try BackendConnection(
                dialing: backend, for: self, worker: worker, pool: pool)
            return nil
        } catch {
            return error
        }
    }

    /// Lets go of the connection and the backend of this try.
    func endTry(_ ending: (BackendConnection) -> Void) {
        if let connection {
            self.connection = nil
            ending(connection)
        }
        if let backend {
            self.backend = nil
            backend.counters.inFlight.add(-1)
        }
    }

    // MARK: - The end

    /// Makes the exchange free for the next request and returns the client it was for. The caller
    /// tells the client, as the last thing it does.
    func finish() -> ClientConnection? {
        guard let client, let pool else { return nil }
        precondition(connection == nil && backend == nil, "a try is still under way")
        pool.counters.inFlight.add(-1)
        let elapsed = worker.loop.nowNanoseconds - startedAt
        pool.counters.duration.record(microseconds: Int(elapsed / 1000))
        self.client = nil
        self.pool = nil
        tried = TriedBackends()
        tries = 0
        // The memory of a large head or body is not kept for the next request.
        requestHead.removeAll(keepingCapacity: requestHead.capacity <= 4096)
        bodyInHand.removeAll(keepingCapacity: bodyInHand.capacity <= 4096)
        canReplay = true
        isHeadSent = false
        isResponseStarted = false
        payload = nil
        backendKeepsAlive = false
        worker.recycle(self)
        return client
    }
}
