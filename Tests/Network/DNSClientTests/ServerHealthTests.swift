// Goal: which server is asked first, which is left alone and which is looked after, for every run
// of events. Method: the values alone, with times of the test's own making.

import DNSClient
import DNSWire
import Events
import Testing

@Suite struct ServerHealthTests {
    static let start = ContinuousClock.now
    static func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start + .milliseconds(milliseconds)
    }

    /// Something that happens to a server.
    enum Event: Sendable {
        case answer(Int)
        case silence
        case refused
        case servfail
    }

    /// The health after `events`, one every 10 ms, each sent 1 ms before.
    private func health(_ events: [Event]) -> ServerHealth {
        var health = ServerHealth()
        for (index, event) in events.enumerated() {
            let now = Self.at(index * 10)
            let sentAt = Self.at(index * 10 - 1)
            switch event {
            case .answer(let milliseconds):
                health.answered(after: .milliseconds(milliseconds), overTCP: false, now: now)
            case .silence: health.failed(.silence, sentAt: sentAt, now: now)
            case .refused:
                health.failed(.unreachable(.connectionRefused), sentAt: sentAt, now: now)
            case .servfail: health.failed(.code(.serverFailure), sentAt: sentAt, now: now)
            }
        }
        return health
    }

    @Test(
        "the state follows from what came last, and silence alone makes a server be away",
        arguments: [
            ([], .untried),
            ([.answer(1)], .working),
            ([.silence], .failing),
            ([.silence, .silence], .failing),
            ([.silence, .silence, .silence], .away),
            ([.refused, .silence, .refused], .away),
            ([.silence, .silence, .servfail, .silence], .failing),
            ([.servfail, .servfail, .servfail, .servfail], .failing),
            ([.silence, .silence, .silence, .servfail], .failing),
            ([.silence, .silence, .silence, .answer(5)], .working),
            ([.answer(5), .silence], .failing),
            ([.answer(5), .servfail, .servfail], .working),
            ([.answer(5), .servfail, .servfail, .servfail], .failing),
            ([.answer(5), .servfail, .silence], .failing),
            ([.answer(5), .silence, .servfail], .working),
            ([.servfail], .failing),
        ] as [([Event], ServerHealth.State)])
    func states(events: [Event], expected: ServerHealth.State) {
        #expect(health(events).state == expected)
    }

    @Test("the round trip is smoothed, and TCP counts by half")
    func roundTrip() {
        var health = ServerHealth()
        health.answered(after: .milliseconds(80), overTCP: false, now: Self.at(0))
        #expect(health.roundTrip == .milliseconds(80))
        health.answered(after: .milliseconds(160), overTCP: false, now: Self.at(1))
        #expect(health.roundTrip == .milliseconds(90))
        health.answered(after: .milliseconds(20), overTCP: true, now: Self.at(2))
        #expect(health.roundTrip == .milliseconds(80))
    }

    @Test("silence after a query from before the last answer says nothing about now")
    func oldSilence() {
        var health = ServerHealth()
        health.answered(after: .milliseconds(1), overTCP: false, now: Self.at(1000))
        for _ in 0..<5 { health.failed(.silence, sentAt: Self.at(999), now: Self.at(2000)) }
        #expect(health.state == .working && health.failures == 5)
        health.failed(.silence, sentAt: Self.at(1001), now: Self.at(2001))
        #expect(health.state == .failing)
    }

    @Test("the last failure is kept with its time, beyond the answers that follow")
    func lastFailure() {
        let health = health([.servfail, .refused, .answer(1)])
        #expect(health.lastFailure?.what == .unreachable(.connectionRefused))
        #expect(health.lastFailure?.at == Self.at(10))
        #expect(health.lastAnswerAt == Self.at(20) && health.answers == 1)
    }
}

