// Goal: checks start when they should, never two of one backend at once, never too many, and no
// configuration makes a delay that is zero, negative or endless. Method: a clock that only the test
// moves, and a seeded generator.

import Health
import Random
import TestSupport
import Testing

@Suite struct CheckScheduleTests {
    private typealias Timing = CheckSchedule.Timing

    private let begin = ContinuousClock.now
    private let id = CheckID(rawValue: 0)

    private func ids(_ range: Range<UInt64>) -> [CheckID] {
        range.map { CheckID(rawValue: $0) }
    }

    private func inOrder(_ ids: some Sequence<CheckID>) -> [CheckID] {
        ids.sorted { $0.rawValue < $1.rawValue }
    }

    /// A schedule whose one backend's first check starts at `begin`.
    private func started(_ timing: CheckSchedule.Timing) -> CheckSchedule {
        var random = SplitMix64(seed: 1)
        var schedule = CheckSchedule(underWayMax: 4, rate: 100_000)
        schedule.add([id], timing, now: begin - .seconds(172_800), using: &random)
        #expect(schedule.start(now: begin)?.id == id)
        return schedule
    }

    private func next(_ schedule: inout CheckSchedule) throws -> ContinuousClock.Instant {
        let next = schedule.nextStart()
        return try #require(next)
    }

    /// From the start of a check that took `took` to the start of the next.
    private func delay(
        _ timing: CheckSchedule.Timing, _ pace: CheckSchedule.Pace, seed: UInt64,
        took: Duration = .milliseconds(1)
    ) throws -> Duration {
        var random = SplitMix64(seed: seed)
        var schedule = started(timing)
        schedule.end(id, timing, next: pace, now: begin + took, using: &random)
        return begin.duration(to: try next(&schedule))
    }

    // MARK: The first check

    @Test("the first check of one backend starts within 20 ms", arguments: 0..<50 as Range<UInt64>)
    func first(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var schedule = CheckSchedule(underWayMax: 4, rate: 100_000)
        schedule.add(
            [id], Timing(interval: .seconds(2), jitterPercent: 20), now: begin, using: &random)
        let next = try next(&schedule)
        #expect(begin.duration(to: next) >= .zero)
        #expect(begin.duration(to: next) <= .milliseconds(20))
        #expect(schedule.start(now: next - .nanoseconds(1))?.id == nil)
        #expect(schedule.start(now: next)?.id == id)
    }

    @Test("without jitter the first check starts at once")
    func firstWithoutJitter() throws {
        var random = SplitMix64(seed: 1)
        var schedule = CheckSchedule(underWayMax: 4, rate: 100_000)
        schedule.add(
            [id], Timing(interval: .seconds(2), jitterPercent: 0), now: begin, using: &random)
        #expect(schedule.nextStart() == begin)
    }

    @Test(
        "many first checks are spread over the interval at most, evenly",
        arguments: [(500, 500), (1000, 1000), (4096, 1000), (10_000, 1000)], [1, 50])
    func spread(backends: (count: Int, milliseconds: Int), services: Int) {
        var random = SplitMix64(seed: 7)
        var schedule = CheckSchedule(underWayMax: .max, rate: 100_000)
        let timing = Timing(interval: .seconds(1), jitterPercent: 20)
        let size = backends.count / services
        for service in 0..<services {
            let first = UInt64(service * size)
            schedule.add(ids(first..<first + UInt64(size)), timing, now: begin, using: &random)
        }
        var perTenth = [Int](repeating: 0, count: 11)
        var last = begin
        while let next = schedule.nextStart(), schedule.start(now: next) != nil {
            #expect(next >= last)
            last = next
            perTenth[Int(begin.duration(to: next) / .milliseconds(100))] += 1
        }
        #expect(begin.duration(to: last) <= .milliseconds(backends.milliseconds * 2))
        #expect(last <= begin + .seconds(1))
        #expect(schedule.underWayCount == size * services)
        // The checks of one service come evenly. With fifty services the first come sooner, as they
        // can't know of the rest, yet no tenth of the time has more than a few times its share.
        let share = size * services / min(10, backends.milliseconds * 2 / 100)
        #expect(perTenth.max() ?? 0 <= share * (services == 1 ? 2 : 5), "\(perTenth)")
    }

