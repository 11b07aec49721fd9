// Goal: a name is asked for as often as its TTL says, never in a busy loop and never in step.
// Method: the schedule is pure; its random numbers come from a generator of known seed.

import Lookups
import Random
import TestSupport
import Testing

@Suite struct RefreshScheduleTests {
    private func options(
        floor: Duration = .seconds(1), ceiling: Duration = .seconds(60), jitterPercent: Int = 0
    ) -> RefreshSchedule.Options {
        var options = RefreshSchedule.Options()
        options.floor = floor
        options.ceiling = ceiling
        options.jitterPercent = jitterPercent
        return options
    }

    @Test(
        "the TTL counts, within floor and ceiling",
        arguments: [
            (nil, 1), (0, 1), (1, 1), (30, 30), (60, 60), (61, 60), (2_147_483_647, 60),
        ] as [(Int64?, Int64)])
    func timeToLive(ttl: Int64?, expected: Int64) {
        var schedule = RefreshSchedule(options())
        var random = SplitMix64(seed: 1)
        let wait = schedule.waitAfterAnswer(
            timeToLive: ttl.map { .seconds($0) }, using: &random)
        #expect(wait == .seconds(expected))
    }

    @Test("failures back off to ten seconds, and a good answer ends that")
    func backOff() {
        var schedule = RefreshSchedule(options())
        var random = SplitMix64(seed: 1)
        let waits = (0..<6).map { _ in schedule.waitAfterFailure(using: &random) }
        #expect(waits == [1, 2, 4, 8, 10, 10].map { Duration.seconds($0) })
        #expect(schedule.waitAfterAnswer(timeToLive: nil, using: &random) == .seconds(1))
        #expect(schedule.waitAfterFailure(using: &random) == .seconds(1))
    }

    @Test("an interval of its own stands in place of any TTL, and failures back off from it")
    func every() {
        var all = options()
        all.every = .milliseconds(500)
        var schedule = RefreshSchedule(all)
        var random = SplitMix64(seed: 1)
        for ttl in [nil, 0, 5, 600] as [Int64?] {
            let wait = schedule.waitAfterAnswer(
                timeToLive: ttl.map { .seconds($0) }, using: &random)
            #expect(wait == .milliseconds(500))
        }
        let waits = (0..<6).map { _ in schedule.waitAfterFailure(using: &random) }
        #expect(waits == [500, 1000, 2000, 4000, 8000, 10_000].map { Duration.milliseconds($0) })
        all.every = .seconds(120)
        var slow = RefreshSchedule(all)
        #expect(slow.waitAfterAnswer(timeToLive: nil, using: &random) == .seconds(120))
        #expect(slow.waitAfterFailure(using: &random) == .seconds(120))
    }

    @Test("failures forever never overflow and never wait beyond the ceiling")
    func endless() {
        var schedule = RefreshSchedule(options(ceiling: .seconds(5)))
        var random = SplitMix64(seed: 1)
        for _ in 0..<10_000 {
            let wait = schedule.waitAfterFailure(using: &random)
            #expect(wait > .zero && wait <= .seconds(5))
        }
    }

    @Test("a floor above the back-off's limit is kept")
    func longFloor() {
        var schedule = RefreshSchedule(options(floor: .seconds(30)))
        var random = SplitMix64(seed: 1)
        #expect(schedule.waitAfterFailure(using: &random) == .seconds(30))
        #expect(schedule.waitAfterFailure(using: &random) == .seconds(30))
    }

    @Test("jitter spreads the waits over its whole range and never beyond")
    func jitter() {
        var schedule = RefreshSchedule(options(jitterPercent: 10))
        var random = SplitMix64(seed: 7)
        _ = schedule.waitAfterAnswer(timeToLive: .seconds(10), using: &random)
        let waits = (0..<1000).map { _ in
            schedule.waitAfterAnswer(timeToLive: .seconds(10), using: &random)
        }
        #expect(waits.allSatisfy { $0 >= .seconds(9) && $0 <= .seconds(11) })
        #expect(Set(waits).count > 900)
    }

    @Test("the first wait of many names covers all of it, evenly")
    func firstWait() {
        var random = SplitMix64(seed: 3)
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 {
            var schedule = RefreshSchedule(options(jitterPercent: 10))
            let wait = schedule.waitAfterAnswer(timeToLive: .seconds(10), using: &random)
            counts[min(9, Int(wait.components.seconds))] += 1
        }
        #expect(counts.allSatisfy { (900...1100).contains($0) }, "\(counts)")
    }

    @Test("names that failed together ask again apart: half as early to half as late again")
    func failuresApart() {
        var random = SplitMix64(seed: 5)
        let waits = (0..<1000).map { _ in
            var schedule = RefreshSchedule(options(jitterPercent: 10))
            return schedule.waitAfterFailure(using: &random)
        }
        #expect(waits.allSatisfy { $0 >= .milliseconds(500) && $0 <= .milliseconds(1500) })
        #expect(waits.contains { $0 < .milliseconds(600) })
        #expect(waits.contains { $0 > .milliseconds(1400) })
    }

    @Test(
        "a wait is counted from the begin of the lookup, whose delay moves nothing",
        arguments: [(0, 10_000), (1, 9999), (9999, 1), (10_000, 0), (10_001, 9999), (35_000, 5000)])
    func elapsed(took: Int, rest: Int) {
        var schedule = RefreshSchedule(options())
        var random = SplitMix64(seed: 1)
        let wait = schedule.waitAfterAnswer(
            timeToLive: .seconds(10), elapsed: .milliseconds(took), using: &random)
        #expect(wait == .milliseconds(rest))
    }

    @Test("after failures the wait is spread over its whole length again")
    func spreadAgain() {
        var random = SplitMix64(seed: 9)
        let waits = (0..<1000).map { _ in
            var schedule = RefreshSchedule(options(jitterPercent: 10))
            _ = schedule.waitAfterAnswer(timeToLive: .seconds(10), using: &random)
            _ = schedule.waitAfterFailure(using: &random)
            return schedule.waitAfterAnswer(timeToLive: .seconds(10), using: &random)
        }
        #expect(waits.contains { $0 < .seconds(1) } && waits.allSatisfy { $0 <= .seconds(10) })
    }
}
