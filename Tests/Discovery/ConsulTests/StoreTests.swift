// Goal: one at a time writes, all read, and one that has lost its lock writes nothing more. Method:
// stores of a stand-in, whose sessions end.

import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite struct StoreTests {
    private let stage: Stage

    init() throws {
        stage = try Stage()
    }

    private func store(_ name: String, _ token: String? = nil) -> ConsulStore {
        let agents = stage.agents {
            $0.policy.wait = .seconds(60)
            $0.token = token.flatMap { ConsulToken($0) }
        }
        let store = ConsulStore("certs/", holder: name, agents: agents)
        store.lockLife = .seconds(2)
        store.start()
        stage.turn(until: "\(name) is answered") { store.isAsked }
        return store
    }

    /// The lock, once `store` has it.
    private func lock(_ store: ConsulStore) throws -> ConsulLock {
        var got: ConsulLock?
        var isAsking = false
        stage.turn(until: "the lock") {
            if got == nil, !isAsking {
                isAsking = true
                store.lock {
                    isAsking = false
                    got = try? $0.get()
                }
            }
            return got != nil
        }
        return try #require(got)
    }

    private func write(
        _ changes: [ConsulStore.Change], _ store: ConsulStore, _ lock: ConsulLock
    ) -> ConsulFailure? {
        var outcome: ConsulFailure??
        store.write(changes, under: lock) { outcome = .some($0) }
        stage.turn(until: "it is written") { outcome != nil }
        return outcome ?? nil
    }

    /// Sessions and delays as short as tests need them.
    private func shorten() {
        stage.standIn.change {
            $0.sessionLifeMin = .seconds(1)
            $0.lockDelayMax = .milliseconds(500)
        }
    }

    @Test func `one writes at a time, and the next begins with what it left`() throws {
        shorten()
        let (a, b) = (store("a"), store("b"))
        defer {
            a.stop()
            b.stop()
        }
        #expect(a.values.isEmpty && a.failure == nil)
        let first = try lock(a)
        var denied: Bool?
        b.lock { denied = (try? $0.get()) == nil }
        stage.turn(until: "b is told") { denied != nil }
        #expect(denied == true)
        #expect(write([.init("x/1", [1]), .init("x/2", [])], a, first) == nil)
        // The writer knows it at once, and the other by itself.
        #expect(a.values["x/1"] == [1] && a.values["x/2"] == [])
        stage.turn(until: "b knows it") { b.values["x/1"] == [1] && b.values["x/2"] == [] }
        #expect(write([.init("x/1", nil), .init("x/3", [3])], a, first) == nil)
        first.release()
        let second = try lock(b)
        #expect(b.values["x/1"] == nil && b.values["x/3"] == [3])
        #expect(stage.standIn.known.pairs["certs/lock"].map { $0.value } == Array("b".utf8))
        second.release()
        stage.turn(until: "it is given back") {
            stage.standIn.known.pairs["certs/lock"]?.session == nil
        }
    }

    @Test func `a session is renewed for as long as the lock is held`() throws {
        shorten()
        let a = store("a")
        defer { a.stop() }
        let held = try lock(a)
        var lost: String?
        held.onLost = { lost = $0 }
        // Consul would have ended it after four.
        stage.turn(for: .seconds(5))
        #expect(lost == nil)
        #expect(write([.init("x", [1])], a, held) == nil)
        held.release()
    }

    @Test func `one whose session has ended is told so, and writes nothing`() throws {
        shorten()
        let (a, b) = (store("a"), store("b"))
        defer {
            a.stop()
            b.stop()
        }
        // It does not ask whether its session is still there.
        a.lockLife = .seconds(300)
        let first = try lock(a)
        var lost: String?
        first.onLost = { lost = $0 }
        let session = try #require(stage.standIn.known.pairs["certs/lock"]?.session)
        stage.standIn.change { $0.end(session: session) }
        let second = try lock(b)
        #expect(write([.init("x", [2])], b, second) == nil)
        // It was stopped all the while, and does not know yet.
        let failure = write([.init("x", [1])], a, first)
        #expect(failure != nil && lost == "Consul says that another one may have it")
        #expect(stage.standIn.known.pairs["certs/x"]?.value == [2])
        second.release()
    }

    @Test func `a holder that can't renew stops counting on the lock in time`() throws {
        shorten()
        let a = store("a")
        defer { a.stop() }
        let held = try lock(a)
        var lost: String?
        held.onLost = { lost = $0 }
        stage.standIn.change {
            $0.liesTo = "/v1/session/renew"
            $0.lie = .noLeader
        }
        let begin = ContinuousClock.now
        stage.turn(until: "it is lost") { lost != nil }
        #expect(ContinuousClock.now - begin < .seconds(4))
        #expect(lost?.contains("No cluster leader") == true, "\(lost ?? "")")
        // A session that is gone is known at the next renewal.
        stage.standIn.change { $0.lie = nil }
        let other = try lock(a)
        var reason: String?
        other.onLost = { reason = $0 }
        let session = try #require(stage.standIn.known.pairs["certs/lock"]?.session)
        stage.standIn.change { $0.end(session: session) }
        stage.turn(until: "it is lost") { reason != nil }
        #expect(reason == "Consul has ended its session")
    }

    @Test func `a token without a policy is told which it needs`() throws {
        stage.standIn.change { world in
            world.sessionLifeMin = .seconds(1)
            var reader = ConsulWorld.Grants()
            reader.keyReads = ["certs/"]
            var locker = reader
            locker.makesSessions = true
            var writer = locker
            writer.keyWrites = ["certs/lock"]
            var nobody = reader
            nobody.keyReads = []
            world.put("certs/x", [1])
            world.tokens = [
                "reader": reader, "locker": locker, "writer": writer, "nobody": nobody,
            ]
        }
        func refusal(_ token: String) throws -> String {
            let store = store("a", token)
            defer { store.stop() }
            var outcome: Result<ConsulLock?, ConsulFailure>?
            store.lock { outcome = $0 }
            stage.turn(until: "it is answered") { outcome != nil }
            switch try #require(outcome) {
            case .failure(let failure): return "\(failure)"
            case .success(let lock?):
                let failure = write([.init("x", [2])], store, lock)
                lock.release()
                return failure.map { "\($0)" } ?? "none"
            case .success(nil): return "taken"
            }
        }
        let none = store("a", "nobody")
        defer { none.stop() }
        #expect(
            none.failure.map { "\($0)" }?.contains("key:read for the prefix \"certs/\"") == true)
        #expect(try refusal("reader").contains("its token needs session:write for the agent's"))
        #expect(try refusal("locker").contains("its token needs key:write for \"certs/lock\""))
        let denied = try refusal("writer")
        #expect(denied.contains("answered 403"), "\(denied)")
        #expect(denied.contains("its token needs key:write for the prefix \"certs/\""), "\(denied)")
        #expect(stage.standIn.known.pairs["certs/x"]?.value == [1])
    }

    @Test func `what Consul says of before a change does not undo it`() throws {
        shorten()
        let a = store("a")
        defer { a.stop() }
        let held = try lock(a)
        for number in 0..<20 {
            #expect(write([.init("x", [UInt8(number)])], a, held) == nil)
            #expect(a.values["x"] == [UInt8(number)])
        }
        stage.turn(for: .milliseconds(300))
        #expect(a.values["x"] == [19])
        held.release()
    }
}
