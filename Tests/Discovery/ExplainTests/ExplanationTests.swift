// Goal: the report says what the answers are and what follows, in numbers that add up and in words
// that stay. Method: answers made by hand; what is printed is compared as a whole.

import Backends
import DNSClient
import DNSWire
import Endpoints
import Explain
import InstanceSources
import Testing

@Suite struct ExplanationTests {
    private let service: DomainName
    private let endpoint = Endpoint(.loopback, 8600)

    init() throws {
        service = try DomainName("_web._tcp.service.consul")
    }

    private func srv(
        _ target: String, port: UInt16 = 80, priority: UInt16 = 1, weight: UInt16 = 1,
        ttl: UInt32 = 5
    ) throws -> ResourceRecord {
        ResourceRecord(
            service, ttlSeconds: ttl,
            .srv(
                .init(
                    priority: priority, weight: weight, port: port, target: try DomainName(target)))
        )
    }

    /// A server that gave these records over UDP, as a source reads them.
    private func server(
        _ records: [ResourceRecord], _ additionals: [ResourceRecord] = [], port: UInt16 = 8600
    ) -> Explanation.Server {
        var message = Message.query(id: 1, Question(service, .srv)).reply()
        message.answers = records
        message.additionals = additionals
        let answer = DNSAnswer(
            question: Question(service, .srv),
            outcome: records.isEmpty ? .nodata : .records(message), message: message,
            server: endpoint, transport: .udp, roundTrip: .microseconds(400), octets: 200,
            octetsMax: 1232)
        let instances = SRVRecords(message).instances
        return Explanation.Server(
            ServerStatus(Endpoint(.loopback, port)), answers: [answer],
            result: instances.isEmpty ? .failure(.nodata) : .instances(instances))
    }

    private func explain(_ servers: Explanation.Server...) -> Explanation {
        Explanation(.init("SRV \(service)"), servers, now: .now)
    }

    @Test("shares are those of the effective weights, tier by tier, and add up")
    func shares() throws {
        let explanation = explain(
            server([
                try srv("0a000001.addr.dc1.consul", weight: 10),
                try srv("0a000002.addr.dc1.consul", weight: 1),
                try srv("0a000003.addr.dc1.consul", priority: 2, weight: 0),
                try srv("0a000004.addr.dc1.consul", priority: 2, weight: 1),
            ]))
        #expect(explanation.isGood && explanation.failure == nil)
        #expect(explanation.shares.map(\.tier) == [1, 1, 2, 2])
        #expect(explanation.shares.map(\.effectiveWeight) == [10, 1, 1, 256])
        for tier in [1, 2] {
            let sum = explanation.shares.filter { $0.tier == tier }.reduce(0) { $0 + $1.percent }
            #expect(abs(sum - 100) < 0.001)
        }
        #expect(explanation.remarks.contains { $0.kind == .zeroWeight })
    }

