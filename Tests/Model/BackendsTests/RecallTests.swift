// Goal: a roster begins with what an earlier process was told only where it would still hold that.
// Method: failures of a source, with ages beside them.

import Backends
import Endpoints
import Testing

@Suite struct RecallTests {
    private let journal = Journal()
    private let now = ContinuousClock.now

    private func roster() -> Roster {
        Roster(service: ServiceID(index: 0), ids: BackendIDs(), journal: journal)
    }

    private func instance(_ last: UInt32) -> Instance {
        Instance(Endpoint(.v4(0x0a00_0000 | last), 80), priority: 1, weight: 5)
    }

    @Test("what is recalled is on the roster, with its age, for what is left of the hold")
    func recall() throws {
        let roster = roster()
        for step in 0..<2 {
            roster.recall(
                [instance(1), instance(2)], age: .seconds(3600), for: .timeout, from: 0, now: now)
            roster.apply(.failure(.timeout), now: now + .seconds(step))
        }
        #expect(roster.backends.map(\.endpoint) == [instance(1).endpoint, instance(2).endpoint])
        let status = try #require(roster.sources.first)
        #expect(status.lastGoodAnswer?.at == now - .seconds(3600))
        #expect(status.goodAnswers == 0)
        #expect(status.outage?.until == now + .seconds(86_400 - 3600))
        let said = "2 instances that discovery named 1 h ago, from the state file"
        #expect(journal.entries.count { "\($0.event)" == said } == 1)
        // They are begun with unchecked, as new ones are while no backend is up.
        #expect(roster.rotation.members.count == 2)
        // When its time is over, everything is as if the process had run all the while.
        roster.apply(.failure(.timeout), now: now + .seconds(86_400 - 3600))
        #expect(roster.backends.isEmpty)
    }

    @Test("a good answer counts as ever, and nothing is recalled after it")
    func goodAnswer() {
        let roster = roster()
        roster.recall([instance(1)], age: .seconds(60), for: .servfail, from: 0, now: now)
        roster.apply(.failure(.servfail), now: now)
        roster.apply(.instances([instance(1), instance(2)]), now: now + .seconds(1))
        #expect(roster.backends.count == 2)
        roster.apply(.failure(.timeout), now: now + .seconds(2))
        #expect(roster.sources[0].outage?.until == now + .seconds(2 + 86_400))
        roster.recall([instance(3)], age: .seconds(60), for: .timeout, from: 0, now: now)
        #expect(roster.backends.count == 2)
    }

    @Test(
        "what would not be held any more is not begun with",
        arguments: [
            (DiscoveryFailure.nxdomain, Duration.seconds(901)), (.timeout, .seconds(86_401)),
        ])
    func tooOld(failure: DiscoveryFailure, age: Duration) {
        let roster = roster()
        roster.recall([instance(1)], age: age, for: failure, from: 0, now: now)
        roster.apply(.failure(failure), now: now)
        #expect(roster.backends.isEmpty)
        #expect(roster.sources[0].lastGoodAnswer == nil)
    }
}
