// QuestionRace: whom to ask next, over what, and when to give up, for one question among several
// servers. No sockets and no clock here: the caller reports what happened and when, and carries out
// the actions it gets back.
//
//   event                          what follows
//   start                          first server asked; the next after each `stagger` of silence
//   good answer                    the end (records, NODATA, NXDOMAIN)
//   SERVFAIL, REFUSED, other code  server settled; next server at once
//   TC over UDP                    same server over TCP
//   FORMERR, NOTIMP or BADVERS     same server without EDNS (RFC 6891, section 7)
//   right but for letter case      same server over TCP, where a forger cannot answer; if TCP can't be
//                                  had, over UDP again in the given spelling
//   unreadable over UDP            remembered; waiting goes on, for a forger may have sent it
//   unreadable over TCP            server settled; next server at once
//   unreachable                    next server at once; the same one after a pause
//   TCP closed                     connected once more, then unreachable
//   silence of `timeout`           asked again; the old UDP socket is still listened to
//   `deadline`, or nothing left    the end, with the most telling failure

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

    /// A query to one server, over a socket of its own.
    package struct Exchange: Hashable, Sendable {
        /// Names the exchange in events and actions; never used twice.
        package let number: Int
        /// Index of the server.
        package let server: Int
        /// How it travels.
        package let transport: DNSTransport
        /// Whether the query carries an OPT record.
        package let hasEDNS: Bool
        /// Whether the case of its letters is drawn at random.
        package let mixesCase: Bool

        /// Only a race numbers exchanges; tests spell out what they expect.
        package init(
            number: Int, server: Int, transport: DNSTransport, hasEDNS: Bool, mixesCase: Bool = true
        ) {
            self.number = number
            self.server = server
            self.transport = transport
            self.hasEDNS = hasEDNS
            self.mixesCase = mixesCase
        }
    }

    /// How the question ended.
    package struct Ending: Equatable {
        /// What can be concluded.
        package var outcome: DNSOutcome
        /// The deciding message; nil when there was none.
        package var message: Message?
        /// The exchange that it came from; nil without one.
        package var exchange: Exchange?
        /// From the opening of that exchange to the message; 0 without one.
        package var roundTrip: Duration = .zero
        /// Whether an answer over UDP had the TC bit.
        package var wasTruncated = false
    }

    /// What a server is known to be like.
    package struct Habits: Sendable, Hashable {
        /// Whether it is asked with an OPT record.
        package var hasEDNS: Bool
        /// Whether it is asked in mixed case.
        package var mixesCase: Bool

        /// What is expected of a server until it shows otherwise.
        package init(hasEDNS: Bool = true, mixesCase: Bool = true) {
            self.hasEDNS = hasEDNS
            self.mixesCase = mixesCase
        }
    }

    /// A query that failed, for the server's record.
    package struct Failed: Equatable {
        /// Index of the server.
        package let server: Int
        /// How.
        package let failure: ServerHealth.Failure
        /// When the query was sent.
        package let sentAt: Instant
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
    }

    private struct Server {
        var attemptsLeft: Int
        let habits: Habits
        var notBefore: Instant?
        var isTried = false
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

    /// The queries that failed since the last call, those included that were passed over: silent for
    /// the stagger and more when another server answered.
    package mutating func takeFailures() -> [Failed] {
        defer { failures = [] }
        return failures
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
        if ending.outcome.isGood {
            notePassedOver(by: leg, now: now)
            return finish(ending)
        }
        remember(ending)
        // A referral has no error code of its own.
        let isReferral = message.responseCode == .noError
        note(.code(isReferral ? .refused : message.responseCode), leg)
        return settle(index, now: now)
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
            note(.malformed(error), leg)
            return settle(index, now: now)
        }
    }

    /// The exchange could not be opened, or the network refused it.
    package mutating func failed(_ error: Errno, on exchange: Int, now: Instant) -> [Action] {
        guard !isFinished, let index = index(of: exchange) else { return [] }
        remember(Ending(outcome: .unreachable(error)))
        // What this machine is short of says nothing about the server.
        if !error.isShortage { note(.unreachable(error), legs[index]) }
        if legs[index].isCaseCheck { return askAsSpelled(index, now: now) }
        servers[legs[index].exchange.server].notBefore = now + options.stagger
        return end(index, now: now)
    }

    /// The server has closed the connection without an answer, as a busy one may at any time
    /// (RFC 7766, section 6.2.4).
    package mutating func closed(_ exchange: Int, now: Instant) -> [Action] {
        guard !isFinished, let index = index(of: exchange) else { return [] }
        let leg = legs[index]
        guard !leg.isSecondConnection else {
            return failed(.connectionReset, on: exchange, now: now)
        }
        legs[index].isSecondConnection = true
        return reopen(index, .tcp, hasEDNS: leg.exchange.hasEDNS, keeping: leg.timeoutAt, now: now)
    }

    /// Time has passed: call it at `wakesAt`.
    package mutating func advance(now: Instant) -> [Action] {
        guard !isFinished, let endsAt else { return [] }
        var actions: [Action] = []
        for index in legs.indices.reversed()
        where !legs[index].isOverdue && legs[index].timeoutAt <= now {
            timeouts += 1
            note(.silence, legs[index])
            if legs[index].isCaseCheck {
                actions += askAsSpelled(index, now: now)
                continue
            }
            isHurried = true
            switch legs[index].exchange.transport {
            case .udp: legs[index].isOverdue = true
            case .tcp: actions.append(.close(exchange: legs.remove(at: index).exchange.number))
            }
        }
        guard now < endsAt else { return actions + finish(worst) }
        while let next = nextServer(now: now), next.due <= now {
            servers[next.server].attemptsLeft -= 1
            servers[next.server].isTried = true
            lastStart = now
            isHurried = false
            actions.append(
                open(
                    next.server, firstTransport, servers[next.server].habits,
                    now + options.timeout, now: now))
        }
        if legs.allSatisfy(\.isOverdue), nextServer(now: now) == nil {
            return actions + finish(worst)
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
    /// given. Ends because each way is taken once: without EDNS, over TCP, connected again, and as
    /// spelled.
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
        return [.close(exchange: old.exchange.number), opened]
    }

    /// TCP could not be had to tell a forger from a server that does not keep case: what is left is
    /// the protection of id and port, which any resolver has.
    private mutating func askAsSpelled(_ index: Int, now: Instant) -> [Action] {
        legs[index].isCaseCheck = false
        return reopen(
            index, .udp, hasEDNS: legs[index].exchange.hasEDNS, mixesCase: false, now: now)
    }

    private mutating func note(_ failure: ServerHealth.Failure, _ leg: Leg) {
        failures.append(
            Failed(server: leg.exchange.server, failure: failure, sentAt: leg.openedAt))
    }

    /// Another server answered first: those that had been silent for the stagger are no longer to
    /// be the first ones asked.
    private mutating func notePassedOver(by winner: Leg, now: Instant) {
        for leg in legs
        where !leg.isOverdue && leg.exchange.server != winner.exchange.server
            && leg.openedAt.duration(to: now) >= options.stagger
        {
            note(.silence, leg)
        }
    }

    /// The server has said what it has to say.
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

extension Errno {
    /// Whether this machine has run out of something, whoever was to be asked: descriptors (also of
    /// the whole system), memory, buffers or ports.
    fileprivate var isShortage: Bool {
        self == .tooManyDescriptors || [ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL].contains(rawValue)
    }
}

extension Message {
    /// Whether the server stumbled over our OPT record: one that knows EDNS sends an OPT back, save
    /// for BADVERS, which says that it does not know our version.
    var isEDNSRefusal: Bool {
        switch responseCode {
        case .formatError, .notImplemented: edns == nil
        case .badVersion: true
        default: false
        }
    }
}
