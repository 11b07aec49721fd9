// Goal: services, routes and options change while requests go on, and none of them notices. Method:
// a change is published between, and in the middle of, requests; the counters of a removed service,
// which only its pool keeps alive, show what it leaves behind.

import Backends
import Endpoints
import Events
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct ChangeTests {
    private func listener(_ service: Int?, _ rules: [RouteRule] = [], mode: ListenerMode = .http)
        -> ListenerOptions
    {
        var options = ListenerOptions.plain(
            0, on: Endpoint(.loopback, 0), mode, to: service.map { ServiceID(index: $0) })
        if !rules.isEmpty { options.routes = RouteTable(rules) }
        return options
    }

    private func forward(_ service: Int, _ prefix: String) -> RouteRule {
        var rule = RouteRule(.forward(ServiceID(index: service), prefix: nil))
        rule.path = .prefix(prefix)
        return rule
    }

    /// Adds a service with a backend on each of `ports`.
    private func add(_ service: Int, _ ports: [UInt16], to proxy: RunningProxy) {
        proxy.registry.addService(service)
        var change = ProxyChange()
        change.added = [.plain(ServiceID(index: service), "s\(service)")]
        proxy.workers.publish(change)
        proxy.publish(ports, service: service)
    }

    /// Changes the listener, and removes services, in one.
    private func change(
        _ proxy: RunningProxy, _ listener: ListenerOptions, removing removed: [Int] = []
    ) {
        var change = ProxyChange()
        change.listeners = [listener]
        change.removed = removed.map { ServiceID(index: $0) }
        proxy.workers.publish(change)
        for service in removed { proxy.registry.removeService(service) }
    }

    private struct Held {
        weak var block: ServiceCounters?
    }

    // MARK: - Under load

    @Test(
        "two hundred changes under load: no request fails, and nothing is left of what was removed")
    func load() throws {
        let backends = try (0..<2).map { try Backend.replying(response("\($0)")) }
        let clientCount = 4
        try withProxy([backends[0].port], workers: 2) { proxy in
            let load = Load { [port = proxy.port] number in
                let wire = try Wire(to: port)
                return {
                    let answer = try wire.get("/\(number)")
                    return answer.status == 200 && answer.value("connection") == nil
                        ? nil : answer.head
                }
            }
            try load.start(clients: clientCount)
            var held: [Held] = []
            for service in 1...200 {
                add(service, [backends[service % 2].port], to: proxy)
                held += (0..<2).map { Held(block: proxy.registry.service(service, worker: $0)) }
                // By turns by route and by default, and each time away from the one before.
                let next =
                    service % 3 == 0
                    ? listener(nil, [forward(service, "/")]) : listener(service)
                change(proxy, next, removing: service > 1 ? [service - 1] : [])
                try load.awaitMore(2 * clientCount)
            }
            try load.stop()
            #expect(load.failures == [])
            #expect(load.completed > 1600)
            // The last one stays; each other's pool is gone from both workers.
            try waitUntil("the removed services are let go") {
                held.dropLast(2).allSatisfy { $0.block == nil }
            }
            #expect(held.suffix(2).allSatisfy { $0.block != nil })
            // With their connections: those that are left are the last service's, and the first's.
            try waitUntil("their connections end") {
                backends.reduce(0) { $0 + $1.connections - $1.ended } <= 2 * clientCount
            }
            #expect(proxy.registry.serviceTotals(150) == ServiceTotals())
            #expect(proxy.registry.serviceTotals(200)[.requests] > 0)
        }
    }

    // MARK: - In flight

    @Test("a request in flight on a removed service finishes; its connection is not kept")
    func inFlight() throws {
        let gate = Gate()
        let old = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nfirst")
                gate.wait()
                try wire.send("-second")
            }
        }
        let new = try Backend.replying(response("new"))
        try withProxy([old.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try client.receive(through: "\r\n\r\nfirst")
            let held = Held(block: proxy.registry.service(0, worker: 0))
            add(1, [new.port], to: proxy)
            change(proxy, listener(1), removing: [0])
            #expect(try proxy.connect().get().text == "new")
            #expect(held.block?[.inFlight] == 1)
            gate.open()
            #expect(try client.receive(exactly: 7) == Array("-second".utf8))
            try waitUntil("its connection ends") { old.ended == 1 }
            try waitUntil("its service is let go") { held.block == nil }
            #expect(try client.get().text == "new")
        }
    }

    @Test("a request whose service is removed may still be retried on another of its backends")
    func retried() throws {
        let gate = Gate()
        let closing = try Backend { wire, backend in
            _ = try backend.next(wire)
            gate.wait()
        }
        let other = try Backend.replying(response("other"))
        let new = try Backend.replying(response("new"))
        try withProxy([closing.port, other.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the request is there") { closing.requests.count == 1 }
            add(1, [new.port], to: proxy)
            change(proxy, listener(1), removing: [0])
            #expect(try proxy.connect().get().text == "new")
            gate.open()
            #expect(try client.receiveResponse().text == "other")
            try waitUntil("no connection is kept") { other.ended == other.connections }
        }
    }

    @Test("free connections of a removed service are closed, and a late rotation has no effect")
    func idle() throws {
        let old = try Backend.replying(response("old"))
        let new = try Backend.replying(response("new"))
        try withProxy([old.port]) { proxy in
            let client = try proxy.connect()
            #expect(try client.get().text == "old")
            add(1, [new.port], to: proxy)
            change(proxy, listener(1), removing: [0])
            try waitUntil("the connection ends") { old.ended == 1 }
            proxy.publish([old.port])
            #expect(try client.get().text == "new")
            #expect(old.connections == 1)
        }
    }

    @Test("a TCP connection stays where it is, the next one follows the change")
    func tcp() throws {
        func echoing(_ name: String) throws -> Backend {
            try Backend { wire, _ in
                while let byte = try? wire.receive(exactly: 1) {
                    try wire.send(name + String(decoding: byte, as: UTF8.self))
                }
            }
        }
        let (old, new) = (try echoing("old"), try echoing("new"))
        try withProxy([old.port], mode: .tcp) { proxy in
            let first = try proxy.connect()
            try first.send("1")
            #expect(try first.receive(exactly: 4) == Array("old1".utf8))
            add(1, [new.port], to: proxy)
            change(proxy, listener(1, mode: .tcp), removing: [0])
            let second = try proxy.connect()
            try second.send("2")
            #expect(try second.receive(exactly: 4) == Array("new2".utf8))
            try first.send("3")
            #expect(try first.receive(exactly: 4) == Array("old3".utf8))
        }
    }

    // MARK: - Between requests

    @Test("new routes apply to the next request on a kept connection, even one half sent")
    func swap() throws {
        let backends = try ["a", "b"].map { try Backend.replying(response($0)) }
        try withProxy([backends[0].port]) { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/api").text == "a")
            add(1, [backends[1].port], to: proxy)
            #expect(try client.get("/api").text == "a", "no route names it yet")

            let half = try proxy.connect()
            try half.send("GET /api HTTP/1.1\r\nHo")
            change(proxy, listener(0, [forward(1, "/api")]))
            _ = try proxy.connect().get()
            #expect(try client.get("/api").text == "b")
            #expect(try client.get("/").text == "a")
            try half.send("st: a.test\r\n\r\n")
            #expect(try half.receiveResponse().text == "b")

            change(proxy, listener(nil, [forward(1, "/other")]))
            _ = try proxy.connect().get()
            #expect(try client.get("/api").status == 404)
            #expect(try client.get("/other").text == "b")
        }
    }

    @Test("a listener's new options apply from the next request on")
    func listenerOptions() throws {
        let backend = try Backend.replying(response("ok"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            let long = "X-Long: \(String(repeating: "a", count: 600))\r\n"
            #expect(try client.get("/", long).status == 200)
            var options = listener(0)
            options.policy.headLimits = HeadLimits(bytesMax: 512)
            options.policy.forwarding.via = "fl"
            change(proxy, options)
            #expect(try proxy.connect().get().status == 200)
            #expect(backend.requests.last?.value("via") == "1.1 fl")
            #expect(try client.get("/", long).status == 431)
            change(proxy, listener(0))
            #expect(try proxy.connect().get("/", long).status == 200)
        }
    }

    @Test("a service's new options apply at once, and its connections are kept")
    func serviceOptions() throws {
        let closing = try Backend { wire, backend in _ = try backend.next(wire) }
        let good = try Backend.replying(response("good"))
        try withProxy([closing.port, good.port]) { options in
            options.services[0].policy.retry.rule.attempts = 1
        } _: { proxy in
            let client = try proxy.connect()
            let before = try (0..<4).map { _ in try client.get().status }
            #expect(Set(before) == [200, 502])
            #expect(good.connections == 1)

            var change = ProxyChange()
            change.changed = [.plain(ServiceID(index: 0), "web")]
            proxy.workers.publish(change)
            _ = try proxy.connect().get()
            #expect(try (0..<4).map { _ in try client.get().status } == [200, 200, 200, 200])
            #expect(good.connections == 1)
        }
    }
}
