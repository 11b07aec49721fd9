// Goal: ten thousand names spread their questions evenly, from the start and after an outage of
// their nameserver, and never beyond the rate. Method: the schedules and the rate alone under a
// fake clock, for ten minutes; failures come to all names in one moment.

import DNSClient
import InstanceSources
import Lookups
import Random
import TestSupport
import Testing

@Suite struct HerdTests {
    private static let names = 10_000

    /// The names, their timers and the line before the rate.
    private struct World {
        var schedules: [RefreshSchedule]
        var rate: QuestionRate
        var random = SplitMix64(seed: 42)
        let timeToLive: Duration
        let start = ContinuousClock.now
        /// Names by the millisecond in which they ask.
        var due: [Int: [Int]] = [:]
        var line: [(name: Int, begun: Int)] = []
        var head = 0
        /// Questions that began in each second.
        var begun: [Int] = []

        init(_ names: Int, perSecond: Int, timeToLive: Duration) {
            schedules = Array(
                repeating: RefreshSchedule(RefreshSchedule.Options()), count: names)
            rate = QuestionRate(perSecond: perSecond)
            self.timeToLive = timeToLive
            due[0] = Array(0..<names)
        }

        /// Goes on for `seconds`. While `isAway` no question begins, and each fails when it comes.
        mutating func run(seconds: Int, isAway: Bool = false) {
            for _ in 0..<seconds {
                let first = begun.count * 1000
                begun.append(0)
                for millisecond in first..<(first + 1000) {
                    line += (due.removeValue(forKey: millisecond) ?? []).map { ($0, millisecond) }
                    let now = start + .milliseconds(millisecond)
                    while head < line.count {
                        if !isAway {
                            guard rate.take(now: now) else { break }
                            begun[begun.count - 1] += 1
                        }
                        settle(line[head], at: millisecond, isAway)
                        head += 1
                    }
                }
                line.removeFirst(head)
                head = 0
            }
        }

        private mutating func settle(
            _ lookup: (name: Int, begun: Int), at millisecond: Int, _ isAway: Bool
        ) {
            let name = lookup.name
            let wait =
                isAway
                ? schedules[name].waitAfterFailure(using: &random)
                : schedules[name].waitAfterAnswer(
                    timeToLive: timeToLive, elapsed: .milliseconds(millisecond - lookup.begun),
                    using: &random)
            let (seconds, attoseconds) = wait.components
            let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
            due[millisecond + max(1, milliseconds), default: []].append(name)
        }
    }

    private func peak(_ seconds: ArraySlice<Int>) -> Double {
        let mean = Double(seconds.reduce(0, +)) / Double(seconds.count)
        return Double(seconds.max() ?? 0) / mean
    }

    @Test("asked all at once at the start, they are spread evenly from the second time on")
    func start() {
        var world = World(Self.names, perSecond: 1000, timeToLive: .seconds(30))
        world.run(seconds: 600)
        #expect(world.begun.allSatisfy { $0 <= 1000 })
        // The start: one question of each name, as fast as is allowed.
        #expect(world.begun[..<9].allSatisfy { $0 >= 900 })
        let steady = world.begun[60...]
        let mean = Double(steady.reduce(0, +)) / Double(steady.count)
        #expect((320...345).contains(mean), "\(mean) a second; 333 are expected")
        #expect(peak(steady) <= 1.3, "\(peak(steady)) of the mean")
    }

    @Test("more names than the rate allows are asked at the rate, flat")
    func saturated() {
        var world = World(Self.names, perSecond: 1000, timeToLive: .seconds(5))
        world.run(seconds: 120)
        let steady = world.begun[15...]
        #expect(steady.allSatisfy { (980...1000).contains($0) })
    }

    @Test("after an outage that all names noticed at once there is no herd, and all are fresh soon")
    func outage() {
        var world = World(Self.names, perSecond: 1000, timeToLive: .seconds(30))
        world.run(seconds: 100)
        // Everyone fails in the first moment.
        world.due = [100_000: Array(0..<Self.names)]
        world.run(seconds: 20, isAway: true)
        world.run(seconds: 200)
        #expect(world.begun[100..<120].allSatisfy { $0 == 0 })
        let back = world.begun[120...]
        #expect(back.allSatisfy { $0 <= 1000 })
        // The last failure was at most 15 s ago, and the rate needs 10 s for all.
        #expect(back.prefix(26).reduce(0, +) >= Self.names)
        #expect(peak(back.suffix(100)) <= 1.3)
    }
}
