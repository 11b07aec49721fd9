// Goal: a denial or an error that is due to how a server was asked is not believed, and a server
// whose word is known to be good is not asked twice. Method: a scripted server over loopback.

import DNSClient
import DNSWire
import Endpoints
import Events
import ScriptedDNS
import Testing

@Suite struct DoubtTests {
    let loop = EventLoop()

    private func resolver(
        _ servers: [ScriptedServer], _ change: (inout ResolverOptions) -> Void = { _ in }
    ) -> Resolver {
        var options = ResolverOptions(servers: servers.map(\.endpoint))
        options.timeout = .milliseconds(60)
        options.deadline = .milliseconds(1000)
        options.attempts = 3
        change(&options)
        return Resolver(options, on: loop)
    }

    private func ask(
        _ resolver: Resolver, _ name: String = "web.example", _ type: RecordType = .srv
    ) throws -> DNSAnswer {
        var answer: DNSAnswer?
        resolver.ask(try DomainName(name), type) { answer = $0 }
        while answer == nil { loop.runOnce(waiting: true) }
        return try #require(answer)
    }

    private func pause() {
        let timer = Timer(on: loop) {}
        timer.schedule(after: .milliseconds(20))
        while timer.isScheduled { loop.runOnce(waiting: true) }
    }

    /// Whether the question of `query` is spelled in lower case, as tests ask.
    private static func isPlain(_ query: Message) -> Bool {
        query.question.map { $0.name.isSpelled(like: $0.name.lowercased) } ?? false
    }

    private static func with(_ code: ResponseCode, _ query: Message) -> Message {
        code == .noError ? query.reply() : query.reply(code)
    }

    // MARK: - The case of letters

