// Goal: discovery is advice, health is evidence: each rule of Roster+Answers has a test that names
// it. Method: a roster under a clock moved by hand; phases and rotation are read after each step.

import Backends
import Endpoints
import Testing

@Suite struct RosterTests {
    static let failures: [DiscoveryFailure] = [
        .nxdomain, .nodata, .servfail, .refused, .otherCode(9), .timeout, .malformed("cut"),
        .unreachable,
    ]

    @Test("while no backend is up, those without evidence against them get traffic")
    func untried() {
        let fixture = Fixture()
        fixture.answer([1, 2])
        #expect(fixture.inRotation == [1, 2])
        #expect(fixture.roster.upCount == 0)
        fixture.failCheck(1)
        #expect(fixture.inRotation == [2])
        fixture.failDial(2)
        #expect(fixture.inRotation == [1], "only its check speaks against it")
        fixture.pass(1)
        #expect(fixture.inRotation == [1])
        fixture.answer([1, 2, 3])
        #expect(fixture.inRotation == [1], "a new one waits for its check while others are up")
    }

    @Test("no failure removes anything while its hold lasts", arguments: failures)
    func failureHolds(failure: DiscoveryFailure) {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(1...3)
        let rotation = fixture.roster.rotation
        let hold = Int(fixture.roster.options.holds[failure.kind].components.seconds)
        let step = hold / 900
        for _ in 0..<899 {
            fixture.fail(failure)
            fixture.wait(Double(step))
        }
        fixture.wait(Double(step - 1))
        #expect(fixture.roster.rotation === rotation)
        #expect(fixture.roster.holds.map(\.kind) == [failure.kind])
        fixture.wait(1)
        #expect(fixture.roster.rotation.isEmpty, "without checks nothing speaks for them after it")
        #expect(fixture.roster.holds.isEmpty)
        #expect(fixture.roster.sources[0].failures[failure.kind] == 899)
    }

    @Test("after the hold those that pass their checks stay if they shall, and the others go")
    func holdEndsWithChecks() {
        let fixture = Fixture { $0.keepsPassingAfterHold = true }
        fixture.fill(3)
        fixture.failCheck(2, times: 3)
        fixture.fail(.nxdomain)
        fixture.wait(899)
        #expect(fixture.phase(2) == .down)
        fixture.wait(1)
        #expect(fixture.inRotation == [1, 3])
        #expect(fixture.phase(2) == .draining)
        fixture.failCheck(3, times: 3)
        #expect(fixture.phase(3) == .draining, "now only evidence keeps it, and it is against it")
    }

    @Test("after the hold all go, since a passing check may be a stranger's by then")
    func holdEndsForAll() {
        let fixture = Fixture()
        fixture.fill(2)
        fixture.fail(.timeout)
        fixture.wait(86_399)
        #expect(fixture.inRotation == [1, 2])
        fixture.wait(1)
        #expect(fixture.inRotation == [])
    }

    @Test("a held backend that fails its checks leaves the rotation at once, and may come back")
    func heldFails() {
        let fixture = Fixture()
        fixture.fill(2)
        fixture.fail(.servfail)
        fixture.failCheck(1, times: 3)
        #expect(fixture.inRotation == [2])
        fixture.pass(1, times: 2)
        #expect(fixture.inRotation == [1, 2])
    }

    @Test("a hold of another kind begins when the source fails in another way")
    func kindChanges() {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(1...3)
        fixture.fail(.timeout)
        fixture.wait(3000)
        fixture.fail(.nxdomain)
        fixture.wait(899)
        #expect(fixture.inRotation.count == 3)
        fixture.wait(1)
        #expect(fixture.inRotation.isEmpty)
    }

    @Test("a source that fails by turns is held for the longest hold at most")
    func alternating() {
        let fixture = Fixture {
            $0.checks = nil
            for path in [\RosterOptions.Holds.servfail, \.refused, \.otherCode, \.timeout] {
                $0.holds[keyPath: path] = .seconds(3600)
            }
            $0.holds.malformed = .seconds(3600)
            $0.holds.unreachable = .seconds(3600)
        }
        fixture.answer(1...3)
        for second in 0..<3600 {
            fixture.fail(second % 2 == 0 ? .nxdomain : .nodata)
            #expect(fixture.inRotation.count == 3)
            fixture.wait(1)
        }
        #expect(fixture.inRotation.isEmpty)
        #expect(fixture.journal.entries.count { $0.event.description.contains("discovery") } < 20)
    }

