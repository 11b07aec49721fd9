// StaticSource: a list that the operator wrote down. Addresses are reported once; names are looked
// up as libc does (HostResolver), again and again, since a name is a name because its address may
// change; at once when /etc/hosts or resolv.conf has changed.

package import Backends
package import DNSClient
package import DNSWire
package import Endpoints
package import Events
package import Lookups

/// A source that reports a fixed list. Control thread only.
package final class StaticSource: DNSSource {
    /// One entry of the list.
    package struct Entry: Sendable {
        /// What the entry names.
        package enum Host: Sendable {
            case address(IPAddress)
            /// To be resolved; every address that is wanted is an instance.
            case name(HostName)
        }

        /// Where it is.
        package let host: Host
        /// 1 to 65535.
        package let port: UInt16
        /// The RFC 2782 priority.
        package let priority: UInt16
        /// The RFC 2782 weight.
        package let weight: UInt16
        /// Further keys and values.
        package let metadata: [String: String]

        /// An entry; weight and priority as in RFC 2782.
        package init(
            _ host: Host, port: UInt16, priority: UInt16, weight: UInt16,
            metadata: [String: String] = [:]
        ) {
            self.host = host
            self.port = port
            self.priority = priority
            self.weight = weight
            self.metadata = metadata
        }
    }

    /// How many entries the list has.
    package let summary: String
    /// Called with every answer that a lookup is made of; nil for no call.
    package var onAnswer: ((DNSAnswer) -> Void)?
    private let entries: [Entry]
    private let hosts: HostResolver
    private let family: AddressFamily
    private var lookups: LookupTimer?
    private var listener: ((DiscoveryAnswer) -> Void)?
    private var lookupsUnderWay: [PendingHost] = []
    private var knownAddresses: [HostName: [IPAddress]] = [:]
    private var rotations: [HostName: RotatingSet<IPAddress>] = [:]
    /// What is odd about the last answers; of several names that rotate, one is reported.
    package private(set) var findings = SourceFindings()

    /// A source for `entries`, whose names are looked up by `hosts`.
    /// - Parameter family: Which addresses of a name are instances: all of the first family that it
    ///   has, or all of both.
    package init(
        _ entries: [Entry], hosts: HostResolver, refresh: RefreshSchedule.Options,
        family: AddressFamily = .ipv4First, on loop: EventLoop
    ) {
        self.entries = entries
        self.family = family
        self.hosts = hosts
        summary = "a fixed list of \(entries.count)"
        lookups = LookupTimer(refresh, on: loop) { [unowned self] in ask() }
    }

    /// Reports a list of addresses before it returns; one with names when all of them are resolved.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
        if !names.isEmpty {
            hosts.follow(self) { [weak self] in
                guard let self else { return }
                cancelLookups()
                lookups?.lookupBegins()
                ask()
            }
        }
        lookups?.lookupBegins()
        ask()
    }

    /// When names are looked up again; nil while they are, and for addresses, which never are.
    package var nextAsk: ContinuousClock.Instant? { lookups?.nextLookup }

    /// Cancels the lookups under way and makes no more.
    package func stop() {
        listener = nil
        lookups?.stop()
        hosts.unfollow(self)
        cancelLookups()
    }

    private func cancelLookups() {
        for lookup in lookupsUnderWay { lookup.cancel() }
        lookupsUnderWay = []
    }

    private var names: Set<HostName> {
        Set(entries.compactMap { if case .name(let name) = $0.host { name } else { nil } })
    }

    private func ask() {
        let names = names
        guard !names.isEmpty else {
            listener?(.instances(instances))
            return
        }
        var waiting = names.count
        var shortest: Duration?
        var failure: HostAnswer?
        var wasGivenUp = false
        var omissions = Omissions()
        lookupsUnderWay = names.map { name in
            hosts.resolve(name, family) { [weak self] answer in
                guard let self else { return }
                for answer in answer.answers { onAnswer?(answer) }
                if answer.addresses.isEmpty {
                    // A server that fails leaves what was known; one that denies the name does not.
                    failure = answer
                    if answer.isComplete { knownAddresses[name] = [] }
                } else {
                    knownAddresses[name] = gather(answer)
                }
                for message in answer.answers.compactMap(\.message) {
                    omissions.add(Omissions(unreadableIn: message))
                }
                shortest = [shortest, answer.timeToLive].compactMap(\.self).min()
                waiting -= 1
                wasGivenUp = wasGivenUp || answer.answers.contains(where: \.wasGivenUp)
                guard waiting == 0 else { return }
                findings.omissions = omissions
                finish(timeToLive: shortest, failure: failure)
                if wasGivenUp { lookups?.lookupGivenUp(by: hosts.resolver) }
            }
        }
    }

    /// The addresses to believe in after an answer: those that it names, and with a server that
    /// names others each time, those that it named before.
    private func gather(_ answer: HostAnswer) -> [IPAddress] {
        guard answer.origin == .dns else { return answer.addresses }
        let named = family.choose(from: answer.addresses)
        var rotation = rotations[answer.host] ?? RotatingSet()
        let believed = rotation.add(
            named, size: named.count, isPart: answer.tried.contains(where: \.isPart))
        rotations[answer.host] = rotation
        findings.rotation = rotations.values.lazy.compactMap { SourceFindings.Rotation($0) }.first
        return believed
    }

    private func finish(timeToLive: Duration?, failure: HostAnswer?) {
        lookupsUnderWay = []
        if failure == nil {
            lookups?.lookupAnswered(timeToLive: timeToLive)
        } else {
            lookups?.lookupFailed()
        }
        let instances = instances
        if instances.isEmpty {
            listener?(.failure(DiscoveryFailure(failure)))
        } else {
            listener?(.instances(instances))
        }
    }

    private var instances: [Instance] {
        entries.flatMap { entry in
            switch entry.host {
            case .address(let address):
                [instance(entry, at: address, named: nil)]
            case .name(let name):
                family.choose(from: knownAddresses[name] ?? []).map {
                    instance(entry, at: $0, named: name)
                }
            }
        }
    }

    private func instance(_ entry: Entry, at address: IPAddress, named name: HostName?)
        -> Instance
    {
        Instance(
            Endpoint(address, entry.port), priority: entry.priority, weight: entry.weight,
            hostName: name?.name.hostName ?? "", metadata: entry.metadata)
    }
}
