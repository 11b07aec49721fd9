// Goal: what sources answer comes to the roster, without instances that are this process itself.
// Method: sources that answer what the test has them answer; a roster without workers' threads.

import Backends
import Endpoints
import Events
import HTTPClient
import Health
import InstanceSources
import Proxy
import Stats
import Testing

@testable import Control

/// A source that answers what a test has it answer.
private final class ScriptedSource: Source {
    let summary = "scripted"
    private var listener: ((DiscoveryAnswer) -> Void)?
    var isAsked: Bool { listener != nil }

    func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
    }

    func stop() { listener = nil }

    func answer(_ ports: UInt16...) {
        listener?(.instances(ports.map { Instance(Endpoint(.loopback, $0)) }))
    }
}

@Suite struct ServiceSourcesTests {
    private struct Fixture {
        let first = ScriptedSource()
        let second = ScriptedSource()
        let journal = Journal()
        let surroundings: ServiceSurroundings
        let roster: Roster
        let sources: ServiceSources

        init() throws {
            let loop = EventLoop()
            let registry = StatsRegistry(workers: 1, listeners: 0, services: 0)
            let workers = try ProxyWorkers(
                options: ProxyOptions(
                    workers: 1, sharesAddresses: false, pinsWorkers: false, listeners: [],
                    services: []),
                registry: registry, reports: Mailbox())
            surroundings = ServiceSurroundings(
                on: loop, HealthChecker(on: loop, client: HTTPClient(on: loop), rate: 100),
                registry, journal, workers, nil)
            roster = Roster(
                service: ServiceID(index: 0), places: 2, ids: BackendIDs(), journal: journal)
            sources = ServiceSources([first, second], of: "web", roster, in: surroundings)
        }

        var ports: [UInt16] { roster.backends.map(\.endpoint.port).sorted() }
    }

    @Test("answers come to the roster from the start on, and not after a stop")
    func running() throws {
        let fixture = try Fixture()
        var answers = 0
        fixture.sources.onAnswer = { answers += 1 }
        #expect(!fixture.first.isAsked && !fixture.sources.isRunning)
        fixture.sources.start()
        #expect(fixture.first.isAsked && fixture.second.isAsked && fixture.sources.isRunning)
        fixture.first.answer(1, 2)
        #expect(fixture.ports == [1, 2] && answers == 1)
        fixture.sources.stop()
        #expect(!fixture.first.isAsked && !fixture.second.isAsked && !fixture.sources.isRunning)
        #expect(fixture.ports == [1, 2], "what was answered stays")
    }

    @Test("an instance that is this process itself is left out, and journalled once")
    func own() throws {
        let fixture = try Fixture()
        fixture.surroundings.objections = { service in
            { $0.port == 9 ? "it is the admin port of \(service)" : nil }
        }
        fixture.sources.start()
        for _ in 0..<2 { fixture.first.answer(1, 9, 9) }
        #expect(fixture.ports == [1])
        let sentence = "127.0.0.1:9 is left out: it is the admin port of web"
        #expect(fixture.sources.leftOut.map(\.description) == [sentence])
        let notes = fixture.journal.entries.filter { "\($0.event)".contains("left out") }
        #expect(notes.map { "\($0.event)" } == ["web: \(sentence)"])
        fixture.first.answer(1)
        #expect(fixture.sources.leftOut.isEmpty)
    }

    @Test("new sources are asked in place of the old ones, and backends of both are kept")
    func replaced() throws {
        let fixture = try Fixture()
        fixture.sources.start()
        fixture.first.answer(1)
        let id = try #require(fixture.roster.backends.first?.id)
        let new = ScriptedSource()
        fixture.sources.replace(with: [new])
        #expect(!fixture.first.isAsked && !fixture.second.isAsked && new.isAsked)
        new.answer(1, 2)
        #expect(fixture.roster.backend(id)?.endpoint.port == 1)
        #expect(fixture.ports == [1, 2])
    }
}
