// Reports: has the state of the process reported: to the log, to the service manager, to a StatsD
// collector. Most of it is looked at every second.

internal import Admin
internal import Events

/// Runs the reporters every second and after changes. Control thread only.
final class Reports {
    let journalLog: JournalLog
    let traffic: TrafficReports
    let shortages: ShortageReports
    let supervision: Supervision
    let readiness: ReadinessReports
    let snapshots: AdminSnapshots
    /// Nil when there is no collector.
    private let statsd: StatsDExporter?
    private let services: ServiceSet
    private let memory: MemoryRelease
    /// Whether the admin port waits for another process to leave it.
    private let isAdminAwaited: () -> Bool
    private var timer: Timer?

    /// Reports nothing yet.
    init(
        _ journalLog: JournalLog, _ traffic: TrafficReports, _ shortages: ShortageReports,
        _ supervision: Supervision, _ readiness: ReadinessReports, _ snapshots: AdminSnapshots,
        _ statsd: StatsDExporter?, _ services: ServiceSet, _ memory: MemoryRelease,
        on loop: EventLoop,
        isAdminAwaited: @escaping () -> Bool
    ) {
        self.journalLog = journalLog
        self.traffic = traffic
        self.shortages = shortages
        self.supervision = supervision
        self.readiness = readiness
        self.snapshots = snapshots
        self.statsd = statsd
        self.services = services
        self.memory = memory
        self.isAdminAwaited = isAdminAwaited
        timer = Timer(on: loop) { [unowned self] in
            for service in services.all { service.weighTraffic() }
            look()
        }
    }

    /// Reports every second from now on.
    ///
    /// - Throws: `StartFailure` when nothing can be sent to the collector.
    func start() throws {
        try statsd?.start()
        look()
    }

    /// Reports that services have changed.
    func servicesChanged() {
        supervision.statusMayDiffer()
        journalLog.write()
        readiness.look()
    }

    private func look() {
        if traffic.look() { supervision.statusMayDiffer() }
        memory.look(open: traffic.openConnections)
        if shortages.look() { journalLog.write() }
        readiness.look()
        supervision.reportStatus(isAdminAwaited: isAdminAwaited()) {
            AdminVerdict(snapshots.snapshot(.verdict))
        }
        timer?.schedule(after: .seconds(1))
    }
}
