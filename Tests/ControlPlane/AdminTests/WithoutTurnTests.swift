// Goal: a backend that gets no requests shows why, in fields and in words. Method: seconds that the
// test counts, and a backend made of figures for each reason.

import Admin
import Backends
import Stats
import Testing

@Suite struct WithoutTurnTests {
    private static let begin = ContinuousClock.now

    private func figures(_ backend: UInt32, _ requests: Int, _ received: Int = 0)
        -> TurnWatch.Figures
    {
        .init(backend: backend, requests: requests, received: received)
    }

    @Test("a turn, a byte and the requests of others show from one second to the next")
    func watch() {
        var watch = TurnWatch()
        for second in 0..<9 {
            let stuck = figures(1, second < 3 ? second : 2, second < 5 ? second : 4)
            watch.update(
                now: Self.begin + .seconds(second),
                [(7, [stuck, figures(2, 10 * second), figures(3, second)])])
        }
        let wait = watch.wait(of: 1, ofService: 7)
        #expect(wait?.since == Self.begin + .seconds(2))
        #expect(wait?.receivedAt == Self.begin + .seconds(4))
        #expect(wait?.elsewhere == 66)
        #expect(watch.wait(of: 2, ofService: 7)?.since == Self.begin + .seconds(8))
        #expect(watch.wait(of: 1, ofService: 8) == nil)
    }

    @Test("a backend that leaves the rotation is dropped, and its requests do not count")
    func leaves() {
        var watch = TurnWatch()
        watch.update(now: Self.begin, [(0, [figures(1, 5), figures(2, 1000)])])
        watch.update(now: Self.begin + .seconds(1), [(0, [figures(1, 5), figures(3, 400)])])
        watch.update(now: Self.begin + .seconds(2), [(0, [figures(1, 5), figures(3, 401)])])
        #expect(watch.wait(of: 1, ofService: 0)?.elsewhere == 1)
        #expect(watch.wait(of: 2, ofService: 0) == nil)
        #expect(watch.wait(of: 3, ofService: 0)?.since == Self.begin + .seconds(2))
    }

    // MARK: - Why

    private typealias Change =
        @Sendable (inout AdminSnapshot.Backend, inout WithoutTurn.Facts) -> Void

    /// A backend that had its last turn 12 s ago, and sent its last byte 7 s ago; others got 500
    /// requests.
    private func reason(_ change: Change) -> WithoutTurn? {
        var backend = Sample.backend(1, .up, age: 100, "2 checks passed in a row")
        var facts = WithoutTurn.Facts()
        facts.wait = .init(since: Sample.now - 12, receivedAt: Sample.now - 7, elsewhere: 500)
        facts.share = 0.25
        change(&backend, &facts)
        return WithoutTurn(backend, facts, at: Sample.now)
    }

    private static let cases: [(Change, String, String)] = [
        (
            {
                $0.isInRotation = false; $0.state = .checking; $1.wait = nil
            },
            "first-check", "it waits for its first check"
        ),
        (
            {
                $0.isInRotation = false; $0.state = .down; $1.wait = nil; $1.isRefusing = true
            },
            "refused", "no backend is up, and none gets requests (when-none-up)"
        ),
        (
            { backend, _ in backend.isActive = false },
            "standby", "a better tier gets the requests"
        ),
        (
            { backend, facts in
                backend.isActive = false
                facts.returnsIn = 12
            },
            "returning", "its name is back, and gets requests in 12 s (failover-return)"
        ),
        (
            { backend, _ in
                backend.isActive = false
                backend.tier = Tier(priority: 1, isReserve: true)
            }, "reserve", "it waits behind those that discovery names"
        ),
        (
            { backend, facts in
                backend.totals[.inFlight] = 10
                backend.totals[.streams] = 7
                backend.totals[.clientsLeft] = 3
                facts.limit = (5, 10)
            }, "limit",
            "it is full (limits.backend-requests: 10): 10 in flight, 7 of them streams, "
                + "3 of clients that have left"
        ),
        (
            { backend, _ in
                backend.isOnProbation = true
                backend.totals[.inFlight] = 1
            }, "probation",
            "it is on probation: one request at a time, of those that can be sent again"
        ),
        ({ $1.wait?.elsewhere = 0 }, "no-requests", "the service has no requests"),
        (
            { backend, _ in backend.totals[.inFlight] = 4 },
            "silent", "4 requests wait there, and nothing has come from it for 7 s"
        ),
        (
            { backend, facts in
                backend.totals[.inFlight] = 4
                backend.totals[.streams] = 1
                facts.wait?.receivedAt = Sample.now - 1
            }, "busy", "3 requests wait there, more than is its share"
        ),
        ({ $1.isWeightless = true }, "zero-weight", "its weight is 0, and others have more"),
        (
            { backend, _ in backend.sharePercent = 6 },
            "slow-start", "it starts slowly, with 6 % of its weight"
        ),
        ({ $1.share = 0.004 }, "small-share", "its weight gives it 1 of 250 requests"),
        ({ $1.balance = "first-fit" }, "balance", "balance: first-fit sends them elsewhere"),
    ]

    @Test("each reason has a name and a text")
    func reasons() throws {
        for (change, name, text) in Self.cases {
            let said = try #require(reason(change), "\(name)")
            #expect(said.reason.rawValue == name)
            #expect(said.text == text)
        }
        #expect(Self.cases.count == WithoutTurn.Reason.allCases.count)
    }

    @Test("a recent turn, a state that explains it, and a drain need no reason")
    func none() {
        #expect(reason { $1.wait?.since = Sample.now - 4 } == nil)
        #expect(
            reason {
                $0.state = .down; $1.wait = nil
            } == nil)
        #expect(
            reason {
                $0.state = .draining; $1.wait = nil; $1.isRefusing = true
            } == nil)
    }
}
