// Goal: the churn harness counts what clients saw, and judges it by the bars, as its table says.
// Method: made-up exchanges around made-up marks.

import Testing

@testable import fairlead_bench_churn

@Suite struct ChurnBenchTests {
    private let second: UInt64 = 1_000_000_000

    /// A request due so many seconds after the event, which is at second 100.
    private func exchange(
        _ at: Double, _ outcome: Exchange.Outcome = .status(200), kind: Exchange.Kind = .get,
        took: Double = 0.02, instance: Int? = 1
    ) -> Exchange {
        let due = UInt64((100 + at) * 1e9)
        return Exchange(
            kind: kind, due: due, ended: due + UInt64(took * 1e9), outcome: outcome,
            instance: instance)
    }

    private var marks: Marks { Marks(event: 100 * second) }

    // MARK: schedule

    @Test func `a second has every request that it should, the posts spread evenly`() {
        let schedule = Schedule(gets: 500, posts: 50)
        let kinds = (0..<550).map(schedule.kind)
        #expect(kinds.count { $0 == .post } == 50)
        #expect(kinds[..<11].count { $0 == .post } == 1)
        #expect(schedule.due(0) == 0)
        #expect(schedule.due(550) == second)
        #expect(schedule.due(55_000_000) == 100_000 * second)
        #expect(!(0..<1_000).map(Schedule(gets: 7, posts: 0).kind).contains(.post))
    }

    // MARK: tally

