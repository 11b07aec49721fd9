// Goal: host names come to exactly the addresses that the answers give them. Method: hand-made
// messages for the chain of aliases, a scripted server for the resolution.

import DNSClient
import DNSWire
import Endpoints
import Events
import ScriptedDNS
import Testing

@Suite struct AddressTests {
    let loop = EventLoop()

    private func resolve(_ name: String, _ answer: @escaping (Message) -> [[UInt8]]) throws
        -> AddressAnswer
    {
        let server = try ScriptedServer(on: loop, udp: answer)
        defer { server.close() }
        var options = ResolverOptions(servers: [server.endpoint])
        options.attempts = 1
        let resolver = Resolver(options, on: loop)
        var found: AddressAnswer?
        resolver.resolveAddresses(try DomainName(name)) { found = $0 }
        #expect(found == nil)
        for _ in 0..<10_000 where found == nil { loop.runOnce(waiting: true) }
        #expect(resolver.pendingCount == 0)
        return try #require(found)
    }

    /// A reply with records of the asked type.
    private static func reply(_ query: Message, _ records: [(UInt32, RecordData)]) -> [[UInt8]] {
        var reply = query.reply()
        reply.answers = records.map {
            ResourceRecord(query.question?.name ?? .root, ttlSeconds: $0.0, $0.1)
        }
        reply.answers.removeAll { $0.type != query.question?.type }
        return [reply.datagram]
    }

    @Test("both families are asked, duplicates dropped, and the smallest TTL counts")
    func both() throws {
        let answer = try resolve("host.example") { query in
            Self.reply(
                query,
                [
                    (30, .a(0x7f00_0002)), (20, .a(0x7f00_0002)), (60, .aaaa(high: 0, low: 1)),
                    // The IPv4 address again, mapped: the same host.
                    (50, .aaaa(high: 0, low: 0xffff_7f00_0002)),
                ])
        }
        #expect(answer.addresses == [.v4(0x7f00_0002), .v6(0, 1)])
        #expect(answer.timeToLive == .seconds(20))
        #expect(answer.isComplete && answer.failure == nil)
    }

    @Test("a family that is not answered leaves the other one's addresses, marked incomplete")
    func oneFamilySilent() throws {
        let answer = try resolve("host.example") { query in
            query.question?.type == .a ? Self.reply(query, [(9, .a(1))]) : []
        }
        #expect(answer.addresses == [.v4(1)])
        #expect(!answer.isComplete)
    }

    @Test("a name without addresses says so; a failed family explains more than a denied one")
    func none() throws {
        let answer = try resolve("host.example") { query in
            [query.reply(query.question?.type == .a ? .noError : .serverFailure).datagram]
        }
        #expect(answer.addresses.isEmpty)
        #expect(answer.failure == .servfail)
        let denied = try resolve("host.example") { [$0.reply(.nameError).datagram] }
        #expect(denied.failure == .nxdomain && denied.isComplete)
    }

    @Test("localhost is never asked for")
    func localhost() throws {
        let answer = try resolve("LocalHost") { _ in
            Issue.record("asked")
            return []
        }
        #expect(answer.addresses == [.loopback, .v6(0, 1)])
    }

    /// An answer to `a.example A` as owner, type and value, and the records it must come to.
    struct Chain: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let answers: [(String, RecordData)]
        let found: Int
        let ttl: UInt32?
    }

    static let chains: [Chain] = {
        func alias(_ name: String) -> RecordData { .cname((try? DomainName(name)) ?? .root) }
        let long = (0..<12).map { ("h\($0).example", alias("h\($0 + 1).example")) }
        return [
            Chain(testDescription: "plain", answers: [("a.example", .a(1))], found: 1, ttl: 100),
            Chain(
                testDescription: "aliases in any order",
                answers: [
                    ("c.example", .a(1)), ("b.example", alias("C.example")),
                    ("a.example", alias("b.example")),
                ], found: 1, ttl: 98),
            Chain(
                testDescription: "another owner", answers: [("b.example", .a(1))], found: 0,
                ttl: nil),
            Chain(
                testDescription: "another type", answers: [("a.example", .aaaa(high: 0, low: 1))],
                found: 0, ttl: nil),
            Chain(
                testDescription: "alias to nowhere", answers: [("a.example", alias("b.example"))],
                found: 0, ttl: 100),
            Chain(
                testDescription: "alias loop",
                answers: [("a.example", alias("b.example")), ("b.example", alias("a.example"))],
                found: 0, ttl: 99),
            Chain(
                testDescription: "longer than any real chain",
                answers: [("a.example", alias("h0.example"))] + long + [("h12.example", .a(1))],
                found: 0, ttl: 92),
        ]
    }()

    @Test("aliases are followed within the answer, in bounds", arguments: chains)
    func chain(_ chain: Chain) throws {
        var message = Message.query(id: 1, Question(try DomainName("a.example"), .a)).reply()
        for (index, (name, data)) in chain.answers.enumerated() {
            message.answers.append(
                ResourceRecord(try DomainName(name), ttlSeconds: UInt32(100 - index), data))
        }
        let found = AnswerChain(message)
        #expect(found.records.count == chain.found)
        #expect(found.ttlSeconds == chain.ttl)
    }
}
