// BackendDial: a connection to a backend that is being made, and made secure if it has to be. What
// it becomes is known only at its end; today that is always an HTTP/1 connection. Until then its
// try can only end.

internal import Events
internal import ProxyProtocol
internal import Stats
internal import TLS
internal import Traffic

/// A dial of a backend for one try of an exchange. Worker thread only.
final class BackendDial: StreamChannel {
    let backend: PooledBackend
    let pool: BackendPool
    private let worker: Worker
    /// The exchange that waits for the dial; none once it was abandoned.
    private var exchange: Link<HTTPExchange>
    /// The slot of the exchange's try that it is for.
    let slot: Tries.Slot
    private var isConnected = false
    /// The form of the PROXY header that was sent; nil for none.
    private var introduction: ProxyHeader.Version?

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
        // For TLS as well: a backend that accepts and then says nothing is no better.
        deadlineNanoseconds = loop.nowNanoseconds + pool.connectTimeout
        awaitWrite()
    }

    /// Gives the dial up: its try has ended.
    func abandon() {
        exchange = Link()
        reset()
    }

    override func onWritable() {
        guard !isConnected else { return super.onWritable() }
        if let error = descriptor.connectError() {
            exchange.object?.dialFailed(self, .system(error))
            return
        }
        isConnected = true
        guard let client = exchange.object?.client else { return }
        var header: [UInt8] = []
        if let version = pool.options.policy.sendsHeader {
            introduction = version
            header = worker.header(of: client.descriptor, client.tls).bytes(version)
            backend.counters.add(.bytesSent, header.count)
        }
        guard let layer = pool.makeLayer(to: backend, worker) else {
            if !header.isEmpty { goOn(write(header)) }
            finish()
            return
        }
        stopAwaitingWrite()
        goOn(begin(layer, behind: header))
        startReading()
    }

    /// Goes on after a write, whatever became of it: reading finds out how a connection ended.
    private func goOn(_ outcome: WriteOutcome) {
        switch outcome {
        case .sent, .kept, .failed: break
        }
    }

    override func onReadable() {
        switch receive(into: worker.buffer) {
        case .bytes: preconditionFailure("a layer gives content after its handshake")
        case .wouldBlock: if layer?.isEstablished == true { finish() }
        case .endOfStream: fail(.connectionReset)
        case .failed(let error): fail(error)
        }
    }

    /// The connection is made, and secure if it has to be.
    private func finish() {
        backend.counters.add(.dials)
        pool.countHandshake(layer as? TLSLayer)
        guard let exchange = exchange.object else { return }
        self.exchange = Link()
        // The loop keeps it alive until it is closed.
        let connection = HTTP1BackendConnection(
            handOff(), to: backend, for: exchange, slot, worker: worker, pool: pool,
            introducedBy: introduction)
        exchange.connected(.http1(Link(connection)))
    }

    private func fail(_ error: Errno) {
        let fault = (layer as? TLSLayer)?.fault(error)
        exchange.object?.dialFailed(self, fault.map { .tls($0) } ?? .system(error))
    }

    override func onBroken() { fail(.connectionReset) }

    override func onDeadline() { fail(.timedOut) }

    override func close() {
        guard isOpen else { return }
        backend.counters.add(.open, -1)
        super.close()
    }
}
