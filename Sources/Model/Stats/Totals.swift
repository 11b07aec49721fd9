// Totals: the workers' counters added up, as values that can be shown and compared.

/// A listener's counters over all workers; the fields mean what `ListenerCounters` says.
package struct ListenerTotals: Sendable, Equatable {
    /// Connections accepted.
    package var accepted = 0
    /// Client connections open now.
    package var open = 0
    /// Connections closed at once, the listener being full.
    package var refused = 0
    /// Calls of accept() that failed.
    package var acceptErrors = 0
    /// Requests answered with an error of the client's.
    package var badRequests = 0
    /// Requests answered by Fairlead itself, as it was told to.
    package var answered = 0
    /// Requests that no route was for.
    package var unrouted = 0

    /// All zero.
    package init() {}

    mutating func add(_ counters: ListenerCounters) {
        accepted += counters.accepted.current
        open += counters.open.current
        refused += counters.refused.current
        acceptErrors += counters.acceptErrors.current
        badRequests += counters.badRequests.current
        answered += counters.answered.current
        unrouted += counters.unrouted.current
    }
}

/// A service's counters over all workers; the fields mean what `ServiceCounters` says.
package struct ServiceTotals: Sendable, Equatable {
    /// HTTP requests taken on, or TCP connections.
    package var requests = 0
    /// Of these, under way now.
    package var inFlight = 0
    /// Requests that failed, each counted once; see `ServiceCounters.failed`.
    package var failed = 0
    /// Responses that clients got with a status of 200 to 299, Fairlead's own among them, here and
    /// in the three below.
    package var responses2xx = 0
    /// Those of 300 to 399.
    package var responses3xx = 0
    /// Those of 400 to 499.
    package var responses4xx = 0
    /// Those of 500 and above.
    package var responses5xx = 0
    /// Connections that switched to another protocol.
    package var upgrades = 0
    /// Given up on because no backend could take them.
    package var noBackend = 0
    /// Given up on because a backend broke off or did not speak HTTP.
    package var backendErrors = 0
    /// Given up on because no backend answered in time; for TCP, because no byte moved.
    package var timeouts = 0
    /// Responses cut short after they had begun.
    package var cutShort = 0
    /// See `ServiceCounters.expired`.
    package var expired = 0
    /// Given up on because the client went away.
    package var clientAborts = 0
    /// Requests sent again, to another backend.
    package var retries = 0
    /// Retries not made because the budget was spent.
    package var retriesDenied = 0
    /// Requests sent to a second backend while the first had not answered yet.
    package var hedges = 0
    /// Of these, answered by the second.
    package var hedgesWon = 0
    /// Given up on because as many as may be were in flight and waiting.
    package var overLimit = 0
    /// Given up on because this machine had nothing left to connect to a backend with.
    package var shortages = 0
    /// Requests that had to wait for a backend to have room.
    package var queued = 0
    /// Of these, waiting now.
    package var queueLength = 0
    /// Bytes of heads and bodies received from clients and passed on.
    package var bytesFromClients = 0
    /// Bytes sent to clients.
    package var bytesToClients = 0
    /// How long they took, from the request's head to the last byte of the response.
    package var duration = HistogramTotals()

    /// All zero.
    package init() {}

    mutating func add(_ counters: ServiceCounters) {
        requests += counters.requests.current
        inFlight += counters.inFlight.current
        failed += counters.failed.current
        responses2xx += counters.responses2xx.current
        responses3xx += counters.responses3xx.current
        responses4xx += counters.responses4xx.current
        responses5xx += counters.responses5xx.current
        upgrades += counters.upgrades.current
        noBackend += counters.noBackend.current
        backendErrors += counters.backendErrors.current
        timeouts += counters.timeouts.current
        cutShort += counters.cutShort.current
        expired += counters.expired.current
        clientAborts += counters.clientAborts.current
        retries += counters.retries.current
        retriesDenied += counters.retriesDenied.current
        hedges += counters.hedges.current
        hedgesWon += counters.hedgesWon.current
        overLimit += counters.overLimit.current
        shortages += counters.shortages.current
        queued += counters.queued.current
        queueLength += counters.queueLength.current
        bytesFromClients += counters.bytesFromClients.current
        bytesToClients += counters.bytesToClients.current
        duration += counters.duration.totals
    }
}

/// A backend's counters over all workers; the fields mean what `BackendCounters` says.
package struct BackendTotals: Sendable, Equatable {
    /// Requests sent to it, retries included; for TCP, connections.
    package var requests = 0
    /// Of these, under way now.
    package var inFlight = 0
    /// Streams under way.
    package var streams = 0
    /// Requests under way whose clients have closed their side.
    package var clientsLeft = 0
    /// Connections to it that were made.
    package var dials = 0
    /// Connections to it that failed to be made.
    package var dialFailures = 0
    /// Connections that broke or timed out between their making and the response's end.
    package var failures = 0
    /// Connections to it open now, idle ones included.
    package var open = 0
    /// Responses with a status of 500 or above.
    package var responses5xx = 0
    /// Bytes received from it.
    package var bytesReceived = 0
    /// Bytes sent to it.
    package var bytesSent = 0
    /// How long it took, from the first byte sent until the response's head.
    package var firstByte = HistogramTotals()

    /// All zero.
    package init() {}

    mutating func add(_ counters: BackendCounters, hasTimes: Bool) {
        requests += counters.requests.current
        inFlight += counters.inFlight.current
        streams += counters.streams.current
        clientsLeft += counters.clientsLeft.current
        dials += counters.dials.current
        dialFailures += counters.dialFailures.current
        failures += counters.failures.current
        open += counters.open.current
        responses5xx += counters.responses5xx.current
        bytesReceived += counters.bytesReceived.current
        bytesSent += counters.bytesSent.current
        if hasTimes { firstByte += counters.firstByte.totals }
    }
}
