// What workers count for a backend. A new counter is a case of `BackendCounter` with its form:
// totals, JSON, metrics, StatsD and the OpenAPI document follow from it.

/// The counters of a backend, in the order in which `/metrics` has them.
public enum BackendCounter: Int, CounterName {
    /// Requests sent to it, retries included; for TCP, connections.
    case requests
    /// Requests under way at it now; for TCP, connections.
    case inFlight
    /// Connections to it that were made.
    case dials
    /// Connections to it that failed to be made.
    case dialFailures
    /// Connections that broke, or timed out, after they were made and before the response ended.
    case failures
    /// Connections to it open now, idle ones included.
    case open
    /// Responses with a status of 500 or above, or a `grpc-status` that is like one.
    case responses5xx
    /// Bytes received from it.
    case bytesReceived
    /// Bytes sent to it.
    case bytesSent
    /// Streams under way: TCP connections, tunnels, and responses whose body goes on.
    case streams
    /// Requests under way whose clients have closed their side within the response.
    case clientsLeft
}

extension BackendCounter: ShownCounter {
    /// How operators see the counter; nil for one that only Fairlead itself reads.
    package var form: CounterForm? {
        switch self {
        case .requests:
            .counter(
                "fairlead_backend_requests_total", key: "requests",
                "Requests, or TCP connections, sent to the backend, retries included.")
        case .inFlight:
            .gauge(
                "fairlead_backend_requests_in_flight", key: "inFlight",
                "Requests under way at the backend.")
        case .dials:
            .counter(
                "fairlead_backend_connections_total", key: "connections",
                "Connections made to the backend.")
        case .dialFailures:
            .counter(
                "fairlead_backend_connection_failures_total", key: "connectionFailures",
                "Connections to the backend that could not be made.")
        case .failures:
            .counter(
                "fairlead_backend_failures_total", key: "failures",
                "Connections to the backend that broke or timed out before a response was "
                    + "complete.")
        case .open:
            .gauge(
                "fairlead_backend_open_connections", key: "openConnections",
                "Connections to the backend open now, idle ones included.")
        case .responses5xx:
            .counter(
                "fairlead_backend_server_errors_total", key: "serverErrors",
                "Responses of the backend with a status of 500 or above, or a grpc-status that "
                    + "counts like one.")
        case .bytesReceived:
            .counter(
                "fairlead_backend_received_bytes_total", key: "receivedBytes",
                "Bytes received from the backend.")
        case .bytesSent:
            .counter(
                "fairlead_backend_sent_bytes_total", key: "sentBytes",
                "Bytes sent to the backend.")
        case .streams, .clientsLeft: nil
        }
    }
}

/// What one worker counts for one backend. The worker's thread writes, any thread reads.
public final class BackendCounters: Sendable {
    @usableFromInline let counts = CounterSet<BackendCounter, 16>()
    /// From the first byte sent to it until the response's head.
    package let firstByte = Histogram()

    /// All zero.
    package init() {}

    /// Adds `amount`; negative for a gauge that falls. The one writing thread only.
    @inlinable package func add(_ name: BackendCounter, _ amount: Int = 1) {
        counts.add(name, amount)
    }

    /// The counter's value now. Any thread.
    package subscript(_ name: BackendCounter) -> Int { counts[name] }
}

/// A backend's counters over all workers. Value type, any thread.
package struct BackendTotals: Sendable, Equatable {
    /// The counters.
    package var counts = CounterTotals<BackendCounter>()
    /// How long it took, from the first byte sent until the response's head.
    package var firstByte = HistogramTotals()

    /// All zero.
    package init() {}

    /// The total of one counter.
    package subscript(_ name: BackendCounter) -> Int {
        get { counts[name] }
        set { counts[name] = newValue }
    }

    mutating func add(_ counters: BackendCounters, hasTimes: Bool) {
        counts.add(counters.counts)
        if hasTimes { firstByte += counters.firstByte.totals }
    }
}
