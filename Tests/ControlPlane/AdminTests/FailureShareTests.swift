// Goal: shares of a half and of a twentieth are reported within seconds, end by themselves, and
// neither single failures nor a quiet service make them come and go. Method: seconds that only the
// test counts.

import Admin
import Stats
import Testing

@Suite struct FailureShareTests {
    private typealias Reading = FailureShare.Reading

    /// A share, second by second.
    private struct Timeline {
        var share = FailureShare()
        var second = 0
        /// Every level reported, in order, without repetitions; nil for none.
        var levels: [FailureShare.Level?] = [nil]

        mutating func pass(_ seconds: Int, ended: Int, failed: Int) {
            for _ in 0..<seconds {
                second += 1
                share.record(second: second, ended: ended, failed: failed)
                let level = share.reading?.level
                if levels.last != level { levels.append(level) }
            }
        }
    }

    @Test("when everything fails from the first second on, that is reported at once")
    func everything() {
        var time = Timeline()
        time.pass(1, ended: 28, failed: 28)
        #expect(
            time.share.reading
                == Reading(level: .half, since: 1, seconds: 1, ended: 28, failed: 28))
        time.pass(60, ended: 28, failed: 28)
        #expect(
            time.share.reading
                == Reading(level: .half, since: 1, seconds: 10, ended: 280, failed: 280))
    }

    @Test("a service that begins to fail is red within half a window, and well again by itself")
    func outage() {
        var time = Timeline()
        time.pass(120, ended: 28, failed: 0)
        #expect(time.share.reading == nil)
        time.pass(6, ended: 28, failed: 28)
        #expect(time.share.reading?.level == .half)
        #expect(time.share.reading?.since == 121)
        time.pass(30, ended: 28, failed: 28)
        time.pass(11, ended: 28, failed: 0)
        #expect(time.share.reading == nil)
        #expect(time.levels == [nil, .some, .half, .some, nil])
    }

    @Test("a twentieth is amber, less is nothing", arguments: [(100, 5, true), (100, 3, false)])
    func twentieth(ended: Int, failed: Int, isTold: Bool) {
        var time = Timeline()
        time.pass(300, ended: ended, failed: failed)
        #expect(time.share.reading?.level == (isTold ? .some : nil))
        #expect(time.levels.count == (isTold ? 2 : 1))
    }

    @Test("a share about the limit does not come and go")
    func steady() {
        var time = Timeline()
        for turn in 0..<300 { time.pass(1, ended: 100, failed: turn % 20 < 10 ? 6 : 4) }
        #expect(time.levels == [nil, .some])
    }

    @Test("single failures and few events mean nothing, however long they go on")
    func singles() {
        // One event every ten seconds, and each fails.
        var rare = Timeline()
        for _ in 0..<60 {
            rare.pass(1, ended: 1, failed: 1)
            rare.pass(9, ended: 0, failed: 0)
        }
        #expect(rare.levels == [nil])
        var time = Timeline()
        // One of twenty fails, once a minute.
        for _ in 0..<20 {
            time.pass(19, ended: 1, failed: 0)
            time.pass(1, ended: 1, failed: 1)
            time.pass(40, ended: 0, failed: 0)
        }
        // Two of a thousand.
        for _ in 0..<20 {
            time.pass(29, ended: 1000, failed: 0)
            time.pass(1, ended: 1000, failed: 2)
        }
        #expect(time.levels == [nil])
    }

    @Test("few events count over a minute")
    func quiet() {
        var time = Timeline()
        for _ in 0..<10 {
            time.pass(1, ended: 1, failed: 1)
            time.pass(3, ended: 0, failed: 0)
        }
        let reading = time.share.reading
        #expect(reading?.level == .half)
        #expect(reading?.since == 1)
        #expect(reading?.failed == reading?.ended)
        // No more events: nothing is known after a minute.
        time.pass(60, ended: 0, failed: 0)
        #expect(time.share.reading == nil)
    }

    @Test("seconds that were left out had no events, and old ones are dropped")
    func gaps() {
        var share = FailureShare()
        share.record(second: 3, ended: 50, failed: 50)
        #expect(share.reading?.level == .half)
        share.record(second: 90, ended: 1, failed: 0)
        #expect(share.reading == nil)
        share.record(second: 91, ended: -5, failed: -2)
        share.record(second: 92, ended: 3, failed: 7)
        #expect(share.reading == nil)
    }

    // MARK: The watch over all of them

    @Test(
        "services and listeners are told apart, and removed ones are dropped"
    )
    func watch() {
        var watch = TrafficWatch()
        let begin = ContinuousClock.now
        var web = TrafficFigures()
        // What happened before the first update does not count.
        web.ended = 1_000_000
        web.failed = 900_000
        web[.noBackend] = 900_000
        var listener = TrafficWatch.ListenerFigures(
            connections: (0, 0), requests: (1_000_000, 999_999))
        for second in 0..<5 {
            let isWrong = watch.update(
                now: begin + .seconds(second), services: [(3, web), (4, TrafficFigures())],
                listeners: [(1, listener)])
            #expect(!isWrong || second > 0)
            web.ended += 20
            web.failed += 15
            web[.status500] += 14
            web[.timeout] += 1
            web.retriesDenied += 2
            web.calls += 20
            web.lateCalls += 2
            listener.connections.all += 20
            listener.connections.refused += 2
            listener.requests.all += 20
            listener.requests.unrouted += 20
        }
        let failures = watch.failures(ofService: 3)
        #expect(failures?.cause == .status500)
        #expect(failures?.trouble.reading.level == .half)
        #expect(failures?.trouble.since == begin)
        #expect(failures?.trouble.reading.failed == 60)
        #expect(watch.failures(ofService: 4) == nil)
        #expect(watch.denials(ofService: 3)?.reading.level == .some)
        #expect(watch.lateCalls(ofService: 3)?.reading.failed == 8)
        #expect(watch.lateCalls(ofService: 4) == nil)
        #expect(watch.abandonments(ofService: 3) == nil)
        #expect(watch.refusals(ofListener: 1)?.reading.level == .some)
        #expect(watch.unrouted(ofListener: 1)?.reading.level == .half)
        // One more update reports its end.
        let wasWrong = watch.update(now: begin + .seconds(6), services: [], listeners: [])
        #expect(wasWrong)
        #expect(watch.failures(ofService: 3) == nil)
        let isWrong = watch.update(now: begin + .seconds(7), services: [], listeners: [])
        #expect(!isWrong)
    }
}
