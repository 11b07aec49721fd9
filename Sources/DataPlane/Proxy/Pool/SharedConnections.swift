// SharedConnections: the connections of HTTP/2 to one backend, which requests share, and the
// requests that wait for one. A worker has one connection to a backend as long as that has room;
// another is made beside the requests once three quarters of its streams are in use.
//
// Only one connection is made at a time, however many requests wait for it: when it fails, all of
// them learn of it, and it counts once. Where backends choose the protocol (`protocol: auto`),
// one that chooses HTTP/1.1 gets a connection for each request from then on.

internal import Events
internal import Stats
internal import Traffic

/// The connections of HTTP/2 to one backend on one worker. Worker thread only.
final class SharedConnections {
    /// A try that waits for a stream.
    private struct Waiter {
        let exchange: HTTPExchange
        let slot: Tries.Slot
    }

    private unowned let backend: PooledBackend
    private unowned let pool: BackendPool
    private let worker: Worker
    /// The connections that take requests, the newest at the end.
    private var connections: [HTTP2BackendConnection] = []
    private var waiters: [Waiter] = []
    private var dial: BackendDial?
    /// Whether the backend has chosen HTTP/1.1 when it was asked last.
    private(set) var isHTTP1 = false
    /// Before when no connection is made beside the requests, in the loop's nanoseconds: the last
    /// one failed.
    private var dialsBesideAt: UInt64 = 0

    private static let pauseAfterFailure: UInt64 = 1_000_000_000

    init(to backend: PooledBackend, of pool: BackendPool, worker: Worker) {
        self.backend = backend
        self.pool = pool
        self.worker = worker
    }

    // MARK: - Requests

    /// Whether a request would get a stream at once.
    var hasRoom: Bool { waiters.isEmpty && connections.contains { $0.hasRoom } }

    /// A stream for the try of `exchange` in `slot`; nil when it has to wait.
    func open(for exchange: HTTPExchange, _ slot: Tries.Slot) -> BackendStream? {
        // Nobody overtakes those that wait.
        guard waiters.isEmpty else { return nil }
        for connection in connections {
            guard let stream = connection.open(for: exchange, slot) else { continue }
            if connection.isFilling { dialBeside() }
            return stream
        }
        return nil
    }

    /// Has the try of `exchange` in `slot` wait for a stream.
    ///
    /// - Throws: why no connection can be made, now that one is needed; the try does not wait then.
    func await(_ exchange: HTTPExchange, _ slot: Tries.Slot) throws(Errno) {
        if let connection = connections.first(where: { $0.hasRoom }) {
            // It serves those that wait when its turn ends.
            connection.awaitTurnEnd()
        } else if !isOpening {
            try beginDial()
        }
        waiters.append(Waiter(exchange: exchange, slot: slot))
    }

    /// Removes the try of `exchange` in `slot`, which has ended.
    func remove(_ exchange: HTTPExchange, _ slot: Tries.Slot) {
        waiters.removeAll { $0.exchange === exchange && $0.slot == slot }
    }

    /// Gives streams to those that wait, and makes another connection if they go on waiting.
    func serve() {
        while let waiter = waiters.first,
            let stream = firstStream(for: waiter)
        {
            waiters.removeFirst()
            waiter.exchange.connected(stream)
        }
        guard !waiters.isEmpty, !isOpening else { return }
        do throws(Errno) {
            try beginDial()
        } catch {
            failed(.system(error))
        }
    }

    private func firstStream(for waiter: Waiter) -> BackendStream? {
        for connection in connections {
            if let stream = connection.open(for: waiter.exchange, waiter.slot) { return stream }
        }
        return nil
    }

    // MARK: - Dials

    /// Whether a connection is being made, or does not know yet how many streams it may have.
    private var isOpening: Bool { dial != nil || connections.contains { $0.isOpening } }

    private func beginDial() throws(Errno) {
        // The loop keeps the dial alive until it is closed.
        dial = try BackendDial(of: backend, for: self, worker: worker, pool: pool)
    }

    /// Makes another connection, which no request waits for.
    private func dialBeside() {
        guard !isOpening, !connections.contains(where: { $0.hasRoom && !$0.isFilling }),
            worker.loop.nowNanoseconds >= dialsBesideAt
        else { return }
        do throws(Errno) {
            try beginDial()
        } catch {
            failed(.system(error))
        }
    }

    /// The dial has come to `connection`, which is one of HTTP/2.
    func dialled(_ connection: HTTP2BackendConnection) {
        dial = nil
        add(connection)
        serve()
    }

    /// Adds `connection`, which is new and of HTTP/2.
    func add(_ connection: HTTP2BackendConnection) {
        isHTTP1 = false
        connections.append(connection)
    }

    /// The dial has come to a connection of HTTP/1.1, `handoff`: the first of those that wait gets
    /// it, and each of the others one of its own.
    func dialledHTTP1(_ handoff: consuming Handoff) {
        dial = nil
        isHTTP1 = true
        let waiting = waiters
        waiters = []
        guard let first = waiting.first else {
            backend.counters.add(.open, -1)
            handoff.descriptor.close()
            return
        }
        // The loop keeps it alive until it is closed.
        let connection = HTTP1BackendConnection(
            handoff, to: backend, for: first.exchange, first.slot, worker: worker, pool: pool,
            introducedBy: nil)
        for waiter in waiting.dropFirst() { waiter.exchange.dialAlone(waiter.slot, backend) }
        first.exchange.connected(.http1(Link(connection)))
    }

    /// The dial has failed.
    func dialFailed(_ error: DialError) {
        dial?.close()
        dial = nil
        failed(error)
    }

    /// `connection` can't be used, as it turned out before the backend's SETTINGS came. If a
    /// request is on it, its exchange records that.
    func openingFailed(_ error: DialError, _ connection: HTTP2BackendConnection) {
        remove(connection)
        if connection.streamCount > 0 { fail(error) } else { failed(error) }
    }

    /// A backend has asked for HTTP/1.1, though it speaks HTTP/2.
    func needsHTTP1() {
        guard pool.options.policy.speaks == .auto else { return }
        isHTTP1 = true
    }

    /// Records once that no connection could be made, and tells all that wait.
    private func failed(_ error: DialError) {
        pool.recordDialFailure(of: backend, error, worker)
        fail(error)
    }

    private func fail(_ error: DialError) {
        dialsBesideAt = worker.loop.nowNanoseconds + Self.pauseAfterFailure
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.exchange.sharedDialFailed(waiter.slot, backend, error) }
    }

    // MARK: - The end

    /// Removes `connection`, which takes no more requests.
    func remove(_ connection: HTTP2BackendConnection) {
        connections.removeAll { $0 === connection }
    }

    /// Has all of them take no more requests: each closes once it carries none.
    func retireAll() {
        isHTTP1 = false
        for connection in connections { connection.retire() }
    }
}
