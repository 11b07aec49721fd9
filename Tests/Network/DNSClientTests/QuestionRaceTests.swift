// Goal: whom the race asks, when, and what it ends with, for every kind of answer and silence.
// Method: events with times of the test's own making; no socket, no clock.

import DNSClient
import DNSWire
import Events
import Testing

@Suite struct QuestionRaceTests {
    typealias Action = QuestionRace.Action
    typealias Exchange = QuestionRace.Exchange

    static let start = ContinuousClock.now
    static func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start + .milliseconds(milliseconds)
    }

    private func race(servers: Int, attempts: Int = 2, over transport: DNSTransport = .udp)
        -> QuestionRace
    {
        var options = ResolverOptions(servers: [])
        options.attempts = attempts
        options.deadline = .seconds(5)
        return QuestionRace(options, serverCount: servers, over: transport)
    }

    private func open(
        _ number: Int, server: Int, _ transport: DNSTransport = .udp, edns: Bool = true
    ) -> Action {
        .open(Exchange(number: number, server: server, transport: transport, hasEDNS: edns))
    }

    /// The outcome in `actions`, which must end with one.
    private func outcome(_ actions: [Action]) throws -> DNSOutcome {
        guard case .finish(let ending)? = actions.last else {
            Issue.record("the race goes on: \(actions)")
            throw CancellationError()
        }
        return ending.outcome
    }

    @Test("a good answer ends the race, and nothing counts after it", arguments: Reply.good)
    func good(_ reply: Reply) throws {
        var race = race(servers: 2)
        #expect(race.start(now: Self.at(0)) == [open(0, server: 0)])
        let actions = race.received(reply.message, on: 0, now: Self.at(30))
        #expect(try outcome(actions) == reply.outcome)
        guard case .finish(let ending)? = actions.first else { return }
        #expect(ending.roundTrip == .milliseconds(30))
        #expect(ending.exchange?.server == 0)
        #expect(race.wakesAt(now: Self.at(30)) == nil)
        #expect(race.received(reply.message, on: 0, now: Self.at(40)).isEmpty)
        #expect(race.advance(now: Self.at(9000)).isEmpty)
    }

    @Test("silence brings in the next server after each stagger")
    func stagger() {
        var race = race(servers: 3)
        _ = race.start(now: Self.at(0))
        #expect(race.wakesAt(now: Self.at(0)) == Self.at(200))
        #expect(race.advance(now: Self.at(199)).isEmpty)
        #expect(race.advance(now: Self.at(200)) == [open(1, server: 1)])
        #expect(race.advance(now: Self.at(400)) == [open(2, server: 2)])
        // Nobody is left to bring in: the first time-out is next.
        #expect(race.wakesAt(now: Self.at(400)) == Self.at(2000))
    }

    @Test(
        "an error code brings in the next server at once, and a good answer beats it",
        arguments: Reply.bad)
    func errorThenGood(_ reply: Reply) throws {
        var race = race(servers: 2)
        _ = race.start(now: Self.at(0))
        #expect(
            race.received(reply.message, on: 0, now: Self.at(10))
                == [.close(exchange: 0), open(1, server: 1)])
        let actions = race.received(Reply.records.message, on: 1, now: Self.at(20))
        #expect(try outcome(actions) == Reply.records.outcome)
    }

    @Test(
        "an error code from the only server is the end: it is not asked again",
        arguments: Reply.bad)
    func errorAlone(_ reply: Reply) throws {
        var race = race(servers: 1)
        _ = race.start(now: Self.at(0))
        #expect(try outcome(race.received(reply.message, on: 0, now: Self.at(10))) == reply.outcome)
    }

    @Test("of several failures the most telling is reported, in any order")
    func mostTelling() throws {
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            var race = race(servers: 3, attempts: 1)
            _ = race.start(now: Self.at(0))
            _ = race.advance(now: Self.at(200))
            _ = race.advance(now: Self.at(400))
            var last: [Action] = []
            for exchange in order {
                last =
                    switch exchange {
                    case 0: race.received(Reply.refused.message, on: 0, now: Self.at(500))
                    case 1: race.received(Reply.servfail.message, on: 1, now: Self.at(500))
                    default: race.failed(.connectionRefused, on: 2, now: Self.at(500))
                    }
            }
            #expect(try outcome(last) == .servfail)
        }
    }

    @Test("a silent server is asked again, and its late answer to the first query still counts")
    func late() throws {
        var race = race(servers: 1)
        _ = race.start(now: Self.at(0))
        #expect(race.advance(now: Self.at(2000)) == [open(1, server: 0)])
        #expect(race.timeouts == 1)
        let actions = race.received(Reply.records.message, on: 0, now: Self.at(2500))
        #expect(try outcome(actions) == Reply.records.outcome)
    }

    @Test("without any answer the race ends with the last attempt's time-out")
    func silence() throws {
        var race = race(servers: 1)
        _ = race.start(now: Self.at(0))
        _ = race.advance(now: Self.at(2000))
        #expect(race.wakesAt(now: Self.at(2000)) == Self.at(4000))
        #expect(try outcome(race.advance(now: Self.at(4000))) == .timeout)
        #expect(race.timeouts == 2)
    }

    @Test("the deadline ends a race with attempts left")
    func deadline() throws {
        var race = race(servers: 1, attempts: 9)
        _ = race.start(now: Self.at(0))
        for time in [2000, 4000] { _ = race.advance(now: Self.at(time)) }
        #expect(race.wakesAt(now: Self.at(4000)) == Self.at(5000))
        #expect(try outcome(race.advance(now: Self.at(5000))) == .timeout)
    }

    @Test("garbage over UDP is waited out, and reported only when nothing better comes")
    func garbage() throws {
        let error = DecodeError.trailingOctets(offset: 12, octets: 3)
        var race = race(servers: 1, attempts: 1)
        _ = race.start(now: Self.at(0))
        #expect(race.garbled(error, isTruncated: false, on: 0, now: Self.at(10)).isEmpty)
        var other = race
        #expect(try outcome(race.advance(now: Self.at(2000))) == .malformed(error))
        let good = other.received(Reply.records.message, on: 0, now: Self.at(20))
        #expect(try outcome(good) == Reply.records.outcome)
    }

    @Test("garbage over TCP settles the server")
    func garbageOverTCP() throws {
        let error = DecodeError.trailingOctets(offset: 12, octets: 3)
        var race = race(servers: 1, over: .tcp)
        #expect(race.start(now: Self.at(0)) == [open(0, server: 0, .tcp)])
        let actions = race.garbled(error, isTruncated: true, on: 0, now: Self.at(10))
        #expect(try outcome(actions) == .malformed(error))
    }

    @Test("a truncated answer is asked for again over TCP, even one cut within a record")
    func truncated() throws {
        var race = race(servers: 1)
        _ = race.start(now: Self.at(0))
        var unreadable = race
        let expected = [Action.close(exchange: 0), open(1, server: 0, .tcp)]
        #expect(race.received(Reply.truncated.message, on: 0, now: Self.at(10)) == expected)
        let error = DecodeError.messageTooLong(octets: 1)
        #expect(unreadable.garbled(error, isTruncated: true, on: 0, now: Self.at(10)) == expected)
        let actions = race.received(Reply.records.message, on: 1, now: Self.at(30))
        guard case .finish(let ending)? = actions.last else { return #expect(Bool(false)) }
        #expect(ending.wasTruncated && ending.exchange?.transport == .tcp)
        #expect(ending.outcome == Reply.records.outcome)
    }

    @Test("when TCP is blocked the truncated records are reported as partial")
    func truncatedWithoutTCP() throws {
        var race = race(servers: 1, attempts: 1)
        _ = race.start(now: Self.at(0))
        _ = race.received(Reply.truncated.message, on: 0, now: Self.at(10))
        #expect(try outcome(race.advance(now: Self.at(2010))) == .partial(Reply.truncated.message))
    }

    @Test(
        "a server that stumbles over EDNS is asked once more without",
        arguments: [ResponseCode.formatError, .notImplemented])
    func withoutEDNS(_ code: ResponseCode) throws {
        var race = race(servers: 1, attempts: 1)
        _ = race.start(now: Self.at(0))
        let refusal = Reply(code: code, edns: false).message
        #expect(
            race.received(refusal, on: 0, now: Self.at(10))
                == [.close(exchange: 0), open(1, server: 0, edns: false)])
        #expect(try outcome(race.received(refusal, on: 1, now: Self.at(20))) == .otherCode(code))
    }

    // MARK: - The case of letters

    /// Asks that server over UDP, in the given spelling.
    private static let asSpelled = Action.open(
        Exchange(number: 2, server: 0, transport: .udp, hasEDNS: true, mixesCase: false))

    @Test("an answer in another case is asked for over TCP, once")
    func misspelled() throws {
        var race = race(servers: 1)
        _ = race.start(now: Self.at(0))
        let expected = [Action.close(exchange: 0), open(1, server: 0, .tcp)]
        #expect(race.misspelled(on: 0, now: Self.at(10)) == expected)
        // What comes late over the old exchange, or a second forgery, changes nothing.
        #expect(race.misspelled(on: 0, now: Self.at(11)).isEmpty)
        #expect(race.misspelled(on: 1, now: Self.at(12)).isEmpty)
        let actions = race.received(Reply.records.message, on: 1, now: Self.at(30))
        #expect(try outcome(actions) == Reply.records.outcome)
    }

    @Test("when TCP is refused, or silent, it is asked over UDP as spelled, and not over TCP again")
    func misspelledWithoutTCP() throws {
        var race = race(servers: 1)
        _ = race.start(now: Self.at(0))
        _ = race.misspelled(on: 0, now: Self.at(10))
        var silent = race
        let expected = [Action.close(exchange: 1), Self.asSpelled]
        #expect(race.failed(.connectionRefused, on: 1, now: Self.at(20)) == expected)
        #expect(silent.advance(now: Self.at(2010)) == expected)
        #expect(race.misspelled(on: 2, now: Self.at(30)).isEmpty)
        let actions = race.received(Reply.records.message, on: 2, now: Self.at(40))
        #expect(try outcome(actions) == Reply.records.outcome)
    }

    @Test("a server that is known not to keep case, or not to know EDNS, is asked accordingly")
    func habits() {
        var race = QuestionRace(
            ResolverOptions(servers: []), serverCount: 1, over: .udp,
            habits: [.init(hasEDNS: false, mixesCase: false)])
        #expect(
            race.start(now: Self.at(0)) == [
                .open(
                    Exchange(
                        number: 0, server: 0, transport: .udp, hasEDNS: false, mixesCase: false))
            ])
    }

    // MARK: - What is told of servers

    @Test("a server that is overtaken is reported as silent, one not yet late is not")
    func passedOver() {
        for (start, isTold) in [(0, true), (100, false)] {
            var race = race(servers: 2)
            _ = race.start(now: Self.at(0))
            _ = race.advance(now: Self.at(200))
            // The second server answers; the first is silent since 200 ms and more, or the first
            // answers and the second is silent for less.
            _ = race.received(
                Reply.records.message, on: start == 0 ? 1 : 0, now: Self.at(start == 0 ? 210 : 310))
            let told = race.takeFailures()
            #expect(told.map(\.server) == (isTold ? [0] : []))
            #expect(told.allSatisfy { $0.failure == .silence && $0.sentAt == Self.at(0) })
            #expect(race.takeFailures().isEmpty)
        }
    }

    @Test(
        "each failure is told once, with its kind; what this machine lacks is no server's failure")
    func failures() {
        var race = race(servers: 4, attempts: 1)
        _ = race.start(now: Self.at(0))
        _ = race.received(Reply.servfail.message, on: 0, now: Self.at(10))
        _ = race.failed(.tooManyDescriptors, on: 1, now: Self.at(20))
        _ = race.failed(.connectionRefused, on: 2, now: Self.at(30))
        _ = race.advance(now: Self.at(2030))
        let told = race.takeFailures()
        #expect(told.map(\.server) == [0, 2, 3])
        #expect(
            told.map(\.failure) == [
                .code(.serverFailure), .unreachable(.connectionRefused), .silence,
            ])
    }

    @Test("an unreachable server makes way at once and is tried again after a pause")
    func unreachable() throws {
        var race = race(servers: 2)
        _ = race.start(now: Self.at(0))
        #expect(
            race.failed(.connectionRefused, on: 0, now: Self.at(1))
                == [.close(exchange: 0), open(1, server: 1)])
        #expect(race.wakesAt(now: Self.at(1)) == Self.at(201))
        #expect(race.advance(now: Self.at(201)) == [open(2, server: 0)])
    }

    @Test("servers that are all unreachable end the race without waiting for the deadline")
    func allUnreachable() throws {
        var race = race(servers: 1)
        _ = race.start(now: Self.at(0))
        #expect(race.failed(.connectionRefused, on: 0, now: Self.at(1)) == [.close(exchange: 0)])
        #expect(race.advance(now: Self.at(201)) == [open(1, server: 0)])
        let actions = race.failed(.connectionRefused, on: 1, now: Self.at(202))
        #expect(try outcome(actions) == .unreachable(.connectionRefused))
    }

    @Test("a connection that the server closes early is made once more, not twice")
    func closed() throws {
        var race = race(servers: 1, attempts: 1, over: .tcp)
        _ = race.start(now: Self.at(0))
        #expect(
            race.closed(0, now: Self.at(10)) == [.close(exchange: 0), open(1, server: 0, .tcp)])
        // The second connection has no new time-out.
        #expect(race.wakesAt(now: Self.at(10)) == Self.at(2000))
        #expect(
            try outcome(race.closed(1, now: Self.at(20))) == .unreachable(.connectionReset))
    }

    @Test("events of an exchange that was dropped are ignored")
    func dropped() {
        var race = race(servers: 2)
        _ = race.start(now: Self.at(0))
        _ = race.received(Reply.servfail.message, on: 0, now: Self.at(10))
        #expect(race.received(Reply.records.message, on: 0, now: Self.at(20)).isEmpty)
        #expect(race.failed(.timedOut, on: 0, now: Self.at(20)).isEmpty)
        #expect(race.closed(7, now: Self.at(20)).isEmpty)
    }

    @Test("without servers the race is over before it begins")
    func noServers() throws {
        var race = race(servers: 0)
        #expect(try outcome(race.start(now: Self.at(0))) == .noServers)
    }
}

