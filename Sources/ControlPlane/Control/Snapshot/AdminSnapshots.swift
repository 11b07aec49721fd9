// AdminSnapshots: makes what the admin port shows: rosters, counters and journal at one moment, as
// one value.

internal import Admin
internal import Backends
internal import Configuration
internal import Consul
internal import Containers
internal import DNSClient
internal import Docker
internal import DockerAPI
internal import Health
internal import WallClock

/// Makes snapshots of the process. Control thread only.
final class AdminSnapshots {
    /// Listeners, services and backends.
    let traffic: TrafficSnapshots
    private let services: ServiceSet
    private let journal: Journal
    private let running: RunningConfiguration
    private let follower: ConfigurationFollower?
    private let factory: SourceFactory
    private let checker: HealthChecker
    private let orders: CertificateOrders
    private let shortages: ShortageReports
    private let accessLog: AccessLogControl?
    private let traces: TraceExporter
    private let registration: Registration
    private let start: ProcessTime
    private let isSuccessor: Bool
    /// Whether the process stops, and no other one serves in its place.
    var isStopping = false

    /// Shows these owners' state at each call.
    ///
    /// - Parameters:
    ///   - follower: reads the configuration again; nil when it is built in.
    ///   - accessLog: nil when there is none.
    ///   - start: when the process began.
    ///   - isSuccessor: whether it takes over from another process.
    init(
        _ traffic: TrafficSnapshots, _ services: ServiceSet, _ journal: Journal,
        _ running: RunningConfiguration, _ follower: ConfigurationFollower?,
        _ factory: SourceFactory, _ checker: HealthChecker, _ orders: CertificateOrders,
        _ shortages: ShortageReports,
        _ accessLog: AccessLogControl?, _ traces: TraceExporter,
        _ registration: Registration, start: ProcessTime, isSuccessor: Bool
    ) {
        self.traffic = traffic
        self.services = services
        self.journal = journal
        self.running = running
        self.follower = follower
        self.factory = factory
        self.checker = checker
        self.orders = orders
        self.shortages = shortages
        self.accessLog = accessLog
        self.traces = traces
        self.registration = registration
        self.start = start
        self.isSuccessor = isSuccessor
    }

    /// The state of the process now.
    func snapshot(_ detail: SnapshotDetail = .everything) -> AdminSnapshot {
        let clock = DisplayClock()
        var snapshot = AdminSnapshot(
            takenAt: clock.wallNow, version: fairleadVersion, startedAt: start.wall,
            workers: running.current.workers)
        snapshot.uptimeSeconds = (ContinuousClock.now - start.instant) / .seconds(1)
        snapshot.isSuccessor = isSuccessor
        snapshot.isDraining = isStopping
        snapshot.services = traffic.services(clock, detail)
        snapshot.listeners = traffic.listeners(clock)
        snapshot.certificates = running.certificates.shown(for: running.current.listeners)
        snapshot.ticketKeys = running.ticketKeys.shown
        snapshot.rateShares = registration.sharing?.shown
        if detail.hasJournal {
            snapshot.journal = journal.entries.reversed().map { show($0, clock) }
        }
        snapshot.dnsMessages = factory.resolver.counters.messages
        if let follower {
            let live = follower.live
            let feeds = follower.allFeeds
            if !feeds.isEmpty {
                snapshot.following = .init(following: feeds, live.outcome, clock)
            }
            snapshot.reloads = .init(live.reloads, clock)
        }
        snapshot.registries = registries(clock)
        if factory.docker.isUsed {
            for container in factory.docker.inventory.containers.values {
                snapshot.containers[container.summary.state.rawValue, default: 0] += 1
            }
            if detail != .verdict { show(unserved, in: &snapshot) }
        }
        snapshot.certificateOrders = orders.outcomes
        let checks = checker.counters
        snapshot.checks = [
            "passed": Int(checks.passed), "failed": Int(checks.failed),
            "inconclusive": Int(checks.inconclusive), "skipped": Int(checks.skipped),
        ]
        snapshot.lateChecks = Int(checks.late)
        snapshot.checkLatenessSeconds = checks.lateness / .seconds(1)
        if let accessLog { snapshot.accessLogLines = accessLog.lines }
        snapshot.traceSpans = traces.spans
        snapshot.process = ProcessFigures.read()
        snapshot.shortages = shortages.shown(clock)
        return snapshot
    }

    /// The engine's containers that no service of the running configuration wants.
    private var unserved: UnservedContainers {
        let queries = running.current.services.flatMap(\.sources).compactMap { source in
            if case .docker(let query) = source { query } else { nil }
        }
        return UnservedContainers(
            factory.docker, besides: queries, byLabels: running.current.docker.routes)
    }

    private func show(_ unserved: UnservedContainers, in snapshot: inout AdminSnapshot) {
        snapshot.unservedCount = unserved.count
        snapshot.unserved = unserved.shown.map(AdminSnapshot.Idle.init)
    }

    // MARK: - Journal

    /// Entries of the journal from this number on, the oldest first.
    func journalEntries(from first: UInt64) -> [AdminSnapshot.JournalEntry] {
        let clock = DisplayClock()
        return journal.entries(from: first).map { show($0, clock) }
    }

    /// The number that the journal's next entry will have.
    var journalEnd: UInt64 { journal.nextNumber }

    private func show(_ entry: JournalEntry, _ clock: DisplayClock) -> AdminSnapshot.JournalEntry {
        AdminSnapshot.JournalEntry(
            number: entry.number, at: clock.wall(entry.at),
            service: services.name(of: entry.service),
            backend: entry.endpoint.map { "\($0)" } ?? "", text: "\(entry.event)",
            to: entry.event.newPhase)
    }

    // MARK: - Configuration

    /// The configuration that is in force, as YAML, with secrets masked.
    var configurationText: String { follower?.text ?? "# built in\n" }

    /// Whether metrics have histograms of each backend.
    var hasBackendHistograms: Bool { running.current.admin.backendHistograms }

    // MARK: - Discovery

    /// The servers that are asked for instances: nameservers, then the agents that are in use, then
    /// the engine that is followed.
    private func registries(_ clock: DisplayClock) -> [AdminSnapshot.Registry] {
        factory.resolver.servers.map { AdminSnapshot.Registry($0, clock) }
            + factory.agents.statuses.filter { $0.requests > 0 }
            .map { AdminSnapshot.Registry($0, clock) }
            + (factory.docker.isUsed ? [AdminSnapshot.Registry(factory.docker)] : [])
    }
}
