// BackendDial: a connection to a backend that is being made, and made secure if it has to be. What
// it becomes is known only at its end: a connection of HTTP/1.1, or one of HTTP/2. Until then its
// try can only end.

internal import Events
internal import ProxyProtocol
internal import Stats
internal import TLS
internal import Traffic

/// A dial of a backend: for one try of an exchange, or for the connections that requests share.
/// Worker thread only.
final class BackendDial: StreamChannel {
    let backend: PooledBackend
    let pool: BackendPool
    private let worker: Worker
    /// The exchange that waits for the dial; none once it was abandoned, and for one that is for
    /// all.
    private var exchange: Link<HTTPExchange>
    /// The slot of the exchange's try that it is for.
    let slot: Tries.Slot
    /// What it is for if it is for no exchange; nil otherwise.
    private let shared: SharedConnections?
    /// Whether HTTP/1.1 is what the exchange needs, though the service's backends speak HTTP/2: for
    /// what needs a connection of its own.
    private let asksForHTTP1: Bool
    private var isConnected = false
    /// The form of the PROXY header that was sent; nil for none.
    private var introduction: ProxyHeader.Version?

    /// Begins to dial `backend` for the try of `exchange` in `slot`.
    ///
    /// - Throws: `Errno` when the dial failed at once.
    convenience init(
        of backend: PooledBackend, for exchange: HTTPExchange, _ slot: Tries.Slot,
        asksForHTTP1: Bool, worker: Worker, pool: BackendPool
    ) throws(Errno) {
        try self.init(
            of: backend, Link(exchange), slot, nil, asksForHTTP1: asksForHTTP1, worker: worker,
            pool: pool)
    }

    /// Begins to dial `backend` for `shared`.
    ///
    /// - Throws: `Errno` when the dial failed at once.
    convenience init(
        of backend: PooledBackend, for shared: SharedConnections, worker: Worker, pool: BackendPool
    ) throws(Errno) {
        try self.init(
            of: backend, Link(), .first, shared, asksForHTTP1: false, worker: worker, pool: pool)
    }

    private init(
        of backend: PooledBackend, _ exchange: Link<HTTPExchange>, _ slot: Tries.Slot,
        _ shared: SharedConnections?, asksForHTTP1: Bool, worker: Worker, pool: BackendPool
    ) throws(Errno) {
        self.backend = backend
        self.pool = pool
        self.worker = worker
        self.exchange = exchange
        self.slot = slot
        self.shared = shared
        self.asksForHTTP1 = asksForHTTP1
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
        if let error = descriptor.connectError() { return fail(.system(error)) }
        isConnected = true
        let header = introduce()
        guard
            let layer = pool.makeLayer(to: backend, asksForHTTP1: asksForHTTP1, worker)
        else {
            if !header.isEmpty { goOn(write(header)) }
            finish()
            return
        }
        stopAwaitingWrite()
        goOn(begin(layer, behind: header))
        startReading()
    }

    /// The PROXY header with which the connection begins; empty for none.
    private func introduce() -> [UInt8] {
        // Connections that requests share belong to no client.
        guard let version = pool.options.policy.sendsHeader, let client = exchange.object?.client
        else { return [] }
        introduction = version
        let header = client.proxyHeader(on: worker).bytes(version)
        backend.counters.add(.bytesSent, header.count)
        return header
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
        let layer = layer as? TLSLayer
        pool.countHandshake(layer)
        let isHTTP2 = !asksForHTTP1 && speaksHTTP2(layer)
        if let shared {
            if isHTTP2 {
                shared.dialled(makeShared())
            } else {
                shared.dialledHTTP1(handOff())
            }
            return
        }
        guard let exchange = exchange.object else { return }
        self.exchange = Link()
        // The loop keeps it alive until it is closed.
        guard isHTTP2 else {
            let connection = HTTP1BackendConnection(
                handOff(), to: backend, for: exchange, slot, worker: worker, pool: pool,
                introducedBy: introduction)
            exchange.connected(.http1(Link(connection)))
            return
        }
        let connection = makeShared()
        backend.shared(pool, worker).add(connection)
        guard let stream = connection.open(for: exchange, slot) else {
            preconditionFailure("a new connection has room for a stream")
        }
        exchange.connected(stream)
    }

    private func makeShared() -> HTTP2BackendConnection {
        HTTP2BackendConnection(handOff(), to: backend, worker: worker, pool: pool)
    }

    /// Whether the backend speaks HTTP/2 on this connection, as far as is known: it has chosen that
    /// in the handshake, or is meant to speak nothing else.
    private func speaksHTTP2(_ layer: TLSLayer?) -> Bool {
        switch pool.options.policy.speaks {
        case .http1: false
        case .http2: true
        case .auto: layer?.outcome?.speaksHTTP2 == true
        }
    }

    private func fail(_ error: Errno) {
        let fault = (layer as? TLSLayer)?.fault(error)
        fail(fault.map { .tls($0) } ?? .system(error))
    }

    private func fail(_ error: DialError) {
        if let shared {
            shared.dialFailed(error)
        } else {
            exchange.object?.dialFailed(self, error)
        }
    }

    override func onBroken() { fail(.connectionReset) }

    override func onDeadline() { fail(.timedOut) }

    override func close() {
        guard isOpen else { return }
        backend.counters.add(.open, -1)
        super.close()
    }
}
