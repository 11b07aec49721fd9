// ControlPlane: the control thread. It owns the services, the workers' reports, the admin port, the
// signals and the log, and runs until the last worker has drained.

internal import AccessLog
internal import Admin
internal import Backends
package import Configuration
internal import Consul
internal import DNSClient
internal import DNSWire
internal import Documents
package import Endpoints
internal import Events
internal import Glibc
internal import HTTPClient
internal import HTTPServer
internal import Health
internal import InstanceSources
internal import Processes
internal import Proxy
internal import Stats
internal import WallClock
internal import Wording

/// The running program. Control thread only.
package final class ControlPlane {
    let log: CurrentLog
    let loop = EventLoop()
    let registry: StatsRegistry
    let journal = Journal()
    let factory: SourceFactory
    let checker: HealthChecker
    let services: ServiceSet
    let publisher: ListenerPublisher
    let running: RunningConfiguration
    private(set) var isDraining = false
    let startedAt = (wall: UTCTime.now.secondsSince1970, instant: ContinuousClock.now)

    /// Keeps the configuration up to date; nil for one that is not to change, as the demo's.
    private(set) var follower: ConfigurationFollower?
    /// This process as a service in Consul; nil when it is none.
    var registration: ConsulRegistration?

    private let reports: Mailbox<ProxyReport>
    let workers: ProxyWorkers
    let accessLog: AccessLog?
    private var reportReader: MailboxReader<ProxyReport>?
    /// Nil when there is none.
    private(set) var adminPort: AdminPort?
    var signals: [SignalWatch] = []
    private(set) var workersLeft: Int
    /// Sockets that the process was given open.
    private var inherited: InheritedSockets
    private var takeOver: TakeOver?
    private var upgrade: Upgrade?
    let supervision: Supervision
    /// What this machine is short of.
    var shortages = ShortageWatch()
    private let memory: MemoryRelease
    private var stopTimer: Timer?
    private var statsd: StatsDExporter?
    let traffic: TrafficReports
    private var trafficTimer: Timer?
    let journalLog: JournalLog
    /// What follows from changes of services, however many there are.
    private var pacer: Pacer?
    private static let pace = Duration.milliseconds(10)

    /// Opens the listeners and the admin port; nothing is accepted before `run()`.
    ///
    /// - Throws: `StartFailure`; the process is to end then.
    package init(_ configuration: Configuration, start: ProcessStart = ProcessStart()) throws {
        var start = start
        let log = CurrentLog(configuration.log)
        self.log = log
        registry = StatsRegistry(
            workers: configuration.workers, listeners: configuration.listeners.count,
            services: 0)
        workersLeft = configuration.workers
        factory = try SourceFactory(configuration, on: loop)
        checker = HealthChecker(
            on: loop, client: HTTPClient(on: loop), rate: configuration.checks.rate)
        do throws(Errno) {
            reports = try Mailbox()
        } catch {
            throw StartFailure(
                description: "no descriptor left: \(error); raise the limit (ulimit -n)")
        }
        accessLog = try AccessLog(configuration)
        let options = ProxyOptions(configuration)
        let workers: ProxyWorkers
        do throws(ListenFailure) {
            workers = try ProxyWorkers(
                options: options, registry: registry, reports: reports, accessLog: accessLog,
                inherited: { start.sockets.take($0) })
        } catch {
            throw StartFailure(listeningOn: error.endpoint, error.error)
        }
        self.workers = workers
        services = ServiceSet(
            on: loop, factory: factory, checker: checker, registry: registry, journal: journal,
            publish: { workers.publish($0) }, expel: { workers.expel($0) },
            endStreams: { workers.endStreams(to: [$0.backend], within: $0.within) })
        try services.addFirst(configuration.services)
        let publisher = ListenerPublisher(
            configuration, options.listeners, of: workers, services, registry, on: loop,
            log: log.current)
        self.publisher = publisher
        running = RunningConfiguration(configuration, log, services, workers, publisher, checker)
        traffic = TrafficReports(registry, services)
        supervision = Supervision(start.manager, on: loop)
        memory = MemoryRelease(on: loop)
        inherited = start.sockets
        journalLog = JournalLog(
            journal, of: services, on: loop, log: log.current,
            isNamed: { publisher.published.serviceIDs.contains($0) })
        takeOver = TakeOver(
            from: start.predecessor, services,
            namedServices: { publisher.published.serviceIDs }, on: loop, log: log.current,
            accept: { () throws(Errno) in try workers.start() },
            onServing: { [unowned self] in served() })
        upgrade = Upgrade(
            to: start.program, on: loop, log: log.current,
            sockets: { [unowned self] in
                workers.openDescriptors + (adminPort?.descriptors ?? [])
            },
            onTakenOver: { [unowned self] in yield() })
        journalLog.onEntries = { [unowned self] in adminPort?.journalChanged() }
        publisher.onPublished = { [unowned self] in
            for service in $0 { journalLog.noteWithoutBackends(service) }
            journalLog.write()
        }
        services.objections = { [unowned self] service in
            let own = ownAddresses.concerning(service)
            return { own.objection(to: $0, of: service) }
        }
        pacer = Pacer(on: loop) { [unowned self] in
            supervision.statusMayDiffer()
            journalLog.write()
            takeOver?.servicesChanged()
            running.servicesChanged()
        }
        services.onChange = { [unowned self] in pacer?.ask(every: Self.pace) }
        if let path = configuration.stateFile {
            services.stateFile = StateFile(path: path, on: loop) {
                log.current().write($0, path: path)
            }
        }
        adminPort = try AdminPort(
            configuration, adminControls, inherited: { inherited.take($0).first }, on: loop,
            log: log.current, onOpen: { [unowned self] in supervision.statusMayDiffer() })
    }

    /// Keeps the configuration up to date from `origin`, which it was made of: by `reload`, by its
    /// file if that is to be watched, and by Consul if it says so itself. `effective` says in full
    /// what runs. Before `start`.
    package func follow(_ origin: ConfigurationOrigin, effective: EffectiveConfiguration? = nil) {
        follower = ConfigurationFollower(
            origin, effective: effective, running, agents: factory.agents, supervision, on: loop,
            log: log.current, onReload: { [memory] in memory.releaseSoon() })
    }

    /// Where the listeners are, in the order of the configuration.
    package var listenerEndpoints: [Endpoint] { publisher.published.entries.map(\.endpoint) }

    /// Where this process listens, for what must not be a backend.
    private var ownAddresses: OwnAddresses {
        var own = OwnAddresses(admin: adminPort?.endpoint ?? running.current.admin.listen)
        own.listeners = publisher.published.entries.map {
            .init(
                name: $0.settings.name, endpoint: $0.endpoint,
                services: Set($0.settings.serviceNames))
        }
        return own
    }

    /// Where the admin port is; nil when it is off.
    package var adminEndpoint: Endpoint? { adminPort?.endpoint }

    // MARK: - Running

    /// Serves until a signal has stopped it and everything in flight has ended.
    ///
    /// - Throws: `StartFailure` when the system has no thread to give.
    package func run() throws {
        signals = [SIGTERM, SIGINT].map { number in
            SignalWatch(number, on: loop) { [unowned self] in stop(number) }
        }
        // Watched without an access log as well: by default the signal ends a process.
        signals.append(SignalWatch(SIGUSR1, on: loop) { [unowned self] in reopenAccessLog() })
        signals.append(
            SignalWatch(SIGHUP, on: loop) { [unowned self] in
                log.current().write(.info, "process.reloading", [:])
                follower?.reload()
            })
        signals.append(SignalWatch(SIGUSR2, on: loop) { [unowned self] in upgrade?.begin() })
        reapOrphans()
        log.current().write(
            .info, "process.started",
            [
                "version": fairleadVersion, "pid": "\(getpid())",
                "file": follower?.live.origin.path ?? "none",
                "listeners": "\(running.current.listeners.count)",
                "services": "\(running.current.services.count)",
                "workers": "\(running.current.workers)",
            ])
        try start()
        serve()
        journalLog.flush()
        log.current().write(.info, "process.stopped", [:])
        log.current().finish()
    }

    /// Starts services and workers; `serve` follows.
    ///
    /// - Throws: `StartFailure` when the system has no thread to give.
    func start() throws {
        for socket in inherited.remaining {
            log.current().write(
                .warning, "socket.unused",
                [
                    "listen": "\(socket.endpoint)",
                    "cause": "it was given open, and no listener has this address",
                ])
        }
        inherited.closeRemaining()
        do throws(Errno) {
            reportReader = try MailboxReader(reports, on: loop) { [unowned self] in hear($0) }
            factory.start(
                log: log.current, onChange: { [unowned self] in supervision.statusMayDiffer() })
            // First, so that what is known without asking is there before the first connection.
            for service in services.all where !service.isRunning { service.start() }
            try takeOver?.begin()
        } catch {
            throw StartFailure(description: "the system has no thread or descriptor left: \(error)")
        }
        warnOfDescriptors()
        publisher.logOpen()
        adminPort?.start()
        follower?.start()
        register()
        let (places, collector) = (factory.places, running.current.statsd.to)
        statsd = try StatsDExporter(
            running.current.statsd, at: { collector.flatMap { places.endpoints(of: $0).first } },
            on: loop
        ) { [unowned self] in
            snapshot(.figures)
        }
        weighTraffic()
        services.forgetAnswers()
    }

    /// What live requests came to is looked at every second.
    private func weighTraffic() {
        let timer = trafficTimer ?? Timer(on: loop) { [unowned self] in weighTraffic() }
        if trafficTimer != nil { for service in services.all { service.weighTraffic() } }
        if traffic.look(at: publisher.published.entries, isShown: adminPort != nil) {
            supervision.statusMayDiffer()
        }
        lookAtShortages()
        supervision.tellStatus(isAdminAwaited: adminPort?.isAwaited ?? false) {
            AdminVerdict(snapshot(.verdict))
        }
        trafficTimer = timer
        timer.schedule(after: .seconds(1))
    }

    /// Returns after `drain`, when everything in flight has ended.
    func serve() {
        loop.run()
        workers.join()
        journalLog.write()
        services.stateFile?.close()
        accessLog?.stop(within: Self.accessLogStopLimit)
    }

    private func hear(_ report: ProxyReport) {
        switch report {
        case .dialFailed(let service, let backend, let error):
            services[service]?.dialFailed(backend, error)
        case .liveFailed(let service, let backend, let failure):
            services[service]?.liveFailed(backend, failure)
        case .proven(let service, let backend):
            services[service]?.proven(backend)
        case .listenerClosed(let number):
            publisher.listenerClosed(number)
        case .alive(let worker):
            supervision.workerTurned(worker)
        case .finished:
            workersLeft -= 1
            if workersLeft == 0 { loop.stop() }
        }
    }

    private func stop(_ signal: Int32) {
        guard !isDraining else {
            // The second signal: whoever sends it has waited long enough.
            log.current().write(.warning, "process.killed", ["signal": "\(signal)"])
            exit(128 + signal)
        }
        log.current().write(
            .info, "process.draining",
            [
                "signal": "\(signal)", "delay": running.current.stopDelay.spoken,
                "limit": running.current.stopTimeout.spoken,
            ])
        supervision.stop()
        drain()
    }

    /// Is not ready any more, takes its registration back, then, after `stop-delay`, accepts no
    /// more; `run` returns when everything in flight has ended, or had its time.
    func drain() {
        takeUpNoMore()
        deregister { [unowned self] in
            stopTimer = Timer(on: loop) { [unowned self] in drainWorkers() }
            stopTimer?.schedule(after: running.current.stopDelay)
        }
    }

    /// Accepts no more, since another process does so on the same sockets; the registration is that
    /// one's from now on. `run` returns as after `drain`.
    func yield() {
        takeUpNoMore()
        // The other one writes it now, and knows more.
        services.stateFile = nil
        registration?.abandon()
        adminPort?.drain()
        drainWorkers()
    }

    /// Takes up no more changes, and is not ready any more.
    private func takeUpNoMore() {
        isDraining = true
        follower?.stop()
        adminPort?.stopWaiting()
        running.stop()
        upgrade?.stop()
    }

    private func drainWorkers() {
        // Workers that have not begun have nothing to finish, and would not say so.
        guard supervision.isServing else {
            loop.stop()
            return
        }
        workers.drain(limit: running.current.stopTimeout)
    }

    /// Connections are accepted from now on.
    func served() {
        memory.releaseSoon()
        supervision.serve(
            workersLeft: { [unowned self] in workersLeft },
            ping: { [unowned self] in workers.ping() })
    }

    /// Children that nobody waits for are left to the first process of a container, which is this
    /// one then: they are released.
    private func reapOrphans() {
        guard getpid() == 1 else { return }
        signals.append(
            SignalWatch(SIGCHLD, on: loop) {
                while waitpid(-1, nil, WNOHANG) > 0 {}
            })
    }

    // MARK: - Access log

    /// A pipe that nobody reads must not keep a process from ending.
    private static let accessLogStopLimit = Duration.seconds(5)

    private func reopenAccessLog() {
        guard let accessLog, case .file(let path) = running.current.accessLog.to else { return }
        do throws(Errno) {
            try accessLog.reopen()
            log.current().write(.info, "access_log.reopened", ["file": path])
        } catch {
            log.current().write(
                .warning, "access_log.not_reopened",
                ["file": path, "cause": "\(error)", "effect": "the old file stays in use"])
        }
    }
}
