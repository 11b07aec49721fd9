// Goal: every SRV answer that a server really gives, odd ones included, becomes the right
// instances. Method: messages made by hand; nothing is sent.

import Backends
import DNSClient
import DNSWire
import Endpoints
import InstanceSources
import Testing

@Suite struct SRVRecordsTests {
    private let service: DomainName

    init() throws {
        service = try DomainName("_web._tcp.service.consul")
    }

    private func srv(
        _ target: String, port: UInt16 = 80, priority: UInt16 = 1, weight: UInt16 = 1,
        ttl: UInt32 = 30
    ) throws -> ResourceRecord {
        ResourceRecord(
            service, ttlSeconds: ttl,
            .srv(
                .init(
                    priority: priority, weight: weight, port: port, target: try DomainName(target)))
        )
    }

    private func address(_ name: String, _ address: String, ttl: UInt32 = 30) throws
        -> ResourceRecord
    {
        ResourceRecord(
            try DomainName(name), ttlSeconds: ttl, .address(try #require(IPAddress(address))))
    }

    private func read(_ answers: [ResourceRecord], _ additionals: [ResourceRecord] = [])
        -> SRVRecords
    {
        SRVRecords(
            Message(
                id: 1, flags: [.response], question: Question(service, .srv), answers: answers,
                additionals: additionals))
    }

    @Test("an answer says as much as another only when all of it is alike")
    func alike() throws {
        let answers = [try srv("a.example", port: 1), try srv("b.example", port: 2)]
        let addresses = [
            try address("a.example", "10.0.0.1"), try address("b.example", "10.0.0.2"),
        ]
        let records = read(answers, addresses)
        #expect(records.hasSameContent(as: read(answers, addresses)))
        for other in [
            read(answers.reversed(), addresses), read([answers[0]], addresses),
            read(answers, [addresses[0]]),
            read(answers, [addresses[0], try address("b.example", "10.0.0.3")]),
            read(answers, [addresses[0], try address("b.example", "10.0.0.2", ttl: 1)]),
            read([answers[0], try srv("b.example", port: 2, weight: 7)], addresses),
            read([answers[0], try srv("b.example", port: 0)], addresses),
        ] {
            #expect(!records.hasSameContent(as: other))
        }
    }

    @Test("targets with addresses in the additional section need no further question")
    func additional() throws {
        let records = read(
            [
                try srv("a.example", port: 8080, priority: 1, weight: 10),
                try srv("b.example", weight: 0),
            ],
            [try address("A.Example", "10.0.0.1"), try address("b.example", "2001:db8::1")])
        #expect(records.openTargets.isEmpty)
        #expect(
            records.instances.map(\.endpoint.description) == ["10.0.0.1:8080", "[2001:db8::1]:80"])
        #expect(records.instances.map(\.weight) == [10, 0])
        #expect(records.instances.map(\.hostName) == ["a.example", "b.example"])
    }

    @Test("targets without an address are asked for, each once")
    func open() throws {
        var records = read([
            try srv("a.example", port: 1), try srv("a.example", port: 2), try srv("b.example"),
        ])
        let (a, b) = (try DomainName("a.example"), try DomainName("b.example"))
        #expect(records.openTargets == [a, b])
        records.resolve(a, to: [.loopback], ttlSeconds: 5)
        records.resolve(b, to: [], ttlSeconds: nil)
        #expect(records.openTargets.isEmpty)
        #expect(records.instances.map(\.endpoint.port) == [1, 2])
        #expect(records.timeToLive == .seconds(5))
    }

    @Test("an alias in the additional section is followed, a loop of them ends")
    func alias() throws {
        let (real, other) = (try DomainName("real.example"), try DomainName("a.example"))
        let toReal = ResourceRecord(other, ttlSeconds: 7, .cname(real))
        let records = read(
            [try srv("a.example")], [toReal, try address("real.example", "10.0.0.9")])
        #expect(records.instances.map(\.endpoint.description) == ["10.0.0.9:80"])
        #expect(records.timeToLive == .seconds(7))
        let loop = read(
            [try srv("a.example")], [toReal, ResourceRecord(real, ttlSeconds: 7, .cname(other))])
        #expect(loop.openTargets == [other])
    }

    @Test(
        "Consul's addr names are their own address",
        arguments: [
            ("0a000001.addr.dc1.consul", "10.0.0.1"),
            ("7F000001.ADDR.dc1.consul", "127.0.0.1"),
            ("20010db8000000000000000000000001.addr.dc1.consul", "2001:db8::1"),
            ("20010DB8000000000000000000000001.Addr.dc1.consul", "2001:db8::1"),
            ("00000000000000000000ffff0a000001.addr.dc1.consul", "10.0.0.1"),
            ("0a000001.addr.dc1.alt-domain", "10.0.0.1"),
            ("0a000001.addr.dc1.consul.example.com", "10.0.0.1"),
            ("0a000001.addr.dc-2.internal.example", "10.0.0.1"),
        ])
    func consulNames(target: String, expected: String) throws {
        let records = read([try srv(target)])
        #expect(records.openTargets.isEmpty)
        #expect(records.instances.map(\.endpoint.address) == [try #require(IPAddress(expected))])
    }

    @Test(
        "what only looks like such a name is asked for",
        arguments: [
            "0a00001.addr.dc1.consul", "0a0000011.addr.dc1.consul", "0a00000g.addr.dc1.consul",
            "+a000001.addr.dc1.consul", "0a000001.node.dc1.consul", "0a000001.addr.consul",
            "0a000001.addr", "0a000001", "x.0a000001.addr.dc1.consul", "0a-00001.addr.dc1.consul",
        ])
    func notConsulNames(target: String) throws {
        let records = read([try srv(target)])
        #expect(records.openTargets.count == 1)
    }

    @Test("a target of . says that there is no service, and port 0 that there is no place")
    func noService() throws {
        let nowhere = read([try srv(".")])
        #expect(nowhere.instances.isEmpty && nowhere.openTargets.isEmpty)
        let noPort = read([try srv("a.example", port: 0)], [try address("a.example", "10.0.0.1")])
        #expect(noPort.instances.isEmpty)
    }

    @Test(
        "every address of the wanted family is an instance, and they share the record's weight",
        arguments: [
            (.ipv4First, ["10.0.0.1:80", "10.0.0.2:80"]), (.ipv4, ["10.0.0.1:80", "10.0.0.2:80"]),
            (.ipv6First, ["[2001:db8::1]:80"]), (.ipv6, ["[2001:db8::1]:80"]),
            (.both, ["10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"]),
        ] as [(AddressFamily, [String])])
    func everyAddress(family: AddressFamily, expected: [String]) throws {
        let message = Message(
            id: 1, flags: [.response], question: Question(service, .srv),
            answers: [try srv("a.example", priority: 3, weight: 10)],
            additionals: [
                try address("a.example", "2001:db8::1"), try address("a.example", "10.0.0.1"),
                try address("a.example", "10.0.0.2"),
            ])
        let instances = SRVRecords(message, family: family).instances
        #expect(instances.map(\.endpoint.description) == expected)
        #expect(instances.allSatisfy { $0.weight == 10 && $0.priority == 3 })
        #expect(instances.allSatisfy { Int($0.sharers) == expected.count })
    }

    @Test("a record's addresses get its share together, in the traffic too")
    func shares() throws {
        let records = read(
            [try srv("a.example", weight: 3), try srv("b.example", weight: 3)],
            try (1...4).map { try address("a.example", "10.0.0.\($0)") }
                + [try address("b.example", "10.0.1.1")])
        let roster = makeRoster()
        roster.apply(.instances(records.instances), now: .now)
        let weights = roster.rotation.members.map { ("\($0.endpoint)", $0.weight) }
        let whole = try #require(weights.first { $0.0 == "10.0.1.1:80" }).1
        let shared = weights.filter { $0.0 != "10.0.1.1:80" }.map(\.1)
        #expect(shared.count == 4 && shared.allSatisfy { $0 * 4 == whole })
    }

    @Test("answers that name the same addresses in turn change nothing: 6 s of four that rotate")
    func rotating() throws {
        let roster = makeRoster()
        var now = ContinuousClock.now
        var addresses = try (1...4).map { try address("a.example", "10.0.0.\($0)") }
        roster.apply(.instances(read([try srv("a.example")], addresses).instances), now: now)
        let before = roster.backends
        for _ in 0..<60 {
            now += .milliseconds(100)
            addresses.append(addresses.removeFirst())
            roster.apply(.instances(read([try srv("a.example")], addresses).instances), now: now)
            #expect(roster.backends == before)
        }
        #expect(before.count == 4)
    }

    @Test("of too many addresses always the same are used, and the others are counted")
    func tooMany() throws {
        var addresses = try (0..<300).map {
            try address("a.example", "10.0.\($0 / 256).\($0 % 256)")
        }
        let first = read([try srv("a.example")], addresses)
        addresses.shuffle()
        let second = read([try srv("a.example")], addresses)
        #expect(first.instances.count == SRVRecords.addressesMax)
        #expect(Set(first.instances) == Set(second.instances))
        #expect(first.omissions.count == 44)
        #expect(first.omissions.description.contains("a.example: it has 300 addresses"))
    }

    @Test("what is left out is counted and named")
    func omissions() throws {
        var records = read([
            try srv("a.example", port: 0), try srv("b.example"), try srv("c.example"), try srv("."),
        ])
        records.resolve(try DomainName("b.example"), to: [], ttlSeconds: nil)
        records.resolve(try DomainName("c.example"), to: [.loopback], ttlSeconds: nil)
        let (instances, omissions) = records.read()
        #expect(instances.count == 1 && omissions.count == 2)
        #expect(
            omissions.examples == [
                "the record of a.example: it has port 0",
                "the record of b.example: it has no address",
            ])
    }

