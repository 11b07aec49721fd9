// Goal: the resolver gets the right answer out of servers that lie, stumble and stay away, and says
// truly what it got. Method: real loopback sockets against a scripted server on the same loop.

import DNSClient
import DNSWire
import Endpoints
import Events
import Locking
import ScriptedDNS
import Testing

@Suite struct ResolverTests {
    let loop = EventLoop()

    private func options(_ servers: ScriptedServer...) -> ResolverOptions {
        var options = ResolverOptions(servers: servers.map(\.endpoint))
        // Short where silence is the point of a test; no test depends on how short.
        options.timeout = .milliseconds(600)
        options.stagger = .milliseconds(50)
        options.deadline = .seconds(20)
        return options
    }

    /// Asks one question and turns the loop until it is answered.
    private func ask(_ resolver: Resolver, tcpFirst: Bool? = nil) throws -> DNSAnswer {
        var answer: DNSAnswer?
        resolver.ask(try DomainName("_web._tcp.example"), .srv, tcpFirst: tcpFirst) { answer = $0 }
        #expect(answer == nil, "the completion was called before ask returned")
        turn { answer != nil }
        return try #require(answer)
    }

    private func turn(until condition: () -> Bool) {
        for _ in 0..<10_000 where !condition() { loop.runOnce(waiting: true) }
        #expect(condition())
    }

    private func count(_ answer: DNSAnswer) -> Int? {
        guard case .records(let message) = answer.outcome else { return nil }
        return AnswerChain(message).records.count
    }

