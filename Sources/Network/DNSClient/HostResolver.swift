// HostResolver: the addresses of a host that somebody has written down, found as libc finds them,
// so that a name which works beside Fairlead works in it: `localhost` is this machine, then
// /etc/hosts, then DNS with the search list of resolv.conf. (getaddrinfo(3) itself would block the
// thread.)
//
// | a name of the search list             | what follows                                             |
// |---------------------------------------|----------------------------------------------------------|
// | has addresses                         | they are the host's                                      |
// | is denied (NXDOMAIN, NODATA)          | the next one is asked for                                |
// | SERVFAIL, REFUSED or another code     | the same, unless the host was found under this name last |
// | no answer, or one that can't be read  | the host is not found, and what was known may stand      |
//
// libc does so too, except for this: a server's bad moment must not lead traffic to a host that has
// the same short name in another domain.

package import DNSWire
package import Endpoints
internal import Events

/// What stands between a written name and DNS. Value type, any thread.
package struct NameRules: Sendable {
    /// Names that need no DNS.
    package var hosts = HostsFile()
    /// How short names are completed.
    package var search = SearchList()

    /// No hosts, no search list.
    package init() {}
}

/// Finds hosts. Loop thread only.
package final class HostResolver {
    /// Where DNS is asked.
    package let resolver: Resolver
    private let rules: () -> NameRules
    /// The full name under which each host was found last.
    private var fullNames: [HostName: DomainName] = [:]
    private var followers: [ObjectIdentifier: () -> Void] = [:]

    /// Hosts that are remembered; more than any configuration names.
    private static let fullNamesMax = 10_000

    /// Asks DNS by `resolver`. `rules` is asked for with each host.
    package init(_ resolver: Resolver, rules: @escaping () -> NameRules = { NameRules() }) {
        self.resolver = resolver
        self.rules = rules
    }

    /// Finds the addresses of `host` and calls `completion` once, from the loop and never before
    /// this returns.
    ///
    /// - Parameter family: Which addresses are wanted: a host that /etc/hosts has none of is asked
    ///   of DNS.
    /// - Returns: A handle to cancel it with; the lookup goes on without it.
    @discardableResult
    package func resolve(
        _ host: HostName, _ family: AddressFamily = .both,
        completion: @escaping (HostAnswer) -> Void
    ) -> PendingHost {
        PendingHost(host, family, rules(), with: self, completion: completion)
    }

    /// Calls `call` whenever the rules change, until `unfollow(owner)`. `owner` is not kept.
    package func follow(_ owner: AnyObject, _ call: @escaping () -> Void) {
        followers[ObjectIdentifier(owner)] = call
    }

    /// Calls no more for `owner`; harmless when it does not follow.
    package func unfollow(_ owner: AnyObject) {
        followers[ObjectIdentifier(owner)] = nil
    }

    /// The rules or the servers have changed.
    package func rulesChanged() {
        for call in Array(followers.values) { call() }
    }

    /// Whether `host` was found under `name` last.
    fileprivate func isKnown(_ host: HostName, as name: DomainName) -> Bool {
        fullNames[host] == name
    }

    fileprivate func remember(_ host: HostName, foundAs name: DomainName) {
        if fullNames.count >= Self.fullNamesMax { fullNames = [:] }
        fullNames[host] = name
    }
}

