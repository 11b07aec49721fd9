// ServiceChecks: the checks of one roster's backends. What they mean is the roster's to judge; this
// follows its membership, runs the probes and reports.

package import Backends
internal import Endpoints

/// The checks of one service. Control thread only. Keep it: it is how they are stopped.
package final class ServiceChecks {
    /// What these checks came to.
    package private(set) var counters = HealthCounters()

    private let roster: Roster
    private let options: HealthOptions
    private let timing: CheckSchedule.Timing
    private let checker: HealthChecker
    private let onChange: () -> Void
    private var targets: [BackendID: Target] = [:]
    /// The roster's membership when it was last looked at; nil for never.
    private var membership: UInt64?
    private var isStopped = false

    private struct Target {
        let endpoint: Endpoint
        /// The check under way; nil between checks.
        var probe: Probe?
    }

    init(
        _ roster: Roster, _ options: HealthOptions, checker: HealthChecker,
        onChange: @escaping () -> Void
    ) {
        self.roster = roster
        self.options = options
        self.checker = checker
        self.onChange = onChange
        timing = CheckSchedule.Timing(
            interval: options.interval, jitterPercent: options.jitterPercent)
    }

    /// Starts the checks of backends that came to the roster and stops those of backends that left
    /// it. Call it after anything but a check that may have changed the roster.
    /// - Complexity: O(1) if nobody came or left, else O(n log n).
    package func reconcile() {
        guard !isStopped, roster.membership != membership else { return }
        membership = roster.membership
        let wanted = roster.checkTargets
        for id in Array(targets.keys) where roster.backend(id) == nil { drop(id) }
        let new = wanted.filter { targets[$0.id] == nil }.sorted { $0.id < $1.id }
        for target in new { targets[target.id] = Target(endpoint: target.endpoint) }
        checker.add(new.map(\.id), timing, for: self)
    }

    /// Checks a backend as soon as may be: a request could not connect, say. At most one check
    /// every 100 ms comes of it, however often it is called; nothing if the backend is gone.
    package func checkSoon(_ id: BackendID) {
        guard targets[id] != nil else { return }
        checker.checkSoon(id)
    }

    /// Ends all checks, those under way included: neither the roster nor `onChange` hears of them
    /// any more. Harmless when repeated.
    package func stop() {
        isStopped = true
        for id in Array(targets.keys) { drop(id) }
    }

    private func drop(_ id: BackendID) {
        guard let target = targets.removeValue(forKey: id) else { return }
        if let probe = target.probe {
            probe.cancel()
            counters.underWay -= 1
        }
        checker.remove(id)
    }

    // MARK: - For HealthChecker

    /// Starts a check that is due.
    func start(_ id: BackendID, now: ContinuousClock.Instant) {
        guard let target = targets[id] else { return }
        count(\.started)
        counters.underWay += 1
        roster.checkStarted(id, now: now)
        targets[id]?.probe = Probe.start(
            options, at: target.endpoint, client: checker.client, on: checker.loop
        ) { [weak self] result in
            self?.ended(id, result, startedAt: now)
        }
    }

    private func ended(
        _ id: BackendID, _ result: ProbeResult, startedAt: ContinuousClock.Instant
    ) {
        targets[id]?.probe = nil
        counters.underWay -= 1
        let now = ContinuousClock.now
        let took = startedAt.duration(to: now)
        switch result {
        case .passed:
            count(\.passed)
            roster.checkPassed(id, took: took, now: now)
        case .failed(let failure):
            count(\.failed)
            roster.checkFailed(id, failure, took: took, now: now)
        case .inconclusive:
            count(\.inconclusive)
        }
        checker.ended(id, next: roster.backend(id)?.checkPace ?? .usual)
        // A backend that only a hold kept may have left because of this result.
        reconcile()
        // The last thing: it may call back, `stop()` for one.
        if result != .inconclusive { onChange() }
    }

    private func count(_ counter: WritableKeyPath<HealthCounters, UInt64>) {
        counters[keyPath: counter] += 1
        checker.totals[keyPath: counter] += 1
    }
}

extension Backend {
    /// How soon its next check should follow: fast as long as that may change its state. One that
    /// is down is given time, and one that is leaving is nobody's concern.
    var checkPace: CheckSchedule.Pace {
        switch state.phase {
        case .discovered, .checking, .ejected: .fast
        case .up: lastCheck?.failure == nil ? .usual : .fast
        case .down: state.consecutivePasses > 0 ? .fast : .usual
        case .draining, .gone: .usual
        }
    }
}
