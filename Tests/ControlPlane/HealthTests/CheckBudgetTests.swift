// Goal: however much is due, no second has more checks than the budget, no endpoint is left out,
// and the delay is reported. Method: a clock that only the test moves, and simulated seconds of
// checks.

import Health
import Random
import TestSupport
import Testing

@Suite struct CheckBudgetTests {
    private typealias Timing = CheckSchedule.Timing

    private let begin = ContinuousClock.now

    /// Checks that take no time, for `seconds`; when each began, and how late.
    private func run(
        _ services: [(count: Int, timing: CheckSchedule.Timing)], rate: Int, seconds: Int
    ) -> [(id: CheckID, at: Duration, lateness: Duration)] {
        var random = SplitMix64(seed: 11)
        var schedule = CheckSchedule(underWayMax: 256, rate: rate)
        var timings: [CheckSchedule.Timing] = []
        for service in services {
            let first = UInt64(timings.count)
            let ids = (first..<first + UInt64(service.count)).map { CheckID(rawValue: $0) }
            timings += ids.map { _ in service.timing }
            schedule.add(ids, service.timing, now: begin, using: &random)
        }
        var started: [(id: CheckID, at: Duration, lateness: Duration)] = []
        while let next = schedule.nextStart(), next < begin + .seconds(seconds) {
            while let start = schedule.start(now: next) {
                started.append((start.id, begin.duration(to: next), start.lateness))
                let timing = timings[Int(start.id.rawValue)]
                schedule.end(start.id, timing, next: .usual, now: next, using: &random)
            }
        }
        return started
    }

    @Test("no second has more than the budget, whatever is due", arguments: [1, 7, 100, 1000])
    func bound(rate: Int) {
        let started = run(
            [(rate * 4, Timing(interval: .seconds(1), jitterPercent: 20))], rate: rate, seconds: 20
        ).map(\.at)
        #expect(started.count <= rate * 20 + rate / 20 + 1)
        #expect(started.count >= rate * 19)
        var first = 0
        var most = 0
        for last in started.indices {
            while started[last] - started[first] >= .seconds(1) { first += 1 }
            most = max(most, last - first + 1)
        }
        #expect(most <= rate + rate / 20 + 1)
    }

    @Test("a budget that is enough delays nothing")
    func enough() {
        let started = run(
            [(1000, Timing(interval: .seconds(2), jitterPercent: 20))], rate: 1000, seconds: 20)
        #expect(started.allSatisfy { $0.lateness == .zero })
        #expect((8_500...11_500).contains(started.count))
    }

    @Test("a budget that is too small makes all intervals longer by the same time")
    func stretches() {
        // Due: 2,000 + 5 + 100 a second. Allowed: 500.
        let services = [
            (count: 2000, timing: Timing(interval: .seconds(1), jitterPercent: 0)),
            (count: 5, timing: Timing(interval: .seconds(1), jitterPercent: 0)),
            (count: 200, timing: Timing(interval: .seconds(2), jitterPercent: 0)),
        ]
        let started = run(services, rate: 500, seconds: 60)
        var times: [CheckID: [Duration]] = [:]
        for start in started { times[start.id, default: []].append(start.at) }
        #expect(times.count == 2205)
        func meanInterval(_ ids: Range<UInt64>) -> Duration {
            let gaps = ids.flatMap { id -> [Duration] in
                let at = times[CheckID(rawValue: id)] ?? []
                return zip(at.dropFirst(), at).map { $0 - $1 }.suffix(5)
            }
            return gaps.reduce(.zero, +) / max(1, gaps.count)
        }
        let (large, small, slow) = (
            meanInterval(0..<2000), meanInterval(2000..<2005), meanInterval(2005..<2205)
        )
        // The wait x at which 2,005 / (1 + x) + 200 / (2 + x) is 500 lies between 3 s and 4 s.
        #expect(large >= .seconds(4) && large <= .seconds(5))
        #expect(abs(large / .seconds(1) - small / .seconds(1)) < 0.1)
        #expect(abs(slow / .seconds(1) - 1 - large / .seconds(1)) < 0.1)
        // None waits much longer than the others.
        let late = started.suffix(4000).map(\.lateness)
        #expect(late.allSatisfy { $0 > .seconds(3) && $0 < .seconds(4) })
    }

    @Test("a thread that is late itself does not blame the budget")
    func lateThread() {
        var random = SplitMix64(seed: 1)
        let timing = Timing(interval: .seconds(100), jitterPercent: 0)
        var schedule = CheckSchedule(underWayMax: .max, rate: 100)
        schedule.add(
            (0..<1000).map { CheckID(rawValue: $0) }, timing, now: begin, using: &random)
        var now = begin + .seconds(3)
        var lateness = Duration.zero
        for _ in 0..<20 {
            while let start = schedule.start(now: now) { lateness += start.lateness }
            now += .milliseconds(300)
        }
        #expect(lateness == .zero)
        for _ in 0..<20 {
            while let start = schedule.start(now: now) { lateness += start.lateness }
            now += .milliseconds(20)
        }
        #expect(lateness > .zero)
    }

    @Test("the check that is due longest starts first, whatever its service")
    func order() {
        let started = run(
            [
                (300, Timing(interval: .seconds(1), jitterPercent: 0)),
                (3, Timing(interval: .seconds(1), jitterPercent: 0)),
            ], rate: 100, seconds: 30)
        let due = started.map { $0.at - $0.lateness }
        #expect(zip(due, due.dropFirst()).allSatisfy { $0 <= $1 + .milliseconds(50) })
    }

    @Test("a skipped check costs no budget, and is not late")
    func skipped() throws {
        var random = SplitMix64(seed: 1)
        let timing = Timing(interval: .milliseconds(500), jitterPercent: 0)
        var schedule = CheckSchedule(underWayMax: 1, rate: 1)
        schedule.add(
            (0..<100).map { CheckID(rawValue: $0) }, timing, now: begin, using: &random)
        let now = begin + .seconds(1)
        for _ in 0..<99 {
            let next = schedule.start(now: now)
            let start = try #require(next)
            #expect(start.lateness == .zero)
            schedule.skip(start.id, timing, next: .usual, now: now, using: &random)
            #expect(schedule.underWayCount == 0)
        }
        // The last one is made: the next has to wait a second.
        let last = schedule.start(now: now)
        let id = try #require(last).id
        schedule.end(id, timing, next: .usual, now: now, using: &random)
        #expect(schedule.start(now: now + .milliseconds(940)) == nil)
        let late = schedule.start(now: now + .milliseconds(960))
        #expect(late != nil)
    }

    @Test("the budget may change at any time")
    func changed() {
        var random = SplitMix64(seed: 1)
        let timing = Timing(interval: .seconds(100), jitterPercent: 0)
        var schedule = CheckSchedule(underWayMax: .max, rate: 1)
        schedule.add(
            (0..<1000).map { CheckID(rawValue: $0) }, timing, now: begin, using: &random)
        var now = begin + .seconds(3)
        var count = 0
        while now < begin + .seconds(8) {
            while schedule.start(now: now) != nil { count += 1 }
            now += .milliseconds(10)
        }
        #expect((5...6).contains(count))
        schedule.rate = 100
        while now < begin + .seconds(10) {
            while schedule.start(now: now) != nil { count += 1 }
            now += .milliseconds(10)
        }
        #expect((100...210).contains(count))
    }
}
