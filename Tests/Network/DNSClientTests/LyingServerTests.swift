// Goal: each lie that a nameserver, or someone between, can tell is seen for what it is, counted
// with its server, and never believed. Method: real loopback sockets against a scripted server on
// the same loop.

import DNSClient
import DNSWire
import Endpoints
import Events
import ScriptedDNS
import Testing

@Suite struct LyingServerTests {
    let loop = EventLoop()

    private func resolver(_ servers: ScriptedServer...) -> Resolver {
        var options = ResolverOptions(servers: servers.map(\.endpoint))
        options.timeout = .milliseconds(600)
        options.stagger = .milliseconds(50)
        options.deadline = .seconds(20)
        return Resolver(options, on: loop)
    }

    private func ask(_ resolver: Resolver, tcpFirst: Bool? = nil) throws -> DNSAnswer {
        var answer: DNSAnswer?
        resolver.ask(try DomainName("_web._tcp.example"), .srv, tcpFirst: tcpFirst) { answer = $0 }
        turn { answer != nil }
        return try #require(answer)
    }

    private func turn(until condition: () -> Bool) {
        var turnsLeft = 100_000
        while !condition(), turnsLeft > 0 {
            loop.runOnce(waiting: true)
            turnsLeft -= 1
        }
        #expect(condition())
    }

    private func count(_ answer: DNSAnswer) -> Int? {
        guard case .records(let message) = answer.outcome else { return nil }
        return AnswerChain(message).records.count
    }

    // MARK: - The case of letters

