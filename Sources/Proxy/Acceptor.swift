// Acceptor: one worker's listening socket of one listener.

internal import Endpoints
internal import Events
internal import Stats

/// Accepts connections and hands each to what its listener speaks. Worker thread only.
final class Acceptor: Channel {
    private let worker: Worker
    /// Whose connections it accepts; another one's when that takes the address over.
    var listener: WorkerListener
    /// Connections taken before others get their turn; more are waiting for the next batch.
    private static let batchMax = 16
    /// How long to wait when none can be accepted, for want of descriptors most likely: readiness
    /// stays, and would spin.
    private static let pauseNanoseconds: UInt64 = 100_000_000

    init(_ descriptor: Descriptor, worker: Worker, listener: WorkerListener) {
        self.worker = worker
        self.listener = listener
        super.init(descriptor, on: worker.loop)
        startReading()
    }

    override func onReadable() {
        accept(atMost: Self.batchMax)
    }

    override func onDeadline() {
        startReading()
    }

    /// Takes what has connected already, then stops listening: the kernel would reset it.
    func closeGracefully() {
        accept(atMost: .max)
        close()
    }

    private func accept(atMost limit: Int) {
        for _ in 0..<limit {
            switch descriptor.accept() {
            case .connection(let descriptor, let peer):
                take(descriptor, from: peer)
            case .wouldBlock:
                return
            case .failed:
                listener.counters.acceptErrors.add()
                stopReading()
                deadlineNanoseconds = loop.nowNanoseconds + Self.pauseNanoseconds
                return
            }
        }
    }

    private func take(_ descriptor: Descriptor, from peer: Endpoint) {
        listener.counters.accepted.add()
        guard listener.counters.open.current < listener.options.connectionsMax else {
            listener.counters.refused.add()
            descriptor.close()
            return
        }
        listener.counters.open.add()
        switch listener.options.mode {
        case .http:
            worker.add(
                ClientConnection(descriptor, from: peer.address, worker: worker, listener: listener)
            )
        case .tcp:
            guard let pool = listener.pool else {
                preconditionFailure("a TCP listener has a service")
            }
            let relay = TCPRelay(
                descriptor, from: peer.address, for: pool, worker: worker,
                listener: listener)
            worker.add(relay)
            relay.start()
        }
    }
}
