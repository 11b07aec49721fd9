// Goal: the zone says yes, no and not mine as RFC 1034 has it, through every change. Method:
// queries as values, no socket.

import DNSWire
import Demo
import Testing

@Suite struct ZoneTests {
    static func name(_ text: String) throws -> DomainName { try DomainName(text) }

    static func srv(_ port: UInt16, _ target: String) throws -> RecordData {
        .srv(RecordData.SRV(priority: 1, weight: 1, port: port, target: try name(target)))
    }

    /// `_web._tcp.demo.` with two instances, one of both families, and some aliases.
    static func zone() throws -> Zone {
        var zone = Zone(origin: try name("demo"))
        let records: [(String, RecordData)] = [
            ("_web._tcp.demo", try srv(80, "web-1.demo")),
            ("_web._tcp.demo", try srv(81, "web-1.demo")),
            ("_web._tcp.demo", try srv(80, "web-2.demo")),
            ("web-1.demo", .a(0x7f00_0001)), ("web-1.demo", .aaaa(high: 0, low: 1)),
            ("web-2.demo", .a(0x7f00_0002)),
            ("www.demo", .cname(try name("web-2.demo"))),
            ("gone.demo", .cname(try name("nowhere.demo"))),
            ("loop.demo", .cname(try name("loop.demo"))),
            ("out.demo", .cname(try name("example.com"))),
        ]
        for (owner, data) in records {
            #expect(zone.add(ResourceRecord(try name(owner), ttlSeconds: 1, data)))
        }
        return zone
    }

    /// A question and what its reply must have.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let type: RecordType
        var code = ResponseCode.noError
        var answers = 0
        var additionals = 0
        var isDenial = false
        var isAuthoritative = true
        var testDescription: String { "\(name) \(type)" }
    }

    static let cases = [
        Case(name: "_web._tcp.demo", type: .srv, answers: 3, additionals: 3),
        Case(name: "_WEB._tcp.Demo", type: .srv, answers: 3, additionals: 3),
        Case(name: "web-1.demo", type: .a, answers: 1),
        Case(name: "web-1.demo", type: .any, answers: 2),
        Case(name: "web-2.demo", type: .aaaa, isDenial: true),
        // It has no records of its own, but a name below it has (RFC 8020).
        Case(name: "_tcp.demo", type: .srv, isDenial: true),
        Case(name: "web-3.demo", type: .a, code: .nameError, isDenial: true),
        Case(name: "a.web-1.demo", type: .a, code: .nameError, isDenial: true),
        Case(name: "demo", type: .soa, answers: 1),
        Case(name: "demo", type: .ns, answers: 1),
        Case(name: "demo", type: .a, isDenial: true),
        Case(name: "www.demo", type: .a, answers: 2),
        Case(name: "www.demo", type: .cname, answers: 1),
        Case(name: "www.demo", type: .aaaa, answers: 1, isDenial: true),
        Case(name: "gone.demo", type: .a, code: .nameError, answers: 1, isDenial: true),
        Case(name: "out.demo", type: .a, answers: 1),
        Case(name: "loop.demo", type: .a, answers: 9, isDenial: true),
        Case(name: "example.com", type: .a, code: .refused, isAuthoritative: false),
        Case(name: "notdemo", type: .a, code: .refused, isAuthoritative: false),
        Case(name: ".", type: .ns, code: .refused, isAuthoritative: false),
        Case(name: "demo", type: .axfr, code: .refused, isAuthoritative: false),
    ]

    @Test("a question is answered, denied or refused as it should be", arguments: cases)
    func reply(_ expected: Case) throws {
        let query = Message.query(id: 9, Question(try Self.name(expected.name), expected.type))
        let reply = try Self.zone().reply(to: query)
        #expect(reply.mismatch(answering: query, sameSpelling: true) == nil)
        #expect(reply.responseCode == expected.code)
        #expect(reply.answers.count == expected.answers)
        #expect(reply.additionals.count == expected.additionals)
        #expect(reply.authorities.map(\.type) == (expected.isDenial ? [.soa] : []))
        #expect(reply.negativeTTLSeconds == (expected.isDenial ? 1 : nil))
        #expect(reply.flags.contains(.authoritative) == expected.isAuthoritative)
        #expect(!reply.flags.contains(.recursionAvailable))
    }

    @Test("an unsupported query gets the code that says so")
    func unsupported() throws {
        let zone = try Self.zone()
        var query = Message.query(id: 9, Question(try Self.name("demo"), .soa))
        query.opcode = .update
        #expect(zone.reply(to: query).responseCode == .notImplemented)
        query.opcode = .query
        query.edns?.version = 1
        #expect(zone.reply(to: query).responseCode == .badVersion)
        query.edns = nil
        query.question?.recordClass = .chaos
        #expect(zone.reply(to: query).responseCode == .refused)
        #expect(zone.reply(to: query).edns == nil)
        query.question = nil
        #expect(zone.reply(to: query).responseCode == .formatError)
    }

    @Test("adding, replacing and removing show at once, and raise the serial")
    func changes() throws {
        var zone = try Self.zone()
        let service = try Self.name("_web._tcp.demo")
        var serials: [UInt32] = []
        func answers(_ name: DomainName, _ type: RecordType) -> (ResponseCode, [RecordData]) {
            let reply = zone.reply(to: Message.query(id: 1, Question(name, type)))
            return (reply.responseCode, reply.answers.map(\.data))
        }
        func recordSerial() throws {
            guard case .soa(let soa)? = answers(try Self.name("demo"), .soa).1.first else { return }
            serials.append(soa.serial)
        }
        try recordSerial()
        zone.remove(service, .srv, data: try Self.srv(81, "web-1.demo"))
        #expect(answers(service, .srv).1.count == 2)
        try recordSerial()
        zone.replace(
            service, .srv,
            with: [ResourceRecord(service, ttlSeconds: 1, try Self.srv(9, "web-2.demo"))])
        #expect(answers(service, .srv) == (.noError, [try Self.srv(9, "web-2.demo")]))
        try recordSerial()
        zone.remove(service)
        #expect(answers(service, .srv).0 == .nameError)
        // Nothing is below it any more, so it is gone too.
        #expect(answers(try Self.name("_tcp.demo"), .srv).0 == .nameError)
        try recordSerial()
        #expect(serials.count == 4 && Set(serials).count == 4 && serials == serials.sorted())
        #expect(!zone.add(ResourceRecord(try Self.name("example.com"), ttlSeconds: 1, .a(1))))
    }
}
