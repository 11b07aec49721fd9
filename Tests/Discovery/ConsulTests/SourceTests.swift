// Goal: a source reports what Consul knows as soon as it changes, and tells every way of failing
// apart. Method: a whole source asks a stand-in that is changed, or made to lie.

import Backends
import ConsulQuery
import DNSClient
import DNSWire
import Demo
import Endpoints
import Events
import InstanceSources
import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite struct SourceTests {
    private let stage: Stage

    init() throws {
        stage = try Stage()
    }

    private func register(_ id: String, port: Int, status: String = "passing") {
        stage.standIn.change {
            var instance = ConsulWorld.Instance("web", id: id, port: port)
            instance.status = status
            instance.warningWeight = 3
            $0.register(instance)
        }
    }

    @Test("instances are reported, and what changes is reported at once")
    func follows() throws {
        register("a", port: 1001)
        let agents = stage.agents { $0.policy.wait = .seconds(60) }
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "a is there") { endpoints(heard.last) == ["127.0.0.1:1001"] }
        register("b", port: 1002)
        stage.turn(until: "b is there") {
            endpoints(heard.last) == ["127.0.0.1:1001", "127.0.0.1:1002"]
        }
        stage.standIn.change { $0.setStatus("critical", of: "a") }
        stage.turn(until: "a is gone") { endpoints(heard.last) == ["127.0.0.1:1002"] }
        stage.standIn.change { $0.setStatus("warning", of: "b") }
        stage.turn(until: "b has its warning's weight") {
            guard case .instances(let instances) = heard.last else { return false }
            return instances.first?.weight == 3
        }
        stage.standIn.change { $0.deregister("b") }
        stage.turn(until: "nothing usable is there") { heard.last == .failure(.nodata) }
        #expect(source.lastFailure == nil)
        #expect(source.summary == "Consul web")
        // Each answer but the first ended a wait, on one connection.
        #expect(stage.standIn.seen.dropFirst().allSatisfy { $0.target.contains("index=") })
        #expect(Set(stage.standIn.seen.map(\.connection)) == [0])
        #expect(stage.standIn.seen.allSatisfy { $0.target.contains("stale") })
        #expect(stage.standIn.seen.last?.target.contains("wait=60s") == true)
    }

    @Test("a write that changes nothing, and a wait that ends, are good answers like any other")
    func unchanged() throws {
        register("a", port: 1001)
        let (source, heard) = try stage.source("web")
        defer { source.stop() }
        stage.turn(until: "a is there") { heard.count == 1 }
        stage.standIn.change { $0.touch("web") }
        stage.turn(until: "the write is answered") { heard.count == 2 }
        stage.turn(until: "the wait is over") { heard.count == 3 }
        #expect(heard.all.allSatisfy { $0 == heard.all[0] })
    }

    @Test("with passing, warnings are left out, and the summary says so")
    func passing() throws {
        register("a", port: 1001)
        register("b", port: 1002, status: "warning")
        let (source, heard) = try stage.source("web?dc=dc1&passing")
        defer { source.stop() }
        stage.turn(until: "it is reported") { heard.count > 0 }
        #expect(endpoints(heard.last) == ["127.0.0.1:1001"])
        #expect(source.summary == "Consul web?dc=dc1 (passing)")
    }

    // MARK: Failures

    static let lies: [(ConsulWorld.Lie, DiscoveryFailure)] = [
        (.noLeader, .servfail), (.status(500, "rpc error making call: EOF"), .servfail),
        (.status(403, "Permission denied"), .refused), (.status(404, ""), .nxdomain),
        (.status(429, "Your IP is issuing too many"), .otherCode(429)),
        (.status(400, "Invalid"), .otherCode(400)), (.hidden, .refused), (.body("[]"), .nodata),
        (.garbage, .malformed("")), (.body("{}"), .malformed("")), (.truncated, .malformed("")),
        (.reset, .unreachable), (.silence, .timeout),
    ]

    @Test("each way of failing is told apart, and the source recovers", arguments: lies)
    func failures(lie: ConsulWorld.Lie, expected: DiscoveryFailure) throws {
        register("a", port: 1001)
        stage.standIn.change { $0.lie = lie }
        let agents = stage.agents()
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "it fails") { heard.count > 0 }
        guard case .failure(let failure) = heard.all.first else {
            Issue.record("found \(heard.all)")
            return
        }
        #expect(failure.kind == expected.kind)
        // The report says who failed, and mostly what to do; nothing names an agent but what is its
        // own doing.
        if expected != .nodata { #expect("\(failure)".contains("\(stage.standIn.target)")) }
        if case .garbage = lie {
            #expect(agents.statuses[0].malformedJSON > 0)
            #expect(agents.statuses[0].lastMalformedJSON != nil)
        }
        if case .noLeader = lie {
            #expect(source.lastFailure?.reason == .status(500, "No cluster leader"))
            #expect(agents.statuses[0].failures[.serverError] ?? 0 > 0)
        }
        if case .hidden = lie { #expect(agents.statuses[0].answersFiltered > 0) }
        stage.standIn.change { $0.lie = nil }
        // Some lies hold a request that is not released: it fails by its time.
        stage.turn(until: "it recovers") { endpoints(heard.last) == ["127.0.0.1:1001"] }
        #expect(source.lastFailure == nil)
    }

    @Test("an empty answer is no evidence when the server knows no leader")
    func leaderless() throws {
        stage.standIn.change { $0.knowsLeader = false }
        let (source, heard) = try stage.source("web")
        defer { source.stop() }
        stage.turn(until: "it is empty") { kind(heard.last) == .servfail }
        #expect(source.lastFailure?.reason == .leaderless)
        register("a", port: 1001)
        // What is there is believed: stale answers are what was asked for.
        stage.turn(until: "a is there") { endpoints(heard.last) == ["127.0.0.1:1001"] }
        stage.standIn.change {
            $0.knowsLeader = true
            $0.deregister("a")
        }
        stage.turn(until: "it is empty on good authority") { heard.last == .failure(.nodata) }
    }

    @Test("an agent that is not there is unreachable, and asked again when it is back")
    func away() throws {
        let gone = try ConsulStandIn()
        gone.stop()
        let (source, heard) = try stage.source("web", stage.agents { $0.agents = [gone.place] })
        defer { source.stop() }
        stage.turn(until: "it fails") { kind(heard.last) == .unreachable }
        let back = try ConsulStandIn(on: gone.target)
        defer { back.stop() }
        back.change { $0.register(.init("web", id: "a", port: 1001)) }
        stage.turn(until: "it recovers") { endpoints(heard.last) == ["127.0.0.1:1001"] }
    }

    @Test("an agent that restarts with nothing and a low index is followed from there")
    func restart() throws {
        for port in 1001...1020 { register("a", port: port) }
        let (source, heard) = try stage.source(
            "web", stage.agents { $0.policy.wait = .seconds(60) })
        defer { source.stop() }
        stage.turn(until: "a is there") { endpoints(heard.last) == ["127.0.0.1:1020"] }
        stage.turn(until: "it waits") { stage.standIn.seen.count == 2 }
        stage.standIn.change { $0.restart() }
        stage.standIn.closeConnections()
        stage.turn(until: "it is empty") { heard.last == .failure(.nodata) }
        register("b", port: 1002)
        stage.turn(until: "b is there") { endpoints(heard.last) == ["127.0.0.1:1002"] }
    }

    @Test(
        "an agent that never waits is not asked in a hot loop",
        arguments: [ConsulWorld.Lie.fallingIndex, .noIndex, .garbage, .reset, .hidden])
    func neverHot(lie: ConsulWorld.Lie) throws {
        register("a", port: 1001)
        stage.standIn.change { $0.lie = lie }
        let began = ContinuousClock.now
        let (source, heard) = try stage.source("web")
        stage.turn(for: .seconds(2))
        source.stop()
        let seconds = Int(began.duration(to: .now).components.seconds)
        // Eight at once, one a second, and the one that is under way.
        #expect(stage.standIn.seen.count <= 8 + seconds + 2)
        #expect(heard.count > 0)
    }

    // MARK: Addresses

    @Test("an instance of another datacentre has its address for those, one of the own has not")
    func datacenters() throws {
        stage.standIn.change {
            var instance = ConsulWorld.Instance("web", id: "a", address: "10.0.0.1", port: 80)
            instance.wanAddress = "192.0.2.1"
            instance.datacenter = "dc2"
            $0.register(instance)
            instance.id = "b"
            instance.address = "10.0.0.2"
            instance.wanAddress = "192.0.2.2"
            instance.datacenter = "dc1"
            $0.register(instance)
        }
        let tables = [
            ("web?dc=dc2", "192.0.2.1:80"), ("web?dc=dc1", "10.0.0.2:80"), ("web", "10.0.0.2:80"),
        ]
        let agents = stage.agents()
        for (query, expected) in tables {
            let (source, heard) = try stage.source(query, agents)
            stage.turn(until: "it is reported") { heard.count > 0 }
            source.stop()
            #expect(endpoints(heard.last) == [expected], "\(query)")
        }
        // It was found out once, and not for the question without a datacentre.
        #expect(stage.standIn.seen.filter { $0.target.contains("agent/self") }.count == 1)
        let (nowhere, heard) = try stage.source("web?dc=dc3", agents)
        defer { nowhere.stop() }
        stage.turn(until: "it fails") { kind(heard.last) == .servfail }
        #expect(nowhere.lastFailure?.reason == .status(500, "No path to datacenter"))
        #expect(nowhere.lastFailure?.description.contains("check dc= of the query") == true)
    }

    @Test("without the right to ask for its datacentre all instances count as near")
    func unknownDatacenter() throws {
        stage.standIn.change {
            var instance = ConsulWorld.Instance("web", id: "a", address: "10.0.0.1", port: 80)
            instance.wanAddress = "192.0.2.1"
            instance.datacenter = "dc2"
            $0.register(instance)
            $0.liesTo = "/v1/agent/self"
            $0.lie = .status(403, "Permission denied")
        }
        let (source, heard) = try stage.source("web?dc=dc2")
        defer { source.stop() }
        stage.turn(until: "it is reported") { endpoints(heard.last) == ["10.0.0.1:80"] }
        stage.standIn.change { $0.lie = nil }
        stage.turn(until: "it is known") { endpoints(heard.last) == ["192.0.2.1:80"] }
    }

    @Test("an external service is resolved by DNS, and left out while it has no address")
    func external() throws {
        let zone = Zone(origin: try DomainName("demo.test"))
        let server = try DiscoveryServer(zone, on: Endpoint(.loopback, 0), stage.loop)
        defer { server.close() }
        var options = ResolverOptions(servers: [server.endpoint])
        options.timeout = .milliseconds(500)
        let resolver = Resolver(options, on: stage.loop)
        stage.standIn.change {
            $0.register(.init("web", id: "a", address: "db.demo.test", port: 5432))
            $0.register(.init("web", id: "b", address: "gone.demo.test", port: 5432))
        }
        server.zone.add(
            ResourceRecord(
                try DomainName("db.demo.test"), ttlSeconds: 0, .address(.v4(0x7f00_0007))))
        let (source, heard) = try stage.source("web", resolver: resolver)
        stage.turn(until: "it is reported") { heard.count > 0 }
        source.stop()
        guard case .instances(let instances) = heard.last else {
            Issue.record("found \(heard.all)")
            return
        }
        #expect(instances.map(\.endpoint.description) == ["127.0.0.7:5432"])
        #expect(instances.first?.hostName == "db.demo.test")
        #expect(source.findings.omissions.count == 1)
        // Without a resolver neither has an address.
        let (blind, heardBlind) = try stage.source("web")
        stage.turn(until: "it is reported") { heardBlind.count > 0 }
        blind.stop()
        #expect(heardBlind.last == .failure(.nodata))
        #expect(blind.findings.omissions.count == 2)
    }

    @Test("a prepared query is asked again and again, and one that does not exist is NXDOMAIN")
    func preparedQuery() throws {
        let (source, heard) = try stage.source("query/web")
        defer { source.stop() }
        stage.turn(until: "it is not there") { kind(heard.last) == .nxdomain }
        register("a", port: 1001)
        stage.turn(until: "it is there") { endpoints(heard.last) == ["127.0.0.1:1001"] }
        stage.turn(until: "it is asked again") { heard.count > 5 }
        #expect(stage.standIn.seen.allSatisfy { !$0.target.contains("index=") })
    }

    @Test("a stopped source reports nothing more and holds no connection back")
    func stops() throws {
        register("a", port: 1001)
        let agents = stage.agents { $0.policy.wait = .seconds(60) }
        let (source, heard) = try stage.source("web", agents)
        stage.turn(until: "it waits") { stage.standIn.seen.count == 2 }
        source.stop()
        source.stop()
        register("b", port: 1002)
        stage.turn(for: .milliseconds(100))
        #expect(heard.count == 1)
    }

    @Test("how long a change takes from the agent to the report")
    func latency() throws {
        register("a", port: 1001)
        let agents = stage.agents { $0.policy.wait = .seconds(60) }
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "a is there") { heard.count > 0 }
        var times: [Duration] = []
        // No more than may follow each other at once.
        for port in 2000..<2007 {
            let before = heard.count
            let began = ContinuousClock.now
            register("a", port: port)
            stage.turn(until: "it is reported") { heard.count > before }
            times.append(began.duration(to: .now))
        }
        print("measured: a change was reported after \(times.sorted()[times.count / 2]) (median)")
        print("measured: … and after \(times.max() ?? .zero) at most, of \(times.count) in a row")
    }
}
