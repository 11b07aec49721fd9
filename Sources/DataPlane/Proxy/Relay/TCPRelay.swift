// TCPRelay: a client's TCP connection passed on to a backend. The relay dials, tries other
// backends, watches over time and ends both connections; its two ends move the bytes
// (RelayEnd.swift).

internal import AccessLog
internal import Backends
internal import Balancing
internal import Endpoints
internal import Events
internal import Evidence
internal import HTTP1
internal import ProxyProtocol
internal import Stats
internal import TLS
internal import Traffic

/// One relayed connection. Worker thread only.
final class TCPRelay: ClientSide {
    let worker: Worker
    let pool: BackendPool
    let listener: WorkerListener
    private let address: IPAddress
    /// The client's connection; nil from the relay's end on, as is `server`, since the ends refer
    /// to the relay.
    private(set) var client: RelayEnd?
    /// The connection to the backend, from its dial on.
    private(set) var server: RelayEnd?
    private var backend: PooledBackend?
    private var asking = PickRequest()
    /// Whether the last dial failed for a shortage of this machine (`Errno.isShortage`).
    private var isShort = false
    /// How it ends if no other backend can be dialled: as the last dial did.
    private var dialsEnd = Ending.notConnected
    let clientNumber: Int
    // In the loop's nanoseconds.
    private let startedAt: UInt64
    private var movedAt: UInt64
    /// When its time is over, by its own limit, or since its backend or the worker leaves.
    private var endsBy: UInt64
    /// Whether its time is over, and it ends as soon as the current frame of its backend does.
    private(set) var isParting = false
    /// When its ends are next looked at (TCPRelay+Watch.swift).
    var looksAt: UInt64
    private var triedAt: UInt64?
    private var connectedAt: UInt64?
    /// What the client has sent before there was a connection to a backend.
    private var firstBytes: [UInt8]
    // For the access log.
    var bytesIn = 0
    var bytesOut = 0

    /// A relay of a client's connection for the service of `pool`; one of the two `start` follows.
    init(
        _ handoff: consuming Handoff, from address: IPAddress, for pool: BackendPool,
        worker: Worker, listener: WorkerListener
    ) {
        self.address = address
        self.worker = worker
        self.listener = listener
        self.pool = pool
        clientNumber = Int(handoff.descriptor.number)
        let now = worker.loop.nowNanoseconds
        startedAt = now
        movedAt = now
        looksAt = Self.nextLook(listener, after: now)
        endsBy = listener.tunnelMax.map { now &+ worker.jittered($0) } ?? .max
        firstBytes = handoff.received
        client = RelayEnd(handoff, of: self)
    }

    // MARK: - Dialling

    /// Dials a backend. The worker knows the relay by now.
    func start() {
        pool.counters.add(.requests)
        pool.counters.add(.inFlight)
        pool.retryPolicy.countRequest()
        asking.key = HashKey.of(address)
        asking.isStream = true
        tryNext()
    }

    private func tryNext() {
        while true {
            let backend: PooledBackend
            switch pool.pick(asking) {
            case .backend(let place): backend = pool.members[place]
            case .full:
                finish(.reset, .overLimit)
                return
            case .none:
                giveUp()
                return
            }
            self.backend = backend
            asking.tried.insert(backend.id)
            triedAt = worker.loop.nowNanoseconds
            backend.counters.add(.requests)
            pool.adopt(backend)
            do throws(Errno) {
                let descriptor = try Socket.connectStream(
                    to: backend.endpoint, below: worker.descriptorRoom.dialsEnd)
                let server = RelayEnd(Handoff(descriptor), of: self, to: backend)
                backend.counters.add(.open)
                server.isConnecting = true
                server.deadlineNanoseconds = worker.loop.nowNanoseconds + pool.connectTimeout
                server.awaitWrite()
                self.server = server
                return
            } catch {
                recordDialFailure(.system(error))
                guard mayRetry() else {
                    giveUp()
                    return
                }
            }
        }
    }

    private func recordDialFailure(_ error: DialError) {
        guard let backend else { return }
        isShort = error.isShortage
        dialsEnd = error.ending
        pool.recordDialFailure(of: backend, error, worker)
        let server = server
        releaseServer()
        server?.close()
    }

    /// Whether another backend may be dialled. Nothing was sent yet, so any will do, as long as the
    /// dials have not used up their time.
    private func mayRetry() -> Bool {
        let now = worker.loop.nowNanoseconds
        let dials = DialEffort(
            backends: asking.tried.count, failedFor: now - startedAt, limit: pool.connectTimeout)
        asking.isLast = pool.retryPolicy.isLast(tries: 0, dials: dials)
        return pool.retryPolicy.allows(
            after: isShort ? .shortage : .dial, tries: 0, dials: dials, method: .other,
            canReplay: true, now: now) == .yes
    }

    /// No backend accepts the connection: resets the client's, so that the client can tell this
    /// from a service that had nothing to send.
    private func giveUp() {
        finish(.reset, asking.tried.count == 0 ? .noBackend : dialsEnd)
    }

