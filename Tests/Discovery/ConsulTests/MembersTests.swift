// Goal: those that pass are told by their ids whenever they differ, and nothing is told for nobody.
// Method: a watch of a stand-in that is written to, and of one that lies.

import InstanceSources
import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite struct MembersTests {
    private let stage: Stage

    init() throws {
        stage = try Stage()
    }

    private func withMembers(
        _ body: (Heard<Result<[String], ConsulFailure>>) throws -> Void
    ) rethrows {
        let members = ConsulMembers("edge", agents: stage.agents { $0.policy.wait = .seconds(60) })
        #expect(members.summary == "Consul service edge")
        let heard = Heard<Result<[String], ConsulFailure>>()
        members.start { heard.append($0) }
        defer { members.stop() }
        try body(heard)
    }

    @Test("members come and go with their registration and their checks")
    func follows() {
        withMembers { heard in
            stage.turn(until: "nobody is there") { heard.last == .success([]) }
            stage.standIn.change { world in
                for id in ["b", "a"] { world.register(.init("edge", id: id, port: 80)) }
                world.register(.init("other", id: "c", port: 80))
            }
            stage.turn(until: "both are there") { heard.last == .success(["a", "b"]) }
            // A warning is not passing.
            stage.standIn.change { $0.setStatus("warning", of: "a") }
            stage.turn(until: "one passes") { heard.last == .success(["b"]) }
            stage.standIn.change { $0.setStatus("passing", of: "a") }
            stage.turn(until: "both pass") { heard.last == .success(["a", "b"]) }
            stage.standIn.change { $0.deregister("b") }
            stage.turn(until: "one is gone") { heard.last == .success(["a"]) }
            // Two nodes may have the same id, and are two.
            stage.standIn.change { world in
                var other = ConsulWorld.Instance("edge", id: "a", port: 80)
                other.node = "node-2"
                world.register(other)
            }
            stage.turn(until: "there are two again") { heard.last == .success(["a", "a"]) }
        }
        #expect(
            stage.standIn.seen[0].target.hasPrefix("/v1/health/service/edge?passing"),
            "\(stage.standIn.seen[0].target)")
    }

    @Test(
        "a failure is told, and so is an answer of which a part is hidden",
        arguments: [ConsulWorld.Lie.noLeader, .garbage, .hidden, .reset])
    func failures(lie: ConsulWorld.Lie) {
        stage.standIn.change { $0.register(.init("edge", id: "a", port: 80)) }
        withMembers { heard in
            stage.turn(until: "it is there") { heard.last == .success(["a"]) }
            stage.standIn.change { $0.lie = lie }
            stage.turn(until: "it is told") {
                if case .failure = heard.last { true } else { false }
            }
            // What was hidden had an index: it is looked at again when something is written.
            stage.standIn.change { world in
                world.lie = nil
                world.touch("edge")
            }
            stage.turn(until: "it is there again") { heard.last == .success(["a"]) }
        }
    }
}
