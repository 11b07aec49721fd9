// Goal: keys and the catalogue are told whole, whenever they differ and not when an index moves.
// Method: watches of a stand-in that is written to, and tables of answers.

import Endpoints
import InstanceSources
import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite struct KeysAndCatalogTests {
    private let stage: Stage

    init() throws {
        stage = try Stage()
    }

    private func texts(_ result: Result<ConsulKV.Contents, ConsulFailure>?) -> [String]? {
        guard case .success(let contents) = result else { return nil }
        return contents.entries.map { "\($0.key)=\(String(decoding: $0.value, as: UTF8.self))" }
    }

    @Test("the keys below a prefix are a set that is reported whenever it differs")
    func keys() throws {
        let kv = ConsulKV("fairlead/", agents: stage.agents { $0.policy.wait = .seconds(60) })
        let heard = Heard<Result<ConsulKV.Contents, ConsulFailure>>()
        kv.start { heard.append($0) }
        defer { kv.stop() }
        stage.turn(until: "it is empty") { texts(heard.last) == [] }
        stage.standIn.change { $0.put("fairlead/b", Array("2".utf8), flags: 7) }
        stage.turn(until: "b is there") { texts(heard.last) == ["b=2"] }
        stage.standIn.change {
            $0.put("fairlead/a/x", Array("1".utf8))
            $0.put("fairlead-old/a", Array("other".utf8))
            $0.put("fairlead/", [])
        }
        stage.turn(until: "a is there") { texts(heard.last) == ["=", "a/x=1", "b=2"] }
        guard case .success(let contents) = heard.last else { return }
        let entries = contents.entries
        #expect(entries.map(\.flags) == [0, 0, 7])
        #expect(entries.allSatisfy { $0.modifyIndex > 0 })
        stage.standIn.change { $0.delete("fairlead/a/x") }
        stage.turn(until: "a is gone") { texts(heard.last) == ["=", "b=2"] }
        #expect(kv.summary == "Consul keys below fairlead/")
        #expect(kv.lastGoodAnswer != nil)
    }

    @Test("an index that falls when tombstones are reaped is followed, and is no change")
    func tombstones() throws {
        stage.standIn.change {
            $0.put("fairlead/a", Array("1".utf8))
            for _ in 0..<50 { $0.put("fairlead/b", []) }
            $0.delete("fairlead/b")
        }
        let kv = ConsulKV("fairlead/", agents: stage.agents())
        let heard = Heard<Result<ConsulKV.Contents, ConsulFailure>>()
        kv.start { heard.append($0) }
        defer { kv.stop() }
        stage.turn(until: "a is there") { texts(heard.last) == ["a=1"] }
        stage.standIn.change { $0.reapTombstones() }
        // The wait ends with the lower index, and the next question has none.
        stage.turn(until: "the wait is over") {
            stage.standIn.seen.filter { !$0.target.contains("index=") }.count == 2
        }
        stage.standIn.change { $0.put("fairlead/a", Array("2".utf8)) }
        stage.turn(until: "a has changed") { texts(heard.last) == ["a=2"] }
        #expect(heard.count == 2)
    }

    @Test("a failure is reported once, and the set again when it is over")
    func failures() throws {
        stage.standIn.change {
            $0.put("fairlead/a", Array("1".utf8))
            $0.datacenter = "dc 1"
            $0.lie = .noLeader
        }
        let kv = ConsulKV("fairlead/", datacenter: "dc 1", agents: stage.agents())
        let heard = Heard<Result<ConsulKV.Contents, ConsulFailure>>()
        kv.start { heard.append($0) }
        defer { kv.stop() }
        stage.turn(until: "it has failed twice") { stage.standIn.seen.count >= 3 }
        guard case .failure(let failure) = heard.last else {
            Issue.record("found \(heard.all)")
            return
        }
        #expect(heard.count == 1 && failure.reason == .status(500, "No cluster leader"))
        stage.standIn.change { $0.lie = nil }
        stage.turn(until: "a is there") { texts(heard.last) == ["a=1"] }
        #expect(heard.count == 2)
        #expect(stage.standIn.seen[0].target == "/v1/kv/fairlead/?recurse&dc=dc%201&stale")
    }

    private func answer(
        _ body: String, status: Int = 200, isFiltered: Bool = false, knowsLeader: Bool = true
    ) -> ConsulAnswer {
        ConsulAnswer(
            status: status, agent: 0, index: "7", isFiltered: isFiltered, knowsLeader: knowsLeader,
            body: Array(body.utf8))
    }

    private static func pair(_ key: String, bytes: Int) -> String {
        let groups = String(repeating: "AAAA", count: bytes / 3)
        let rest = ["", "AA==", "AAA="][bytes % 3]
        return #"{"Key":"\#(key)","Flags":0,"ModifyIndex":9,"Value":"\#(groups)\#(rest)"}"#
    }

    @Test(
        "what has no key that can be read is refused whole",
        arguments: [
            ("", "no JSON"), ("[{}]", "no Key"),
            (#"[{"Key":"p/a","ModifyIndex":1,"Value":"%%%"}]"#, "not base64"),
            (#"[{"Key":"q/a","ModifyIndex":1,"Value":""}]"#, "prefix"),
            (#"[{"Key":"p/a","ModifyIndex":-1,"Value":""}]"#, "range"),
        ])
    func refused(json: String, says: String) { expectRefusal(of: json, says) }

    @Test(
        "a key that can't be read is left out and told of, and the others count",
        arguments: [
            ("{}", "[1] has no Key"), ("null", "[1]"),
            (#"{"Key":"p/b","ModifyIndex":1,"Value":"%%%"}"#, "[1], b: the value is not base64"),
            (#"{"Key":"q/b","ModifyIndex":1,"Value":""}"#, "does not begin with the prefix"),
            (#"{"Key":"p/b","ModifyIndex":"x","Value":""}"#, "[1].ModifyIndex"),
            (pair("p/a", bytes: 1), "a: the key is there twice"),
            (pair("p/b", bytes: 512 * 1024 + 1), "b: the value has 524289 bytes"),
        ])
    func oneOdd(odd: String, says: String) {
        let json = "[\(Self.pair("p/a", bytes: 1)),\(odd),\(Self.pair("p/c", bytes: 1))]"
        guard case .success(let contents) = ConsulKV.read(answer(json), prefix: "p/") else {
            Issue.record("it was refused")
            return
        }
        #expect(contents.entries.map(\.key) == ["a", "c"])
        #expect(contents.omissions.count == 1)
        #expect(contents.omissions.description.contains(says), "\(contents.omissions)")
    }

    @Test("no value, no set and no number of keys is larger than its bound")
    func tooLarge() {
        func set(_ count: Int, bytes: Int) -> String {
            "[" + (0..<count).map { Self.pair("p/\($0)", bytes: bytes) }.joined(separator: ",")
                + "]"
        }
        expectRefusal(of: set(1, bytes: 512 * 1024 + 1), "at most 524288")
        expectRefusal(of: set(3, bytes: 400_000), "together")
        expectRefusal(of: set(10_001, bytes: 0), "at most 10000")
    }

    private func expectRefusal(of json: String, _ says: String) {
        guard case .failure(let failure) = ConsulKV.read(answer(json), prefix: "p/") else {
            Issue.record("it was read")
            return
        }
        #expect(failure.description.contains(says), "\(failure)")
    }

    @Test("exactly the bounds are accepted, and a set that a token may not see is not empty")
    func bounds() throws {
        let half = 512 * 1024
        let json = "[\(Self.pair("p/a", bytes: half)),\(Self.pair("p/b", bytes: half))]"
        guard case .success(let contents) = ConsulKV.read(answer(json), prefix: "p/") else {
            Issue.record("it was refused")
            return
        }
        #expect(contents.entries.map(\.value.count) == [half, half])
        #expect(ConsulKV.read(answer("", status: 404), prefix: "p/") == .success(.init()))
        let hidden = answer("", status: 404, isFiltered: true)
        #expect(ConsulKV.read(hidden, prefix: "p/") == .failure(.hidden))
        let leaderless = answer("", status: 404, knowsLeader: false)
        #expect(ConsulKV.read(leaderless, prefix: "p/") == .failure(.leaderless))
    }

    @Test("services and their tags are reported whenever they differ")
    func catalog() throws {
        let catalog = ConsulCatalog(agents: stage.agents { $0.policy.wait = .seconds(60) })
        let heard = Heard<Result<ConsulCatalog.Contents, ConsulFailure>>()
        catalog.start { heard.append($0) }
        defer { catalog.stop() }
        stage.turn(until: "it is told") { heard.last == .success(.init(tags: ["consul": []])) }
        var instance = ConsulWorld.Instance("web", id: "a", port: 1001)
        instance.tags = ["urlprefix-/", "v1"]
        stage.standIn.change { $0.register(instance) }
        stage.turn(until: "web is there") {
            heard.last == .success(.init(tags: ["consul": [], "web": ["urlprefix-/", "v1"]]))
        }
        // Health changes, the catalogue's content does not.
        stage.standIn.change { $0.setStatus("critical", of: "a") }
        stage.turn(until: "the wait is over") { stage.standIn.seen.count >= 4 }
        #expect(heard.count == 2)
        #expect(
            ConsulCatalog.read(answer("{}", isFiltered: true)) == .failure(.hidden))
        #expect(ConsulCatalog.read(answer(#"{"a":null}"#)) == .success(.init(tags: ["a": []])))
        guard case .failure(.malformed) = ConsulCatalog.read(answer("[]")) else {
            Issue.record("a list was read")
            return
        }
        // A tag, or the tags of a service, that make no sense are left out alone.
        let odd = #"{"a":["v1",5],"b":"v1","c":["v2"]}"#
        guard case .success(let contents) = ConsulCatalog.read(answer(odd)) else {
            Issue.record("it was refused")
            return
        }
        #expect(contents.tags == ["a": ["v1"], "b": [], "c": ["v2"]])
        #expect(contents.omissions.count == 2)
    }
}
