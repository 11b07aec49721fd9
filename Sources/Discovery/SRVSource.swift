// SRVSource: the instances that a DNS name has in SRV records (RFC 2782).
//
// One lookup asks for the SRV records and then, only for targets that came without an address, for
// A and AAAA. The answer is reported when all of it is known. An address that could not be found
// out because a server failed is the one known before: an error never shrinks the set.

package import Backends
package import DNSClient
package import DNSWire
internal import Endpoints
package import Events

/// A source that asks for SRV records. Control thread only.
package final class SRVSource: Source {
    /// `SRV` and the name.
    package let summary: String
    private let name: DomainName
    private let resolver: Resolver
    private var lookups: LookupTimer?
    private var listener: ((DiscoveryAnswer) -> Void)?
    /// The question for the SRV records, while it is under way.
    private var question: PendingQuestion?
    /// The questions for addresses of the lookup under way.
    private var resolutions: [PendingAddresses] = []
    /// What targets resolved to last.
    private var knownAddresses: [DomainName: [IPAddress]] = [:]
    /// The instances reported last, for answers that are known to be a part.
    private var lastInstances: [Instance] = []

    /// A source for the SRV records of `name`, asked through `resolver`.
    package init(
        _ name: DomainName, resolver: Resolver, refresh: RefreshSchedule.Options, on loop: EventLoop
    ) {
        self.name = name
        self.resolver = resolver
        summary = "SRV \(name)"
        lookups = LookupTimer(refresh, on: loop) { [unowned self] in ask() }
    }

    /// Asks at once, and again whenever the schedule says so.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
        ask()
    }

    /// Cancels the questions under way and asks no more.
    package func stop() {
        listener = nil
        lookups?.stop()
        question?.cancel()
        for resolution in resolutions { resolution.cancel() }
        resolutions = []
    }

    private func ask() {
        question = resolver.ask(name, .srv) { [weak self] in self?.hear($0) }
    }

    private func hear(_ answer: DNSAnswer) {
        question = nil
        switch answer.outcome {
        case .records(let message):
            complete(SRVRecords(message), isPart: false)
        case .partial(let message):
            complete(SRVRecords(message), isPart: true)
        case .nodata, .nxdomain, .servfail, .refused, .otherCode, .timeout, .malformed,
            .unreachable, .noServers, .overloaded:
            report(.failure(DiscoveryFailure(answer.outcome) ?? .nodata), timeToLive: nil)
        }
    }

    // MARK: - Addresses

    /// Asks for the addresses that `records` leave open, then reports.
    private func complete(_ records: SRVRecords, isPart: Bool) {
        let open = records.openTargets
        guard !open.isEmpty else {
            finish(records, isPart: isPart)
            return
        }
        var records = records
        var waiting = open.count
        // The resolver bounds how many of these are under way at once.
        resolutions = open.map { target in
            resolver.resolveAddresses(target) { [weak self] answer in
                guard let self else { return }
                let seconds = answer.timeToLive.map { UInt32(clamping: $0.components.seconds) }
                let found =
                    answer.addresses.isEmpty && !answer.isComplete
                    ? knownAddresses[target] ?? [] : answer.addresses
                records.resolve(target, to: found, ttlSeconds: seconds)
                waiting -= 1
                if waiting == 0 { finish(records, isPart: isPart) }
            }
        }
    }

    private func finish(_ records: SRVRecords, isPart: Bool) {
        resolutions = []
        knownAddresses = records.addresses.mapValues(\.addresses)
        var instances = records.instances
        if isPart {
            // The server says that there are more: those it named last are still believed.
            let named = Set(instances.map(\.endpoint))
            instances += lastInstances.filter { !named.contains($0.endpoint) }
        }
        // Records without any usable target (`.` says so on purpose) name no instance.
        guard !instances.isEmpty else {
            report(.failure(.nodata), timeToLive: nil)
            return
        }
        lastInstances = instances
        report(.instances(instances), timeToLive: records.timeToLive)
    }

    private func report(_ answer: DiscoveryAnswer, timeToLive: Duration?) {
        switch answer {
        case .instances: lookups?.lookupAnswered(timeToLive: timeToLive)
        case .failure: lookups?.lookupFailed()
        }
        listener?(answer)
    }
}
