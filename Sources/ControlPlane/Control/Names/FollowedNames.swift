// FollowedNames: the addresses of nameservers, Consul agents, Docker's engine and collectors that
// the configuration gives by name. A container gets another address when it is recreated, so each
// name is looked up again after its time to live, and after 5 s at the latest, whether or not
// anything fails.

internal import Backends
internal import Configuration
internal import DNSClient
internal import DNSWire
internal import Endpoints
internal import Events
internal import InstanceSources
internal import Lookups

/// The addresses of a few names, kept up to date. Control thread only.
final class FollowedNames {
    /// What is known about one name.
    private struct Followed {
        var addresses: [IPAddress]
        /// Why the last lookup failed; nil while lookups work.
        var failure: String?
        var source: StaticSource?
    }

    /// How long a new address may go unnoticed.
    private static let ceiling = Duration.seconds(5)

    private var names: [String: Followed] = [:]
    private let hosts: HostResolver
    private unowned let loop: EventLoop

    /// `found` has the result of each name's first lookup; `hosts` does the later ones.
    init(
        _ found: [String: Result<[IPAddress], NoSuchHost>], hosts: HostResolver,
        on loop: EventLoop
    ) {
        self.hosts = hosts
        self.loop = loop
        names = found.mapValues { result in
            switch result {
            case .success(let addresses): Followed(addresses: addresses)
            case .failure(let why): Followed(addresses: [], failure: why.text)
            }
        }
    }

    /// Where the host and port of `name` are now, IPv4 first; empty while that is not known.
    func endpoints(of name: HostAndPort) -> [Endpoint] {
        (names[name.host]?.addresses ?? []).map { Endpoint($0, name.port) }
    }

    /// Where `place` is now: an address is where it says, a name where it was last found.
    func endpoints(of place: Place) -> [Endpoint] {
        switch place {
        case .endpoint(let endpoint): [endpoint]
        case .name(let name): endpoints(of: name)
        }
    }

    /// Where `place` is now; empty while that is not known.
    func targets(of place: TargetPlace) -> [Target] {
        switch place {
        case .target(let target): [target]
        case .name(let name): endpoints(of: name).map { .endpoint($0) }
        }
    }

    /// Why the last lookup of a host failed; nil while lookups work.
    func failure(of host: String) -> String? { names[host]?.failure }

    /// Looks the names up again and again, and calls `onChange` when one of them has moved. Logs
    /// names that can't be found, and those that are found again.
    func start(log: @escaping () -> Log, onChange: @escaping () -> Void) {
        for (host, known) in names {
            if let failure = known.failure { Self.logNotFound(host, failure, log()) }
            guard let name = try? HostName(host) else { continue }
            var refresh = RefreshSchedule.Options()
            refresh.ceiling = Self.ceiling
            // The port is unused: only the addresses are wanted.
            let entry = StaticSource.Entry(.name(name), port: 1, priority: 0, weight: 1)
            let source = StaticSource(
                [entry], hosts: hosts, refresh: refresh, family: .both, on: loop)
            names[host]?.source = source
            source.start { [unowned self] answer in
                update(answer, of: host, log: log, onChange: onChange)
            }
        }
    }

    /// Stops looking names up.
    func stop() {
        for followed in names.values { followed.source?.stop() }
    }

    private func update(
        _ answer: DiscoveryAnswer, of host: String, log: () -> Log, onChange: () -> Void
    ) {
        guard let before = names[host] else { return }
        switch answer {
        case .failure(let failure):
            // The addresses known so far may still be right.
            names[host]?.failure = "\(failure)"
            if before.failure == nil { Self.logNotFound(host, "\(failure)", log()) }
        case .instances(let instances):
            let addresses = instances.map(\.endpoint.address)
            names[host]?.failure = nil
            guard addresses != before.addresses || before.failure != nil else { return }
            names[host]?.addresses = addresses
            log().write(
                .info, "name.found",
                [
                    "name": host,
                    "addresses": addresses.map { "\($0)" }.joined(separator: ","),
                ])
            if addresses != before.addresses { onChange() }
        }
    }

    private static func logNotFound(_ host: String, _ why: String, _ log: Log) {
        log.write(
            .warning, "name.not_found",
            [
                "name": host, "cause": why,
                "effect": "it is looked up again and again; check the name, or give an address",
            ])
    }
}