    @Test("an empty good answer is NODATA")
    func emptyAnswer() {
        let fixture = Fixture()
        fixture.fill(2)
        fixture.answer([Instance]())
        #expect(fixture.inRotation == [1, 2])
        #expect(fixture.roster.sources[0].lastFailure?.failure == .nodata)
        #expect(fixture.roster.sources[0].outage?.kind == .nodata)
    }

    @Test("a good answer ends an outage, and its hold starts over in the next")
    func recovery() {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(1...3)
        fixture.fail(.nxdomain)
        fixture.wait(200)
        fixture.answer(1...3)
        #expect(fixture.roster.sources[0].outage == nil)
        fixture.fail(.nxdomain)
        fixture.wait(200)
        #expect(fixture.inRotation == [1, 2, 3])
    }

    // MARK: Missing from a good answer

    @Test("one missing from a good answer drains at once, and is gone once confirmed and idle")
    func missing() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.answer([1, 2])
        #expect(fixture.phase(3) == .draining)
        #expect(fixture.inRotation == [1, 2])
        fixture.drained(3)
        #expect(fixture.phase(3) == .draining, "not confirmed yet: its connections may be wanted")
        fixture.answer([1, 2])
        #expect(fixture.phase(3) == .draining, "and if most are lost, it is wanted again")
        fixture.wait(9)
        #expect(fixture.phase(3) == .draining)
        fixture.wait(1)
        #expect(fixture.phase(3) == nil)
    }

    @Test("a backend that is named again after its drain was over is new")
    func anotherLife() throws {
        let fixture = Fixture()
        fixture.fill(3)
        let id = try #require(fixture.roster.backend(at: endpoint(3))).id
        fixture.answer([1, 2])
        fixture.answer([1, 2])
        fixture.drained(3)
        fixture.answer(1...3)
        #expect(fixture.phase(3) == .discovered)
        #expect(fixture.roster.backend(at: endpoint(3))?.id != id)
        #expect(fixture.roster.count == 3 && fixture.roster.leavingCount == 0)
        fixture.pass(3)
        fixture.answer([1, 2])
        #expect(fixture.phase(3) == .draining, "that was no flap")
    }

    @Test("those whose drain reached its limit are expelled, those that were idle are not")
    func expelled() throws {
        let fixture = Fixture()
        fixture.fill(5)
        let id = try #require(fixture.roster.backend(at: endpoint(5))).id
        fixture.answer(1...3)
        fixture.answer(1...3)
        fixture.drained(4)
        fixture.wait(59)
        #expect(fixture.roster.takeExpelled() == [])
        fixture.wait(1)
        #expect(fixture.roster.takeExpelled() == [id])
        #expect(fixture.roster.takeExpelled() == [])
    }

    @Test("a drain ends at its limit")
    func drainLimit() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.answer([1, 2])
        #expect(fixture.roster.nextDeadline == fixture.now + .seconds(40))
        fixture.wait(40)
        #expect(fixture.roster.takeStreamEnds().map(\.within) == [.seconds(18)])
        #expect(fixture.roster.nextDeadline == fixture.now + .seconds(20))
        fixture.wait(20)
        #expect(fixture.roster.takeStreamEnds() == [])
        #expect(fixture.phase(3) == nil)
        #expect(fixture.roster.nextDeadline == nil)
    }

    @Test("a drain may have a limit of its own, and only while it lasts")
    func ownDrainLimit() throws {
        let fixture = Fixture()
        fixture.fill(3)
        let id = try #require(fixture.roster.backend(at: endpoint(3))).id
        fixture.roster.limitDrain(id, to: .seconds(1), now: fixture.now)
        #expect(fixture.phase(3) == .up)
        fixture.answer([1, 2])
        fixture.wait(2)
        fixture.roster.limitDrain(id, to: .seconds(9), now: fixture.now)
        #expect(fixture.roster.nextDeadline == fixture.now + .seconds(6))
        fixture.wait(6)
        #expect(fixture.roster.takeStreamEnds().map(\.within) == [.milliseconds(2700)])
        fixture.wait(3)
        #expect(fixture.phase(3) == nil)
        #expect(fixture.roster.takeExpelled() == [id])
    }

    @Test("a draining backend that is named again keeps its number and its state")
    func namedAgain() throws {
        let fixture = Fixture()
        fixture.fill(3)
        let id = try #require(fixture.roster.backend(at: endpoint(3))).id
        fixture.answer([1, 2])
        fixture.answer(1...3)
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.backend(at: endpoint(3))?.id == id)
    }

    @Test("a record that flaps moves traffic once, then no more")
    func flapping() {
        let fixture = Fixture()
        fixture.fill(3)
        var generations: Set<UInt64> = []
        for second in 0..<20 {
            fixture.wait(1)
            fixture.answer(second % 2 == 0 ? [1, 2] : [1, 2, 3])
            generations.insert(fixture.roster.rotation.generation)
        }
        #expect(generations.count == 2)
        #expect(fixture.inRotation == [1, 2, 3])
        fixture.answer([1, 2])
        fixture.answer([1, 2])
        #expect(fixture.phase(3) == .draining, "two answers in a row are believed")
    }

    @Test("a flap is forgotten after its time")
    func flapForgotten() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.answer([1, 2])
        fixture.answer(1...3)
        fixture.wait(300)
        fixture.answer([1, 2])
        #expect(fixture.phase(3) == .draining)
    }

    @Test("a drain may be asked to wait for more answers")
    func missesToDrain() {
        let fixture = Fixture { $0.missesToDrain = 2 }
        fixture.fill(3)
        fixture.answer([1, 2])
        #expect(fixture.inRotation == [1, 2, 3])
        fixture.fail(.timeout)
        #expect(fixture.inRotation == [1, 2, 3], "a failure is no answer without it")
        fixture.answer([1, 2])
        #expect(fixture.inRotation == [1, 2])
    }

    // MARK: Mass loss

    @Test("more than half missing from one answer are held, and those that fail their checks go")
    func massLoss() {
        let fixture = Fixture()
        fixture.fill(5)
        fixture.answer([1, 2])
        #expect(fixture.inRotation == [1, 2, 3, 4, 5])
        #expect(fixture.roster.holds.map(\.backends) == [3])
        fixture.answer([1, 2])
        #expect(fixture.inRotation == [1, 2, 3, 4, 5], "the second answer finds them held")
        fixture.failCheck(3, times: 3)
        #expect(fixture.phase(3) == .draining)
        fixture.failDial(4)
        #expect(fixture.phase(4) == .draining, "live traffic is evidence too")
        fixture.wait(59)
        #expect(fixture.phase(5) == .up)
        fixture.wait(1)
        #expect(fixture.phase(5) == .draining)
        #expect(fixture.inRotation == [1, 2])
    }

    @Test("a mass loss spares only those that are up")
    func massLossOfFailing() {
        let fixture = Fixture()
        fixture.fill(4)
        fixture.failCheck(4, times: 3)
        fixture.answer([1])
        #expect(fixture.phase(4) == .draining)
        #expect(fixture.inRotation == [1, 2, 3])
    }

    @Test("half is no mass loss, nor are two of two", arguments: [(4, 2), (2, 1)])
    func noMassLoss(before: Int, after: Int) {
        let fixture = Fixture()
        fixture.fill(before)
        fixture.answer(1...after)
        #expect(fixture.inRotation == Array(1...after))
    }

    @Test("those lost with most others that are named again are as before")
    func massLossRecovers() {
        let fixture = Fixture()
        fixture.fill(4)
        let rotation = fixture.roster.rotation
        fixture.answer([1])
        fixture.answer(1...4)
        fixture.wait(1000)
        #expect(fixture.roster.rotation === rotation)
        #expect(fixture.roster.holds.isEmpty)
    }

    // MARK: Evidence

    @Test("a failed dial ejects at once, but never the last backend; a check may")
    func lastBackend() {
        let fixture = Fixture()
        fixture.fill(2)
        fixture.failDial(1)
        #expect(fixture.inRotation == [2])
        fixture.failDial(2)
        #expect(fixture.inRotation == [2])
        #expect(fixture.roster.ejectionsRefused == 1)
        fixture.failCheck(2, times: 3)
        #expect(fixture.inRotation == [])
        fixture.pass(1, times: 2)
        #expect(fixture.inRotation == [1])
    }

    @Test("without checks an ejected backend returns after its back-off")
    func unchecked() {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(1...2)
        #expect(fixture.inRotation == [1, 2])
        #expect(fixture.roster.checkTargets.isEmpty)
        fixture.failDial(1)
        #expect(fixture.roster.nextDeadline == fixture.now + .seconds(5))
        fixture.wait(5)
        #expect(fixture.inRotation == [1, 2])
    }

    @Test("reports about backends that are gone are ignored")
    func lateReports() {
        let fixture = Fixture()
        fixture.fill(1)
        let nobody = BackendID(rawValue: 99)
        let before = fixture.journal.nextNumber
        fixture.roster.checkPassed(nobody, took: .zero, now: fixture.now)
        fixture.roster.checkFailed(nobody, .reset, took: .zero, now: fixture.now)
        fixture.roster.dialFailed(nobody, .reset, now: fixture.now)
        fixture.roster.drained(nobody, now: fixture.now)
        #expect(fixture.journal.nextNumber == before)
        #expect(fixture.inRotation == [1])
    }

    @Test("what is shown of a backend: state, cause, checks, share")
    func shown() throws {
        let fixture = Fixture()
        fixture.answer([instance(1, priority: 1, weight: 10)])
        fixture.pass(1)
        fixture.wait(2)
        fixture.failCheck(1, .status(503))
        let backend = try #require(fixture.roster.backend(at: endpoint(1)))
        #expect(backend.state.phase == .up && backend.state.since == start)
        #expect(backend.state.cause.description == "a check passed")
        #expect(backend.state.consecutiveFailures == 1 && backend.state.consecutivePasses == 0)
        #expect(backend.lastCheck?.failure == .status(503))
        #expect(backend.lastCheck?.at == fixture.now)
        #expect(backend.naming == .named)
        #expect(fixture.roster.sources[0].lastGoodAnswer?.at == start)
        #expect(fixture.roster.sources[0].lastGoodAnswer?.instances == 1)
    }

    // MARK: Bounds

    @Test("beyond the limit instances are refused, counted each time and journalled once")
    func limit() {
        let fixture = Fixture { $0.backendsMax = 3 }
        fixture.answer(1...5)
        fixture.answer(1...5)
        #expect(fixture.roster.count == 3)
        #expect(fixture.roster.sources[0].instancesRefused == 4)
        let notices = fixture.journal.entries.filter {
            $0.event == .instancesRefused(count: 2, limit: 3)
        }
        #expect(notices.count == 1)
    }

    @Test("metadata beyond the limit is dropped, the backend is not")
    func metadata() throws {
        let fixture = Fixture { $0.metadataBytesMax = 10 }
        var large = instance(1)
        large.metadata = ["tags": "1234567"]
        fixture.answer([large])
        #expect(try #require(fixture.roster.backend(at: endpoint(1))).instance.metadata.isEmpty)
        #expect(fixture.roster.sources[0].metadataDropped == 1)
    }

    @Test("when the numbers are used up instances are refused, not renumbered")
    func numbersUsedUp() {
        let fixture = Fixture(ids: BackendIDs(first: .max - 1))
        fixture.answer(1...2)
        #expect(fixture.roster.backends.map(\.id.rawValue) == [.max - 1])
        #expect(fixture.roster.sources[0].instancesRefused == 1)
    }

    @Test("ten thousand backends come, are checked and are replaced")
    func manyBackends() {
        let fixture = Fixture { $0.backendsMax = 20_000 }
        fixture.fill(10_000)
        #expect(fixture.roster.rotation.count == 10_000)
        fixture.answer(5_001...15_000)
        #expect(fixture.roster.upCount == 5_000, "exactly half is no mass loss")
        #expect(fixture.roster.checkTargets.count == 15_000)
        fixture.wait(60)
        #expect(fixture.roster.count == 10_000)
    }
}
