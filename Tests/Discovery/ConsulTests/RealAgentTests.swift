// Goal: what is said of Consul in this module is so. Method: the same watches as elsewhere, asked
// of a real agent; skipped, and said so, where there is none.

import Backends
import ConsulQuery
import Endpoints
import Events
import HTTP1
import InstanceSources
import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite(
    .serialized,
    .enabled(if: RealAgent.program != nil, "there is no consul on PATH nor by CONSUL_BIN"))
struct RealAgentTests {
    private let stage: Stage

    init() throws {
        stage = try Stage()
    }

    private func agents(_ target: Target) -> ConsulAgents {
        stage.agents {
            $0.agents = [ConsulAgentPlace(target)]
            $0.policy.wait = .seconds(60)
            $0.policy.answerTimeout = .seconds(10)
        }
    }

    /// Changes something by the API, and waits until it is done; retried while there is no leader.
    private func put(
        _ target: String, _ body: String = "", method: Method = .put, to agents: ConsulAgents
    ) {
        var request = ConsulRequest(target)
        request.method = method
        request.body = Array(body.utf8)
        request.mayBeStale = false
        var isDone = false
        var isUnderWay = false
        var last: ConsulOutcome?
        stage.turn(until: "\(target) is done; it said \(last.map { "\($0)" } ?? "nothing")") {
            if !isUnderWay, !isDone {
                isUnderWay = true
                agents.send(request) { outcome in
                    last = outcome
                    isUnderWay = false
                    if case .answer(let answer) = outcome { isDone = answer.status == 200 }
                }
            }
            return isDone
        }
    }

    private func register(
        _ id: String, port: Int, extra: String = "", to agents: ConsulAgents
    ) {
        put(
            "/v1/agent/service/register",
            #"{"ID":"\#(id)","Name":"web","Address":"127.0.0.1","Port":\#(port)\#(extra)}"#,
            to: agents)
    }