    /// The dial of `server` has succeeded or failed.
    func connectEnded(_ server: RelayEnd) {
        server.stopAwaitingWrite()
        if let error = server.descriptor.connectError() {
            dialFailed(.system(error))
            return
        }
        guard let client, let backend else { return }
        var header: [UInt8] = []
        if let version = pool.options.policy.sendsHeader {
            header = worker.header(of: client.descriptor, client.tls).bytes(version)
            backend.counters.add(.bytesSent, header.count)
        }
        guard let layer = pool.makeLayer(to: backend, worker) else {
            connected(server, header)
            return
        }
        goOn(server.begin(layer, behind: header))
        server.startReading()
    }

    /// The connection to the backend is secure.
    func secured(_ server: RelayEnd) {
        pool.countHandshake(server.layer as? TLSLayer)
        connected(server, [])
    }

    /// The connection to the backend broke with `error` before it was secure.
    func securingFailed(_ server: RelayEnd, _ error: Errno) {
        let fault = (server.layer as? TLSLayer)?.fault(error)
        dialFailed(fault.map { .tls($0) } ?? .system(error))
    }

    /// The connection to the backend is made; `header` goes before anything else.
    private func connected(_ server: RelayEnd, _ header: [UInt8]) {
        server.isConnecting = false
        server.deadlineNanoseconds = .max
        connectedAt = worker.loop.nowNanoseconds
        if let backend {
            backend.counters.add(.dials)
            pool.recordConnected(backend, worker)
        }
        join(server)
        if !header.isEmpty { goOn(server.write(header)) }
        sendFirstBytes(to: server)
    }

    /// Goes on after a write, whatever became of it: reading finds out how a connection ended.
    private func goOn(_ outcome: WriteOutcome) {
        switch outcome {
        case .sent, .kept, .failed: break
        }
    }

    private func dialFailed(_ error: DialError) {
        recordDialFailure(error)
        if mayRetry() { tryNext() } else { giveUp() }
    }

    // MARK: - Under way

    /// Connects the two ends: bytes move from here on.
    private func join(_ server: RelayEnd) {
        guard let client else { return }
        client.peer = server
        server.peer = client
        recordActivity()
        setDeadline()
        // A connection that came from a session may have bytes left to send.
        if !server.isCongested { client.startReading() }
        if !client.isCongested { server.startReading() }
    }

    /// Takes over from an exchange: `server`, connected to `backend`, and the bytes that came
    /// before.
    func start(
        server handoff: consuming Handoff, of backend: PooledBackend, toClient: SendBuffer,
        headCount: Int, isWebSocket: Bool
    ) {
        guard let client else { return }
        self.backend = backend
        let server = RelayEnd(handoff, of: self, to: backend)
        self.server = server
        pool.counters.add(.inFlight)
        pool.adopt(backend)
        join(server)
        server.countMoved(toClient.count, to: client)
        if isWebSocket { server.frames = WebSocketFrames() }
        if !toClient.isEmpty {
            toClient.withBytes {
                server.follow($0.extracting(headCount..<$0.count))
                server.pass($0, to: client)
            }
        }
        sendFirstBytes(to: server)
    }

    /// Passes on what the client has sent before `server` was its peer.
    private func sendFirstBytes(to server: RelayEnd) {
        guard let client, !firstBytes.isEmpty else { return }
        let bytes = firstBytes
        firstBytes = []
        client.countMoved(bytes.count, to: server)
        client.pass(bytes.span, to: server)
    }

    /// Bytes have moved, in either direction.
    func recordActivity() {
        movedAt = worker.loop.nowNanoseconds
    }

    /// Sets the one deadline for both directions, on the client's end. It is computed again only
    /// when it passes, since moving it with every byte would cost more than the bytes.
    private func setDeadline() {
        client?.deadlineNanoseconds = min(movedAt + listener.tunnelTimeout, endsBy, looksAt)
    }

    /// The deadline of one end has passed.
    func deadlinePassed(isConnecting: Bool) {
        let now = worker.loop.nowNanoseconds
        if isConnecting, let server {
            securingFailed(server, .timedOut)
        } else if now >= endsBy {
            expire(now)
        } else if now >= movedAt + listener.tunnelTimeout, !takesMore {
            finish(.cut, .idle)
        } else if now >= looksAt, let gone = vanishedEnd(now) {
            vanished(gone)
        } else {
            setDeadline()
        }
    }

    /// Its time is over. A WebSocket between two frames gets a close frame; one within a frame gets
    /// a moment for the frame's end.
    private func expire(_ now: UInt64) {
        if let server, let client, server.sendCloseFrame(to: client) { return }
        guard !isParting, let server, server.frames?.isLost == false else {
            finish(.cut, .streamExpired)
            return
        }
        isParting = true
        endsBy = now + WebSocketFrames.partingNanoseconds
        setDeadline()
    }

    /// The client has got a close frame: its stream ends.
    func closeFrameSent() {
        finish(.polite, .streamExpired)
    }

