// HealthChecker: the checks of all services on one loop. It owns the one schedule, so that the
// limits on checks hold for the process, and the one timer behind it. Services say which of their
// backends are to be checked, and how; a check that two of them want alike is made once, and its
// result goes to both.

package import Backends
package import Endpoints
package import Events
package import HTTPClient
package import TLS
package import Traffic

/// Checks backends, and reports the results to their rosters. Control thread only.
package final class HealthChecker {
    private let loop: EventLoop
    private let client: HTTPClient
    private var totals = HealthCounters()
    private var schedule: CheckSchedule
    private var generator = SystemRandomNumberGenerator()
    private var checks: [CheckID: EndpointCheck] = [:]
    private var ids: [CheckKey: CheckID] = [:]
    private var nextID: UInt64 = 0
    private var timer: Timer?

    /// A checker without services on `loop`, the loop of `client`. At most `rate` (1 or more)
    /// checks begin a second, and at most `underWayMax` (1 or more) run at a time.
    package init(on loop: EventLoop, client: HTTPClient, rate: Int, underWayMax: Int = 256) {
        self.loop = loop
        self.client = client
        schedule = CheckSchedule(underWayMax: underWayMax, rate: rate)
        timer = Timer(on: loop) { [weak self] in self?.startDue() }
    }

    /// The most checks that begin a second, for all services; at least 1.
    package var rate: Int {
        get { schedule.rate }
        set {
            schedule.rate = newValue
            arm()
        }
    }

    /// The results of all checks, those of stopped services included. A check that several services
    /// share counts once here, and once in the counters of each.
    package var counters: HealthCounters {
        var counters = totals
        counters.underWay = schedule.underWayCount
        return counters
    }

    /// Checks the backends of `roster` from now on, until `stop()` is called on what this returns.
    /// `liveAnswers` returns how many live requests a backend has answered well so far, nil if that
    /// is not known; it is called each time a check of kind `tcp` is due. Checks on the port of a
    /// backend are made by `tls`, if that is spoken there, and by the HTTP that the backend
    /// `speaks`. `onChange` is called after each result that was given to the roster, and never
    /// while this runs: the time to publish the rotation again.
    ///
    /// - Precondition: All rosters of a checker share one `BackendIDs`; `options` are `off` if and
    ///   only if the roster expects no checks.
    package func watch(
        _ roster: Roster, options: CheckOptions, tls: TLSClient? = nil,
        speaks: BackendProtocol = .http1,
        liveAnswers: @escaping (BackendID) -> UInt64? = { _ in nil },
        onChange: @escaping () -> Void
    ) -> ServiceChecks {
        precondition((options.type == .off) == (roster.options.checks == nil))
        let checks = ServiceChecks(
            roster, options, tls, speaks, checker: self, liveAnswers: liveAnswers,
            onChange: onChange)
        checks.reconcile()
        return checks
    }

    /// Connects to `endpoint` once, for a service without checks, and calls `completion` on the
    /// loop's thread after `limit` at the latest. It counts as no check.
    package func tryConnecting(
        to endpoint: Endpoint, within limit: Duration,
        completion: @escaping (ProbeResult) -> Void
    ) {
        let key = CheckKey(target: endpoint, kind: .tcp, header: nil, timeout: limit)
        _ = TCPProbe(key, for: client, completion: completion)
    }

    // MARK: - For ServiceChecks

    /// Checks these backends of a service. Returns the checks in the same order.
    func add(_ wanted: [(backend: BackendID, key: CheckKey)], of service: ServiceChecks)
        -> [EndpointCheck]
    {
        let now = ContinuousClock.now
        let checks = wanted.map { backend, key in
            let check = check(for: key)
            check.add(backend, of: service)
            if check.probe != nil { service.began(backend, lateness: .zero, now: now) }
            return check
        }
        schedule.add(checks.map(\.id), service.timing, now: now, using: &generator)
        arm()
        return checks
    }

    private func check(for key: CheckKey) -> EndpointCheck {
        if let id = ids[key], let check = checks[id] { return check }
        let check = EndpointCheck(CheckID(rawValue: nextID), key)
        nextID += 1
        ids[key] = check.id
        checks[check.id] = check
        return check
    }

    /// Ends the check of a backend; a shared check goes on for its other watchers.
    func remove(_ backend: BackendID, from check: EndpointCheck) {
        check.remove(backend)
        guard check.watchers.isEmpty else { return }
        check.probe?.cancel()
        checks[check.id] = nil
        ids[check.key] = nil
        schedule.remove(check.id)
        // Another check may take its place. The timer starts it, since the caller is in the middle
        // of something.
        arm()
    }

    func checkSoon(_ check: EndpointCheck) {
        schedule.request(check.id, now: .now)
        arm()
    }

    // MARK: - The schedule

    private func startDue() {
        let now = ContinuousClock.now
        while let start = schedule.start(now: now) {
            guard let check = checks[start.id] else { continue }
            // A check is requested for something that traffic has not shown.
            let isCovered = check.isCoveredByTraffic() && !start.isRequested
            if isCovered, let (timing, pace) = check.mostUrgent {
                schedule.skip(check.id, timing, next: pace, now: now, using: &generator)
                totals.wasSkipped()
                for watcher in check.watchers { watcher.service.wasSkipped() }
            } else {
                begin(check, lateness: start.lateness, now: now)
            }
        }
        arm()
    }

    private func begin(
        _ check: EndpointCheck, lateness: Duration, now: ContinuousClock.Instant
    ) {
        totals.began(lateness: lateness)
        for watcher in check.watchers {
            watcher.service.began(watcher.backend, lateness: lateness, now: now)
        }
        check.probe = Probe.start(check.key, client: client, on: loop) { [weak self] result in
            self?.ended(check, result, startedAt: now)
        }
    }

    private func ended(
        _ check: EndpointCheck, _ result: ProbeResult, startedAt: ContinuousClock.Instant
    ) {
        check.probe = nil
        totals.ended(result)
        let now = ContinuousClock.now
        let took = startedAt.duration(to: now)
        let watchers = check.watchers
        for watcher in watchers {
            watcher.service.ended(watcher.backend, result, took: took, now: now)
        }
        if let (timing, pace) = check.mostUrgent {
            schedule.end(check.id, timing, next: pace, now: now, using: &generator)
        }
        arm()
        // At the very end, since it may call back: to stop one of the services, for example.
        for watcher in watchers { watcher.service.followUp(result, of: watcher.backend) }
    }

    private func arm() {
        if let next = schedule.nextStart() {
            // Not before the instant: a timer counts in microseconds, rounded down.
            timer?.schedule(after: ContinuousClock.now.duration(to: next) + .microseconds(1))
        } else {
            timer?.cancel()
        }
    }
}
