// ArrivingConnection: a client's connection whose session has not begun, whatever is read first: a
// PROXY header or a ClientHello (Arrival.swift), a handshake of TLS (TLSHandshake.swift). It has a
// time of its own for that, and no backend is involved yet.

internal import Backends
internal import Events
internal import Stats

/// A connection before its session. Worker thread only.
class ArrivingConnection: StreamChannel, ClientSide {
    let worker: Worker
    let listener: WorkerListener

    /// How long a connection on which nothing has come is kept at a drain: what is first follows
    /// the handshake of TCP at once.
    private static let drainGraceNanoseconds: UInt64 = 250_000_000

    /// A connection that `listener` has accepted; `startReading` follows.
    init(_ handoff: consuming Handoff, worker: Worker, listener: WorkerListener) {
        self.worker = worker
        self.listener = listener
        super.init(handoff, on: worker.loop)
        deadlineNanoseconds = loop.nowNanoseconds + listener.handshakeTimeout
    }

    /// Whether nothing has come on it.
    var isSilent: Bool { preconditionFailure("a connection knows what has come on it") }

    /// What is first took longer than it may.
    func late() { preconditionFailure("a connection says how it ends") }

    override func onDeadline() {
        // At a drain it is no fault of the client's.
        if listener.isDraining, isSilent { close() } else { late() }
    }

    override func close() {
        guard isOpen else { return }
        worker.remove(self)
        listener.counters.add(.open, -1)
        super.close()
    }

    // MARK: - ClientSide

    var clientNumber: Int { Int(descriptor.number) }

    /// Does nothing: no backend is involved yet.
    func leave(_ backends: [BackendID]) {}

    /// Does nothing: the connection is no stream yet.
    func endStream(to backends: [BackendID]?, at time: UInt64) {}

    /// Keeps the connection for a moment if nothing has come on it. Otherwise the client may send a
    /// request, and its session drains.
    func drain() {
        guard isSilent else { return }
        deadlineNanoseconds = min(
            deadlineNanoseconds, loop.nowNanoseconds + Self.drainGraceNanoseconds)
    }

    func abandon() { reset() }
}
