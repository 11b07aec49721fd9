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
        lastLiveFailure = backend.lastLiveFailure.map { (clock.wall($0.at), "\($0.failure)") }
        check = backend.lastCheck.map { check in
            AdminSnapshot.Check(
                passed: check.failure == nil, at: clock.wall(check.at),
                result: check.failure.map { "\($0)" }
                    ?? "passed in \(Int(check.took / .milliseconds(1))) ms")
        }
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
