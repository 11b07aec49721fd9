// ClosingEnd: a connection of a worker that is being ended (ClosingConnection.swift). The worker
// counts it like what it was before, so that a stop, an upgrade and a listener's close wait for it.

internal import Backends
internal import Events
internal import Stats

/// A client's connection, or a stream's to its backend, on its way out. Worker thread only.
final class ClosingEnd: ClosingConnection, ClientSide {
    let listener: WorkerListener
    private let worker: Worker
    private let isClient: Bool

    private init(
        _ channel: StreamChannel, _ farewell: Farewell, stall: UInt64, peerHasEnded: Bool,
        isClient: Bool, _ worker: Worker, _ listener: WorkerListener
    ) {
        self.worker = worker
        self.listener = listener
        self.isClient = isClient
        super.init(
            channel, farewell, limits: ClosingLimits(stall: stall), peerHasEnded: peerHasEnded,
            dropping: worker.buffer)
    }

    /// Ends `channel`, the connection of `client`, which the worker knows until now.
    static func end(
        _ client: any ClientSide, _ channel: StreamChannel, _ farewell: Farewell, stall: UInt64,
        peerHasEnded: Bool = false, on worker: Worker
    ) {
        let end = ClosingEnd(
            channel, farewell, stall: stall, peerHasEnded: peerHasEnded, isClient: true, worker,
            client.listener)
        worker.replace(client, by: end)
        end.begin()
    }

    /// Ends `channel`, a stream's connection to its backend; `listener` is the one that its client
    /// came by.
    static func endBackend(
        _ channel: StreamChannel, _ farewell: Farewell, stall: UInt64, by listener: WorkerListener,
        on worker: Worker
    ) {
        let end = ClosingEnd(
            channel, farewell, stall: stall, peerHasEnded: false, isClient: false, worker, listener)
        worker.add(end)
        end.begin()
    }

    override func close() {
        guard isOpen else { return }
        worker.remove(self)
        if isClient { listener.counters.add(.open, -1) }
        super.close()
    }

    // MARK: - ClientSide

    var clientNumber: Int { Int(descriptor.number) }

    /// Its backend has nothing more to do with it.
    func leave(_ backends: [BackendID]) {}

    /// Does nothing: a connection that closes is no stream any more.
    func endStream(to backends: [BackendID]?, at time: UInt64) {}

    /// Does nothing: the connection is ending.
    func drain() {}

    func abandon() { giveUp() }
}
