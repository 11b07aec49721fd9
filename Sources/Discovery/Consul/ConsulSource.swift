// ConsulSource: the instances that Consul's catalogue has of a service, with their health, as soon
// as they change.
//
// An answer is reported whole: when all that it names is resolved. An instance whose address is a
// host name (an external service) is asked of DNS with every answer, so at least once within each
// wait; when a server fails, the addresses known before stand, as for SRV targets.
//
// Instances of another datacentre have addresses of their own for those. Which datacentre is
// another one is known from the agent (`/v1/agent/self`, for which a token needs `agent:read`), and
// asked only when the question may lead out of it. While it is not known, all instances count as
// near, as in Consul's own answers.

package import Backends
package import ConsulQuery
package import DNSClient
package import DNSWire
internal import Endpoints
package import InstanceSources
internal import JSON
package import Lookups

/// A source that asks Consul's HTTP API. Control thread only.
package final class ConsulSource: Source {
    /// `Consul`, the query, and which health is asked for: `Consul web?dc=dc2 (passing)`.
    package let summary: String
    /// Entries of the last good answer that are left out: what can't be read, and healthy ones that
    /// can't be connected to, since they have port 0 or a host name that does not resolve.
    package private(set) var findings = SourceFindings()
    /// Why there is no good answer now, in Consul's words; nil while there is.
    package private(set) var lastFailure: ConsulFailure?

    private let query: ConsulServiceQuery
    /// Path and query of what is asked.
    private let target: String
    private let agents: ConsulAgents
    private let resolver: Resolver?
    private let family: AddressFamily
    private var watch: ConsulWatch?
    private var listener: ((DiscoveryAnswer) -> Void)?
    /// Counts answers, so that what is found out late about an old one is dropped.
    private var generation = 0
    private var resolution: HostResolution?
    /// What host names resolved to last.
    private var knownAddresses: [DomainName: [IPAddress]] = [:]

    /// A source for what `query` asks.
    ///
    /// - Parameters:
    ///   - refresh: when a prepared query is asked again, which can't be waited on: at the floor.
    ///   - resolver: finds the addresses of instances that have a host name; nil leaves those out
    ///     as unusable.
    ///   - family: which addresses of a host name are instances.
    package init(
        _ query: ConsulServiceQuery, agents: ConsulAgents, refresh: RefreshSchedule.Options,
        resolver: Resolver?, family: AddressFamily = .ipv4First
    ) {
        self.family = family
        self.query = query
        self.agents = agents
        self.resolver = resolver
        summary = query.summary
        let repetition: ConsulWatch.Repetition
        switch query.subject {
        case .service: repetition = .blocking
        case .preparedQuery: repetition = .polling(RefreshSchedule(refresh))
        }
        target = query.requestTarget
        watch = ConsulWatch(
            target, of: agents, by: repetition
        ) { [unowned self] in handle($0) }
    }

    /// A service is waited on; a prepared query is only asked again.
    package var answersStand: Bool {
        if case .service = query.subject { true } else { false }
    }

    /// Asks at once, and reports every answer, whether something changed or not.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
        watch?.start()
    }

    /// Drops the questions under way and asks no more.
    package func stop() {
        listener = nil
        watch?.stop()
        dropWork()
    }

    // MARK: - Answers

    /// Handles an outcome. Returns whether it was an answer that can be read.
    private func handle(_ outcome: ConsulOutcome) -> Bool {
        dropWork()
        switch outcome {
        case .failed(let failure):
            fail(failure)
            return false
        case .answer(let answer) where answer.status != 200:
            fail(.status(answer.status, ""), answer.agent)
            return false
        case .answer(let answer):
            do throws(JSON.Malformed) {
                let health = try read(answer.body)
                accept(
                    health,
                    doubt: answer.doubt.map { agents.located($0, at: answer.agent, target) })
                // An answer that ACLs hide has an index to wait from like any other; an answer of a
                // server without a leader is asked for again.
                return !health.items.isEmpty || answer.knowsLeader
            } catch {
                fail(
                    agents.recordMalformedJSON(error.reason, from: answer.agent), answer.agent)
                return false
            }
        }
    }

    private func read(_ body: [UInt8]) throws(JSON.Malformed) -> HealthAnswer {
        switch query.subject {
        case .service: try HealthAnswer(service: body, passingOnly: query.isPassingOnly)
        case .preparedQuery: try HealthAnswer(preparedQuery: body)
        }
    }

    private func accept(_ answer: HealthAnswer, doubt: ConsulFailure?) {
        // What the agents' own datacentre is matters only where another one may be meant.
        let mayBeElsewhere =
            query.datacenter != nil || query.isPreparedQuery
        guard mayBeElsewhere, answer.dependsOnDatacenter else {
            return resolve(answer, ownDatacenter: nil, doubt: doubt)
        }
        let current = generation
        agents.findDatacenter { [weak self] own in
            guard let self, generation == current else { return }
            resolve(answer, ownDatacenter: own, doubt: doubt)
        }
    }

    private func resolve(_ answer: HealthAnswer, ownDatacenter: String?, doubt: ConsulFailure?) {
        let (instances, named, omissions) = answer.sorted(ownDatacenter: ownDatacenter)
        findings.omissions = omissions
        findings.critical = answer.critical
        findings.withdrawn = answer.withdrawn
        guard !named.isEmpty else {
            knownAddresses = [:]
            return report(instances, doubt: doubt)
        }
        guard let resolver else {
            for host in named.map(\.host) {
                findings.omissions.add("\(host): host names are not looked up here")
            }
            return report(instances, doubt: doubt)
        }
        resolution = HostResolution(
            named, known: knownAddresses, family: family, with: resolver
        ) { [weak self] result in
            guard let self else { return }
            resolution = nil
            knownAddresses = result.addresses
            findings.omissions.add(result.omissions)
            report(instances + result.instances, doubt: doubt)
        }
    }

    private func report(_ instances: [Instance], doubt: ConsulFailure?) {
        guard instances.isEmpty else {
            lastFailure = nil
            listener?(.instances(instances))
            return
        }
        if let doubt { return fail(doubt) }
        lastFailure = nil
        listener?(.failure(.nodata))
    }

    private func fail(_ failure: ConsulFailure, _ agent: Int) {
        fail(agents.located(failure, at: agent, target))
    }

    private func fail(_ failure: ConsulFailure) {
        lastFailure = failure
        listener?(.failure(failure.discoveryFailure))
    }

    private func dropWork() {
        generation += 1
        resolution?.cancel()
        resolution = nil
    }
}

extension ConsulServiceQuery {
    /// How a source for the query is called: `Consul web?dc=dc2 (passing)`.
    fileprivate var summary: String {
        "Consul \(descriptionWithoutPassing)\(isPassingOnly ? " (passing)" : "")"
    }

    fileprivate var isPreparedQuery: Bool {
        switch subject {
        case .service: false
        case .preparedQuery: true
        }
    }
}
