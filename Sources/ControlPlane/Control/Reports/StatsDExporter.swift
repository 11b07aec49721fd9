// StatsDExporter: sends the metrics to a collector at an interval. A collector that is away costs
// nothing and gets them again when it is back; datagrams sent meanwhile are lost.

internal import Admin
internal import Configuration
internal import Endpoints
internal import Events

/// Sends metrics to a StatsD collector. Control thread only.
final class StatsDExporter {
    private var text: StatsDText
    /// Connected to the collector; nil while its address is not known.
    private var socket: Descriptor?
    private var collector: Endpoint?
    private let places: FollowedNames
    private let interval: Duration
    private let snapshots: AdminSnapshots
    /// The collector as the configuration names it.
    private let place: Place
    private var timer: Timer?

    /// Sends nothing yet; nil when `settings` names no collector. `places` has its address once
    /// that is known.
    init?(
        _ settings: StatsDSettings, _ places: FollowedNames, _ snapshots: AdminSnapshots,
        on loop: EventLoop
    ) {
        guard let place = settings.to else { return nil }
        self.places = places
        text = StatsDText(StatsDText.Tags(settings.tags))
        interval = settings.interval
        self.snapshots = snapshots
        self.place = place
        timer = Timer(on: loop) { [unowned self] in send() }
    }

    /// Begins to send. Counters are sent as differences from here on.
    ///
    /// - Throws: `StartFailure` when no datagram could be sent there: no such network.
    func start() throws {
        do throws(Errno) {
            try connect()
        } catch {
            throw StartFailure(
                description: "statsd.to: can't send to \(place): \(error); check the address")
        }
        timer?.schedule(after: .zero)
    }

    deinit {
        socket?.close()
    }

    /// Connects to the collector's current address.
    private func connect() throws(Errno) {
        let found = places.endpoints(of: place).first
        guard found != collector else { return }
        let new: Descriptor? = if let found { try Socket.connectDatagram(to: found) } else { nil }
        socket?.close()
        (socket, collector) = (new, found)
    }

    private func send() {
        timer?.schedule(after: interval)
        // A network that is down is tried again next time.
        try? connect()
        guard let socket else { return }
        for datagram in text.datagrams(of: snapshots.snapshot(.figures)) {
            // Nobody listens, or the queue is full: the next datagram has newer figures.
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
