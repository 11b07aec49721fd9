// Goal: an operator's word goes before discovery's, for backends that are there and that come, and
// ends without a trace. Method: a roster under a clock moved by hand; rotation and journal are
// read.

import Backends
import Endpoints
import Testing

@Suite struct OverrideTests {
    private func override(_ fixture: Fixture, _ overrides: [Int: BackendOverride]) {
        var all = BackendOverrides()
        for (number, override) in overrides { all[endpoint(number)] = override }
        fixture.roster.setOverrides(all, now: fixture.now)
    }

    private func weights(_ fixture: Fixture) -> [UInt32] {
        fixture.roster.rotation.members.map(\.weight)
    }

    private func texts(_ fixture: Fixture) -> [String] {
        fixture.journal.entries.map { "\($0.event)" }
    }

    private let drained = BackendOverride(isDrained: true)

    @Test("a drained backend leaves the rotation, stays on the roster, and comes back")
    func drain() throws {
        let fixture = Fixture()
        fixture.fill(3)
        let id = try #require(fixture.roster.backend(at: endpoint(2))?.id)
        override(fixture, [2: drained])
        #expect(fixture.inRotation == [1, 3])
        #expect(fixture.phase(2) == .draining)
        #expect(fixture.roster.leavingCount == 0, "nothing waits for it to go")
        fixture.drained(2)
        fixture.wait(4000)
        for _ in 0..<3 { fixture.answer(1...3) }
        #expect(fixture.roster.backend(id)?.state.cause == .drainedByOperator)
        #expect(fixture.roster.checkTargets.count == 3, "it is checked meanwhile")
        override(fixture, [:])
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.backend(at: endpoint(2))?.id == id)
        #expect(fixture.roster.takeExpelled() == [id], "what ran on it was ended, once")
        #expect(fixture.roster.takeExpelled() == [])
        let entries = fixture.journal.entries.filter { $0.backend == id }.suffix(5)
        #expect(
            entries.map { "\($0.event)" } == [
                "overridden by an operator: drained", "up to draining: drained by an operator",
                "drained for as long as a drain may take: what ran on it was ended",
                "no longer overridden by an operator (drained)",
                "draining to up: an operator's drain was lifted",
            ])
    }

    @Test("a drain that is lifted before its limit ends nothing")
    func liftedInTime() {
        let fixture = Fixture()
        fixture.fill(2)
        override(fixture, [1: drained])
        fixture.wait(59)
        override(fixture, [:])
        fixture.wait(100)
        #expect(fixture.roster.takeExpelled() == [])
        override(fixture, [1: drained])
        fixture.wait(59)
        #expect(fixture.roster.takeExpelled() == [])
        fixture.wait(2)
        #expect(fixture.roster.takeExpelled().count == 1)
    }

    @Test("one whose checks failed meanwhile comes back as down")
    func drainedFails() {
        let fixture = Fixture()
        fixture.fill(2)
        override(fixture, [1: drained])
        fixture.failCheck(1, times: 3)
        override(fixture, [:])
        #expect(fixture.phase(1) == .down)
        #expect(fixture.inRotation == [2])
    }

    @Test("when all are drained nobody gets traffic, not even the untried")
    func allDrained() {
        let fixture = Fixture()
        fixture.answer(1...2)
        override(fixture, [1: drained, 2: drained])
        #expect(fixture.inRotation == [])
        fixture.answer(1...3)
        #expect(fixture.inRotation == [3])
    }

    @Test("an override waits for its backend, in each of its lives", arguments: [true, false])
    func before(checked: Bool) {
        let fixture = Fixture { if !checked { $0.checks = nil } }
        override(fixture, [1: drained, 2: BackendOverride(weight: 7)])
        #expect(fixture.roster.overrides.endpoints == [endpoint(1), endpoint(2)])
        for _ in 0..<2 {
            fixture.answer(1...3)
            for number in 1...3 { fixture.pass(number) }
            #expect(fixture.inRotation == [2, 3])
            #expect(weights(fixture) == [7, 1])
            fixture.answer([3])
            fixture.answer([3])
            for number in 1...2 { fixture.drained(number) }
            fixture.wait(100)
            #expect(fixture.phase(1) == nil, "one that is drained goes as any other")
        }
    }

    @Test("a drained backend that a good answer misses leaves, and may come back drained")
    func drainedMissing() {
        let fixture = Fixture()
        fixture.fill(3)
        override(fixture, [1: drained])
        fixture.answer(2...3)
        #expect(fixture.roster.leavingCount == 1)
        fixture.answer(1...3)
        #expect(fixture.roster.leavingCount == 0)
        #expect(fixture.phase(1) == .draining)
        fixture.answer(2...3)
        fixture.answer(2...3)
        fixture.drained(1)
        #expect(fixture.phase(1) == nil)
    }

    @Test("a drained backend lost with most others is counted as lost, and is not held")
    func drainedInMassLoss() {
        let fixture = Fixture()
        fixture.fill(4)
        override(fixture, [1: drained])
        fixture.answer([4])
        #expect(texts(fixture).contains { $0.hasPrefix("3 of 4 backends lost") })
        #expect(fixture.inRotation == [2, 3, 4])
        #expect(fixture.roster.leavingCount == 1)
        fixture.answer(1...4)
        override(fixture, [:])
        #expect(fixture.inRotation == [1, 2, 3, 4])
    }

    @Test(
        "a weight takes the place of the source's, as RFC 2782 has weights",
        arguments: [
            (nil, [5, 1]), (9, [9, 1]), (0, [1, 256]), (1, [1, 1]),
        ] as [(UInt16?, [UInt32])])
    func weight(weight: UInt16?, expected: [UInt32]) {
        let fixture = Fixture()
        fixture.answer([instance(1, weight: 5), instance(2)])
        for number in 1...2 { fixture.pass(number) }
        override(fixture, [1: BackendOverride(weight: weight)])
        #expect(weights(fixture) == expected)
        #expect(fixture.roster.backend(at: endpoint(1))?.weight == weight ?? 5)
        // What the source says meanwhile waits for the end of the override.
        fixture.answer([instance(1, weight: 6), instance(2)])
        #expect(weights(fixture) == (weight == nil ? [6, 1] : expected))
        override(fixture, [:])
        #expect(weights(fixture) == [6, 1])
    }

    @Test("the same command again changes nothing and is not journalled")
    func same() {
        let fixture = Fixture()
        fixture.fill(2)
        override(fixture, [1: BackendOverride(weight: 3), 9: drained])
        let rotation = fixture.roster.rotation
        let entries = fixture.journal.nextNumber
        override(fixture, [1: BackendOverride(weight: 3), 9: drained])
        override(fixture, [1: BackendOverride(weight: 3), 2: BackendOverride()])
        #expect(fixture.roster.rotation === rotation)
        #expect(fixture.journal.nextNumber == entries)
        override(fixture, [1: BackendOverride(weight: 4, isDrained: true)])
        #expect(texts(fixture).contains("overridden by an operator: weight 3 to weight 4, drained"))
    }
}
