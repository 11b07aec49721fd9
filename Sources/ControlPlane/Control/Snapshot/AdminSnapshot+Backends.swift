// AdminSnapshot+Backends: what the admin port shows of a backend.

internal import Admin
internal import Backends
internal import Stats

extension AdminSnapshot.Backend {
    /// Everything that the page and JSON show of a backend.
    init(
        _ backend: Backend, _ totals: BackendTotals, isInRotation: Bool, _ clock: DisplayClock
    ) {
        self.init(
            id: backend.id.rawValue, endpoint: backend.endpoint, state: backend.state.phase,
            since: clock.wall(backend.state.since), cause: "\(backend.state.cause)",
            tier: backend.tier, weight: backend.weight, isInRotation: isInRotation)
        hostName = backend.instance.hostName
        metadata = backend.instance.metadata
        isNamed = backend.naming == .named
        namedWeight = backend.instance.weight
        override = backend.override.map { "\($0)" } ?? ""
        isDrained = backend.override?.isDrained == true
        recentChecks = backend.recentChecks
        self.totals = totals
        ejectedUntil = backend.state.ejectionEnd.map(clock.wall)
        ejections = backend.state.ejections
        isOnProbation = backend.state.isOnProbation
        sharePercent = backend.rampShare * 100 / 16
        lastLiveFailure = Self.lastLiveFailure(of: backend, clock)
        check = backend.lastCheck.map { check in
            AdminSnapshot.Check(
                passed: check.failure == nil, at: clock.wall(check.at),
                result: check.failure.map { "\($0)" }
                    ?? "passed in \(Int(check.took / .milliseconds(1))) ms")
        }
    }

    /// The last evidence of live requests against a backend. A dial that was refused shows in its
    /// checks as well; what is wrong with its TLS is worth a sentence.
    private static func lastLiveFailure(
        of backend: Backend, _ clock: DisplayClock
    ) -> (at: Double, text: String)? {
        let live = backend.lastLiveFailure
        if let dial = backend.lastDialFailure, case .insecure = dial.failure,
            live.map({ $0.at < dial.at }) ?? true
        {
            return (clock.wall(dial.at), "\(Cause.dialFailed(dial.failure))")
        }
        return live.map { (clock.wall($0.at), "\($0.failure)") }
    }

    /// What metrics show of a backend.
    init(figuresOf backend: Backend, _ totals: BackendTotals, isInRotation: Bool) {
        self.init(
            id: backend.id.rawValue, endpoint: backend.endpoint, state: backend.state.phase,
            since: 0, cause: "", tier: backend.tier, weight: backend.weight,
            isInRotation: isInRotation)
        isOnProbation = backend.state.isOnProbation
        check = backend.lastCheck.map {
            AdminSnapshot.Check(passed: $0.failure == nil, at: 0, result: "")
        }
        self.totals = totals
    }
}
