// Goal: a service that is reconfigured keeps its backends, and another source's answer is
// believed. Method: a roster under a clock moved by hand.

import Backends
import Testing

@Suite struct RosterChangeTests {
    private func change(_ fixture: Fixture, _ edit: (inout RosterOptions) -> Void) {
        var options = fixture.roster.options
        edit(&options)
        fixture.roster.setOptions(options, now: fixture.now)
    }

    @Test("options change under backends that carry on, and count from the next event on")
    func counts() {
        let fixture = Fixture()
        fixture.fill(2)
        let before = fixture.roster.backends
        fixture.failCheck(1)
        change(fixture) { $0.checks = .init(rise: 1, fall: 2) }
        #expect(fixture.roster.backends.map(\.id) == before.map(\.id))
        #expect(fixture.inRotation == [1, 2])
        fixture.failCheck(1)
        #expect(fixture.phase(1) == .down)
        fixture.pass(1)
        #expect(fixture.phase(1) == .up)
    }

    @Test("without checks all that they kept out gets traffic, and with checks again they judge")
    func checksEnd() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.answer(1...4)
        fixture.failCheck(1, times: 3)
        fixture.failDial(2)
        #expect(fixture.inRotation == [3])
        change(fixture) { $0.checks = nil }
        #expect(fixture.inRotation == [1, 2, 3, 4])
        #expect(fixture.roster.checkTargets.isEmpty)
        fixture.failDial(1)
        change(fixture) { $0.checks = .init() }
        #expect(fixture.phase(1) == .ejected)
        fixture.failCheck(3, times: 3)
        #expect(fixture.inRotation == [2, 4])
        fixture.wait(5)
        #expect(fixture.inRotation == [1, 2, 4])
    }

    @Test(
        "a hold in force is as long as if it had always been so",
        arguments: [(60, 50, 9), (600, 590, 1), (5, 0, 1)])
    func holds(seconds: Int, left: Int, step: Double) {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(1...2)
        fixture.fail(.nxdomain)
        fixture.wait(10)
        change(fixture) { $0.holds.nxdomain = .seconds(seconds) }
        if left > 0 {
            fixture.wait(Double(left) - step)
            #expect(fixture.inRotation == [1, 2])
            fixture.wait(step)
        }
        #expect(fixture.inRotation == [])
    }

    @Test("a hold for mass loss changes too")
    func massLoss() {
        let fixture = Fixture()
        fixture.fill(4)
        fixture.answer([1])
        fixture.wait(10)
        change(fixture) { $0.holds.massLoss = .seconds(20) }
        fixture.wait(9)
        #expect(fixture.inRotation == [1, 2, 3, 4])
        fixture.wait(1)
        #expect(fixture.inRotation == [1])
    }

    // MARK: - Another source

    @Test("nothing leaves before another source has answered, and what it names carries on")
    func source() {
        let fixture = Fixture()
        fixture.fill(4)
        let kept = fixture.roster.backend(at: endpoint(4))
        fixture.roster.sourcesChanged(places: 1, now: fixture.now)
        fixture.fail(.timeout)
        fixture.wait(60)
        #expect(fixture.inRotation == [1, 2, 3, 4])
        // Most are not in its first good answer: meant so, and no accident.
        fixture.answer(4...6)
        #expect(fixture.inRotation == [4])
        #expect((1...3).allSatisfy { fixture.phase($0) == .draining })
        #expect(fixture.roster.backend(at: endpoint(4))?.id == kept?.id)
        #expect(fixture.roster.backend(at: endpoint(4))?.state == kept?.state)
    }

    @Test("after that answer a mass loss is one again")
    func sourceThenLoss() {
        let fixture = Fixture()
        fixture.fill(4)
        fixture.roster.sourcesChanged(places: 1, now: fixture.now)
        fixture.answer(1...4)
        fixture.answer([1])
        #expect(fixture.inRotation == [1, 2, 3, 4])
    }

    @Test("another source's names are tried at once when none of the old are among them")
    func disjoint() {
        let fixture = Fixture()
        fixture.fill(2)
        fixture.roster.sourcesChanged(places: 1, now: fixture.now)
        fixture.answer(7...8)
        #expect(fixture.inRotation == [7, 8])
    }

    @Test("what the old source's failure would have ended stays")
    func outage() {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(1...2)
        fixture.fail(.nxdomain)
        fixture.wait(299)
        fixture.roster.sourcesChanged(places: 1, now: fixture.now)
        fixture.wait(100)
        #expect(fixture.inRotation == [1, 2])
        #expect(fixture.roster.holds.isEmpty)
        fixture.fail(.nxdomain)
        fixture.wait(299)
        #expect(fixture.inRotation == [1, 2], "the new source's failure has a hold of its own")
    }
}
