// TCPRelay: a client's TCP connection passed on to a backend: dialled, retried elsewhere, watched
// over and ended here; its bytes are moved by its two ends (RelayEnd.swift).

internal import AccessLog
internal import Backends
internal import Balancing
internal import Endpoints
internal import Events
internal import Evidence
internal import HTTP1
internal import Stats

/// One relayed connection. Worker thread only.
final class TCPRelay: ClientSide {
    let worker: Worker
    let pool: BackendPool
    let listener: WorkerListener
    private let address: IPAddress
    /// Nil from the end on, as is `server`: the ends know the relay.
    private(set) var client: RelayEnd?
    /// The connection to the backend, from its dial on.
    private(set) var server: RelayEnd?
    private var backend: PooledBackend?
    private var asking = PickRequest()
    /// Whether the last dial failed because this machine had run out of something.
    private var isShort = false
    let clientNumber: Int
    // In the loop's nanoseconds.
    private let startedAt: UInt64
    private var movedAt: UInt64
    /// When its time is over: it has lasted as long as it may, or its backend or the worker is
    /// leaving.
    private var endsBy: UInt64
    /// Its time is over, and it ends as soon as a frame of its backend has ended.
    private(set) var isParting = false
    /// When its ends are next looked at (TCPRelay+Watch.swift).
    var looksAt: UInt64
    private var triedAt: UInt64?
    private var connectedAt: UInt64?
    // For the access log.
    var bytesIn = 0
    var bytesOut = 0

