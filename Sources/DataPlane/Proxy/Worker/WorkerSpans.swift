// WorkerSpans: one worker's spans: what it writes is handed over within a second, and a loop on
// which nothing ends is not woken for it.

internal import AccessLog
internal import Endpoints
internal import Events
internal import Stats
internal import Traces

/// Writes a worker's spans. Worker thread only.
final class WorkerSpans {
    /// Where they go.
    let spool: SpanSpool
    private let sink: SpanSink
    private let flushing: Timer
    /// Spans that did not fill a buffer wait so long.
    private static let delay = Duration.seconds(1)

    init(_ spool: SpanSpool, _ counters: TraceCounters, on loop: EventLoop) {
        self.spool = spool
        let sink = SpanSink(spool, counters)
        self.sink = sink
        flushing = Timer(on: loop) { sink.flush() }
    }

    /// Writes the span of a request.
    func write(
        _ span: ServerSpan, _ text: borrowing LoggedText, client: IPAddress, route: [UInt8],
        service: [UInt8]
    ) {
        sink.write(span, text, client: client, route: route, service: service)
        if !flushing.isScheduled { flushing.schedule(after: Self.delay) }
    }

    /// Writes the span of a try.
    func write(
        _ span: ClientSpan, head: Span<UInt8>, backend: [UInt8], service: [UInt8]
    ) {
        sink.write(span, head: head, backend: backend, service: service)
        if !flushing.isScheduled { flushing.schedule(after: Self.delay) }
    }

    /// Hands over the last spans.
    func finish() {
        flushing.cancel()
        sink.finish()
    }
}
