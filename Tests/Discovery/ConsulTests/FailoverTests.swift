// Goal: the agents' rules hold in operation: order, back-off, return, shared connections, secrets.
// Method: several watches ask one stand-in or more.

import Backends
import ConsulQuery
import Endpoints
import InstanceSources
import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite struct FailoverTests {
    private let stage: Stage

    init() throws {
        stage = try Stage()
        stage.standIn.change { $0.register(.init("web", id: "a", port: 1001)) }
    }

    @Test(
        "an agent that fails is left for the next one without a report, and returned to",
        arguments: [ConsulWorld.Lie.noLeader, .status(429, "slow down"), .reset, .truncated])
    func next(lie: ConsulWorld.Lie) throws {
        let first = try ConsulStandIn()
        defer { first.stop() }
        first.change {
            $0.register(.init("web", id: "b", port: 1002))
            $0.lie = lie
        }
        let agents = stage.agents { $0.agents = [first.place, stage.standIn.place] }
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "the second answers") { endpoints(heard.last) == ["127.0.0.1:1001"] }
        #expect(heard.count == 1, "a failure was reported: \(heard.all)")
        #expect(agents.statuses.map(\.isAvailable) == [false, true])
        #expect(agents.statuses[0].lastFailure != nil)
        first.change { $0.lie = nil }
        stage.turn(until: "the first answers") { endpoints(heard.last) == ["127.0.0.1:1002"] }
        #expect(agents.statuses.map(\.isAvailable) == [true, true])
        // The index of one agent is nothing to the other.
        #expect(first.seen.allSatisfy { !$0.target.contains("index=1&") })
    }

    @Test("an agent that accepts and says nothing holds up one question, and not every one")
    func silent() throws {
        let first = try ConsulStandIn()
        defer { first.stop() }
        first.change { $0.lie = .silence }
        let agents = stage.agents {
            $0.agents = [first.place, stage.standIn.place]
            $0.policy.answerTimeout = .seconds(3)
        }
        let sources = try (0..<8).map { _ in try stage.source("web", agents) }
        defer { for (source, _) in sources { source.stop() } }
        stage.turn(until: "all are answered") { sources.allSatisfy { $0.1.count > 0 } }
        let asked = first.seen.count
        // Each wait is over after a second, and the first agent's back-off too.
        stage.turn(until: "all are answered twice more") {
            sources.filter { $0.1.count >= 3 }.count >= 7
        }
        #expect(first.seen.count <= asked + 2)
    }

    @Test("a missing agent at the start is no reason to fail")
    func absent() throws {
        let gone = try ConsulStandIn()
        gone.stop()
        let agents = stage.agents { $0.agents = [gone.place, stage.standIn.place] }
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "the second answers") { heard.count > 0 }
        #expect(endpoints(heard.last) == ["127.0.0.1:1001"])
        #expect(agents.statuses[0].failures[.unreachable] ?? 0 > 0)
    }

    @Test("what every agent answers with 500 is the request's fault, and no agent is left for it")
    func everyAgent() throws {
        let second = try ConsulStandIn()
        defer { second.stop() }
        for standIn in [stage.standIn, second] {
            standIn.change {
                $0.liesTo = "dc=nowhere"
                $0.lie = .status(500, "No path to datacenter")
            }
        }
        let agents = stage.agents { $0.agents = [stage.standIn.place, second.place] }
        let (bad, heardBad) = try stage.source("web?dc=nowhere", agents)
        defer { bad.stop() }
        stage.turn(until: "it fails") { kind(heardBad.last) == .servfail }
        #expect(agents.statuses.map(\.isAvailable) == [true, true])
        let (good, heardGood) = try stage.source("web", agents)
        defer { good.stop() }
        stage.turn(until: "the other is answered") { heardGood.count > 0 }
        #expect(endpoints(heardGood.last) == ["127.0.0.1:1001"])
    }

    @Test("more watches than connections take turns, and every change reaches its own")
    func shared() throws {
        let agents = stage.agents { $0.policy.connectionsPerAgentMax = 4 }
        let names = (0..<12).map { "web-\($0)" }
        for (index, name) in names.enumerated() {
            stage.standIn.change { $0.register(.init(name, id: name, port: 2000 + index)) }
        }
        let watches = try names.map { try stage.source($0, agents) }
        defer { for (source, _) in watches { source.stop() } }
        stage.turn(until: "all are reported") { watches.allSatisfy { $0.1.count > 0 } }
        for (index, name) in names.enumerated() {
            stage.standIn.change { $0.register(.init(name, id: name, port: 3000 + index)) }
        }
        stage.turn(until: "all changes are reported") {
            watches.enumerated().allSatisfy { index, watch in
                endpoints(watch.1.last) == ["127.0.0.1:\(3000 + index)"]
            }
        }
        #expect(stage.standIn.connectionsMost <= 4)
    }

    @Test("a first question does not stand behind the waits of others")
    func first() throws {
        // One connection is for those that wait, and one for the others.
        let agents = stage.agents {
            $0.policy.connectionsPerAgentMax = 2
            $0.policy.wait = .seconds(600)
            $0.policy.answerTimeout = .seconds(10)
        }
        let (source, _) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "it waits") { stage.standIn.seen.count == 2 }
        let (other, heard) = try stage.source("web?passing", agents)
        defer { other.stop() }
        stage.turn(until: "the other is answered") { heard.count > 0 }
        #expect(stage.standIn.connectionsMost <= 2)
    }

    @Test("the token is in the requests and nowhere else, even when an agent repeats it")
    func token() throws {
        let secret = "8c8a1c2e-b1g5-3cr3"
        stage.standIn.change { $0.lie = .status(403, "token \(secret) lacks permission") }
        let agents = stage.agents { $0.token = ConsulToken(secret) }
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "it is refused") { kind(heard.last) == .refused }
        #expect(
            source.lastFailure?.description.contains(
                "answered 403: token [token] lacks permission; ") == true
        )
        // One that is cut is cut behind the token's end.
        let long = String(repeating: "x", count: 190)
        stage.standIn.change { $0.lie = .status(403, "\(long) \(secret)") }
        stage.turn(until: "it is refused again") {
            source.lastFailure?.description.contains(long) == true
        }
        #expect(source.lastFailure?.description.contains("x [token]; ") == true)
        stage.standIn.change { $0.lie = .body("[{\"Node\":{\"Node\":\"\(secret)\"}}]") }
        stage.turn(until: "it is malformed") { agents.statuses[0].malformedJSON > 0 }
        #expect(stage.standIn.seen.allSatisfy { $0.token == secret })
        var text = "\(source.summary) \(heard.all) \(agents.options)"
        text += "\(agents.statuses) \(source.lastFailure.map { "\($0)" } ?? "")"
        #expect(!text.contains(secret), "\(text)")
    }

    @Test("the first agent that answers counts what it says of leaders")
    func leader() throws {
        let agents = stage.agents()
        stage.standIn.change { $0.knowsLeader = false }
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "it is answered") { heard.count > 0 }
        #expect(agents.statuses[0].answersWithoutLeader > 0)
        #expect(agents.statuses[0].answers > 0)
        #expect(agents.statuses[0].requests >= agents.statuses[0].answers)
    }

    @Test("an agent is reached by its Unix-domain socket")
    func unix() throws {
        let path = "/tmp/fairlead-consul-\(UInt32.random(in: 0 ... .max)).sock"
        let standIn = try ConsulStandIn(on: try Target("unix:\(path)"))
        defer { standIn.stop() }
        standIn.change { $0.register(.init("web", id: "c", port: 1003)) }
        let agents = stage.agents { $0.agents = [standIn.place] }
        let (source, heard) = try stage.source("web", agents)
        defer { source.stop() }
        stage.turn(until: "it is reported") { endpoints(heard.last) == ["127.0.0.1:1003"] }
        standIn.change { $0.register(.init("web", id: "c", port: 1004)) }
        stage.turn(until: "the change is reported") {
            endpoints(heard.last) == ["127.0.0.1:1004"]
        }
    }
}
