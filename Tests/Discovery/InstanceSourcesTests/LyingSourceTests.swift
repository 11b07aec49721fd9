// Goal: a source reports what a service's instances are, whatever the server does to its answers.
// Method: a real resolver and source against a scripted server over loopback.

import Backends
import DNSClient
import DNSWire
import Endpoints
import Events
import InstanceSources
import Lookups
import Random
import ScriptedDNS
import TestSupport
import Testing

@Suite struct LyingSourceTests {
    let loop = EventLoop()
    let name: DomainName

    init() throws {
        name = try DomainName("_web._tcp.service.consul")
    }

    private func resolver(_ server: ScriptedServer) -> Resolver {
        var options = ResolverOptions(servers: [server.endpoint])
        options.timeout = .milliseconds(300)
        options.attempts = 1
        return Resolver(options, on: loop)
    }

    private var options: LookupOptions {
        var options = LookupOptions()
        options.refresh.floor = .milliseconds(5)
        options.refresh.ceiling = .milliseconds(5)
        return options
    }

    private func source(
        _ server: ScriptedServer, _ change: (inout LookupOptions) -> Void = { _ in }
    ) -> SRVSource {
        var options = options
        change(&options)
        return SRVSource(name, resolver: resolver(server), options: options, on: loop)
    }

    /// The first `count` answers of `source`.
    private func answers(_ count: Int, of source: SRVSource) -> [DiscoveryAnswer] {
        var answers: [DiscoveryAnswer] = []
        source.start { answers.append($0) }
        var turnsLeft = 100_000
        while answers.count < count, turnsLeft > 0 {
            loop.runOnce(waiting: true)
            turnsLeft -= 1
        }
        source.stop()
        #expect(answers.count >= count)
        return answers
    }

    private func endpoints(_ answer: DiscoveryAnswer?) -> [String] {
        guard case .instances(let instances) = answer else { return [] }
        return instances.map(\.endpoint.description).sorted()
    }

    /// A reply with instances whose targets are their addresses, `10.0.0.x`.
    private static func reply(_ query: Message, _ hosts: [Int]) -> Message {
        var reply = query.reply()
        guard let question = query.question, question.type == .srv else { return reply }
        reply.answers = hosts.compactMap { host in
            let hex = String(0x0a00_0000 + host, radix: 16)
            guard let target = try? DomainName("0\(hex).addr.dc1.consul") else { return nil }
            return ResourceRecord(
                question.name, ttlSeconds: 0,
                .srv(.init(priority: 1, weight: 1, port: 80, target: target)))
        }
        return reply
    }

    private static let five = (1...5).map { "10.0.0.\($0):80" }

    // MARK: - Records that make no sense

    @Test("a record that can't be read is left out and told of, and the others count")
    func unreadable() throws {
        var hosts = [1, 2, 3, 4]
        let server = try ScriptedServer(on: loop) { query in
            var reply = Self.reply(query, hosts)
            guard let question = query.question else { return [] }
            reply.answers.insert(
                ResourceRecord(question.name, ttlSeconds: 0, .other(.srv, [0, 1, 0])), at: 1)
            return [reply.datagram]
        }
        defer { server.close() }
        let source = source(server)
        var heard = answers(2, of: source)
        #expect(endpoints(heard.last) == (1...4).map { "10.0.0.\($0):80" })
        #expect(source.findings.omissions.count == 1)
        #expect(source.findings.sentences.first?.contains("the SRV record of _web._tcp") == true)
        // Nothing is frozen by it: others come and go.
        hosts = [2, 3, 4, 5, 6]
        heard = answers(2, of: source)
        #expect(endpoints(heard.last) == (2...6).map { "10.0.0.\($0):80" })
    }

    @Test("an answer of which no record can be read is no answer, and no denial")
    func allUnreadable() throws {
        let server = try ScriptedServer(on: loop) { query in
            var reply = query.reply()
            guard let question = query.question else { return [] }
            reply.answers = [ResourceRecord(question.name, ttlSeconds: 0, .other(.srv, [0]))]
            return [reply.datagram]
        }
        defer { server.close() }
        guard case .failure(.malformed) = answers(1, of: source(server)).first else {
            Issue.record("it was believed")
            return
        }
    }

