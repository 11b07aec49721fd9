// Goal: of several who write one key at once one alone is heard, all learn what it wrote, and a
// failure says what to do. Method: keys of a stand-in.

import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite struct KeyTests {
    private let stage: Stage

    init() throws {
        stage = try Stage()
    }

    private typealias Answer = Result<ConsulKey.Value?, ConsulFailure>

    private func follow(_ name: String, _ agents: ConsulAgents) -> (ConsulKey, Heard<Answer>) {
        let key = ConsulKey(name, agents: agents)
        let heard = Heard<Answer>()
        key.start { heard.append($0) }
        return (key, heard)
    }

    private func value(_ answer: Answer?) -> ConsulKey.Value? {
        guard case .success(let value?) = answer else { return nil }
        return value
    }

    @Test func `of those who write at once one is heard, and all learn of it`() throws {
        let agents = stage.agents { $0.policy.wait = .seconds(60) }
        let all = (0..<3).map { _ in follow("secrets/a b", agents) }
        stage.turn(until: "all know that it is not there") {
            all.allSatisfy { $0.1.last == .success(nil) }
        }
        var outcomes: [Result<Bool, ConsulFailure>] = []
        for (place, one) in all.enumerated() {
            one.0.write([UInt8(place)], flags: UInt64(100 + place), replacing: 0) {
                outcomes.append($0)
            }
        }
        stage.turn(until: "all are answered") { outcomes.count == 3 }
        #expect(outcomes.count { $0 == .success(true) } == 1)
        #expect(outcomes.count { $0 == .success(false) } == 2)
        stage.turn(until: "all have it") { all.allSatisfy { value($0.1.last) != nil } }
        let values = all.compactMap { value($0.1.last) }
        #expect(Set(values.map(\.bytes)).count == 1)
        #expect(values.allSatisfy { $0.flags == 100 + UInt64($0.bytes[0]) })
        // What was read is what is replaced.
        let index = values[0].modifyIndex
        outcomes = []
        all[0].0.write([7], flags: 0, replacing: index) { outcomes.append($0) }
        stage.turn(until: "it is answered") { outcomes.count == 1 }
        all[1].0.write([8], flags: 0, replacing: index) { outcomes.append($0) }
        stage.turn(until: "it is answered") { outcomes.count == 2 }
        #expect(outcomes == [.success(true), .success(false)])
        stage.turn(until: "all have the new one") {
            all.allSatisfy { value($0.1.last)?.bytes == [7] }
        }
        for one in all { one.0.stop() }
    }

    @Test func `a key beside it with a longer name is another one`() throws {
        stage.standIn.change { $0.put("secrets/ab", [1]) }
        let (key, heard) = follow("secrets/a", stage.agents())
        defer { key.stop() }
        stage.turn(until: "it is not there") { heard.last == .success(nil) }
        stage.standIn.change { $0.put("secrets/a", [2]) }
        stage.turn(until: "it is there") { value(heard.last)?.bytes == [2] }
        stage.standIn.change { $0.delete("secrets/a") }
        stage.turn(until: "it is gone") { heard.last == .success(nil) }
    }

    @Test func `a token without the policy is told which it needs`() throws {
        stage.standIn.change { world in
            var reader = ConsulWorld.Grants()
            reader.keyReads = ["secrets/"]
            var nobody = ConsulWorld.Grants()
            nobody.keyReads = []
            world.tokens = ["reader": reader, "nobody": nobody]
        }
        let (none, nothing) = follow("secrets/a", stage.agents { $0.token = ConsulToken("nobody") })
        defer { none.stop() }
        stage.turn(until: "it is refused") { nothing.last != nil }
        guard case .failure(let denied) = nothing.last else { return #expect(Bool(false)) }
        #expect("\(denied)".contains("its token needs key:read for the key \"secrets/a\""))
        let (key, heard) = follow("secrets/a", stage.agents { $0.token = ConsulToken("reader") })
        defer { key.stop() }
        stage.turn(until: "it is not there") { heard.last == .success(nil) }
        var outcome: Result<Bool, ConsulFailure>?
        key.write([1], flags: 0, replacing: 0) { outcome = $0 }
        stage.turn(until: "it is refused") { outcome != nil }
        guard case .failure(let failure) = outcome else { return #expect(Bool(false)) }
        #expect("\(failure)".contains("answered 403"), "\(failure)")
        #expect("\(failure)".contains("its token needs key:write for \"secrets/a\""), "\(failure)")
    }
}
