// Goal: what an agent's JSON says becomes instances by Consul's own rules, and what can't be right
// is refused whole, with the place. Method: tables of documents, each with what it means.

import Backends
import Endpoints
import InstanceSources
import JSON
import Random
import TestSupport
import Testing

@testable import Consul

@Suite struct HealthAnswerTests {
    /// An entry of `/v1/health/service/web` with these parts in place of what they begin with.
    private static func entry(
        node: String = #""Address":"10.0.0.1""#, service: String = #""Port":80"#,
        checks: String = "[]"
    ) -> String {
        #"{"Node":{"Node":"n1","Datacenter":"dc1",\#(node)},"#
            + #""Service":{"ID":"web-1","Service":"web",\#(service)},"Checks":\#(checks)}"#
    }

    private static func checks(_ statuses: String...) -> String {
        "[" + statuses.map { #"{"CheckID":"c","Status":"\#($0)"}"# }.joined(separator: ",") + "]"
    }

    private func sorted(
        _ json: String, passingOnly: Bool = false, own: String? = nil
    ) throws -> (instances: [Instance], named: [HealthAnswer.Named], omissions: Omissions) {
        try HealthAnswer(service: Array(json.utf8), passingOnly: passingOnly)
            .sorted(ownDatacenter: own)
    }

    @Test("an instance has its address, port, weight, priority 1 and metadata")
    func whole() throws {
        let json =
            "["
            + Self.entry(
                service: #""Address":"10.0.0.9","Port":8080,"Tags":["v1","blue"],"#
                    + #""Meta":{"zone":"a","tags":"not these"},"Weights":{"Passing":7,"Warning":2}"#
            ) + "]"
        let expected = Instance(
            Endpoint(.v4(0x0a00_0009), 8080), priority: 1, weight: 7,
            metadata: [
                "zone": "a", "tags": "v1,blue", "node": "n1", "id": "web-1", "datacenter": "dc1",
            ])
        #expect(try sorted(json).instances == [expected])
        // Go leaves out or writes null for what is empty.
        let bare =
            "["
            + Self.entry(
                service: #""Address":"","Port":80,"Tags":null,"Meta":null,"Weights":null,"#
                    + #""TaggedAddresses":null"#, checks: "null") + "]"
        #expect(try sorted(bare).instances.first?.endpoint.description == "10.0.0.1:80")
        #expect(try sorted(bare).instances.first?.weight == 1)
        #expect(try sorted("[]").instances.isEmpty)
    }

    @Test(
        "a node's metadata stands in for the service's; Consul's own is left out"
    )
    func nodeMetadata() throws {
        let node =
            #""Address":"10.0.0.1","Meta":{"zone":"a","rack":"r1","consul-network-segment":""}"#
        let zones = try [#""Port":80"#, #""Port":80,"Meta":{"zone":"b"}"#].map { service in
            try sorted("[" + Self.entry(node: node, service: service) + "]").instances[0].metadata
        }
        #expect(zones.map { $0["zone"] } == ["a", "b"])
        #expect(zones.map { $0["rack"] } == ["r1", "r1"])
        #expect(zones.allSatisfy { $0["consul-network-segment"] == nil })
    }

    @Test(
        "the worst check of the service and its node decides",
        arguments: [
            (checks(), 7, 7), (checks("passing", "passing"), 7, 7),
            (checks("passing", "warning"), 2, nil), (checks("warning", "passing"), 2, nil),
            (checks("critical", "passing"), nil, nil), (checks("passing", "critical"), nil, nil),
            (checks("warning", "critical", "warning"), nil, nil),
        ] as [(String, UInt16?, UInt16?)])
    func health(checks: String, weight: UInt16?, passingWeight: UInt16?) throws {
        let weights = #""Port":80,"Weights":{"Passing":7,"Warning":2}"#
        let json = "[\(Self.entry(service: weights, checks: checks))]"
        #expect(try sorted(json).instances.first?.weight == weight)
        #expect(try sorted(json, passingOnly: true).instances.first?.weight == passingWeight)
    }

    @Test(
        "what is listed and left out is critical, or in maintenance on purpose",
        arguments: [
            ("c", false), ("_service_maintenance:web-1", true), ("_node_maintenance", true),
            ("_node_maintenance2", false),
        ])
    func leftOut(id: String, isMaintained: Bool) throws {
        let checks = #"[{"CheckID":"\#(id)","Status":"critical"},{"Status":"critical"}]"#
        let json = "[\(Self.entry(checks: checks))]"
        let answer = try HealthAnswer(service: Array(json.utf8), passingOnly: false)
        let endpoint = Endpoint(try #require(IPAddress("10.0.0.1")), 80)
        #expect(Set(answer.withdrawn.keys) == (isMaintained ? [endpoint] : []))
        #expect(answer.critical == (isMaintained ? [] : [endpoint]))
    }

    @Test(
        "weights are kept within what a weight can be",
        arguments: [(0, 0), (-5, 0), (65_535, 65_535), (65_536, 65_535), (1 << 40, 65_535)]
            as [(Int, UInt16)])
    func weights(given: Int, expected: UInt16) throws {
        let json = "[\(Self.entry(service: #""Port":80,"Weights":{"Passing":\#(given)}"#))]"
        #expect(try sorted(json).instances.first?.weight == expected)
    }

    @Test(
        "an instance in another datacentre has its address for those",
        arguments: [
            (nil, "10.0.0.9:80"), ("dc1", "10.0.0.9:80"), ("dc2", "192.0.2.9:8443"),
        ] as [(String?, String)])
    func wideService(own: String?, expected: String) throws {
        let service =
            #""Address":"10.0.0.9","Port":80,"#
            + #""TaggedAddresses":{"wan_ipv4":{"Address":"192.0.2.9","Port":8443}}"#
        let json = "[\(Self.entry(service: service))]"
        #expect(try sorted(json, own: own).instances.map(\.endpoint.description) == [expected])
    }

    @Test("a node's address for other datacentres counts where the service has none of its own")
    func wideNode() throws {
        let node = #""Address":"10.0.0.1","TaggedAddresses":{"lan":"10.0.0.1","wan":"192.0.2.1"}"#
        let bare = "[\(Self.entry(node: node))]"
        #expect(
            try sorted(bare, own: "dc2").instances.first?.endpoint.description == "192.0.2.1:80")
        #expect(try sorted(bare, own: "dc1").instances.first?.endpoint.description == "10.0.0.1:80")
        let service = #""Address":"10.0.0.9","Port":80"#
        let addressed = "[\(Self.entry(node: node, service: service))]"
        #expect(
            try sorted(addressed, own: "dc2").instances.first?.endpoint.description
                == "10.0.0.9:80")
    }

    @Test("a host name is left to be resolved, and port 0 is counted")
    func namedAndUnusable() throws {
        let json =
            "["
            + [
                Self.entry(service: #""Address":"db.example.com","Port":5432"#),
                Self.entry(service: #""Port":0"#),
                Self.entry(service: #""Address":"::1","Port":1"#),
            ].joined(separator: ",") + "]"
        let found = try sorted(json)
        #expect(found.named.map(\.host) == ["db.example.com"])
        #expect(found.omissions.count == 1)
        #expect(found.instances.map(\.endpoint.description) == ["[::1]:1"])
        let resolved = try #require(found.named.first).instance(at: .loopback)
        #expect(resolved.hostName == "db.example.com")
        #expect(resolved.priority == 1)
    }

    @Test(
        "an answer of which nothing can be read is refused, and the first reason is named",
        arguments: [
            ("", "no JSON"), ("{}", "list"), ("[1]", "[0]"), ("null", "the document is null"),
            ("[{}]", "no Node"),
            ("[\(entry(service: #""Port":-1"#))]", "the port is -1"),
            ("[\(entry(service: #""Port":"80""#))]", "[0].Service.Port is no whole number"),
            ("[\(entry(service: #""Port":1.5"#))]", "out of range"),
            ("[\(entry(service: #""Port":99999999999999999999"#))]", "out of range"),
            ("[\(entry(node: #""Address":"""#))]", "no address"),
            ("[\(entry(checks: checks("fine")))]", "a check is fine, and not passing"),
            (
                "[\(entry(service: #""Port":80,"TaggedAddresses":{"wan":{"Address":"1.1.1.1","Port":70000}}"#))]",
                "the port"
            ),
            (String(repeating: "[", count: 2_000), "JSON"),
        ])
    func malformed(json: String, says: String) throws {
        do throws(JSON.Malformed) {
            let answer = try HealthAnswer(service: Array(json.utf8), passingOnly: false)
            Issue.record("it was read as \(answer)")
        } catch {
            #expect(error.reason.contains(says), "\(error.reason)")
        }
    }

    @Test(
        "one entry that can't be read is left out and told of, and the others count",
        arguments: [
            (entry(service: #""Port":99999"#), "[1], web-1: the port is 99999"),
            (entry(checks: checks("unknown")), "[1], web-1: a check is unknown"),
            (entry(service: #""Port":"80""#), "[1].Service.Port is no whole number"),
            (entry(service: #""Port":99999999999999999999"#), "[1] has a number that is out"),
            (entry(node: #""Address":"""#), "there is no address"), ("{}", "[1] has no Node"),
            ("null", "[1]"), ("7", "[1]"), ("[]", "[1]"), (#"{"Node":{"Node":null}}"#, "[1].Node"),
        ])
    func oneOdd(odd: String, says: String) throws {
        let good = Self.entry(service: #""Port":81"#)
        let found = try sorted("[\(good),\(odd),\(Self.entry(checks: Self.checks("critical")))]")
        #expect(found.instances.map(\.endpoint.port) == [81])
        #expect(found.omissions.count == 1)
        #expect(
            found.omissions.description.contains(says), "\(found.omissions.description)")
    }

    @Test(
        "a tag, metadata or weights that make no sense are left out, and the instance is not",
        arguments: [
            (#""Tags":["v1",5,null]"#, 2), (#""Tags":"v1""#, 1), (#""Meta":{"a":1,"b":"c"}"#, 1),
            (#""Meta":[]"#, 1), (#""Weights":"heavy""#, 1), (#""Weights":{"Passing":"x"}"#, 1),
        ])
    func oddDescription(part: String, count: Int) throws {
        let found = try sorted("[\(Self.entry(service: #""Port":80,"# + part))]")
        #expect(found.instances.count == 1 && found.instances[0].weight == 1)
        #expect(found.omissions.count == count)
    }

    @Test("whatever bytes come, they are read within the bounds or refused")
    func mutated() throws {
        var random = SplitMix64(seed: 11)
        let service =
            #""Address":"10.0.0.9","Port":80,"Tags":["v1"],"Meta":{"zone":"a"},"#
            + #""Weights":{"Passing":7,"Warning":2},"#
            + #""TaggedAddresses":{"wan":{"Address":"192.0.2.9","Port":8443}}"#
        let valid = Array(
            "[\(Self.entry(service: service, checks: Self.checks("passing", "warning")))]".utf8)
        let parts = ["null", "-1", "1e9", "\"\"", "{}", "[]", "true", "\\u0000", "critical", ","]
        var read = 0
        for _ in 0..<5000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default:
                    let part = parts.randomElement(using: &random) ?? ""
                    bytes.replaceSubrange(at..<min(at + 4, bytes.count), with: part.utf8)
                }
            }
            guard let answer = try? HealthAnswer(service: bytes, passingOnly: false) else {
                continue
            }
            read += 1
            let sorted = answer.sorted(ownDatacenter: "dc2")
            let total = sorted.instances.count + sorted.named.count
            #expect(total <= answer.items.count)
            #expect(sorted.instances.allSatisfy { $0.endpoint.port != 0 && $0.priority == 1 })
        }
        // The table of mutations reaches both ends.
        #expect(read > 100 && read < 4900)
    }

    @Test("the answer of a prepared query has the entries below Nodes")
    func preparedQuery() throws {
        let json = #"{"Service":"web","Nodes":[\#(Self.entry())],"Datacenter":"dc1"}"#
        let found = try HealthAnswer(preparedQuery: Array(json.utf8)).sorted(ownDatacenter: nil)
        #expect(found.instances.map(\.endpoint.description) == ["10.0.0.1:80"])
        let none = try HealthAnswer(preparedQuery: Array(#"{"Nodes":null}"#.utf8))
        #expect(none.sorted(ownDatacenter: nil).instances.isEmpty)
    }
}
