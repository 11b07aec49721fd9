// ControlPlane: the control thread. It makes its owners, connects them, starts them, and stops them
// in order. Each owner has one subject and keeps its state to itself:
//
// | owner                 | subject                                                             |
// |-----------------------|---------------------------------------------------------------------|
// | ServiceSet            | services: sources, rosters, checks                                  |
// | CertificateStore      | the certificates of listeners, whatever their source; and            |
// |                       | CertificateWatch: those in files, while these change                |
// | CertificateOrders     | certificates that this process gets from an authority by itself      |
// | RunningConfiguration  | what runs; with ListenerPublisher, the change to another one        |
// | ConfigurationFollower | reloads, the watched file, the feeds of Consul and Docker            |
// | WorkerControl         | the workers' threads, their reports, the access log                 |
// | TakeOver, Upgrade     | the process before this one, and the one after it                   |
// | Registration          | this process as a service in Consul; and RateSharing: how many      |
// |                       | others have its limits                                               |
// | ControlPorts          | the admin port: AdminSnapshots shows, AdminCommands changes; and    |
// |                       | the address for health and metrics alone                            |
// | TraceExporter         | spans of requests, on their way to a collector                       |
// | Reports               | what is told every second: troubles, shortages, status, StatsD      |

internal import Admin
internal import Backends
package import Configuration
package import Endpoints
internal import Events
internal import Glibc
internal import HTTPClient
internal import Health
internal import InstanceSources
internal import Processes
internal import Proxy
internal import Stats
internal import TLS
internal import Wording

