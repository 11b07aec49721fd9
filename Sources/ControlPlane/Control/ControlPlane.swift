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
    /// What runs. Listeners may be a step behind, see `listeners`.
    var configuration: Configuration
    var log: Log
    let loop = EventLoop()
    let registry: StatsRegistry
    let journal = Journal()
    let factory: SourceFactory
    let checker: HealthChecker
    let services: ServiceSet
    /// The listeners as the workers have them.
    var listeners: PublishedListeners
    /// By the listeners' names, addresses that are open and not yet accepted from.
    var openedSockets: [String: OpenedSockets] = [:]
    /// Whether listeners, or services that leave, wait to be published; see ControlPlane+Changes.
    var isPublishingDue = false
    /// Whether `apply` is at work: services that it starts or changes call back.
    var isApplying = false
    /// Whether the services run.
    private(set) var hasStarted = false
    /// How long new services have to find backends before requests are sent to them all the same: a
    /// lookup of three tries and its retry.
    var publishingLimit = Duration.seconds(10)
    /// While it waits for services to have backends.
    var publishingTimer: Timer?
    private(set) var isDraining = false
    let startedAt = (wall: UTCTime.now.secondsSince1970, instant: ContinuousClock.now)

    /// Reads the configuration again; nil for one that is not to change, as the demo's.
    var live: LiveConfiguration?
    /// Tells when its file has changed; nil unless that is asked for.
    var fileWatch: FileWatch?
    /// What the running configuration follows; nil when that is nothing.
    var feeds: ConsulFeeds?
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
    /// What the process was started with, and has not used yet.
    var processStart: ProcessStart
    /// A process that is starting to take over from this one.
    var successor: Successor?
    /// While it waits for backends before it takes over from another process.
    var takeOverTimer: Timer?
    let supervision: Supervision
    /// What this machine is short of.
    var shortages = ShortageWatch()
    /// For `releaseMemorySoon`.
    var memoryTimer: Timer?
    private var stopTimer: Timer?
    private var statsd: StatsDExporter?
    let traffic: TrafficReports
    private var trafficTimer: Timer?
    /// Nil only while the process starts.
    private(set) var journalLog: JournalLog?
    /// What follows from changes of services, however many there are.
    private var follower: Pacer?
    private static let followInterval = Duration.milliseconds(10)

    /// Opens the listeners and the admin port; nothing is accepted before `run()`.
    ///
    /// - Throws: `StartFailure`; the process is to end then.
    package init(_ configuration: Configuration, start: ProcessStart = ProcessStart()) throws {
        var start = start
        self.configuration = configuration
        log = Log(configuration.log)
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
        listeners = PublishedListeners(
            configuration.listeners, options.listeners, at: workers.endpoints,
            services: services.ids)
        traffic = TrafficReports(registry, services)
        supervision = Supervision(start.manager, on: loop)
        processStart = start
        services.objections = { [unowned self] service in
            let own = ownAddresses.concerning(service)
            return { own.objection(to: $0, of: service) }
        }
        journalLog = JournalLog(
            journal, of: services, on: loop, log: { [unowned self] in log },
            isNamed: { [unowned self] in listeners.serviceIDs.contains($0) },
            onEntries: { [unowned self] in adminPort?.journalChanged() })
        follower = Pacer(on: loop) { [unowned self] in
            supervision.statusMayDiffer()
            journalLog?.write()
            takeOver()
            publishListeners()
        }
        services.onChange = { [unowned self] in follower?.ask(every: Self.followInterval) }
        publishingTimer = Timer(on: loop) { [unowned self] in publishListeners(isLate: true) }
        if let path = configuration.stateFile {
            services.stateFile = StateFile(path: path, on: loop) { [unowned self] in
                log.write($0, path: path)
            }
        }
        adminPort = try AdminPort(
            configuration, adminControls,
            inherited: { processStart.sockets.take($0).first }, on: loop,
            log: { [unowned self] in log },
            onOpen: { [unowned self] in supervision.statusMayDiffer() })
    }

    /// Where the listeners are, in the order of the configuration.
    package var listenerEndpoints: [Endpoint] { listeners.entries.map(\.endpoint) }

    /// Where this process listens, for what must not be a backend.
    private var ownAddresses: OwnAddresses {
        var own = OwnAddresses(admin: adminPort?.endpoint ?? configuration.admin.listen)
        own.listeners = listeners.entries.map {
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
                log.write(.info, "process.reloading", [:])
                reload()
            })
        signals.append(SignalWatch(SIGUSR2, on: loop) { [unowned self] in upgrade() })
        reapOrphans()
        log.write(
            .info, "process.started",
            [
                "version": fairleadVersion, "pid": "\(getpid())",
                "file": live?.origin.path ?? "none",
                "listeners": "\(configuration.listeners.count)",
                "services": "\(configuration.services.count)",
                "workers": "\(configuration.workers)",
            ])
        try start()
        serve()
        journalLog?.flush()
        log.write(.info, "process.stopped", [:])
        log.finish()
    }

    /// Starts services and workers; `serve` follows.
    ///
    /// - Throws: `StartFailure` when the system has no thread to give.
    func start() throws {
        hasStarted = true
        for socket in processStart.sockets.remaining {
            log.write(
                .warning, "socket.unused",
                [
                    "listen": "\(socket.endpoint)",
                    "cause": "it was given open, and no listener has this address",
                ])
        }
        processStart.sockets.closeRemaining()
        do throws(Errno) {
            reportReader = try MailboxReader(reports, on: loop) { [unowned self] in hear($0) }
            factory.start(
                log: { [unowned self] in log },
                onChange: { [unowned self] in
                    supervision.statusMayDiffer()
                })
            // First, so that what is known without asking is there before the first connection.
            for service in services.all where !service.isRunning { service.start() }
            try startWorkers()
        } catch {
            throw StartFailure(description: "the system has no thread or descriptor left: \(error)")
        }
        warnOfDescriptors()
        for entry in listeners.entries { noteOpen(entry) }
        adminPort?.start()
        feeds?.start()
        register()
        let (places, collector) = (factory.places, configuration.statsd.to)
        statsd = try StatsDExporter(
            configuration.statsd, at: { collector.flatMap { places.endpoints(of: $0).first } },
            on: loop
        ) { [unowned self] in
            snapshot(.figures)
        }
        weighTraffic()
        forgetAnswers()
    }

    /// What live requests came to is looked at every second.
    private func weighTraffic() {
        let timer = trafficTimer ?? Timer(on: loop) { [unowned self] in weighTraffic() }
        if trafficTimer != nil { for service in services.all { service.weighTraffic() } }
        if traffic.look(at: listeners.entries, isShown: adminPort != nil) {
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
        journalLog?.write()
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
            listenerClosed(number)
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
            log.write(.warning, "process.killed", ["signal": "\(signal)"])
            exit(128 + signal)
        }
        log.write(
            .info, "process.draining",
            [
                "signal": "\(signal)", "delay": configuration.stopDelay.spoken,
                "limit": configuration.stopTimeout.spoken,
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
            stopTimer?.schedule(after: configuration.stopDelay)
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
        feeds?.stop()
        fileWatch?.stop()
        adminPort?.stopWaiting()
        closeOpenedSockets()
        successor?.abandon()
        successor = nil
    }

    private func drainWorkers() {
        // Workers that have not begun have nothing to finish, and would not say so.
        guard supervision.isServing else {
            loop.stop()
            return
        }
        workers.drain(limit: configuration.stopTimeout)
    }

    /// Connections are accepted from now on.
    func served() {
        releaseMemorySoon()
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
        guard let accessLog, case .file(let path) = configuration.accessLog.to else { return }
        do throws(Errno) {
            try accessLog.reopen()
            log.write(.info, "access_log.reopened", ["file": path])
        } catch {
            log.write(
                .warning, "access_log.not_reopened",
                ["file": path, "cause": "\(error)", "effect": "the old file stays in use"])
        }
    }
}
