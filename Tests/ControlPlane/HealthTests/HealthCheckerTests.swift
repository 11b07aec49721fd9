// Goal: backends go up, down and up again as their checks say, come and go with the roster, and no
// result arrives after the end. Method: a checker and a roster on a loop turned by the test, with
// real peers on loopback.

import Backends
import Endpoints
import Events
import HTTPClient
import Testing
import Traffic

@testable import Health

@Suite struct HealthCheckerTests {
    private static let ok = Peer.Behaviour.answer("HTTP/1.1 200 OK\r\n\r\n")

    // MARK: The life of a backend

    @Test(
        "a backend goes up, down when its listener closes, and up again",
        arguments: [CheckOptions.Kind.tcp, .http(.init())])
    func life(kind: CheckOptions.Kind) throws {
        let fixture = Fixture(rise: 2, fall: 3) { $0.setKind(kind) }
        let peer = try Peer(Self.ok, on: fixture.loop)
        let endpoint = peer.endpoint
        fixture.name(endpoint)
        #expect(fixture.phase(endpoint) == .discovered)
        fixture.turn { fixture.phase(endpoint) == .up }
        #expect(try fixture.backend(endpoint).state.cause == .checksPassed(1))
        #expect(fixture.roster.rotation.tiers.count == 1)

        peer.close()
        fixture.turn { fixture.phase(endpoint) == .down }
        let cause = try fixture.backend(endpoint).state.cause
        guard case .checksFailed(3, _) = cause else {
            Issue.record("down: \(cause)")
            return
        }
        #expect(fixture.roster.upCount == 0)

        let second = try Peer(Self.ok, at: endpoint, on: fixture.loop)
        defer { second.close() }
        fixture.turn { fixture.phase(endpoint) == .up }
        #expect(try fixture.backend(endpoint).state.cause == .checksPassed(2))
        let counters = fixture.checker.counters
        #expect(counters.failed >= 3 && counters.passed >= 3)
        #expect(
            counters.started == counters.passed + counters.failed + UInt64(counters.underWay))
        #expect(fixture.checks?.counters == counters)
        #expect(UInt64(fixture.changes) == counters.passed + counters.failed)
    }

    @Test("a backend that answers 503 goes down although it listens, and comes back")
    func status() throws {
        let fixture = Fixture { $0.setKind(.http(.init())) }
        let peer = try Peer(Self.ok, on: fixture.loop)
        defer { peer.close() }
        fixture.name(peer.endpoint)
        fixture.turn { fixture.phase(peer.endpoint) == .up }
        peer.behaviour = .answer("HTTP/1.1 503 No\r\n\r\n")
        fixture.turn { fixture.phase(peer.endpoint) == .down }
        #expect(
            try fixture.backend(peer.endpoint).state.cause == .checksFailed(2, last: .status(503)))
        peer.behaviour = Self.ok
        fixture.turn { fixture.phase(peer.endpoint) == .up }
    }

    @Test("a first failed check is followed by fast ones, and so is a first passed one")
    func paces() throws {
        // At the usual pace each step takes an hour.
        let fixture = Fixture(rise: 2, fall: 2) { $0.interval = .seconds(3600) }
        let first = try Peer(.listen, on: fixture.loop)
        let endpoint = first.endpoint
        fixture.name(endpoint)
        fixture.turn { fixture.phase(endpoint) == .up }
        first.close()
        let id = try fixture.backend(endpoint).id
        fixture.checks?.checkSoon(id)
        fixture.turn { fixture.phase(endpoint) == .down }
        let second = try Peer(.listen, at: endpoint, on: fixture.loop)
        defer { second.close() }
        fixture.checks?.checkSoon(id)
        fixture.turn { fixture.phase(endpoint) == .up }
        #expect(fixture.checker.counters.passed == 3)
    }

    @Test("a new backend is checked often until it listens, also when it is down meanwhile")
    func new() throws {
        // At the usual pace each step takes an hour.
        let fixture = Fixture(fall: 2) { $0.interval = .seconds(3600) }
        let endpoint = try closedEndpoint()
        fixture.name(endpoint)
        fixture.turn { fixture.phase(endpoint) == .down }
        // No other backend is up, for which those that were up before are checked less often.
        #expect(fixture.roster.wantsFastChecks)
        #expect(fixture.checks?.pace(of: try fixture.backend(endpoint).id) == .new)
        let peer = try Peer(.listen, at: endpoint, on: fixture.loop)
        defer { peer.close() }
        fixture.turn { fixture.phase(endpoint) == .up }
        #expect(fixture.checker.counters.passed == 1)
    }

    @Test("an ejected backend is checked at once on request, and returns")
    func ejected() throws {
        let fixture = Fixture(rise: 1) { $0.interval = .seconds(3600) }
        let peers = try (0..<2).map { _ in try Peer(.listen, on: fixture.loop) }
        defer { peers.forEach { $0.close() } }
        fixture.name(peers[0].endpoint, peers[1].endpoint)
        for peer in peers {
            fixture.checks?.checkSoon(try fixture.backend(peer.endpoint).id)
        }
        fixture.turn { fixture.roster.upCount == 2 }
        let id = try fixture.backend(peers[0].endpoint).id
        fixture.roster.dialFailed(id, .refused, now: .now)
        #expect(fixture.phase(peers[0].endpoint) == .ejected)
        fixture.checks?.checkSoon(id)
        fixture.turn { fixture.roster.upCount == 2 }
        #expect(fixture.checker.counters.started == 3)
    }

    // MARK: Coming and going

    @Test("checks follow the roster: new backends are checked, removed ones are not")
    func membership() throws {
        let fixture = Fixture()
        let peers = try (0..<3).map { _ in try Peer(.silence, on: fixture.loop) }
        defer { peers.forEach { $0.close() } }
        fixture.name(peers[0].endpoint, peers[1].endpoint)
        fixture.turn { fixture.roster.upCount == 2 }
        #expect(peers[2].acceptedCount == 0)
        fixture.name(peers[0].endpoint, peers[2].endpoint)
        fixture.turn { fixture.roster.upCount == 2 }
        #expect(fixture.phase(peers[1].endpoint) == .draining)
        fixture.name(peers[0].endpoint, peers[2].endpoint)
        fixture.roster.drained(try fixture.backend(peers[1].endpoint).id, now: .now)
        #expect(fixture.phase(peers[1].endpoint) == nil)
        fixture.checks?.reconcile()
        // Connections that were made before are accepted within these turns.
        for _ in 0..<4 { fixture.awaitResult() }
        let accepted = peers.map(\.acceptedCount)
        fixture.turn { peers[0].acceptedCount > accepted[0] + 4 }
        #expect(peers[1].acceptedCount == accepted[1])
    }

    @Test("the check of a removed backend is cut short, and frees its place")
    func gone() throws {
        let fixture = Fixture(underWayMax: 1) {
            $0.setKind(.http(.init()))
            $0.timeout = .seconds(3600)
        }
        let silent = try Peer(.silence, on: fixture.loop)
        let other = try Peer(Self.ok, on: fixture.loop)
        defer {
            silent.close()
            other.close()
        }
        fixture.name(silent.endpoint)
        fixture.turn { fixture.checker.counters.underWay == 1 }
        fixture.name(silent.endpoint, other.endpoint)
        fixture.turn { silent.acceptedCount == 1 }
        #expect(fixture.checker.counters.started == 1, "the only place is taken")
        fixture.name(other.endpoint)
        #expect(fixture.phase(silent.endpoint) == nil)
        #expect(fixture.checker.counters.underWay == 0)
        fixture.turn { fixture.phase(other.endpoint) == .up }
    }

    @Test("after the stop neither the roster nor the program gets a result")
    func stop() throws {
        let fixture = Fixture { $0.setKind(.http(.init())) }
        let peer = try Peer(.silence, on: fixture.loop)
        defer { peer.close() }
        fixture.name(peer.endpoint)
        fixture.turn { !peer.received.isEmpty }
        fixture.checks?.stop()
        fixture.checks?.stop()
        fixture.checks?.reconcile()
        peer.behaviour = .close
        for _ in 0..<10 { fixture.loop.runOnce() }
        #expect(fixture.changes == 0)
        #expect(fixture.phase(peer.endpoint) == .checking)
        #expect(fixture.checker.counters.underWay == 0)
        #expect(fixture.checks?.counters.underWay == 0)
    }

    @Test("the program may stop the checks from within its callback")
    func stopWithin() throws {
        let fixture = Fixture()
        let peer = try Peer(.listen, on: fixture.loop)
        defer { peer.close() }
        fixture.onChange = { [unowned fixture] in fixture.checks?.stop() }
        fixture.name(peer.endpoint)
        fixture.awaitResult()
        for _ in 0..<10 { fixture.loop.runOnce() }
        #expect(fixture.changes == 1)
        #expect(fixture.checker.counters.started == 1)
        #expect(fixture.phase(peer.endpoint) == .up)
    }

    @Test("many backends share a few places, and each gets its turn")
    func places() throws {
        let fixture = Fixture(underWayMax: 2) { $0.jitterPercent = 0 }
        var most = 0
        fixture.onChange = { [unowned fixture] in
            most = max(most, fixture.checker.counters.underWay)
        }
        let peers = try (0..<20).map { _ in try Peer(.listen, on: fixture.loop) }
        defer { peers.forEach { $0.close() } }
        fixture.roster.apply(.instances(peers.map { Instance($0.endpoint) }), now: .now)
        fixture.checks?.reconcile()
        fixture.turn { fixture.roster.upCount == 20 }
        #expect(most <= 2)
    }

    @Test("with checks off nothing is probed, and every backend is up")
    func off() throws {
        let fixture = Fixture { $0.setKind(.off) }
        let peer = try Peer(.silence, on: fixture.loop)
        defer { peer.close() }
        fixture.name(peer.endpoint)
        #expect(fixture.phase(peer.endpoint) == .up)
        for _ in 0..<10 { fixture.loop.runOnce() }
        #expect(fixture.checker.counters == HealthCounters())
    }
}
