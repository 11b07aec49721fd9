// What the resolver sees of its servers, and how each is asked because of that.

internal import DNSWire
internal import Events

extension Resolver {
    /// How long a server that refused EDNS is asked without it: it may be upgraded, or the refusal
    /// may have been another's on the way.
    private static let withoutEDNSFor = Duration.seconds(300)

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

    /// How the server with this index is asked first.
    func habits(of server: Int) -> QuestionRace.Habits {
        let status = statuses[server]
        let isRefusalFresh =
            status.ednsRefusedAt.map { $0.duration(to: .now) < Self.withoutEDNSFor } ?? false
        return QuestionRace.Habits(
            hasEDNS: status.knowsEDNS != false || !isRefusalFresh,
            mixesCase: options.mixesCase && status.keepsCase != false)
    }

    /// The message that asks `question` in an exchange.
    func query(_ question: Question, _ exchange: QuestionRace.Exchange) -> Message {
        var question = question
        if exchange.mixesCase { question.name = question.name.withRandomCase(using: &random) }
        return Message.query(
            id: options.nextID(), question,
            edns: exchange.hasEDNS
                ? Message.EDNS(udpPayloadOctetsMax: options.udpPayloadSize) : nil)
    }

    // MARK: - What was seen

    /// A query goes out; `isPaid` when the rate has let it.
    func noteSent(_ server: Int, _ transport: DNSTransport, isPaid: Bool) {
        if !isPaid { rate.charge(now: .now) }
        switch transport {
        case .udp:
            counters.sentUDP += 1
            statuses[server].counters.sentUDP += 1
        case .tcp:
            counters.sentTCP += 1
            statuses[server].counters.sentTCP += 1
        }
    }

    func noteUnreachable(_ server: Int) {
        counters.unreachable += 1
        statuses[server].counters.unreachable += 1
    }

    /// Counts what came, before the race judges it.
    func note(
        _ event: TransportEvent, _ server: Int, _ exchange: QuestionRace.Exchange,
        now: ContinuousClock.Instant
    ) {
        switch event {
        case .message(let message, _, let keepsCase):
            counters.received += 1
            counters.responses[message.responseCode, default: 0] += 1
            statuses[server].counters.responses[message.responseCode, default: 0] += 1
            if exchange.transport == .udp, message.flags.contains(.truncated) {
                counters.truncated += 1
                statuses[server].counters.truncated += 1
            }
            if exchange.mixesCase, message.question != nil {
                statuses[server].keepsCase = keepsCase
            }
            noteEDNS(message, server, exchange, now: now)
        case .mismatched(let mismatch):
            counters.received += 1
            counters.mismatched += 1
            statuses[server].counters.mismatched += 1
            if case .spelling = mismatch { statuses[server].counters.misspelled += 1 }
        case .garbled(let error, _):
            counters.received += 1
            counters.malformed += 1
            statuses[server].counters.malformed += 1
            statuses[server].lastMalformed = .init(what: error, at: now)
        case .failed: noteUnreachable(server)
        case .closed: break
        }
    }

    private func noteEDNS(
        _ message: Message, _ server: Int, _ exchange: QuestionRace.Exchange,
        now: ContinuousClock.Instant
    ) {
        guard exchange.hasEDNS else { return }
        if message.isEDNSRefusal {
            statuses[server].knowsEDNS = false
            statuses[server].ednsRefusedAt = now
        } else {
            // One that does not know it may also just leave it out (RFC 6891, section 6.2.6).
            statuses[server].knowsEDNS = message.edns != nil
            statuses[server].ednsRefusedAt = nil
        }
    }

    /// A query that failed.
    func note(
        _ failure: ServerHealth.Failure, _ server: Int, sentAt: ContinuousClock.Instant,
        now: ContinuousClock.Instant
    ) {
        if case .silence = failure { statuses[server].counters.silences += 1 }
        ranking.failed(server, failure, sentAt: sentAt, now: now)
    }

    /// A good answer.
    func noteAnswer(
        _ server: Int, _ exchange: QuestionRace.Exchange, after elapsed: Duration,
        now: ContinuousClock.Instant
    ) {
        ranking.answered(
            server, after: elapsed, overTCP: exchange.transport == .tcp, now: now)
    }
}