@Suite struct ServerRankingTests {
    static func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        ServerHealthTests.at(milliseconds)
    }

    private func answer(_ ranking: inout ServerRanking, _ server: Int, _ milliseconds: Int, at: Int)
    {
        ranking.answered(
            server, after: .milliseconds(milliseconds), overTCP: false, now: Self.at(at))
    }

    private func silence(_ ranking: inout ServerRanking, _ server: Int, times: Int, at: Int) {
        for _ in 0..<times {
            ranking.failed(server, .silence, sentAt: Self.at(at - 1), now: Self.at(at))
        }
    }

    @Test("servers about which nothing is known are asked in the given order")
    func untried() {
        var ranking = ServerRanking(count: 3)
        #expect(ranking.plan(now: Self.at(0)) == .init(servers: [0, 1, 2]))
    }

    @Test("a second server that was never asked is looked after within seconds")
    func secondProbed() {
        var ranking = ServerRanking(count: 2)
        answer(&ranking, 0, 1, at: 0)
        #expect(ranking.plan(now: Self.at(0)).probes == [])
        #expect(ranking.plan(now: Self.at(999)).probes == [])
        #expect(ranking.plan(now: Self.at(1000)).probes == [1])
        #expect(ranking.plan(now: Self.at(1001)).probes == [])
    }

    @Test("two equal servers never change places, whatever the noise")
    func noFlapping() {
        var ranking = ServerRanking(count: 2)
        var firsts: [Int] = []
        for turn in 0..<1000 {
            // 10 ms each, give or take a quarter.
            answer(&ranking, 0, [8, 12, 10, 9][turn % 4], at: turn * 10)
            answer(&ranking, 1, [11, 8, 12, 9][turn % 4], at: turn * 10)
            firsts.append(ranking.plan(now: Self.at(turn * 10 + 1)).servers[0])
        }
        #expect(firsts.allSatisfy { $0 == firsts[0] })
    }

    @Test("a server that is clearly quicker takes the first place, and keeps it")
    func quicker() {
        var ranking = ServerRanking(count: 2)
        answer(&ranking, 0, 30, at: 0)
        answer(&ranking, 1, 3, at: 1)
        #expect(ranking.plan(now: Self.at(2)).servers == [1, 0])
        answer(&ranking, 0, 4, at: 3)  // smoothed, still slower
        #expect(ranking.plan(now: Self.at(4)).servers == [1, 0])
    }

    @Test("a name that is broken at one server makes no other name change its server")
    func brokenName() {
        var ranking = ServerRanking(count: 2)
        var firsts: Set<Int> = []
        answer(&ranking, 0, 1, at: 0)
        for turn in 1..<100 {
            let now = turn * 100
            firsts.insert(ranking.plan(now: Self.at(now)).servers[0])
            ranking.failed(
                0, .code(.serverFailure), sentAt: Self.at(now), now: Self.at(now + 1))
            answer(&ranking, 1, 1, at: now + 2)
            firsts.insert(ranking.plan(now: Self.at(now + 3)).servers[0])
            answer(&ranking, 0, 1, at: now + 4)
        }
        #expect(firsts == [0])
    }

    @Test("a difference that is the scheduler's changes nothing")
    func tinyDifference() {
        var ranking = ServerRanking(count: 2)
        ranking.answered(0, after: .microseconds(900), overTCP: false, now: Self.at(0))
        _ = ranking.plan(now: Self.at(1))
        ranking.answered(1, after: .microseconds(100), overTCP: false, now: Self.at(2))
        #expect(ranking.plan(now: Self.at(3)).servers == [0, 1])
    }

    @Test(
        "one failure gives the first place to one that works; the failed one is probed, comes back")
    func comesBack() {
        var ranking = ServerRanking(count: 2)
        answer(&ranking, 0, 1, at: 0)
        answer(&ranking, 1, 40, at: 0)
        #expect(ranking.plan(now: Self.at(1)).servers == [0, 1])
        silence(&ranking, 0, times: 4, at: 10)
        #expect(ranking.plan(now: Self.at(11)) == .init(servers: [1, 0]))
        #expect(ranking.plan(now: Self.at(1010)) == .init(servers: [1, 0], probes: [0]))
        // Not answered: the next probe is later, and later still.
        #expect(ranking.plan(now: Self.at(2000)).probes == [])
        #expect(ranking.plan(now: Self.at(3010)).probes == [0])
        #expect(ranking.plan(now: Self.at(7009)).probes == [])
        #expect(ranking.plan(now: Self.at(7010)).probes == [0])
        answer(&ranking, 0, 1, at: 7011)
        #expect(ranking.plan(now: Self.at(7012)).servers == [0, 1])
    }

    @Test("when every server is away, one question at a time is sent, and no more")
    func hopeless() {
        var ranking = ServerRanking(count: 2)
        silence(&ranking, 0, times: 3, at: 0)
        #expect(ranking.hopeless(now: Self.at(1)) == nil)
        ranking.failed(1, .unreachable(.connectionRefused), sentAt: Self.at(0), now: Self.at(1))
        silence(&ranking, 1, times: 2, at: 1)
        #expect(ranking.hopeless(now: Self.at(2)) != nil)
        // A second later one question goes through, to both; the next ones don't.
        #expect(ranking.hopeless(now: Self.at(1001)) == nil)
        #expect(ranking.hopeless(now: Self.at(1001), mayProbe: false) != nil)
        #expect(Set(ranking.plan(now: Self.at(1001)).servers) == [0, 1])
        #expect(ranking.hopeless(now: Self.at(1002)) != nil)
        #expect(ranking.hopeless(now: Self.at(2990)) != nil)
        // It is looked after every five seconds at the least.
        for second in stride(from: 3, to: 60, by: 6) {
            let now = Self.at(second * 1000 + 100)
            #expect(ranking.hopeless(now: now) == nil)
            _ = ranking.plan(now: now)
        }
        answer(&ranking, 1, 5, at: 61_000)
        #expect(ranking.hopeless(now: Self.at(61_001)) == nil)
        #expect(ranking.plan(now: Self.at(61_001)).servers == [1, 0])
    }

    @Test("what stands for all of them is an error of the network rather than silence")
    func mostTelling() {
        var ranking = ServerRanking(count: 2)
        silence(&ranking, 0, times: 3, at: 0)
        for _ in 0..<3 {
            ranking.failed(1, .unreachable(.hostUnreachable), sentAt: Self.at(0), now: Self.at(1))
        }
        #expect(ranking.hopeless(now: Self.at(2)) == 1)
    }
}
