// QuestionRace: which server to ask next, over what, and when to give up, for one question among
// several servers. No sockets and no clock here: the caller reports what happened and when, and
// carries out the actions it gets back.
//
// | event                         | what follows                                                  |
// |-------------------------------|---------------------------------------------------------------|
// | start                         | first server asked; the next after each `stagger` of silence  |
// | records                       | the end                                                       |
// | NODATA, NXDOMAIN              | the end; where the server is doubted, asked as spelled before |
// | SERVFAIL, REFUSED, other code | server settled; next server at once. Where the server is      |
// |                               | doubted, it is asked as spelled meanwhile, then without EDNS  |
// | TC over UDP                   | same server over TCP                                          |
// | FORMERR, NOTIMP or BADVERS    | same server without EDNS (RFC 6891, section 7)                |
// | right but for letter case     | same server over TCP, where a forger cannot answer; if TCP    |
// |                               | can't be had, over UDP again in the given spelling            |
// | unreadable over UDP           | remembered; waiting goes on, for a forger may have sent it    |
// | unreadable over TCP           | server settled; next server at once                           |
// | unreachable                   | next server at once; the same one after a pause               |
// | TCP closed                    | connected once more, then unreachable                         |
// | silence of `timeout`          | asked again; the old UDP socket is still listened to. The     |
// |                               | last time without EDNS, where that is doubted                 |
// | silence or failure of a query | what was said before it counts                                |
// | that only asks again          |                                                               |
// | `deadline`, or nothing left   | the end, with the most telling failure                        |

package import DNSWire
package import Events
internal import Glibc

