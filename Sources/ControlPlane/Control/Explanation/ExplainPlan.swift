// ExplainPlan: what `fairlead explain` asks, and which servers: each nameserver or agent
// separately, all at once, through the same source that the proxy would use.

internal import Backends
package import Configuration
internal import Consul
internal import ConsulQuery
internal import DNSClient
package import DNSWire
internal import Docker
internal import DockerAPI
internal import Documents
internal import Endpoints
internal import Events
package import Explain
package import InstanceSources
internal import Lookups

/// The questions of one explanation. Blocks the thread that carries it out.
package struct ExplainPlan {
    private enum Kind {
        /// What Consul's API says.
        case consul(ConsulServiceQuery)
        /// Containers of Docker's engine.
        case docker(DockerQuery)
        /// Instances that are known without asking.
        case known(String, DiscoveryAnswer)
        /// The SRV records of a name.
        case records(DomainName, LookupOptions)
        /// A list of names and addresses.
        case list([StaticSource.Entry], AddressFamily)
        /// Records of another type.
        case name(DomainName, RecordType)
    }

    /// The servers and agents to ask, and how. Value type.
    package struct Asking {
        /// The nameservers, each of which is asked separately.
        var options: ResolverOptions
        /// How hosts are found besides.
        var rules: NameRules
        /// Consul's agents as they are written, and where each is or why that is not known.
        var agents: [(name: String, places: Result<[ConsulAgentPlace], NoSuchHost>)] = []
        /// How they are asked; nil when the token's file can't be read.
        var consul: ConsulOptions?
        /// How Docker's engine is asked.
        var docker: DockerOptions
        /// Where it is, or why that is not known.
        var engines: Result<[Target], NoSuchHost>
        /// What can't be a backend.
        var own: OwnAddresses

        /// What `configuration` says. Nameservers whose names have no address are left out, and
        /// `warn` is called with why. Blocks while names are looked up.
        package init(_ configuration: Configuration, _ names: SystemNames, warn: (String) -> Void) {
            let dns = configuration.dns
            options = ResolverOptions(dns, names.resolvConf)
            rules = names.rules
            docker = DockerOptions(configuration.docker)
            own = OwnAddresses(configuration)
            let found = HostFinder.find(configuration.followedHosts, names, dns)
            engines = configuration.docker.host.place.targets(among: found)
            if !dns.servers.isEmpty {
                options.servers = dns.servers.flatMap { place -> [Endpoint] in
                    switch place {
                    case .endpoint(let endpoint): return [endpoint]
                    case .name(let name):
                        switch found[name.host] {
                        case .success(let addresses)?:
                            return addresses.map { Endpoint($0, name.port) }
                        case .failure(let why)?: warn(why.text)
                        case nil: break
                        }
                        return []
                    }
                }
            }
            agents = configuration.consul.agents.map { agent in
                let targets = agent.place.targets(among: found)
                return (
                    "\(agent)", targets.map { $0.map { ConsulAgentPlace($0, agent) } }
                )
            }
            do {
                consul = try ConsulOptions(
                    configuration.consul, isUsed: configuration.usesConsul)
            } catch {
                warn("\(error)")
            }
        }
    }

    private let kind: Kind
    private let asking: Asking
    private var subject: Explanation.Subject

    /// A bare name with the options that a service has by default.
    package init(_ name: DomainName, _ type: RecordType, _ defaults: Service, _ asking: Asking) {
        self.init(
            defaults,
            type == .srv ? .records(name, defaults.lookup) : .name(name, type),
            "\(type) \(name)", asking)
        subject.service = nil
        subject.makesInstances = type == .srv
    }

    private init(_ service: Service, _ kind: Kind, _ summary: String, _ asking: Asking) {
        self.kind = kind
        self.asking = asking
        subject = Explanation.Subject(summary)
        subject.service = service.name
        subject.refresh = service.lookup.refresh
        subject.roster = service.rosterOptions
    }

    /// One for each source of `service`; two for a query of Consul's API that falls back to DNS.
    ///
    /// - Throws: `StartFailure` for a name that DNS can't hold.
    package static func plans(
        for service: Service, _ asking: Asking
    ) throws(StartFailure) -> [ExplainPlan] {
        do throws(DomainNameError) {
            var plans: [ExplainPlan] = []
            for source in service.sources {
                plans += try Self.plans(for: source, of: service, asking)
            }
            return plans
        } catch {
            throw StartFailure(description: "service \(service.name): \(error)")
        }
    }

    private static func plans(
        for source: Service.Source, of service: Service, _ asking: Asking
    ) throws(DomainNameError) -> [ExplainPlan] {
        func records(_ name: String) throws(DomainNameError) -> ExplainPlan {
            let name = try DomainName(name)
            return ExplainPlan(
                service, .records(name, service.lookup), "SRV \(name)", asking)
        }
        let family = service.lookup.family
        switch source {
        case .srv(let name): return [try records(name)]
        case .consul(let query, let fallback):
            var plan = ExplainPlan(service, .consul(query), "Consul \(query)", asking)
            plan.subject.asked = .agents
            guard let fallback else { return [plan] }
            return [plan, try records(fallback)]
        case .docker(let query):
            var plan = ExplainPlan(service, .docker(query), "Docker \(query)", asking)
            plan.subject.asked = .engines(every: asking.docker.refresh)
            return [plan]
        case .backends(let backends):
            var entries: [StaticSource.Entry] = []
            for backend in backends { entries.append(try StaticSource.Entry(backend)) }
            return [
                ExplainPlan(
                    service, .list(entries, family), "a fixed list of \(entries.count)", asking)
            ]
        case .file(let path): return [file(path, service, family, asking)]
        }
    }

    private static func file(
        _ path: String, _ service: Service, _ family: AddressFamily, _ asking: Asking
    ) -> ExplainPlan {
        var failure: DiscoveryFailure
        do {
            let entries = try FileTargets.parse(try NamedText.read(path: path)).entries
            guard entries.isEmpty else {
                return ExplainPlan(
                    service, .list(entries, family), "\(entries.count) of the file \(path)", asking)
            }
            failure = .nodata
        } catch let error as FileTextError {
            failure = .malformed(error.text)
        } catch {
            failure = .malformed("\(error)")
        }
        var plan = ExplainPlan(service, .known(path, .failure(failure)), "file \(path)", asking)
        plan.subject.asked = .nobody
        return plan
    }

    /// Asks each server separately, all at once.
    package func carryOut() -> Explanation {
        let loop = EventLoop()
        switch kind {
        case .known(let name, let result):
            return Explanation(subject, [.init(named: name, result: result)], now: .now)
        case .consul(let query):
            let lookups = agentLookups(query, on: loop)
            wait(for: lookups, asking.consul?.policy.answerTimeout ?? .zero, on: loop)
            return Explanation(subject, lookups.compactMap(\.report), now: .now)
        case .docker(let query):
            let lookups = engineLookups(query, on: loop)
            wait(for: lookups, asking.docker.answerTimeout, on: loop)
            return Explanation(subject, lookups.compactMap(\.report), now: .now)
        case .records, .list, .name:
            let lookups = nameLookups(on: loop)
            // Each question ends within its deadline: the records, the same over TCP, the
            // addresses, and aliases that lead on.
            wait(for: lookups, asking.options.deadline * 12, on: loop)
            return Explanation(subject, lookups.compactMap(\.report), now: .now)
        }
    }

    private func wait(for lookups: [Lookup], _ limit: Duration, on loop: EventLoop) {
        let timer = Timer(on: loop) {}
        // The last questions may take as long as the first.
        timer.schedule(after: limit + .seconds(5))
        while timer.isScheduled, !lookups.allSatisfy(\.isOver) { loop.runOnce(waiting: true) }
        for lookup in lookups { lookup.stop() }
    }

    /// Names that are tried as services of Docker Swarm, at most.
    private static let swarmNamesMax = 20

    private func nameLookups(on loop: EventLoop) -> [Lookup] {
        asking.options.servers.map { server in
            var options = asking.options
            options.servers = [server]
            let lookup = lookup(Resolver(options, on: loop))
            switch kind {
            case .name(let name, let type): lookup.ask(name, type)
            case .records(let name, let options):
                // Nothing follows from addresses where they are wanted anyway.
                lookup.nameInstead = options.fallbackPort == nil ? name : nil
                lookup.follow(
                    SRVSource(name, resolver: lookup.resolver, options: options, on: loop))
            case .list(let entries, let family):
                let hosts = HostResolver(lookup.resolver) { [rules = asking.rules] in rules }
                let names = Set(entries.compactMap(\.swarmName)).sorted()
                lookup.hosts = (hosts, Array(names.prefix(Self.swarmNamesMax)))
                lookup.follow(
                    StaticSource(
                        entries, hosts: hosts, refresh: subject.refresh, family: family, on: loop))
            case .consul, .docker, .known: break
            }
            return lookup
        }
    }

    private func lookup(_ resolver: Resolver, named name: String? = nil) -> Lookup {
        Lookup(resolver, named: name) { [own = asking.own, service = subject.service ?? ""] in
            own.objection(to: $0, of: service)
        }
    }

    private func engineLookups(_ query: DockerQuery, on loop: EventLoop) -> [Lookup] {
        let place = asking.docker.place
        switch asking.engines {
        case .failure(let why):
            let lookup = lookup(Resolver(asking.options, on: loop), named: "\(place)")
            lookup.finish(.failure(.explained(.unreachable, why.text)))
            return [lookup]
        case .success(let targets):
            return targets.map { target in
                let name = place.name.map { "\($0) (\(target))" } ?? "\(target)"
                let lookup = lookup(Resolver(asking.options, on: loop), named: name)
                var options = asking.docker
                options.place = .target(target)
                let source = DockerSource(query, DockerWatch(options, on: loop))
                lookup.notes = { source.explanation }
                lookup.follow(source)
                return lookup
            }
        }
    }

    private func agentLookups(_ query: ConsulServiceQuery, on loop: EventLoop) -> [Lookup] {
        asking.agents.flatMap { agent -> [Lookup] in
            switch agent.places {
            case .failure(let why):
                let lookup = lookup(Resolver(asking.options, on: loop), named: agent.name)
                lookup.finish(.failure(.explained(.unreachable, why.text)))
                return [lookup]
            case .success(let places):
                return places.map { place in
                    let resolver = Resolver(asking.options, on: loop)
                    let lookup = lookup(resolver, named: "\(place)")
                    guard var options = asking.consul else {
                        lookup.finish(.failure(.explained(.refused, "there is no token")))
                        return lookup
                    }
                    options.agents = [place]
                    lookup.follow(
                        ConsulSource(
                            query, agents: ConsulAgents(options, on: loop),
                            refresh: subject.refresh, resolver: resolver))
                    return lookup
                }
            }
        }
    }
}