/// A server's reply and what it comes to.
struct Reply: Sendable, CustomTestStringConvertible {
    let message: Message
    let outcome: DNSOutcome
    var testDescription: String { "\(outcome)" }

    private init(_ message: Message, _ outcome: DNSOutcome) {
        self.message = message
        self.outcome = outcome
    }

    init(code: ResponseCode, edns: Bool = true) {
        var message = Self.query.reply(code)
        if !edns { message.edns = nil }
        let outcome: DNSOutcome =
            switch code {
            case .serverFailure: .servfail
            case .refused: .refused
            case .nameError: .nxdomain
            default: .otherCode(code)
            }
        self.init(message, outcome)
    }

    static let name = try? DomainName("_web._tcp.example.")
    static let query = Message.query(id: 7, Question(name ?? .root, .srv))
    static let servfail = Reply(code: .serverFailure)
    static let refused = Reply(code: .refused)
    static let records = withRecord(truncated: false)
    static let truncated = withRecord(truncated: true)
    static let nodata = Reply(query.reply(), .nodata)
    static let good = [records, nodata, Reply(code: .nameError)]
    static let bad = [
        servfail, refused, Reply(code: .notAuthoritative), Reply(code: .formatError), referral,
    ]

    static let referral: Reply = {
        var message = query.reply()
        message.authorities = [ResourceRecord(.root, ttlSeconds: 60, .ns(.root))]
        return Reply(message, .refused)
    }()

    private static func withRecord(truncated: Bool) -> Reply {
        var message = query.reply()
        if truncated { message.flags.insert(.truncated) }
        let srv = RecordData.SRV(priority: 1, weight: 1, port: 80, target: name ?? .root)
        message.answers = [ResourceRecord(name ?? .root, ttlSeconds: 5, .srv(srv))]
        return Reply(message, truncated ? .partial(message) : .records(message))
    }
}
