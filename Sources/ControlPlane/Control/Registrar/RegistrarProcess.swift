// RegistrarProcess: the process of `fairlead registrar`: the registrar, its log, its status port
// and its signals.
//
// | signal          | action                                                                   |
// |-----------------|--------------------------------------------------------------------------|
// | SIGTERM, SIGINT | renews its reports and ends, or deregisters what it registered and ends  |
// |                 |  (`registrar.on-stop`); the second one ends the process at once           |
// | SIGHUP          | compares all that the agent holds at once                                |

package import Configuration
internal import Consul
internal import Docker
internal import Endpoints
internal import Events
internal import Glibc
internal import HTTPServer
internal import Lookups
internal import Registrar

/// A running registrar. Control thread only.
package final class RegistrarProcess {
    private let loop = EventLoop()
    private let log: Log
    private let factory: SourceFactory
    private let registrar: Registrar
    private let status: RegistrarStatusPort?
    private var signals: ProcessSignals?
    private var isStopping = false

    /// Opens the status port; nothing is asked before `run()`.
    ///
    /// - Throws: `StartFailure`; the process is to end then.
    package init(_ configuration: Configuration) throws {
        let start = ProcessTime()
        log = Log(configuration.log)
        factory = try SourceFactory(configuration, asksConsul: true, on: loop)
        let options = try RegistrarOptions(
            configuration, agent: factory.agents.statuses.first?.place.target,
            ownContainer: factory.docker.options.ownContainer)
        let lines = RegistrarLines(log, node: options.node)
        registrar = Registrar(
            options, engine: factory.docker, agents: factory.agents, on: loop
        ) { news in
            for one in news { lines.write(one) }
        }
        status =
            if let endpoint = configuration.registrar.listen {
                try RegistrarStatusPort(
                    on: endpoint, of: registrar, agents: factory.agents, since: start, loop: loop)
            } else { nil }
    }

    /// Registers until a signal ends it.
    package func run() {
        signals = ProcessSignals(
            on: loop, stop: { [unowned self] in stop($0) },
            reload: { [unowned self] in registrar.resync() }, reopenLog: {}, upgrade: {})
        let options = registrar.options
        log.write(
            .info, "registrar.started",
            [
                "version": fairleadVersion, "node": options.node,
                "engine": "\(factory.docker.options.place)",
                "agent": factory.agents.statuses.first.map { "\($0.place)" } ?? "none yet",
                "address": options.policy.isInternal
                    ? "the containers' own"
                    : options.policy.address.map { "\($0)" } ?? "the agent's node's",
                "status": status.map { "\($0.endpoint)" } ?? "off",
            ])
        factory.start(log: { [log] in log }, onChange: { [unowned self] in registrar.resync() })
        registrar.start()
        loop.run()
        log.finish()
    }

    private func stop(_ signal: Int32) {
        if isStopping { exit(128 + signal) }
        isStopping = true
        let ending = registrar.options.policy.ending
        log.write(
            .info, "registrar.stopping",
            [
                "signal": "\(signal)", "registrations": ending == .leave ? "stay" : "are removed",
            ])
        registrar.stop { [unowned self] isComplete in
            log.write(
                isComplete ? .info : .warning, "registrar.stopped",
                ["complete": isComplete ? "yes" : "no"])
            guard let status else { return loop.stop() }
            status.end { [loop] in loop.stop() }
        }
    }
}

extension RegistrarOptions {
    /// How `configuration` has containers registered, with `agent`. `ownContainer` is the id of the
    /// container that this process is in.
    ///
    /// - Throws: `StartFailure` when this machine has no name that lasts.
    fileprivate init(
        _ configuration: Configuration, agent: Target?, ownContainer: String?
    ) throws {
        let settings = configuration.registrar
        let host = hostName()
        if settings.node == nil, ownContainer?.hasPrefix(host) == true {
            throw StartFailure(
                description:
                    "this process runs in a container whose host name, \(host), is another "
                    + "with each container: name the machine with registrar.node, "
                    + "FAIRLEAD_REGISTRAR_NODE or --node, since it owns what it registers by that")
        }
        self.init(node: settings.node ?? host, settings.policy)
        if case .endpoint(let endpoint)? = agent, !endpoint.address.isLoopback {
            publishedAddress = endpoint.address
        }
        if let address = policy.address { publishedAddress = address }
    }
}
