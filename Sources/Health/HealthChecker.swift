// HealthChecker: the checks of all services on one loop. It has the one schedule, so that the bound
// on checks under way holds for the process, and the one timer behind it.

package import Backends
package import Events
package import HTTPClient

/// Checks backends, and tells their rosters. Control thread only.
package final class HealthChecker {
    let loop: EventLoop
    let client: HTTPClient
    /// What all services' checks came to, those of stopped ones included.
    package var counters: HealthCounters {
        var counters = totals
        counters.underWay = schedule.underWayCount
        return counters
    }

    var totals = HealthCounters()
    private var schedule: CheckSchedule
    private var generator = SystemRandomNumberGenerator()
    /// Who checks a backend. Numbers are unique in the process.
    private var services: [BackendID: ServiceChecks] = [:]
    private var timer: Timer?

    /// A checker without services on `loop`, where `client` is too; at most `underWayMax` (1 or
    /// more) checks run at a time.
    package init(on loop: EventLoop, client: HTTPClient, underWayMax: Int = 256) {
        self.loop = loop
        self.client = client
        schedule = CheckSchedule(underWayMax: underWayMax)
        timer = Timer(on: loop) { [weak self] in self?.startDue() }
    }

    /// Checks the backends of `roster` from now on, until `stop()` is called on what this returns.
    /// After each result that the roster was told, and never while this runs, `onChange` is called:
    /// the time to publish the rotation anew.
    ///
    /// - Precondition: All rosters of a checker share one `BackendIDs`; `options` are `off` exactly
    ///   if the roster expects no checks.
    package func watch(
        _ roster: Roster, options: HealthOptions, onChange: @escaping () -> Void
    ) -> ServiceChecks {
        precondition((options.kind == .off) == (roster.options.checks == nil))
        let checks = ServiceChecks(roster, options, checker: self, onChange: onChange)
        checks.reconcile()
        return checks
    }

    // MARK: - For ServiceChecks

    func add(_ ids: [BackendID], _ timing: CheckSchedule.Timing, for service: ServiceChecks) {
        for id in ids { services[id] = service }
        schedule.add(ids, timing, now: .now, using: &generator)
        arm()
    }

    func remove(_ id: BackendID) {
        services[id] = nil
        schedule.remove(id)
        // The place may be wanted by another; armed here and not started, since the caller is in
        // the middle of something.
        arm()
    }

    func checkSoon(_ id: BackendID) {
        schedule.ask(for: id, now: .now)
        arm()
    }

    func ended(_ id: BackendID, next pace: CheckSchedule.Pace) {
        schedule.end(id, next: pace, now: .now, using: &generator)
        arm()
    }

    // MARK: - The schedule

    private func startDue() {
        let now = ContinuousClock.now
        while let id = schedule.start(now: now) { services[id]?.start(id, now: now) }
        arm()
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

/// What checks came to. A copy is a snapshot. Value type, any thread.
package struct HealthCounters: Sendable, Equatable {
    /// Begun; those that have not ended in another way below were stopped, or are under way.
    package internal(set) var started: UInt64 = 0
    /// The backend is as it should be.
    package internal(set) var passed: UInt64 = 0
    /// It is not.
    package internal(set) var failed: UInt64 = 0
    /// Could not be tried for want of descriptors or memory; the roster is not told of these.
    package internal(set) var inconclusive: UInt64 = 0
    /// Under way now.
    package internal(set) var underWay = 0

    /// Nothing yet.
    package init() {}
}