    // MARK: The checks after that

    @Test("the interval runs from start to start, within its jitter, both ways")
    func interval() throws {
        let timing = Timing(interval: .seconds(2), jitterPercent: 20)
        let short = try (0..<200).map { try delay(timing, .usual, seed: $0) }
        let long = try (0..<200).map { try delay(timing, .usual, seed: $0, took: .seconds(1)) }
        #expect(short == long)
        #expect(short.allSatisfy { (.milliseconds(1600) ... .milliseconds(2400)).contains($0) })
        #expect(short.contains { $0 < .milliseconds(1700) })
        #expect(short.contains { $0 > .milliseconds(2300) })
    }

    @Test(
        "a suspect is checked faster, unless the usual interval is as short",
        arguments: [(10_000, 500), (2000, 500), (500, 500), (50, 50)])
    func fast(interval: Int, expected: Int) throws {
        let timing = Timing(interval: .milliseconds(interval), jitterPercent: 0)
        #expect(try delay(timing, .fast, seed: 1) == .milliseconds(expected))
        #expect(try delay(timing, .usual, seed: 1) == .milliseconds(interval))
        #expect(try delay(timing, .down, seed: 1) == .milliseconds(interval))
    }

    @Test("each pace has its own interval, and a backend that is down may be checked seldom")
    func paces() throws {
        let timing = Timing(
            interval: .seconds(2), fast: .milliseconds(100), down: .seconds(30), jitterPercent: 0)
        #expect(try delay(timing, .usual, seed: 1) == .seconds(2))
        #expect(try delay(timing, .fast, seed: 1) == .milliseconds(100))
        #expect(try delay(timing, .new, seed: 1) == .milliseconds(40))
        #expect(try delay(timing, .down, seed: 1) == .seconds(30))
    }

    @Test("a check that took longer than the interval is followed by the next at once")
    func slow() throws {
        let timing = Timing(interval: .seconds(2), jitterPercent: 20)
        #expect(try delay(timing, .usual, seed: 1, took: .seconds(60)) == .seconds(60))
    }

    @Test(
        "no configuration leads to a delay of zero, below zero or without end",
        arguments: [
            Duration.zero, .seconds(-5), .nanoseconds(1), .milliseconds(1), .seconds(86_400),
            .seconds(Int64.max), .seconds(Int64.min),
        ], [Int.min, -1, 0, 20, 90, 100, 101, 1000, .max])
    func extremes(interval: Duration, jitter: Int) throws {
        let timing = Timing(
            interval: interval, fast: interval, down: interval, jitterPercent: jitter)
        for seed in 0..<20 as Range<UInt64> {
            for pace in [CheckSchedule.Pace.usual, .fast, .new, .down] {
                let delay = try delay(timing, pace, seed: seed, took: .zero)
                #expect(delay >= .microseconds(100))
                #expect(delay <= .seconds(2 * 86_400))
            }
        }
    }

    // MARK: Bounds

    @Test("no second check of a backend starts while one is under way")
    func once() {
        var schedule = started(Timing(interval: .seconds(2), jitterPercent: 20))
        #expect(schedule.nextStart() == nil)
        #expect(schedule.start(now: begin + .seconds(3600))?.id == nil)
        schedule.request(id, now: begin)
        #expect(schedule.start(now: begin + .seconds(3600))?.id == nil)
    }

