// Goal: who may not come by `allow` and `deny` gets 403 before anything else is said, by HTTP/1 and
// HTTP/2, on a connection that stays; TCP gets a reset; each is counted by reason and logged. The
// client is whom a trusted proxy names, and nobody else's word counts. Method: one client that is a
// trusted proxy, or none, and says for whom it asks.

import Access
import AccessLog
import Backends
import Endpoints
import Events
import HTTP1
import Locking
import Proxy
import ProxyProtocol
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct AdmissionTests {
    /// `10.0.0.0/8`, or an address.
    private func network(_ text: String) throws -> IPNetwork {
        let parts = text.split(separator: "/")
        let address = try #require(IPAddress(parts[0]))
        let prefix = parts.count > 1 ? Int(parts[1]) : address.bitWidth
        return try #require(IPNetwork(containing: address, prefix: prefix ?? -1))
    }

    private func rules(allow: [String] = [], deny: [String] = []) throws -> AddressRules {
        var rules = AddressRules()
        rules.allowed = try allow.map(network)
        rules.denied = try deny.map(network)
        return rules
    }

    /// Runs `body` with a proxy whose listener has `rules`, and believes clients of loopback what
    /// they say of their own.
    private func withRules(
        _ rules: AddressRules, mode: ListenerMode = .http, believes: Bool = true,
        log: AccessLog? = nil, _ edit: (inout ListenerOptions) -> Void = { _ in },
        _ body: (RunningProxy, Backend) throws -> Void
    ) throws {
        let backend = try Backend.replying(response("x"))
        let loopback = try network("127.0.0.0/8")
        let inner = try network("10.0.0.0/24")
        try withProxy([backend.port], mode: mode, accessLog: log) { options in
            options.listeners[0].policy.access = rules
            if believes { options.listeners[0].policy.trustedProxies = [loopback, inner] }
            edit(&options.listeners[0])
        } _: { proxy in
            try body(proxy, backend)
        }
    }

    private func route(
        _ action: RouteAction, _ path: PathPattern, _ rules: AddressRules = AddressRules()
    ) -> RouteRule {
        var rule = RouteRule(action)
        rule.path = path
        rule.access = rules
        return rule
    }

    @Test("each client gets in or 403, as the smallest network that it is in says")
    func listener() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        let rules = try rules(allow: ["192.0.2.0/24", "2001:db8::/32"], deny: ["192.0.2.128/25"])
        try withRules(rules, log: log) { proxy, backend in
            let client = try proxy.connect()
            for (address, status) in [
                ("192.0.2.1", 200), ("192.0.2.200", 403), ("192.0.2.1:5555", 200),
                ("[2001:db8::1]:80", 200), ("2001:db9::1", 403), ("198.51.100.1", 403),
            ] {
                let answer = try client.get("/", "X-Forwarded-For: \(address)\r\n")
                #expect(answer.status == status, "\(address)")
                #expect(answer.value("connection") == nil)
                if status == 403 { #expect(answer.text == "Your address may not come here.\n") }
            }
            // The proxy itself is a client like any other.
            #expect(try client.get("/").status == 403)
            #expect(proxy.listener[.deniedByListener] == 4)
            #expect(proxy.listener[.accepted] == 1)
            #expect(backend.requests.count == 3)
            #expect(proxy.service[.requests] == 3)
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 7)
        let denied = lines.filter { $0.contains("\"cause\":\"CD\"") }
        #expect(denied.count == 4)
        #expect(denied.allSatisfy { $0.contains("\"status\":403,") })
    }

    @Test("HTTP/2 is answered alike, and the connection goes on")
    func http2() throws {
        try withRules(rules(deny: ["192.0.2.0/24"])) { proxy, backend in
            let client = try HTTP2Client(proxy.connect(), window: 65_535)
            for (address, status) in [("192.0.2.1", 403), ("192.0.3.1", 200), ("192.0.2.9", 403)] {
                let answer = try client.get(
                    "GET / HTTP/1.1\nHost: a.test\nX-Forwarded-For: \(address)")
                #expect(answer.status == status, "\(address)")
            }
            let post = try client.send(
                "POST / HTTP/1.1\nHost: a.test\nX-Forwarded-For: 192.0.2.1", "body")
            #expect(try client.answer(post).status == 403)
            #expect(try client.get("GET / HTTP/1.1\nHost: a.test").status == 200)
            #expect(proxy.listener[.deniedByListener] == 3)
            #expect(proxy.listener[.http2Connections] == 1)
            #expect(backend.requests.count == 2)
        }
    }

    @Test("a body behind a refused head is skipped, and what follows is a request of its own")
    func body() throws {
        try withRules(rules(deny: ["192.0.2.0/24"])) { proxy, _ in
            let client = try proxy.connect()
            try client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 4\r\n"
                    + "\r\nGET GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.receiveResponse().status == 403)
            #expect(try client.receiveResponse().status == 200)
        }
    }

    @Test("nobody's word counts who is no trusted proxy, nor what stands before a trusted one's")
    func word() throws {
        try withRules(rules(allow: ["192.0.2.0/24"]), believes: false) { proxy, _ in
            let client = try proxy.connect()
            #expect(try client.get("/", "X-Forwarded-For: 192.0.2.1\r\n").status == 403)
        }
        try withRules(rules(allow: ["192.0.2.0/24"])) { proxy, _ in
            let client = try proxy.connect()
            for (list, status) in [
                ("192.0.2.1, 198.51.100.1", 403), ("198.51.100.1, 192.0.2.1", 200),
                // 10.0.0.7 is a trusted proxy as well.
                ("192.0.2.1, 10.0.0.7", 200), ("192.0.2.1, 198.51.100.1, 10.0.0.7", 403),
                ("x, 192.0.2.1,, 10.0.0.7", 200),
                ("198.51.100.1\r\nX-Forwarded-For: 192.0.2.1", 200),
                ("192.0.2.1\r\nX-Forwarded-For: 198.51.100.1", 403), ("10.0.0.7", 403),
            ] {
                let answer = try client.get("/", "X-Forwarded-For: \(list)\r\n")
                #expect(answer.status == status, "\(list)")
            }
            #expect(proxy.listener[.deniedUnknown] == 0)
            for list in ["unknown", "192.0.2.1, _hidden", "192.0.2.1 198.51.100.1", "192.0.2.1:x"] {
                let answer = try client.get("/", "X-Forwarded-For: \(list)\r\n")
                #expect(answer.status == 403)
                #expect(answer.text.hasPrefix("The proxy before this one does not say"))
            }
            #expect(proxy.listener[.deniedUnknown] == 4)
        }
    }

    @Test("a list of refused networks alone does not let in whom nobody knows")
    func unknown() throws {
        try withRules(rules(deny: ["192.0.2.0/24"])) { proxy, _ in
            let client = try proxy.connect()
            #expect(try client.get("/", "X-Forwarded-For: unknown\r\n").status == 403)
            #expect(try client.get("/").status == 200)
        }
    }

    @Test("a client has to be let in by its listener and by the route")
    func routes() throws {
        let service = RouteAction.forward(ServiceID(index: 0), prefix: nil)
        let inner = try rules(allow: ["192.0.2.0/28"])
        try withRules(rules(deny: ["192.0.2.1"])) {
            $0.routes = RouteTable([
                route(service, .prefix("/admin"), inner),
                route(.respondHealth(.live), .exact("/live")),
                route(.respondHealth(.live), .exact("/own"), inner),
                route(
                    .respond(FixedResponse(status: 200, contentType: "text/plain", body: [0x79])),
                    .exact("/fixed")),
            ])
        } _: { proxy, backend in
            let client = try proxy.connect()
            for (path, address, status) in [
                ("/admin", "192.0.2.2", 200), ("/admin", "192.0.2.1", 403),
                ("/admin", "192.0.2.77", 403), ("/", "192.0.2.77", 200),
                // A load balancer asks from wherever it is, unless the route itself says who may.
                ("/live", "192.0.2.1", 200), ("/own", "192.0.2.1", 200),
                ("/own", "192.0.2.77", 403),
                ("/fixed", "192.0.2.1", 403), ("/fixed", "192.0.2.2", 200),
                // Who may not come learns nothing.
                ("/admin/../x", "192.0.2.1", 403), ("/admin/../x", "192.0.2.2", 400),
            ] {
                let to = status == 400 ? try proxy.connect() : client
                let answer = try to.get(path, "X-Forwarded-For: \(address)\r\n")
                #expect(answer.status == status, "\(path) \(address)")
            }
            #expect(proxy.listener[.deniedByListener] == 3)
            #expect(proxy.listener[.deniedByRoute] == 2)
            #expect(backend.requests.count == 2)
        }
    }

    @Test("who may not come is refused before the last hop's answers")
    func lastHop() throws {
        try withRules(rules(deny: ["192.0.2.0/24"])) { proxy, _ in
            let client = try proxy.connect()
            for (fields, status) in [("X-Forwarded-For: 192.0.2.1\r\n", 403), ("", 200)] {
                try client.send(
                    "OPTIONS / HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\(fields)\r\n")
                #expect(try client.receiveResponse().status == status)
            }
        }
    }

    @Test("TCP: a connection from a refused address is reset, counted, reported and logged")
    func tcp() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withRules(rules(deny: ["127.0.0.0/8"]), mode: .tcp, log: log) { proxy, backend in
            #expect(try proxy.connect().receiveToEnd() == ([], .reset))
            #expect(proxy.listener[.deniedArrivals] == 1)
            #expect(proxy.listener[.open] == 0)
            #expect(proxy.service[.requests] == 0)
            try proxy.awaitReports { proxy.failedArrivals == [.denied] }
        }
        log.stop(within: .seconds(30))
        let text = String(decoding: try file.bytes(), as: UTF8.self)
        #expect(text.contains("\"client\":\"127.0.0.1\"") && text.contains("\"cause\":\"CD\""))
        try withRules(rules(allow: ["127.0.0.0/8"]), mode: .tcp) { proxy, _ in
            let client = try proxy.connect()
            #expect(try client.get().text == "x")
        }
    }

    @Test("TCP: the client is the one that a PROXY header names")
    func header() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        let loopback = try network("127.0.0.1")
        try withRules(rules(allow: ["192.0.2.0/24"]), mode: .tcp, log: log) {
            $0.policy.proxyProtocol.from = [loopback]
        } _: { proxy, _ in
            for (address, isIn) in [("192.0.2.7", true), ("198.51.100.7", false)] {
                let client = try proxy.connect()
                let ends = ProxyHeader.Ends(
                    source: Endpoint(try #require(IPAddress(address)), 4242),
                    destination: Endpoint(.v4(0xC000_0201), 443))
                try client.send(ProxyHeader(ends).bytes(.v2))
                if isIn {
                    #expect(try client.get().text == "x")
                } else {
                    #expect(try client.receiveToEnd() == ([], .reset))
                }
            }
            #expect(proxy.listener[.deniedArrivals] == 1)
        }
        log.stop(within: .seconds(30))
        let text = String(decoding: try file.bytes(), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.contains("\"cause\":\"CD\"") }
        #expect(line?.contains("\"client\":\"198.51.100.7\"") == true)
    }
}
