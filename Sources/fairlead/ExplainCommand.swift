// `fairlead explain NAME`: one lookup, against every nameserver, by the very source that the proxy
// would use, and what follows from it. The report is made in Explain; here are only the flags, the
// loop and the output.

import ArgumentParser
import Backends
import Configuration
import DNSClient
import DNSWire
import Discovery
import Documents
import Endpoints
import Events
import Explain
import Glibc

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Look a name up once and say what would be made of it.",
        discussion: """
            NAME is a DNS name, or a service of the configuration, whose name and options are used \
            then. Exit code 0 when there are instances, 1 when there are none, 2 for a command line \
            or configuration that is not valid.
            """)

    @Argument(help: "A DNS name, or a service of the configuration.")
    var name: String
    @Option(help: ArgumentHelp(ConfigurationFlag.config.help, valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.dns.help, valueName: "host:port"))
    var dns: [String] = []
    @Option(help: ArgumentHelp("What is asked for: SRV, A, AAAA or TXT.", valueName: "type"))
    var type = "SRV"
    @Flag(help: "Write JSON.")
    var json = false

    func validate() throws {
        guard Self.types[type.uppercased()] != nil else {
            throw ValidationError("--type: found \(type), expected SRV, A, AAAA or TXT")
        }
    }

    private static let types: [String: RecordType] = [
        "SRV": .srv, "A": .a, "AAAA": .aaaa, "TXT": .txt,
    ]

    func run() throws {
        // A service may have several names, each for when the one before it has nothing.
        let explanations = try makePlans().map { $0.carryOut() }
        for explanation in explanations {
            writeAll(STDOUT_FILENO, json ? explanation.json : explanation.text)
        }
        if !explanations.contains(where: \.isGood) { throw ExitCode(1) }
    }

    // MARK: - What to ask whom

    private func makePlans() throws -> [ExplainPlan] {
        let loaded = try load()
        let configuration = loaded.configuration
        let names = SystemNames(SystemNames.Paths().with(configuration.dns), on: EventLoop())
        if configuration.dns.servers.isEmpty, let failure = names.failure {
            printError("fairlead: \(failure); name the nameservers with --dns")
            throw ExitCode(2)
        }
        let asking = ExplainPlan.Asking(
            options: ResolverOptions(configuration.dns, names.resolvConf), rules: names.rules,
            own: OwnAddresses(configuration))
        if let service = configuration.services.first(where: { $0.name == name }) {
            return try ExplainPlan.plans(for: service, asking)
        }
        do throws(DomainNameError) {
            let type = Self.types[type.uppercased()] ?? .srv
            return [ExplainPlan(try DomainName(name), type, loaded.serviceDefaults, asking)]
        } catch {
            printError("fairlead: \(name): \(error)")
            throw ExitCode(2)
        }
    }

    /// What `run` would read from the same file and variables; a listener is not needed.
    private func load() throws -> LoadedConfiguration {
        var overrides = Overrides()
        overrides[.config] = [config].compactMap(\.self)
        overrides[.dns] = dns
        do throws(ConfigurationErrors) {
            return try ConfigurationLoader.load(
                environment: processEnvironment(), overrides: overrides, processorCount: 1,
                needsListener: false)
        } catch {
            printError("\(error)")
            throw ExitCode(2)
        }
    }
}

/// The questions of one explanation. Blocks the thread that carries it out.
struct ExplainPlan {
    private enum Kind {
        /// The SRV records of a name.
        case records(DomainName, SRVSource.Options)
        /// A list of names and addresses.
        case list([StaticSource.Entry], AddressFamily)
        /// Records of another type.
        case name(DomainName, RecordType)
    }

    /// Whom to ask, and how. Value type.
    struct Asking {
        /// The nameservers, each of which is asked by itself.
        var options: ResolverOptions
        /// How hosts are found besides.
        var rules: NameRules
        /// What can't be a backend.
        var own: OwnAddresses
    }

    private let kind: Kind
    private let asking: Asking
    private var subject: Explanation.Subject

    /// A bare name with the options that a service has by default.
    init(_ name: DomainName, _ type: RecordType, _ defaults: Service, _ asking: Asking) {
        self.init(
            defaults,
            type == .srv ? .records(name, SRVSource.Options(defaults)) : .name(name, type),
            "\(type) \(name)", asking)
        subject.service = nil
        subject.makesInstances = type == .srv
    }

    private init(_ service: Service, _ kind: Kind, _ summary: String, _ asking: Asking) {
        self.kind = kind
        self.asking = asking
        subject = Explanation.Subject(summary)
        subject.service = service.name
        subject.refresh = RefreshSchedule.Options(service.refresh)
        subject.roster = RosterOptions(service)
    }

