// Goal: the journal keeps the last entries in order, and each says what happened and why.
// Method: a small ring filled beyond its capacity; a backend's whole life read back as text.

import Backends
import Testing

@Suite struct JournalTests {
    @Test("a ring keeps the last entries, the oldest first")
    func ring() {
        let fixture = Fixture(capacity: 4) { $0.checks = nil }
        fixture.answer(1...5)
        #expect(fixture.journal.entries.map(\.number) == [6, 7, 8, 9])
        #expect(fixture.journal.nextNumber == 10)
    }

    @Test("a backend's life with its causes")
    func life() throws {
        let fixture = Fixture()
        fixture.answer([1, 2])
        fixture.pass(2)
        let id = try #require(fixture.roster.backend(at: endpoint(1))).id
        fixture.roster.checkStarted(id, now: fixture.now)
        fixture.pass(1)
        fixture.failCheck(1, times: 3, .timeout)
        fixture.pass(1, times: 2)
        fixture.failDial(1)
        fixture.answer([2])
        fixture.wait(60)
        let entries = fixture.journal.entries.filter { $0.backend == id }
        #expect(
            entries.map(\.event.description) == [
                "discovered: named by discovery",
                "discovered to checking: first check begun",
                "checking to up: a check passed",
                "up to down: 3 checks failed in a row, the last: timed out",
                "down to up: 2 checks passed in a row",
                "up to ejected: a request could not connect: connection refused",
                "ejected to draining: missing from a good answer",
                "draining to gone: drained for as long as a drain may take",
            ])
        #expect(entries.allSatisfy { $0.endpoint == endpoint(1) })
        #expect(entries.last?.at == fixture.now)
    }
}
