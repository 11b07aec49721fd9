// Goal: more requests than a limit lets through get 429 and the time to wait, by HTTP/1 and HTTP/2,
// over all workers and connections, before a backend has work with them; each is counted by reason
// and logged. Method: limits of a few requests an hour, so that no clock matters.

import AccessLog
import Backends
import Endpoints
import HTTP1
import Proxy
import RateLimits
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct RateTests {
    private func hourly(_ count: Int, _ scope: RateRule.Scope = .address) -> RateRule {
        RateRule(scope, count, per: .seconds(3600))
    }

    /// Runs `body` with a proxy whose listener has these limits, and believes its clients for whom
    /// they ask.
    private func withRates(
        _ rates: [RateRule], workers: Int = 1, log: AccessLog? = nil,
        _ edit: (inout ListenerOptions) -> Void = { _ in },
        _ body: (RunningProxy, Backend) throws -> Void
    ) throws {
        let backend = try Backend.replying(response("x"))
        let loopback = try #require(IPNetwork(containing: .loopback, prefix: 8))
        try withProxy([backend.port], workers: workers, accessLog: log) { options in
            options.listeners[0].policy.rates = rates
            options.listeners[0].policy.trustedProxies = [loopback]
            edit(&options.listeners[0])
        } _: { proxy in
            try body(proxy, backend)
        }
    }

    @Test("each client has its limit, then 429, and the time to wait, on a connection that stays")
    func address() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withRates([hourly(2)], log: log) { proxy, backend in
            let client = try proxy.connect()
            for (address, status) in [
                ("192.0.2.1", 200), ("192.0.2.1", 200), ("192.0.2.1", 429), ("192.0.2.2", 200),
                ("2001:db8::1", 200), ("2001:db8::2", 200), ("2001:db8::3", 429),
            ] {
                let answer = try client.get("/", "X-Forwarded-For: \(address)\r\n")
                #expect(answer.status == status, "\(address)")
                guard status == 429 else { continue }
                // Half an hour for one request, less what has passed since.
                let wait = try #require(answer.value("retry-after").flatMap { Int($0) })
                #expect(1...1800 ~= wait)
                #expect(answer.value("ratelimit-policy") == "\"address\";q=2;w=3600")
                #expect(answer.value("ratelimit") == "\"address\";r=0;t=\(wait)")
                #expect(answer.text == "More requests came than may: try again in a moment.\n")
            }
            #expect(proxy.listener[.limitedByListener] == 2)
            #expect(proxy.listener[.accepted] == 1)
            #expect(backend.requests.count == 5)
            #expect(proxy.service[.requests] == 5)
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        let limited = lines.filter { $0.contains("\"cause\":\"FL\"") }
        #expect(limited.count == 2 && limited.allSatisfy { $0.contains("\"status\":429,") })
    }

    @Test("HTTP/2 is answered alike, and has the same limit as HTTP/1")
    func http2() throws {
        try withRates([hourly(3)]) { proxy, _ in
            let client = try HTTP2Client(proxy.connect(), window: 65_535)
            let head = "GET / HTTP/1.1\nHost: a.test"
            #expect(try client.get(head).status == 200)
            #expect(try proxy.connect().get().status == 200)
            #expect(try client.get(head).status == 200)
            let answer = try client.get(head)
            #expect(answer.status == 429 && answer.value("retry-after") != nil)
            #expect(try proxy.connect().get().status == 429)
            #expect(proxy.listener[.http2Connections] == 1)
        }
    }

    @Test("workers let through one limit together")
    func workers() throws {
        try withRates([hourly(10)], workers: 4) { proxy, backend in
            var admitted = 0
            for _ in 0..<40 { admitted += try proxy.connect().get().status == 200 ? 1 : 0 }
            #expect(admitted == 10)
            #expect(backend.requests.count == 10)
        }
    }

    @Test("a limit is by the value of a field, or for all; without the field by address")
    func scopes() throws {
        try withRates([hourly(1, .field("x-key")), hourly(4, .all)]) { proxy, _ in
            let client = try proxy.connect()
            for (fields, status) in [
                ("X-Key: a\r\n", 200), ("x-key: a\r\n", 429), ("X-Key: b\r\n", 200),
                ("", 200), ("X-Key: \r\n", 429), ("X-Key: c\r\n", 200), ("X-Key: d\r\n", 429),
            ] {
                #expect(try client.get("/", fields).status == status, "\(fields)")
            }
            #expect(proxy.listener[.limitedByListener] == 3)
        }
    }

    @Test("a route's limit counts its requests alone, beside the listener's; health is free")
    func routes() throws {
        let service = RouteAction.forward(ServiceID(index: 0), prefix: nil)
        var login = RouteRule(service)
        login.path = .exact("/login")
        login.rates = [hourly(1)]
        var live = RouteRule(.respondHealth(.live))
        live.path = .exact("/live")
        var moved = RouteRule(
            .respond(FixedResponse(status: 200, contentType: "text/plain", body: [0x79])))
        moved.path = .exact("/fixed")
        let table = RouteTable([login, live, moved])
        try withRates([hourly(4)]) {
            $0.routes = table
        } _: { proxy, _ in
            let client = try proxy.connect()
            for (path, status) in [
                ("/login", 200), ("/live", 200), ("/login", 429), ("/", 200), ("/live", 200),
                ("/fixed", 200), ("/fixed", 429), ("/live", 200),
            ] {
                #expect(try client.get(path).status == status, "\(path)")
            }
            #expect(proxy.listener[.limitedByRoute] == 1)
            #expect(proxy.listener[.limitedByListener] == 1)
        }
    }

    @Test("clients of a crowd share what is left, and are counted")
    func crowd() throws {
        // Eight places, of which one is shared: a few of a hundred clients meet there.
        let rule = RateRule(.address, 1, per: .seconds(3600), clients: 1)
        try withRates([rule]) { proxy, _ in
            let client = try proxy.connect()
            var admitted = 0
            for index in 0..<100 {
                let answer = try client.get("/", "X-Forwarded-For: 192.0.2.\(index)\r\n")
                admitted += answer.status == 200 ? 1 : 0
            }
            #expect(admitted == 8)
            #expect(proxy.listener[.crowdedRequests] == 93)
            #expect(proxy.listener[.limitedByListener] == 92)
        }
    }

    @Test("tables go on with limits that are the same, for the same requests")
    func kept() throws {
        func rule(_ path: String, _ rates: [RateRule]) -> RouteRule {
            var rule = RouteRule(.forward(ServiceID(index: 0), prefix: nil))
            rule.path = .exact(path)
            rule.rates = rates
            return rule
        }
        let old = RouteTable([rule("/a", [hourly(1)]), rule("/b", [hourly(1)])])
        let table = RouteTable(
            [rule("/b", [hourly(2)]), rule("/c", [hourly(1)]), rule("/a", [hourly(1)])],
            keeping: old)
        for (tables, expected) in [(old, [200, 200]), (table, [429, 200, 200])] {
            try withRates([]) {
                $0.routes = tables
            } _: { proxy, _ in
                let client = try proxy.connect()
                for (path, status) in zip(["/a", "/b", "/c"], expected) {
                    #expect(try client.get(path).status == status, "\(path)")
                }
            }
        }
    }
}