    @Test("one question is one query with EDNS, and its answer tells who, how and how long")
    func plain() throws {
        let server = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords(3).datagram] })
        defer { server.close() }
        let resolver = Resolver(options(server), on: loop)
        let answer = try ask(resolver)
        #expect(count(answer) == 3)
        #expect(answer.server == server.endpoint && answer.transport == .udp)
        #expect(answer.roundTrip > .zero && !answer.wasTruncated)
        let query = try #require(server.queries.first).0
        #expect(server.queries.count == 1)
        #expect(query.edns?.udpPayloadOctetsMax == 1232)
        #expect(query.flags.contains(.recursionDesired))
        #expect(resolver.counters[.sentUDP] == 1 && resolver.counters[.received] == 1)
        #expect(resolver.counters.responses == [.noError: 1])
        #expect(resolver.pendingCount == 0)
    }

    /// A packet that is not the answer, made from the query.
    struct Lie: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let isMismatch: Bool
        let packet: @Sendable (Message) -> [UInt8]

        static let all = [
            Lie("wrong id", isMismatch: true) { query in
                var reply = query.replyWithRecords()
                reply.id ^= 1
                return reply.datagram
            },
            Lie("wrong name", isMismatch: true) { query in
                var reply = query.replyWithRecords()
                reply.question?.name = .root
                return reply.datagram
            },
            Lie("wrong type", isMismatch: true) { query in
                var reply = query.replyWithRecords()
                reply.question?.type = .a
                return reply.datagram
            },
            Lie("the query itself", isMismatch: true) { $0.datagram },
            Lie("garbage with another id", isMismatch: true) { query in
                [UInt8((query.id >> 8) ^ 1)] + Array(repeating: 0xff, count: 40)
            },
            Lie("empty datagram", isMismatch: false) { _ in [] },
            Lie("cut short", isMismatch: false) {
                Array($0.replyWithRecords().datagram.dropLast(3))
            },
            Lie("octets after the end", isMismatch: false) { $0.replyWithRecords().datagram + [0] },
        ]

        private init(
            _ name: String, isMismatch: Bool, packet: @escaping @Sendable (Message) -> [UInt8]
        ) {
            testDescription = name
            self.isMismatch = isMismatch
            self.packet = packet
        }
    }

    @Test(
        "a packet that is not the answer is counted, ignored, and the right one taken",
        arguments: Lie.all)
    func lieThenTruth(_ lie: Lie) throws {
        let server = try ScriptedServer(
            on: loop, udp: { [lie.packet($0), $0.replyWithRecords(2).datagram] })
        defer { server.close() }
        let resolver = Resolver(options(server), on: loop)
        #expect(count(try ask(resolver)) == 2)
        #expect(resolver.counters[.mismatched] == (lie.isMismatch ? 1 : 0))
        #expect(resolver.counters[.malformed] == (lie.isMismatch ? 0 : 1))
        #expect(resolver.counters[.received] == 2)
    }

    @Test("when nothing but such packets comes, the failure says which", arguments: Lie.all)
    func lieAlone(_ lie: Lie) throws {
        let server = try ScriptedServer(on: loop, udp: { [lie.packet($0)] })
        defer { server.close() }
        var options = options(server)
        options.attempts = 1
        let outcome = try ask(Resolver(options, on: loop)).outcome
        if lie.isMismatch {
            #expect(outcome == .timeout)
        } else {
            let isMalformed = if case .malformed = outcome { true } else { false }
            #expect(isMalformed, "\(outcome)")
        }
    }

    @Test("a dropped query is sent again, with an id and a port of its own")
    func dropped() throws {
        var ids: [UInt16] = []
        let server = try ScriptedServer(on: loop) { query in
            ids.append(query.id)
            return ids.count == 1 ? [] : [query.replyWithRecords().datagram]
        }
        defer { server.close() }
        var options = options(server)
        options.nextID = TestIDs(start: 40).next
        let resolver = Resolver(options, on: loop)
        #expect(count(try ask(resolver)) == 1)
        #expect(ids == [40, 41])
        #expect(resolver.counters[.timeouts] == 1 && resolver.counters[.sentUDP] == 2)
    }

    @Test(
        "a truncated answer is fetched over TCP, in segments of any cut", arguments: [1, 2, 3, 700])
    func truncated(firstSegment: Int) throws {
        let server = try ScriptedServer(
            on: loop,
            udp: { query in
                var reply = query.reply()
                reply.flags.insert(.truncated)
                return [reply.datagram]
            },
            tcp: { query in
                let frame = query.replyWithRecords(40).frame
                return .send([
                    Array(frame.prefix(firstSegment)), Array(frame.dropFirst(firstSegment)),
                ])
            })
        defer { server.close() }
        let resolver = Resolver(options(server), on: loop)
        let answer = try ask(resolver)
        #expect(count(answer) == 40)
        #expect(answer.wasTruncated && answer.transport == .tcp)
        #expect(resolver.counters[.truncated] == 1 && resolver.counters[.sentTCP] == 1)
    }

    @Test("an answer cut within a record, with TC set, is fetched over TCP too")
    func truncatedWithinRecord() throws {
        let server = try ScriptedServer(
            on: loop,
            udp: { query in
                var reply = query.replyWithRecords()
                reply.flags.insert(.truncated)
                return [Array(reply.datagram.dropLast(20))]
            }, tcp: { .send([$0.replyWithRecords(9).frame]) })
        defer { server.close() }
        #expect(count(try ask(Resolver(options(server), on: loop))) == 9)
    }

    @Test("the largest message there is arrives whole over TCP")
    func largest() throws {
        // At 37 octets each, as many records as the 65,535 that a frame may have can hold.
        let server = try ScriptedServer(on: loop, tcp: { .send([$0.replyWithRecords(1768).frame]) })
        defer { server.close() }
        var options = options(server)
        options.timeout = .seconds(10)
        let answer = try ask(Resolver(options, on: loop), tcpFirst: true)
        let octets = try #require(answer.message).datagram.count
        #expect(octets > 65_400 && octets <= Message.octetsMax)
        #expect(count(answer) == 1768)
        #expect(server.queries.map(\.1) == [.tcp])
    }

    @Test("a connection closed before or within the answer is made once more")
    func closedEarly() throws {
        for cut in [0, 1, 20] {
            var connections = 0
            let server = try ScriptedServer(
                on: loop,
                tcp: { query in
                    connections += 1
                    let frame = query.replyWithRecords(2).frame
                    return connections == 1
                        ? .sendAndClose(Array(frame.prefix(cut))) : .send([frame])
                })
            defer { server.close() }
            #expect(count(try ask(Resolver(options(server), on: loop), tcpFirst: true)) == 2)
            #expect(connections == 2)
        }
    }

    @Test("SERVFAIL from the first server does not beat the answer of the second")
    func secondServer() throws {
        let failing = try ScriptedServer(on: loop, udp: { [$0.reply(.serverFailure).datagram] })
        let good = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords().datagram] })
        defer {
            failing.close()
            good.close()
        }
        let resolver = Resolver(options(failing, good), on: loop)
        #expect(try ask(resolver).server == good.endpoint)
        #expect(try ask(resolver).server == good.endpoint)
        // In mixed case, and as spelled should that be the reason, while the other one is asked.
        #expect((1...3).contains(failing.queries.count) && good.queries.count == 2)
        #expect(resolver.counters.responses[.noError] == 2)
    }

    @Test("a silent first server costs the stagger, not the time-out")
    func silentFirst() throws {
        let silent = try ScriptedServer(on: loop)
        let good = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords().datagram] })
        defer {
            silent.close()
            good.close()
        }
        var options = options(silent, good)
        options.timeout = .seconds(10)
        let resolver = Resolver(options, on: loop)
        #expect(try ask(resolver).server == good.endpoint)
        #expect(resolver.counters[.timeouts] == 0)
    }

    @Test("a port where nobody listens is reported as such, without a time-out")
    func nobody() throws {
        let server = try ScriptedServer(on: loop)
        server.close()
        for tcpFirst in [false, true] {
            let resolver = Resolver(options(server), on: loop)
            let answer = try ask(resolver, tcpFirst: tcpFirst)
            #expect(answer.outcome == .unreachable(.connectionRefused))
            #expect(resolver.counters[.timeouts] == 0)
            #expect(resolver.counters[.unreachable] == QueryPolicy.attemptsDefault)
        }
    }

    @Test("a server from before EDNS is asked without it")
    func withoutEDNS() throws {
        let server = try ScriptedServer(on: loop) { query in
            guard query.edns != nil else { return [query.replyWithRecords().datagram] }
            // Header alone, as such servers answer.
            return [Message(id: query.id, flags: .response, responseCode: .formatError).datagram]
        }
        defer { server.close() }
        #expect(count(try ask(Resolver(options(server), on: loop))) == 1)
        #expect(server.queries.count == 2)
    }

    @Test("without servers the answer says so")
    func noServers() throws {
        #expect(try ask(Resolver(options(), on: loop)).outcome == .noServers)
    }

    @Test("questions beyond the bound wait, and beyond the queue are turned away")
    func bounds() throws {
        let server = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords().datagram] })
        defer { server.close() }
        var options = options(server)
        options.underWayMax = 2
        options.waitingMax = 3
        let resolver = Resolver(options, on: loop)
        var outcomes: [DNSOutcome] = []
        for _ in 0..<7 {
            resolver.ask(try DomainName("example"), .srv) { outcomes.append($0.outcome) }
        }
        #expect(resolver.pendingCount == 5)
        turn { outcomes.count == 7 }
        #expect(outcomes.count { $0 == .overloaded } == 2)
        #expect(resolver.counters[.overloaded] == 2 && resolver.counters[.sentUDP] == 5)
    }

    @Test("a cancelled question is not answered, whether it waits or is under way")
    func cancel() throws {
        let server = try ScriptedServer(on: loop)
        defer { server.close() }
        var options = options(server)
        options.underWayMax = 1
        let resolver = Resolver(options, on: loop)
        let name = try DomainName("example")
        let first = resolver.ask(name, .a) { _ in Issue.record("answered") }
        let second = resolver.ask(name, .a) { _ in Issue.record("answered") }
        turn { !server.queries.isEmpty }
        second.cancel()
        first.cancel()
        first.cancel()
        #expect(resolver.pendingCount == 0)
        loop.runOnce()
    }
}

/// Ids in sequence.
final class TestIDs: Sendable {
    private let state: Locked<UInt16>

    init(start: UInt16) {
        state = Locked(start)
    }

    @Sendable func next() -> UInt16 {
        state.withLock { id in
            defer { id &+= 1 }
            return id
        }
    }
}
