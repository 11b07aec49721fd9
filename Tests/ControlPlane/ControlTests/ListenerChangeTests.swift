// Goal: listeners come, go and change while others serve, and no connection is refused or lost.
// Method: the control plane with workers and backends on real sockets; what is under way is held by
// a request whose body the test has not sent yet.

import Admin
import Configuration
import Endpoints
import Events
import Stats
import TestBackend
import TestSupport
import Testing

@testable import Control

@Suite struct ListenerChangeTests {
    /// Runs `body` with two servers, which answer with their names.
    private func withBackends(_ body: (TestBackend, TestBackend) throws -> Void) throws {
        let backends = try ["first", "second"].map { name in
            try TestBackend(TestBackendOptions(on: Endpoint(.loopback, 0), name: name))
        }
        defer { for backend in backends { backend.stop() } }
        try body(backends[0], backends[1])
    }

    /// Services `a` and `b` on those, and these listeners.
    private func text(
        _ first: TestBackend, _ second: TestBackend, _ listeners: [String],
        stopTimeout: String = "60s"
    ) -> String {
        """
        log-level: error
        stop-timeout: \(stopTimeout)
        services:
          a: {backends: ["\(first.endpoint)"]}
          b: {backends: ["\(second.endpoint)"]}
        listeners:
        \(listeners.map { "  - {\($0)}\n" }.joined())
        """
    }

    private let web = "name: web, listen: \"127.0.0.1:0\", service: a"

    /// Where the listener of this name is.
    private func port(_ name: String, _ plane: RunningPlane) throws -> UInt16 {
        let port = try plane.perform { plane in
            plane.running.publisher.published.entries.first { $0.settings.name == name }?.endpoint
                .port
        }
        return try #require(port, "no listener \(name)")
    }

    /// A request whose last two bytes are still to come; its service's number is 0.
    private func begin(_ port: UInt16, _ plane: RunningPlane) throws -> Wire {
        let wire = try Wire(to: port)
        try wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nhe")
        try plane.wait(until: "it is under way") {
            $0.reports.traffic.registry.serviceTotals(0)[.inFlight] == 1
        }
        return wire
    }