/// The course of one question. Value type.
package struct QuestionRace {
    /// The control plane's clock; the race itself never reads it.
    package typealias Instant = ContinuousClock.Instant

    /// What the caller has to do, in the order given.
    package enum Action: Equatable {
        /// Send the question in a new exchange.
        case open(Exchange)
        /// Drop that exchange; nothing that comes from it counts any more.
        case close(exchange: Int)
        /// Drop every exchange that is left, and report.
        case finish(Ending)
    }

    private struct Leg {
        let exchange: Exchange
        let openedAt: Instant
        var timeoutAt: Instant
        /// Silent for too long, but still listened to.
        var isOverdue = false
        var isSecondConnection = false
        var wasTruncated = false
        /// Over TCP because the answer over UDP was misspelled.
        var isCaseCheck = false
        /// What the server said before it was asked again in another way; counts if that fails.
        var doubted: Ending?
        /// Without EDNS because there was silence with it.
        var isAfterSilence = false
    }

    private struct Server {
        var attemptsLeft: Int
        let habits: Habits
        var notBefore: Instant?
        var isTried = false
        /// Whether a query with an OPT record was not answered in time.
        var wasSilentWithEDNS = false
    }

    private let options: ResolverOptions
    private let firstTransport: DNSTransport
    private var servers: [Server]
    private var legs: [Leg] = []
    private var exchangeCount = 0
    private var lastStart: Instant?
    /// A try has failed since the last one began, so that the next need not wait for the stagger.
    private var isHurried = false
    private var endsAt: Instant?
    private var worst = Ending(outcome: .timeout)
    private var isFinished = false
    /// Tries that timed out so far.
    package private(set) var timeouts = 0
    private var failures: [Failed] = []
    private var findings: [Finding] = []

    /// A race among `serverCount` servers, which are numbered from 0 in the order of preference.
    /// - Parameter habits: of each server; nil when nothing is known of any.
    package init(
        _ options: ResolverOptions, serverCount: Int, over transport: DNSTransport,
        habits: [Habits]? = nil
    ) {
        self.options = options
        firstTransport = transport
        let usual = Habits(mixesCase: options.mixesCase)
        servers = (0..<serverCount).map {
            Server(attemptsLeft: options.attempts, habits: habits?[$0] ?? usual)
        }
    }

    /// The queries that failed since the last call. Those that were passed over are among them:
    /// silent for the stagger and more when another server answered.
    package mutating func takeFailures() -> [Failed] {
        defer { failures = [] }
        return failures
    }

    /// The findings since the last call.
    package mutating func takeFindings() -> [Finding] {
        defer { findings = [] }
        return findings
    }

    // MARK: - Events

    /// The first event.
    package mutating func start(now: Instant) -> [Action] {
        endsAt = now + options.deadline
        guard !servers.isEmpty else { return finish(Ending(outcome: .noServers)) }
        return advance(now: now)
    }

    /// A response to our query has come over `exchange`.
    package mutating func received(_ message: Message, on exchange: Int, now: Instant) -> [Action] {
        guard !isFinished, let index = index(of: exchange) else { return [] }
        let leg = legs[index]
        if leg.exchange.hasEDNS, message.isEDNSRefusal {
            return reopen(index, leg.exchange.transport, hasEDNS: false, now: now)
        }
        let ending = Ending(
            outcome: DNSOutcome(message), message: message, exchange: leg.exchange,
            roundTrip: leg.openedAt.duration(to: now),
            wasTruncated: leg.wasTruncated || message.flags.contains(.truncated))
        if leg.exchange.transport == .udp, message.flags.contains(.truncated) {
            // Kept for the case that TCP is blocked on the way.
            if case .partial = ending.outcome { remember(ending) }
            legs[index].wasTruncated = true
            return reopen(index, .tcp, hasEDNS: leg.exchange.hasEDNS, now: now)
        }
        if let actions = askOtherwise(index, ending, now: now) { return actions }
        learn(from: ending, leg)
        return conclude(index, moreTelling(ending, leg.doubted), now: now)
    }

    /// A response to our query has come over the UDP exchange `exchange`, right but for the case of
    /// letters: from a server that does not keep it, or from a forger.
    package mutating func misspelled(on exchange: Int, now: Instant) -> [Action] {
        guard !isFinished, let index = index(of: exchange),
            legs[index].exchange.transport == .udp, legs[index].exchange.mixesCase
        else { return [] }
        legs[index].isCaseCheck = true
        return reopen(index, .tcp, hasEDNS: legs[index].exchange.hasEDNS, now: now)
    }

    /// Something unreadable has come over `exchange`; `isTruncated` when its header could be read,
    /// answers our query and has the TC bit: some servers cut messages within a record.
    package mutating func garbled(
        _ error: DecodeError, isTruncated: Bool, on exchange: Int, now: Instant
    ) -> [Action] {
        guard !isFinished, let index = index(of: exchange) else { return [] }
        let leg = legs[index]
        if leg.exchange.transport == .udp, isTruncated {
            legs[index].wasTruncated = true
            return reopen(index, .tcp, hasEDNS: leg.exchange.hasEDNS, now: now)
        }
        remember(Ending(outcome: .malformed(error)))
        switch leg.exchange.transport {
        case .udp: return []
        case .tcp:
            record(.malformed(error), leg)
            if let doubted = leg.doubted { return conclude(index, doubted, now: now) }
            return settle(index, now: now)
        }
    }

    /// The exchange could not be opened, or the network refused it.
    package mutating func failed(_ error: Errno, on exchange: Int, now: Instant) -> [Action] {
        guard !isFinished, let index = index(of: exchange) else { return [] }
        remember(Ending(outcome: .unreachable(error)))
        // A shortage of this machine says nothing about the server.
        if !error.isShortage { record(.unreachable(error), legs[index]) }
        if legs[index].isCaseCheck { return askAsSpelled(index, now: now) }
        if let doubted = legs[index].doubted { return conclude(index, doubted, now: now) }
        servers[legs[index].exchange.server].notBefore = now + options.stagger
        return end(index, now: now)
    }

    /// The server has closed the connection without an answer, as a busy one may at any time
    /// (RFC 7766, section 6.2.4).
    package mutating func closed(_ exchange: Int, now: Instant) -> [Action] {
        guard !isFinished, let index = index(of: exchange) else { return [] }
        let leg = legs[index]
        guard !leg.isSecondConnection else {
            if leg.exchange.hasEDNS { servers[leg.exchange.server].wasSilentWithEDNS = true }
            return failed(.connectionReset, on: exchange, now: now)
        }
        legs[index].isSecondConnection = true
        return reopen(index, .tcp, hasEDNS: leg.exchange.hasEDNS, keeping: leg.timeoutAt, now: now)
    }

    /// Time has passed: call it at `wakesAt`.
    package mutating func advance(now: Instant) -> [Action] {
        guard !isFinished, let endsAt else { return [] }
        var actions = endSilences(now: now)
        guard !isFinished else { return actions }
        guard now < endsAt else { return actions + finish(worst) }
        while let next = nextServer(now: now), next.due <= now {
            servers[next.server].attemptsLeft -= 1
            servers[next.server].isTried = true
            lastStart = now
            isHurried = false
            actions.append(start(next.server, now: now))
        }
        if legs.allSatisfy(\.isOverdue), nextServer(now: now) == nil {
            return actions + finish(worst)
        }
        return actions
    }

    /// Ends the queries whose time is over.
    private mutating func endSilences(now: Instant) -> [Action] {
        var actions: [Action] = []
        for index in legs.indices.reversed()
        where !legs[index].isOverdue && legs[index].timeoutAt <= now {
            timeouts += 1
            record(.silence, legs[index])
            if legs[index].exchange.hasEDNS {
                servers[legs[index].exchange.server].wasSilentWithEDNS = true
            }
            if legs[index].isCaseCheck {
                actions += askAsSpelled(index, now: now)
                continue
            }
            isHurried = true
            if let doubted = legs[index].doubted {
                actions += count(index, doubted, now: now)
                if isFinished { return actions }
                continue
            }
            switch legs[index].exchange.transport {
            case .udp: legs[index].isOverdue = true
            case .tcp: actions.append(.close(exchange: legs.remove(at: index).exchange.number))
            }
        }
        return actions
    }

    /// When `advance` is to be called; nil once the race is over. `now` as in the last event.
    package func wakesAt(now: Instant) -> Instant? {
        guard !isFinished, var earliest = endsAt else { return nil }
        for leg in legs where !leg.isOverdue { earliest = min(earliest, leg.timeoutAt) }
        if let next = nextServer(now: now) { earliest = min(earliest, next.due) }
        return earliest
    }

    // MARK: - Steps

    /// The server to ask next and when; nil when each is being asked, settled or out of attempts.
    private func nextServer(now: Instant) -> (server: Int, due: Instant)? {
        var best: (server: Int, due: Instant)?
        for (index, server) in servers.enumerated() where server.attemptsLeft > 0 {
            if legs.contains(where: { $0.exchange.server == index && !$0.isOverdue }) { continue }
            var due = now
            if let lastStart, !isHurried { due = lastStart + options.stagger }
            if let notBefore = server.notBefore { due = max(due, notBefore) }
            // A server not yet asked goes before one that failed when both are due.
            let isBetter = best.map { best in
                (max(due, now), server.isTried ? 1 : 0)
                    < (max(best.due, now), servers[best.server].isTried ? 1 : 0)
            }
            if isBetter ?? true { best = (index, due) }
        }
        return best
    }

    /// Asks a server for the first time, or again after silence.
    private mutating func start(_ server: Int, now: Instant) -> Action {
        var habits = servers[server].habits
        let isLast =
            servers[server].attemptsLeft == 0
            || (endsAt.map { now + options.timeout >= $0 } ?? false)
        let isAfterSilence =
            isLast && habits.isEDNSDoubted && habits.hasEDNS && servers[server].wasSilentWithEDNS
        if isAfterSilence { habits.hasEDNS = false }
        let action = open(server, firstTransport, habits, now + options.timeout, now: now)
        legs[legs.count - 1].isAfterSilence = isAfterSilence || habits.isEDNSTrial
        return action
    }

    private mutating func open(
        _ server: Int, _ transport: DNSTransport, _ habits: Habits, _ timeoutAt: Instant,
        now: Instant
    ) -> Action {
        let exchange = Exchange(
            number: exchangeCount, server: server, transport: transport, hasEDNS: habits.hasEDNS,
            mixesCase: habits.mixesCase)
        exchangeCount += 1
        legs.append(Leg(exchange: exchange, openedAt: now, timeoutAt: timeoutAt))
        return .open(exchange)
    }

    /// Asks the same server in another way; no new attempt, but a time-out of its own unless it is
    /// given. It ends, because each way is taken once: without EDNS, over TCP, connected again, and
    /// as spelled.
    private mutating func reopen(
        _ index: Int, _ transport: DNSTransport, hasEDNS: Bool, mixesCase: Bool? = nil,
        keeping timeoutAt: Instant? = nil, now: Instant
    ) -> [Action] {
        let old = legs.remove(at: index)
        let habits = Habits(hasEDNS: hasEDNS, mixesCase: mixesCase ?? old.exchange.mixesCase)
        let opened = open(
            old.exchange.server, transport, habits, timeoutAt ?? now + options.timeout, now: now)
        legs[legs.count - 1].isSecondConnection = old.isSecondConnection
        legs[legs.count - 1].wasTruncated = old.wasTruncated
        legs[legs.count - 1].isCaseCheck = old.isCaseCheck
        legs[legs.count - 1].doubted = old.doubted
        legs[legs.count - 1].isAfterSilence = old.isAfterSilence
        return [.close(exchange: old.exchange.number), opened]
    }

    /// Without TCP a forger can't be told from a server that does not keep case: what is left is
    /// the protection by id and port, which any resolver has.
    private mutating func askAsSpelled(_ index: Int, now: Instant) -> [Action] {
        legs[index].isCaseCheck = false
        return reopen(
            index, .udp, hasEDNS: legs[index].exchange.hasEDNS, mixesCase: false, now: now)
    }

    // MARK: - Doubts

    /// Asks a server that has said no once more in a plainer way, if that may make a difference: as
    /// spelled, and then, after an error, without EDNS. Nil when its answer counts as it is.
    private mutating func askOtherwise(
        _ index: Int, _ ending: Ending, now: Instant
    ) -> [Action]? {
        let leg = legs[index]
        let habits = servers[leg.exchange.server].habits
        let isError = !ending.outcome.isGood
        // An alias is an answer too, if only a partial one.
        let isDenial = !isError && !ending.outcome.hasRecords && ending.isWithoutAnswers
        guard isError || isDenial else { return nil }
        var exchange = (hasEDNS: leg.exchange.hasEDNS, mixesCase: leg.exchange.mixesCase)
        if leg.exchange.mixesCase, habits.isCaseDoubted {
            exchange.mixesCase = false
        } else if isError, leg.exchange.hasEDNS, habits.isEDNSDoubted {
            exchange.hasEDNS = false
        } else {
            return nil
        }
        learn(from: ending, leg)
        findings.append(Finding(server: leg.exchange.server, .askedAgain))
        legs[index].doubted = moreTelling(ending, leg.doubted)
        let actions = reopen(
            index, leg.exchange.transport, hasEDNS: exchange.hasEDNS, mixesCase: exchange.mixesCase,
            now: now)
        guard isError, leg.doubted == nil else { return actions }
        isHurried = true
        return actions + advance(now: now)
    }

    /// Which of two answers of a server to one question counts: the later, unless only that one is
    /// an error.
    private func moreTelling(_ later: Ending, _ earlier: Ending?) -> Ending {
        guard let earlier, earlier.outcome.isGood, !later.outcome.isGood else { return later }
        return earlier
    }

    /// Records what an answer shows about how the server is to be asked.
    private mutating func learn(from ending: Ending, _ leg: Leg) {
        func find(_ kind: Finding.Kind) {
            findings.append(Finding(server: leg.exchange.server, kind))
        }
        let outcome = ending.outcome
        if leg.exchange.mixesCase, outcome.hasRecords { find(.knewMixedCase) }
        if outcome.isGood, leg.isAfterSilence { find(.answeredWithoutEDNS(code: nil)) }
        guard let doubted = leg.doubted, let before = doubted.exchange else { return }
        if before.mixesCase, !leg.exchange.mixesCase {
            if outcome.isSame(as: doubted.outcome) {
                find(.saidTheSame)
            } else if outcome.isBetter(than: doubted.outcome) {
                find(.knewAsSpelled(after: doubted.outcome))
            }
        } else if before.hasEDNS, !leg.exchange.hasEDNS {
            if outcome.isGood { find(.answeredWithoutEDNS(code: doubted.message?.responseCode)) }
            if outcome.isSame(as: doubted.outcome) { find(.saidTheSame) }
        }
    }

    private mutating func conclude(_ index: Int, _ ending: Ending, now: Instant) -> [Action] {
        let actions = count(index, ending, now: now)
        return isFinished ? actions : actions + advance(now: now)
    }

    /// What the server said counts; ends the race if it is an answer.
    private mutating func count(_ index: Int, _ ending: Ending, now: Instant) -> [Action] {
        let leg = legs[index]
        if ending.outcome.isGood {
            recordPassedOver(by: leg, now: now)
            return finish(ending)
        }
        remember(ending)
        if let message = ending.message {
            // A referral has no error code of its own.
            let isReferral = message.responseCode == .noError
            record(.code(isReferral ? .refused : message.responseCode), leg)
        }
        servers[leg.exchange.server].attemptsLeft = 0
        isHurried = true
        legs.remove(at: index)
        return [.close(exchange: leg.exchange.number)]
    }

    private mutating func record(_ failure: ServerHealth.Failure, _ leg: Leg) {
        failures.append(
            Failed(server: leg.exchange.server, failure: failure, sentAt: leg.openedAt))
    }

    /// Another server answered first: those that had been silent for the stagger are no longer to
    /// be the first ones asked.
    private mutating func recordPassedOver(by winner: Leg, now: Instant) {
        for leg in legs
        where !leg.isOverdue && leg.exchange.server != winner.exchange.server
            && leg.openedAt.duration(to: now) >= options.stagger
        {
            record(.silence, leg)
        }
    }

    /// The server has given its answer.
    private mutating func settle(_ index: Int, now: Instant) -> [Action] {
        servers[legs[index].exchange.server].attemptsLeft = 0
        return end(index, now: now)
    }

    private mutating func end(_ index: Int, now: Instant) -> [Action] {
        let leg = legs.remove(at: index)
        isHurried = true
        return [.close(exchange: leg.exchange.number)] + advance(now: now)
    }

    private mutating func remember(_ ending: Ending) {
        if ending.outcome.tellingRank > worst.outcome.tellingRank { worst = ending }
    }

    private mutating func finish(_ ending: Ending) -> [Action] {
        isFinished = true
        legs = []
        return [.finish(ending)]
    }

    private func index(of exchange: Int) -> Int? {
        legs.firstIndex { $0.exchange.number == exchange }
    }
}

extension DNSOutcome {
    /// Whether two answers are of one kind: both have records, or both are the same denial or
    /// error.
    fileprivate func isSame(as other: DNSOutcome) -> Bool {
        switch (self, other) {
        case (.records, .records), (.partial, .partial): true
        default: self == other
        }
    }

    /// Whether it tells more than the answer of the same server to the same question in another
    /// spelling: records tell more than a denial, a denial more than an error, and "no such record"
    /// more than "no such name".
    fileprivate func isBetter(than other: DNSOutcome) -> Bool {
        func rank(_ outcome: DNSOutcome) -> Int {
            switch outcome {
            case .records, .partial: 3
            case .nodata: 2
            case .nxdomain: 1
            default: 0
            }
        }
        return rank(self) > rank(other)
    }
}

extension Message {
    /// Whether the server stumbled over our OPT record: a server that knows EDNS sends an OPT back,
    /// except with BADVERS, which says that it does not know our version.
    var isEDNSRefusal: Bool {
        switch responseCode {
        case .formatError, .notImplemented: edns == nil
        case .badVersion: true
        default: false
        }
    }
}
