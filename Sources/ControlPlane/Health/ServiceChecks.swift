// ServiceChecks: the checks of one roster's backends. The roster decides what results mean; this
// follows the roster's membership, says how each backend is checked, and reports the results.

package import Backends
internal import Endpoints
internal import HTTPClient
internal import TLS
internal import Traffic

/// The checks of one service. Control thread only. Keep it: nothing else can stop them.
package final class ServiceChecks {
    /// The results of these checks. A shared check counts for each service that shares it.
    package private(set) var counters = HealthCounters()

    let timing: CheckSchedule.Timing
    private let roster: Roster
    private let options: CheckOptions
    private let kind: CheckOptions.Kind
    private let tls: TLSClient?
    private let speaks: BackendProtocol
    private let checker: HealthChecker
    private let answers: (BackendID) -> UInt64?
    private let onChange: () -> Void
    private var checks: [BackendID: EndpointCheck] = [:]
    /// The roster's membership when it was last looked at; nil for never.
    private var membership: UInt64?
    private var isStopped = false

    init(
        _ roster: Roster, _ options: CheckOptions, _ tls: TLSClient?, _ speaks: BackendProtocol,
        checker: HealthChecker,
        liveAnswers: @escaping (BackendID) -> UInt64?, onChange: @escaping () -> Void
    ) {
        self.roster = roster
        self.options = options
        kind = options.kind
        self.tls = tls
        self.speaks = speaks
        self.checker = checker
        self.answers = liveAnswers
        self.onChange = onChange
        timing = CheckSchedule.Timing(options)
    }

    /// Starts the checks of backends that are new in the roster, and stops those of backends that
    /// left it. Call it after anything that may have changed the roster, but for a check's result.
    /// - Complexity: O(1) if no backend came or left, else O(n log n).
    package func reconcile() {
        guard !isStopped, roster.membership != membership else { return }
        membership = roster.membership
        let targets = roster.checkTargets
        for (id, check) in checks where !isCurrent(check, of: id) { drop(id) }
        let new = targets.filter { checks[$0.id] == nil }.sorted { $0.id < $1.id }
        let added = checker.add(new.map { ($0.id, key(of: $0)) }, of: self)
        for (target, check) in zip(new, added) { checks[target.id] = check }
    }

    /// Checks a backend as soon as possible: a request could not connect, say. Leads to at most one
    /// check every 100 ms, however often it is called. Does nothing if the backend is gone.
    package func checkSoon(_ id: BackendID) {
        if let check = checks[id] { checker.checkSoon(check) }
    }

    /// Ends all checks, those under way included: neither the roster nor `onChange` gets a result
    /// any more. Harmless when repeated.
    package func stop() {
        isStopped = true
        for id in Array(checks.keys) { drop(id) }
    }

    private func drop(_ id: BackendID) {
        guard let check = checks.removeValue(forKey: id) else { return }
        if check.probe != nil { counters.underWay -= 1 }
        checker.remove(id, from: check)
    }

    /// Whether the backend is still there, and known by the name by which it is checked.
    private func isCurrent(_ check: EndpointCheck, of id: BackendID) -> Bool {
        guard let backend = roster.backend(id) else { return false }
        guard let tls = check.key.tls else { return true }
        return tls.name == name(of: backend.endpoint, backend.instance.hostName)
    }

    private func key(of target: Roster.CheckTarget) -> CheckKey {
        let endpoint = target.endpoint
        let port = options.port ?? endpoint.port
        // Another port is another server.
        let isOwn = port == endpoint.port
        return CheckKey(
            target: Endpoint(endpoint.address, port), kind: kind,
            header: isOwn ? options.sendsHeader : nil,
            timeout: CheckSchedule.bounded(options.timeout),
            tls: isOwn
                ? tls.map { HTTPClient.Security($0, for: name(of: endpoint, target.hostName)) }
                : nil,
            version: isOwn ? version : .http1)
    }

    /// By which HTTP the backends are asked on their own ports.
    private var version: HTTPClient.Version {
        guard case .http = kind else { return .http1 }
        return switch speaks {
        case .http1: .http1
        case .http2: .http2
        case .auto: .negotiated
        }
    }

    /// The name that a backend's certificate has to be for: what the options say, else its host's
    /// name, else its address.
    private func name(of endpoint: Endpoint, _ hostName: String) -> TLSPeerName {
        tls?.options.name ?? TLSPeerName(hostName) ?? .address(endpoint.address)
    }

    // MARK: - What a check depends on

    /// How soon the next check of a backend should follow.
    func pace(of id: BackendID) -> CheckSchedule.Pace {
        let pace = roster.backend(id)?.checkPace ?? .usual
        return roster.wantsFastChecks && pace != .new ? .fast : pace
    }

    /// Whether a backend is up and not under suspicion.
    func isWell(_ id: BackendID) -> Bool {
        roster.backend(id)?.state.phase == .up && pace(of: id) == .usual
    }

    /// How many live requests a backend has answered well so far; nil when that is not known, or
    /// does not count for these checks.
    func liveAnswers(of id: BackendID) -> UInt64? {
        options.trustsTraffic && kind == .tcp ? answers(id) : nil
    }

    // MARK: - From the checker

    func began(_ id: BackendID, lateness: Duration, now: ContinuousClock.Instant) {
        counters.began(lateness: lateness)
        roster.checkStarted(id, now: now)
    }

    func wasSkipped() {
        counters.wasSkipped()
    }

    func ended(
        _ id: BackendID, _ result: ProbeResult, took: Duration, now: ContinuousClock.Instant
    ) {
        counters.ended(result)
        switch result {
        case .passed: roster.checkPassed(id, took: took, now: now)
        case .failed(let failure): roster.checkFailed(id, failure, took: took, now: now)
        case .inconclusive: break
        }
    }

    /// Acts on a result that the roster has taken, once the check is back on the schedule.
    func followUp(_ result: ProbeResult, of id: BackendID) {
        guard !isStopped else { return }
        // A backend that only a hold kept in the roster may have left because of this result.
        if roster.backend(id) == nil { drop(id) }
        if result != .inconclusive { onChange() }
    }
}
