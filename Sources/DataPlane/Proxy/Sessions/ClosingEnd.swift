// ClosingEnd: a connection of a worker that is being ended (ClosingConnection.swift). The worker
// counts it as it did before, so that a stop, an upgrade and the close of a listener wait for it.

internal import Backends
internal import Events
internal import Stats

/// A connection of a client, or of a stream to its backend, that is being ended. Worker thread
/// only.
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

    /// Ends `channel`, the connection of `client`, in whose place the worker gets the result.
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

    /// Ends `channel`, the connection of a stream to its backend; `listener` is the one that
    /// accepted its client.
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

    /// Does nothing: no backend is involved any more.
    func leave(_ backends: [BackendID]) {}

    /// Does nothing: a connection that closes is no stream any more.
    func endStream(to backends: [BackendID]?, at time: UInt64) {}

    /// Does nothing: the connection is ending.
    func drain() {}

    func abandon() { giveUp() }
}