    @Test("a limit bounds those under way; the next to start is the one that is due longest")
    func limit() throws {
        var random = SplitMix64(seed: 3)
        var schedule = CheckSchedule(underWayMax: 2, rate: 100_000)
        let timing = Timing(interval: .seconds(2), jitterPercent: 20)
        schedule.add(ids(0..<5), timing, now: begin, using: &random)
        let late = begin + .seconds(1)
        #expect(schedule.start(now: late)?.id == CheckID(rawValue: 0))
        #expect(schedule.start(now: late)?.id == CheckID(rawValue: 1))
        #expect(schedule.nextStart() == nil)
        #expect(schedule.start(now: late)?.id == nil)
        schedule.end(CheckID(rawValue: 1), timing, next: .usual, now: late, using: &random)
        #expect(schedule.start(now: late)?.id == CheckID(rawValue: 2))
        // A check that is removed frees its place, too.
        schedule.remove(CheckID(rawValue: 0))
        #expect(schedule.underWayCount == 1)
        #expect(schedule.start(now: late)?.id == CheckID(rawValue: 3))
        #expect(schedule.start(now: late)?.id == nil)
    }

    @Test("the end of a check that was removed, or is not under way, changes nothing")
    func lateEnd() throws {
        var random = SplitMix64(seed: 3)
        let timing = Timing(interval: .seconds(2), jitterPercent: 0)
        var schedule = started(timing)
        schedule.end(id, timing, next: .usual, now: begin, using: &random)
        schedule.end(id, timing, next: .fast, now: begin, using: &random)
        #expect(schedule.nextStart() == begin + .seconds(2))
        #expect(schedule.underWayCount == 0)
        schedule.remove(id)
        schedule.remove(id)
        schedule.end(id, timing, next: .usual, now: begin, using: &random)
        #expect(schedule.nextStart() == nil)
        #expect(schedule.count == 0 && schedule.underWayCount == 0)
    }

    // MARK: Requested

    @Test("a requested check starts at once, but 100 ms after the last one")
    func asked() {
        var random = SplitMix64(seed: 3)
        let timing = Timing(interval: .seconds(2), jitterPercent: 0)
        var schedule = started(timing)
        schedule.end(id, timing, next: .usual, now: begin, using: &random)
        var soon = schedule
        soon.request(id, now: begin + .milliseconds(10))
        #expect(soon.nextStart() == begin + .milliseconds(100))
        schedule.request(id, now: begin + .seconds(1))
        #expect(schedule.nextStart() == begin + .seconds(1))
        // A second request puts nothing off.
        schedule.request(id, now: begin + .milliseconds(1500))
        #expect(schedule.nextStart() == begin + .seconds(1))
    }

    @Test("a start says whether it was requested, once")
    func askedIsTold() throws {
        var random = SplitMix64(seed: 3)
        let timing = Timing(interval: .seconds(2), jitterPercent: 0)
        var schedule = started(timing)
        schedule.end(id, timing, next: .usual, now: begin, using: &random)
        schedule.request(id, now: begin + .seconds(1))
        let asked = schedule.start(now: begin + .seconds(1))
        #expect(try #require(asked).isRequested)
        schedule.end(id, timing, next: .usual, now: begin + .seconds(1), using: &random)
        let usual = schedule.start(now: begin + .seconds(3))
        #expect(!(try #require(usual).isRequested))
    }

    @Test("a second watcher of an endpoint gets a first check as soon as any other")
    func joined() throws {
        var random = SplitMix64(seed: 3)
        let timing = Timing(interval: .seconds(60), jitterPercent: 0)
        var schedule = started(timing)
        // While one is under way there is nothing to plan: it reports to the new watcher as well.
        schedule.add([id], timing, now: begin, using: &random)
        #expect(schedule.nextStart() == nil)
        schedule.end(id, timing, next: .usual, now: begin, using: &random)
        var soon = schedule
        soon.add([id], timing, now: begin + .milliseconds(10), using: &random)
        #expect(soon.nextStart() == begin + .milliseconds(100))
        schedule.add([id], timing, now: begin + .seconds(30), using: &random)
        #expect(schedule.nextStart() == begin + .seconds(30))
        // It is no later than it would have been.
        schedule.add([id], timing, now: begin + .seconds(40), using: &random)
        #expect(schedule.nextStart() == begin + .seconds(30))
        #expect(schedule.count == 1)
    }