    @Test(
        "a server that compares names byte by byte is asked as spelled before its denial counts",
        arguments: [
            ResponseCode.nameError, .noError, .serverFailure, .refused, .notImplemented,
            .formatError,
        ])
    func bytewise(code: ResponseCode) throws {
        let server = try ScriptedServer(on: loop) { query in
            [
                (Self.isPlain(query) ? query.replyWithRecords() : Self.with(code, query)).datagram
            ]
        }
        defer { server.close() }
        let resolver = resolver([server])
        for _ in 0..<20 { #expect(try ask(resolver).outcome.hasRecords) }
        // The first question took two queries, each further one takes one.
        #expect(server.queries.count == 21)
        let status = resolver.servers[0]
        #expect(status.ignoresCase == false && status.counters[.doubted] == 1)
        #expect(status.health.failures == 0)
        // Another name is asked as spelled from the start as well.
        #expect(try ask(resolver, "other.example").outcome.hasRecords)
        #expect(server.queries.count == 22)
    }

    @Test("short names are always sent in another case than they are spelled in")
    func short() throws {
        let server = try ScriptedServer(on: loop) { query in
            [(Self.isPlain(query) ? query.replyWithRecords() : query.reply(.nameError)).datagram]
        }
        defer { server.close() }
        for _ in 0..<20 {
            let resolver = resolver([server])
            #expect(try ask(resolver, "w").outcome.hasRecords)
            #expect(resolver.servers[0].ignoresCase == false)
        }
    }

    @Test("a name that is not there costs one query more, once; other names likewise")
    func absent() throws {
        let server = try ScriptedServer(on: loop) { [$0.reply(.nameError).datagram] }
        defer { server.close() }
        let resolver = resolver([server])
        for _ in 0..<10 { #expect(try ask(resolver).outcome == .nxdomain) }
        #expect(server.queries.count == 11)
        for _ in 0..<10 { #expect(try ask(resolver, "b.example").outcome == .nxdomain) }
        #expect(server.queries.count == 22)
        #expect(resolver.servers[0].ignoresCase == nil)
    }

    @Test("a name that was known in mixed case is believed to be gone at once")
    func gone() throws {
        var isThere = true
        let server = try ScriptedServer(on: loop) { query in
            [(isThere ? query.replyWithRecords() : query.reply(.nameError)).datagram]
        }
        defer { server.close() }
        let resolver = resolver([server])
        #expect(try ask(resolver).outcome.hasRecords)
        isThere = false
        for _ in 0..<5 { #expect(try ask(resolver).outcome == .nxdomain) }
        #expect(server.queries.count == 6)
        #expect(resolver.servers[0].ignoresCase == true)
    }

    @Test("a server that hands some names on knows those in any case, and is doubted for others")
    func forwarder() throws {
        let server = try ScriptedServer(on: loop) { query in
            guard let name = query.question?.name else { return [] }
            let isOwn = name.labels.count == 1
            return [
                (isOwn && !Self.isPlain(query) ? query.reply(.nameError) : query.replyWithRecords())
                    .datagram
            ]
        }
        defer { server.close() }
        let resolver = resolver([server])
        for _ in 0..<5 { #expect(try ask(resolver).outcome.hasRecords) }
        #expect(resolver.servers[0].ignoresCase == true)
        #expect(try ask(resolver, "database").outcome.hasRecords)
        #expect(resolver.servers[0].ignoresCase == false)
    }

    @Test("a check that comes to nothing leaves what was said before")
    func silentCheck() throws {
        let server = try ScriptedServer(on: loop) { query in
            Self.isPlain(query) ? [] : [query.reply(.nameError).datagram]
        }
        defer { server.close() }
        let resolver = resolver([server])
        #expect(try ask(resolver).outcome == .nxdomain)
        #expect(server.queries.count == 2)
    }

    @Test("what only changes the case of the question, and denies it, is asked as spelled too")
    func lowercasingDenial() throws {
        let server = try ScriptedServer(
            on: loop,
            udp: { query in
                [
                    (Self.isPlain(query) ? query.replyWithRecords() : query.reply(.nameError))
                        .lowercased.datagram
                ]
            },
            tcp: { query in
                .send([
                    (Self.isPlain(query) ? query.replyWithRecords() : query.reply(.nameError))
                        .lowercased.frame
                ])
            })
        defer { server.close() }
        let resolver = resolver([server])
        for _ in 0..<3 { #expect(try ask(resolver).outcome.hasRecords) }
        #expect(resolver.servers[0].keepsCase == false)
    }

    @Test("an error by chance changes no habit of a server that knows names in any case")
    func chance() throws {
        var failing: Set<String> = ["a.example."]
        let server = try ScriptedServer(on: loop) { query in
            let name = "\(query.question?.name.lowercased ?? .root)"
            let fails = failing.remove(name) != nil
            return [(fails ? query.reply(.serverFailure) : query.replyWithRecords()).datagram]
        }
        defer { server.close() }
        let resolver = resolver([server])
        #expect(try ask(resolver).outcome.hasRecords)
        #expect(try ask(resolver, "a.example").outcome.hasRecords)
        #expect(resolver.servers[0].ignoresCase == true)
        #expect(resolver.servers[0].counters[.doubted] == 1)
    }

    // MARK: - EDNS

    @Test(
        "a server that fails because of EDNS is asked without, and from then on",
        arguments: [ResponseCode.serverFailure, .refused, .formatError, .notImplemented],
        [true, false])
    func ednsFails(code: ResponseCode, repeatsOPT: Bool) throws {
        let server = try ScriptedServer(on: loop) { query in
            guard query.edns != nil else { return [query.replyWithRecords().datagram] }
            var reply = query.reply(code)
            if !repeatsOPT { reply.edns = nil }
            return [reply.datagram]
        }
        defer { server.close() }
        let resolver = resolver([server])
        for _ in 0..<10 {
            let answer = try ask(resolver)
            #expect(answer.outcome.hasRecords && answer.octetsMax == 512)
        }
        // In mixed case, as spelled, without EDNS: then once each, and in mixed case again.
        #expect(server.queries.count <= 12)
        #expect(server.queries.suffix(9).allSatisfy { $0.0.edns == nil && !Self.isPlain($0.0) })
        let status = resolver.servers[0]
        #expect(status.knowsEDNS == false && status.ignoresCase == true)
        #expect(status.ednsFailure == "it answers \(code)")
    }

    @Test(
        "a server that drops queries with EDNS is asked without the last time",
        arguments: [1, 2, 3])
    func ednsDropped(attempts: Int) throws {
        let server = try ScriptedServer(on: loop) { query in
            query.edns == nil ? [query.replyWithRecords().datagram] : []
        }
        defer { server.close() }
        let resolver = resolver([server]) { $0.attempts = attempts }
        var found = false
        var asked = 0
        while !found, asked < 500 {
            found = try ask(resolver).outcome.hasRecords
            asked += 1
            if !found { pause() }
        }
        // With a single attempt it takes several questions to know that the server is silent.
        #expect(found && (attempts == 1 || asked == 1))
        #expect(resolver.servers[0].knowsEDNS == false)
        #expect(resolver.servers[0].ednsFailure == "it does not answer")
        let before = server.queries.count
        for _ in 0..<5 { #expect(try ask(resolver).outcome.hasRecords) }
        #expect(server.queries.count == before + 5)
    }

    @Test("a server that takes EDNS keeps it through an outage, and through errors")
    func ednsStays() throws {
        var says: ResponseCode? = .noError
        let server = try ScriptedServer(on: loop) { query in
            switch says {
            case nil: []
            case .noError?: [query.replyWithRecords().datagram]
            case let code?: [query.reply(code).datagram]
            }
        }
        defer { server.close() }
        let resolver = resolver([server])
        #expect(try ask(resolver).outcome.hasRecords)
        for lie in [nil, ResponseCode.serverFailure] {
            says = lie
            for _ in 0..<3 { #expect(try !ask(resolver).outcome.hasRecords) }
        }
        says = .noError
        while try !ask(resolver).outcome.hasRecords {}
        #expect(server.queries.allSatisfy { $0.0.edns != nil })
        #expect(resolver.servers[0].knowsEDNS == true)
    }

    @Test("without EDNS an answer that is cut at 512 octets is asked for over TCP")
    func ednsOff() throws {
        let server = try ScriptedServer(
            on: loop,
            udp: { query in
                var reply = query.replyWithRecords(40)
                var bytes: [UInt8] = []
                reply.edns = nil
                reply.encode(into: &bytes, maximumSize: query.udpReplyOctetsMax)
                return [bytes]
            }, tcp: { .send([$0.replyWithRecords(40).frame]) })
        defer { server.close() }
        let resolver = resolver([server]) { $0.usesEDNS = false }
        let answer = try ask(resolver)
        guard case .records(let message) = answer.outcome else {
            Issue.record("found \(answer.outcome)")
            return
        }
        #expect(AnswerChain(message).records.count == 40)
        #expect(answer.transport == .tcp && answer.wasTruncated)
        #expect(server.queries.map(\.1) == [.udp, .tcp])
        #expect(server.queries.allSatisfy { $0.0.edns == nil })
        #expect(resolver.servers[0].knowsEDNS == nil)
    }
}
