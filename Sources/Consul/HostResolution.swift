// HostResolution: the addresses of all instances of one answer that have a host name, found before
// any of them is reported.

internal import Backends
internal import DNSClient
internal import DNSWire
internal import Endpoints

/// Lookups under way for one answer. Loop thread only.
final class HostResolution {
    /// What came of it.
    struct Result {
        var instances: [Instance] = []
        /// By name, for the next answer.
        var addresses: [DomainName: [IPAddress]] = [:]
        /// Instances whose name has no address, or is no name.
        var unresolved = 0
    }

    private let named: [(HealthAnswer.Named, name: DomainName?)]
    private let known: [DomainName: [IPAddress]]
    private var found: [DomainName: [IPAddress]] = [:]
    private var waiting = 0
    private var lookups: [PendingAddresses] = []
    private var completion: ((Result) -> Void)?

    /// Resolves each name once, and calls `completion` once, unless cancelled before: at once when
    /// none of the names can be asked for, else from the loop.
    init(
        _ named: [HealthAnswer.Named], known: [DomainName: [IPAddress]], with resolver: Resolver,
        completion: @escaping (Result) -> Void
    ) {
        self.named = named.map { ($0, name: try? DomainName($0.host)) }
        self.known = known
        self.completion = completion
        let names = Set(self.named.compactMap(\.name))
        waiting = names.count
        if names.isEmpty { finish() }
        // The resolver bounds how many of these are under way at once.
        lookups = names.map { name in
            resolver.resolveAddresses(name) { [weak self] in self?.hear($0) }
        }
    }

    /// Drops it; harmless when it has ended.
    func cancel() {
        completion = nil
        for lookup in lookups { lookup.cancel() }
        lookups = []
    }

    private func hear(_ answer: AddressAnswer) {
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
            // A host with addresses of both families is one instance, at its IPv4 address, which
            // comes first: two would get it twice its share.
            if let name, let address = found[name]?.first {
                result.instances.append(named.instance(at: address))
            } else {
                result.unresolved += 1
            }
        }
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}