extension StaticSource.Entry {
    /// Its name, if a service of Docker Swarm can have it: one of a single label. Nil for another.
    fileprivate var swarmName: String? {
        guard case .name(let name) = host else { return nil }
        let text = "\(name.name)".dropLast()
        return text.contains(".") || text == "localhost" ? nil : String(text)
    }
}

extension TargetPlace {
    /// Where it is by `found`, the addresses of names; or why that is not known.
    fileprivate func targets(
        among found: [String: Result<[IPAddress], NoSuchHost>]
    ) -> Result<[Target], NoSuchHost> {
        switch self {
        case .target(let target): .success([target])
        case .name(let name):
            (found[name.host] ?? .success([])).map { addresses in
                addresses.map { .endpoint(Endpoint($0, name.port)) }
            }
        }
    }
}

/// One lookup against one server or agent. Loop thread only.
private final class Lookup {
    let resolver: Resolver
    /// The name of an agent; nil for a nameserver.
    private let name: String?
    /// A name whose addresses are asked for when it has no SRV records; nil for none.
    var nameInstead: DomainName?
    private(set) var isOver = false
    /// What is said of a server that is none of names.
    var notes: () -> [String] = { [] }
    /// Hosts that Docker Swarm may have tasks of.
    var hosts: (resolver: HostResolver, names: [String])?
    private var tasks: [String: Int] = [:]
    private var answers: [DNSAnswer] = []
    private var result: DiscoveryAnswer?
    private var addressesInstead: [IPAddress] = []
    private var samples: [DNSAnswer] = []
    private var source: (any Source)?

