// SpanSink: one worker's side of the spool.

package import AccessLog
package import Endpoints
internal import HTTP1
package import Stats

/// Writes spans and hands them over. Worker thread only; any thread may read its counters.
package final class SpanSink {
    private let spool: SpanSpool
    private let counters: TraceCounters
    private var buffer = SpanSpool.makeBuffer()
    private var count = 0
    private var client: [UInt8] = []
    private var clientAddress: IPAddress?

    /// A sink for the spans of one worker to `spool`.
    package init(_ spool: SpanSpool, _ counters: TraceCounters) {
        self.spool = spool
        self.counters = counters
    }

    /// Whether nothing waits to be handed over.
    package var isEmpty: Bool { count == 0 }

    /// Adds the span of a request, whose head has this text and which came from `address`; or drops
    /// it when there is no room.
    package func write(
        _ span: ServerSpan, _ text: borrowing LoggedText, client address: IPAddress,
        route: [UInt8], service: [UInt8]
    ) {
        guard makeRoom() else { return }
        // Often the client is that of the last span, and it takes time to write an address as text.
        if address != clientAddress {
            clientAddress = address
            client.removeAll(keepingCapacity: true)
            address.appendText(to: &client)
        }
        let isFirst = isEmpty
        buffer.append(addingCapacity: SpanText.max) { (out: inout OutputSpan<UInt8>) in
            if !isFirst { out.append(0x2C) }
            SpanText.append(
                span, text, client: client, route: route, service: service, to: &out)
        }
        count += 1
        counters.spans.add()
    }

    /// Adds the span of a try, whose head goes to the backend called `backend` as `head`; or drops
    /// it when there is no room.
    package func write(
        _ span: ClientSpan, head: Span<UInt8>, backend: [UInt8], service: [UInt8]
    ) {
        guard makeRoom() else { return }
        let isFirst = isEmpty
        buffer.append(addingCapacity: SpanText.max) { (out: inout OutputSpan<UInt8>) in
            if !isFirst { out.append(0x2C) }
            SpanText.append(span, head: head, backend: backend, service: service, to: &out)
        }
        count += 1
        counters.spans.add()
    }

    /// Makes sure that a span has room; false when it has to be dropped.
    private func makeRoom() -> Bool {
        guard buffer.count > SpanSpool.bufferBytes - SpanText.max else { return true }
        guard spool.exchange(&buffer, count: count) else {
            counters.dropped.add()
            return false
        }
        count = 0
        return true
    }

    /// Hands over the spans that wait; call it some time after a span.
    package func flush() {
        if !isEmpty, spool.exchange(&buffer, count: count) { count = 0 }
    }

    /// Hands over the last spans; there will be no more.
    package func finish() {
        let last = buffer
        buffer = []
        if count > 0 { spool.append(last: last, count: count) }
        count = 0
    }
}