    @Test("a new listener accepts, and a removed one finishes what is under way")
    func comesAndGoes() throws {
        try withBackends { first, second in
            let more = "name: more, listen: \"127.0.0.1:0\", service: b"
            try withPlane(text(first, second, [web])) { plane in
                let kept = try plane.connect()
                #expect(try kept.ask().body == "first")
                let change = try plane.apply(text(first, second, [web, more]))
                #expect(change.addedListeners == ["more"])
                let morePort = try port("more", plane)
                #expect(try Wire(to: morePort).ask().body == "second")
                let shown = try plane.perform {
                    $0.reports.snapshots.snapshot().listeners.map(\.name)
                }
                #expect(shown == ["web", "more"])

                let held = try begin(plane.ports[0], plane)
                let unused = try Wire(to: plane.ports[0])
                try plane.apply(text(first, second, [more]))
                try plane.wait(until: "it accepts no more") { [port = plane.ports[0]] _ in
                    (try? Wire(to: port)) == nil
                }
                #expect(try unused.receiveToEnd().bytes == [])
                #expect(try kept.receiveToEnd().bytes == [])
                #expect(
                    try plane.perform { $0.running.publisher.published.closing.map(\.name) } == [
                        "web"
                    ])
                try plane.wait(until: "only that is left") {
                    $0.reports.traffic.registry.listenerTotals(0)[.open] == 1
                }
                try held.send("re")
                #expect(try held.readResponse() == (200, "here"))
                #expect(try held.receiveToEnd().bytes == [])
                try plane.wait(until: "it is forgotten") {
                    $0.running.publisher.published.closing.isEmpty
                }
                #expect(
                    try plane.perform { $0.reports.traffic.registry.listenerTotals(0) }
                        == ListenerTotals())
                #expect(try Wire(to: morePort).ask().body == "second")
            }
        }
    }

    @Test("requests under way on a removed listener end after the drain limit")
    func limit() throws {
        try withBackends { first, second in
            let more = "name: more, listen: \"127.0.0.1:0\", service: b"
            try withPlane(text(first, second, [web, more], stopTimeout: "50ms")) { plane in
                let held = try begin(plane.ports[0], plane)
                try plane.apply(text(first, second, [more], stopTimeout: "50ms"))
                _ = try held.receiveToEnd()
                try plane.wait(until: "it is forgotten") {
                    $0.running.publisher.published.closing.isEmpty
                }
            }
        }
    }

    @Test("a service that only a removed listener names stays until the listener has drained")
    func service() throws {
        try withBackends { first, second in
            let more = "name: more, listen: \"127.0.0.1:0\", service: b"
            try withPlane(text(first, second, [web, more])) { plane in
                let held = try begin(plane.ports[0], plane)
                try plane.apply(
                    """
                    log-level: error
                    stop-timeout: 60s
                    services: {b: {backends: ["\(second.endpoint)"]}}
                    listeners: [{\(more)}]

                    """)
                #expect(try plane.perform { $0.services.leaving.map(\.name) } == ["a"])
                try held.send("re")
                #expect(try held.readResponse() == (200, "here"))
                try plane.wait(until: "it may go") { $0.services.leaving.isEmpty }
                try plane.wait(until: "it is forgotten") { $0.services.retiredCount == 0 }
            }
        }
    }

    @Test(
        "an address that moves between listeners is listened on all the while",
        arguments: [
            ("name: web, mode: http, service: a", "name: web, mode: tcp, service: b"),
            ("name: web, mode: tcp, service: a", "name: site, mode: http, service: b"),
        ])
    func handedOver(before: String, after: String) throws {
        try withBackends { first, second in
            try withPlane(text(first, second, [web])) { plane in
                let port = try freePort()
                let listen = "listen: \"127.0.0.1:\(port)\""
                try plane.apply(text(first, second, [web, "\(listen), \(before)"].map(named)))
                let load = Load { _ in
                    {
                        // The listener that goes may close a connection before its first request.
                        for _ in 0..<100 {
                            let wire = try Wire(to: port)
                            if let answer = try? wire.ask() {
                                return answer.status == 200 ? nil : "\(answer)"
                            }
                        }
                        return "no answer"
                    }
                }
                try load.start(clients: 2)
                for round in 0..<20 {
                    try load.awaitMore(4)
                    let settings = round % 2 == 0 ? after : before
                    try plane.apply(
                        text(first, second, [web, "\(listen), \(settings)"].map(named)))
                    let body = round % 2 == 0 ? "second" : "first"
                    try plane.wait(until: "the workers know") { _ in
                        (try? Wire(to: port).ask().body) == body
                    }
                }
                try load.stop()
                #expect(load.failures == [])
                try plane.wait(until: "the old ones are forgotten") {
                    $0.running.publisher.published.closing.isEmpty
                }
                #expect(try plane.perform { $0.running.publisher.published.entries.count } == 2)
            }
        }
    }

    /// Two listeners of one name would not do.
    private func named(_ listener: String) -> String {
        listener == web ? listener.replacing("name: web", "name: base") : listener
    }

    @Test("a listener that moves to another address keeps its counters")
    func moved() throws {
        try withBackends { first, second in
            try withPlane(text(first, second, [web])) { plane in
                #expect(try plane.connect().ask().body == "first")
                let port = try freePort()
                let moved = "name: web, listen: \"127.0.0.1:\(port)\", service: b"
                try plane.apply(text(first, second, [moved]))
                #expect(try Wire(to: port).ask().body == "second")
                try plane.wait(until: "the old one is forgotten") {
                    $0.running.publisher.published.closing.isEmpty
                }
                let shown = try plane.perform { $0.reports.snapshots.snapshot().listeners }
                #expect(shown.map(\.name) == ["web"])
                #expect(shown.map(\.endpoint.port) == [port])
                #expect(shown.map(\.totals[.accepted]) == [2])
                // A wider address of the same port, while the narrow one is still this process's.
                let wide = "name: web, listen: \":\(port)\", service: a"
                try plane.apply(text(first, second, [wide]))
                try plane.wait(until: "the workers know") { _ in
                    (try? Wire(to: port).ask().body) == "first"
                }
            }
        }
    }

    @Test("an address in use refuses the whole change, and nothing is left open")
    func taken() throws {
        try withBackends { first, second in
            try withPlane(text(first, second, [web])) { plane in
                let free = try freePort()
                let other = text(
                    first, second,
                    [
                        "name: web, listen: \"127.0.0.1:0\", service: b",
                        "name: free, listen: \"127.0.0.1:\(free)\", service: a",
                        "name: more, listen: \"\(second.endpoint)\", service: a",
                    ])
                let refusal = try #require(throws: ChangeRefusal.self) { try plane.apply(other) }
                #expect(
                    "\(refusal)"
                        == "listeners.more.listen: cannot listen on \(second.endpoint): "
                        + "\(Errno.addressInUse): something else listens there; stop it or choose "
                        + "another port")
                #expect(try plane.connect().ask().body == "first")
                #expect(throws: (any Error).self) { try Wire(to: free) }
                #expect(try plane.perform { $0.running.publisher.sockets.names.isEmpty })
                // What was refused does not stand in the way of the next.
                try plane.apply(
                    text(
                        first, second,
                        [web, "name: free, listen: \"127.0.0.1:\(free)\", service: b"]))
                #expect(try Wire(to: free).ask().body == "second")
            }
        }
    }

    @Test("waiting addresses are reused by the next change, or closed")
    func waiting() throws {
        let dns = try Nameserver()
        defer { dns.stop() }
        try withBackends { first, second in
            func late(_ listeners: [String]) -> String {
                "dns: {servers: [\"\(dns.endpoint)\"]}\n"
                    + text(first, second, [web] + listeners).replacing(
                        "listeners:", "  c: {srv: _c.test, refresh: {floor: 100ms}}\nlisteners:")
            }
            let port = try freePort()
            let waiting = "listen: \"127.0.0.1:\(port)\", service: c"
            try withPlane(late([])) { plane in
                try plane.perform { $0.running.publisher.wait?.limit = safetyLimit }
                try plane.apply(late(["name: one, \(waiting)"]))
                let client = try Wire(to: port)
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                try plane.apply(late(["name: two, \(waiting)"]))
                #expect(try plane.perform { $0.running.publisher.sockets.names } == ["two"])
                try dns.add(second.endpoint.port, of: "_c.test")
                #expect(try client.readResponse() == (200, "second"))
                #expect(try plane.perform { $0.running.publisher.sockets.names.isEmpty })
                try plane.apply(late([]))

                let other = "name: three, listen: \"127.0.0.1:\(try freePort())\", service: d"
                let nowhere = late([other]).replacing(
                    "listeners:", "  d: {srv: _d.test}\nlisteners:")
                try plane.apply(nowhere)
                #expect(try plane.perform { $0.running.publisher.sockets.names.count } == 1)
                try plane.apply(late([]))
                #expect(try plane.perform { $0.running.publisher.sockets.names.isEmpty })
                try plane.apply(nowhere)
            }
        }
    }
}