    /// Takes on a client's connection, for the service of `pool`; one of the two `start` follows.
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
        client = RelayEnd(handoff, of: self)
    }

    // MARK: - Dialling

    /// Takes the connection on: dials a backend. The worker knows of it by now.
    func start() {
        pool.counters.add(.requests)
        pool.counters.add(.inFlight)
        pool.retryPolicy.noteRequest()
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
        isShort = error.isShortage
        pool.noteDialFailure(of: backend, error, worker)
        let server = server
        partFromServer()
        server?.close()
    }

    /// Nothing was sent yet, so the connection may go to any backend, as long as its dials have not
    /// taken all the time that they may.
    private func mayRetry() -> Bool {
        let now = worker.loop.nowNanoseconds
        let dials = DialEffort(
            backends: asking.tried.count, failedFor: now - startedAt, limit: pool.connectTimeout)
        asking.isLast = pool.retryPolicy.isLast(tries: 0, dials: dials)
        return pool.retryPolicy.allows(
            after: isShort ? .shortage : .dial, tries: 0, dials: dials, method: .other,
            canReplay: true, now: now) == .yes
    }

    /// No backend takes the connection: the client's is reset, so that it can tell this from a
    /// service that had nothing to say.
    private func giveUp() {
        if isShort {
            finish(.reset, .shortage)
        } else {
            finish(.reset, asking.tried.count == 0 ? .noBackend : .notConnected)
        }
    }

    /// The dial of `server` has come to something.
    func connectEnded(_ server: RelayEnd) {
        server.stopAwaitingWrite()
        server.isConnecting = false
        server.deadlineNanoseconds = .max
        if let error = server.descriptor.connectError() {
            dialFailed(error)
            return
        }
        connectedAt = worker.loop.nowNanoseconds
        if let backend {
            backend.counters.add(.dials)
            pool.noteConnected(backend, worker)
        }
        join(server)
    }

    private func dialFailed(_ error: Errno) {
        noteDialFailure(error)
        if mayRetry() { tryNext() } else { giveUp() }
    }

    // MARK: - Under way

    /// From here on bytes move.
    private func join(_ server: RelayEnd) {
        guard let client else { return }
        client.peer = server
        server.peer = client
        noteActivity()
        setDeadline()
        // One that another object had may have bytes left to send.
        if !server.isCongested { client.startReading() }
        if !client.isCongested { server.startReading() }
    }

    /// Takes over from an exchange: `server`, connected to `backend`, and what came before.
    func start(
        server handoff: consuming Handoff, of backend: PooledBackend, toClient: SendBuffer,
        headCount: Int, isWebSocket: Bool, toServer: [UInt8]
    ) {
        guard let client else { return }
        self.backend = backend
        let server = RelayEnd(handoff, of: self, to: backend)
        self.server = server
        pool.counters.add(.inFlight)
        pool.adopt(backend)
        join(server)
        client.noteMoved(toServer.count, to: server)
        server.noteMoved(toClient.count, to: client)
        if isWebSocket { server.frames = WebSocketFrames() }
        if !toClient.isEmpty {
            toClient.withBytes {
                server.follow($0.extracting(headCount..<$0.count))
                server.pass($0, to: client)
            }
        }
        if !toServer.isEmpty { client.pass(toServer.span, to: server) }
    }

    /// Bytes have moved, in either direction.
    func noteActivity() {
        movedAt = worker.loop.nowNanoseconds
    }

    /// One deadline for both directions, on the client's end; looked at again when it passes, since
    /// moving it with every byte would cost more than the bytes.
    private func setDeadline() {
        client?.deadlineNanoseconds = min(movedAt + listener.tunnelTimeout, endsBy, looksAt)
    }

    /// The deadline of one end has passed.
    func deadlinePassed(isConnecting: Bool) {
        let now = worker.loop.nowNanoseconds
        if isConnecting {
            dialFailed(.timedOut)
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

    /// Its time is over. A WebSocket that is between two frames is told so; one that is within a
    /// frame gets a moment for the frame's end.
    private func expire(_ now: UInt64) {
        if let server, let client, server.sayGoodbye(to: client) { return }
        guard !isParting, let server, server.frames?.isLost == false else {
            finish(.cut, .streamExpired)
            return
        }
        isParting = true
        endsBy = now + Self.partingNanoseconds
        setDeadline()
    }

    /// How long a frame may take to end when the time of its stream is over.
    private static let partingNanoseconds: UInt64 = 1_000_000_000

    /// The client was told that its stream ends.
    func saidGoodbye() {
        finish(.polite, .streamExpired)
    }

    /// Whether either side takes what is kept for it, too slowly for the kernel to say so; that is
    /// activity.
    private var takesMore: Bool {
        guard let end = [client, server].compactMap({ $0 }).first(where: \.isCongested),
            end.hasAcknowledgedMore()
        else { return false }
        noteActivity()
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
        /// Each side gets what came for it, then FIN: a close frame has told the client that this
        /// is all.
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
        self.client = nil
        if let log = worker.log { writeLine(log, ending) }
        client.peer = nil
        // One that never said a byte is no stream that was idle.
        if ending.isFailure || ending == .idle && bytesOut == 0 { pool.counters.add(.failed) }
        pool.counters.count(ending)
        pool.counters.add(.inFlight, -1)
        let elapsed = worker.loop.nowNanoseconds - startedAt
        pool.counters.duration.record(microseconds: Int(elapsed / 1000))
        partFromServer()
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
            // The kernel delivers what it has.
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

    private func writeLine(_ log: WorkerLog, _ ending: Ending) {
        var entry = AccessEntry(.tcp, ending.code)
        entry.bytesIn = bytesIn
        entry.bytesOut = bytesOut
        entry.bodyBytesOut = bytesOut
        entry.tries = asking.tried.count
        if let triedAt {
            entry.queueMicroseconds = Int((triedAt - startedAt) / 1000)
            entry.connectMicroseconds = connectedAt.map { Int(($0 - triedAt) / 1000) }
        }
        entry.totalMicroseconds = Int((worker.loop.nowNanoseconds - startedAt) / 1000)
        log.write(
            entry, LoggedText(), client: address, listener: listener, pool: pool, backend: backend)
    }

    /// Counts the connection to the backend no more; what becomes of it is up to the caller.
    private func partFromServer() {
        if let server {
            self.server = nil
            server.peer = nil
            backend?.counters.add(.open, -1)
        }
        if let backend { pool.end(on: backend, .stream) }
        backend = nil
    }

    // MARK: - ClientSide

    /// Nothing: how a stream ends in time, only its two sides know. `endStream` ends it.
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
