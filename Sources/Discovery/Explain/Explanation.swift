// Explanation: one lookup of a name, against every nameserver, and what Fairlead makes of it. Made
// of what a real source heard, so that it says what the program does and not what it should do; as
// text for people (ExplanationText) and as JSON for programs (ExplanationJSON).

package import Backends
package import DNSClient
internal import DNSWire
package import Endpoints
package import InstanceSources
package import Lookups
internal import Wording

/// What one lookup came to. Value type, any thread.
package struct Explanation: Sendable {
    /// What was looked up.
    package struct Subject: Sendable {
        /// What is asked, such as `SRV _web._tcp.service.consul.`.
        package var summary: String
        /// The name of the service whose options were used; nil for a bare name and the defaults.
        package var service: String?
        /// Whether instances are made of the answers. False for a type of record that Fairlead
        /// never asks for by itself.
        package var makesInstances: Bool
        /// When it would be asked again.
        package var refresh: RefreshSchedule.Options
        /// How answers are judged.
        package var roster: RosterOptions
        /// The kind of server that is asked.
        package var asked = Asked.nameservers

        /// The kinds of server that are asked about a subject.
        package enum Asked: Sendable, Equatable {
            case nameservers
            /// Of Consul.
            case agents
            /// Of Docker, whose whole lists are asked for so often.
            case engines(every: Duration)
            /// A file says it.
            case nobody
        }

        /// A name with the default options.
        package init(_ summary: String) {
            self.summary = summary
            makesInstances = true
            refresh = RefreshSchedule.Options()
            roster = RosterOptions()
        }
    }

    /// What one nameserver said, or one agent.
    package struct Server: Sendable {
        /// Where it is.
        package let name: String
        /// How it behaved; nothing is known of an agent.
        package var status: ServerStatus
        /// Further remarks about it, a line each.
        package var notes: [String] = []
        /// The addresses of a name that has no SRV records.
        package var addressesInstead: [IPAddress] = []
        /// Every answer, in the order in which they came.
        package var answers: [DNSAnswer]
        /// What the source made of them; nil for no instances to make, or no end in time.
        package var result: DiscoveryAnswer?
        /// The answers to one question asked several times, the first of them as in `answers`;
        /// empty when it was asked once.
        package var samples: [DNSAnswer]
        /// What became of answers that looked cut.
        package var partialAnswers: PartialAnswerGuard.Counters
        /// Hosts of one address each that Docker Swarm hides tasks behind, and how many.
        package var tasks: [String: Int] = [:]
        /// Instances that can be no backends, since they are Fairlead itself; each as a sentence.
        package var leftOut: [String] = []

        /// What was heard of the server of `status`.
        package init(
            _ status: ServerStatus, answers: [DNSAnswer], result: DiscoveryAnswer?,
            samples: [DNSAnswer] = [], partialAnswers: PartialAnswerGuard.Counters = .init()
        ) {
            name = "\(status.endpoint)"
            self.status = status
            self.answers = answers
            self.result = result
            self.samples = samples
            self.partialAnswers = partialAnswers
        }

        /// What `name`, which is no nameserver, was found to say.
        package init(named name: String, result: DiscoveryAnswer?, notes: [String] = []) {
            self.name = name
            status = ServerStatus(Endpoint(.any, 0))
            answers = []
            samples = []
            self.result = result
            partialAnswers = .init()
            self.notes = notes
        }

        /// Its instances; empty after a failure.
        package var instances: [Instance] {
            guard case .instances(let instances) = result else { return [] }
            return instances
        }

        /// Whether the question had records, under its own name or one that it is an alias of;
        /// instances or not.
        package var hasRecords: Bool {
            guard let type = answers.first?.question.type else { return false }
            return answers.contains { $0.question.type == type && $0.outcome.hasRecords }
        }
    }

    /// A backend and its part of the traffic.
    package struct Share: Sendable, Equatable {
        /// Where it is.
        package let endpoint: Endpoint
        /// The name that it was found by; empty for none.
        package let hostName: String
        /// The container that it is; nil for none.
        package let container: String?
        /// The tier, from 1; only the first one that has a backend which is up gets traffic.
        package let tier: Int
        /// Its SRV priority.
        package let priority: UInt16
        /// The weights of the records that name it.
        package let weights: [UInt16]
        /// What its turns are counted by.
        package let effectiveWeight: UInt32
        /// Its share of the tier's traffic, in percent.
        package let percent: Double
    }

    /// What was looked up.
    package let subject: Subject
    /// What each nameserver said, in the configured order.
    package let servers: [Server]
    /// The server whose answer counts: the first with instances, else the first of all; nil for
    /// none.
    package let decisive: Int?
    /// The backends, the best tier first; empty after a failure.
    package let shares: [Share]
    /// What is odd about the answers, in plain words.
    package let remarks: [Remark]

    /// Draws the conclusions.
    package init(_ subject: Subject, _ servers: [Server], now: ContinuousClock.Instant) {
        self.subject = subject
        self.servers = servers
        decisive =
            servers.firstIndex { !$0.instances.isEmpty }
            ?? servers.firstIndex { $0.hasRecords } ?? servers.indices.first
        let decided = decisive.map { servers[$0] }
        shares = Self.shares(of: decided?.instances ?? [], subject.roster, now: now)
        remarks = Remark.all(about: subject, servers, decided)
    }

    /// Whether there is something to send traffic to, or, where no instances are made, any record.
    package var isGood: Bool {
        subject.makesInstances ? !shares.isEmpty : servers.contains(where: \.hasRecords)
    }

    /// Why there is nothing; nil when there is something.
    package var failure: DiscoveryFailure? {
        guard let decisive, shares.isEmpty else { return nil }
        switch servers[decisive].result {
        case .failure(let failure): return failure
        case .instances: return .nodata
        case nil: return subject.makesInstances ? .timeout : nil
        }
    }

    private static func shares(
        of instances: [Instance], _ options: RosterOptions, now: ContinuousClock.Instant
    ) -> [Share] {
        guard !instances.isEmpty else { return [] }
        let roster = Roster(
            service: ServiceID(index: 0), options: options, ids: BackendIDs(), journal: Journal())
        roster.apply(.instances(instances), now: now)
        let named = Dictionary(grouping: instances, by: \.endpoint)
        return roster.rotation.tiers.enumerated().flatMap { index, tier in
            let sum = tier.reduce(0) { $0 + Double($1.weight) }
            return tier.map { member in
                let records = (named[member.endpoint] ?? []).filter {
                    $0.priority == member.priority
                }
                return Share(
                    endpoint: member.endpoint, hostName: records.first?.hostName ?? "",
                    container: records.first?.metadata["container"],
                    tier: index + 1, priority: member.priority, weights: records.map(\.weight),
                    effectiveWeight: member.weight,
                    percent: 100 * Double(member.weight) / sum)
            }
        }
    }
}