/// The running program. Control thread only.
package final class ControlPlane {
    let loop = EventLoop()
    let log: CurrentLog
    let services: ServiceSet
    let running: RunningConfiguration
    /// Reloads the configuration; nil for one that never changes, as the demo's.
    let follower: ConfigurationFollower?
    let reports: Reports
    private let workers: WorkerControl
    private let takeOver: TakeOver
    private let upgrade: Upgrade
    private let registration: Registration
    private lazy var certificateWatch = CertificateWatch(
        running.certificates, on: loop, log: log.current)
    private lazy var certificateReminders = CertificateReminders(
        on: loop,
        { [running] in running.certificates.shown(for: running.current.listeners) },
        log: log.current)
    private let orders: CertificateOrders
    private let traces: TraceExporter
    let deploys: Deploys
    private let ports: ControlPorts

    /// Changes of services may come by the thousand; what follows from them is done this often at
    /// most.
    private static let pace = Duration.milliseconds(10)

    /// Opens the listeners and the admin port; nothing is accepted before `run()`.
    ///
    /// - Parameters:
    ///   - origin: what `configuration` was made of, to be read again by a reload, when its file
    ///     changes if that is to be watched, and when Consul says something else; nil for a
    ///     configuration that is not to change.
    ///   - effective: says in full what runs; nil when that is not known.
    /// - Throws: `StartFailure`; the process is to end then.
    package init(
        _ configuration: Configuration, from origin: ConfigurationOrigin? = nil,
        effective: EffectiveConfiguration? = nil, start: ProcessStart = ProcessStart()
    ) throws {
        let start = (time: ProcessTime(), process: start)
        var inherited = start.process.sockets
        log = CurrentLog(configuration.log)
        let journal = Journal()
        let registry = StatsRegistry(
            workers: configuration.workers, listeners: configuration.listeners.count, services: 0)
        let factory = try SourceFactory(configuration, on: loop)
        let checker = HealthChecker(
            on: loop, client: HTTPClient(on: loop), rate: configuration.checks.rate)
        let certificates = CertificateStore(configuration)
        traces = TraceExporter(
            factory.systemHosts, registry, workers: configuration.workers, on: loop,
            log: log.current)
        let options = ProxyOptions(configuration, certificates, traces.follow(configuration.traces))
        let workers = try WorkerControl(
            configuration, options, registry, inherited: &inherited, on: loop, log: log.current)
        self.workers = workers
        let surroundings = ServiceSurroundings(
            on: loop, checker, registry, journal, workers.proxy,
            StateFile(configuration, on: loop, log: log.current), start.process.deployed)
        services = try ServiceSet(configuration, factory, in: surroundings)
        let publisher = ListenerPublisher(
            configuration, options.listeners, of: workers.proxy, services, certificates, registry,
            on: loop, log: log.current)
        running = RunningConfiguration(
            configuration, log, services, workers.proxy, certificates, publisher, checker,
            TicketKeyFollower(start.process, factory.agents, on: loop, log: log.current))
        orders = try CertificateOrders(
            configuration, certificates, workers.proxy, factory, start.process, log: log.current)
        let supervision = Supervision(start.process.manager, on: loop)
        let memory = MemoryRelease(on: loop)
        follower = Self.follower(
            origin, effective, running, factory, supervision, memory, on: loop, log: log.current)
        registration = Registration(
            configuration, listeningOn: publisher.published.entries.first?.endpoint,
            agents: factory.agents, journal, on: loop, start: start.time, log: log.current)

        let journalLog = JournalLog(journal, of: services, publisher, on: loop, log: log.current)
        deploys = Deploys(services, journalLog)
        let shortages = ShortageReports(journal, log: log.current)
        let traffic = TrafficReports(
            registry, services, publisher, isShown: configuration.admin.listen != nil)
        let snapshots = AdminSnapshots(
            TrafficSnapshots(services, deploys, publisher, running, registry, traffic), services,
            journal, running, follower, factory, checker, orders, shortages, workers.accessLog,
            traces, registration, start: start.time, isSuccessor: start.process.predecessor != nil)
        let commands = AdminCommands(services, deploys, follower, journal, journalLog, log)
        ports = try ControlPorts(
            configuration, AdminControls(snapshots, commands), certificates,
            &inherited, on: loop, log: log.current, onOpen: { supervision.statusMayDiffer() })
        reports = Reports(
            journalLog, traffic, shortages, supervision, ReadinessReports(snapshots, workers.proxy),
            snapshots, StatsDExporter(configuration.statsd, factory.places, snapshots, on: loop),
            services, memory, on: loop, isAdminAwaited: { [ports] in ports.isAdminAwaited })
        takeOver = TakeOver(
            from: start.process.predecessor, unused: inherited, services, publisher, on: loop,
            log: log.current, accept: { () throws(Errno) in try workers.start() },
            onServing: {
                memory.releaseSoon()
                supervision.serve(workers)
            })
        upgrade = Upgrade(
            to: start.process.program, on: loop, log: log.current,
            sockets: { [ports] in workers.proxy.openDescriptors + ports.descriptors })
        connect()
    }

    /// What reads the configuration again that was made of `origin`; nil for one that is not to
    /// change.
    private static func follower(
        _ origin: ConfigurationOrigin?, _ effective: EffectiveConfiguration?,
        _ running: RunningConfiguration, _ factory: SourceFactory, _ supervision: Supervision,
        _ memory: MemoryRelease, on loop: EventLoop, log: @escaping () -> Log
    ) -> ConfigurationFollower? {
        origin.map {
            ConfigurationFollower(
                $0, effective: effective, running, agents: factory.agents, docker: factory.docker,
                supervision, on: loop, log: log, onReload: { memory.releaseSoon() })
        }
    }

    /// Connects each event to the owners that it concerns.
    private func connect() {
        let pacer = Pacer(on: loop) { [unowned self] in
            reports.servicesChanged()
            takeOver.servicesChanged()
            running.servicesChanged()
        }
        services.surroundings.onChange = { pacer.ask(every: Self.pace) }
        services.surroundings.objections = { [unowned self] service in
            let own = OwnAddresses(
                running.publisher.published, leadingTo: service,
                admin: ports.admin?.servers.map(\.place) ?? [],
                health: ports.health.servers.map(\.place))
            return { own.objection(to: $0, of: service) }
        }
        running.healthPort = ports.health
        running.traces = traces
        running.certificates.onPortChange = { [unowned self] in ports.show($1, at: $0) }
        running.onApplied = { [unowned self] in
            deploys.configurationChanged($0)
            orders.follow(running.current)
            registration.sharing?.follow(running.current)
            follower?.configurationChanged()
        }
        upgrade.environment = { [unowned self] in
            deploys.cutShort("another process takes over")
            return ProcessStart.passing(services.surroundings.deployed.sets)
        }
        upgrade.secrets = { TicketKeys.ofProcess.passedOn }
        running.publisher.onPublishing = { [unowned self] in
            reports.readiness.listenersChange(to: $0)
        }
        running.publisher.onPublished = { [unowned self] in
            for service in $0 { reports.journalLog.logWithoutBackends(service) }
            reports.journalLog.write()
        }
        reports.journalLog.onEntries = { [unowned self] in ports.admin?.journalChanged() }
        workers.onReport = { [unowned self] in handle($0) }
        workers.onEnded = { [unowned self] in ports.end { [loop] in loop.stop() } }
        upgrade.onTakenOver = { [unowned self] in yield() }
    }

    private func handle(_ report: ProxyReport) {
        switch report {
        case .dialFailed(let service, let backend, let error):
            services[service]?.dialFailed(backend, error)
        case .liveFailed(let service, let backend, let failure):
            services[service]?.liveFailed(backend, failure)
        case .proven(let service, let backend):
            services[service]?.proven(backend)
        case .listenerClosed(let number): running.publisher.listenerClosed(number)
        case .arrivalFailed(let number, let peer, let failure):
            arrivalFailed(number, from: peer, failure)
        case .alive(let worker): reports.supervision.workerTurned(worker)
        case .finished: break
        }
    }

    private func arrivalFailed(_ number: Int, from peer: IPAddress, _ failure: ArrivalFailure) {
        let listener = running.publisher.published.entries.first { $0.options.index == number }
        log.current().write(
            .warning, "client.refused",
            [
                "listener": listener?.options.name ?? "\(number)", "client": "\(peer)",
                "cause": failure.sentence,
            ])
    }

    /// Where the listeners are, in the order of the configuration.
    package var listenerEndpoints: [Endpoint] {
        running.publisher.published.entries.map(\.endpoint)
    }

    /// Where the admin port is; nil when it is off.
    package var adminEndpoint: Endpoint? { ports.admin?.endpoint }

    // MARK: - Running

    /// Serves until a signal has stopped it and everything in flight has ended.
    ///
    /// - Throws: `StartFailure` when the system has no thread to give.
    package func run() throws {
        let signals = ProcessSignals(
            on: loop, stop: { [unowned self] in stop($0) },
            reload: { [unowned self] in
                log.current().write(.info, "process.reloading", [:])
                follower?.reload()
            },
            reopenLog: { [unowned self] in workers.accessLog?.reopen() },
            upgrade: { [unowned self] in upgrade.begin() })
        defer { withExtendedLifetime(signals) {} }
        let configuration = running.current
        log.current().write(
            .info, "process.started",
            [
                "version": fairleadVersion, "pid": "\(getpid())",
                "file": follower?.live.origin.path ?? "none",
                "listeners": "\(configuration.listeners.count)",
                "services": "\(configuration.services.count)",
                "workers": "\(configuration.workers)",
            ])
        try start()
        serve()
        reports.journalLog.flush()
        log.current().write(.info, "process.stopped", [:])
        log.current().finish()
    }

    /// Starts services and workers; `serve` follows.
    ///
    /// - Throws: `StartFailure` when the system has no thread to give.
    func start() throws {
        takeOver.closeUnused()
        do throws(Errno) {
            try workers.read()
            // Services come first, so that backends known without asking are there before the first
            // connection.
            services.start(
                log: log.current,
                onNames: { [unowned self] in reports.supervision.statusMayDiffer() })
            reports.readiness.listenersChange(to: running.current.listeners)
            try takeOver.begin()
        } catch {
            throw StartFailure(description: "the system has no thread or descriptor left: \(error)")
        }
        reports.shortages.warnOfDescriptors(for: running.current.listeners)
        running.publisher.logOpen()
        ports.start()
        follower?.start()
        certificateWatch.start()
        certificateReminders.start()
        registration.start()
        registration.sharing?.follow(running.current)
        orders.start()
        try reports.start()
        services.forgetAnswers()
        deploys.configurationChanged(ConfigurationChange())
    }

    /// Returns after `drain`, when everything in flight has ended.
    func serve() {
        loop.run()
        workers.proxy.join()
        reports.journalLog.write()
        services.surroundings.stateFile?.close()
        traces.stop()
        workers.accessLog?.stop()
    }

    // MARK: - Stopping

    private func stop(_ signal: Int32) {
        guard !running.isStopped else {
            // This is the second signal: its sender has waited long enough.
            log.current().write(.warning, "process.killed", ["signal": "\(signal)"])
            exit(128 + signal)
        }
        let configuration = running.current
        log.current().write(
            .info, "process.draining",
            [
                "signal": "\(signal)", "delay": configuration.stopDelay.spoken,
                "limit": configuration.stopTimeout.spoken,
            ])
        reports.supervision.stop()
        drain()
    }

    /// Stops being ready, deregisters, and after `stop-delay` accepts no more connections. `run`
    /// returns when everything in flight has ended or its time is over.
    func drain() {
        stopChanges()
        reports.readiness.processStops()
        registration.end { [unowned self] in
            workers.drain(
                after: running.current.stopDelay, limit: running.current.stopTimeout)
        }
    }

    /// Accepts no more connections, since another process accepts them on the same sockets and has
    /// taken over the registration. `run` returns as it does after `drain`.
    private func yield() {
        stopChanges()
        // The other process writes the file now, and knows more.
        services.surroundings.stateFile = nil
        reports.readiness.processYields()
        registration.abandon()
        ports.drain()
        workers.drain(limit: running.current.stopTimeout)
    }

    /// Stops applying changes, and stops being ready.
    private func stopChanges() {
        running.stop()
        orders.stop()
        registration.sharing?.stop()
        deploys.stop()
        follower?.stop()
        certificateWatch.stop()
        certificateReminders.stop()
        ports.stopWaiting()
        upgrade.stop()
    }
}
