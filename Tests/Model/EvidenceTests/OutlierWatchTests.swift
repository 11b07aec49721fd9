// Goal: who stands out is found within seconds, who does not is left alone, and a bad second is
// forgotten after ten. Method: seconds of traffic with a clock that only the test moves.

import Backends
import Evidence
import Testing

@Suite struct OutlierWatchTests {
    /// A service under constant traffic.
    private struct Traffic {
        var watch: OutlierWatch
        var now = ContinuousClock.now
        private var totals: [UInt32: OutlierWatch.Figures] = [:]

        init(_ change: (inout OutlierWatch.Rules) -> Void = { _ in }) {
            var rules = OutlierWatch.Rules()
            change(&rules)
            watch = OutlierWatch(rules: rules)
        }

        /// What a backend does in a second.
        struct Share {
            var answers: UInt64
            var failures: UInt64 = 0
            var milliseconds: UInt64 = 10
        }

        /// The outliers after a second of this traffic, by backend.
        mutating func second(
            _ shares: [UInt32: Share], takes: Duration = .seconds(1)
        ) -> [BackendID: LiveFailure] {
            for (id, share) in shares {
                var total = totals[id] ?? OutlierWatch.Figures()
                total.answers += share.answers
                total.failures += share.failures
                let heads = share.answers - share.failures
                total.firstByteCount += heads
                total.firstByteMicroseconds += heads * share.milliseconds * 1000
                totals[id] = total
            }
            now += takes
            return look(shares.keys.sorted())
        }

        /// Takes the totals of these as they are.
        mutating func look(_ ids: [UInt32]) -> [BackendID: LiveFailure] {
            let outliers = watch.update(
                now: now,
                figures: ids.map { (BackendID(rawValue: $0), totals[$0] ?? OutlierWatch.Figures()) }
            )
            return Dictionary(uniqueKeysWithValues: outliers.map { ($0.backend, $0.failure) })
        }

        mutating func set(_ id: UInt32, _ total: OutlierWatch.Figures) {
            totals[id] = total
        }
    }

    private func id(_ number: UInt32) -> BackendID { BackendID(rawValue: number) }

    /// Three backends that are well, each with 100 answers a second.
    private static let well = Traffic.Share(answers: 100)

    // MARK: Failures