    /// Whether either side acknowledges some of what is kept for it, though too slowly for a write
    /// event; that counts as activity.
    private var takesMore: Bool {
        guard let end = [client, server].compactMap({ $0 }).first(where: \.isCongested),
            end.hasAcknowledgedMore()
        else { return false }
        recordActivity()
        return true
    }

    // MARK: - The end

    /// `end` was reset, and all that came from it before is passed on to `receiver`.
    func broken(by end: RelayEnd, _ receiver: RelayEnd) {
        end.backend?.counters.add(.failures)
        end.descriptor.resetOnClose()
        finish(
            receiver.backend == nil ? .clientCut : .serverCut,
            receiver.backend == nil ? .backendCut : .clientGone)
    }

    /// How a relay's connections end.
    enum Closing {
        /// Both sides have ended, and everything is passed on.
        case complete
        /// Each side gets what came for it, then a reset, so that it can tell a stream cut short
        /// from one that ended.
        case cut
        /// The client gets what came for it, then a reset; the backend's connection is closed.
        case clientCut
        /// Each side gets what came for it, then FIN: the client has got a close frame.
        case polite
        /// The backend gets what came for it, then a reset; the client's connection is closed.
        case serverCut
        /// Both are reset at once: nothing came for them, or there is no time.
        case reset
    }

    /// Ends both connections. Harmless when repeated.
    func finish(_ closing: Closing, _ ending: Ending) {
        guard let client else { return }
        let server = server
        if let log = worker.log { writeLine(log, ending, client.tls) }
        self.client = nil
        client.peer = nil
        // A connection on which the backend never sent a byte was no idle stream.
        if ending.isFailure || ending == .idle && bytesOut == 0 { pool.counters.add(.failed) }
        pool.counters.count(ending)
        pool.counters.add(.inFlight, -1)
        let elapsed = worker.loop.nowNanoseconds - startedAt
        pool.counters.duration.record(microseconds: Int(elapsed / 1000))
        releaseServer()
        switch closing {
        case .complete: endServer(server, .end)
        case .polite: endServer(server, .end, isWaitedFor: true)
        case .cut, .serverCut: endServer(server, .cut)
        case .clientCut: server?.close()
        case .reset: server?.reset()
        }
        switch closing {
        case .complete where listener.isDraining: endClient(client, .end)
        case .polite: endClient(client, .end)
        case .complete, .serverCut: closeClient(client)
        case .cut, .clientCut: endClient(client, .cut)
        case .reset:
            client.descriptor.resetOnClose()
            closeClient(client)
        }
    }

    private func endServer(
        _ server: RelayEnd?, _ farewell: Farewell, isWaitedFor: Bool = false
    ) {
        guard let server else { return }
        if farewell == .end, !listener.isDraining, !isWaitedFor {
            // The kernel still delivers what it has.
            server.close()
        } else {
            ClosingEnd.endBackend(
                server, farewell, stall: listener.tunnelTimeout, by: listener, on: worker)
        }
    }

    private func endClient(_ client: RelayEnd, _ farewell: Farewell) {
        ClosingEnd.end(self, client, farewell, stall: listener.tunnelTimeout, on: worker)
    }

    private func closeClient(_ client: RelayEnd) {
        listener.counters.add(.open, -1)
        worker.remove(self)
        client.close()
    }

    private func writeLine(_ log: WorkerLog, _ ending: Ending, _ tls: TLSOutcome?) {
        var entry = AccessEntry(.tcp, ending.code)
        entry.bytesIn = bytesIn
        entry.bytesOut = bytesOut
        entry.bodyBytesOut = bytesOut
        entry.tries = asking.tried.count
        entry.tls = tls
        if let triedAt {
            entry.queueMicroseconds = Int((triedAt - startedAt) / 1000)
            entry.connectMicroseconds = connectedAt.map { Int(($0 - triedAt) / 1000) }
        }
        entry.totalMicroseconds = Int((worker.loop.nowNanoseconds - startedAt) / 1000)
        log.write(
            entry, LoggedText(), client: address, worker.arrival(of: clientNumber),
            listener: listener, pool: pool, backend: backend)
    }

    /// Stops counting the connection to the backend. What becomes of it is up to the caller.
    private func releaseServer() {
        if let server {
            self.server = nil
            server.peer = nil
            backend?.counters.add(.open, -1)
        }
        if let backend { pool.end(on: backend, .stream) }
        backend = nil
    }

    // MARK: - ClientSide

    /// Does nothing: only the two sides know when a stream may end. `endStream` ends it.
    func drain() {}

    func endStream(to backends: [BackendID]?, at time: UInt64) {
        let isConnected = server?.isConnecting == false
        if let backends {
            // A dial may still go to another backend.
            guard isConnected, let backend, backends.contains(backend.id) else { return }
        }
        guard time < endsBy else { return }
        endsBy = time
        if isConnected { setDeadline() }
    }

    func leave(_ backends: [BackendID]) {
        guard let backend, backends.contains(backend.id) else { return }
        finish(.cut, .streamExpired)
    }

    func abandon() { finish(.reset, .stopped) }
}
