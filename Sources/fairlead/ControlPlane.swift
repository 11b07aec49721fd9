// ControlPlane: the control thread. It owns the services, the workers' reports, the admin port, the
// signals and the log, and runs until the last worker has drained.

import AccessLog
import Admin
import Backends
import Configuration
import Documents
import DNSClient
import DNSWire
import Discovery
import Endpoints
import Events
import Glibc
import HTTPClient
import HTTPServer
import Health
import Proxy
import Stats

/// A failure to start, as a sentence for the operator.
struct StartFailure: Error, CustomStringConvertible {
    let description: String
}

/// The running program. Control thread only.
final class ControlPlane {
    let configuration: Configuration
    let log: Log
    let loop = EventLoop()
    let registry: StatsRegistry
    let journal = Journal()
    let resolver: Resolver
    let checker: HealthChecker
    private(set) var services: [ServiceControl] = []
    private(set) var isDraining = false
    let startedAt = ContinuousClock.now

    private let reports: Mailbox<ProxyReport>
    private let workers: ProxyWorkers
    let accessLog: AccessLog?
    private var reportReader: MailboxReader<ProxyReport>?
    private var admin: HTTPServer?
    private var signals: [SignalWatch] = []
    private var workersLeft: Int
    private var loggedEntries: UInt64 = 0

    /// Opens the listeners and the admin port; nothing is accepted before `run()`.
    ///
    /// - Throws: `StartFailure`; the process is to end then.
    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        log = Log(level: configuration.logLevel)
        registry = StatsRegistry(
            workers: configuration.workers, listeners: configuration.listeners.count,
            services: configuration.services.count)
        workersLeft = configuration.workers
        do throws(FileTextError) {
            resolver = Resolver(try ResolverOptions(configuration.dns), on: loop)
        } catch {
            throw StartFailure(
                description: "\(error.text); name the nameservers with dns.servers or --dns")
        }
        checker = HealthChecker(on: loop, client: HTTPClient(on: loop))
        do throws(Errno) {
            reports = try Mailbox()
        } catch {
            throw StartFailure(
                description: "no descriptor left: \(error); raise the limit (ulimit -n)")
        }
        accessLog = try AccessLog(configuration)
        do throws(ListenFailure) {
            workers = try ProxyWorkers(
                options: ProxyOptions(configuration), registry: registry, reports: reports,
                accessLog: accessLog)
        } catch {
            throw StartFailure(listeningOn: error.endpoint, error.error)
        }
        try makeServices()
        if let endpoint = configuration.admin {
            do throws(Errno) {
                admin = try openAdmin(on: endpoint)
            } catch {
                throw StartFailure(listeningOn: endpoint, error)
            }
        }
    }

    private func openAdmin(on endpoint: Endpoint) throws(Errno) -> HTTPServer {
        let handler = AdminHandler(host: AdminHost(listeningOn: endpoint)) { [unowned self] in
            snapshot()
        }
        return try HTTPServer(on: endpoint, loop: loop) { handler.answer($0) }
    }

    private func makeServices() throws {
        let ids = BackendIDs()
        for (index, service) in configuration.services.enumerated() {
            let roster = Roster(
                service: ServiceID(index: index), options: RosterOptions(service), ids: ids,
                journal: journal)
            let source: any Source
            do throws(DomainNameError) {
                source = try service.makeSource(resolver: resolver, on: loop)
            } catch {
                throw StartFailure(description: "service \(service.name): \(error)")
            }
            services.append(
                ServiceControl(
                    name: service.name, roster: roster, sources: [source], checker: checker,
                    health: HealthOptions(service.check), registry: registry, on: loop,
                    publish: { [unowned self] in workers.publish($0) },
                    onChange: { [unowned self] in logJournal() }))
        }
    }

    /// Where the listeners are, in the order of the configuration.
    var listenerEndpoints: [Endpoint] { workers.endpoints }

    /// Where the admin port is; nil when it is off.
    var adminEndpoint: Endpoint? { admin?.endpoint }

    // MARK: - Running

    /// Serves until a signal has stopped it and everything in flight has ended.
    ///
    /// - Throws: `StartFailure` when the system has no thread to give.
    func run() throws {
        do throws(Errno) {
            reportReader = try MailboxReader(reports, on: loop) { [unowned self] in hear($0) }
            signals = [SIGTERM, SIGINT].map { number in
                SignalWatch(number, on: loop) { [unowned self] in stop(number) }
            }
            // Watched without an access log as well: by default the signal ends a process.
            signals.append(SignalWatch(SIGUSR1, on: loop) { [unowned self] in reopenAccessLog() })
            // First, so that what is known without asking is there before the first connection.
            for service in services { service.start() }
            try workers.start()
        } catch {
            throw StartFailure(description: "the system has no thread or descriptor left: \(error)")
        }
        for (listener, endpoint) in zip(configuration.listeners, listenerEndpoints) {
            log.write(
                .info, "listener.open",
                [
                    "listen": "\(endpoint)", "mode": listener.mode.rawValue,
                    "service": listener.serviceNames.joined(separator: ","),
                ])
        }
        if let adminEndpoint { log.write(.info, "admin.open", ["listen": "\(adminEndpoint)"]) }
        loop.run()
        workers.join()
        accessLog?.stop(within: Self.accessLogStopLimit)
        log.write(.info, "process.stopped", [:])
    }

    private func hear(_ report: ProxyReport) {
        switch report {
        case .dialFailed(let service, let backend, let error):
            services[service.index].dialFailed(backend, error)
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
        isDraining = true
        log.write(
            .info, "process.draining",
            ["signal": "\(signal)", "limit": "\(configuration.stopTimeout)"])
        workers.drain(limit: configuration.stopTimeout)
    }

    // MARK: - Access log

    /// A pipe that nobody reads must not keep a process from ending.
    private static let accessLogStopLimit = Duration.seconds(5)

    private func reopenAccessLog() {
        guard let accessLog, case .file(let path) = configuration.accessLog.to else { return }
        do throws(Errno) {
            try accessLog.reopen()
            log.write(.info, "access_log.reopened", ["path": path])
        } catch {
            log.write(
                .warning, "access_log.not_reopened",
                ["path": path, "error": "\(error)", "what": "the old file stays in use"])
        }
    }

    // MARK: - Journal

    /// Writes what was journalled since the last call.
    private func logJournal() {
        guard journal.nextNumber > loggedEntries else { return }
        for entry in journal.entries where entry.number >= loggedEntries {
            let service = services[entry.service.index].name
            let event: StaticString = entry.backend == nil ? "service.changed" : "backend.changed"
            if let endpoint = entry.endpoint {
                log.write(
                    .info, event,
                    ["service": service, "backend": "\(endpoint)", "what": "\(entry.event)"])
            } else {
                log.write(.info, event, ["service": service, "what": "\(entry.event)"])
            }
        }
        loggedEntries = journal.nextNumber
    }
}

