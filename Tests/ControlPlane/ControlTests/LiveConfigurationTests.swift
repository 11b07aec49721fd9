// Goal: documents that come while the program runs are read together; good ones are applied, and
// bad ones leave the last good ones in force, with a reason. Method: the test turns the loop;
// documents are the services of the configuration.

import Configuration
import Documents
import Events
import TestSupport
import Testing

@testable import Control

@Suite struct LiveConfigurationTests {
    /// What is read and applied, with a loop that the test turns.
    private final class Fixture {
        let loop = EventLoop()
        /// The documents of each reading.
        var readings: [[String]] = []
        /// The services of each configuration that was applied.
        var applied: [[String]] = []
        var refusal: ChangeRefusal?
        private(set) var live: LiveConfiguration?

        init() {
            live = LiveConfiguration(
                on: loop, origin: ConfigurationOrigin(),
                load: { [unowned self] (_, documents, _) throws(ConfigurationErrors) in
                    readings.append(documents.map(\.document.text))
                    return try Self.load(documents)
                },
                apply: { [unowned self] (new) throws(ChangeRefusal) in
                    if let refusal { throw refusal }
                    applied.append(new.services.map(\.name))
                    var change = try ConfigurationChange(from: new, to: new)
                    change.added = new.services
                    return change
                },
                log: { Log(level: .error) })
        }

        /// Each document is the text of a service.
        private static func load(_ documents: [ConfigurationFragment]) throws(ConfigurationErrors)
            -> LoadedConfiguration
        {
            let text =
                "services:\n  own: {srv: _own.test}\n"
                + documents.map { "  \($0.document.text)\n" }.joined()
                + "listeners: [{name: web, listen: \"127.0.0.1:0\", service: own}]\n"
            return try ConfigurationLoader.load(
                file: NamedText(name: "test.yaml", text: text), processorCount: 1)
        }

        func set(_ texts: [String], from source: String) {
            live?.set(
                texts.map { ConfigurationFragment(.routes, NamedText(name: source, text: $0)) },
                from: source)
        }

        /// Turns the loop until so many readings were made.
        func turn(readings count: Int) throws {
            var isLate = false
            let timer = Timer(on: loop) { isLate = true }
            timer.schedule(after: safetyLimit)
            while readings.count < count, !isLate { loop.runOnce(waiting: true) }
            timer.cancel()
            try #require(readings.count == count)
        }
    }

    @Test("a burst is read once, as a whole, sorted by source")
    func burst() throws {
        let fixture = Fixture()
        for number in 0..<20 { fixture.set(["b\(number): {srv: _b.test}"], from: "kv") }
        fixture.set(["a: {srv: _a.test}", "c: {srv: _c.test}"], from: "catalog")
        #expect(fixture.readings.isEmpty, "not at once")
        try fixture.turn(readings: 1)
        #expect(
            fixture.readings == [
                ["a: {srv: _a.test}", "c: {srv: _c.test}", "b19: {srv: _b.test}"]
            ])
        #expect(fixture.applied == [["own", "a", "c", "b19"]])
        #expect(fixture.live?.outcome.applied == 1 && fixture.live?.outcome.lastRefusal == nil)

        fixture.set([], from: "catalog")
        try fixture.turn(readings: 2)
        #expect(fixture.applied.last == ["own", "b19"])
    }

    @Test("an invalid document leaves the last good configuration, with place and reason")
    func invalid() throws {
        let fixture = Fixture()
        fixture.set(["a: {srv: _a.test}"], from: "kv")
        try fixture.turn(readings: 1)
        fixture.set(["a: {srv: _a.test, chek: off}", "b: {balance: no}"], from: "kv")
        try fixture.turn(readings: 2)
        #expect(fixture.applied.count == 1)
        let live = try #require(fixture.live)
        #expect(live.outcome.refused == 1 && live.outcome.applied == 1 && live.outcome.isRefusing)
        let refusal = try #require(live.outcome.lastRefusal)
        #expect(refusal.sources == ["kv"])
        #expect(refusal.reasons.count >= 2)
        #expect(refusal.reasons.first?.hasPrefix("test.yaml:3:") == true)
        #expect(refusal.reasons.first?.contains("chek") == true)

        // Back to what was good: nothing is refused any more, but it is not forgotten.
        fixture.set(["a: {srv: _a.test}"], from: "kv")
        try fixture.turn(readings: 3)
        #expect(
            !live.outcome.isRefusing && live.outcome.applied == 2
                && live.outcome.lastRefusal == refusal)
    }

    @Test("what needs a restart is refused in the same way")
    func refused() throws {
        let fixture = Fixture()
        fixture.refusal = ChangeRefusal(reasons: [.init(key: "workers", why: "threads")])
        fixture.set(["a: {srv: _a.test}"], from: "kv")
        fixture.set(["b: {srv: _b.test}"], from: "catalog")
        try fixture.turn(readings: 1)
        #expect(fixture.live?.outcome.lastRefusal?.sources == ["catalog", "kv"])
        #expect(
            fixture.live?.outcome.lastRefusal?.reasons == [
                "workers: can't be changed while it runs: threads"
            ])
    }

    @Test("unchanged documents are not read again, and nothing is read after the end")
    func same() throws {
        let fixture = Fixture()
        fixture.set(["a: {srv: _a.test}"], from: "kv")
        try fixture.turn(readings: 1)
        fixture.set(["a: {srv: _a.test}"], from: "kv")
        fixture.set([], from: "catalog")
        fixture.set(["b: {srv: _b.test}"], from: "kv")
        fixture.live?.stop()
        var isOver = false
        let timer = Timer(on: fixture.loop) { isOver = true }
        timer.schedule(after: LiveConfiguration.delay * 3)
        while !isOver { fixture.loop.runOnce(waiting: true) }
        #expect(fixture.readings.count == 1)
    }
}
