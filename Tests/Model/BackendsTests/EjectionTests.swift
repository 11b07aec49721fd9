// Goal: live evidence outranks a passing check, is bounded, and is forgiven step by step.
// Method: a roster under a clock moved by hand, without jitter unless a test is about it.

import Backends
import Testing

@Suite struct EjectionTests {
    private func state(_ fixture: Fixture, _ number: Int) throws -> BackendState {
        try #require(fixture.roster.backend(at: endpoint(number))).state
    }

    @Test("no number of passing checks ends an ejection by live traffic")
    func outranksChecks() throws {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.failLive(1)
        #expect(fixture.inRotation == [2, 3])
        #expect(try state(fixture, 1).cause == .liveFailed(.answers(consecutive: 3, last: 500)))
        #expect(try state(fixture, 1).ejectionEnd == fixture.now + .seconds(5))
        for _ in 0..<49 {
            fixture.pass(1)
            fixture.wait(0.1)
            #expect(fixture.phase(1) == .ejected)
        }
        fixture.wait(0.1)
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.onProbation == [1])
    }

    @Test(
        "a dial's ejection, which a check can judge, ends with passing checks and on no probation")
    func dialEndsByChecks() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.failDial(1)
        fixture.pass(1, times: 2)
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.onProbation == [])
    }

    @Test("each failure on probation ejects for twice as long, up to the limit")
    func repetition() throws {
        let fixture = Fixture { $0.ejectTimeMax = .seconds(15) }
        fixture.fill(3)
        for (seconds, number) in zip([5.0, 10, 15, 15], 1...) {
            if number % 2 == 0 {
                fixture.failLive(1)
            } else {
                fixture.failLive(1, .silent(waiting: 1))
            }
            #expect(try state(fixture, 1).ejections == number)
            fixture.wait(seconds - 0.001)
            #expect(fixture.phase(1) == .ejected)
            fixture.wait(0.001)
            #expect(fixture.phase(1) == .up)
        }
    }

    @Test("a dial that fails on probation is not ended by the checks that were wrong before")
    func dialOnProbation() throws {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.failLive(1)
        fixture.wait(5)
        fixture.failDial(1)
        fixture.pass(1, times: 5)
        #expect(fixture.phase(1) == .ejected)
        #expect(try state(fixture, 1).ejectionEnd == fixture.now + .seconds(10))
    }

    @Test("repetition is forgotten after a long time up, and not before", arguments: [59.0, 60])
    func forgiven(upTime: Double) throws {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.failLive(1)
        fixture.wait(5)
        fixture.prove(1)
        fixture.wait(upTime)
        fixture.failLive(1)
        #expect(try state(fixture, 1).ejections == (upTime < 60 ? 2 : 1))
    }

    @Test("a good live answer ends the probation, and so does time if none can be had")
    func probationEnds() {
        let fixture = Fixture()
        fixture.fill(4)
        fixture.failLive(1)
        fixture.failLive(2)
        fixture.wait(5)
        #expect(fixture.onProbation == [1, 2])
        let generation = fixture.roster.rotation.generation
        fixture.prove(1)
        #expect(fixture.onProbation == [2])
        #expect(fixture.roster.rotation.generation == generation + 1)
        #expect(fixture.texts.last == "its probation is over: a live answer was good")
        fixture.wait(5)
        #expect(fixture.onProbation == [])
        #expect(fixture.texts.last == "its probation is over: nothing spoke against it")
    }

    @Test("failing checks put an ejected backend down; the proof stays owed")
    func downWhileEjected() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.failLive(1)
        fixture.failCheck(1, times: 3)
        #expect(fixture.phase(1) == .down)
        fixture.wait(5)
        #expect(fixture.phase(1) == .down, "time readmits nobody whose checks fail")
        fixture.pass(1, times: 2)
        #expect(fixture.onProbation == [1])
    }

    @Test("one whose ejection ends while its checks fail waits for them")
    func failingAtTheEnd() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.failLive(1)
        fixture.failCheck(1)
        fixture.wait(5)
        #expect(fixture.phase(1) == .ejected)
        fixture.pass(1, times: 2)
        #expect(fixture.onProbation == [1])
    }

    @Test("those ejected together do not come back together")
    func jitter() throws {
        let journal = Journal()
        var options = RosterOptions()
        options.ejectShareMax = 100
        let roster = Roster(
            service: ServiceID(index: 0), options: options, ids: BackendIDs(), journal: journal)
        roster.apply(.instances((1...200).map { instance($0) }), now: start)
        for backend in roster.backends { roster.checkPassed(backend.id, took: .zero, now: start) }
        for backend in roster.backends.dropLast() {
            roster.liveFailed(backend.id, .errorRate(failed: 9, of: 10), now: start)
        }
        let ends = roster.backends.compactMap(\.state.ejectionEnd)
        #expect(ends.count == 199)
        #expect(
            ends.allSatisfy {
                (.seconds(5) ... .milliseconds(6250)).contains(start.duration(to: $0))
            })
        #expect(Set(ends).count > 150)
    }

    // MARK: - Bounds

    @Test(
        "at most half, one at least, and never the last",
        arguments: [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (9, 4), (10, 5)])
    func share(count: Int, ejected: Int) {
        let fixture = Fixture()
        fixture.fill(count)
        for number in 1...count { fixture.failLive(number) }
        #expect(fixture.inRotation.count == count - ejected)
        #expect(fixture.roster.ejectionsRefused == UInt64(count - ejected))
        #expect(fixture.texts.count { $0.contains("the backend stays") } == 1)
        // Another of the same spell, then one after a long silence.
        fixture.failLive(count)
        #expect(fixture.texts.count { $0.contains("the backend stays") } == 1)
    }

    @Test("one on probation is no reason to eject the last that is trusted, but a dial is certain")
    func lastTrusted() {
        let fixture = Fixture()
        fixture.fill(2)
        fixture.failLive(1)
        fixture.wait(5)
        fixture.failLive(2)
        #expect(fixture.inRotation == [1, 2] && fixture.onProbation == [1])
        #expect(fixture.texts.last?.hasSuffix("no other could take its requests") == true)
        fixture.failDial(2)
        #expect(fixture.inRotation == [1])
    }

    @Test("a share of 0 ejects nobody, one of 100 all but the last", arguments: [(0, 4), (100, 1)])
    func shares(percent: Int, left: Int) {
        let fixture = Fixture { $0.ejectShareMax = percent }
        fixture.fill(4)
        for number in 1...4 { fixture.failLive(number) }
        #expect(fixture.inRotation.count == left)
    }

    @Test("checks have no cap, and what they put down leaves room")
    func checksHaveNoCap() {
        let fixture = Fixture()
        fixture.fill(4)
        fixture.failLive(1)
        fixture.failLive(2)
        fixture.failLive(3)
        #expect(fixture.inRotation == [3, 4])
        for number in 1...3 { fixture.failCheck(number, times: 3) }
        #expect(fixture.inRotation == [4])
    }

    @Test("a failed dial is certain: no cap, but not the last, unless its check fails too")
    func dials() {
        let fixture = Fixture()
        fixture.fill(4)
        for number in 1...4 { fixture.failDial(number) }
        #expect(fixture.inRotation == [4])
        fixture.failCheck(4)
        #expect(fixture.phase(4) == .up)
        fixture.failDial(4)
        #expect(fixture.phase(4) == .ejected)
    }

    @Test("backends that drain do not count for the cap, nor are spared by it")
    func draining() {
        let fixture = Fixture()
        fixture.fill(6)
        fixture.answer(1...4)
        fixture.failLive(1)
        fixture.failLive(2)
        fixture.failLive(5)
        fixture.failLive(3)
        #expect(fixture.inRotation == [3, 4])
        fixture.answer(1...6)
        #expect(fixture.phase(5) == .ejected, "it failed while it drained")
        #expect(fixture.phase(6) == .up)
    }

    // MARK: - Who takes the traffic of those on probation

    @Test("the only one is on no probation: somebody has to take all requests")
    func alone() {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(1...2)
        fixture.failLive(1)
        fixture.wait(5)
        #expect(fixture.onProbation == [1])
        fixture.failDial(2)
        #expect(fixture.inRotation == [1])
        #expect(fixture.onProbation == [])
    }

    @Test("a tier that is on probation as a whole is joined by the next")
    func tier() {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer([instance(1), instance(2, priority: 1), instance(3, priority: 2)])
        fixture.failLive(1)
        #expect(fixture.roster.rotation.tiers.map(\.count) == [1, 1])
        fixture.wait(5)
        #expect(fixture.roster.rotation.tiers.map(\.count) == [2, 1])
        #expect(fixture.onProbation == [1])
        fixture.prove(1)
        #expect(fixture.roster.rotation.tiers.map(\.count) == [1, 1, 1])
    }

    @Test("what is shown: last failure, end, probation; and a late report changes nothing")
    func shown() throws {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.failLive(1, .slow(milliseconds: 900, others: 20))
        let end = try state(fixture, 1).ejectionEnd
        fixture.wait(1)
        fixture.failLive(1, .answers(consecutive: 1, last: 0))
        let backend = try #require(fixture.roster.backend(at: endpoint(1)))
        #expect(backend.lastLiveFailure?.at == fixture.now)
        #expect(backend.lastLiveFailure?.failure.description == "a request failed: broken off")
        #expect(backend.state.ejectionEnd == end && backend.state.ejections == 1)
        #expect(
            fixture.texts.last
                == "up to ejected: answers take 900 ms, those of the others 20 ms")
        fixture.wait(4)
        #expect(try state(fixture, 1).isOnProbation && state(fixture, 1).ejectionEnd == nil)
    }
}
