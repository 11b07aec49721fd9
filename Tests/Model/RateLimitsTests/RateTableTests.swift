// Goal: a limit lets through what it says, for every client and on any thread; and memory for
// clients never grows, nor can many clients make a limited one forgotten.
// Method: a fake clock and plain keys; two tests with real threads, which end by counts.

import RateLimits
import Testing

@Suite struct RequestRateTests {
    private static let second: UInt64 = 1_000_000_000

    /// How many of `count` requests at these times get through.
    private func admitted(_ rate: RequestRate, at times: some Sequence<UInt64>) -> Int {
        var due: UInt64 = 0
        var count = 0
        for time in times {
            guard let next = rate.charged(due, at: time) else { continue }
            due = next
            count += 1
        }
        return count
    }

    @Test("a full bucket has the burst, and not one more")
    func burst() {
        let rate = RequestRate(requests: 100, per: .seconds(1), burst: 200)
        #expect(admitted(rate, at: repeatElement(5 * Self.second, count: 1000)) == 200)
    }

    @Test(
        "in the long run as many get through as the rate says",
        arguments: [1, 7, 100, 30_000], [Duration.seconds(1), .seconds(60), .milliseconds(250)])
    func longRun(_ requests: Int, _ time: Duration) {
        let rate = RequestRate(requests: requests, per: time, burst: 1)
        let periods = 20
        let length = UInt64(time / .nanoseconds(1)) * UInt64(periods)
        // Asked ten times as often as is allowed.
        let step = max(1, rate.interval / 10)
        let count = admitted(
            rate, at: stride(from: Self.second, to: Self.second + length, by: Int(step)))
        let expected = requests * periods
        // What is lost is the time between two looks.
        #expect(count <= expected + 1 && count >= expected * 9 / 10, "\(count) of \(expected)")
    }

    @Test("who is refused may come at the time that it was told, and not a nanosecond before")
    func wait() throws {
        let rate = RequestRate(requests: 3, per: .seconds(1), burst: 2)
        let now = 9 * Self.second
        var due: UInt64 = 0
        for _ in 0..<2 { due = try #require(rate.charged(due, at: now)) }
        guard case .refused(let wait) = rate.verdict(isAdmitted: false, due, at: now) else {
            Issue.record("it was not refused")
            return
        }
        #expect(rate.charged(due, at: now + wait - 1) == nil)
        #expect(rate.charged(due, at: now + wait) != nil)
    }

    @Test("processes that share a limit have it together", arguments: [1, 2, 3, 10])
    func sharers(_ count: Int) {
        let whole = RequestRate(requests: 120, per: .seconds(1), burst: 60)
        let part = whole.divided(among: count)
        #expect(part.interval == whole.interval * UInt64(count))
        #expect(
            admitted(part, at: repeatElement(Self.second, count: 1000)) * count == 60)
    }

    @Test("a share of less than one request is one")
    func smallShare() {
        let rate = RequestRate(requests: 1, per: .seconds(1), burst: 1).divided(among: 5)
        #expect(admitted(rate, at: repeatElement(Self.second, count: 10)) == 1)
    }

    @Test("parts are rounded down, so that together they are no more than the whole")
    func rounding() {
        let whole = RequestRate(requests: 10, per: .seconds(1), burst: 10)
        for (count, expected) in [(1, 10), (2, 5), (3, 3), (4, 2), (10, 1), (11, 1)] {
            let part = whole.divided(among: count)
            #expect(admitted(part, at: repeatElement(Self.second, count: 100)) == expected)
        }
    }

    @Test("a bucket is as full as it was when the number of processes changes")
    func change() throws {
        let whole = RequestRate(requests: 8, per: .seconds(8), burst: 8)
        let now = 99 * Self.second
        var due: UInt64 = 0
        for _ in 0..<4 { due = try #require(whole.charged(due, at: now)) }
        // Half of it is left, in whichever part.
        for (count, left) in [(1, 4), (2, 2), (4, 1), (1, 4)] {
            let part = whole.divided(among: count)
            var (rest, admitted) = (due, 0)
            while let next = part.charged(rest, at: now) { (rest, admitted) = (next, admitted + 1) }
            #expect(admitted == left, "\(count)")
        }
        // A bucket of less than one request lets through one, and is full when that is paid for.
        let small = whole.divided(among: 20)
        let paid = try #require(small.charged(0, at: now))
        #expect(small.charged(paid, at: now) == nil)
        #expect(small.charged(paid, at: now + 20 * Self.second) != nil)
        // With fewer processes again, what one took of the larger bucket is waited for.
        #expect(whole.charged(paid, at: now) == nil)
        #expect(whole.charged(paid, at: now + 13 * Self.second) != nil)
    }

    @Test("rates beyond all measure neither trap nor let everything through")
    func extremes() {
        let slow = RequestRate(requests: 1, per: .seconds(Int64.max), burst: Int.max)
            .divided(among: 1000)
        #expect(slow.charged(0, at: UInt64.max / 8) != nil)
        let fast = RequestRate(requests: Int.max, per: .nanoseconds(1), burst: 1)
        #expect(fast.interval == 1 && fast.depth == 1)
    }
}

@Suite struct RateTableTests {
    private static let now: UInt64 = 1_000_000_000_000
    private let rate = RequestRate(requests: 10, per: .seconds(1), burst: 5)

