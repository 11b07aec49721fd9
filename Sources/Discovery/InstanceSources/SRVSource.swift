// SRVSource: the instances that a DNS name has in SRV records (RFC 2782).
//
// One lookup asks for the SRV records, once more over TCP when they look cut (PartialAnswerGuard),
// unless they are known to rotate (RotatingSet), and then, only for targets that came without an
// address, for A and AAAA. The answer is reported when all of it is known. A name that is only an
// alias is asked for by that (AliasTrail). An address that could not be found out because a server
// failed is the one known before: an error never shrinks the set.

package import Backends
package import DNSClient
package import DNSWire
internal import Endpoints
package import Events
package import Lookups

/// A source that asks for SRV records. Control thread only.
package final class SRVSource: DNSSource {
    /// Instances that are remembered besides those that are believed: what rotates is only known
    /// after some answers.
    private static let knownMin = 1024

    /// `SRV` and the name.
    package let summary: String
    /// Called with every answer that a lookup is made of; nil for no call.
    package var onAnswer: ((DNSAnswer) -> Void)?
    private let name: DomainName
    private let options: LookupOptions
    private let resolver: Resolver
    private var lookups: LookupTimer?
    private var listener: ((DiscoveryAnswer) -> Void)?
    /// The question for the SRV records, while it is under way.
    private var question: PendingQuestion?
    /// The questions for addresses of the lookup under way.
    private var resolutions: [PendingAddresses] = []
    /// What targets resolved to last.
    private var knownAddresses: [DomainName: [IPAddress]] = [:]
    /// What rotating and partial answers name together.
    private var rotation = RotatingSet<Endpoint>()
    /// What the last answers said of each endpoint.
    private var knownInstances: [Endpoint: [Instance]] = [:]
    private var partialGuard = PartialAnswerGuard()
    /// The last whole answer, and the instances that were reported for it: most answers repeat the
    /// one before.
    private var last: (records: SRVRecords, instances: [Instance])?
    /// The aliases that the lookup under way has followed.
    private var aliases: AliasTrail
    /// The name that the lookup under way asks for: the last of those aliases.
    private var asked: DomainName
    /// What is odd about the answer reported last.
    package private(set) var findings = SourceFindings()

    /// A source for the SRV records of `name`, asked through `resolver`.
    package init(_ name: DomainName, resolver: Resolver, options: LookupOptions, on loop: EventLoop)
    {
        self.name = name
        self.resolver = resolver
        self.options = options
        aliases = AliasTrail(from: name)
        asked = name
        summary = "SRV \(name)"
        lookups = LookupTimer(options.refresh, on: loop) { [unowned self] in ask() }
    }

    /// When the next lookup begins; nil while one is under way.
    package var nextAsk: ContinuousClock.Instant? { lookups?.nextLookup }

    /// What became of answers that looked cut.
    package var partialAnswers: PartialAnswerGuard.Counters { partialGuard.counters }

    /// Asks at once, and again whenever the schedule says so.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
        lookups?.lookupBegins()
        ask()
    }

    /// Cancels the questions under way and asks no more.
    package func stop() {
        listener = nil
        lookups?.stop()
        question?.cancel()
        question = nil
        for resolution in resolutions { resolution.cancel() }
        resolutions = []
    }

    // MARK: - Records

    private func ask() {
        aliases = AliasTrail(from: name)
        ask(name)
    }

    private func ask(_ name: DomainName) {
        asked = name
        // Nil leaves it to the resolver, which may be told to ask over TCP always.
        let tcpFirst = partialGuard.asksOverTCP(now: .now) ? true : nil
        question = resolver.ask(name, .srv, tcpFirst: tcpFirst) { [weak self] answer in
            self?.handle(answer, isByGuard: tcpFirst == true)
        }
    }

    private func handle(_ answer: DNSAnswer, isByGuard: Bool) {
        question = nil
        onAnswer?(answer)
        switch answer.outcome {
        case .records(let message):
            let found = PartialAnswerGuard.Answer(message, answer)
            if answer.transport == .tcp {
                partialGuard.answeredOverTCP(
                    found, after: nil, wasTruncated: answer.wasTruncated, now: .now)
                complete(message, isPart: false)
            } else {
                judge(message, found)
            }
        case .partial(let message):
            partialGuard.failedOverTCP(hadAnswer: true, now: .now)
            complete(message, isPart: true)
        case .nodata, .nxdomain:
            switch aliases.step(after: answer) {
            case .none: fallBack(answer.outcome)
            case .follow(let alias): ask(alias)
            case .endless:
                report(
                    .failure(.malformed("the aliases of the name lead in a circle")),
                    timeToLive: nil)
            }
        case .timeout, .unreachable, .malformed:
            // UDP may still give an answer: the next lookup asks by UDP.
            if isByGuard, !answer.wasGivenUp {
                partialGuard.failedOverTCP(hadAnswer: false, now: .now)
            }
            fail(answer.outcome)
            if answer.wasGivenUp { lookups?.lookupGivenUp(by: resolver) }
        case .servfail, .refused, .otherCode, .noServers, .overloaded: fail(answer.outcome)
        }
    }

    private func judge(_ message: Message, _ found: PartialAnswerGuard.Answer) {
        // For answers that are known to rotate, TCP has given no more.
        if rotation.isRotating { return complete(message, isPart: false) }
        switch partialGuard.judge(found, now: .now) {
        case .whole: complete(message, isPart: false)
        case .part: complete(message, isPart: true)
        case .askOverTCP:
            question = resolver.ask(asked, .srv, tcpFirst: true) { [weak self] answer in
                self?.handle(answer, after: message, found)
            }
        }
    }

    /// The answer over TCP, after `partial` over UDP looked cut.
    private func handle(
        _ answer: DNSAnswer, after partial: Message, _ found: PartialAnswerGuard.Answer
    ) {
        question = nil
        onAnswer?(answer)
        if case .records(let message) = answer.outcome {
            partialGuard.answeredOverTCP(
                PartialAnswerGuard.Answer(message, answer), after: found, wasTruncated: false,
                now: .now)
            complete(message, isPart: false)
        } else {
            partialGuard.failedOverTCP(hadAnswer: true, now: .now)
            complete(partial, isPart: true)
        }
    }

    // MARK: - Addresses

    /// Asks for the addresses that the records of `message` leave open, then reports.
    private func complete(_ message: Message, isPart: Bool) {
        var records = SRVRecords(message, family: options.family, port: options.port)
        let open = records.openTargets
        guard !open.isEmpty else {
            finish(records, isPart: isPart)
            return
        }
        var waiting = open.count
        // The resolver bounds how many of these are under way at once.
        resolutions = open.map { target in
            resolver.resolveAddresses(target, options.family) { [weak self] answer in
                guard let self else { return }
                showAnswers(of: answer)
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
        if let last, !isPart, last.records.hasSameContent(as: records), rotation.addAgain() {
            // The same array as before: comparing it with the last one costs nothing.
            return report(.instances(last.instances), timeToLive: timeToLive(of: records))
        }
        last = nil
        knownAddresses = records.resolvedAddresses
        var (instances, omissions) = records.read()
        findings.omissions = omissions
        instances += gather(instances, of: records.count, isPart: isPart)
        // Records without any usable target (`.` says so on purpose) name no instance.
        guard !instances.isEmpty else {
            report(.failure(.nodata), timeToLive: nil)
            return
        }
        if !isPart { last = (records, instances) }
        report(.instances(instances), timeToLive: timeToLive(of: records))
    }

    /// How long the answer holds, the aliases that led to it included.
    private func timeToLive(of records: SRVRecords) -> Duration? {
        let aliasTTL = aliases.ttlSeconds.map { Duration.seconds(Int64($0)) }
        return [records.timeToLive, aliasTTL].compactMap(\.self).min()
    }

    /// The instances that an answer of so many records does not name, and that are believed anyway,
    /// since no answer names all of them.
    private func gather(_ named: [Instance], of count: Int, isPart: Bool) -> [Instance] {
        let latest = Dictionary(grouping: named, by: \.endpoint)
        let believed = rotation.add(Array(latest.keys), size: count, isPart: isPart)
        knownInstances.merge(latest) { _, latest in latest }
        if knownInstances.count > 2 * believed.count + Self.knownMin {
            let kept = Set(believed)
            knownInstances = knownInstances.filter { kept.contains($0.key) }
        }
        findings.rotation = SourceFindings.Rotation(rotation)
        return believed.filter { latest[$0] == nil }.flatMap { knownInstances[$0] ?? [] }
    }

    // MARK: - No records

    /// The name has no SRV records, as `denial` says: its own addresses are instances if the
    /// options ask for that.
    private func fallBack(_ denial: DNSOutcome) {
        guard let port = options.fallbackPort else { return fail(denial) }
        resolutions = [
            resolver.resolveAddresses(name, options.family) { [weak self] answer in
                self?.finish(answer, port: port, denial)
            }
        ]
    }

    private func finish(_ answer: AddressAnswer, port: UInt16, _ denial: DNSOutcome) {
        resolutions = []
        last = nil
        showAnswers(of: answer)
        let addresses = options.family.choose(from: answer.addresses)
        guard !addresses.isEmpty else { return fail(answer.failure ?? denial) }
        let instances = addresses.map { address in
            Instance(
                Endpoint(address, port), hostName: name.hostName, timeToLive: answer.timeToLive)
        }
        report(
            .instances(instances + gather(instances, of: instances.count, isPart: false)),
            timeToLive: answer.timeToLive)
    }

    // MARK: - Reporting

    private func fail(_ outcome: DNSOutcome) {
        report(.failure(DiscoveryFailure(outcome) ?? .nodata), timeToLive: nil)
    }

    private func showAnswers(of answer: AddressAnswer) {
        for answer in answer.answers { onAnswer?(answer) }
    }

    private func report(_ answer: DiscoveryAnswer, timeToLive: Duration?) {
        switch answer {
        case .instances: lookups?.lookupAnswered(timeToLive: timeToLive)
        case .failure: lookups?.lookupFailed()
        }
        listener?(answer)
    }
}
