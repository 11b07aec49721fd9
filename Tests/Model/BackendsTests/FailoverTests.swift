// Goal: of several datacentres the first that can serve does, and one that comes back gets requests
// when it has stayed for a while, and not each time that its link flaps. Method: two and three
// sources, and a clock that the test moves.

import Backends
import Testing

@Suite struct FailoverTests {
    /// Two backends in each of `places` sources: 11 and 12 in the first, 21 and 22 in the second.
    private func fixture(places: Int = 2, wait: Int? = 30, below: Int = 0) -> Fixture {
        let fixture = Fixture(places: places) {
            $0.failoverReturn = wait.map { .seconds($0) }
            $0.failoverPercent = below
        }
        for place in 0..<places {
            let numbers = [10 * (place + 1) + 1, 10 * (place + 1) + 2]
            fixture.answer(numbers, from: place)
            for number in numbers { fixture.pass(number) }
        }
        return fixture
    }

    /// The backends of the best tier, which get the requests.
    private func serving(_ fixture: Fixture) -> [Int] {
        let count = fixture.roster.rotation.tiers.first?.count ?? 0
        return Array(fixture.inRotation.prefix(count))
    }

    private func lose(_ fixture: Fixture, _ numbers: Int...) {
        for number in numbers { fixture.failCheck(number, times: 3) }
    }

    private func regain(_ fixture: Fixture, _ numbers: Int...) {
        for number in numbers { fixture.pass(number, times: 2) }
    }

    private func told(_ fixture: Fixture) -> [String] {
        fixture.texts.filter { $0.contains("source ") && $0.contains("requests") }
    }

    @Test("the first serves as long as one of it is up, and is back after the wait")
    func basic() {
        let fixture = fixture()
        #expect(serving(fixture) == [11, 12])
        lose(fixture, 11)
        #expect(serving(fixture) == [12])
        lose(fixture, 12)
        #expect(serving(fixture) == [21, 22])
        fixture.wait(60)
        regain(fixture, 11)
        #expect(serving(fixture) == [21, 22])
        #expect(fixture.roster.nextDeadline == fixture.now + .seconds(30))
        fixture.wait(29)
        regain(fixture, 12)
        #expect(serving(fixture) == [21, 22], "a second one begins no second wait")
        fixture.wait(1)
        #expect(serving(fixture) == [11, 12])
        #expect(
            told(fixture) == [
                "no backend of source 1 of 2 is up any more: those of source 2 of 2 get the "
                    + "requests",
                "a backend of source 1 of 2 is up again: it gets requests after 30 s of that",
                "backends of source 1 of 2 get the requests again",
            ])
    }

    @Test("one that waits is there for when the others have none, at once")
    func lastResort() {
        let fixture = fixture()
        lose(fixture, 11, 12)
        regain(fixture, 11)
        #expect(serving(fixture) == [21, 22])
        lose(fixture, 21, 22)
        #expect(serving(fixture) == [11])
        // Nor does it wait when the others are back.
        regain(fixture, 21, 22)
        #expect(serving(fixture) == [11])
        #expect(fixture.roster.returnsAt(place: 0) == nil)
    }

    @Test("a link that flaps takes no requests along")
    func flapping() {
        let fixture = fixture()
        lose(fixture, 11, 12)
        var moves = 0
        for _ in 0..<50 {
            fixture.wait(5)
            regain(fixture, 11, 12)
            fixture.wait(20)
            if serving(fixture) != [21, 22] { moves += 1 }
            lose(fixture, 11, 12)
        }
        #expect(moves == 0)
        regain(fixture, 11, 12)
        fixture.wait(30)
        #expect(serving(fixture) == [11, 12])
    }

    @Test("without the option it is back at once, and that is told as well")
    func atOnce() {
        let fixture = fixture(wait: nil)
        lose(fixture, 11, 12)
        #expect(serving(fixture) == [21, 22])
        regain(fixture, 12)
        #expect(serving(fixture) == [12])
        #expect(told(fixture).last == "backends of source 1 of 2 get the requests again")
    }

    @Test("a start waits for nobody, whichever source is up first")
    func atStart() {
        let fixture = Fixture(places: 2) { $0.failoverReturn = .seconds(30) }
        fixture.answer([21], from: 1)
        fixture.pass(21)
        #expect(serving(fixture) == [21])
        fixture.answer([11], from: 0)
        fixture.pass(11)
        #expect(serving(fixture) == [11])
        #expect(told(fixture) == [])
    }

    @Test("with three, the best that is up serves")
    func three() {
        let fixture = fixture(places: 3)
        lose(fixture, 11, 12)
        lose(fixture, 21, 22)
        #expect(serving(fixture) == [31, 32])
        regain(fixture, 21)
        fixture.wait(20)
        regain(fixture, 11)
        fixture.wait(10)
        #expect(serving(fixture) == [21], "the second has waited, the first has not")
        fixture.wait(20)
        #expect(serving(fixture) == [11])
        #expect(
            fixture.texts.count { $0.contains("no backend of source 2 of 3 is up any more") } == 1)
    }

    @Test("instances that leave discovery count as those that fail")
    func discovery() {
        let fixture = fixture()
        // One after the other, on purpose: none of them is kept in reserve.
        fixture.answer([12], from: 0)
        fixture.wait(20)
        lose(fixture, 12)
        #expect(serving(fixture) == [21, 22])
        fixture.answer([13], from: 0)
        fixture.pass(13)
        #expect(serving(fixture) == [21, 22])
        fixture.wait(30)
        #expect(serving(fixture) == [13])
    }

    @Test("together with failover-below the wait comes first, then the share decides")
    func below() {
        let fixture = fixture(below: 80)
        lose(fixture, 11)
        #expect(serving(fixture) == [12, 21, 22])
        lose(fixture, 12)
        #expect(serving(fixture) == [21, 22])
        regain(fixture, 11)
        #expect(serving(fixture) == [21, 22])
        fixture.wait(30)
        #expect(serving(fixture) == [11, 21, 22])
        regain(fixture, 12)
        #expect(serving(fixture) == [11, 12])
    }

    @Test("a wait ends with the option, and other sources begin without one")
    func changes() {
        let first = fixture()
        lose(first, 11, 12)
        regain(first, 11)
        #expect(serving(first) == [21, 22])
        first.roster.setOptions(RosterOptions(), now: first.now)
        #expect(serving(first) == [11])

        let second = fixture()
        lose(second, 11, 12)
        regain(second, 11)
        second.roster.sourcesChanged(places: 1, now: second.now)
        second.answer([11, 21, 22])
        #expect(Set(serving(second)) == [11, 21, 22])
        second.roster.sourcesChanged(places: 2, now: second.now)
        second.answer([11], from: 0)
        second.answer([21, 22], from: 1)
        #expect(serving(second) == [11])
        lose(second, 11)
        #expect(serving(second) == [21, 22])
    }
}