extension AccessLog {
    /// The access log that `configuration` asks for; nil for none.
    fileprivate convenience init?(_ configuration: Configuration) throws {
        let settings = configuration.accessLog
        let destination: Destination
        switch settings.to {
        case .off: return nil
        case .stdout: destination = .standardOutput
        case .file(let path): destination = .file(path)
        }
        do throws(Errno) {
            try self.init(
                destination, AccessLogFormat(settings.format), workers: configuration.workers)
        } catch {
            guard case .file(let path) = settings.to else {
                throw StartFailure(description: "cannot start the access log: \(error)")
            }
            throw StartFailure(
                description: """
                    cannot open the access log \(path): \(error): name a file that this user may \
                    write, or stdout
                    """)
        }
    }
}

extension AccessLogFormat {
    fileprivate init(_ format: AccessLogSettings.Format) {
        switch format {
        case .json: self = .json
        case .combined: self = .combined
        }
    }
}

extension StartFailure {
    /// What to do about an address that can't be listened on.
    init(listeningOn endpoint: Endpoint, _ error: Errno) {
        let advice =
            switch error {
            case .addressInUse: "something else listens there; stop it or choose another port"
            case .permissionDenied: "ports below 1024 need the capability CAP_NET_BIND_SERVICE"
            case .tooManyDescriptors: "raise the limit of open files (ulimit -n)"
            default: "check that the address belongs to this machine"
            }
        self.init(description: "cannot listen on \(endpoint): \(error): \(advice)")
    }
}