    @Test("records that are left out are a loss like another one: of most, those lost are held")
    func unreadableLoss() throws {
        let roster = Roster(
            service: ServiceID(index: 0), options: RosterOptions(), ids: BackendIDs(),
            journal: Journal())
        let now = ContinuousClock.now
        func instances(_ hosts: ClosedRange<Int>) throws -> DiscoveryAnswer {
            let query = Message.query(id: 1, Question(name, .srv))
            var reply = Self.reply(query, Array(hosts))
            // Those of 8 that are not among them can't be read.
            for host in 1...8 where !hosts.contains(host) {
                reply.answers.append(
                    ResourceRecord(
                        name, ttlSeconds: 0,
                        .unreadable(.srv, [], .trailingOctets(offset: 0, octets: 0))))
            }
            let records = SRVRecords(reply)
            #expect(records.count == 8)
            return .instances(records.instances)
        }
        roster.apply(try instances(1...8), now: now)
        for backend in roster.backends { roster.checkPassed(backend.id, took: .zero, now: now) }
        roster.apply(try instances(1...3), now: now + .seconds(1))
        #expect(roster.count == 8)
        #expect(roster.backends.count { $0.naming == .named } == 3)
    }

    // MARK: - Answers that never are whole

    @Test("eight at random of twenty, over UDP and TCP alike, are gathered to twenty")
    func cloudMap() throws {
        var random = SplitMix64(seed: 21)
        func eight(_ query: Message) -> Message {
            Self.reply(query, Array((1...20).shuffled(using: &random).prefix(8)))
        }
        let server = try ScriptedServer(
            on: loop, udp: { [eight($0).datagram] }, tcp: { .send([eight($0).frame]) })
        defer { server.close() }
        let source = source(server)
        let heard = answers(60, of: source)
        let all = (1...20).map { "10.0.0.\($0):80" }.sorted()
        #expect(heard.suffix(30).allSatisfy { endpoints($0) == all })
        #expect(source.findings.rotation?.answerCount == 8)
        #expect(source.findings.sentences.first?.contains("names 8 of 20") == true)
        // TCP is not asked any more once it is known.
        let overTCP = server.queries.count { $0.1 == .tcp }
        #expect(overTCP < 15)
    }

    @Test("one address of a name at a time is gathered too")
    func oneAddress() throws {
        var number = 0
        let server = try ScriptedServer(on: loop) { query in
            var reply = query.reply()
            guard let question = query.question, question.type == .a else {
                return [reply.datagram]
            }
            number += 1
            reply.answers = [
                ResourceRecord(
                    question.name, ttlSeconds: 0, .a(0x0a00_0001 + UInt32(number % 3)))
            ]
            return [reply.datagram]
        }
        defer { server.close() }
        let resolver = resolver(server)
        defer { resolver.close() }
        let list = StaticSource(
            [.init(.name(try HostName("web.test.")), port: 80, priority: 0, weight: 1)],
            hosts: HostResolver(resolver), refresh: options.refresh, on: loop)
        var heard: [DiscoveryAnswer] = []
        list.start { heard.append($0) }
        var turnsLeft = 100_000
        while heard.count < 12, turnsLeft > 0 {
            loop.runOnce(waiting: true)
            turnsLeft -= 1
        }
        list.stop()
        #expect(endpoints(heard.last) == (1...3).map { "10.0.0.\($0):80" })
        #expect(list.findings.rotation?.answerCount == 1)
    }

    // MARK: - Parts

