// StatsDExporter: tells a collector the metrics, time after time. A collector that is away costs nothing
// and is told again when it is back; what was lost meanwhile is lost, as with any datagram.

import Admin
import Configuration
import Events

/// See the head of this file. Control thread only.
final class StatsDExporter {
    private var text: StatsDText
    private let socket: Descriptor
    private let interval: Duration
    private let snapshot: () -> AdminSnapshot
    private var timer: Timer?

    /// Begins to tell; nil when `settings` names nobody.
    ///
    /// - Throws: `StartFailure` when no datagram could be sent there: no such network.
    init?(
        _ settings: StatsDSettings, on loop: EventLoop, snapshot: @escaping () -> AdminSnapshot
    ) throws {
        guard let collector = settings.to else { return nil }
        do throws(Errno) {
            socket = try Socket.connectDatagram(to: collector)
        } catch {
            throw StartFailure(
                description: "statsd.to: can't send to \(collector): \(error); check the address")
        }
        text = StatsDText(StatsDText.Tags(settings.tags))
        interval = settings.interval
        self.snapshot = snapshot
        timer = Timer(on: loop) { [unowned self] in tell() }
        // Counters are told from here on.
        timer?.schedule(after: .zero)
    }

    deinit {
        socket.close()
    }

    private func tell() {
        timer?.schedule(after: interval)
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