    @Test("one of three that fails everything stands out within a second")
    func allFail() {
        var traffic = Traffic()
        _ = traffic.look([1, 2, 3])
        let bad = Traffic.Share(answers: 100, failures: 100)
        #expect(
            traffic.second([1: Self.well, 2: bad, 3: Self.well])
                == [id(2): .errorRate(failed: 100, of: 100)])
    }

    @Test(
        "the share that counts is the operator's, and off is off",
        arguments: [
            (29, 30, false), (30, 30, true), (4, 5, false), (5, 5, true), (100, nil, false),
        ]
            as [(UInt64, Int?, Bool)])
    func share(failures: UInt64, percent: Int?, standsOut: Bool) {
        var traffic = Traffic { $0.errorPercent = percent }
        _ = traffic.look([1, 2])
        let outliers = traffic.second([1: Self.well, 2: .init(answers: 100, failures: failures)])
        #expect(Array(outliers.keys) == (standsOut ? [id(2)] : []))
    }

    @Test(
        "it also has to be three times the others' share: when all fail, none is to blame",
        arguments: [
            (90, 30, true), (90, 31, false), (100, 33, true), (100, 34, false), (50, 50, false),
        ]
            as [(UInt64, UInt64, Bool)])
    func comparison(own: UInt64, others: UInt64, standsOut: Bool) {
        var traffic = Traffic()
        _ = traffic.look([1, 2, 3])
        let other = Traffic.Share(answers: 100, failures: others)
        let outliers = traffic.second([1: other, 2: .init(answers: 100, failures: own), 3: other])
        #expect(Array(outliers.keys) == (standsOut ? [id(2)] : []))
    }

    @Test("a few answers prove nothing, of it or of the others")
    func fewAnswers() {
        for (own, others, standsOut) in [(19, 100, false), (20, 19, false), (20, 20, true)]
            as [(UInt64, UInt64, Bool)]
        {
            var traffic = Traffic()
            _ = traffic.look([1, 2])
            let outliers = traffic.second([
                1: .init(answers: others), 2: .init(answers: own, failures: own),
            ])
            #expect(Array(outliers.keys) == (standsOut ? [id(2)] : []))
        }
    }

    @Test("answers add up over ten seconds, however slowly they come")
    func slowTraffic() {
        var traffic = Traffic()
        _ = traffic.look([1, 2])
        let shares: [UInt32: Traffic.Share] = [
            1: .init(answers: 2), 2: .init(answers: 2, failures: 2),
        ]
        for _ in 0..<9 { #expect(traffic.second(shares).isEmpty) }
        #expect(
            traffic.second(shares)
                == [id(2): .errorRate(failed: 20, of: 20)])
    }

    @Test("a backend that is alone has no other to be compared with")
    func alone() {
        var traffic = Traffic()
        _ = traffic.look([1])
        for _ in 0..<20 {
            #expect(traffic.second([1: .init(answers: 100, failures: 100)]).isEmpty)
        }
    }

    // MARK: The window

    @Test("answers that are ten seconds old are forgotten", arguments: [9, 10])
    func forgotten(seconds: Int) {
        // 30 failures of 100 in a first second; the rest of the window may bring it to mind again.
        var traffic = Traffic { $0.errorPercent = 20 }
        _ = traffic.look([1, 2])
        let few = Traffic.Share(answers: 1)
        #expect(
            traffic.second([1: .init(answers: 10), 2: .init(answers: 15, failures: 15)]).isEmpty)
        for _ in 1..<seconds { #expect(traffic.second([1: few, 2: few]).isEmpty) }
        // Only now are there enough others, and in the second case the failures are over.
        let outliers = traffic.second([1: .init(answers: 100), 2: .init(answers: 10)])
        #expect(outliers.isEmpty == (seconds == 10))
    }

    @Test("a verdict empties the window: the same second does not count against a backend twice")
    func once() {
        var traffic = Traffic()
        _ = traffic.look([1, 2])
        let bad: [UInt32: Traffic.Share] = [
            1: Self.well, 2: .init(answers: 30, failures: 30),
        ]
        #expect(traffic.second(bad).count == 1)
        for _ in 0..<9 {
            #expect(traffic.second([1: Self.well, 2: .init(answers: 0)]).isEmpty)
        }
        #expect(traffic.second(bad).count == 1)
    }

    @Test("a look that comes late loses nothing, and one long after it begins with an empty window")
    func lateLook() {
        var traffic = Traffic()
        _ = traffic.look([1, 2])
        let few: [UInt32: Traffic.Share] = [
            1: .init(answers: 15), 2: .init(answers: 15, failures: 15),
        ]
        #expect(traffic.second(few, takes: .milliseconds(100)).isEmpty)
        var later = traffic
        #expect(traffic.second(few, takes: .seconds(5)).count == 1)
        #expect(later.second(few, takes: .seconds(3600)).isEmpty)
        #expect(later.second(few).count == 1)
    }

    // MARK: Coming and going

    @Test("what a backend did before it is first seen does not count")
    func firstSight() {
        var traffic = Traffic()
        traffic.set(2, .init(answers: 1000, failures: 1000))
        _ = traffic.look([1, 2])
        #expect(traffic.second([1: Self.well, 2: Self.well]).isEmpty)
    }

    @Test("totals that start over are no failure, and no trap")
    func restarted() {
        var traffic = Traffic()
        _ = traffic.look([1, 2])
        _ = traffic.second([1: Self.well, 2: Self.well])
        traffic.set(2, .init(answers: 3, failures: 3))
        traffic.now += .seconds(1)
        #expect(traffic.look([1, 2]).isEmpty)
        let outliers = traffic.second([1: Self.well, 2: .init(answers: 400, failures: 400)])
        #expect(outliers == [id(2): .errorRate(failed: 400, of: 500)])
    }

    @Test("one that is gone is no longer among the others")
    func gone() {
        var traffic = Traffic()
        _ = traffic.look([1, 2, 3])
        _ = traffic.second([1: Self.well, 2: Self.well, 3: Self.well])
        // Without the third, the others are too few.
        #expect(traffic.second([2: .init(answers: 900, failures: 900)]).isEmpty)
    }

    // MARK: Slowness

    @Test("slowness counts only when it is asked for")
    func slowOff() {
        var traffic = Traffic()
        _ = traffic.look([1, 2])
        #expect(
            traffic.second([1: Self.well, 2: .init(answers: 100, milliseconds: 9000)]).isEmpty)
    }

    @Test(
        "a mean so many times that of the others, and 50 ms above it",
        arguments: [
            (10, 59, 3, false), (10, 60, 3, true), (1, 30, 3, false), (100, 299, 3, false),
            (100, 300, 3, true), (100, 100, 2, false), (100, 5000, 100, false),
        ] as [(UInt64, UInt64, Int, Bool)])
    func slow(usual: UInt64, own: UInt64, factor: Int, standsOut: Bool) {
        var traffic = Traffic { $0.slowFactor = factor }
        _ = traffic.look([1, 2, 3])
        let other = Traffic.Share(answers: 100, milliseconds: usual)
        let outliers = traffic.second([
            1: other, 2: .init(answers: 100, milliseconds: own), 3: other,
        ])
        let failure = LiveFailure.slow(milliseconds: Int(own), others: Int(usual))
        #expect(outliers == (standsOut ? [id(2): failure] : [:]))
    }

    @Test("a few answers prove nothing about slowness either")
    func slowFew() {
        var traffic = Traffic { $0.slowFactor = 2 }
        _ = traffic.look([1, 2])
        #expect(
            traffic.second([1: Self.well, 2: .init(answers: 19, milliseconds: 999)]).isEmpty)
        #expect(
            traffic.second([1: Self.well, 2: .init(answers: 1, milliseconds: 999)]).count == 1)
    }

    // MARK: The service as a whole

    @Test("the last two seconds are of the whole service, with backends that left or stood out")
    func recent() {
        var traffic = Traffic()
        #expect(traffic.watch.recent == (0, 0, 0))
        _ = traffic.look([1, 2])
        let bad = Traffic.Share(answers: 100, failures: 100)
        #expect(traffic.second([1: Self.well, 2: bad]).count == 1)
        #expect(traffic.watch.recent == (200, 100, 0))
        _ = traffic.second([1: Self.well])
        #expect(traffic.watch.recent == (300, 100, 0))
        _ = traffic.second([1: Self.well])
        #expect(traffic.watch.recent == (200, 0, 0))
        traffic.now += .seconds(60)
        _ = traffic.look([1])
        #expect(traffic.watch.recent == (0, 0, 0))
    }
}