    @Test("three of five at random without TC: all five are reported, every time")
    func threeOfFive() throws {
        var random = SplitMix64(seed: 11)
        let server = try ScriptedServer(
            on: loop,
            udp: { query in
                [Self.reply(query, Array((1...5).shuffled(using: &random).prefix(3))).datagram]
            }, tcp: { .send([Self.reply($0, [1, 2, 3, 4, 5]).frame]) })
        defer { server.close() }
        let source = source(server)
        let heard = answers(8, of: source)
        #expect(heard.allSatisfy { endpoints($0) == Self.five }, "\(heard)")
        #expect(source.partialAnswers.confirmed == 1)
        // Over UDP once; over TCP from then on.
        #expect(server.queries.count { $0.1 == .udp } == 1)
    }

    @Test("three that are all there are: asked over TCP once, and over UDP from then on")
    func threeOfThree() throws {
        let server = try ScriptedServer(
            on: loop, udp: { [Self.reply($0, [1, 2, 3]).datagram] },
            tcp: { .send([Self.reply($0, [1, 2, 3]).frame]) })
        defer { server.close() }
        let source = source(server)
        #expect(answers(6, of: source).allSatisfy { endpoints($0).count == 3 })
        #expect(source.partialAnswers.cleared == 1)
        #expect(server.queries.count { $0.1 == .tcp } == 1)
    }

    @Test("three of five, and TCP can't be had: what was seen once stays, and counts as a part")
    func threeOfFiveWithoutTCP() throws {
        var random = SplitMix64(seed: 12)
        let server = try ScriptedServer(on: loop) { query in
            [Self.reply(query, Array((1...5).shuffled(using: &random).prefix(3))).datagram]
        }
        defer { server.close() }
        let source = source(server)
        let heard = answers(20, of: source)
        var seen: Set<String> = []
        for answer in heard {
            let named = Set(endpoints(answer))
            #expect(named.isSuperset(of: seen))
            seen = named
        }
        #expect(seen == Set(Self.five))
        #expect(source.partialAnswers.parts >= 20)
    }

    @Test("a service that left UDP comes back to it while TCP can't be had")
    func tcpGoesAway() throws {
        var hasTCP = true
        let server = try ScriptedServer(
            on: loop, udp: { [Self.reply($0, [1, 2, 3]).datagram] },
            tcp: { hasTCP ? .send([Self.reply($0, [1, 2, 3, 4, 5]).frame]) : .sendAndReset([]) })
        defer { server.close() }
        let source = source(server)
        var heard: [DiscoveryAnswer] = []
        source.start { answer in
            heard.append(answer)
            if heard.count == 2 {
                hasTCP = false
                server.closeConnections()
            }
        }
        var turnsLeft = 100_000
        while heard.count < 6, turnsLeft > 0 {
            loop.runOnce(waiting: true)
            turnsLeft -= 1
        }
        source.stop()
        // One failure, which changes nothing at the roster; then UDP, with the others believed.
        #expect(heard.contains { if case .failure = $0 { true } else { false } })
        #expect(endpoints(heard.last) == Self.five)
    }

    // MARK: - For a while

    @Test(
        "a server that fails for a while is reported as that, and its answer when it has one",
        arguments: [
            (.serverFailure, .servfail), (.nameError, .nxdomain), (.refused, .refused),
            (.noError, .nodata), (.notImplemented, .otherCode(4)),
        ] as [(ResponseCode, DiscoveryFailure)])
    func forAWhile(code: ResponseCode, failure: DiscoveryFailure) throws {
        var left = 3
        let server = try ScriptedServer(on: loop) { query in
            // A lookup begins with mixed case; as spelled, it is asked again.
            let name = query.question?.name ?? .root
            if !name.isSpelled(like: name.lowercased) { left -= 1 }
            return [left >= 0 ? query.reply(code).datagram : Self.reply(query, [1]).datagram]
        }
        defer { server.close() }
        let heard = answers(4, of: source(server))
        #expect(Array(heard.prefix(3)) == Array(repeating: .failure(failure), count: 3))
        #expect(endpoints(heard[3]) == ["10.0.0.1:80"])
    }

