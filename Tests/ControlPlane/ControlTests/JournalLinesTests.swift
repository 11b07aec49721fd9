// Goal: the log has what happened to which backend in fields, at the right severity, and a fleet
// fits into a line. Method: entries of a journal of the test's own, in the order in which rosters
// write them.

import Configuration
import Endpoints
import Testing

@testable import Backends
@testable import Control

@Suite struct JournalLinesTests {
    private func entry(_ event: JournalEvent, _ host: Int? = nil) -> JournalEntry {
        let endpoint = host.map { Endpoint(.v4(0x0a00_0000 + UInt32($0)), 80) }
        return JournalEntry(
            number: 0, at: .now, service: ServiceID(index: 0), backend: nil, endpoint: endpoint,
            event: event)
    }

    /// What is written of these entries, without time.
    private func lines(_ entries: [JournalEntry]) -> [String] {
        var lines = JournalLines()
        let events = entries.flatMap { lines.add($0, service: "web") } + lines.flush()
        return events.map { Log.line($0, .text, at: "") }.map { String($0.dropFirst()) }
    }

    @Test func `new backends share a line, which names ten of them at most`() {
        let few = (1...3).map { entry(.phase(from: nil, to: .discovered, .named), $0) }
        #expect(
            lines(few) == [
                "info backend.found service=web count=3 backends=10.0.0.1:80,10.0.0.2:80,"
                    + "10.0.0.3:80"
            ])
        #expect(lines([few[0]]) == ["info backend.found service=web backend=10.0.0.1:80"])
        let many = (1...100).map { entry(.phase(from: nil, to: .discovered, .named), $0) }
        let line = lines(many)
        #expect(line.count == 1)
        #expect(line[0].contains("count=100"))
        #expect(line[0].hasSuffix(",10.0.0.10:80,…"))
    }

    @Test func `a change is logged with its phases and cause, at its severity`() {
        let failed = Cause.checksFailed(3, last: .timeout)
        #expect(
            lines([entry(.phase(from: .up, to: .down, failed), 1)]) == [
                "warning backend.state service=web backend=10.0.0.1:80 from=up to=down "
                    + "cause=\"3 checks failed in a row, the last: timed out\""
            ])
        func level(_ from: BackendState.Phase, _ to: BackendState.Phase, _ cause: Cause)
            -> Substring?
        {
            lines([entry(.phase(from: from, to: to, cause), 1)])[0].split(separator: " ").first
        }
        #expect(level(.up, .ejected, .dialFailed(.refused)) == "warning")
        #expect(level(.down, .up, .checksPassed(2)) == "info")
        #expect(level(.up, .draining, .missing(answers: 1)) == "info")
        #expect(level(.draining, .gone, .idle) == "info")
        #expect(level(.discovered, .checking, .checkBegun) == "debug")
    }

    @Test func `what happens twice to one backend is logged twice, in order`() {
        let down = JournalEvent.phase(from: .up, to: .down, .checksFailed(1, last: .refused))
        let up = JournalEvent.phase(from: .down, to: .up, .checksPassed(1))
        let told = lines([
            entry(down, 1), entry(down, 2), entry(up, 1), entry(down, 1),
        ])
        #expect(told.count == 3)
        #expect(told[0].contains("count=2"))
        #expect(told[1].contains("to=up"))
        #expect(told[2].contains("backend=10.0.0.1:80 from=up to=down"))
    }

    @Test func `an outage is an error that follows its cause, and its end is no error`() {
        let down = JournalEvent.phase(from: .up, to: .down, .checksFailed(1, last: .refused))
        #expect(
            lines([
                entry(down, 1), entry(.emergencyBegan(.failingFast)),
                entry(.emergencyEnded(after: .seconds(90))),
            ]) == [
                "warning backend.state service=web backend=10.0.0.1:80 from=up to=down "
                    + "cause=\"a check failed: connection refused\"",
                "error service.no_backend service=web "
                    + "effect=\"requests are refused until a check passes\"",
                "info service.recovered service=web after=\"90 s\"",
            ])
        #expect(lines([entry(.emergencyRefuses)])[0].hasPrefix("error service.no_backend "))
    }

    @Test func `where requests wait for a backend, the line says so`() {
        var lines = JournalLines()
        for mode in [JournalEvent.emergencyBegan(.failingFast), .emergencyRefuses] {
            let told = lines.add(entry(mode), service: "web", emptyWait: .seconds(10))
            #expect(told.last?.values.last?.value == "requests wait for one, for up to 10s")
        }
    }

    @Test func `discovery that fails is a warning, with its hold as a spoken duration`() {
        let title = JournalEvent.SourceTitle(number: 1, of: 1)
        #expect(
            lines([entry(.sourceFailed(title, .servfail, hold: .seconds(86_400)))]) == [
                "warning discovery.failed service=web "
                    + "cause=\"the server failed (SERVFAIL)\" hold=\"24 h\""
            ])
        let second = JournalEvent.SourceTitle(number: 2, of: 2)
        #expect(
            lines([entry(.sourceRecovered(second, instances: 1))])
                == ["info discovery.recovered service=web source=\"2 of 2\" instances=1"])
        let first = JournalEvent.SourceTitle(number: 1, of: 2)
        #expect(
            lines([
                entry(.failedOver(from: first, to: second)),
                entry(.returning(first, after: .seconds(30))), entry(.failedBack(first)),
            ]) == [
                "warning discovery.failed_over service=web from=\"source 1 of 2\" "
                    + "to=\"source 2 of 2\" cause=\"no backend of source 1 of 2 is up any more: "
                    + "those of source 2 of 2 get the requests\"",
                "info discovery.returning service=web source=\"1 of 2\" after=\"30 s\" "
                    + "cause=\"a backend of source 1 of 2 is up again: it gets requests after 30 s "
                    + "of that\"",
                "info discovery.failed_back service=web source=\"1 of 2\" "
                    + "cause=\"backends of source 1 of 2 get the requests again\"",
            ])
        #expect(
            JournalEvent.sourceRecovered(title, instances: 1).description
                == "discovery works again and names 1 instance")
    }
}
