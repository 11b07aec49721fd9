// Goal: the text of a failure names the agent, what it said and what to do. Method: failures, and
// the words that their texts must have; then agents that move.

import Backends
import ConsulQuery
import Endpoints
import InstanceSources
import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite struct AdviceTests {
    let stage: Stage

    init() throws {
        stage = try Stage()
    }

    @Test(
        "what is said of a failure",
        arguments: [
            (
                403, "Permission denied", "/v1/health/service/web?passing",
                ["service:read for \"web\""]
            ),
            (403, "ACL not found", "/v1/kv/fairlead/?recurse", ["key:read", "\"fairlead/\""]),
            (401, "", "/v1/agent/service/register", ["service:write", "consul.token-file"]),
            (403, "", "/v1/query/geo/execute", ["query:read for \"geo\""]),
            (404, "", "/v1/query/geo/execute", ["no prepared query \"geo\""]),
            (404, "", "/v1/health/service/web", ["is that Consul?", "8500"]),
            (429, "", "/v1/catalog/services", ["consul.connections"]),
            (500, "No cluster leader", "/v1/catalog/services", ["elect a leader"]),
            (500, "No path to datacenter", "/v1/health/service/web", ["dc="]),
            (
                400, "Client sent an HTTP request to an HTTPS server.", "/v1/health/service/web",
                ["port for TLS"]
            ),
        ])
    func statuses(code: Int, said: String, target: String, words: [String]) throws {
        let agents = stage.agents()
        let agent = try #require(agents.first)
        let text = "\(agents.located(.status(code, said), at: agent, target))"
        #expect(text.contains("agent \(stage.standIn.target) answered \(code)"), "\(text)")
        for word in words { #expect(text.contains(word), "\(text)") }
        #expect(!text.contains("REFUSED"))
    }

    @Test("a token that was given is not asked for, and no secret is shown")
    func hasToken() throws {
        let agents = stage.agents { $0.token = ConsulToken("sesame-42") }
        let agent = try #require(agents.first)
        let text = "\(agents.located(.status(403, ""), at: agent, "/v1/health/service/web"))"
        #expect(text.contains("its token needs service:read") && !text.contains("sesame"))
        let none = stage.agents()
        #expect(
            "\(none.located(.hidden, at: try #require(none.first), "/v1/health/service/web"))"
                .contains("without a token"))
    }

    @Test("an agent that moves is followed, a question that waits at the old place too")
    func moves() throws {
        let other = try ConsulStandIn()
        defer {
            other.stop()
        }
        for agent in [other, stage.standIn] {
            agent.change {
                $0.register(.init("web", id: "a", address: "127.0.0.1", port: 1001))
            }
        }
        let agents = stage.agents()
        let source = ConsulSource(
            try ConsulServiceQuery("web"), agents: agents, refresh: .init(), resolver: nil)
        let heard = Heard<DiscoveryAnswer>()
        source.start { heard.append($0) }
        defer { source.stop() }
        stage.turn(until: "the first one waits") {
            stage.standIn.seen.contains { $0.target.contains("index=") }
        }
        agents.setAgents([other.place])
        stage.turn(until: "the other one is asked") { !other.seen.isEmpty }
        other.change { $0.register(.init("web", id: "b", address: "127.0.0.1", port: 1002)) }
        stage.turn(until: "its news is heard") {
            endpoints(heard.last) == ["127.0.0.1:1001", "127.0.0.1:1002"]
        }
        #expect(agents.statuses.map(\.place) == [other.place])
        agents.setAgents([])
        stage.turn(until: "there is no agent") { kind(heard.last) == .unreachable }
    }
}
