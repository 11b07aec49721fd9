// HostResolution: the addresses of all instances of one answer that have a host name, found before
// any of them is reported.

internal import Backends
internal import DNSClient
internal import DNSWire
internal import Endpoints
internal import InstanceSources

/// Lookups under way for one answer. Loop thread only.
final class HostResolution {
    /// What came of it.
    struct Result {
        var instances: [Instance] = []
        /// By name, for the next answer.
        var addresses: [DomainName: [IPAddress]] = [:]
        /// Instances whose name has no address, or is no name, and addresses beyond the bound.
        var omissions = Omissions()
    }

    private let named: [(HealthAnswer.Named, name: DomainName?)]
    private let family: AddressFamily
    private let known: [DomainName: [IPAddress]]
    private var found: [DomainName: [IPAddress]] = [:]
    private var waiting = 0
    private var lookups: [PendingAddresses] = []
    private var completion: ((Result) -> Void)?

    /// Resolves each name once, and calls `completion` once, unless cancelled before: at once when
    /// none of the names can be asked for, else from the loop.
    ///
    /// - Parameter family: Which addresses of a name are instances.
    init(
        _ named: [HealthAnswer.Named], known: [DomainName: [IPAddress]], family: AddressFamily,
        with resolver: Resolver, completion: @escaping (Result) -> Void
    ) {
        self.named = named.map { ($0, name: try? DomainName($0.host)) }
        self.known = known
        self.family = family
        self.completion = completion
        let names = Set(self.named.compactMap(\.name))
        waiting = names.count
        if names.isEmpty { finish() }
        // The resolver bounds how many of these are under way at once.
        lookups = names.map { name in
            resolver.resolveAddresses(name, family) { [weak self] in self?.handle($0) }
        }
    }

    /// Drops it; harmless when it has ended.
    func cancel() {
        completion = nil
        for lookup in lookups { lookup.cancel() }
        lookups = []
    }

    private func handle(_ answer: AddressAnswer) {
        // A server that fails leaves what was known; one that denies the name does not.
        found[answer.name] =
            answer.addresses.isEmpty && !answer.isComplete
            ? known[answer.name] ?? [] : answer.addresses
        waiting -= 1
        if waiting == 0 { finish() }
    }

    private func finish() {
        var result = Result()
        result.addresses = found
        for (named, name) in named {
            let wanted = family.choose(from: name.flatMap { found[$0] } ?? [])
            // Of too many, the same ones are always kept, whatever the order of the answer.
            let used = wanted.count > SRVRecords.addressesMax ? wanted.sorted() : wanted
            let addresses = used.prefix(SRVRecords.addressesMax)
            result.instances += addresses.map {
                named.instance(at: $0, sharers: UInt16(addresses.count))
            }
            if addresses.isEmpty {
                result.omissions.add("\(named.host): it has no address")
            } else {
                result.omissions.add(
                    "\(named.host): it has \(wanted.count) addresses, \(addresses.count) are used",
                    count: wanted.count - addresses.count)
            }
        }
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}