    @Test("the case of the letters of a query is random, and the answer is told as it was asked")
    func mixed() throws {
        let server = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords().datagram] })
        defer { server.close() }
        let resolver = resolver(server)
        for _ in 0..<40 {
            let answer = try ask(resolver)
            #expect(answer.message?.question?.name.description == "_web._tcp.example.")
        }
        let spellings = Set(server.queries.map { "\($0.0.question?.name ?? .root)" })
        // 13 letters have 8192 spellings: one is drawn twice now and then, five never.
        #expect(spellings.count >= 35)
        #expect(resolver.servers[0].keepsCase == true)
    }

    @Test("an answer in another case is a forger's when TCP keeps the case: TCP's is taken")
    func forged() throws {
        let server = try ScriptedServer(
            on: loop, udp: { [$0.replyWithRecords(1).lowercased.datagram] },
            tcp: { .send([$0.replyWithRecords(2).frame]) })
        defer { server.close() }
        let resolver = resolver(server)
        let answer = try ask(resolver)
        #expect(count(answer) == 2 && answer.transport == .tcp)
        let status = resolver.servers[0]
        #expect(status.keepsCase == true)
        #expect(status.counters[.misspelled] == 1 && status.counters[.mismatched] == 1)
        #expect(resolver.counters[.mismatched] == 1)
    }

    @Test(
        "a server that does not keep the case over TCP either is believed, and asked plainly then")
    func lowercasing() throws {
        let server = try ScriptedServer(
            on: loop, udp: { [$0.replyWithRecords().lowercased.datagram] },
            tcp: { .send([$0.replyWithRecords(2).lowercased.frame]) })
        defer { server.close() }
        let resolver = resolver(server)
        #expect(count(try ask(resolver)) == 2)
        #expect(resolver.servers[0].keepsCase == false)
        let second = try ask(resolver)
        #expect(second.transport == .udp && count(second) == 1)
        #expect(server.queries.map(\.1) == [.udp, .tcp, .udp])
        #expect("\(server.queries[2].0.question?.name ?? .root)" == "_web._tcp.example.")
    }

    @Test("where TCP can't be had to tell, it is asked as spelled, and nothing is concluded")
    func noTCP() throws {
        let server = try ScriptedServer(
            on: loop, udp: { [$0.replyWithRecords().lowercased.datagram] })
        defer { server.close() }
        let resolver = resolver(server)
        #expect(count(try ask(resolver)) == 1)
        #expect(resolver.servers[0].keepsCase == nil)
    }

    @Test("without mixed case the question goes out as it was given")
    func plain() throws {
        let server = try ScriptedServer(
            on: loop, udp: { [$0.replyWithRecords().lowercased.datagram] })
        defer { server.close() }
        var options = ResolverOptions(servers: [server.endpoint])
        options.mixesCase = false
        let resolver = Resolver(options, on: loop)
        var answer: DNSAnswer?
        resolver.ask(try DomainName("Web.Example"), .srv) { answer = $0 }
        turn { answer != nil }
        #expect(answer.flatMap(count) == 1)
        #expect("\(server.queries[0].0.question?.name ?? .root)" == "Web.Example.")
    }

    // MARK: - EDNS

    @Test("a server that refuses EDNS is asked without it from then on; one that ignores it is not")
    func edns() throws {
        let refusing = try ScriptedServer(on: loop) { query in
            guard query.edns != nil else { return [query.replyWithRecords().datagram] }
            return [query.reply(.formatError).withoutEDNS.datagram]
        }
        let ignoring = try ScriptedServer(
            on: loop, udp: { [$0.replyWithRecords().withoutEDNS.datagram] })
        defer {
            refusing.close()
            ignoring.close()
        }
        let first = resolver(refusing)
        let answer = try ask(first)
        #expect(count(answer) == 1 && answer.octetsMax == 512)
        #expect(first.servers[0].knowsEDNS == false)
        _ = try ask(first)
        #expect(refusing.queries.map { $0.0.edns != nil } == [true, false, false])
        let second = resolver(ignoring)
        for _ in 0..<2 { #expect(try ask(second).octetsMax == 1232) }
        #expect(second.servers[0].knowsEDNS == false)
        #expect(ignoring.queries.allSatisfy { $0.0.edns != nil })
    }

    @Test("the outcome of each query is counted with its server")
    func counters() throws {
        var turn = 0
        let server = try ScriptedServer(on: loop) { query in
            turn += 1
            switch turn {
            case 1: return [query.replyWithRecords().datagram]
            case 2: return [query.reply(.serverFailure).datagram]
            default: return [query.reply(.nameError).datagram]
            }
        }
        defer { server.close() }
        let resolver = resolver(server)
        for _ in 0..<3 { _ = try ask(resolver) }
        let status = resolver.servers[0]
        #expect(status.counters[.sentUDP] == 3 && status.counters[.sentTCP] == 0)
        #expect(
            status.counters.responses == [.serverFailure: 1, .nameError: 1, .noError: 1])
        #expect(status.health.answers == 2 && status.health.failures == 1)
        #expect(status.health.lastFailure?.what == .code(.serverFailure))
        #expect(status.health.state == .working && status.place == 0)
        #expect(status.health.roundTrip.map { $0 > .zero } == true)
    }

    // MARK: - Packets

    @Test("a compression loop is counted with its server, its reason and its time")
    func loop_() throws {
        let server = try ScriptedServer(on: loop) { query in
            var looping = query.replyWithRecords().datagram
            // The owner of the first record points at itself.
            let owner = 12 + (query.question?.name.wireOctets.count ?? 0) + 4
            looping.replaceSubrange(owner..<(owner + 2), with: [0xc0, UInt8(owner)])
            return [looping, query.replyWithRecords(2).datagram]
        }
        defer { server.close() }
        let resolver = resolver(server)
        let before = ContinuousClock.now
        #expect(count(try ask(resolver)) == 2)
        let status = resolver.servers[0]
        #expect(status.endpoint == server.endpoint && status.counters[.malformed] == 1)
        let last = try #require(status.lastMalformed)
        #expect(last.at >= before)
        let isPointer = if case .badPointer = last.what { true } else { false }
        #expect(isPointer, "\(last.what)")
    }

    @Test("an answer that comes after the time-out still counts")
    func late() throws {
        let server = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords().datagram] })
        defer { server.close() }
        server.delay = .milliseconds(700)
        // Both tries time out before their answers come: without the late one there would be none.
        #expect(count(try ask(resolver(server))) == 1)
    }

    @Test("an answer without records is NODATA")
    func empty() throws {
        let server = try ScriptedServer(on: loop, udp: { [$0.reply().datagram] })
        defer { server.close() }
        #expect(try ask(resolver(server)).outcome == .nodata)
    }

    @Test(
        "a TTL with the top bit set is 0 (RFC 2181, section 8)",
        arguments: [(0, 0), (1, 1), (0x7fff_ffff, 0x7fff_ffff), (0x8000_0000, 0), (0xffff_ffff, 0)]
            as [(UInt32, UInt32)])
    func timeToLive(sent: UInt32, expected: UInt32) throws {
        let server = try ScriptedServer(on: loop) { query in
            var bytes = query.replyWithRecords().datagram
            let ttl = 12 + (query.question?.name.wireOctets.count ?? 0) + 4 + 6
            bytes.replaceSubrange(
                ttl..<(ttl + 4), with: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sent >> $0) })
            return [bytes]
        }
        defer { server.close() }
        let message = try #require(try ask(resolver(server)).message)
        #expect(message.answers.first?.ttlSeconds == expected)
    }

    // MARK: - Bit flips

    @Test("a flipped bit never crashes, and changes no record unless it is in the records")
    func flips() throws {
        let name = try DomainName("_Web._tcp.example")
        let query = Message.query(id: 0x1234, Question(name, .srv))
        let good = query.replyWithRecords(3)
        let bytes = good.datagram
        let records = Set(AnswerChain(good).records)
        let answerStart = 12 + name.wireOctets.count + 4
        var believed = 0
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let message = try? Message(decoding: flipped),
                message.mismatch(answering: query, sameSpelling: true) == nil
            else { continue }
            believed += 1
            let found = AnswerChain(message).records
            #expect(found.count <= 3)
            if bit / 8 < answerStart {
                // Header or question: the flags and the code may be others, the records not.
                #expect(Set(found) == records, "bit \(bit)")
            } else {
                // One record at most is another; the others are as they were.
                #expect(Set(found).intersection(records).count >= 2 || message.answers.count < 3)
            }
        }
        #expect(believed > 0 && believed < bytes.count * 8)
    }

    @Test("every flipped bit goes through the resolver, and the question ends")
    func flipsOnTheWire() throws {
        var bit = 0
        let server = try ScriptedServer(
            on: loop,
            udp: { query in
                let good = query.replyWithRecords(2).datagram
                var flipped = good
                // A query without EDNS, after a flip that looked like a refusal, has a shorter
                // reply.
                if bit / 8 < good.count { flipped[bit / 8] ^= 1 << UInt8(bit % 8) }
                return [flipped, good]
            }, tcp: { .send([$0.replyWithRecords(2).frame]) })
        defer { server.close() }
        let length = Message.query(id: 1, Question(try DomainName("_web._tcp.example"), .srv))
            .replyWithRecords(2).datagram.count
        var (malformed, mismatched) = (0, 0)
        while bit < length * 8 {
            let resolver = resolver(server)
            let answer = try ask(resolver)
            malformed += resolver.servers[0].counters[.malformed]
            mismatched += resolver.servers[0].counters[.mismatched]
            if let count = count(answer) {
                #expect(count == 1 || count == 2, "bit \(bit)")
            } else {
                // A code, or a type or name that turns the records into others.
                #expect(answer.message != nil, "bit \(bit): \(answer.outcome)")
            }
            bit += 1
        }
        #expect(malformed > 0 && mismatched > 0)
    }

    // MARK: - TCP

    @Test("a connection is used again, and one that ends after 128 queries costs no question")
    func endsAfter128() throws {
        let server = try ScriptedServer(on: loop, tcp: { .send([$0.replyWithRecords(2).frame]) })
        defer { server.close() }
        server.queriesPerConnection = 128
        let resolver = resolver(server)
        for _ in 0..<300 { #expect(count(try ask(resolver, tcpFirst: true)) == 2) }
        // One more when the machine stood still for so long that an idle one was given up.
        #expect((3...4).contains(server.connectionCount))
        #expect(resolver.counters[.unreachable] == 0 && resolver.counters[.timeouts] == 0)
        #expect(resolver.servers[0].health.failures == 0)
    }

    @Test("a connection that the server ends while it is idle is not noticed by the next question")
    func endsWhileIdle() throws {
        let server = try ScriptedServer(on: loop, tcp: { .send([$0.replyWithRecords(2).frame]) })
        defer { server.close() }
        let resolver = resolver(server)
        for _ in 0..<3 {
            #expect(count(try ask(resolver, tcpFirst: true)) == 2)
            server.closeConnections()
        }
        #expect(server.connectionCount == 3 && server.queries.count == 3)
    }

    @Test(
        "a reset before or within the answer leads to one more connection", arguments: [0, 1, 20])
    func reset(after octets: Int) throws {
        var queries = 0
        let server = try ScriptedServer(
            on: loop,
            tcp: { query in
                queries += 1
                let frame = query.replyWithRecords(2).frame
                return queries == 1 ? .sendAndReset(Array(frame.prefix(octets))) : .send([frame])
            })
        defer { server.close() }
        #expect(count(try ask(resolver(server), tcpFirst: true)) == 2)
        #expect(server.connectionCount == 2)
    }
}

extension Message {
    /// This message without an OPT record.
    fileprivate var withoutEDNS: Message {
        var message = self
        message.edns = nil
        return message
    }
}
