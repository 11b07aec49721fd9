// What the resolver sees of its servers, and how each is asked because of that.

internal import DNSWire
internal import Events

extension Resolver {
    /// How long a server that failed because of EDNS is asked without it: it may be upgraded, or
    /// something on the way may have failed.
    private static let withoutEDNSFor = Duration.seconds(300)
    /// How long a server that takes names of another case for other names is asked as spelled.
    private static let asSpelledFor = Duration.seconds(600)
    /// How long a good answer counts for a server: what worked then is not doubted.
    private static let provenFor = Duration.seconds(300)

    /// The servers in the order of the options, as they are known now.
    package var servers: [ServerStatus] {
        var shown = statuses
        for (place, index) in ranking.order.enumerated() {
            shown[index].place = place
            shown[index].health = ranking.servers[index]
        }
        return shown
    }

    // MARK: - How a server is asked

    /// How the server with this index is asked first about `name`.
    func habits(of server: Int, _ name: DomainName, now: ContinuousClock.Instant)
        -> QuestionRace.Habits
    {
        let status = statuses[server]
        func isRecent(_ at: ContinuousClock.Instant?, _ life: Duration) -> Bool {
            at.map { $0.duration(to: now) < life } ?? false
        }
        var habits = QuestionRace.Habits(
            hasEDNS: options.usesEDNS,
            mixesCase: options.mixesCase && status.keepsCase != false
                && !isRecent(status.asSpelledSince, Self.asSpelledFor))
        habits.isCaseDoubted = habits.mixesCase && !denials.trusts(server, name, now: now)
        guard habits.hasEDNS else { return habits }
        if status.withoutEDNSSince != nil {
            habits.hasEDNS = !isRecent(status.withoutEDNSSince, Self.withoutEDNSFor)
            // One question finds out whether that has changed, without delaying the others.
            if habits.hasEDNS { statuses[server].withoutEDNSSince = now }
        }
        habits.isEDNSDoubted =
            habits.hasEDNS && !isRecent(status.ednsWorkedAt, Self.provenFor)
            && !denials.trusts(server, name, now: now)
        // With one attempt there is no last one after silence: every second question of a server
        // that is silent goes without.
        let health = ranking.servers[server]
        if habits.isEDNSDoubted, health.state == .away, health.failuresInARow % 2 == 1 {
            habits.hasEDNS = false
            habits.isEDNSTrial = true
        }
        return habits
    }

    /// The message that asks `question` in an exchange.
    func query(_ question: Question, _ exchange: QuestionRace.Exchange) -> Message {
        var question = question
        if exchange.mixesCase { question.name = question.name.withOtherCase(using: &random) }
        return Message.query(
            id: options.nextID(), question,
            edns: exchange.hasEDNS
                ? Message.EDNS(udpPayloadOctetsMax: options.udpPayloadSize) : nil)
    }

    // MARK: - What was seen

    /// A query goes out; `isPaid` if the rate has allowed it.
    func recordSent(_ server: Int, _ transport: DNSTransport, isPaid: Bool) {
        if !isPaid { rate.charge(now: .now) }
        count(transport == .udp ? .sentUDP : .sentTCP, server)
    }

    func recordUnreachable(_ server: Int) {
        count(.unreachable, server)
    }

    /// Counts one, for the server and for all.
    func count(_ counter: QueryCounter, _ server: Int) {
        counters[counter] += 1
        statuses[server].counters[counter] += 1
    }

    /// Counts what came, before the race judges it.
    func record(
        _ event: TransportEvent, _ server: Int, _ exchange: QuestionRace.Exchange,
        now: ContinuousClock.Instant
    ) {
        switch event {
        case .message(let message, _, let keepsCase):
            count(.received, server)
            counters.responses[message.responseCode, default: 0] += 1
            statuses[server].counters.responses[message.responseCode, default: 0] += 1
            if exchange.transport == .udp, message.flags.contains(.truncated) {
                count(.truncated, server)
            }
            if exchange.mixesCase, message.question != nil {
                statuses[server].keepsCase = keepsCase
            }
            if exchange.hasEDNS, DNSOutcome(message).isGood {
                statuses[server].ednsWorkedAt = now
                statuses[server].isEDNSSuspect = false
            }
            recordEDNS(message, server, exchange, now: now)
        case .mismatched(let mismatch):
            count(.received, server)
            count(.mismatched, server)
            if case .spelling = mismatch { count(.misspelled, server) }
        case .garbled(let error, _):
            count(.received, server)
            count(.malformed, server)
            statuses[server].lastMalformed = .init(what: error, at: now)
        case .failed: recordUnreachable(server)
        case .closed: break
        }
    }

    private func recordEDNS(
        _ message: Message, _ server: Int, _ exchange: QuestionRace.Exchange,
        now: ContinuousClock.Instant
    ) {
        guard exchange.hasEDNS else { return }
        if message.isEDNSRefusal {
            recordWithoutEDNS(server, "it answers \(message.responseCode)", now: now)
        } else {
            // One that does not know it may also just leave it out (RFC 6891, section 6.2.6).
            statuses[server].knowsEDNS = message.edns != nil
            statuses[server].withoutEDNSSince = nil
            statuses[server].ednsFailure = nil
        }
    }

    private func recordWithoutEDNS(_ server: Int, _ why: String, now: ContinuousClock.Instant) {
        statuses[server].knowsEDNS = false
        statuses[server].withoutEDNSSince = now
        statuses[server].ednsFailure = why
        statuses[server].ednsWorkedAt = nil
    }

    /// Applies a finding about how a server is to be asked.
    func record(
        _ finding: QuestionRace.Finding.Kind, _ server: Int, _ name: DomainName,
        now: ContinuousClock.Instant
    ) {
        switch finding {
        case .askedAgain: count(.doubted, server)
        case .knewMixedCase:
            statuses[server].ignoresCase = true
            statuses[server].asSpelledSince = nil
            statuses[server].mixedCaseWorkedAt = now
            denials.remember(server, name, now: now)
        case .saidTheSame: denials.remember(server, name, now: now)
        case .knewAsSpelled(let before):
            // A server that fails now and then is likely to have done so by chance.
            let isByChance =
                !before.isGood
                && (statuses[server].mixedCaseWorkedAt.map { $0.duration(to: now) < Self.provenFor }
                    ?? false)
            guard !isByChance else { return }
            statuses[server].ignoresCase = false
            statuses[server].asSpelledSince = now
        case .answeredWithoutEDNS(let code?):
            recordWithoutEDNS(server, "it answers \(code)", now: now)
        case .answeredWithoutEDNS(nil):
            // It may also just be back from an outage.
            let isChance = statuses[server].ednsWorkedAt != nil && !statuses[server].isEDNSSuspect
            statuses[server].isEDNSSuspect = isChance
            if !isChance { recordWithoutEDNS(server, "it does not answer", now: now) }
        }
    }

    /// A query that failed.
    func record(
        _ failure: ServerHealth.Failure, _ server: Int, sentAt: ContinuousClock.Instant,
        now: ContinuousClock.Instant
    ) {
        if case .silence = failure { count(.silences, server) }
        ranking.failed(server, failure, sentAt: sentAt, now: now)
    }

    /// A good answer.
    func recordAnswer(
        _ server: Int, _ exchange: QuestionRace.Exchange, after elapsed: Duration,
        now: ContinuousClock.Instant
    ) {
        ranking.answered(
            server, after: elapsed, overTCP: exchange.transport == .tcp, now: now)
        callBack()
    }
}
