// TCPRelay: a client's TCP connection passed on to a backend, each direction by itself, so that one
// side may end its sending while the other goes on (half-close).

internal import Backends
internal import Balancing
internal import Events
internal import HTTP1
internal import Stats

/// One relayed connection. Worker thread only.
final class TCPRelay: ClientSide {
    private let worker: Worker
    private let listener: WorkerListener
    private let pool: BackendPool
    private let client: RelayEnd
    /// The connection to the backend, from its dial on.
    private var server: RelayEnd?
    private var backend: PooledBackend?
    private var tried = TriedBackends()
    private let startedAt: UInt64
    private var isOver = false

    init(_ descriptor: Descriptor, worker: Worker, listener: WorkerListener) {
        self.worker = worker
        self.listener = listener
        pool = listener.pool
        startedAt = worker.loop.nowNanoseconds
        client = RelayEnd(descriptor, on: worker.loop)
        client.relay = self
    }

    /// Takes over two connections that have switched from HTTP to another protocol.
    init(
        _ descriptor: Descriptor, server: Descriptor, of backend: PooledBackend,
        _ pool: BackendPool, worker: Worker, listener: WorkerListener
    ) {
        self.worker = worker
        self.listener = listener
        self.pool = pool
        self.backend = backend
        startedAt = worker.loop.nowNanoseconds
        client = RelayEnd(descriptor, on: worker.loop)
        let server = RelayEnd(server, on: worker.loop)
        self.server = server
        client.relay = self
        server.relay = self
    }

    /// Goes on with connections that were taken over: passes on first what came before.
    func start(toClient: [UInt8], toServer: [UInt8]) {
        guard let server else { return }
        pool.counters.inFlight.add()
        backend?.counters.inFlight.add()
        noteActivity()
        client.startReading()
        server.startReading()
        note(toServer.count, from: client)
        note(toClient.count, from: server)
        pass(toClient.span, from: server, to: client)
        pass(toServer.span, from: client, to: server)
    }

    /// Takes the connection on: dials a backend. The worker knows of it by now.
    func start() {
        pool.counters.requests.add()
        pool.counters.inFlight.add()
        pool.retryPolicy.noteRequest()
        tryNext()
    }

    // MARK: - Dialling

    private func tryNext() {
        while true {
            guard let backend = pool.pick(avoiding: tried) else {
                giveUp()
                return
            }
            self.backend = backend
            tried.insert(backend.id)
            backend.counters.requests.add()
            backend.counters.inFlight.add()
            do throws(Errno) {
                let server = RelayEnd(
                    try Socket.connectStream(to: backend.endpoint), on: worker.loop)
                backend.counters.open.add()
                server.relay = self
                server.isConnecting = true
                server.deadlineNanoseconds =
                    worker.loop.nowNanoseconds + pool.connectTimeout
                server.awaitWrite()
                self.server = server
                return
            } catch {
                noteDialFailure(error)
                guard mayRetry() else {
                    giveUp()
                    return
                }
            }
        }
    }

    private func noteDialFailure(_ error: Errno) {
        guard let backend else { return }
        backend.counters.dialFailures.add()
        worker.reportDialFailure(backend, service: pool.options.id, error)
        closeServer()
    }

    private func mayRetry() -> Bool {
        // Nothing was sent yet, so the connection may go to any backend.
        pool.retryPolicy.allows(
            after: .dial, tries: tried.count, method: .other, canReplay: true,
            now: worker.loop.nowNanoseconds) == .yes
    }

    /// No backend takes the connection: the client's is reset, so that it can tell this from a
    /// service that had nothing to say.
    private func giveUp() {
        pool.counters.noBackend.add()
        finish(isReset: true)
    }

    fileprivate func connectEnded(_ end: RelayEnd) {
        end.stopAwaitingWrite()
        end.isConnecting = false
        end.deadlineNanoseconds = .max
        if let error = end.descriptor.connectError() {
            dialFailed(error)
            return
        }
        backend?.counters.dials.add()
        noteActivity()
        client.startReading()
        end.startReading()
    }

