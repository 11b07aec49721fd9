// Goal: two services that check one address in the same way share one check, at the pace of the one
// that needs it sooner; two that check it in different ways do not. Method: two
// services on one checker, and a peer that counts.

import Backends
import Endpoints
import Events
import Health
import Testing
import Traffic

@Suite struct SharedCheckTests {
    private static let ok = Peer.Behaviour.answer("HTTP/1.1 200 OK\r\n\r\n")

    @Test("one check serves two services, and each gets the result")
    func shared() throws {
        let first = Fixture { $0.setKind(.http(.init())) }
        let second = Fixture(beside: first, rise: 1) { $0.setKind(.http(.init())) }
        let peer = try Peer(Self.ok, on: first.loop)
        defer { peer.close() }
        first.name(peer.endpoint)
        second.name(peer.endpoint)
        first.turn {
            first.phase(peer.endpoint) == .up && second.phase(peer.endpoint) == .up
        }
        first.turn { peer.acceptedCount >= 10 }
        peer.behaviour = .answer("HTTP/1.1 503 No\r\n\r\n")
        first.turn {
            first.phase(peer.endpoint) == .down && second.phase(peer.endpoint) == .down
        }
        let total = first.checker.counters
        // The connections that are still in the kernel's queue are those of the last one.
        #expect(UInt64(peer.acceptedCount) >= total.started - 1)
        #expect(UInt64(peer.acceptedCount) <= total.started)
        let counters = [first, second].compactMap { $0.checks?.counters }
        #expect(counters.allSatisfy { $0.failed >= 2 && $0.passed >= 1 })
        // Each has all of them, but for those before it was added.
        #expect(counters[0] == total)
        #expect(counters[1].started <= total.started)
        #expect(first.changes > 0 && second.changes > 0)
    }

    @Test("two backends of one service whose checks go to one port share a check as well")
    func samePort() throws {
        let loop = EventLoop()
        let peer = try Peer(.listen, on: loop)
        defer { peer.close() }
        let fixture = Fixture {
            $0.port = peer.endpoint.port
            $0.interval = .seconds(3600)
        }
        let endpoints = try [closedEndpoint(), closedEndpoint()]
        fixture.roster.apply(.instances(endpoints.map { Instance($0) }), now: .now)
        fixture.checks?.reconcile()
        fixture.turn { fixture.roster.upCount == 2 }
        #expect(fixture.checker.counters.started == 1)
        #expect(fixture.checks?.counters.started == 2)
        #expect(fixture.changes == 2)
    }

    @Test(
        "with different options there are two checks",
        arguments: [
            { $0.setKind(.http(.init(path: "/other"))) },
            { $0.setKind(.http(.init(statuses: [200...200]))) },
            { $0.timeout = .seconds(9) }, { $0.setKind(.tcp) },
        ] as [@Sendable (inout CheckOptions) -> Void])
    func different(change: @Sendable (inout CheckOptions) -> Void) throws {
        let first = Fixture {
            $0.setKind(.http(.init()))
            $0.interval = .seconds(3600)
        }
        let second = Fixture(beside: first) {
            $0.setKind(.http(.init()))
            $0.interval = .seconds(3600)
            change(&$0)
        }
        let peer = try Peer(Self.ok, on: first.loop)
        defer { peer.close() }
        first.name(peer.endpoint)
        second.name(peer.endpoint)
        first.turn {
            first.phase(peer.endpoint) == .up && second.phase(peer.endpoint) == .up
        }
        #expect(first.checker.counters.started == 2)
    }

    @Test("where intervals differ the shorter one counts for both, until its service stops")
    func pace() throws {
        let slow = Fixture { $0.interval = .seconds(3600) }
        let fast = Fixture(beside: slow) { $0.interval = .milliseconds(10) }
        let peer = try Peer(.listen, on: slow.loop)
        defer { peer.close() }
        slow.name(peer.endpoint)
        slow.turn { slow.phase(peer.endpoint) == .up }
        #expect(slow.checker.counters.started == 1)
        fast.name(peer.endpoint)
        slow.turn { slow.checker.counters.passed >= 10 }
        #expect(slow.checks?.counters.passed == slow.checker.counters.passed)

        fast.checks?.stop()
        #expect(slow.phase(peer.endpoint) == .up)
        // The check that is planned, or under way, is still made; the one after that in an hour.
        let changes = slow.changes
        slow.turn { slow.changes > changes }
        for _ in 0..<50 { slow.loop.runOnce() }
        #expect(slow.changes == changes + 1)
    }

    @Test("a service that stops within a shared check gets no result, and the other does")
    func stop() throws {
        let first = Fixture { $0.setKind(.http(.init())) }
        let second = Fixture(beside: first) { $0.setKind(.http(.init())) }
        let peer = try Peer(.silence, on: first.loop)
        defer { peer.close() }
        first.name(peer.endpoint)
        first.turn { !peer.received.isEmpty }
        // The second one joins a check that is under way.
        second.name(peer.endpoint)
        #expect(second.phase(peer.endpoint) == .checking)
        #expect(second.checks?.counters.underWay == 1)
        first.checks?.stop()
        #expect(first.checks?.counters.underWay == 0)
        #expect(first.checker.counters.underWay == 1)
        peer.behaviour = .answer("HTTP/1.1 200 OK\r\n\r\n")
        second.checks?.checkSoon(try second.backend(peer.endpoint).id)
        peer.sendAll("HTTP/1.1 200 OK\r\n\r\n")
        second.turn { second.phase(peer.endpoint) == .up }
        #expect(first.changes == 0)
        #expect(first.phase(peer.endpoint) == .checking)
        second.checks?.stop()
        #expect(first.checker.counters.underWay == 0)
    }

    @Test("a service may be stopped from within the callback of the other")
    func stopWithin() throws {
        let first = Fixture()
        let second = Fixture(beside: first)
        let peer = try Peer(.listen, on: first.loop)
        defer { peer.close() }
        first.onChange = { [unowned second] in second.checks?.stop() }
        first.name(peer.endpoint)
        second.name(peer.endpoint)
        first.turn { first.changes >= 3 }
        #expect(second.changes == 0)
        // Its roster had the result before.
        #expect(second.phase(peer.endpoint) == .up)
    }
}
