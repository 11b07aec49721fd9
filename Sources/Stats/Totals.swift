// Totals: the workers' counters added up, as values that can be shown and compared.

/// A listener's counters over all workers; the fields mean what `ListenerCounters` says.
package struct ListenerTotals: Sendable, Equatable {
    package var accepted = 0
    package var open = 0
    package var refused = 0
    package var acceptErrors = 0
    package var badRequests = 0

    package init() {}

    mutating func add(_ counters: ListenerCounters) {
        accepted += counters.accepted.current
        open += counters.open.current
        refused += counters.refused.current
        acceptErrors += counters.acceptErrors.current
        badRequests += counters.badRequests.current
    }
}

/// A service's counters over all workers; the fields mean what `ServiceCounters` says.
package struct ServiceTotals: Sendable, Equatable {
    package var requests = 0
    package var inFlight = 0
    package var responses2xx = 0
    package var responses3xx = 0
    package var responses4xx = 0
    package var responses5xx = 0
    package var noBackend = 0
    package var backendErrors = 0
    package var timeouts = 0
    package var cutShort = 0
    package var clientAborts = 0
    package var retries = 0
    package var retriesDenied = 0
    package var bytesFromClients = 0
    package var bytesToClients = 0
    package var duration = HistogramTotals()

    package init() {}

    mutating func add(_ counters: ServiceCounters) {
        requests += counters.requests.current
        inFlight += counters.inFlight.current
        responses2xx += counters.responses2xx.current
        responses3xx += counters.responses3xx.current
        responses4xx += counters.responses4xx.current
        responses5xx += counters.responses5xx.current
        noBackend += counters.noBackend.current
        backendErrors += counters.backendErrors.current
        timeouts += counters.timeouts.current
        cutShort += counters.cutShort.current
        clientAborts += counters.clientAborts.current
        retries += counters.retries.current
        retriesDenied += counters.retriesDenied.current
        bytesFromClients += counters.bytesFromClients.current
        bytesToClients += counters.bytesToClients.current
        duration += counters.duration.totals
    }
}

/// A backend's counters over all workers; the fields mean what `BackendCounters` says.
package struct BackendTotals: Sendable, Equatable {
    package var requests = 0
    package var inFlight = 0
    package var dials = 0
    package var dialFailures = 0
    package var failures = 0
    package var open = 0
    package var responses5xx = 0
    package var bytesReceived = 0
    package var bytesSent = 0
    package var firstByte = HistogramTotals()

    package init() {}

    mutating func add(_ counters: BackendCounters) {
        requests += counters.requests.current
        inFlight += counters.inFlight.current
        dials += counters.dials.current
        dialFailures += counters.dialFailures.current
        failures += counters.failures.current
        open += counters.open.current
        responses5xx += counters.responses5xx.current
        bytesReceived += counters.bytesReceived.current
        bytesSent += counters.bytesSent.current
        firstByte += counters.firstByte.totals
    }
}