    /// One for each source of `service` that is found by DNS, those of Consul's API by the name that
    /// they fall back to.
    ///
    /// - Throws: `ExitCode(2)` when there is none.
    static func plans(for service: Service, _ asking: Asking) throws -> [ExplainPlan] {
        var plans: [ExplainPlan] = []
        do throws(DomainNameError) {
            for source in service.sources {
                switch source {
                case .srv(let name), .consul(_, fallback: let name?):
                    let name = try DomainName(name)
                    plans.append(
                        ExplainPlan(
                            service, .records(name, SRVSource.Options(service)), "SRV \(name)",
                            asking))
                case .backends(let backends):
                    var entries: [StaticSource.Entry] = []
                    for backend in backends { entries.append(try StaticSource.Entry(backend)) }
                    plans.append(
                        ExplainPlan(
                            service, .list(entries, AddressFamily(service.records.families)),
                            "a fixed list of \(entries.count)", asking))
                case .consul(_, fallback: nil), .file: continue
                }
            }
        } catch {
            printError("fairlead: service \(service.name): \(error)")
            throw ExitCode(2)
        }
        guard !plans.isEmpty else {
            printError(
                "fairlead: service \(service.name) is not looked up in DNS; /stats of the admin port "
                    + "tells what its source says")
            throw ExitCode(2)
        }
        return plans
    }

    /// Asks each server by itself, all at once.
    func carryOut() -> Explanation {
        let loop = EventLoop()
        let lookups = asking.options.servers.map { server in
            var options = asking.options
            options.servers = [server]
            return Lookup(Resolver(options, on: loop)) { [asking, subject] in
                asking.own.objection(to: $0, of: subject.service ?? "")
            }
        }
        for lookup in lookups {
            switch kind {
            case .name(let name, let type): lookup.ask(name, type)
            case .records(let name, let options):
                lookup.follow(
                    SRVSource(name, resolver: lookup.resolver, options: options, on: loop))
            case .list(let entries, let family):
                lookup.follow(
                    StaticSource(
                        entries,
                        hosts: HostResolver(lookup.resolver) { [rules = asking.rules] in rules },
                        refresh: subject.refresh, family: family, on: loop))
            }
        }
        // Each question ends within its deadline: the records, the same over TCP, the addresses, and
        // aliases that lead on.
        let limit = Timer(on: loop) {}
        limit.schedule(after: asking.options.deadline * 12)
        while limit.isScheduled, !lookups.allSatisfy(\.isOver) { loop.runOnce(waiting: true) }
        for lookup in lookups { lookup.stop() }
        return Explanation(subject, lookups.compactMap(\.report), now: .now)
    }
}

/// One lookup against one server. Loop thread only.
private final class Lookup {
    let resolver: Resolver
    private(set) var isOver = false
    private var answers: [DNSAnswer] = []
    private var result: DiscoveryAnswer?
    private var samples: [DNSAnswer] = []
    private var source: (any DNSSource)?
    private let objection: (Endpoint) -> String?
    private var leftOut: [String] = []

    init(_ resolver: Resolver, objection: @escaping (Endpoint) -> String?) {
        self.resolver = resolver
        self.objection = objection
    }

    func ask(_ name: DomainName, _ type: RecordType) {
        resolver.ask(name, type) { [unowned self] answer in
            answers.append(answer)
            isOver = true
        }
    }

    func follow(_ source: any DNSSource) {
        self.source = source
        source.onAnswer = { [unowned self] in if !isOver { answers.append($0) } }
        source.start { [unowned self] answer in
            guard !isOver, result == nil else { return }
            result = answer
            if case .instances(let instances) = answer {
                result = .instances(
                    instances.filter { instance in
                        guard let why = objection(instance.endpoint) else { return true }
                        leftOut.append("\(instance.endpoint) is left out: \(why)")
                        return false
                    })
            }
            takeSamples(of: source)
        }
    }

    /// Asks the question that had SRV records a few times more: a server may name others each time.
    private func takeSamples(of source: any DNSSource) {
        guard source is SRVSource, case .instances = result,
            let last = answers.last(where: { $0.question.type == .srv && $0.outcome.hasRecords })
        else {
            isOver = true
            return
        }
        source.onAnswer = nil
        samples = [last]
        for _ in 0..<Self.samplesMore {
            resolver.ask(last.question.name, .srv, tcpFirst: last.transport == .tcp) {
                [unowned self] answer in
                samples.append(answer)
                isOver = samples.count > Self.samplesMore
            }
        }
    }

    private static let samplesMore = 4

    func stop() {
        source?.stop()
        resolver.close()
    }

    var report: Explanation.Server? {
        guard let status = resolver.servers.first else { return nil }
        var report = Explanation.Server(
            status, answers: answers, result: result, samples: samples,
            partialAnswers: (source as? SRVSource)?.partialAnswers ?? .init())
        report.leftOut = leftOut
        return report
    }
}