    private func dialFailed(_ error: Errno) {
        noteDialFailure(error)
        if mayRetry() { tryNext() } else { giveUp() }
    }

    // MARK: - Relaying

    fileprivate func readable(_ end: RelayEnd) {
        guard let other = other(than: end) else { return }
        switch end.descriptor.receive(into: worker.buffer) {
        case .bytes(let count):
            noteActivity()
            note(count, from: end)
            worker.buffer.withBytes(count) { pass($0, from: end, to: other) }
        case .wouldBlock: break
        case .endOfStream:
            end.hasEnded = true
            end.stopReading()
            passEnd(to: other)
        case .failed: broken(end)
        }
    }

    private func pass(_ bytes: Span<UInt8>, from end: RelayEnd, to other: RelayEnd) {
        switch other.write(bytes) {
        case .sent: break
        case .kept: end.stopReading()
        case .failed: broken(other)
        }
    }

    /// Everything kept for `end` is sent.
    fileprivate func drained(_ end: RelayEnd) {
        guard let other = other(than: end) else { return }
        noteActivity()
        if other.hasEnded { passEnd(to: end) } else { other.startReading() }
    }

    /// Tells `end` that its peer has sent all, once it has got all of that.
    private func passEnd(to end: RelayEnd) {
        guard !end.isCongested else { return }
        if end.hasEnded, other(than: end)?.isCongested == false {
            finish(isReset: false)
        } else {
            end.descriptor.shutdownWriting()
        }
    }

    fileprivate func broken(_ end: RelayEnd) {
        if end === client {
            pool.counters.clientAborts.add()
        } else {
            pool.counters.cutShort.add()
            backend?.counters.failures.add()
        }
        finish(isReset: true)
    }

    fileprivate func deadlinePassed(_ end: RelayEnd) {
        if end.isConnecting {
            dialFailed(.timedOut)
        } else {
            pool.counters.timeouts.add()
            finish(isReset: true)
        }
    }

    /// One deadline for both directions, on the client's end.
    private func noteActivity() {
        client.deadlineNanoseconds = worker.loop.nowNanoseconds + listener.tunnelTimeout
    }

    private func note(_ bytes: Int, from end: RelayEnd) {
        if end === client {
            pool.counters.bytesFromClients.add(bytes)
            backend?.counters.bytesSent.add(bytes)
        } else {
            pool.counters.bytesToClients.add(bytes)
            backend?.counters.bytesReceived.add(bytes)
        }
    }

    private func other(than end: RelayEnd) -> RelayEnd? { end === client ? server : client }

    // MARK: - The end

    private func closeServer() {
        if let server {
            self.server = nil
            server.relay = nil
            server.close()
            backend?.counters.open.add(-1)
        }
        backend?.counters.inFlight.add(-1)
        backend = nil
    }

    private func finish(isReset: Bool) {
        guard !isOver else { return }
        isOver = true
        if isReset {
            client.descriptor.resetOnClose()
            server?.descriptor.resetOnClose()
        }
        closeServer()
        pool.counters.inFlight.add(-1)
        let elapsed = worker.loop.nowNanoseconds - startedAt
        pool.counters.duration.record(microseconds: Int(elapsed / 1000))
        listener.counters.open.add(-1)
        worker.remove(self)
        client.close()
        client.relay = nil
    }

    // MARK: - ClientSide

    var clientNumber: Int { Int(client.descriptor.number) }

    /// A stream has no end that one could wait for but its own.
    func drain() {}

    func abandon() { finish(isReset: true) }
}

/// One of the two connections of a relay. Worker thread only.
private final class RelayEnd: StreamChannel {
    /// Set from the relay's init until the end of either.
    var relay: TCPRelay?
    var isConnecting = false
    /// The peer has sent its FIN.
    var hasEnded = false

    override func onReadable() { relay?.readable(self) }
    override func onDrained() { relay?.drained(self) }
    override func onBroken() { relay?.broken(self) }
    override func onDeadline() { relay?.deadlinePassed(self) }
    override func onWritable() {
        if isConnecting { relay?.connectEnded(self) } else { super.onWritable() }
    }
}
