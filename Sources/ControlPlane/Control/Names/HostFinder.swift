// HostFinder: looks up names that are needed before the program can go on: those to listen on, and
// those of nameservers, Consul agents and collectors. Blocks for a bounded time. Asks this
// machine's own nameservers, since dns.servers may be what is looked for.

package import Configuration
internal import DNSClient
internal import DNSWire
package import Endpoints
internal import Events
internal import InstanceSources
internal import Locking

/// Looks hosts up and waits for the answers. Control thread, and at the start.
package enum HostFinder {
    /// How long all lookups may take together.
    static let limit = Duration.seconds(5)

    /// The addresses of each host that has some, and why the others have none.
    static func find(
        _ hosts: Set<String>, _ names: SystemNames, _ dns: DNSSettings
    ) -> [String: Result<[IPAddress], NoSuchHost>] {
        var found: [String: Result<[IPAddress], NoSuchHost>] = [:]
        guard !hosts.isEmpty else { return found }
        let loop = EventLoop()
        let servers = names.resolvConf.endpoints()
        let resolver = HostResolver(
            Resolver(ResolverOptions(dns, names.resolvConf, ofSystem: true), on: loop)
        ) { names.rules }
        defer { resolver.resolver.close() }
        var waiting = hosts.count
        for host in hosts {
            do throws(DomainNameError) {
                let name = try HostName(host)
                resolver.resolve(name) { answer in
                    found[host] =
                        answer.addresses.isEmpty
                        ? .failure(NoSuchHost(answer.reason)) : .success(answer.addresses)
                    waiting -= 1
                }
            } catch {
                found[host] = .failure(NoSuchHost("\(error)"))
                waiting -= 1
            }
        }
        let timer = Timer(on: loop) {}
        timer.schedule(after: limit)
        while waiting > 0, timer.isScheduled { loop.runOnce(waiting: true) }
        let asked = servers.map { "\($0)" }.joined(separator: ", ")
        for host in hosts where found[host] == nil {
            found[host] = .failure(
                NoSuchHost(
                    "\(host) is not in /etc/hosts, and \(asked) did not answer within 5 s"))
        }
        return found
    }

    /// The addresses of `host`, at least one, by the hosts file and the nameservers of this
    /// machine. Blocks for up to 5 s.
    package static func find(_ host: String) -> Result<[IPAddress], NoSuchHost> {
        let dns = DNSSettings()
        return find([host], SystemNames(.init(resolvConf: dns.resolvConf), on: EventLoop()), dns)[
            host]
            ?? .failure(NoSuchHost("it was not looked up"))
    }

    // MARK: - Names to listen on

    /// Names are looked up once, since listeners don't move.
    private static let listened = Locked<[String: [IPAddress]]>([:])

    /// The addresses of `host` that this machine has, each once.
    package static func findOwn(_ host: String) -> Result<[IPAddress], NoSuchHost> {
        if let known = listened.withLock({ $0[host] }) { return .success(known) }
        switch find(host) {
        case .success(let addresses):
            let own = addresses.filter(isOwn)
            guard !own.isEmpty else {
                let all = addresses.map { "\($0)" }.joined(separator: " and ")
                return .failure(
                    NoSuchHost(
                        "it is \(all), which this machine does not have; expected a name or an "
                            + "address of its own, or :PORT for all of them"))
            }
            listened.withLock { $0[host] = own }
            return .success(own)
        case .failure(let why):
            return .failure(
                NoSuchHost(
                    "\(why.text); expected an address of this machine, such as 127.0.0.1, or :PORT "
                        + "for all of them"))
        }
    }

    /// Whether this machine can listen on it: the address is its own, of a family that it supports.
    private static func isOwn(_ address: IPAddress) -> Bool {
        do throws(Errno) {
            try Socket.checkFree(Endpoint(address, 0))
            return true
        } catch {
            return false
        }
    }
}