    @Test("names that were given up while the server was away are asked as soon as it is back")
    func askedWhenBack() throws {
        var isMute = true
        let server = try ScriptedServer(
            on: loop, udp: { isMute ? [] : [Self.reply($0, [1]).datagram] })
        defer { server.close() }
        let resolver = resolver(server)
        var options = LookupOptions()
        // So long that only the server's return can explain a second lookup.
        options.refresh.floor = .seconds(3600)
        options.refresh.ceiling = .seconds(3600)
        var last: [Int: DiscoveryAnswer] = [:]
        let sources = try (0..<200).map { index in
            SRVSource(
                try DomainName("service-\(index).example"), resolver: resolver, options: options,
                on: loop)
        }
        for (index, source) in sources.enumerated() { source.start { last[index] = $0 } }
        func turn(until condition: () -> Bool) {
            var turnsLeft = 1_000_000
            while !condition(), turnsLeft > 0 {
                loop.runOnce(waiting: true)
                turnsLeft -= 1
            }
            #expect(condition())
        }
        turn { last.count == 200 }
        let givenUp = resolver.counters[.givenUp]
        #expect(givenUp > 0)
        isMute = false
        // A question that comes by is the probe.
        while resolver.servers[0].health.state != .working {
            var isOver = false
            resolver.ask(name, .srv) { _ in isOver = true }
            turn { isOver }
        }
        turn { last.values.count { !endpoints($0).isEmpty } >= givenUp }
        for source in sources { source.stop() }
    }

    // MARK: - Options

    @Test("a port in place of the records' is the port of every instance")
    func port() throws {
        let server = try ScriptedServer(on: loop, udp: { [Self.reply($0, [1, 2]).datagram] })
        defer { server.close() }
        let heard = answers(1, of: source(server) { $0.port = 9100 })
        #expect(endpoints(heard[0]) == ["10.0.0.1:9100", "10.0.0.2:9100"])
    }

    @Test(
        "without SRV records the name's own addresses are instances, if a port is given for them",
        arguments: [ResponseCode.noError, .nameError])
    func fallbackPort(code: ResponseCode) throws {
        let server = try ScriptedServer(on: loop) { query in
            guard query.question?.type == .a else {
                return [query.reply(query.question?.type == .srv ? code : .noError).datagram]
            }
            var reply = query.reply()
            for host in [1, 2] {
                reply.answers.append(
                    ResourceRecord(
                        query.question?.name ?? .root, ttlSeconds: 9, .a(0x0a00_0000 + UInt32(host))
                    ))
            }
            return [reply.datagram]
        }
        defer { server.close() }
        let heard = answers(1, of: source(server) { $0.fallbackPort = 8080 })
        #expect(endpoints(heard[0]) == ["10.0.0.1:8080", "10.0.0.2:8080"])
        guard case .instances(let instances) = heard[0] else { return }
        #expect(instances.allSatisfy { $0.timeToLive == .seconds(9) })
        #expect(instances.allSatisfy { $0.hostName == "_web._tcp.service.consul" })
        let without = answers(1, of: source(server))
        #expect(without[0] == .failure(code == .noError ? .nodata : .nxdomain))
    }

    @Test("a service that is decidedly not there does not fall back, and a failing server neither")
    func noFallback() throws {
        #expect(try answerWithFallback { Self.notAvailable($0) } == .failure(.nodata))
        #expect(try answerWithFallback { $0.reply(.serverFailure) } == .failure(.servfail))
    }

    /// A target of `.` (RFC 2782).
    private static func notAvailable(_ query: Message) -> Message {
        var reply = query.reply()
        reply.answers = [
            ResourceRecord(
                query.question?.name ?? .root, ttlSeconds: 0,
                .srv(.init(priority: 0, weight: 0, port: 0, target: .root)))
        ]
        return reply
    }

