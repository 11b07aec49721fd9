// What workers count for a listener. A new counter is a case of `ListenerCounter` with its form:
// totals, JSON, metrics, StatsD and the OpenAPI document follow from it.

/// The counters of a listener.
public enum ListenerCounter: Int, CounterName {
    /// Connections accepted.
    case accepted
    /// Client connections open now.
    case open
    /// Connections closed at once because the listener had its limit of them.
    case refused
    /// accept() failed, most often for lack of descriptors.
    case acceptErrors
    /// Requests answered with an error of the client's: malformed, too large, too slow.
    case badRequests
    /// Requests answered by Fairlead itself, as it was told to: redirects, fixed responses.
    case answered
    /// Requests, or TLS connections, that no route was for.
    case unrouted
    /// Connections refused since a PROXY header was none of a trusted proxy's.
    case untrustedArrivals
    /// Connections refused since what has to come before the client's protocol was malformed.
    case malformedArrivals
    /// Connections refused since that did not come in time.
    case lateArrivals
}

extension ListenerCounter: ShownCounter {
    /// How operators see the counter.
    package var form: CounterForm? {
        switch self {
        case .accepted:
            .counter(
                "fairlead_listener_connections_total", key: "connections",
                "Client connections accepted.")
        case .open:
            .gauge(
                "fairlead_listener_open_connections", key: "openConnections",
                "Client connections open now.")
        case .refused:
            .counter(
                "fairlead_listener_refused_connections_total", key: "refusedConnections",
                "Client connections closed at once because the listener had its limit of them.")
        case .acceptErrors:
            .counter(
                "fairlead_listener_accept_errors_total", key: "acceptErrors",
                "Connections that could not be accepted, most often for lack of descriptors.")
        case .badRequests:
            .counter(
                "fairlead_listener_bad_requests_total", key: "badRequests",
                "Requests refused as malformed, too large or too slow.")
        case .answered:
            .counter(
                "fairlead_listener_own_answers_total", key: "ownAnswers",
                "Requests answered by Fairlead itself, as it was told to: redirects, fixed "
                    + "responses.")
        case .unrouted:
            .counter(
                "fairlead_listener_unrouted_requests_total", key: "unrouted",
                "Requests that no route was for, answered 404, and TLS connections that no route "
                    + "by name was for.")
        case .untrustedArrivals:
            Self.failures.member("untrusted", key: "untrusted")
        case .malformedArrivals:
            Self.failures.member("malformed", key: "malformed")
        case .lateArrivals: Self.failures.member("late", key: "late")
        }
    }

    private static let failures = CounterForm.Family(
        metric: "fairlead_listener_failed_arrivals_total", label: "reason",
        group: "failedArrivals",
        help: "Connections refused for how they began, before any request: by a PROXY header, or "
            + "without one.")
}

/// What one worker counts for one listener. The worker's thread writes, any thread reads.
public final class ListenerCounters: Sendable {
    @usableFromInline let counts = CounterSet<ListenerCounter, 16>()

    /// All zero.
    package init() {}

    /// Adds `amount`; negative for a gauge that falls. The one writing thread only.
    @inlinable package func add(_ name: ListenerCounter, _ amount: Int = 1) {
        counts.add(name, amount)
    }

    /// The counter's value now. Any thread.
    package subscript(_ name: ListenerCounter) -> Int { counts[name] }
}

/// A listener's counters over all workers.
package typealias ListenerTotals = CounterTotals<ListenerCounter>