extension Explanation {
    /// When it would be asked again, and why.
    package struct Refresh: Sendable, Equatable {
        /// Before it is varied.
        package let wait: Duration
        /// By how much it is varied at most, in percent.
        package let jitterPercent: Int
        /// A sentence part.
        package let reason: String
    }

    /// When it would be asked again; nil where no instances are made.
    package var refresh: Refresh? {
        guard subject.makesInstances, let decisive else { return nil }
        switch subject.asked {
        case .nameservers, .nobody: break
        case .agents where failure != nil: break
        case .agents:
            return Refresh(
                wait: .zero, jitterPercent: 0,
                reason: "the agent holds each question until something changes")
        case .engines where failure.map { $0.kind != .nodata } == true:
            return Refresh(
                wait: .milliseconds(100), jitterPercent: 50,
                reason: "the engine can't be followed; the wait doubles with each further failure, "
                    + "to 0.8 s")
        case .engines(let interval):
            return Refresh(
                wait: interval, jitterPercent: 0,
                reason: "a whole list, in case an event was lost; events tell of each change at "
                    + "once")
        }
        let options = subject.refresh
        guard failure == nil else {
            return Refresh(
                wait: options.wait(failures: 1), jitterPercent: options.failureJitterPercent,
                reason: "the lookup failed; the wait doubles with each further failure, to "
                    + options.wait(failures: 99).spoken)
        }
        let ttl = servers[decisive].instances.compactMap(\.timeToLive).min()
        let wait = options.wait(timeToLive: ttl)
        let reason =
            switch ttl {
            case _ where options.every != nil: "refresh.every says so"
            case nil: "the answer says nothing of how long it holds"
            case let ttl? where ttl < options.floor:
                "the smallest TTL is \(ttl.spoken), the floor (refresh.floor) "
                    + "\(options.floor.spoken)"
            case let ttl? where ttl > options.ceiling:
                "the smallest TTL is \(ttl.spoken), the ceiling (refresh.ceiling) "
                    + options.ceiling.spoken
            case let ttl?: "the smallest TTL is \(ttl.spoken)"
            }
        return Refresh(wait: wait, jitterPercent: options.jitterPercent, reason: reason)
    }

    /// How long known backends would stay if this lookup failed, by the way of failing.
    package var holds: [(kind: HoldKind, duration: Duration)] {
        let kinds: [HoldKind] =
            switch subject.asked {
            // What an engine takes away is gone, and was meant so: that nothing runs is no failure.
            case .engines: [.servfail, .refused, .timeout, .unreachable, .malformed]
            case .nameservers, .agents, .nobody:
                [
                    .nxdomain, .nodata, .servfail, .refused, .timeout, .unreachable, .malformed,
                    .massLoss,
                ]
            }
        return kinds.map { ($0, subject.roster.holds[$0]) }
    }
}
