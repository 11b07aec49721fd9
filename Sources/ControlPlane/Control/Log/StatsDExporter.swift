// StatsDExporter: tells a collector the metrics, time after time. A collector that is away costs
// nothing and is told again when it is back; what was lost meanwhile is lost, as with any datagram.

internal import Admin
internal import Configuration
internal import Endpoints
internal import Events

/// See the head of this file. Control thread only.
final class StatsDExporter {
    private var text: StatsDText
    /// Nil while it is not known where the collector is.
    private var socket: Descriptor?
    private var collector: Endpoint?
    private let find: () -> Endpoint?
    private let interval: Duration
    private let snapshot: () -> AdminSnapshot
    private var timer: Timer?

    /// Begins to tell; nil when `settings` names nobody. `find` says where the collector is; nil
    /// while that is not known.
    ///
    /// - Throws: `StartFailure` when no datagram could be sent there: no such network.
    init?(
        _ settings: StatsDSettings, at find: @escaping () -> Endpoint?, on loop: EventLoop,
        snapshot: @escaping () -> AdminSnapshot
    ) throws {
        guard let place = settings.to else { return nil }
        self.find = find
        text = StatsDText(StatsDText.Tags(settings.tags))
        interval = settings.interval
        self.snapshot = snapshot
        do throws(Errno) {
            try connect()
        } catch {
            throw StartFailure(
                description: "statsd.to: can't send to \(place): \(error); check the address")
        }
        timer = Timer(on: loop) { [unowned self] in tell() }
        // Counters are told from here on.
        timer?.schedule(after: .zero)
    }

    deinit {
        socket?.close()
    }

    /// Sends to where the collector is now.
    private func connect() throws(Errno) {
        let place = find()
        guard place != collector else { return }
        let new: Descriptor? = if let place { try Socket.connectDatagram(to: place) } else { nil }
        socket?.close()
        (socket, collector) = (new, place)
    }

    private func tell() {
        timer?.schedule(after: interval)
        // A network that is away is tried again the next time.
        try? connect()
        guard let socket else { return }
        for datagram in text.datagrams(of: snapshot()) {
            // Nobody listens, or the queue is full: the next one tells what counts by then.
            _ = socket.send(datagram.span)
        }
    }
}

extension StatsDText.Tags {
    fileprivate init(_ tags: StatsDSettings.Tags) {
        switch tags {
        case .dogstatsd: self = .dogstatsd
        case .names: self = .inNames
        }
    }
}