    @Test("a service is followed through checks, weights, maintenance and removal")
    func follows() throws {
        let agent = try RealAgent()
        defer { agent.stop() }
        let agents = agents(agent.target)
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "the agent is there") { heard.last == .failure(.nodata) }
        register(
            "a", port: 1001,
            extra: #","Tags":["v1"],"Meta":{"zone":"z"},"Weights":{"Passing":7,"Warning":2}"#
                + #","Check":{"TTL":"600s","Status":"passing"}"#, to: agents)
        register("b", port: 1002, to: agents)
        stage.turn(until: "both are there") {
            endpoints(heard.last) == ["127.0.0.1:1001", "127.0.0.1:1002"]
        }
        guard case .instances(let instances) = heard.last else { return }
        let first = try #require(instances.first { $0.endpoint.port == 1001 })
        #expect(first.priority == 1)
        #expect(first.weight == 7)
        #expect(
            first.metadata == [
                "zone": "z", "tags": "v1", "node": "real", "id": "a", "datacenter": "dc1",
            ])
        put("/v1/agent/check/warn/service:a", to: agents)
        stage.turn(until: "a has its warning's weight") {
            guard case .instances(let instances) = heard.last else { return false }
            return instances.first { $0.endpoint.port == 1001 }?.weight == 2
        }
        let (passing, heardPassing) = try stage.source("web?passing&near=_agent", agents)
        defer { passing.stop() }
        stage.turn(until: "only b passes") { endpoints(heardPassing.last) == ["127.0.0.1:1002"] }
        put("/v1/agent/service/maintenance/b?enable=true&reason=test", to: agents)
        stage.turn(until: "b is in maintenance") { endpoints(heard.last) == ["127.0.0.1:1001"] }
        put("/v1/agent/maintenance?enable=true", to: agents)
        stage.turn(until: "the node is in maintenance") { heard.last == .failure(.nodata) }
        put("/v1/agent/maintenance?enable=false", to: agents)
        put("/v1/agent/service/maintenance/b?enable=false", to: agents)
        put("/v1/agent/service/deregister/a", to: agents)
        stage.turn(until: "b alone is there") { endpoints(heard.last) == ["127.0.0.1:1002"] }
        #expect(agents.statuses[0].malformedJSON == 0)
    }

    @Test("tags, filters and node metadata are asked in Consul's own words")
    func queries() throws {
        let agent = try RealAgent()
        defer { agent.stop() }
        let agents = agents(agent.unixTarget)
        for (id, port) in [("a", 1001), ("b", 1002)] {
            register(
                id, port: port, extra: #","Tags":["v1","\#(id)"],"Meta":{"id":"\#(id)"}"#,
                to: agents)
        }
        let tables: [(String, HoldKind?, [String]?)] = [
            ("web?tag=v1", nil, ["127.0.0.1:1001", "127.0.0.1:1002"]),
            ("web?tag=v1&tag=b", nil, ["127.0.0.1:1002"]),
            ("web?filter=Service.Meta.id == \"a\"", nil, ["127.0.0.1:1001"]),
            ("web?dc=dc1", nil, ["127.0.0.1:1001", "127.0.0.1:1002"]),
            ("web?node-meta=consul-network-segment:", nil, ["127.0.0.1:1001", "127.0.0.1:1002"]),
            ("web?node-meta=rack:a1", .nodata, nil),
            ("none", .nodata, nil),
            ("web?dc=nowhere", .servfail, nil),
            ("web?filter=this is none", .servfail, nil),
            ("query/none", .nxdomain, nil),
        ]
        for (query, failure, places) in tables {
            let (source, heard) = try stage.source(query, agents)
            stage.turn(until: "\(query) is answered; it said \(heard.all)") {
                failure != nil ? kind(heard.last) == failure : endpoints(heard.last) == places
            }
            source.stop()
        }
        put(
            "/v1/query", #"{"Name":"geo","Service":{"Service":"web","Tags":["b"]}}"#,
            method: .post, to: agents)
        let (prepared, heard) = try stage.source("query/geo", agents)
        defer { prepared.stop() }
        stage.turn(until: "it is there") { endpoints(heard.last) == ["127.0.0.1:1002"] }
        var own: String?
        agents.findDatacenter { own = $0 }
        stage.turn(until: "the datacentre is known") { own == "dc1" }
        #expect(agents.statuses[0].isAvailable)
    }

    @Test("a token opens what is closed without one, and a refusal is reported as such")
    func accessControl() throws {
        let secret = "11111111-2222-3333-4444-555555555555"
        let agent = try RealAgent(
            #"acl { enabled = true, default_policy = "deny", tokens { master = "\#(secret)" } }"#)
        defer { agent.stop() }
        let open = stage.agents {
            $0.agents = [ConsulAgentPlace(agent.target)]
            $0.token = ConsulToken(secret)
        }
        put("/v1/kv/fairlead/a", "one", to: open)
        register("a", port: 1001, to: open)
        let (source, heard) = try stage.source("web", open)
        defer { source.stop() }
        stage.turn(until: "a is there") { endpoints(heard.last) == ["127.0.0.1:1001"] }
        let closed = agents(agent.target)
        let registration = ConsulRegistration(
            ConsulRegistration.Service(id: "edge", name: "edge", port: 1), agents: closed)
        registration.start()
        stage.turn(until: "the registration is refused") {
            guard case .registering(let failure?) = registration.status else { return false }
            return failure.kind == .refused
        }
        let (hidden, heardHidden) = try stage.source("web", closed)
        defer { hidden.stop() }
        // Consul says since 1.11 that it hides something; before that, it looks empty.
        stage.turn(until: "nothing is seen") {
            [.nodata, .refused].contains(kind(heardHidden.last))
        }
    }

    @Test("keys and the catalogue are followed, deletions included")
    func keysAndCatalog() throws {
        let agent = try RealAgent()
        defer { agent.stop() }
        let agents = agents(agent.target)
        let kv = ConsulKV("fairlead/", agents: agents)
        let heard = Heard<Result<ConsulKV.Contents, ConsulFailure>>()
        kv.start { heard.append($0) }
        defer { kv.stop() }
        stage.turn(until: "it is empty") { heard.last == .success(.init()) }
        put("/v1/kv/fairlead/a%20b?flags=7", "one", to: agents)
        stage.turn(until: "a is there") {
            guard case .success(let contents) = heard.last, let entry = contents.entries.first
            else {
                return false
            }
            return entry.key == "a b" && entry.value == Array("one".utf8) && entry.flags == 7
        }
        put("/v1/kv/fairlead/a%20b", method: .delete, to: agents)
        stage.turn(until: "it is empty again") { heard.last == .success(.init()) }

        let catalog = ConsulCatalog(agents: agents)
        let services = Heard<Result<ConsulCatalog.Contents, ConsulFailure>>()
        catalog.start { services.append($0) }
        defer { catalog.stop() }
        stage.turn(until: "it is told") { services.last == .success(.init(tags: ["consul": []])) }
        register("a", port: 1001, extra: #","Tags":["urlprefix-/a strip=/a"]"#, to: agents)
        stage.turn(until: "web is there") {
            services.last
                == .success(.init(tags: ["consul": [], "web": ["urlprefix-/a strip=/a"]]))
        }
    }

    @Test("we register, are checked, are followed like any service, and are gone at the end")
    func registration() throws {
        let agent = try RealAgent()
        defer { agent.stop() }
        let listener = try Socket.listen(on: Endpoint(.loopback, 0))
        defer { listener.close() }
        let port = listener.localEndpoint?.port ?? 0
        let agents = agents(agent.target)
        var service = ConsulRegistration.Service(id: "edge/1", name: "edge", port: port)
        service.address = .loopback
        service.meta = ["zone": "z"]
        service.verifyInterval = .milliseconds(100)
        service.checkInterval = .seconds(1)
        let registration = ConsulRegistration(service, agents: agents)
        registration.start()
        let (source, heard) = try stage.source("edge?passing", agents)
        defer { source.stop() }
        stage.turn(until: "we are there") { endpoints(heard.last) == ["127.0.0.1:\(port)"] }
        // Somebody else takes it away.
        put("/v1/agent/service/deregister/edge%2F1", to: agents)
        stage.turn(until: "we are there again") { registration.registrations == 2 }
        let ended = Heard<Bool>()
        registration.deregister { ended.append($0) }
        stage.turn(until: "we have left") { ended.count > 0 }
        #expect(ended.all == [true])
        stage.turn(until: "we are gone") { heard.last == .failure(.nodata) }
        // What the agent never had is gone too.
        let other = ConsulRegistration(
            ConsulRegistration.Service(id: "never", name: "edge", port: 1), agents: agents)
        other.deregister { ended.append($0) }
        stage.turn(until: "the other has left") { ended.count > 1 }
        #expect(ended.all == [true, true])
    }

    @Test("how long a change takes from a real agent to the report")
    func latency() throws {
        let agent = try RealAgent()
        defer { agent.stop() }
        let agents = agents(agent.target)
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "the agent is there") { heard.last == .failure(.nodata) }
        register("a", port: 1000, to: agents)
        stage.turn(until: "a is there") { endpoints(heard.last) == ["127.0.0.1:1000"] }
        var times: [Duration] = []
        for port in 1001...1005 {
            let began = ContinuousClock.now
            // From the request to register until the report, so the agent's own time counts.
            register("a", port: port, to: agents)
            stage.turn(until: "it is reported") {
                endpoints(heard.last) == ["127.0.0.1:\(port)"]
            }
            times.append(began.duration(to: .now))
        }
        let sorted = times.sorted()
        print("measured: real agent: a registration was reported after \(sorted[2]) (median)")
        print("measured: real agent: … and after \(sorted[4]) at most, of 5 in a row")
    }
}
