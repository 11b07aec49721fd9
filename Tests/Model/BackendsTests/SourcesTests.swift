// Goal: a service with several sources fails over from one to the next and back, and what one
// source says or fails to say leaves the backends of the others alone. Method: a roster with two
// places under a clock moved by hand.

import Backends
import Endpoints
import Testing

@Suite struct SourcesTests {
    private func fixture(
        failoverPercent: Int = 0, _ change: (inout RosterOptions) -> Void = { _ in }
    ) -> Fixture {
        Fixture(places: 2) {
            $0.failoverPercent = failoverPercent
            change(&$0)
        }
    }

    /// 1 to 4 from the first source, 11 to 12 from the second, all up.
    private func fill(_ fixture: Fixture) {
        fixture.answer(1...4)
        fixture.answer(11...12, from: 1)
        for number in [1, 2, 3, 4, 11, 12] { fixture.pass(number) }
    }

    private func tiers(_ fixture: Fixture) -> [[Int]] {
        var rest = fixture.inRotation
        return fixture.roster.rotation.tiers.map { tier in
            defer { rest.removeFirst(tier.count) }
            return Array(rest.prefix(tier.count))
        }
    }

    @Test("each source is a tier of its own, in their order, whatever the priorities in it")
    func order() {
        let fixture = fixture()
        fixture.answer([instance(1, priority: 9), instance(2, priority: 3)])
        fixture.answer([instance(11, priority: 0)], from: 1)
        for number in [1, 2, 11] { fixture.pass(number) }
        #expect(tiers(fixture) == [[2], [1], [11]])
    }

    @Test("without a share the next tier serves when nothing of the first is up, and only then")
    func failover() {
        let fixture = fixture()
        fill(fixture)
        #expect(tiers(fixture) == [[1, 2, 3, 4], [11, 12]])
        for number in 1...3 { fixture.failCheck(number, times: 3) }
        #expect(tiers(fixture) == [[4], [11, 12]])
        fixture.failCheck(4, times: 3)
        #expect(tiers(fixture) == [[11, 12]])
        fixture.pass(2, times: 2)
        #expect(tiers(fixture) == [[2], [11, 12]])
    }

    @Test("a tier with less than its share up is joined by the next, until it has recovered")
    func share() {
        let fixture = fixture(failoverPercent: 50)
        fill(fixture)
        fixture.failCheck(1, times: 3)
        fixture.failCheck(2, times: 3)
        #expect(tiers(fixture) == [[3, 4], [11, 12]], "half of it is enough")
        fixture.failCheck(3, times: 3)
        #expect(tiers(fixture) == [[4, 11, 12]])
        fixture.pass(3, times: 2)
        #expect(tiers(fixture) == [[3, 4], [11, 12]])
    }

    @Test("what was deregistered does not count as missing from its tier")
    func shareAfterScaleDown() {
        let fixture = fixture(failoverPercent: 60)
        fill(fixture)
        fixture.answer([1, 2, 3])
        fixture.answer([1, 2])
        #expect(tiers(fixture) == [[1, 2], [11, 12]])
    }

    @Test("a source that fails holds its own backends; the other's answers go on counting")
    func separateHolds() {
        let fixture = fixture()
        fill(fixture)
        fixture.fail(.nxdomain, from: 1)
        fixture.answer([1, 2, 3])
        #expect(fixture.phase(4) == .draining)
        #expect(fixture.phase(11) == .up)
        #expect(fixture.roster.holds.map(\.backends) == [2])
        fixture.wait(900)
        #expect(fixture.phase(11) == .draining)
        #expect(fixture.phase(1) == .up)
        #expect(fixture.roster.sources[0].outage == nil)
        #expect(fixture.roster.sources[1].outage?.isOver == true)
    }

    @Test("a mass loss is measured within one source")
    func separateMassLoss() {
        let fixture = fixture()
        fill(fixture)
        fixture.answer([11], from: 1)
        #expect(fixture.phase(12) == .draining, "one of two is no mass loss")
        fixture.answer([1])
        #expect(fixture.inRotation.sorted() == [1, 2, 3, 4, 11])
        #expect(fixture.roster.sources[0].failures[.massLoss] == 1)
        #expect(fixture.roster.sources[1].failures[.massLoss] == nil)
    }

    @Test("what two sources name belongs to the better one, and to the other when that drops it")
    func namedTwice() {
        let fixture = fixture()
        fixture.answer([1, 2], from: 1)
        fixture.answer([1, 3])
        for number in 1...3 { fixture.pass(number) }
        #expect(tiers(fixture) == [[1, 3], [2]])
        let id = fixture.roster.backend(at: endpoint(1))?.id
        fixture.answer([1, 2], from: 1)
        #expect(tiers(fixture) == [[1, 3], [2]])
        fixture.answer([3])
        fixture.answer([1, 2], from: 1)
        #expect(tiers(fixture) == [[3], [1, 2]])
        #expect(fixture.roster.backend(at: endpoint(1))?.id == id, "it stays the same backend")
        fixture.answer([1, 3])
        #expect(tiers(fixture) == [[1, 3], [2]])
    }

    @Test("the journal says which source it was")
    func journal() {
        let fixture = fixture()
        fill(fixture)
        fixture.fail(.servfail, from: 1)
        #expect(
            fixture.journal.entries.last?.event.description
                == "discovery by source 2 of 2 fails: the server failed (SERVFAIL); backends are "
                + "held for 24 h")
    }
}

// Goal: a source that only speaks of changes is believed as one that repeats itself.
@Suite struct StandingAnswerTests {
    private func answer(_ fixture: Fixture, _ numbers: [Int]) {
        fixture.roster.apply(
            .instances(numbers.map { instance($0) }), stands: true, now: fixture.now)
    }

    @Test("an absence that nothing contradicts is confirmed by time")
    func confirmed() {
        let fixture = Fixture()
        answer(fixture, [1, 2])
        fixture.pass(1)
        fixture.pass(2)
        answer(fixture, [1])
        #expect(fixture.phase(2) == .draining)
        fixture.drained(2)
        #expect(fixture.phase(2) == .draining, "one answer is no confirmation yet")
        fixture.wait(1)
        #expect(fixture.phase(2) == .draining, "the next answer may show that most are lost")
        fixture.wait(9)
        #expect(fixture.phase(2) == nil)
    }

    @Test("one that flaps is missing for longer each time, and never forever")
    func flapping() {
        let fixture = Fixture()
        var seconds: [Int] = []
        answer(fixture, [1, 2])
        for _ in 0..<6 {
            for number in [1, 2] { fixture.pass(number) }
            answer(fixture, [1])
            var waited = 0
            while fixture.phase(2) == .up {
                fixture.wait(1)
                waited += 1
            }
            seconds.append(waited)
            answer(fixture, [1, 2])
        }
        #expect(seconds == [0, 1, 3, 7, 15, 15])
    }

    @Test("answers that are asked for again and again wait for further ones")
    func asked() {
        let fixture = Fixture()
        fixture.fill(2)
        fixture.answer([1])
        fixture.answer([1, 2])
        fixture.answer([1])
        fixture.wait(50)
        #expect(fixture.phase(2) == .up)
        fixture.answer([1])
        #expect(fixture.phase(2) == .draining)
    }
}
