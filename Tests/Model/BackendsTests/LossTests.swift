// Goal: a source that loses its instances one by one leaves none of them alone with all of the
// traffic; one that replaces them one by one is believed.
// Method: answers a second apart, under a clock moved by hand.

import Backends
import Testing

@Suite struct LossTests {
    /// Lets the answers come, a second apart; the drained backends are idle at once.
    private func play(_ fixture: Fixture, _ answers: [[Int]], every seconds: Double = 1) {
        for answer in answers {
            fixture.wait(seconds)
            fixture.answer(answer)
            for backend in fixture.roster.backends where backend.state.isLeaving {
                fixture.roster.drained(backend.id, now: fixture.now)
            }
        }
    }

    private func massLosses(_ fixture: Fixture) -> UInt64 {
        fixture.roster.sources[0].failures[.massLoss] ?? 0
    }

    @Test("3, 2, 1, NXDOMAIN within seconds: all go on serving, with their numbers")
    func oneByOne() {
        let fixture = Fixture()
        fixture.fill(3)
        let ids = fixture.roster.backends.map(\.id)
        play(fixture, [[1, 2], [1, 2]])
        #expect(fixture.inRotation == [1, 2], "one instance fewer is believed")
        play(fixture, [[1]])
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.holds.map(\.kind) == [.massLoss])
        #expect(fixture.roster.holds.map(\.backends) == [2])
        #expect(fixture.texts.contains { $0.hasPrefix("2 of 3 backends lost within seconds") })
        fixture.wait(1)
        fixture.fail(.nxdomain)
        fixture.wait(200)
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.backends.map(\.id) == ids)
        play(fixture, [[1, 2, 3]])
        #expect(fixture.roster.holds.isEmpty)
        #expect(massLosses(fixture) == 1)
    }

    @Test("the same lost over more than the window is a scale-down")
    func slowly() {
        let fixture = Fixture()
        fixture.fill(3)
        play(fixture, [[1, 2], [1]], every: 11)
        #expect(fixture.inRotation == [1])
        #expect(massLosses(fixture) == 0)
    }

    @Test("NXDOMAIN brings back what was lost bit by bit, and not what went singly")
    func nxdomain() {
        let fixture = Fixture()
        fixture.fill(3)
        play(fixture, [[1, 2]])
        fixture.fail(.servfail)
        #expect(fixture.inRotation == [1, 2], "a server that failed said nothing of instances")
        fixture.fail(.nxdomain)
        #expect(fixture.inRotation == [1, 2], "two of three are no crush")
    }

    @Test("those held leave when their checks fail, whether lost before or with the others")
    func confirmed() {
        let fixture = Fixture()
        fixture.fill(4)
        play(fixture, [[1, 2, 3]])
        fixture.failCheck(4, times: 3)
        play(fixture, [[1]])
        #expect(fixture.inRotation == [1, 2, 3], "4 failed its checks while it drained")
        fixture.failCheck(3, times: 3)
        #expect(fixture.phase(3) == .draining)
        play(fixture, [[1], [1], [1]])
        #expect(massLosses(fixture) == 1, "the answers after it lose nothing more")
        fixture.wait(300)
        #expect(fixture.inRotation == [1])
    }

    @Test(
        "replacement one by one is no loss",
        arguments: [
            [[1, 2, 3, 4], [2, 3, 4], [2, 3, 4, 5], [3, 4, 5], [3, 4, 5, 6], [4, 5, 6]],
            [[1, 2], [1, 2, 3], [1, 3], [1, 2, 3], [2, 3], [1, 2, 3]],
            [[2, 3], [2, 3, 4], [3, 4], [3, 4, 5], [4, 5], [4, 5, 6]],
        ])
    func rolling(answers: [[Int]]) {
        let fixture = Fixture()
        fixture.fill(3)
        for answer in answers {
            play(fixture, [answer])
            for number in answer { fixture.pass(number) }
            #expect(fixture.inRotation == answer || answers[0] == [1, 2])
            #expect(Set(fixture.inRotation).isSuperset(of: answer))
        }
        #expect(massLosses(fixture) == 0)
        #expect(fixture.roster.holds.isEmpty)
    }

    @Test("one of two may leave at once, also in the middle of a deployment")
    func ofTwo() {
        let fixture = Fixture()
        fixture.fill(2)
        play(fixture, [[1]])
        #expect(fixture.inRotation == [1])
        fixture.fail(.nxdomain)
        #expect(fixture.inRotation == [1])
    }

    @Test("another source's answers are measured against its own")
    func places() {
        let fixture = Fixture(places: 2)
        fixture.answer([1, 2, 3], from: 0)
        fixture.answer([4], from: 1)
        for number in 1...4 { fixture.pass(number) }
        fixture.answer([4], from: 1)
        #expect(massLosses(fixture) == 0)
        fixture.answer([1, 2], from: 0)
        fixture.answer([1], from: 0)
        #expect(fixture.inRotation == [1, 2, 3, 4])
    }

    // MARK: - When nothing else is up

    @Test("one lost in the emergency, or found well while it drains, is back at once")
    func recalledLater() {
        let fixture = Fixture()
        fixture.fill(3)
        for number in 1...3 { fixture.failCheck(number, times: 3) }
        fixture.answer(1...2)
        #expect(fixture.inRotation == [1, 2, 3])
        let entries = fixture.texts.count
        for _ in 0..<20 {
            fixture.wait(1)
            fixture.answer(1...2)
            for number in 1...3 { fixture.failCheck(number) }
        }
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.texts.count == entries, "it does not come and go meanwhile")

        let other = Fixture()
        other.fill(2)
        other.failDial(2)
        other.answer([1])
        other.failCheck(1, times: 3)
        #expect(other.inRotation == [1], "a live request failed on 2")
        other.pass(2, times: 2)
        #expect(other.inRotation == [2], "its checks pass by now, and those of 1 do not")
    }

    @Test("one that was lost just before is back when no other is up")
    func recalled() {
        let fixture = Fixture()
        fixture.fill(2)
        play(fixture, [[1]])
        fixture.failCheck(1, times: 3)
        #expect(fixture.inRotation == [2], "its checks pass")
        #expect(fixture.roster.emergency == nil)
        #expect(fixture.texts.contains { $0.contains("is back: no other is up") })
    }

    @Test("but not one that was lost long ago, or if the operator wants none")
    func notRecalled() {
        for (seconds, policy) in [(11, .evidence), (1, .never)]
            as [(Double, RosterOptions.WhenNoneUp)]
        {
            let fixture = Fixture { $0.whenNoneUp = policy }
            fixture.fill(2)
            fixture.answer([1])
            fixture.wait(seconds)
            fixture.failCheck(1, times: 3)
            #expect(fixture.phase(2) == .draining)
        }
    }

    @Test("the registry and our checks lose all of them one by one, and the application works")
    func allSick() {
        let fixture = Fixture()
        fixture.fill(3)
        for number in [3, 2, 1] {
            fixture.failCheck(number, times: 3, .status(503))
            if number > 1 { play(fixture, [Array(1..<number)]) } else { fixture.fail(.nxdomain) }
        }
        #expect(fixture.inRotation == [1, 2, 3])
        for _ in 0..<8 {
            fixture.wait(1)
            fixture.fail(.nxdomain)
            fixture.roster.liveWeight(answered: 100, failed: 0, bytes: 0, now: fixture.now)
            for number in 1...3 { fixture.failCheck(number, .status(503)) }
            #expect(fixture.inRotation == [1, 2, 3])
        }
        for number in 1...3 { fixture.pass(number, times: 2) }
        fixture.answer(1...3)
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.emergency == nil && fixture.roster.holds.isEmpty)
    }
}