    /// Why an instance can't be a backend; nil when it can.
    private let objection: (Endpoint) -> String?
    private var leftOut: [String] = []

    init(_ resolver: Resolver, named name: String?, objection: @escaping (Endpoint) -> String?) {
        self.resolver = resolver
        self.name = name
        self.objection = objection
    }

    func ask(_ name: DomainName, _ type: RecordType) {
        resolver.ask(name, type) { [unowned self] answer in
            answers.append(answer)
            isOver = true
        }
    }

    func follow(_ source: any Source) {
        self.source = source
        if let source = source as? any DNSSource {
            source.onAnswer = { [unowned self] in if !isOver { answers.append($0) } }
        }
        source.start { [unowned self] answer in
            guard !isOver, result == nil else { return }
            finish(answer)
        }
    }

    /// Keeps what the lookup came to.
    func finish(_ answer: DiscoveryAnswer) {
        result = withoutOwn(answer)
        if let hosts, case .instances(let instances) = answer, !hosts.names.isEmpty {
            return askForTasks(hosts.names, hosts.resolver, instances)
        }
        guard let nameInstead, case .failure(let failure) = answer, failure.kind.mayHideAddresses
        else { return askForSamples() }
        resolver.resolveAddresses(nameInstead) { [unowned self] found in
            addressesInstead = found.addresses
            isOver = true
        }
    }

