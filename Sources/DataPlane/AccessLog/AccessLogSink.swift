// AccessLogSink: one worker's side of the access log.

package import Endpoints
internal import HTTP1
package import Stats
internal import Traffic

/// Formats lines and hands them over. Worker thread only; any thread may read its counters.
package final class AccessLogSink {
    private let log: AccessLog
    private let counters: AccessLogCounters
    private var buffer: [UInt8] = []
    private var time = LineTime()
    private var client: [UInt8] = []
    private var clientAddress: IPAddress?

    /// A sink for the lines of one worker to `log`.
    package init(_ log: AccessLog, _ counters: AccessLogCounters) {
        self.log = log
        self.counters = counters
        buffer.reserveCapacity(AccessLog.bufferBytes)
    }

    /// Whether nothing waits to be handed over.
    package var isEmpty: Bool { buffer.isEmpty }

    /// Adds a line, or drops it when there is no room.
    package func write(
        _ entry: AccessEntry, _ text: borrowing LoggedText, client address: IPAddress,
        listener: [UInt8], service: [UInt8], backend: [UInt8], proxied: ProxiedText? = nil
    ) {
        if buffer.count > AccessLog.bufferBytes - AccessLogFormat.lineMax,
            !log.exchange(&buffer)
        {
            counters.dropped.add()
            return
        }
        counters.lines.add()
        time.update()
        // Often the client is that of the last line, and it takes time to write an address as text.
        if address != clientAddress {
            clientAddress = address
            client.removeAll(keepingCapacity: true)
            address.appendText(to: &client)
        }
        log.format.append(
            entry, text, at: time, client: client, listener: listener, service: service,
            backend: backend, proxied: proxied, to: &buffer)
    }

    /// Hands over the lines that wait; call it some time after a line.
    package func flush() {
        if !isEmpty { _ = log.exchange(&buffer) }
    }

    /// Hands over the last lines; there will be no more.
    package func finish() {
        let last = buffer
        buffer = []
        if !last.isEmpty { log.append(last: last) }
    }
}