    @Test("a check requested while one is under way follows soon after it, once")
    func askedUnderWay() {
        var random = SplitMix64(seed: 3)
        let timing = Timing(interval: .seconds(2), jitterPercent: 0)
        var schedule = started(timing)
        schedule.request(id, now: begin)
        schedule.end(id, timing, next: .usual, now: begin + .milliseconds(5), using: &random)
        #expect(schedule.nextStart() == begin + .milliseconds(100))
        #expect(schedule.start(now: begin + .milliseconds(100))?.id == id)
        schedule.end(id, timing, next: .usual, now: begin + .milliseconds(105), using: &random)
        #expect(schedule.nextStart() == begin + .milliseconds(2100))
    }

    // MARK: All together

    @Test(
        "random histories keep the bounds and leave no endpoint out",
        arguments: 0..<16 as Range<UInt64>)
    func histories(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var schedule = CheckSchedule(underWayMax: 8, rate: 100_000)
        let timing = Timing(interval: .seconds(2), jitterPercent: 50)
        var now = begin
        var underWay: Set<CheckID> = []
        var lastSeen: [CheckID: ContinuousClock.Instant] = [:]
        var nextNumber: UInt64 = 0
        for _ in 0..<5000 {
            now += .milliseconds(Int.random(in: 0...20, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0 where lastSeen.count < 24:
                let new = ids(nextNumber..<nextNumber + 3)
                nextNumber += 3
                schedule.add(new, timing, now: now, using: &random)
                for id in new { lastSeen[id] = now }
            case 1 where lastSeen.count > 16:
                guard let id = lastSeen.keys.min(by: { $0.rawValue < $1.rawValue }) else {
                    continue
                }
                schedule.remove(id)
                lastSeen[id] = nil
                underWay.remove(id)
            case 2, 3:
                guard let id = inOrder(lastSeen.keys).randomElement(using: &random) else {
                    continue
                }
                schedule.request(id, now: now)
            default:
                guard let id = inOrder(underWay).randomElement(using: &random) else { continue }
                let pace: CheckSchedule.Pace = Bool.random(using: &random) ? .usual : .fast
                schedule.end(id, timing, next: pace, now: now, using: &random)
                underWay.remove(id)
            }
            while let id = schedule.start(now: now)?.id {
                #expect(underWay.insert(id).inserted, "two checks of \(id) at once")
                #expect(lastSeen[id] != nil, "a check of \(id), which is gone")
                lastSeen[id] = now
            }
            #expect(schedule.underWayCount == underWay.count && underWay.count <= 8)
            #expect(schedule.count == lastSeen.count)
            if let next = schedule.nextStart() { #expect(next > now) }
        }
        // Each that is left is checked within an interval and its jitter.
        for id in underWay { schedule.end(id, timing, next: .usual, now: now, using: &random) }
        let end = now + .seconds(3)
        var seen: Set<CheckID> = []
        while let next = schedule.nextStart(), next <= end, let id = schedule.start(now: next)?.id {
            seen.insert(id)
            schedule.end(id, timing, next: .usual, now: next, using: &random)
        }
        #expect(seen == Set(lastSeen.keys))
    }

    @Test("repeated requests with a long interval keep the order")
    func manyAsked() throws {
        var random = SplitMix64(seed: 5)
        var schedule = CheckSchedule(underWayMax: 1, rate: 100_000)
        let timing = Timing(interval: .seconds(86_400), jitterPercent: 0)
        schedule.add(ids(0..<3), timing, now: begin, using: &random)
        var now = begin + .seconds(1)
        // Each round leaves an element behind that is due tomorrow.
        for round in 0..<2000 as Range<UInt64> {
            let id = CheckID(rawValue: round % 3)
            schedule.request(id, now: now)
            let next = try next(&schedule)
            now = max(now, next)
            #expect(schedule.start(now: now)?.id == id)
            schedule.end(id, timing, next: .usual, now: now, using: &random)
            now += .milliseconds(200)
        }
        let next = try next(&schedule)
        #expect(next == now - .milliseconds(600) + .seconds(86_400))
    }
}
