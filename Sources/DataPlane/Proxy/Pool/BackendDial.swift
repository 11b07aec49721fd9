// BackendDial: a connection to a backend that is being made. What it becomes is known only at its
// end; today that is always an HTTP/1 connection. Until then its try can only end.

internal import Events
internal import Stats
internal import Traffic

/// A dial of a backend for one try of an exchange. Worker thread only.
final class BackendDial: Channel {
    let backend: PooledBackend
    let pool: BackendPool
    private let worker: Worker
    /// The exchange that waits for the dial; none once it was abandoned.
    private var exchange: Link<HTTPExchange>
    /// The slot of the exchange's try that it is for.
    let slot: Tries.Slot

    /// Begins to dial `backend` for the try of `exchange` in `slot`.
    ///
    /// - Throws: `Errno` when the dial failed at once.
    init(
        of backend: PooledBackend, for exchange: HTTPExchange, _ slot: Tries.Slot,
        worker: Worker, pool: BackendPool
    ) throws(Errno) {
        self.backend = backend
        self.pool = pool
        self.worker = worker
        self.exchange = Link(exchange)
        self.slot = slot
        let descriptor = try Socket.connectStream(
            to: backend.endpoint, below: worker.descriptorRoom.dialsEnd)
        super.init(descriptor, on: worker.loop)
        backend.counters.add(.open)
        deadlineNanoseconds = loop.nowNanoseconds + pool.connectTimeout
        awaitWrite()
    }

    /// Gives the dial up: its try has ended.
    func abandon() {
        exchange = Link()
        reset()
    }

    override func onWritable() {
        if let error = descriptor.connectError() {
            exchange.object?.dialFailed(self, error)
            return
        }
        backend.counters.add(.dials)
        guard let exchange = exchange.object else { return }
        self.exchange = Link()
        // The loop keeps it alive until it is closed.
        let connection = HTTP1BackendConnection(
            detach(), to: backend, for: exchange, slot, worker: worker, pool: pool)
        if let version = pool.options.policy.sendsHeader, let client = exchange.client {
            connection.introduce(worker.header(of: client.descriptor), version)
        }
        exchange.connected(.http1(Link(connection)))
    }

    override func onDeadline() {
        exchange.object?.dialFailed(self, .timedOut)
    }

    override func close() {
        guard isOpen else { return }
        backend.counters.add(.open, -1)
        super.close()
    }
}
