// Goal: a running program applies another configuration without dropping a request, and keeps what
// both configurations have. Method: the control plane with workers, backends and a nameserver on
// real sockets.

import Admin
import Backends
import Configuration
import Endpoints
import Stats
import TestBackend
import TestSupport
import Testing

@testable import Control

@Suite struct ApplyTests {
    /// Runs `body` with two servers, which answer with their names.
    private func withBackends(_ body: (TestBackend, TestBackend) throws -> Void) throws {
        let backends = try ["first", "second"].map { name in
            try TestBackend(TestBackendOptions(on: Endpoint(.loopback, 0), name: name))
        }
        defer { for backend in backends { backend.stop() } }
        try body(backends[0], backends[1])
    }

    /// A listener, and services that are written behind each other.
    private func text(_ services: String, _ listener: String = "service: a") -> String {
        """
        log-level: error
        stop-timeout: 10s
        services:
        \(services)
        listeners:
          - {name: web, listen: "127.0.0.1:0", \(listener)}

        """
    }

    /// A service with these backends.
    private func service(_ name: String, _ backends: [TestBackend], _ more: String = "") -> String {
        let list = backends.map { "\"\($0.endpoint)\"" }.joined(separator: ", ")
        return "  \(name): {backends: [\(list)]\(more)}\n"
    }

    /// Every body in so many answers on one connection.
    private func bodies(_ plane: RunningPlane, _ path: String = "/", count: Int = 6) throws -> Set<
        String
    > {
        let wire = try plane.connect()
        return Set(
            try (0..<count).map { _ in
                let answer = try wire.ask(path)
                return answer.status == 200 ? answer.body : "\(answer.status)"
            })
    }

    // MARK: - Under load

    @Test("services, sources and routes change a hundred times under load, and no request fails")
    func load() throws {
        try withBackends { first, second in
            let a = service("a", [first])
            let b = service("b", [second])
            let steps = [
                text(service("a", [second])), text(service("a", [first, second])),
                text(a + b, "service: b"),
                text(a + b, "service: a, routes: [{path-prefix: /, service: b}]"),
                text(service("c", [first]), "service: c"),
                text(a, "routes: [{path-prefix: /, service: a}]"),
                text(service("a", [first], ", check: {type: off}, retry: {attempts: 2}")),
                text(a),
            ]
            try withPlane(text(a)) { plane in
                let load = Load { [port = plane.ports[0]] _ in
                    let wire = try Wire(to: port)
                    return {
                        let answer = try wire.ask()
                        return answer.status == 200 ? nil : "\(answer)"
                    }
                }
                try load.start(clients: 4)
                for number in 0..<100 {
                    try plane.apply(steps[number % steps.count])
                    try load.awaitMore(8)
                }
                try plane.apply(text(a))
                try load.stop()
                #expect(load.failures == [])
                try plane.wait(until: "what was removed is forgotten") {
                    $0.services.retiredCount == 0
                }
                let services = try plane.perform { $0.reports.snapshots.snapshot().services }
                #expect(services.map(\.name) == ["a"])
                #expect(services.map(\.totals[.inFlight]) == [0])
                #expect(services.first?.backends.contains { $0.isInRotation } == true)
            }
        }
    }

    // MARK: - Make before break