    @Test func `failures are counted by method and cause, slow answers by when they were due`() {
        let tally = Tally(
            [
                exchange(0), exchange(0, .status(500)), exchange(0, .status(204)),
                exchange(0, .closed, kind: .post, instance: nil), exchange(0, kind: .post),
                exchange(0, .timeout, took: 5, instance: nil), exchange(0, took: 1.5),
                exchange(0, took: 1), exchange(0, .status(302)),
            ], marks, movement: nil, latenessSeconds: 0.25)
        #expect(tally.gets == 7)
        #expect(tally.posts == 2)
        #expect(tally.failedGets == ["500": 1, "timeout": 1, "302": 1])
        #expect(tally.failedPosts == ["closed": 1])
        #expect(tally.slow == 2)
        #expect(tally.movedSeconds == nil)
        #expect(tally.shareMax == nil)
        #expect(tally.latenessSeconds == 0.25)
        #expect(
            tally.cell == "3 GET, 1 POST (302 × 1, 500 × 1, closed × 1, timeout × 1); 2 slow")
    }

    @Test func `every newcomer has to be used`() {
        var marks = marks
        marks.newcomers = [4, 5]
        let early = [exchange(-1), exchange(0.5, instance: 4), exchange(0.7, instance: 4)]
        let unused = Tally(early, marks, movement: .everyNewcomerUsed)
        #expect(unused.movedSeconds == nil)
        // An error of the newcomer is no use of it.
        let bad = early + [exchange(0.6, .status(500), instance: 5)]
        #expect(Tally(bad, marks, movement: .everyNewcomerUsed).movedSeconds == nil)
        let used = Tally(
            bad + [exchange(1.25, instance: 5)], marks, movement: .everyNewcomerUsed)
        #expect(used.movedSeconds == 1.25)
    }

    @Test func `a leaver's last request counts, and none is no time at all`() {
        var marks = marks
        marks.leavers = [1]
        let exchanges = [exchange(-1), exchange(0.75), exchange(2, instance: 2)]
        #expect(Tally(exchanges, marks, movement: .lastToLeaver).movedSeconds == 0.75)
        #expect(Tally([exchange(-1)], marks, movement: .lastToLeaver).movedSeconds == 0)
    }

    @Test func `the last bad request is the last that failed or was slow`() {
        let good = [exchange(0), exchange(3)]
        #expect(Tally(good, marks, movement: .lastBad).movedSeconds == 0)
        let slow = good + [exchange(0.25, .status(502)), exchange(0.5, took: 2)]
        #expect(Tally(slow, marks, movement: .lastBad).movedSeconds == 0.5)
    }

    @Test func `a recovery counts from a request that was sent after it`() {
        var marks = marks
        #expect(Tally([exchange(9)], marks, movement: .firstGood).movedSeconds == nil)
        marks.recovery = 108 * second
        let exchanges = [
            // Sent before, answered after: luck.
            exchange(7.75, took: 0.5), exchange(8.25, .status(503)),
            exchange(8.5, took: 0.25), exchange(9),
        ]
        #expect(Tally(exchanges, marks, movement: .firstGood).movedSeconds == 0.75)
    }

    @Test func `a share is the largest of any second between event and recovery`() {
        var marks = marks
        marks.watched = 1
        marks.recovery = 102 * second
        let exchanges =
            [exchange(-0.5), exchange(2.5)] + [exchange(0.1), exchange(0.2, instance: 2)]
            + [exchange(1.1), exchange(1.2, instance: 2), exchange(1.3, instance: 3)]
            + [exchange(1.9, .closed, instance: nil)]
        #expect(Tally(exchanges, marks, movement: nil).shareMax == 0.5)
    }

    @Test func `a share is measured against an equal one, over stretches that are long enough`() {
        var marks = marks
        marks.fairFrom = 101 * second
        marks.fairCount = 2
        // 100 requests a second for four seconds; before, and once among them, all at one instance.
        let exchanges = (-100..<400).map { index in
            let at = 1 + Double(index) / 100
            let isLopsided = index < 0 || (200..<300).contains(index)
            return exchange(at, instance: isLopsided ? 1 : index % 2)
        }
        #expect(Tally(exchanges, marks, movement: nil).unevenMax == 2)
        marks.recovery = 103 * second
        #expect(Tally(exchanges, marks, movement: nil).unevenMax == 1)
        #expect(tally(exchanges).unevenMax == nil)
    }

    @Test func `streams end together when they end within a tenth of a second`() {
        func stream(_ instance: Int, endsAt end: Double?) -> HeldStream {
            HeldStream(
                instance: instance, opened: 100 * second,
                ended: end.map { UInt64((100 + $0) * 1e9) })
        }
        var streams = (0..<10).map { stream(1, endsAt: 5 + Double($0)) }
        streams += (0..<10).map { _ in stream(2, endsAt: nil) }
        let spread = Tally([], marks, movement: nil, streams: streams)
        #expect(spread.streamsTogether == 0.1)
        // Another instance's streams, four of five at once: the worst counts.
        streams += [5, 5.03, 5.06, 5.09, 6].map { stream(3, endsAt: $0) }
        let together = Tally([], marks, movement: nil, streams: streams, streamsRefused: 2)
        #expect(together.streamsTogether == 0.8)
        #expect(
            Bar(streamsTogetherMax: 0.2).misses(together, rate: 250) == [
                "2 requests for a stream failed, at most 0",
                "80 % of an instance's streams ended at once, at most 20 %",
            ])
        #expect(together.cell == "0; streams at once 80 %; 2 streams refused")
    }

    @Test func `executions are told apart by load, whatever its name has in it`() {
        let text = "fairlead-1\nmy-proxy-1\nfairlead-2\nfairlead-1\nmy-proxy-12\nbroken\n"
        let executions = Stage.executions(text)
        #expect(executions["fairlead"]?.sorted() == [1, 2])
        #expect(executions["my-proxy"] == [1, 1])
        #expect(executions.count == 2)
        let tally = Tally([], marks, movement: nil, executions: executions["fairlead"] ?? [])
        #expect(tally.postsTwice == 1)
    }

    @Test func `trouble before the event is told apart, and counts all the same`() {
        let tally = tally([exchange(-1, .status(500)), exchange(-1, took: 2), exchange(1, .closed)])
        #expect(tally.badBefore == 2)
        #expect(tally.failedCount == 2)
    }

    @Test func `processors that wait for a disk are idle, stolen ones are not`() {
        let start = ProcessorTime("cpu  10 0 10 100 0 0 0 0 5 5\ncpu0 1 1 1 1\n")
        let end = ProcessorTime("cpu  20 5 15 140 10 5 5 20 9 9\n")
        #expect(end.idleShare(since: start) == 0.5)
        #expect(start.idleShare(since: start) == 1)
    }

    // MARK: bars

    private func tally(_ exchanges: [Exchange], _ movement: Movement? = nil) -> Tally {
        Tally(exchanges, marks, movement: movement)
    }

    @Test func `a bar of failures counts both methods, or GETs alone`() {
        let failed = tally([
            exchange(0, .status(502), kind: .post), exchange(0, .refused, instance: nil),
        ])
        #expect(Bar(failedMax: 2).misses(failed, rate: 250).isEmpty)
        #expect(Bar(failedMax: 1).misses(failed, rate: 250) == ["2 failed, at most 1"])
        #expect(Bar(failedGetsMax: 1).misses(failed, rate: 250).isEmpty)
        #expect(Bar(failedGetsMax: 0).misses(failed, rate: 250) == ["1 GETs failed, at most 0"])
    }

    @Test func `the fate of a POST may have to be told`() {
        let bar = Bar(failedPostStatus: 502)
        let told = exchange(0, .status(502), kind: .post)
        #expect(bar.misses(tally([told, exchange(0, .status(503))]), rate: 250).isEmpty)
        let timeout = exchange(0, .timeout, kind: .post, took: 5, instance: nil)
        #expect(
            bar.misses(tally([told, timeout]), rate: 250) == [
                "1 POSTs failed otherwise than by 502, at most 0"
            ])
    }

    @Test func `slow answers may be more at a higher rate`() {
        let slow = tally((0..<8).map { _ in exchange(0, took: 2) })
        #expect(Bar(slowMaxAt250: 4).misses(slow, rate: 500).isEmpty)
        #expect(Bar(slowMaxAt250: 4).misses(slow, rate: 499) == ["8 slow, at most 7"])
    }

    @Test func `some things no bar allows`() {
        var twice = tally([])
        twice.postsTwice = 1
        #expect(Bar().misses(twice, rate: 250) == ["1 POSTs executed twice, at most 0"])
        let closed = tally([exchange(0, .closed, kind: .post, instance: nil)])
        #expect(Bar().misses(closed, rate: 250).count == 1)
        #expect(Bar().misses(tally([exchange(0, .closed)]), rate: 250).isEmpty)
    }

    @Test func `an answer may be an error, silence may not`() {
        let bar = Bar(answersOnly: true)
        #expect(bar.misses(tally([exchange(0, .status(503))]), rate: 250).isEmpty)
        for outcome in [Exchange.Outcome.closed, .refused, .timeout, .malformed] {
            let silent = tally([exchange(0, outcome, instance: nil)])
            #expect(bar.misses(silent, rate: 250) == ["1 without an answer, at most 0"])
        }
    }

    @Test func `traffic that never moved is too late`() {
        let bar = Bar(movedMaxSeconds: 1.5)
        var tally = tally([exchange(1.5, .status(500))], .lastBad)
        #expect(bar.misses(tally, rate: 250).isEmpty)
        tally.movedSeconds = 1.51
        #expect(bar.misses(tally, rate: 250) == ["moved: 1.51 s, at most 1.5 s"])
        tally.movedSeconds = nil
        #expect(bar.misses(tally, rate: 250) == ["moved: never, at most 1.5 s"])
    }

    @Test func `a share above the bar is missed`() {
        var tally = tally([])
        tally.shareMax = 0.41
        #expect(Bar(shareMax: 0.4).misses(tally, rate: 250) == ["share 41 %, at most 40 %"])
        tally.shareMax = 0.4
        #expect(Bar(shareMax: 0.4).misses(tally, rate: 250).isEmpty)
    }

    // MARK: report

    @Test func `a cell shows the worst round, and the median beside it`() {
        var outcome = Outcome(peer: "fairlead")
        #expect(outcome.cell == "none")
        let bad = tally([exchange(0, .status(500)), exchange(0, .status(500))])
        outcome.tallies = [tally([]), bad, tally([])]
        #expect(outcome.cell == "2 GET (500 × 2); median 0")
        // As many failures, but some of the others were slow.
        outcome.tallies = [tally([]), tally([exchange(0, took: 3)])]
        #expect(outcome.cell == "0; 1 slow")
    }

    @Test func `every scenario has a name of its own and a bar`() {
        let scenarios = Scenario.all
        #expect(Set(scenarios.map(\.name)).count == scenarios.count)
        for scenario in scenarios {
            #expect(!scenario.bar.text.isEmpty, "\(scenario.name)")
            #expect((scenario.bar.movedMaxSeconds == nil) || scenario.movement != nil)
        }
    }
}
