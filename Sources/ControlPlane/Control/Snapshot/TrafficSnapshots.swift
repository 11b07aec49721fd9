// TrafficSnapshots: what the admin port shows of listeners, services and backends.

internal import Admin
internal import Backends
internal import Configuration
internal import Proxy
internal import Stats
internal import Traffic
internal import Wording

/// Shows listeners, services and backends with their counters. Control thread only.
final class TrafficSnapshots {
    private let services: ServiceSet
    private let deploys: Deploys
    private let publisher: ListenerPublisher
    private let running: RunningConfiguration
    private let registry: StatsRegistry
    private let traffic: TrafficReports

    /// Backends that are shown in one slice: a few milliseconds' work.
    private static let sliceCount = 100

    /// Shows these owners' state at each call.
    init(
        _ services: ServiceSet, _ deploys: Deploys, _ publisher: ListenerPublisher,
        _ running: RunningConfiguration,
        _ registry: StatsRegistry, _ traffic: TrafficReports
    ) {
        self.services = services
        self.deploys = deploys
        self.publisher = publisher
        self.running = running
        self.registry = registry
        self.traffic = traffic
    }

    /// How many backends there are, of all services.
    var backendCount: Int { services.all.reduce(0) { $0 + $1.roster.count } }

    // MARK: - Listeners

    /// The listeners, in the order of the configuration.
    func listeners(_ clock: DisplayClock) -> [AdminSnapshot.Listener] {
        publisher.published.entries.map { entry in
            let number = entry.options.index
            var shown = AdminSnapshot.Listener(
                name: entry.settings.name, endpoint: entry.endpoint, mode: entry.settings.mode,
                services: entry.settings.neededServiceNames)
            shown.mirrors = entry.settings.mirrorServiceNames
            shown.totals = registry.listenerTotals(number)
            shown.refusals = traffic.troubles.refusals(ofListener: number).map { show($0, clock) }
            shown.unrouted = traffic.troubles.unrouted(ofListener: number).map { show($0, clock) }
            return shown
        }
    }

    // MARK: - Services

    /// The services, in the order of the configuration. Publishes first what waits to be published.
    func services(_ clock: DisplayClock, _ detail: SnapshotDetail) -> [AdminSnapshot.Service] {
        for service in services.all { service.publishNow() }
        let modes = modesOfServices
        return services.all.map { service in
            // A service that no listener names has no mode of its own; HTTP is the usual one.
            show(service, modes[service.name] ?? .http, clock, detail)
        }
    }

    /// The mode of the first listener that names a service, by the service's name.
    private var modesOfServices: [String: ListenerMode] {
        var modes: [String: ListenerMode] = [:]
        for listener in running.current.listeners {
            for name in listener.serviceNames where modes[name] == nil {
                modes[name] = listener.mode
            }
        }
        return modes
    }

    private func show(
        _ service: ServiceControl, _ mode: ListenerMode, _ clock: DisplayClock,
        _ detail: SnapshotDetail
    ) -> AdminSnapshot.Service {
        let (roster, number) = (service.roster, service.id.index)
        var shown = AdminSnapshot.Service(
            name: service.name, mode: mode,
            sources: zip(service.sources.all, roster.sources).map { .init($0, $1, clock) })
        shown.isChecked = roster.options.checks != nil
        let tls = service.settings.tls
        shown.verifiesBackends = tls.isOn ? tls.verifies : nil
        shown.emptyWait = service.settings.policy.limits.emptyWait.map { Units.write($0) }
        shown.totals = registry.serviceTotals(number)
        shown.recent = traffic.history.recent(number)
        if let (trouble, cause) = traffic.troubles.failures(ofService: number) {
            shown.failures = show(trouble, clock)
            shown.failureCause = cause
        }
        shown.abandonments = traffic.troubles.abandonments(ofService: number).map {
            show($0, clock)
        }
        shown.lateCalls = traffic.troubles.lateCalls(ofService: number).map { show($0, clock) }
        shown.denials = traffic.troubles.denials(ofService: number).map { show($0, clock) }
        let holds = roster.holds
        shown.hold = AdminSnapshot.Service.hold(holds, roster.losses, clock)
        if detail != .figures { shown.deploy = deploys.sentence(about: service) }
        shown.deploys = deploys.tally(of: service)
        shown.holds = holds.map {
            .init(kind: $0.kind.rawValue, backends: $0.backends, until: clock.wall($0.until))
        }
        shown.emergency = roster.emergency.map {
            AdminSnapshot.Emergency(
                since: clock.wall($0.since), isRefusing: $0.mode == .failingFast,
                isServed: roster.isServed(now: clock.now))
        }
        shown.leftOut = service.sources.leftOut.map(\.description)
        shown.emergencies = Int(roster.emergencies)
        shown.ejectionsRefused = Int(roster.ejectionsRefused)
        if detail.hasBackends {
            shown.backends = backends(of: service, clock, detail)
        } else {
            shown.outlineCounts = counts(of: roster)
            shown.backends = namedByVerdict(roster).map { show($0, isInRotation: false, clock) }
        }
        return shown
    }

