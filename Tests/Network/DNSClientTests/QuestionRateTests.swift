// Goal: no second sees more questions than the limit, wherever it begins, and none fewer than it
// could. Method: a fake clock that goes on to when the bucket says.

import DNSClient
import Testing

@Suite struct QuestionRateTests {
    @Test(
        "a crowd is let through at the limit, in every second of every beginning",
        arguments: [1, 2, 7, 99, 100, 1000, 25_000])
    func crowd(limit: Int) {
        var rate = QuestionRate(perSecond: limit)
        let start = ContinuousClock.now
        var now = start
        var times: [Duration] = []
        while now < start + .seconds(4) {
            if rate.take(now: now) {
                times.append(start.duration(to: now))
            } else {
                let next = rate.nextAt(now: now)
                #expect(next > now, "it would be asked forever")
                now = next
            }
        }
        var first = 0
        var most = 0
        for (index, time) in times.enumerated() {
            while times[first] <= time - .seconds(1) { first += 1 }
            most = max(most, index - first + 1)
        }
        #expect(most <= limit)
        #expect(times.count >= limit * 4 * 95 / 100, "\(times.count) in four seconds")
    }

    @Test("a rest fills the bucket, and no more than that")
    func rest() {
        var rate = QuestionRate(perSecond: 1000)
        let start = ContinuousClock.now
        #expect((0..<20).map { _ in rate.take(now: start) }.count { $0 } == 10)
        let later = start + .seconds(3600)
        #expect((0..<20).map { _ in rate.take(now: later) }.count { $0 } == 10)
    }

    @Test("further queries of a question are paid for by those that wait")
    func debt() {
        var rate = QuestionRate(perSecond: 100)
        let start = ContinuousClock.now
        var now = start
        var (begun, sent) = (0, 0)
        while now < start + .seconds(10) {
            if rate.take(now: now) {
                begun += 1
                sent += 2
                rate.charge(now: now)
            } else {
                now = rate.nextAt(now: now)
            }
        }
        #expect((490...505).contains(begun) && sent <= 1010, "\(begun), \(sent)")
    }
}