    private func isAdmitted(_ outcome: RateTable.Outcome) -> Bool {
        if case .admitted = outcome.verdict { true } else { false }
    }

    /// How many of so many requests of `key` get through.
    private func admitted(_ table: RateTable, _ key: UInt64, of count: Int, at now: UInt64 = now)
        -> Int
    {
        (0..<count).count { _ in isAdmitted(table.take(key, rate, at: now)) }
    }

    @Test("clients have buckets of their own")
    func apart() {
        let table = RateTable(entries: 100)
        for client in 1...7 { #expect(admitted(table, UInt64(client), of: 9) == 5) }
        #expect(admitted(table, 1, of: 1) == 0)
        #expect(admitted(table, 1, of: 9, at: Self.now + 100_000_000) == 1)
    }

    @Test("it says how many more could come at once")
    func remaining() {
        let table = RateTable(entries: 1)
        let counts = (0..<5).map { _ in table.take(3, rate, at: Self.now).verdict }
        #expect(counts == [4, 3, 2, 1, 0].map { .admitted(remaining: $0) })
        #expect(table.take(3, rate, at: Self.now).verdict == .refused(wait: 100_000_000))
    }

    @Test("a limited client stays limited, however many others come")
    func flood() {
        // One set: everybody meets everybody.
        let table = RateTable(entries: RateTable.ownPlaces)
        #expect(admitted(table, 1, of: 9) == 5)
        for other in 2...100_000 { _ = table.take(UInt64(other), rate, at: Self.now) }
        #expect(admitted(table, 1, of: 9) == 0)
    }

    @Test("where no bucket is full, the others have one limit together")
    func crowd() {
        let table = RateTable(entries: RateTable.ownPlaces)
        for client in 1...UInt64(RateTable.ownPlaces) {
            #expect(admitted(table, client, of: 9) == 5)
        }
        let outcomes = (100..<1100).map { table.take($0, rate, at: Self.now) }
        #expect(outcomes.allSatisfy { $0.isCrowded })
        #expect(outcomes.count(where: isAdmitted) == 5)
        // Once one has recovered, a newcomer has a place of its own again.
        let later = table.take(5000, rate, at: Self.now + 500_000_000)
        #expect(!later.isCrowded && isAdmitted(later))
    }

    @Test("no bucket is given away before it is full again")
    func eviction() {
        let table = RateTable(entries: RateTable.ownPlaces)
        for client in 1...UInt64(RateTable.ownPlaces) {
            _ = admitted(table, client, of: client == 4 ? 1 : 4)
        }
        #expect(table.take(50, rate, at: Self.now).isCrowded)
        for client in 1...7 as ClosedRange<UInt64> {
            #expect(admitted(table, client, of: 9) == (client == 4 ? 4 : 1), "client \(client)")
        }
    }

    @Test("its memory is what it says, for any number of entries", arguments: [1, 7, 8, 65_536])
    func memory(_ entries: Int) {
        let bytes = RateTable.bytes(for: entries)
        #expect(bytes / 128 * RateTable.ownPlaces >= entries && bytes <= max(128, entries * 40))
    }

    @Test("threads together let through one limit, not one each")
    func threads() {
        let table = RateTable(entries: 64)
        let rate = RequestRate(requests: 1, per: .seconds(3600), burst: 20_000)
        let through = onThreads(4) { _ in
            (0..<50_000).count { _ in isAdmitted(table.take(77, rate, at: Self.now)) }
        }
        #expect(through == 20_000)
    }

    @Test(
        "clients that take turns, on several threads, get what their set has"
    )
    func crowdedThreads() {
        let table = RateTable(entries: RateTable.ownPlaces)
        let clients: UInt64 = 50
        let through = onThreads(4) { thread in
            (0..<50_000 as Range<UInt64>).count { index in
                let client = (index &* 7 &+ UInt64(thread)) % clients + 1
                return isAdmitted(table.take(client, rate, at: Self.now))
            }
        }
        // Seven buckets of their own, and the one that the others share.
        #expect(through == 5 * (RateTable.ownPlaces + 1))
    }
}