    private func makeRoster() -> Roster {
        Roster(
            service: ServiceID(index: 0), options: RosterOptions(), ids: BackendIDs(),
            journal: Journal())
    }

    @Test("the smallest TTL of all that the answer is made of counts")
    func timeToLive() throws {
        let records = read(
            [try srv("a.example", ttl: 30), try srv("b.example", ttl: 20)],
            [try address("a.example", "10.0.0.1", ttl: 10), try address("b.example", "10.0.0.2")])
        #expect(records.timeToLive == .seconds(10))
    }

    @Test("records of other names and types in any section are ignored")
    func foreign() throws {
        let other = ResourceRecord(
            try DomainName("_other._tcp.service.consul"), ttlSeconds: 1,
            .srv(.init(priority: 1, weight: 1, port: 1, target: try DomainName("x.example"))))
        let text = ResourceRecord(try DomainName("a.example"), ttlSeconds: 0, .txt([[0x61]]))
        let records = read(
            [try srv("a.example"), other], [text, try address("a.example", "10.0.0.1")])
        #expect(records.instances.count == 1)
        #expect(records.timeToLive == .seconds(30))
    }

    @Test("a port of one's own is used for every record, those without a port included")
    func port() throws {
        let message = Message(
            id: 1, flags: [.response], question: Question(service, .srv),
            answers: [
                try srv("0a000001.addr.dc1.consul", port: 0),
                try srv("0a000002.addr.dc1.consul", port: 81),
            ])
        let records = SRVRecords(message, port: 9000)
        #expect(
            records.instances.map(\.endpoint.description) == ["10.0.0.1:9000", "10.0.0.2:9000"])
    }

    @Test("several records with one target and different ports are as many instances")
    func ports() throws {
        let records = read(
            [
                try srv("a.example", port: 1, weight: 2), try srv("a.example", port: 2),
                try srv("a.example", port: 1, weight: 2),
            ], [try address("a.example", "10.0.0.1")])
        // The record that is there twice is the roster's to join.
        #expect(records.instances.map(\.endpoint.port) == [1, 2, 1])
    }

    @Test("a wanted family that did not come along is asked for, unless the other will do")
    func families() throws {
        let message = Message(
            id: 1, flags: [.response], question: Question(service, .srv),
            answers: [try srv("a.example"), try srv("0a000002.addr.dc1.consul")],
            additionals: [try address("a.example", "10.0.0.1")])
        let target = try DomainName("a.example")
        let open: [AddressFamily: [DomainName]] = [
            .ipv4: [], .ipv4First: [], .ipv6First: [], .ipv6: [target], .both: [target],
        ]
        for (family, expected) in open {
            #expect(SRVRecords(message, family: family).openTargets == expected, "\(family)")
        }
        #expect(SRVRecords(message, family: .ipv6).instances.isEmpty)
    }

    @Test("a host's name is in lower case, however the question was spelled")
    func lowerCase() throws {
        let records = read([try srv("A.ExAmPlE")], [try address("a.example", "10.0.0.1")])
        #expect(records.instances.map(\.hostName) == ["a.example"])
    }
}
