// Assembly+Sources: which servers are asked for instances, and how, from the configuration.

internal import Backends
internal import Configuration
internal import Consul
internal import DNSClient
internal import DNSWire
internal import Docker
internal import Documents
internal import Endpoints
internal import Events
internal import InstanceSources
internal import Lookups
internal import TLS

/// Makes the sources of services. Control thread only.
final class SourceFactory {
    /// What this machine says about names and nameservers.
    let names: SystemNames
    /// The resolver that answers questions of DNS.
    let resolver: Resolver
    /// The resolver of hosts that the configuration names.
    let hosts: HostResolver
    /// The agents that answer questions of Consul's API. Nothing is asked of them before a source
    /// begins to.
    let agents: ConsulAgents
    /// Docker's engine. Nothing is asked of it before a source or a feed begins to.
    let docker: DockerWatch
    let loop: EventLoop
    /// Lookups that several services share, by name.
    private var lookups: [DomainName: [(options: LookupOptions, lookup: SharedLookup)]] = [:]

    /// The addresses of servers that the configuration gives by name.
    let places: FollowedNames
    private let settings: (dns: DNSSettings, consul: ConsulSettings)
    /// Finds hosts by this machine's own nameservers; `resolver` uses others where those are
    /// configured.
    let systemHosts: HostResolver
    /// The trouble with the hosts file that was logged last; nil for none.
    private var loggedTrouble: String?

    /// `asksConsul` tells that something besides the configuration's services asks Consul.
    ///
    /// - Throws: `StartFailure` for a file that can't be read.
    init(
        _ configuration: Configuration, asksConsul: Bool = false, on loop: EventLoop
    ) throws {
        self.loop = loop
        let dns = configuration.dns
        settings = (dns, configuration.consul)
        names = SystemNames(.init(resolvConf: dns.resolvConf), on: loop)
        if dns.servers.isEmpty, let failure = names.failure {
            throw StartFailure(
                description: "\(failure); name the nameservers with dns.servers or --dns")
        }
        resolver = Resolver(ResolverOptions(dns, names.resolvConf), on: loop)
        hosts = HostResolver(resolver) { [names] in names.rules }
        systemHosts =
            dns.servers.isEmpty
            ? hosts
            : HostResolver(
                Resolver(ResolverOptions(dns, names.resolvConf, ofSystem: true), on: loop)
            ) { [names] in names.rules }
        places = FollowedNames(
            HostFinder.find(configuration.followedHosts, names, dns), hosts: systemHosts, on: loop)
        agents = ConsulAgents(
            try ConsulOptions(
                configuration.consul,
                isUsed: asksConsul || configuration.usesConsul),
            on: loop)
        docker = DockerWatch(DockerOptions(configuration.docker), on: loop)
        updateServers()
    }

    /// Logs trouble with the hosts file, once each.
    private func logHostsTrouble(_ log: Log) {
        defer { loggedTrouble = names.hostsTrouble }
        guard let trouble = names.hostsTrouble, trouble != loggedTrouble else { return }
        log.write(
            .warning, "names.hosts_incomplete",
            ["cause": trouble, "effect": "names that only stand there are not found"])
    }

    /// Follows names and the machine's files from now on. `onChange` is called when a name has
    /// moved.
    func start(log: @escaping () -> Log, onChange: @escaping () -> Void) {
        logHostsTrouble(log())
        names.watch { [unowned self] in
            logHostsTrouble(log())
            systemHosts.resolver.setOptions(
                ResolverOptions(settings.dns, names.resolvConf, ofSystem: true))
            systemHosts.rulesChanged()
            guard systemHosts !== hosts else { return }
            hosts.rulesChanged()
        }
        places.start(log: log) { [unowned self] in
            updateServers()
            onChange()
        }
    }

    /// Gives the resolver and the agents their current addresses.
    private func updateServers() {
        let dns = settings.dns
        if dns.servers.contains(where: { $0.name != nil }) {
            var options = ResolverOptions(dns, names.resolvConf)
            options.servers = dns.servers.flatMap { places.endpoints(of: $0) }
            resolver.setOptions(options)
        }
        agents.setAgents(
            settings.consul.agents.flatMap { agent in
                places.targets(of: agent.place).map { ConsulAgentPlace($0, agent) }
            })
        let engine = docker.options.place
        docker.setTargets(
            places.targets(of: engine), missing: engine.name.flatMap { places.failure(of: $0.host) }
        )
    }

    /// Asks Consul and Docker's engine by the TLS of `configuration` from now on. One that does not
    /// use them any more has none: services that leave ask on as before.
    func setTLS(of configuration: Configuration) {
        if let client = configuration.consul.tls.client { agents.setTLS(client) }
        if let client = configuration.docker.client { docker.setTLS(client) }
    }

    /// The sources of `service`, in the order of fail-over.
    ///
    /// - Throws: `DomainNameError` for a name that DNS can't hold.
    func makeSources(_ service: Service) throws(DomainNameError) -> [any Source] {
        var sources: [any Source] = []
        for source in service.sources { sources.append(try make(source, service)) }
        return sources
    }

