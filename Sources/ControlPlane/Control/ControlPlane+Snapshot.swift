// What the admin port shows: the rosters, the counters and the journal as one value of one moment.

internal import AccessLog
internal import Admin
internal import Backends
internal import Configuration
internal import Consul
internal import DNSClient
internal import Endpoints
internal import Glibc
internal import HTTPServer
internal import Health
internal import InstanceSources
internal import Proxy
internal import Stats
internal import Traffic
internal import WallClock
internal import Wording

extension ControlPlane {
    /// How much of it is wanted.
    enum SnapshotDetail {
        /// All of it.
        case everything
        /// No journal, and no phrases of backends: with thousands of them those take most of the
        /// time.
        case figures
        /// What a verdict is made of: no journal, and of the backends only counts and those few
        /// that it names.
        case verdict
        /// Everything but the backends; of these what a verdict is made of.
        case outline

        /// Whether all backends are wanted.
        fileprivate var hasBackends: Bool { self == .everything || self == .figures }
    }

    /// The state of the process now.
    func snapshot(_ detail: SnapshotDetail = .everything) -> AdminSnapshot {
        for service in services.all { service.publishNow() }
        let clock = DisplayClock()
        var snapshot = AdminSnapshot(
            takenAt: clock.wallNow, version: fairleadVersion, startedAt: startedAt.wall,
            workers: running.current.workers)
        snapshot.uptimeSeconds = (ContinuousClock.now - startedAt.instant) / .seconds(1)
        snapshot.isDraining = isDraining
        snapshot.listeners = publisher.published.entries.map { entry in
            var shown = AdminSnapshot.Listener(
                name: entry.settings.name, endpoint: entry.endpoint,
                mode: entry.settings.mode,
                services: entry.settings.serviceNames)
            shown.totals = registry.listenerTotals(entry.options.index)
            let number = entry.options.index
            shown.refusals = traffic.troubles.refusals(ofListener: number).map { show($0, clock) }
            shown.unrouted = traffic.troubles.unrouted(ofListener: number).map { show($0, clock) }
            return shown
        }
        let modes = modesOfServices
        snapshot.services = services.all.map { service in
            // A service that no listener names has no mode of its own; HTTP is the usual one.
            show(service, modes[service.name] ?? .http, clock, detail)
        }
        if detail == .everything || detail == .outline {
            snapshot.journal = journal.entries.reversed().map { show($0, clock) }
        }
        snapshot.dnsMessages = [
            "sent_udp": factory.resolver.counters.sentUDP,
            "sent_tcp": factory.resolver.counters.sentTCP,
            "received": factory.resolver.counters.received,
            "truncated": factory.resolver.counters.truncated,
            "malformed": factory.resolver.counters.malformed,
            "mismatched": factory.resolver.counters.mismatched,
            "timed_out": factory.resolver.counters.timeouts,
            "unreachable": factory.resolver.counters.unreachable,
        ]
        snapshot.following = follower?.feeds.map { following($0, clock) }
        snapshot.reloads = (follower?.live).map { live in
            var reloads = AdminSnapshot.Reloads()
            reloads.applied = live.reloads.applied
            reloads.unchanged = live.reloads.unchanged
            reloads.refused = live.reloads.refused
            reloads.refusal = live.reloadRefusal.map { (clock.wall($0.at), $0.reasons) }
            return reloads
        }
        snapshot.registries = registries(clock)
        snapshot.checks = [
            "passed": Int(checker.counters.passed), "failed": Int(checker.counters.failed),
            "inconclusive": Int(checker.counters.inconclusive),
            "skipped": Int(checker.counters.skipped),
        ]
        snapshot.lateChecks = Int(checker.counters.late)
        snapshot.checkLatenessSeconds = checker.counters.lateness / .seconds(1)
        if let accessLog {
            let totals = registry.accessLogTotals
            let lost = accessLog.lostLines
            snapshot.accessLogLines = [
                "written": max(0, totals.lines - lost), "dropped": totals.dropped, "lost": lost,
            ]
        }
        snapshot.process = ProcessFigures.read()
        snapshot.shortages = shownShortages(clock)
        return snapshot
    }

    /// An entry of the journal.
    func show(_ entry: JournalEntry, _ clock: DisplayClock) -> AdminSnapshot.JournalEntry {
        AdminSnapshot.JournalEntry(
            number: entry.number, at: clock.wall(entry.at),
            service: services.name(of: entry.service),
            backend: entry.endpoint.map { "\($0)" } ?? "", text: "\(entry.event)",
            to: entry.event.newPhase)
    }

    private func following(
        _ feeds: ConsulFeeds, _ clock: DisplayClock
    ) -> AdminSnapshot.Following {
        var following = AdminSnapshot.Following(
            feeds.feeds.sorted { $0.key < $1.key }.map { _, feed in
                .init(
                    summary: feed.summary, lastGoodAt: feed.lastGoodAt.map(clock.wall),
                    failure: feed.failure, problems: feed.problems)
            })
        if feeds.outcome.isRefusing, let refusal = feeds.outcome.lastRefusal {
            following.refusal = (clock.wall(refusal.at), refusal.reasons)
        }
        following.applied = feeds.outcome.applied
        following.refused = feeds.outcome.refused
        return following
    }

