// WithoutTurn: why a backend that could get requests gets none. It is worked out for each view,
// from the roster, the workers' counters and TurnWatch.

internal import Backends
internal import Stats

/// Why a backend has had no turn for a while. Value type, any thread.
package struct WithoutTurn: Sendable, Equatable {
    /// What keeps requests from a backend; the raw values are its names in `/stats`.
    package enum Reason: String, Sendable, CaseIterable {
        /// The backend waits for its first check, while others are up.
        case firstCheck = "first-check"
        /// No backend is up, and none gets requests.
        case refused
        /// A better tier gets the requests.
        case standby
        /// The backend's source has come back, and waits behind the one that serves in its stead.
        case returning
        /// Discovery lost the backend: it waits behind those that are named.
        case reserve
        /// The backend is at its limit of requests in flight.
        case limit
        /// The backend was ejected. It gets one request at a time, of those that can be sent again.
        case probation
        /// The service has no requests.
        case noRequests = "no-requests"
        /// Requests wait on the backend, and nothing comes from it.
        case silent
        /// More requests wait on the backend than its share.
        case busy
        /// The backend's weight is 0, and others have more.
        case zeroWeight = "zero-weight"
        /// The backend is in its slow start.
        case slowStart = "slow-start"
        /// The backend's weight is so small that no turn is due yet.
        case smallShare = "small-share"
        /// The balancing method prefers others.
        case balance
    }

    /// What is known of a backend besides its snapshot.
    package struct Facts: Sendable {
        /// How long it has waited for its turn; nil for a backend that is not in the rotation.
        package var wait: Wait?
        /// The most requests in flight on it from one worker, and from all; nil is no limit.
        package var limit: (ofWorker: Int, ofAll: Int)?
        /// Its share of the turns of its tier, 0 to 1.
        package var share = 1.0
        /// Whether others of its tier have a weight, and it has none.
        package var isWeightless = false
        /// How a backend is chosen, as the option `balance` has it.
        package var balance = "round-robin"
        /// For how many seconds its source waits behind a later one; nil when it does not.
        package var returnsIn: Int?
        /// Whether no backend gets requests, since none is up.
        package var isRefusing = false

        /// `TurnWatch.Wait` by the wall clock, in seconds since 1970.
        package struct Wait: Sendable {
            /// When it had its last turn.
            package var since: Double
            /// When bytes last came from it.
            package var receivedAt: Double
            /// Requests that others got since its turn.
            package var elsewhere: Int

            /// The wait of a backend.
            package init(since: Double, receivedAt: Double, elsewhere: Int) {
                self.since = since
                self.receivedAt = receivedAt
                self.elsewhere = elsewhere
            }
        }

        /// A backend that is not in the rotation, without a limit, and alone in its tier.
        package init() {}
    }

    /// What keeps requests from it.
    package let reason: Reason
    /// When it had its last turn, in seconds since 1970.
    package let since: Double
    /// For how long it has had none, in whole seconds.
    package let seconds: Int
    /// Requests in flight on it.
    package let inFlight: Int
    /// How many of the requests in flight are streams.
    package let streams: Int
    /// How many of the requests in flight are of clients that have closed their side.
    package let clientsLeft: Int
    /// The most requests in flight on it; nil is no limit.
    package let limit: Int?
    /// Requests that others of its service got since its turn.
    package let elsewhere: Int
    /// The reason as a clause: `4 requests wait there, and nothing has come from it for 6 s`.
    package let text: String

    /// A shorter wait needs no reason, in seconds.
    package static let secondsMin = 5
    /// Fewer waiting requests are not too many for any backend; as in `Loads.smallLoad`.
    private static let smallLoad = 3
    /// With fewer turns due, chance explains that there was none.
    private static let dueMin = 3.0

    /// Why `backend` has had no turn, at `now`, in seconds since 1970; nil when it has had one
    /// lately, or its state explains it.
    package init?(_ backend: AdminSnapshot.Backend, _ facts: Facts, at now: Double) {
        let totals = backend.totals
        since = facts.wait?.since ?? backend.since
        seconds = Int(max(0, now - since))
        guard seconds >= Self.secondsMin,
            let reason = Self.reason(backend, facts, at: now)
        else { return nil }
        self.reason = reason
        inFlight = totals[.inFlight]
        streams = totals[.streams]
        clientsLeft = totals[.clientsLeft]
        limit = facts.limit?.ofAll
        elsewhere = facts.wait?.elsewhere ?? 0
        text = Self.text(reason, backend, facts, at: now)
    }

    private static func reason(
        _ backend: AdminSnapshot.Backend, _ facts: Facts, at now: Double
    ) -> Reason? {
        guard let wait = facts.wait else {
            switch backend.state {
            case .discovered, .checking: return facts.isRefusing ? .refused : .firstCheck
            case .up, .down, .ejected: return facts.isRefusing ? .refused : nil
            case .draining, .gone: return nil
            }
        }
        let waiting = backend.totals[.inFlight] - backend.totals[.streams]
        if !backend.isActive, facts.returnsIn != nil { return .returning }
        if !backend.isActive { return backend.tier.isReserve ? .reserve : .standby }
        if let limit = facts.limit, backend.totals[.inFlight] >= limit.ofWorker { return .limit }
        if backend.isOnProbation, backend.totals[.inFlight] > 0 { return .probation }
        if wait.elsewhere == 0 { return .noRequests }
        if waiting > 0, now - wait.receivedAt >= Double(secondsMin) { return .silent }
        if waiting >= smallLoad { return .busy }
        if backend.isOnProbation { return .probation }
        if facts.isWeightless { return .zeroWeight }
        if backend.sharePercent < 100 { return .slowStart }
        return Double(wait.elsewhere) * facts.share < dueMin ? .smallShare : .balance
    }

    private static func text(
        _ reason: Reason, _ backend: AdminSnapshot.Backend, _ facts: Facts, at now: Double
    ) -> String {
        let totals = backend.totals
        let waiting = totals[.inFlight] - totals[.streams]
        let wait = waiting == 1 ? "1 request waits there" : "\(waiting) requests wait there"
        switch reason {
        case .firstCheck: return "it waits for its first check"
        case .refused: return "no backend is up, and none gets requests (when-none-up)"
        case .standby: return "a better tier gets the requests"
        case .returning:
            return "its name is back, and gets requests in \(facts.returnsIn ?? 0) s "
                + "(failover-return)"
        case .reserve: return "it waits behind those that discovery names"
        case .limit:
            let limit = facts.limit.map { ": \($0.ofAll)" } ?? ""
            var parts = [
                "it is full (limits.backend-requests\(limit)): \(totals[.inFlight]) in flight"
            ]
            if totals[.streams] > 0 { parts.append("\(totals[.streams]) of them streams") }
            if totals[.clientsLeft] > 0 {
                parts.append("\(totals[.clientsLeft]) of clients that have left")
            }
            return parts.joined(separator: ", ")
        case .probation:
            return "it is on probation: one request at a time, of those that can be sent again"
        case .noRequests: return "the service has no requests"
        case .silent:
            let quiet = Int(now - (facts.wait?.receivedAt ?? now))
            return "\(wait), and nothing has come from it for \(quiet) s"
        case .busy: return "\(wait), more than is its share"
        case .zeroWeight: return "its weight is 0, and others have more"
        case .slowStart: return "it starts slowly, with \(backend.sharePercent) % of its weight"
        case .smallShare:
            let each = Int((1 / max(facts.share, 1e-9)).rounded())
            return "its weight gives it 1 of \(each) requests"
        case .balance: return "balance: \(facts.balance) sends them elsewhere"
        }
    }
}
