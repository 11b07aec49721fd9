// Goal: a backend that comes up gets its share step by step beside others, and at once where there
// are none; near instances go before far ones.
// Method: effective weights read from the rotation under a clock moved by hand.

import Backends
import Endpoints
import Testing

@Suite struct SlowStartTests {
    private func fixture(_ seconds: Int = 16, _ weights: [UInt16] = [1, 1]) -> Fixture {
        let fixture = Fixture { $0.slowStart = seconds == 0 ? nil : .seconds(seconds) }
        fixture.answer(weights.enumerated().map { instance($0 + 1, weight: $1) })
        for number in 1...weights.count { fixture.pass(number) }
        return fixture
    }

    private func weights(_ fixture: Fixture) -> [UInt32] {
        fixture.roster.rotation.members.map(\.weight)
    }

    @Test("when the program starts all have their whole weight")
    func start() {
        let fixture = fixture(16, [10, 1])
        #expect(weights(fixture) == [10, 1])
        fixture.wait(16)
        #expect(weights(fixture) == [10, 1])
        #expect(fixture.roster.nextDeadline == nil)
    }

    @Test("a new one grows by sixteenths, each at its deadline, then weights are exact again")
    func grows() throws {
        let fixture = fixture()
        fixture.wait(20)
        fixture.answer(1...3)
        fixture.pass(3)
        for step in 1...15 as ClosedRange<UInt32> {
            #expect(weights(fixture) == [16, 16, step])
            #expect(fixture.roster.backend(at: endpoint(3))?.rampShare == Int(step))
            #expect(fixture.roster.nextDeadline == fixture.now + .seconds(1))
            fixture.wait(1)
        }
        #expect(weights(fixture) == [1, 1, 1])
        #expect(fixture.roster.backend(at: endpoint(3))?.rampShare == 16)
        #expect(fixture.roster.nextDeadline == nil)
    }

    @Test("one that is readmitted starts slowly too, one whose drain is cancelled does not")
    func readmitted() {
        let fixture = fixture()
        fixture.wait(20)
        fixture.failDial(1)
        fixture.pass(1, times: 2)
        #expect(weights(fixture) == [1, 16])
        fixture.wait(20)
        fixture.answer([2])
        fixture.answer(1...2)
        #expect(weights(fixture) == [1, 1])
    }

