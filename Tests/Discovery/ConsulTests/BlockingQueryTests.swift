// Goal: a blocking query is never a hot loop, whatever an agent answers, and never waits on an
// index that will not come. Method: the pure schedule, told answers at made-up times.

import Consul
import Random
import TestSupport
import Testing

@Suite struct BlockingQueryTests {
    private let start = ContinuousClock.now

    @Test(
        "an index is a number above 0, and anything else is taken for 1",
        arguments: [
            ("7", 7), ("1", 1), ("0", 1), (nil, 1), ("", 1), ("-3", 1), ("1.5", 1), ("x", 1),
            ("18446744073709551615", UInt64.max), ("18446744073709551616", 1),
        ] as [(String?, UInt64)])
    func indexes(field: String?, expected: UInt64) {
        #expect(BlockingQuery.index(of: field) == expected)
    }

    @Test("the first question has no index, and the next one that of the answer")
    func follows() {
        var query = BlockingQuery()
        #expect(query.index == 0)
        #expect(query.agent == nil)
        _ = query.answered(field: "41", by: 0, bytes: 100, now: start)
        #expect(query.index == 41)
        #expect(query.agent == 0)
        _ = query.answered(field: "41", by: 0, bytes: 100, now: start)
        #expect(query.index == 41)
    }

    @Test("an index that falls is forgotten, unless it is another agent's")
    func falls() {
        var query = BlockingQuery()
        _ = query.answered(field: "41", by: 0, bytes: 100, now: start)
        _ = query.answered(field: "40", by: 0, bytes: 100, now: start)
        #expect(query.index == 0)
        #expect(query.agent == nil)
        _ = query.answered(field: "40", by: 0, bytes: 100, now: start)
        _ = query.answered(field: "7", by: 1, bytes: 100, now: start)
        #expect(query.index == 7)
        #expect(query.agent == 1)
    }

    @Test("after a failure nothing is assumed about the agent that answers next")
    func failureForgets() {
        var random = SplitMix64(seed: 1)
        var query = BlockingQuery()
        _ = query.answered(field: "41", by: 0, bytes: 100, now: start)
        _ = query.failed(using: &random)
        #expect(query.index == 0)
        #expect(query.agent == nil)
    }

    @Test(
        "the client grants an agent its sixteenth",
        arguments: [(60, 63.75), (1, 1.0625), (600, 637.5)])
    func deadline(seconds: Int, expected: Double) {
        #expect(BlockingQuery.longest(.seconds(seconds)) == .seconds(expected))
    }

    @Test("eight returns follow each other without a pause, then one comes a second")
    func bucket() {
        var query = BlockingQuery()
        var now = start
        var waits: [Duration] = []
        for index in 1...12 {
            let wait = query.answered(field: "\(index)", by: 0, bytes: 100, now: now)
            waits.append(wait)
            now += wait
        }
        #expect(waits.prefix(8).allSatisfy { $0 == .zero })
        #expect(waits.dropFirst(8).allSatisfy { $0 == .seconds(1) })
        // A quiet minute later there are eight again, and not sixty.
        now += .seconds(60)
        let later = (1...9).map { query.answered(field: "\($0 + 20)", by: 0, bytes: 100, now: now) }
        #expect(later.prefix(8).allSatisfy { $0 == .zero })
        #expect(later.last == .seconds(1))
    }

    @Test(
        "a large answer takes a turn more for each MiB",
        arguments: [(0, 1), (1_048_575, 1), (1_048_576, 2), (5_400_000, 6), (16 << 20, 17)])
    func largeAnswers(bytes: Int, turns: Int) {
        var query = BlockingQuery()
        var now = start
        for index in 1...20 {
            now += query.answered(field: "\(index)", by: 0, bytes: bytes, now: now)
        }
        // Without the eight that may follow each other at once.
        #expect(start.duration(to: now) == .seconds(20 * turns - 8))
    }

    @Test(
        "an agent that always returns at once is asked less than once a second in the long run",
        arguments: ["5", "0", nil, "falling", "by turns"] as [String?])
    func neverHot(kind: String?) {
        var random = SplitMix64(seed: 7)
        var query = BlockingQuery()
        var now = start
        var asked = 0
        while now < start + .seconds(600) {
            asked += 1
            // An agent answers within a millisecond.
            now += .milliseconds(1)
            if kind == "by turns", asked.isMultiple(of: 2) {
                now += query.failed(using: &random)
            } else {
                let field = kind == "falling" ? "\(100_000 - asked)" : kind
                now += query.answered(field: field, by: 0, bytes: 100, now: now)
            }
        }
        // By turns, half of the questions fail, and each failure waits for at least 0.25 s.
        #expect(asked <= (kind == "by turns" ? 1216 : 609), "asked \(asked) times")
    }

    @Test("waits after failures double up to ten seconds, each between half and all of that")
    func backOff() {
        var random = SplitMix64(seed: 3)
        var query = BlockingQuery()
        let bounds: [Double] = [0.5, 1, 2, 4, 8, 10, 10, 10]
        for bound in bounds {
            let wait = query.failed(using: &random)
            #expect(wait >= .seconds(bound / 2) && wait <= .seconds(bound), "\(wait) of \(bound)")
        }
        for _ in 0..<1000 { #expect(query.failed(using: &random) <= .seconds(10)) }
        // A good answer ends it.
        _ = query.answered(field: "1", by: 0, bytes: 100, now: start)
        #expect(query.failed(using: &random) <= .milliseconds(500))
    }
}