    private func make(
        _ source: Service.Source, _ service: Service
    ) throws(DomainNameError) -> any Source {
        let refresh = service.lookup.refresh
        let family = service.lookup.family
        switch source {
        case .srv(let name): return try srv(name, service)
        case .consul(let query, let fallback):
            let api = ConsulSource(
                query, agents: agents, refresh: refresh, resolver: resolver, family: family)
            guard let fallback else { return api }
            return FallbackSource(api, fallback: try srv(fallback, service))
        case .docker(let query):
            return DockerSource(query, docker, prefersV6: family == .ipv6First)
        case .file(let path):
            return FileSource(
                path: path, hosts: hosts, refresh: refresh, family: family, on: loop)
        case .backends(let backends):
            var entries: [StaticSource.Entry] = []
            for backend in backends { entries.append(try StaticSource.Entry(backend)) }
            return StaticSource(
                entries, hosts: hosts, refresh: refresh, family: family, on: loop)
        }
    }

    private func srv(
        _ name: String, _ service: Service
    ) throws(DomainNameError) -> any Source {
        let name = try DomainName(name)
        let options = service.lookup
        if let known = lookups[name]?.first(where: { $0.options == options }) {
            return SharedSource(known.lookup)
        }
        let lookup = SharedLookup("SRV \(name)") { [resolver, loop] in
            SRVSource(name, resolver: resolver, options: options, on: loop)
        } onIdle: { [weak self] in
            self?.lookups[name]?.removeAll { $0.options == options }
            if self?.lookups[name]?.isEmpty == true { self?.lookups[name] = nil }
        }
        lookups[name, default: []].append((options, lookup))
        return SharedSource(lookup)
    }
}

extension StaticSource.Entry {
    /// A backend that the configuration lists.
    ///
    /// - Throws: `DomainNameError` for a name that DNS can't hold.
    init(_ backend: Service.StaticBackend) throws(DomainNameError) {
        let host = backend.address.host
        let parsed: Host =
            if let address = IPAddress(host) {
                .address(address)
            } else {
                .name(try HostName(host))
            }
        self.init(
            parsed, port: backend.address.port, priority: backend.priority, weight: backend.weight)
    }
}

extension ResolverOptions {
    /// How names are looked up; by the nameservers of `system` when none are configured, or
    /// `ofSystem` is true. Nameservers that are given by name are left out.
    init(_ dns: DNSSettings, _ system: ResolvConf, ofSystem: Bool = false) {
        if dns.servers.isEmpty || ofSystem {
            self.init(servers: system.endpoints(), dns.queries, system: system)
        } else {
            let servers = dns.servers.compactMap { place -> Endpoint? in
                if case .endpoint(let endpoint) = place { endpoint } else { nil }
            }
            self.init(servers: servers, dns.queries)
        }
    }
}

extension Configuration {
    /// The hosts to follow: nameservers, agents, the engine and the collector.
    var followedHosts: Set<String> {
        let apis = (consul.agents + [docker.host]).compactMap(\.place.name)
        let names = (dns.servers + [statsd.to].compactMap(\.self)).compactMap(\.name) + apis
        return Set(names.map(\.host))
    }
}

extension ConsulOptions {
    /// How Consul's agents are asked.
    ///
    /// It has no agents yet. Where Consul is not used, the token's file may belong to another
    /// program and may be missing.
    ///
    /// - Throws: `StartFailure` when the token's file can't be read or holds no token.
    init(_ consul: ConsulSettings, isUsed: Bool) throws {
        let token = isUsed ? try consul.readToken() : (try? consul.readToken()) ?? nil
        self.init(agents: [], token: token, tls: consul.tls.client, consul.policy)
    }
}

extension ConsulAgentPlace {
    /// The agent that is written as `agent`, at `target`.
    init(_ target: Target, _ agent: RegistryPlace) {
        self.init(target, name: agent.place.name, isSecure: agent.isSecure)
    }
}

extension DockerOptions {
    /// How Docker's engine is followed.
    init(_ docker: DockerSettings) {
        self.init(docker.host.place)
        tls = docker.client
        let mounts = try? NamedText.read(path: "/proc/self/mountinfo").text
        ownContainer = mounts.flatMap { OwnContainer.id(mountinfo: $0) }
    }
}

extension DockerSettings {
    /// How the engine is asked by TLS; nil: without. Its name is that of its certificate, unless
    /// options say otherwise.
    var client: TLSClientOptions? {
        guard var client = tls.client else { return nil }
        client.name = client.name ?? host.place.name.flatMap { TLSPeerName($0.host) }
        return client
    }
}

extension ConsulSettings {
    /// The token that agents are sent; nil for none. Reads its file, if it has one.
    ///
    /// - Throws: `StartFailure` when that can't be read or holds no token.
    func readToken() throws -> ConsulToken? {
        guard let path = tokenFile else { return token.flatMap { ConsulToken($0) } }
        let found: ConsulToken?
        do throws(FileTextError) {
            found = ConsulToken(try NamedText.read(path: path).text)
        } catch {
            throw StartFailure(description: "consul.token-file: \(path) \(error.text)")
        }
        guard let found else {
            throw StartFailure(
                description: "consul.token-file: \(path) holds no token: a line of visible ASCII")
        }
        return found
    }
}