    @Test("weights that all change with the number of instances change no share, and are no news")
    func rescaled() throws {
        // 100 divided by the number of pods, as Kubernetes' DNS has it.
        func pods(_ numbers: some Collection<Int>) -> [Instance] {
            numbers.map { instance($0, weight: UInt16(100 / numbers.count)) }
        }
        let fixture = Fixture { $0.slowStart = .seconds(16) }
        fixture.answer(pods(1...3))
        for number in 1...3 { fixture.pass(number) }
        fixture.wait(20)
        fixture.answer(pods(1...4))
        fixture.pass(4)
        for _ in 0..<4 { fixture.wait(1) }
        let before = fixture.texts.count
        // Scaled once more: the fourth is at its fifth step, and goes on from there.
        #expect(fixture.roster.backend(at: endpoint(4))?.rampShare == 5)
        fixture.answer(pods(1...7))
        #expect(fixture.roster.backend(at: endpoint(4))?.rampShare == 5)
        let whole: UInt32 = 14 * 16
        #expect(weights(fixture) == [whole, whole, whole, 14 * 5])
        fixture.wait(1)
        #expect(weights(fixture) == [whole, whole, whole, 14 * 6])
        // Down again: those that are left are neither told nor started again.
        fixture.answer(pods(1...4))
        #expect(fixture.roster.backend(at: endpoint(4))?.rampShare == 6)
        for number in 1...4 { #expect(fixture.phase(number) == .up) }
        let told = fixture.texts.dropFirst(before).filter { $0.contains("weight") }
        #expect(told == [])
        // One that has another share than the others is news.
        fixture.answer((1...4).map { instance($0, weight: $0 == 2 ? 50 : 25) })
        #expect(fixture.texts.count { $0.contains("weight") } > 0)
    }

    @Test("it is whole as soon as it is alone")
    func alone() {
        let fixture = fixture()
        fixture.wait(20)
        fixture.failCheck(2, times: 3)
        fixture.pass(2, times: 2)
        #expect(weights(fixture) == [16, 1])
        fixture.failDial(1)
        #expect(weights(fixture) == [1])
    }

    @Test("one whose check is broken was in use all along and need not start again")
    func emergency() {
        let fixture = fixture(16, [1, 1, 1])
        fixture.wait(20)
        for number in 1...3 { fixture.failCheck(number, times: 3) }
        fixture.pass(1, times: 2)
        #expect(weights(fixture) == [1, 1, 1])
    }

    @Test("a share of weight 0, and the largest, fit in 24 bits")
    func extremes() {
        let fixture = fixture(16, [65535, 0])
        fixture.wait(20)
        fixture.answer([
            instance(1, weight: 65535), instance(2, weight: 0), instance(3, weight: 65535),
        ])
        fixture.pass(3)
        #expect(weights(fixture) == [16_776_960, 1, 1_048_560])
        #expect(weights(fixture).allSatisfy { $0 < 1 << 24 })
        let zeros = self.fixture(16, [0, 0])
        zeros.wait(20)
        zeros.answer((1...3).map { instance($0, weight: 0) })
        zeros.pass(3)
        #expect(weights(zeros) == [16, 16, 1])
    }

    @Test("off, and switched off in the middle, it scales nothing")
    func off() {
        let fixture = fixture(0)
        fixture.answer(1...3)
        fixture.pass(3)
        #expect(weights(fixture) == [1, 1, 1])
        let other = self.fixture()
        other.wait(20)
        other.answer(1...3)
        other.pass(3)
        var options = other.roster.options
        options.slowStart = nil
        other.roster.setOptions(options, now: other.now)
        #expect(weights(other) == [1, 1, 1])
    }

    // MARK: - Zones

    private func zoned(_ number: Int, _ zone: String?, priority: UInt16 = 0) -> Instance {
        Instance(
            endpoint(number), priority: priority, metadata: zone.map { ["zone": $0] } ?? [:])
    }

    @Test("within a priority those of the own zone go first, and what has no zone is elsewhere")
    func zones() {
        let fixture = Fixture {
            $0.checks = nil
            $0.zone.preferred = "a"
        }
        fixture.answer([
            zoned(1, "b"), zoned(2, "a"), zoned(3, nil), zoned(4, "a", priority: 1), zoned(5, "a"),
        ])
        #expect(fixture.roster.rotation.tiers.map(\.count) == [2, 2, 1])
        #expect(fixture.inRotation == [2, 5, 1, 3, 4])
        #expect(fixture.roster.rotation.tiers.map(\.[0].tier.isElsewhere) == [false, true, false])
        fixture.answer([
            zoned(1, "a"), zoned(2, "a"), zoned(3, nil), zoned(4, "a", priority: 1), zoned(5, "a"),
        ])
        #expect(fixture.inRotation == [1, 2, 5, 3, 4], "its metadata may change")
        var options = fixture.roster.options
        options.zone.preferred = nil
        fixture.roster.setOptions(options, now: fixture.now)
        #expect(fixture.inRotation == [1, 2, 3, 5, 4])
    }

    @Test("failover-below says how much of the own zone has to be up")
    func failover() {
        let fixture = Fixture {
            $0.zone.preferred = "a"
            $0.failoverPercent = 70
        }
        fixture.answer([zoned(1, "a"), zoned(2, "a"), zoned(3, "a"), zoned(4, "b")])
        for number in 1...4 { fixture.pass(number) }
        #expect(fixture.roster.rotation.tiers.map(\.count) == [3, 1])
        fixture.failDial(1)
        #expect(fixture.roster.rotation.tiers.map(\.count) == [3])
    }
}