    private func show(
        _ trouble: TrafficWatch.Trouble, _ clock: DisplayClock
    ) -> AdminSnapshot.Trouble {
        .init(reading: trouble.reading, since: clock.wall(trouble.since))
    }

    /// Counts of the backends, which the roster keeps up to date.
    private func counts(of roster: Roster) -> BackendCounts {
        // Each backend that is up is in the rotation, whatever its tier.
        BackendCounts(
            all: roster.count, inRotation: roster.rotation.members.count, proven: roster.upCount,
            out: roster.outCount, pending: roster.pendingCount,
            places: Set(roster.sources.indices.filter(roster.hasBackends(from:))))
    }

    // MARK: - Backends

    private func backends(
        of service: ServiceControl, _ clock: DisplayClock, _ detail: SnapshotDetail
    ) -> [AdminSnapshot.Backend] {
        let roster = service.roster
        let places = Places(of: roster)
        let turns =
            detail == .everything
            ? ServiceTurns(service, workers: running.current.workers) : nil
        return roster.backends.map {
            let isRotating = places.rotating.contains($0.id)
            var backend =
                detail == .everything
                ? show($0, isInRotation: isRotating, clock)
                : figures($0, isInRotation: isRotating)
            backend.isActive = places.active.contains($0.id)
            if let turns {
                backend.withoutTurn = WithoutTurn(
                    backend, turns.facts(of: $0, traffic.turns, clock), at: clock.wallNow)
            }
            return backend
        }
    }

    /// The backends that a verdict names: those that are out, while they are few, and a service's
    /// only one.
    private func namedByVerdict(_ roster: Roster) -> [Backend] {
        if roster.count == 1 { return roster.backends }
        guard (1...AdminVerdict.backendsNamedMax).contains(roster.outCount) else { return [] }
        return roster.backends { $0.state.phase == .down || $0.state.phase == .ejected }
    }

    /// The backends of a service, some at a time; nil after the last.
    func backendSlices(of name: String) -> () -> [AdminSnapshot.Backend]? {
        guard let service = services[name] else { return { nil } }
        let roster = service.roster
        var rest = roster.ids.sorted()[...]
        let places = Places(of: roster)
        return { [unowned self] in
            guard !rest.isEmpty else { return nil }
            let some = rest.prefix(Self.sliceCount)
            rest = rest.dropFirst(Self.sliceCount)
            let clock = DisplayClock()
            return some.compactMap { id in
                guard let backend = roster.backend(id) else { return nil }
                var shown = show(backend, isInRotation: places.rotating.contains(id), clock)
                shown.isActive = places.active.contains(id)
                return shown
            }
        }
    }

    /// Which backends of a service may get requests.
    private struct Places {
        let rotating: Set<BackendID>
        /// The backends of the first tier.
        let active: Set<BackendID>

        init(of roster: Roster) {
            rotating = Set(roster.rotation.members.map(\.id))
            active = Set(roster.rotation.tiers.first?.map(\.id) ?? [])
        }
    }

    private func show(
        _ backend: Backend, isInRotation: Bool, _ clock: DisplayClock
    ) -> AdminSnapshot.Backend {
        .init(
            backend, registry.backendTotals(backend.id.rawValue), isInRotation: isInRotation,
            clock)
    }

    /// What metrics show of a backend.
    private func figures(_ backend: Backend, isInRotation: Bool) -> AdminSnapshot.Backend {
        let hasTimes = running.current.admin.backendHistograms
        return .init(
            figuresOf: backend,
            registry.backendTotals(backend.id.rawValue, hasTimes: hasTimes),
            isInRotation: isInRotation)
    }
}
