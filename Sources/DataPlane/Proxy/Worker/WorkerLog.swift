// WorkerLog: one worker's access log: what it writes goes out within a tenth of a second, and a
// loop on which nothing ends is not woken for it.

internal import AccessLog
internal import Endpoints
internal import Events
internal import ProxyProtocol
internal import Stats

/// Writes a worker's lines. Worker thread only.
final class WorkerLog {
    private let sink: AccessLogSink
    private let flushing: Timer
    /// Lines that did not fill a buffer wait so long.
    private static let delay = Duration.milliseconds(100)

    init(_ log: AccessLog, _ counters: AccessLogCounters, on loop: EventLoop) {
        let sink = AccessLogSink(log, counters)
        self.sink = sink
        flushing = Timer(on: loop) { sink.flush() }
    }

    /// Writes the line of a request or connection of `listener`; `arrival` is what is known of how
    /// its client came.
    func write(
        _ entry: AccessEntry, _ text: borrowing LoggedText, client: IPAddress,
        _ arrival: ClientArrival?, listener: WorkerListener, pool: BackendPool?,
        backend: PooledBackend?
    ) {
        sink.write(
            entry, text, client: client, listener: listener.nameBytes,
            service: pool?.nameBytes ?? [], backend: backend?.nameBytes ?? [],
            proxied: arrival.map {
                ProxiedText(
                    proxy: $0.proxy, authority: $0.header.authority ?? [],
                    uniqueID: $0.header.uniqueID ?? [])
            })
        if !flushing.isScheduled { flushing.schedule(after: Self.delay) }
    }

    /// Hands over the last lines.
    func finish() {
        flushing.cancel()
        sink.finish()
    }
}
