// Goal: a limit with `share: on` is divided among those that are registered in Consul under the
// name of this process, as soon as one comes, and stays divided while Consul is away. Method: the
// running program with a stand-in for an agent; limits of a few requests an hour.

import Admin
import Configuration
import Endpoints
import RateLimits
import TestBackend
import TestSupport
import Testing

@testable import Control

@Suite struct RateSharingTests {
    /// What the admin port shows of the division; nil where no limit is shared.
    private func shown(_ plane: RunningPlane) throws -> ShownRateShares? {
        try plane.perform { plane -> ShownRateShares? in
            plane.reports.snapshots.snapshot().rateShares
        }
    }

    private func wait(
        _ plane: RunningPlane, until what: String, _ condition: (ShownRateShares?) -> Bool
    ) throws {
        try waitUntil(what) { (try? condition(shown(plane))) ?? false }
    }

    @Test("it is divided by those that pass, told, and left as it is while Consul is away")
    func divides() throws {
        let agent = try ConsulStandIn()
        defer { agent.stop() }
        let backend = try TestBackend(TestBackendOptions(on: Endpoint(.loopback, 0), name: "web"))
        defer { backend.stop() }
        defer { RateShares.ofProcess.set(1) }
        func text(_ rate: String) -> String {
            """
            log-level: error
            consul: {agents: ["\(agent.target)"], register: {name: edge, port: 80}}
            services: {web: {backends: ["\(backend.endpoint)"]}}
            listeners: [{listen: "127.0.0.1:0", service: web, rate: \(rate)}]
            """
        }
        try withPlane(text("{limit: 8/h, by: all}")) { plane in
            // Nothing is followed while no limit is shared.
            let client = try plane.connect()
            #expect(try client.ask().status == 200)
            #expect(try shown(plane) == nil)
            #expect(!agent.seen.contains { $0.target.contains("/v1/health/service/edge") })

            agent.change { $0.register(.init("edge", id: "another", port: 80)) }
            try plane.apply(text("{limit: 8/h, by: all, share: on}"))
            try wait(plane, until: "two share") { $0?.count == 2 }
            let statuses = try (0..<5).map { _ in try client.ask().status }
            #expect(statuses == [200, 200, 200, 200, 429])
            let other = try plane.connect()
            try other.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            let head = try other.receive(through: "\r\n\r\n") ?? ""
            #expect(head.contains("RateLimit-Policy: \"all\";q=4;w=3600\r\n"), "\(head)")
            agent.change { $0.register(.init("edge", id: "third", port: 80)) }
            try wait(plane, until: "three share") { $0?.count == 3 }

            agent.change { $0.lie = .noLeader }
            try wait(plane, until: "it is told that Consul is away") {
                $0?.count == 3 && $0?.problem?.contains("3 processes") == true
            }
            agent.change { $0.lie = nil }
            try wait(plane, until: "it is back") { $0 != nil && $0?.problem == nil }
            let notes = try plane.perform { plane -> [String] in
                plane.reports.snapshots.snapshot().journal.map(\.text)
            }
            let change = "are divided among 3 processes (Consul service edge), 2 before"
            #expect(notes.contains { $0.contains(change) }, "\(notes)")
        }
    }
}
