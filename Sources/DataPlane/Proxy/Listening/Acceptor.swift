// Acceptor: one worker's listening socket of one listener. It pauses while so many descriptors are
// in use that the rest is needed to dial backends: without those, the clients that are connected
// already would get nothing (Events/DescriptorRoom.swift).

internal import Endpoints
internal import Events
internal import Stats
internal import Traffic

/// Accepts connections, each of which becomes a session or relay, or an `Arrival` before that.
/// Worker thread only.
final class Acceptor {
    private let worker: Worker
    /// The listener whose connections it accepts; another one once that takes over the address.
    var listener: WorkerListener
    private let channel: ListeningChannel

    /// Accepts on `descriptor`, until it is closed.
    init(_ descriptor: Descriptor, worker: Worker, listener: WorkerListener) {
        self.worker = worker
        self.listener = listener
        channel = ListeningChannel(descriptor, on: worker.loop)
        channel.onFailure = { [unowned self] error in
            self.listener.counters.add(.acceptErrors)
            worker.recordShortage(error)
        }
        channel.hasRoom = { [unowned self] in
            !hasManyHandshakes
                && worker.descriptorRoom.hasRoomForClients(now: worker.loop.nowNanoseconds)
        }
        channel.start { [unowned self] connection, peer in
            accept(connection, from: peer)
        }
    }

    /// The socket.
    var descriptor: Descriptor { channel.descriptor }

    /// Accepts the connections that wait already, then stops listening.
    func closeAtOnce() {
        channel.closeAtOnce()
    }

    /// Stops listening on an address where others go on: for a moment it accepts what has begun to
    /// connect, then it closes and calls `Worker.acceptorLeft`. False when it can't.
    func leave() -> Bool {
        channel.leave { [self] in worker.acceptorLeft(self) }
    }

    private func accept(_ descriptor: Descriptor, from peer: Endpoint) {
        let isLast = descriptor.number >= worker.descriptorRoom.clientsEnd
        begin(descriptor, from: peer)
        guard channel.isOpen else { return }
        if isLast {
            ShortageTally.add(.descriptors)
            channel.rest()
        } else if hasManyHandshakes {
            listener.counters.add(.handshakePauses)
            channel.rest()
        }
    }

    /// Whether so many handshakes wait that another connection would only wait with them.
    private var hasManyHandshakes: Bool {
        listener.certificates != nil && worker.handshakeTurns.isFull
    }

    private func begin(_ descriptor: Descriptor, from peer: Endpoint) {
        listener.counters.add(.accepted)
        guard listener.counters[.open] < listener.options.policy.connectionsMax else {
            listener.counters.add(.refused)
            descriptor.close()
            return
        }
        let number = Int(descriptor.number)
        if listener.limitsAddresses, !listener.namesClients(peer.address),
            !listener.counts(peer.address, as: number, on: worker)
        {
            listener.recordFailure(.tooMany, of: peer.address, on: worker)
            descriptor.resetOnClose()
            descriptor.close()
            return
        }
        guard listener.readsBeginnings else {
            listener.counters.add(.open)
            listener.begin(Handoff(descriptor), from: peer.address, on: worker)
            return
        }
        switch listener.opening(for: peer.address) {
        case .none:
            listener.counters.add(.open)
            listener.begin(Handoff(descriptor), from: peer.address, on: worker)
        case .read(let stage):
            listener.counters.add(.open)
            let arrival = Arrival(
                descriptor, from: peer.address, stage, worker: worker, listener: listener)
            worker.add(arrival)
            if listener.isDraining { arrival.drain() }
        case .refuse(let failure):
            listener.recordFailure(failure, of: peer.address, on: worker)
            worker.uncount(number)
            descriptor.resetOnClose()
            descriptor.close()
        }
    }
}