    /// What comes of `reply`, of a source that may fall back; nothing but SRV may be asked for.
    private func answerWithFallback(
        _ reply: @escaping (Message) -> Message
    ) throws -> DiscoveryAnswer? {
        let server = try ScriptedServer(on: loop) { [reply($0).datagram] }
        defer { server.close() }
        let answer = answers(1, of: source(server) { $0.fallbackPort = 80 }).first
        #expect(server.typesAsked == [.srv])
        return answer
    }

    /// A family, the types that must be asked for, and the endpoints that must come of it.
    struct Choice: Sendable, CustomTestStringConvertible {
        let family: AddressFamily
        let asked: Set<RecordType>
        let found: [String]
        var testDescription: String { family.rawValue }
    }

    @Test(
        "only the wanted families are asked for and used",
        arguments: [
            Choice(family: .ipv4First, asked: [.a, .aaaa], found: ["10.0.0.1:80"]),
            Choice(family: .ipv6First, asked: [.a, .aaaa], found: ["[2001:db8::1]:80"]),
            Choice(family: .ipv4, asked: [.a], found: ["10.0.0.1:80"]),
            Choice(family: .ipv6, asked: [.aaaa], found: ["[2001:db8::1]:80"]),
            Choice(
                family: .both, asked: [.a, .aaaa], found: ["10.0.0.1:80", "[2001:db8::1]:80"]),
        ])
    func families(_ choice: Choice) throws {
        let target = try DomainName("host.example")
        let v6 = try #require(IPAddress("2001:db8::1"))
        let server = try ScriptedServer(on: loop) { query in
            var reply = query.reply()
            let name = query.question?.name ?? .root
            let data: RecordData? =
                switch query.question?.type {
                case .srv: .srv(.init(priority: 1, weight: 1, port: 80, target: target))
                case .a: .a(0x0a00_0001)
                case .aaaa: .address(v6)
                default: nil
                }
            reply.answers = data.map { [ResourceRecord(name, ttlSeconds: 0, $0)] } ?? []
            return [reply.datagram]
        }
        defer { server.close() }
        let heard = answers(1, of: source(server) { $0.family = choice.family })
        #expect(endpoints(heard[0]) == choice.found)
        let types = Set(server.queries.compactMap(\.0.question?.type)).subtracting([.srv])
        #expect(types == choice.asked)
    }

    // MARK: - Consul's odd answers

    @Test("an A record in answer to a question for AAAA is not an address of that family")
    func wrongFamily() throws {
        let target = try DomainName("node.dc1.consul")
        let server = try ScriptedServer(on: loop) { query in
            var reply = query.reply()
            let name = query.question?.name ?? .root
            reply.answers = [
                ResourceRecord(
                    name, ttlSeconds: 0,
                    query.question?.type == .srv
                        ? .srv(.init(priority: 1, weight: 1, port: 80, target: target))
                        : .a(0x0a00_0001))
            ]
            return [reply.datagram]
        }
        defer { server.close() }
        #expect(answers(1, of: source(server) { $0.family = .ipv6 })[0] == .failure(.nodata))
        #expect(endpoints(answers(1, of: source(server))[0]) == ["10.0.0.1:80"])
        #expect(
            endpoints(answers(1, of: source(server) { $0.family = .both })[0]) == ["10.0.0.1:80"])
    }

    @Test("a target that is an alias of a host elsewhere is followed to it")
    func aliasElsewhere() throws {
        let (target, real) = (try DomainName("alias.example"), try DomainName("real.test"))
        let server = try ScriptedServer(on: loop) { query in
            var reply = query.reply()
            let name = query.question?.name ?? .root
            let data: RecordData? =
                switch (name, query.question?.type) {
                case (_, .srv): .srv(.init(priority: 1, weight: 1, port: 80, target: target))
                case (target, _): .cname(real)
                case (real, .a): .a(0x0a00_0007)
                default: nil
                }
            reply.answers = data.map { [ResourceRecord(name, ttlSeconds: 3, $0)] } ?? []
            return [reply.datagram]
        }
        defer { server.close() }
        let heard = answers(1, of: source(server))
        #expect(endpoints(heard[0]) == ["10.0.0.7:80"])
    }
}