/// What the lookup of a host came to. Value type, any thread.
package struct HostAnswer: Sendable {
    /// Where the addresses were known.
    package enum Origin: Sendable, Equatable {
        /// `localhost`: no server was asked.
        case thisMachine
        case hostsFile
        case dns
    }

    /// Which host.
    package let host: HostName
    /// Of the families asked for, without duplicates, IPv4 first when they are from DNS; may be
    /// empty.
    package let addresses: [IPAddress]
    /// Where the addresses are from, or that there are none.
    package let origin: Origin
    /// How long they hold; nil when no time was given. Those that need no DNS hold until the rules
    /// change.
    package let timeToLive: Duration?
    /// Whether nothing failed: if something did, an address may be missing and still exist.
    package let isComplete: Bool
    /// The names that DNS was asked for, and what each came to; empty when it was not asked.
    package let tried: [AddressAnswer]

    /// Every answer of DNS that led here.
    package var answers: [DNSAnswer] { tried.flatMap(\.answers) }

    /// The outcome that says most about why there are no addresses; nil when there are some.
    package var failure: DNSOutcome? {
        guard addresses.isEmpty else { return nil }
        return tried.compactMap(\.failure).max { $0.saysLess(than: $1) }
    }

    /// Why there are no addresses, as a sentence part: each name that was tried, and where. Empty
    /// when there are some.
    package var reason: String {
        guard addresses.isEmpty else { return "" }
        let names = tried.map { answer in
            "\(answer.name): \(answer.failure.map { "\($0)" } ?? "no address that is wanted")"
        }
        return "\(host) is not in /etc/hosts; of DNS, \(names.joined(separator: "; "))"
    }
}

/// The lookup of a host under way. Loop thread only.
package final class PendingHost {
    private let host: HostName
    private let family: AddressFamily
    private weak var hosts: HostResolver?
    private var candidates: ArraySlice<DomainName> = []
    private var tried: [AddressAnswer] = []
    private var lookup: PendingAddresses?
    private var completion: ((HostAnswer) -> Void)?
    private var timer: Timer?

    /// How long addresses hold that need no DNS: a change of them is reported.
    private static let localTimeToLive = Duration.seconds(3600)

    fileprivate init(
        _ host: HostName, _ family: AddressFamily, _ rules: NameRules, with hosts: HostResolver,
        completion: @escaping (HostAnswer) -> Void
    ) {
        self.host = host
        self.family = family
        self.hosts = hosts
        self.completion = completion
        if host.isLocalhost {
            finishSoon(.thisMachine, [.loopback, .v6(0, 1)], on: hosts.resolver.loop)
            return
        }
        let written = family.choose(from: rules.hosts.addresses(of: host))
        guard written.isEmpty else {
            finishSoon(.hostsFile, written, on: hosts.resolver.loop)
            return
        }
        candidates = rules.search.candidates(for: host)[...]
        askNext()
    }

    /// Drops it: the completion is not called any more. Harmless when repeated.
    package func cancel() {
        completion = nil
        timer?.cancel()
        timer = nil
        lookup?.cancel()
        lookup = nil
    }

    /// The closure keeps this object until it has finished, and finishing drops it.
    private func finishSoon(
        _ origin: HostAnswer.Origin, _ addresses: [IPAddress], on loop: EventLoop
    ) {
        timer = Timer(on: loop) { [self] in
            finish(
                HostAnswer(
                    host: host, addresses: family.choose(from: addresses), origin: origin,
                    timeToLive: Self.localTimeToLive, isComplete: true, tried: []))
        }
        timer?.schedule(after: .zero)
    }

    private func askNext() {
        guard let hosts, let name = candidates.popFirst() else { return }
        lookup = hosts.resolver.resolveAddresses(name, family) { [self] in handle($0) }
    }

    private func handle(_ answer: AddressAnswer) {
        lookup = nil
        tried.append(answer)
        if !answer.addresses.isEmpty {
            hosts?.remember(host, foundAs: answer.name)
        } else if !candidates.isEmpty, mayGoOn(after: answer) {
            return askNext()
        }
        finish(
            HostAnswer(
                host: host, addresses: answer.addresses, origin: .dns,
                timeToLive: answer.timeToLive,
                isComplete: answer.addresses.isEmpty
                    ? tried.allSatisfy(\.isComplete) : answer.isComplete,
                tried: tried))
    }

    private func mayGoOn(after answer: AddressAnswer) -> Bool {
        switch answer.failure {
        case .servfail, .refused, .otherCode:
            !(hosts?.isKnown(host, as: answer.name) ?? false)
        case nil, .records, .partial, .nodata, .nxdomain: true
        case .timeout, .malformed, .unreachable, .noServers, .overloaded: false
        }
    }

    private func finish(_ answer: HostAnswer) {
        let completion = completion
        cancel()
        completion?(answer)
    }
}