    @Test("the text is what a person reads, whole")
    func text() throws {
        let explanation = explain(
            server(
                [try srv("a.example", weight: 2, ttl: 0), try srv("0a000002.addr.dc1.consul")],
                [
                    ResourceRecord(
                        try DomainName("a.example"), ttlSeconds: 30, .a(0x0a00_0001))
                ]))
        #expect(
            explanation.text == """
                SRV _web._tcp.service.consul., asked of 1 nameserver

                127.0.0.1:8600
                  SRV _web._tcp.service.consul.  UDP  NOERROR  qr rd  200 of 1232 octets  0.4 ms
                    answer, 2 records
                      _web._tcp.service.consul.  0 s  SRV  1 2 80 a.example.
                      _web._tcp.service.consul.  5 s  SRV  1 1 80 0a000002.addr.dc1.consul.
                    additional, 1 records
                      a.example.  30 s  A  10.0.0.1
                  => 2 instances

                What Fairlead makes of it, by the answer of 127.0.0.1:8600
                  tier  priority  backend      weight  turns  share   found as
                  1     1         10.0.0.1:80  2       2      66.7 %  a.example
                  1     1         10.0.0.2:80  1       1      33.3 %  0a000002.addr.dc1.consul
                  asked again after 1 s, give or take 10 %: the smallest TTL is 0 s, the floor (refresh.floor) 1 s
                  what stays, should lookups go wrong
                    the name does not exist (NXDOMAIN)  15 min
                    no records (NODATA)                 15 min
                    the server fails (SERVFAIL)         24 h
                    the server refuses (REFUSED)        24 h
                    no answer in time                   24 h
                    no server can be reached            24 h
                    answers that can't be read          24 h
                    more than half are gone at once     60 s
                    after that everything goes

                Worth knowing
                  - records with a TTL of 0 s hold until the next lookup; how often that is, the floor says

                """)
    }

    @Test("a failure says what stays and for how long, and the exit code follows")
    func failure() {
        let answer = DNSAnswer(question: Question(service, .srv), outcome: .servfail)
        let explanation = explain(
            Explanation.Server(
                ServerStatus(endpoint), answers: [answer], result: .failure(.servfail)))
        #expect(!explanation.isGood && explanation.failure == .servfail)
        #expect(explanation.refresh?.wait == .seconds(1))
        #expect(explanation.text.contains("backends known from before stay for 24 h"))
    }

    @Test("the first server with instances decides, whatever stands before it")
    func decisive() throws {
        let explanation = explain(
            server([], port: 1), server([try srv("0a000001.addr.dc1.consul")], port: 2))
        #expect(explanation.decisive == 1 && explanation.shares.count == 1)
        #expect(explanation.remarks.map(\.kind) == [.disagreement])
    }

    /// Records, and the remark that they must lead to.
    struct Odd: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let kind: Remark.Kind
        /// Target, port, weight.
        let records: [(String, UInt16, UInt16)]
        var alias: String?
    }

    @Test(
        "what is odd about records is said",
        arguments: [
            Odd(
                testDescription: "three", kind: .partial,
                records: [
                    ("0a000001.addr.a.b", 1, 1), ("0a000002.addr.a.b", 1, 1),
                    ("0a000003.addr.a.b", 1, 1),
                ]),
            Odd(testDescription: "no service", kind: .notAvailable, records: [(".", 0, 0)]),
            Odd(testDescription: "port 0", kind: .noPort, records: [("0a000001.addr.a.b", 0, 1)]),
            Odd(testDescription: "no address", kind: .noAddress, records: [("x.example", 1, 1)]),
            Odd(
                testDescription: "alias", kind: .alias, records: [("x.example", 1, 1)],
                alias: "x.example"),
            Odd(
                testDescription: "twice", kind: .repeated,
                records: [
                    ("0a000001.addr.a.b", 1, 1), ("0a000001.addr.a.b", 1, 1),
                ]),
            Odd(
                testDescription: "one place", kind: .sharedEndpoint,
                records: [
                    ("0a000001.addr.a.b", 1, 1), ("0a000001.addr.c.d", 1, 1),
                ]),
        ])
    func odd(_ odd: Odd) throws {
        let records = try odd.records.map { try srv($0.0, port: $0.1, weight: $0.2) }
        let additionals = try odd.alias.map {
            [
                ResourceRecord(
                    try DomainName($0), ttlSeconds: 1, .cname(try DomainName("y.example")))
            ]
        }
        let explanation = explain(server(records, additionals ?? []))
        #expect(explanation.remarks.contains { $0.kind == odd.kind }, "\(explanation.remarks)")
    }

    @Test("a plain answer has nothing odd about it")
    func plain() throws {
        #expect(explain(server([try srv("0a000001.addr.dc1.consul")])).remarks == [])
    }

    @Test("the keys of the document stay")
    func json() throws {
        let text = explain(server([try srv("0a000001.addr.dc1.consul")])).json
        for key in [
            "asked", "askedAgainAfterSeconds", "askedAgainBecause", "backends", "decidedBy", "good",
            "holdSeconds", "jitterPercent", "remarks", "servers", "answers", "transport", "code",
            "flags", "octets", "octetsMax", "milliseconds", "wasTruncated", "edns", "answer",
            "authority", "additional", "ttlSeconds", "data", "backend", "hostName", "tier",
            "priority", "weights", "effectiveWeight", "percent", "malformed", "mismatched",
        ] {
            #expect(text.contains("\"\(key)\" :"), "no \(key)")
        }
    }

    @Test("text that a server writes into TXT can't control the terminal")
    func safe() throws {
        let text = ResourceRecord(service, ttlSeconds: 1, .txt([[0x1b, 0x5b, 0x32, 0x4a, 0xff]]))
        let printed = explain(server([try srv("0a000001.addr.dc1.consul")], [text])).text
        #expect(printed.contains("\"\\027[2J\\255\""))
        #expect(!printed.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    }
}