    /// The servers that are asked for instances: nameservers, then agents that something is asked
    /// of.
    private func registries(_ clock: DisplayClock) -> [AdminSnapshot.Registry] {
        factory.resolver.servers.map { AdminSnapshot.Registry($0, clock) }
            + factory.agents.statuses.filter { $0.requests > 0 }
            .map { AdminSnapshot.Registry($0, clock) }
    }

    /// By name, what the first listener that names a service speaks.
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
        var shown = AdminSnapshot.Service(
            name: service.name, mode: mode,
            sources: zip(service.sources, service.roster.sources).map { show($0, $1, clock) })
        let roster = service.roster
        shown.isChecked = roster.options.checks != nil
        shown.totals = registry.serviceTotals(service.id.index)
        shown.recent = traffic.history.recent(service.id.index)
        if let (trouble, cause) = traffic.troubles.failures(ofService: service.id.index) {
            shown.failures = show(trouble, clock)
            shown.failureCause = cause
        }
        shown.abandonments = traffic.troubles.abandonments(ofService: service.id.index)
            .map { show($0, clock) }
        shown.denials = traffic.troubles.denials(ofService: service.id.index).map {
            show($0, clock)
        }
        let holds = roster.holds
        shown.hold = hold(holds, roster.losses, clock)
        shown.holds = holds.map {
            .init(kind: $0.kind.rawValue, backends: $0.backends, until: clock.wall($0.until))
        }
        shown.emergency = roster.emergency.map {
            AdminSnapshot.Emergency(
                since: clock.wall($0.since), isRefusing: $0.conduct == .refusing)
        }
        shown.leftOut = service.leftOut.map(\.description)
        shown.emergencies = Int(roster.emergencies)
        shown.ejectionsRefused = Int(roster.ejectionsRefused)
        guard detail.hasBackends else {
            shown.outlineCounts = BackendCounts(roster)
            shown.backends = namedByVerdict(roster).map { show($0, isInRotation: false, clock) }
            return shown
        }
        let rotating = Set(roster.rotation.members.map(\.id))
        let active = Set(roster.rotation.tiers.first?.map(\.id) ?? [])
        let turns =
            detail == .everything ? ServiceTurns(service, workers: running.current.workers) : nil
        shown.backends = roster.backends.map {
            let isRotating = rotating.contains($0.id)
            var backend =
                detail == .everything
                ? show($0, isInRotation: isRotating, clock)
                : figures($0, isInRotation: isRotating)
            backend.isActive = active.contains($0.id)
            if let turns {
                backend.withoutTurn = WithoutTurn(
                    backend, turns.facts(of: $0, traffic.turns, clock), at: clock.wallNow)
            }
            return backend
        }
        return shown
    }

    /// The backends that a verdict names one by one: those that are out while they are few, and the
    /// only one of a service.
    private func namedByVerdict(_ roster: Roster) -> [Backend] {
        if roster.count == 1 { return roster.backends }
        guard (1...AdminVerdict.backendsNamedMax).contains(roster.outCount) else { return [] }
        return roster.backends { $0.state.phase == .down || $0.state.phase == .ejected }
    }

    /// Backends that are shown in one go: a few milliseconds' work.
    private static let sliceCount = 100

    /// The backends of a service, some at a time; nil after the last.
    func backendSlices(of name: String) -> () -> [AdminSnapshot.Backend]? {
        guard let service = services[name] else { return { nil } }
        let roster = service.roster
        var rest = roster.ids.sorted()[...]
        let rotating = Set(roster.rotation.members.map(\.id))
        let active = Set(roster.rotation.tiers.first?.map(\.id) ?? [])
        return { [unowned self] in
            guard !rest.isEmpty else { return nil }
            let some = rest.prefix(Self.sliceCount)
            rest = rest.dropFirst(Self.sliceCount)
            let clock = DisplayClock()
            return some.compactMap { id in
                guard let backend = roster.backend(id) else { return nil }
                var shown = show(backend, isInRotation: rotating.contains(id), clock)
                shown.isActive = active.contains(id)
                return shown
            }
        }
    }

    private func show(
        _ asked: any Source, _ source: SourceStatus, _ clock: DisplayClock
    ) -> AdminSnapshot.Source {
        var shown = AdminSnapshot.Source(asked.summary)
        shown.lastGoodAt = source.lastGoodAnswer.map { clock.wall($0.at) }
        shown.lastGoodCount = source.lastGoodAnswer?.instances ?? 0
        shown.lastFailureAt = source.lastFailure.map { clock.wall($0.at) }
        shown.lastFailure = source.lastFailure.map { "\($0.failure)" } ?? ""
        shown.nextAskAt = asked.nextAsk.map(clock.wall)
        let findings = asked.findings
        shown.findings = findings.sentences
        shown.leftOutCount = findings.omissions.count
        shown.answers = ["good": Int(source.goodAnswers)]
        for (kind, count) in source.failures { shown.answers[kind.rawValue] = Int(count) }
        return shown
    }

    private func show(
        _ trouble: TrafficWatch.Trouble, _ clock: DisplayClock
    ) -> AdminSnapshot.Trouble {
        .init(reading: trouble.reading, since: clock.wall(trouble.since))
    }

    /// Which sets serve and why, where that is not simply what discovery names.
    private func hold(
        _ holds: [SourceStatus.Hold], _ losses: [LossStatus], _ clock: DisplayClock
    ) -> String? {
        var clauses = holds.filter { $0.kind != .massLoss || losses.isEmpty }.map { hold in
            let left = (hold.until - .now).spoken
            return
                "\(counted(hold.backends, "backend")) held (\(hold.kind.rawValue)) for \(left) more"
        }
        for loss in losses {
            if loss.held > 0, let until = loss.until {
                let (lost, end) = (clock.time(loss.at), clock.time(until))
                clauses.append(
                    loss.hasJoined
                        ? "\(loss.held) lost at \(lost) serve beside the \(loss.named) named by the"
                            + " answer until \(end), since these can't carry the load"
                        : "\(loss.named) named by the answer serve; \(loss.held) lost at \(lost) "
                            + "wait"
                            + " behind them until \(end), for when these can't carry the load")
            }
            if loss.replaced > 0 {
                clauses.append(
                    "\(loss.replaced) replaced at \(clock.time(loss.at)) serve until as many of the"
                        + " \(loss.arrivals) new ones are up (\(loss.arrivalsUp) by now)")
            }
        }
        return clauses.isEmpty ? nil : clauses.joined(separator: "; ")
    }

    /// A backend for metrics.
    private func figures(_ backend: Backend, isInRotation: Bool) -> AdminSnapshot.Backend {
        var shown = AdminSnapshot.Backend(
            id: backend.id.rawValue, endpoint: backend.endpoint, state: backend.state.phase,
            since: 0, cause: "", tier: backend.tier, weight: backend.weight,
            isInRotation: isInRotation)
        shown.isOnProbation = backend.state.isOnProbation
        shown.check = backend.lastCheck.map {
            AdminSnapshot.Check(passed: $0.failure == nil, at: 0, result: "")
        }
        shown.totals = registry.backendTotals(
            backend.id.rawValue, hasTimes: running.current.admin.backendHistograms)
        return shown
    }

    private func show(
        _ backend: Backend, isInRotation: Bool, _ clock: DisplayClock
    ) -> AdminSnapshot.Backend {
        var shown = AdminSnapshot.Backend(
            id: backend.id.rawValue, endpoint: backend.endpoint, state: backend.state.phase,
            since: clock.wall(backend.state.since), cause: "\(backend.state.cause)",
            tier: backend.tier, weight: backend.weight,
            isInRotation: isInRotation)
        shown.hostName = backend.instance.hostName
        shown.isNamed = backend.naming == .named
        shown.namedWeight = backend.instance.weight
        shown.override = backend.override.map { "\($0)" } ?? ""
        shown.isDrained = backend.override?.isDrained == true
        shown.recentChecks = backend.recentChecks
        shown.totals = registry.backendTotals(backend.id.rawValue)
        shown.ejectedUntil = backend.state.ejectionEnd.map(clock.wall)
        shown.ejections = backend.state.ejections
        shown.isOnProbation = backend.state.isOnProbation
        shown.sharePercent = backend.rampShare * 100 / 16
        shown.lastLiveFailure = backend.lastLiveFailure.map {
            (clock.wall($0.at), "\($0.failure)")
        }
        shown.check = backend.lastCheck.map { check in
            AdminSnapshot.Check(
                passed: check.failure == nil, at: clock.wall(check.at),
                result: check.failure.map { "\($0)" } ?? "passed in \(check.took.milliseconds) ms")
        }
        return shown
    }
}

extension BackendCounts {
    /// From what the roster counts all the time.
    fileprivate init(_ roster: Roster) {
        // Each backend that is up is in the rotation, whatever its tier.
        self.init(
            all: roster.count, inRotation: roster.rotation.members.count, proven: roster.upCount,
            out: roster.outCount, pending: roster.pendingCount,
            places: Set(roster.sources.indices.filter(roster.hasBackends(from:))))
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}

/// Turns instants of the monotonic clock into wall-clock time for display, in seconds since 1970:
/// right at the moment of display, whatever was done to the wall clock since.
struct DisplayClock {
    let wallNow = UTCTime.now.secondsSince1970
    private let now = ContinuousClock.now

    /// The time of day, in UTC: `12:03:04`.
    func time(_ instant: ContinuousClock.Instant) -> String {
        String(UTCTime(secondsSince1970: wall(instant)).iso8601.dropFirst(11).prefix(8))
    }

    func wall(_ instant: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = (now - instant).components
        return wallNow - Double(seconds) - Double(attoseconds) / 1e18
    }
}
