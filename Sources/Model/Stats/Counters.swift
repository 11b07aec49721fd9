// The counters of a listener, a service and a backend: one block of each per worker.
//
// A worker writes its own block; a snapshot adds the workers' blocks up. `Totals` has a field for
// each counter, and MetricNames.swift a name.

/// What one worker counts for one listener.
package final class ListenerCounters: Sendable {
    /// Connections accepted.
    package let accepted = Counter()
    /// Client connections open now.
    package let open = Counter()
    /// Connections closed at once because the listener had its limit of them.
    package let refused = Counter()
    /// accept() failed, most often for lack of descriptors.
    package let acceptErrors = Counter()
    /// Requests answered with an error of the client's: malformed, too large, too slow.
    package let badRequests = Counter()
    /// Requests answered by Fairlead itself, as it was told to: redirects, fixed responses.
    package let answered = Counter()
    /// Requests that no route was for.
    package let unrouted = Counter()

    /// All zero.
    package init() {}
}

/// What one worker counts for one service.
package final class ServiceCounters: Sendable {
    /// HTTP requests taken on, or TCP connections.
    package let requests = Counter()
    /// Of these, under way now.
    package let inFlight = Counter()
    /// Requests that ended and failed, each once: answered with a status of 500 or above by a
    /// backend, not answered by one, or cut short. Neither what the client broke off or sent wrong,
    /// nor a stream that lasted as long as it may. For TCP, connections that got no backend, were
    /// broken by it, or in which it never said a byte until their time was over.
    package let failed = Counter()
    /// Of these, the ones that a backend answered, by status.
    package let failedStatuses = FailedStatuses()
    /// Responses that clients got with a status of 200 to 299, Fairlead's own among them, here and
    /// in the three below.
    package let responses2xx = Counter()
    /// Those of 300 to 399.
    package let responses3xx = Counter()
    /// Those of 400 to 499.
    package let responses4xx = Counter()
    /// Those of 500 and above.
    package let responses5xx = Counter()
    /// Connections that switched to another protocol, such as WebSocket.
    package let upgrades = Counter()
    /// Answered 503 by Fairlead: no backend was in the rotation, or none could be connected to. For
    /// TCP, connections that were reset for that.
    package let noBackend = Counter()
    /// Answered 502 by Fairlead: the backend broke the connection or did not speak HTTP.
    package let backendErrors = Counter()
    /// Answered 504 by Fairlead: not answered in time. For TCP, connections that were reset
    /// because no byte moved.
    package let timeouts = Counter()
    /// TCP connections and tunnels that were reset because they had lasted as long as they may.
    package let expired = Counter()
    /// Responses cut short after they had begun; for TCP, connections that the backend broke.
    package let cutShort = Counter()
    /// Responses that Fairlead cut itself, which `cutShort` has as well: their time, or that of
    /// their backend's drain, was over.
    package let ownCuts = Counter()
    /// The client went away before its response was complete.
    package let clientAborts = Counter()
    /// Of these, clients that had waited for a second or more, and no response had begun.
    package let gaveUp = Counter()
    /// Requests sent a second or third time, to another backend.
    package let retries = Counter()
    /// Retries not made because the budget was spent.
    package let retriesDenied = Counter()
    /// Requests sent to a second backend while the first had not answered yet.
    package let hedges = Counter()
    /// Of these, answered by the second.
    package let hedgesWon = Counter()
    /// Answered 503 by Fairlead: as many requests as may be were in flight and waiting. For TCP,
    /// connections that were reset for that.
    package let overLimit = Counter()
    /// Answered 503 by Fairlead: this machine had no descriptor, local port or memory left for a
    /// connection to a backend. For TCP, connections that were reset for that.
    package let shortages = Counter()
    /// Requests that had to wait for a backend to have room.
    package let queued = Counter()
    /// Of these, waiting now.
    package let queueLength = Counter()
    /// Bytes of bodies and heads received from clients and passed on.
    package let bytesFromClients = Counter()
    /// Bytes sent to clients.
    package let bytesToClients = Counter()
    /// From the request's head to the last byte of the response; for TCP, of the connection.
    package let duration = Histogram()

    /// All zero.
    package init() {}
}

/// What one worker counts for one backend.
package final class BackendCounters: Sendable {
    /// Requests sent to it, retries included; for TCP, connections.
    package let requests = Counter()
    /// Of these, under way now.
    package let inFlight = Counter()
    /// Streams under way: TCP connections, tunnels, and responses whose body goes on.
    package let streams = Counter()
    /// Requests under way whose clients have closed their side within the response.
    package let clientsLeft = Counter()
    /// Connections to it that were made.
    package let dials = Counter()
    /// Connections to it that failed to be made.
    package let dialFailures = Counter()
    /// Connections that broke, or timed out, after they were made and before the response ended.
    package let failures = Counter()
    /// Connections to it open now, idle ones included.
    package let open = Counter()
    /// Responses with a status of 500 or above.
    package let responses5xx = Counter()
    /// Bytes received from it.
    package let bytesReceived = Counter()
    /// Bytes sent to it.
    package let bytesSent = Counter()
    /// From the first byte sent to it until the response's head.
    package let firstByte = Histogram()

    /// All zero.
    package init() {}
}
