// Acceptor: one worker's listening socket of one listener. It rests while accepting fails, and
// while so many descriptors are in use that the rest is needed for dialling backends, without which
// those clients that are connected already would get nothing (Events/DescriptorRoom.swift).

internal import Endpoints
internal import Events
internal import Stats

/// Accepts connections and hands each to what its listener speaks. Worker thread only.
final class Acceptor: Channel {
    private let worker: Worker
    /// Whose connections it accepts; another one's when that takes the address over.
    var listener: WorkerListener
    /// It closes at its deadline, and takes no new handshakes.
    private var isLeaving = false
    /// Connections taken before others get their turn; more are waiting for the next batch.
    private static let batchMax = 16
    /// How long to rest when none can be accepted or is to be: readiness stays, and would spin.
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
        if isLeaving {
            closeAtOnce()
            worker.acceptorLeft(self)
        } else if worker.descriptorRoom.hasRoomForClients(now: loop.nowNanoseconds) {
            startReading()
        } else {
            rest()
        }
    }

    private func rest() {
        stopReading()
        // One that leaves tries once more at its end, which stays.
        if !isLeaving { deadlineNanoseconds = loop.nowNanoseconds + Self.pauseNanoseconds }
    }

    /// Takes what has connected already, then stops listening: the kernel would reset it.
    func closeAtOnce() {
        accept(atMost: .max)
        close()
    }

    /// Stops listening where others go on: takes no new handshakes, and what comes of those that
    /// have begun for a moment more; then it closes and tells `Worker.acceptorLeft`. False when it
    /// can't.
    func leave() -> Bool {
        guard descriptor.takeNoNewHandshakes() else { return false }
        isLeaving = true
        startReading()
        deadlineNanoseconds = loop.nowNanoseconds + Descriptor.handshakeNanoseconds
        return true
    }

    private func accept(atMost limit: Int) {
        for _ in 0..<limit {
            switch descriptor.accept() {
            case .connection(let descriptor, let peer):
                let isLast = descriptor.number >= worker.descriptorRoom.clientsEnd
                take(descriptor, from: peer)
                guard isLast, isOpen else { continue }
                ShortageTally.add(.descriptors)
                rest()
                return
            case .wouldBlock:
                return
            case .failed(let error):
                listener.counters.acceptErrors.add()
                worker.noteShortage(error)
                rest()
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
            let client = ClientConnection(
                descriptor, from: peer.address, worker: worker, listener: listener)
            worker.add(client)
            if listener.isDraining { client.drain() }
        case .tcp:
            guard let pool = listener.pool else {
                preconditionFailure("a TCP listener has a service")
            }
            let relay = TCPRelay(
                Handoff(descriptor), from: peer.address, for: pool, worker: worker,
                listener: listener)
            worker.add(relay)
            relay.start()
        }
    }
}
