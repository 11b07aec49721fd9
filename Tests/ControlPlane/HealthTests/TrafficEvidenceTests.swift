// Goal: live traffic saves checks, but only those that it makes needless: a backend that serves is
// not checked for listening, and one that may not serve is. Method: a number of live answers that
// the test sets, and a peer that counts connections.

import Backends
import Endpoints
import Events
import Health
import Testing
import Traffic

@Suite struct TrafficEvidenceTests {
    /// A service with one backend that is up, and the number of its answers.
    private final class Traffic {
        var answers: UInt64? = 0
        /// Answers that come with each question for them.
        var growth: UInt64 = 0

        func next() -> UInt64? {
            answers = answers.map { $0 + growth }
            return answers
        }
    }

    private func busy(
        _ peer: Peer, _ fixture: Fixture
    ) -> Traffic {
        let traffic = Traffic()
        fixture.liveAnswers = { _ in traffic.next() }
        fixture.name(peer.endpoint)
        fixture.turn { fixture.phase(peer.endpoint) == .up }
        return traffic
    }

    @Test("a backend that answers live requests is not checked until it stops answering")
    func skipped() throws {
        let fixture = Fixture()
        let peer = try Peer(.listen, on: fixture.loop)
        defer { peer.close() }
        let traffic = busy(peer, fixture)
        traffic.growth = 1
        let before = fixture.checker.counters
        #expect(before.skipped == 0)
        fixture.turn { fixture.checker.counters.skipped >= 10 }
        // One check may have been under way.
        #expect(fixture.checker.counters.started <= before.started + 1)
        #expect(fixture.checks?.counters.skipped == fixture.checker.counters.skipped)
        #expect(fixture.checker.counters.underWay == 0)

        traffic.growth = 0
        let skipped = fixture.checker.counters.skipped
        fixture.turn { fixture.checker.counters.passed >= before.passed + 5 }
        #expect(fixture.checker.counters.skipped == skipped)
    }

    @Test("one answer saves one check, not all that follow")
    func once() throws {
        let fixture = Fixture()
        let peer = try Peer(.listen, on: fixture.loop)
        defer { peer.close() }
        let traffic = busy(peer, fixture)
        fixture.turn { fixture.checker.counters.passed >= 3 }
        traffic.answers = 5
        fixture.turn { fixture.checker.counters.passed >= 8 }
        #expect(fixture.checker.counters.skipped == 1)
    }

    @Test("where the number is not known every check is made")
    func unknown() throws {
        let fixture = Fixture()
        let peer = try Peer(.listen, on: fixture.loop)
        defer { peer.close() }
        let traffic = busy(peer, fixture)
        traffic.answers = nil
        fixture.turn { fixture.checker.counters.passed >= 5 }
        traffic.answers = 7
        traffic.growth = 1
        fixture.turn { fixture.checker.counters.skipped >= 1 }
    }

    @Test(
        "a check that shows more than traffic is made, and so is each where traffic does not count",
        arguments: [
            { $0.setKind(.http(.init())) },
            { $0.setKind(.sendExpect(.init(expect: Array("HTTP".utf8)))) },
            { $0.trustsTraffic = false },
        ] as [@Sendable (inout CheckOptions) -> Void])
    func always(change: @Sendable (inout CheckOptions) -> Void) throws {
        let fixture = Fixture(change)
        let answer = "HTTP/1.1 200 OK\r\n\r\n"
        let peer = try Peer(.answer(answer), on: fixture.loop)
        defer { peer.close() }
        peer.greeting = answer
        let traffic = busy(peer, fixture)
        traffic.growth = 1
        fixture.turn { fixture.checker.counters.passed >= 8 }
        #expect(fixture.checker.counters.skipped == 0)
    }

    @Test("an ejected, down or suspect backend is checked whatever traffic shows")
    func suspects() throws {
        let fixture = Fixture(fall: 1000)
        let peer = try Peer(.listen, on: fixture.loop)
        let endpoint = peer.endpoint
        let traffic = busy(peer, fixture)
        peer.close()
        fixture.turn { fixture.checker.counters.failed >= 1 }
        // A first failure: it stays up, and every check from now on is made.
        traffic.growth = 1
        fixture.turn { fixture.checker.counters.failed >= 6 }
        #expect(fixture.phase(endpoint) == .up)
        #expect(fixture.checker.counters.skipped == 0)
    }

    @Test("a requested check is made")
    func asked() throws {
        let fixture = Fixture()
        let peer = try Peer(.listen, on: fixture.loop)
        defer { peer.close() }
        let traffic = busy(peer, fixture)
        traffic.growth = 1
        fixture.turn { fixture.checker.counters.skipped >= 3 }
        let passed = fixture.checker.counters.passed
        fixture.checks?.checkSoon(try fixture.backend(peer.endpoint).id)
        fixture.turn { fixture.checker.counters.passed > passed }
    }

    @Test("a shared check is skipped only if each of its watchers would skip it")
    func shared() throws {
        let fixture = Fixture()
        let other = Fixture(beside: fixture)
        let peer = try Peer(.listen, on: fixture.loop)
        defer { peer.close() }
        let traffic = busy(peer, fixture)
        traffic.growth = 1
        let otherTraffic = busy(peer, other)
        let (passed, skipped) = (
            fixture.checker.counters.passed, fixture.checker.counters.skipped
        )
        fixture.turn { fixture.checker.counters.passed >= passed + 8 }
        #expect(fixture.checker.counters.skipped == skipped)
        otherTraffic.growth = 1
        fixture.turn { fixture.checker.counters.skipped >= skipped + 8 }
        #expect(other.checks?.counters.skipped == fixture.checker.counters.skipped - skipped)
    }
}