    @Test("requests go to a new service once it has a backend, and to the old one until then")
    func makeBeforeBreak() throws {
        let dns = try Nameserver()
        defer { dns.stop() }
        try withBackends { first, second in
            let head = "dns: {servers: [\"\(dns.endpoint)\"]}\n"
            let old = head + text(service("a", [first]))
            let new = head + text("  b: {srv: _b.test, refresh: {floor: 100ms}}\n", "service: b")
            try withPlane(old) { plane in
                let wire = try plane.connect()
                #expect(try wire.ask().body == "first")
                let id = try plane.perform { plane in
                    plane.running.publisher.wait?.limit = safetyLimit
                    return plane.services["a"]?.id.index ?? -1
                }
                let change = try plane.apply(new)
                #expect(change.added.map(\.name) == ["b"] && change.removed == ["a"])
                try plane.wait(until: "the new one has asked") {
                    $0.services["b"]?.roster.sources[0].lastFailure != nil
                }
                #expect(try wire.ask().body == "first")
                #expect(
                    try plane.perform { $0.running.publisher.published.entries[0].settings.service }
                        == "a")
                #expect(
                    try plane.perform { $0.reports.snapshots.snapshot().services.map(\.name) } == [
                        "b"
                    ])

                try dns.add(second.endpoint.port, of: "_b.test")
                try plane.wait(until: "the new one is published") {
                    $0.running.publisher.published.entries[0].settings.service == "b"
                }
                #expect(try bodies(plane) == ["second"])
                #expect(try wire.ask().body == "second")
                try plane.wait(until: "the old one is forgotten") { $0.services.retiredCount == 0 }
                #expect(
                    try plane.perform { $0.reports.traffic.registry.serviceTotals(id) }
                        == ServiceTotals())
            }
        }
    }

    @Test("a new service that finds no backend gets its requests after the limit")
    func limit() throws {
        let dns = try Nameserver()
        defer { dns.stop() }
        try withBackends { first, _ in
            let head = "dns: {servers: [\"\(dns.endpoint)\"]}\n"
            try withPlane(head + text(service("a", [first]))) { plane in
                try plane.perform { $0.running.publisher.wait?.limit = .milliseconds(50) }
                try plane.apply(head + text("  b: {srv: _b.test}\n", "service: b"))
                try plane.wait(until: "it is published all the same") {
                    $0.running.publisher.published.entries[0].settings.service == "b"
                }
                #expect(try bodies(plane) == ["503"])
            }
        }
    }

    @Test("a service that comes back before its listener has drained keeps its backends")
    func resurrected() throws {
        let dns = try Nameserver()
        defer { dns.stop() }
        try withBackends { first, _ in
            let head = "dns: {servers: [\"\(dns.endpoint)\"]}\n"
            let old = head + text(service("a", [first]))
            try withPlane(old) { plane in
                #expect(try bodies(plane) == ["first"])
                try plane.perform { $0.running.publisher.wait?.limit = safetyLimit }
                let before = try plane.perform { $0.services["a"]?.id }
                let backends = try plane.perform { $0.services["a"]?.roster.backends.map(\.id) }
                try plane.apply(head + text("  b: {srv: _b.test}\n", "service: b"))
                #expect(try plane.perform { $0.services.leaving.map(\.name) } == ["a"])
                try plane.apply(old)
                #expect(try bodies(plane) == ["first"])
                #expect(try plane.perform { $0.services["a"]?.id } == before)
                #expect(
                    try plane.perform { $0.services["a"]?.roster.backends.map(\.id) } == backends)
                try plane.wait(until: "the other is forgotten") { $0.services.retiredCount == 0 }
                #expect(try plane.perform { $0.services.leaving.count } == 0)
            }
        }
    }

    // MARK: - Carrying on

    @Test(
        "options change under the same backends",
        arguments: [
            ", retry: {attempts: 1}", ", timeouts: {connect: 5s}", ", check: {interval: 5s}",
            ", check: {rise: 9}", ", check: {type: off}", ", check: {path: /health}",
        ])
    func options(more: String) throws {
        try withBackends { first, second in
            try withPlane(text(service("a", [first, second]))) { plane in
                try plane.wait(until: "both are up") { $0.services["a"]?.roster.upCount == 2 }
                #expect(try bodies(plane) == ["first", "second"])
                let before = try plane.perform { $0.services["a"]?.roster.backends ?? [] }
                let routes = try plane.perform { $0.services["a"]?.roster.rotation.generation }
                let change = try plane.apply(text(service("a", [first, second], more)))
                #expect(change.changed.map(\.sources) == [false])
                let after = try plane.perform { $0.services["a"]?.roster.backends ?? [] }
                #expect(after.map(\.id) == before.map(\.id))
                #expect(after.map(\.state.since) == before.map(\.state.since))
                #expect(
                    try plane.perform { $0.services["a"]?.roster.rotation.generation } == routes)
                #expect(try bodies(plane) == ["first", "second"])
                // Counters go on.
                let totals = try plane.perform { plane in
                    before.map { plane.reports.traffic.registry.backendTotals($0.id.rawValue) }
                }
                #expect(totals.reduce(0) { $0 + $1[.requests] } == 12)
                let journal = try plane.perform {
                    $0.reports.snapshots.snapshot().journal.map(\.text)
                }
                #expect(journal.contains("its options were changed"))
            }
        }
    }

    @Test("a changed check applies to the same backends, and without one they are up")
    func checks() throws {
        try withBackends { first, second in
            func checked(_ check: String) -> String {
                text(
                    service("a", [first, second], ", check: {interval: 100ms, fall: 1, \(check)}"))
            }
            try withPlane(checked("path: /health")) { plane in
                let ids = { try plane.perform { $0.services["a"]?.roster.backends.map(\.id) } }
                let before = try ids()
                for round in 0..<2 {
                    try plane.wait(until: "both are up") { $0.services["a"]?.roster.upCount == 2 }
                    try plane.apply(checked("path: /status/500"))
                    try plane.wait(until: "both are down") {
                        $0.services["a"]?.roster.upCount == 0
                    }
                    try plane.apply(checked(round == 0 ? "path: /health" : "type: off"))
                }
                #expect(try plane.perform { $0.services["a"]?.roster.upCount } == 2)
                #expect(try ids() == before)
                #expect(try bodies(plane) == ["first", "second"])
                #expect(try plane.perform { $0.services["a"]?.roster.checkTargets } == [])
            }
        }
    }

    @Test("a changed source keeps the backend that both name, and drains the other")
    func source() throws {
        try withBackends { first, second in
            try withPlane(text(service("a", [first]))) { plane in
                try plane.wait(until: "it is up") { $0.services["a"]?.roster.upCount == 1 }
                #expect(try bodies(plane) == ["first"])
                let id = try plane.perform { $0.services["a"]?.roster.backends.first?.id }
                try plane.apply(text(service("a", [first, second])))
                #expect(try plane.perform { $0.services["a"]?.roster.backends.first?.id } == id)
                try plane.wait(until: "both are up") { $0.services["a"]?.roster.upCount == 2 }
                #expect(try bodies(plane) == ["first", "second"])
                try plane.apply(text(service("a", [second])))
                #expect(try bodies(plane) == ["second"])
                let journal = try plane.perform {
                    $0.reports.snapshots.snapshot().journal.map(\.text)
                }
                #expect(journal.filter { $0 == "its sources were changed" }.count == 2)
            }
        }
    }

    @Test("a request in flight on a removed service finishes, and then its counters end")
    func inFlight() throws {
        try withBackends { first, second in
            try withPlane(text(service("a", [first]))) { plane in
                let wire = try plane.connect()
                try wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nhe")
                let held = Held()
                try plane.perform { held.control = $0.services["a"] }
                let id = try plane.perform { $0.services["a"]?.id.index ?? -1 }
                try plane.wait(until: "it is under way") {
                    $0.reports.traffic.registry.serviceTotals(id)[.inFlight] == 1
                }
                try plane.apply(text(service("b", [second]), "service: b"))
                #expect(try bodies(plane) == ["second"])
                #expect(try plane.perform { $0.services.retiredCount } == 1)
                #expect(
                    try plane.perform { $0.reports.traffic.registry.serviceTotals(id)[.inFlight] }
                        == 1)
                #expect(held.control != nil)
                try wire.send("re")
                #expect(try wire.readResponse() == (200, "here"))
                try plane.wait(until: "it is forgotten") { $0.services.retiredCount == 0 }
                #expect(try plane.perform { _ in held.control == nil })
                #expect(
                    try plane.perform { $0.reports.traffic.registry.serviceTotals(id) }
                        == ServiceTotals())
                // The journal still knows whom it spoke of.
                let entries = try plane.perform { $0.reports.snapshots.snapshot().journal }
                #expect(
                    entries.contains { $0.service == "a" && $0.text == "the service was removed" })
                #expect(
                    entries.contains { $0.service == "b" && $0.text == "the service was added" })
            }
        }
    }

    // MARK: - Refusals

    @Test("a refused configuration changes nothing")
    func refused() throws {
        try withBackends { first, second in
            let old = text(service("a", [first]))
            try withPlane(old) { plane in
                let other = text(service("a", [second])) + "dns: {timeout: 9s}\n"
                let refusal = try #require(throws: ChangeRefusal.self) { try plane.apply(other) }
                #expect(refusal.reasons.map(\.key) == ["dns"])
                #expect(try bodies(plane) == ["first"])
                let running = try configuration(old)
                #expect(try plane.perform { $0.running.current == running })
                #expect(throws: ChangeRefusal.self) {
                    try plane.perform { plane in
                        plane.drain()
                        try plane.running.apply(running)
                    }
                }
            }
        }
    }

    // MARK: - An operator's word

    @Test("a backend that the K/V store drains gets no request until that is taken back")
    func overrides() throws {
        try withBackends { first, second in
            let a = service("a", [first, second])
            try withPlane(text(a)) { plane in
                try plane.apply(text(a), adding: [("backends/a/\(first.endpoint)", "drain: on")])
                #expect(try bodies(plane) == ["second"])
                let shown = try plane.perform {
                    $0.reports.snapshots.snapshot().services.first?.backends.first
                }
                #expect(shown?.state == .draining && shown?.cause == "drained by an operator")
                let weight = [("backends/a/\(first.endpoint)", "weight: 7")]
                try plane.apply(text(a), adding: weight.map { (key: $0.0, text: $0.1) })
                try plane.wait(until: "both are up") { $0.services["a"]?.roster.upCount == 2 }
                // Every worker's turns come round after eight.
                #expect(try bodies(plane, count: 16) == ["first", "second"])
                let weighed = try plane.perform {
                    $0.reports.snapshots.snapshot().services.first?.backends.first
                }
                #expect(weighed?.weight == 7)
                try plane.apply(text(a))
                let free = try plane.perform {
                    $0.reports.snapshots.snapshot().services.first?.backends.first
                }
                #expect(free?.weight == 1)
                #expect(try bodies(plane) == ["first", "second"])
            }
        }
    }

    @Test("a service that comes later gets the overrides that were there before it")
    func laterOverrides() throws {
        try withBackends { first, second in
            let a = service("a", [first, second])
            try withPlane(text(a)) { plane in
                try plane.apply(
                    text(a + service("b", [first, second]), "service: b"),
                    adding: [("backends/b/\(first.endpoint)", "drain: on")])
                #expect(try bodies(plane) == ["second"])
            }
        }
    }
}

/// Whether a service is still there. On the control thread only.
private final class Held: @unchecked Sendable {
    weak var control: ServiceControl?
}