    private func withoutOwn(_ answer: DiscoveryAnswer) -> DiscoveryAnswer {
        guard case .instances(let instances) = answer else { return answer }
        return .instances(
            instances.filter { instance in
                guard let why = objection(instance.endpoint) else { return true }
                leftOut.append("\(instance.endpoint) is left out: \(why)")
                return false
            })
    }

    /// Asks whether these names are virtual addresses: Docker Swarm has `tasks.NAME` beside each,
    /// with other addresses.
    private func askForTasks(
        _ names: [String], _ resolver: HostResolver, _ instances: [Instance]
    ) {
        let own = Set(instances.map(\.endpoint.address))
        var waiting = names.count
        for name in names {
            guard let tasks = try? HostName("tasks.\(name)") else {
                waiting -= 1
                continue
            }
            resolver.resolve(tasks) { [unowned self] found in
                if !found.addresses.isEmpty, own.isDisjoint(with: found.addresses) {
                    self.tasks[name] = found.addresses.count
                }
                waiting -= 1
                isOver = waiting == 0
            }
        }
        isOver = waiting == 0
    }

    private static let samplesMore = 4

    /// Repeats the question that had SRV records a few times: a server may return others each time.
    private func askForSamples() {
        guard let source = source as? SRVSource, case .instances = result,
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

    func stop() {
        source?.stop()
        resolver.close()
    }

    var report: Explanation.Server? {
        if let name {
            var agent = Explanation.Server(
                named: name, result: result ?? .failure(.timeout),
                notes: notes() + (source?.findings.sentences ?? []))
            agent.leftOut = leftOut
            return agent
        }
        guard let status = resolver.servers.first else { return nil }
        var server = Explanation.Server(
            status, answers: answers, result: result, samples: samples,
            partialAnswers: (source as? SRVSource)?.partialAnswers ?? .init())
        server.addressesInstead = addressesInstead
        server.leftOut = leftOut
        server.tasks = tasks
        return server
    }
}

extension HoldKind {
    /// Whether a server that answers so about SRV records may still know addresses. A dnsmasq that
    /// knows a host's address, and has no server to ask, refuses all other types.
    fileprivate var mayHideAddresses: Bool {
        switch self {
        case .nodata, .nxdomain, .servfail, .refused, .otherCode: true
        case .timeout, .malformed, .unreachable, .massLoss: false
        }
    }
}
