// Goal: routes lead to the services they name, change heads as they say and answer by themselves,
// and connections go on as without routes. Method: two services, one backend each.

import AccessLog
import Backends
import Endpoints
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct RoutingTests {
    /// Runs `body` with a proxy of two services, 0 and 1, whose listener has these routes.
    private func withRoutes(
        _ rules: [RouteRule], fallback: Bool = true, accessLog: AccessLog? = nil,
        _ body: (RunningProxy, Backend, Backend) throws -> Void
    ) throws {
        let first = try Backend.replying(response("first"))
        let second = try Backend.replying(response("second"))
        try withProxy([first.port], accessLog: accessLog) { options in
            options.services.append(.plain(ServiceID(index: 1), "api"))
            options.listeners[0].routes = RouteTable(rules)
            if !fallback { options.listeners[0].service = nil }
        } _: { proxy in
            proxy.publish([second.port], service: 1)
            try body(proxy, first, second)
        }
    }

    private func rule(
        _ action: RouteAction, path: PathPattern = .any,
        _ edit: (inout RouteRule) -> Void = { _ in }
    ) -> RouteRule {
        var rule = RouteRule(action)
        rule.path = path
        edit(&rule)
        return rule
    }

    @Test("each path goes to its service, over one client connection")
    func forward() throws {
        let api = rule(.forward(ServiceID(index: 1), prefix: ""), path: .prefix("/api"))
        try withRoutes([api]) { proxy, first, second in
            let client = try proxy.connect()
            for _ in 0..<2 {
                #expect(try client.get("/").text == "first")
                #expect(try client.get("/api/x?y").text == "second")
                #expect(try client.get("/api").text == "second")
            }
            #expect(first.connections == 1)
            #expect(second.connections == 1)
            #expect(
                second.requests.map { $0.lines[0] } == [
                    "GET /x?y HTTP/1.1", "GET / HTTP/1.1", "GET /x?y HTTP/1.1", "GET / HTTP/1.1",
                ])
            #expect(proxy.registry.serviceTotals(1)[.requests] == 4)
            #expect(proxy.service[.requests] == 2)
        }
    }

    @Test("heads are changed both ways, in a retry too")
    func edits() throws {
        let api = rule(.forward(ServiceID(index: 1), prefix: "/v2"), path: .prefix("/api")) {
            $0.requestEdits.set("X-Tenant", "a")
            $0.requestEdits.remove("Cookie")
            $0.requestEdits.set("Host", "inner.test")
            $0.responseEdits.set("X-Frame-Options", "DENY")
            $0.responseEdits.remove("Server")
        }
        let closing = try Backend { wire, backend in _ = try backend.next(wire) }
        try withRoutes([api]) { proxy, _, second in
            proxy.publish([closing.port, second.port], service: 1)
            for _ in 0..<2 {
                let answer = try proxy.connect().get("/api/x", "Cookie: s\r\nX-Tenant: forged\r\n")
                #expect(answer.text == "second")
                #expect(answer.value("x-frame-options") == "DENY")
                #expect(answer.values("server").isEmpty)
            }
            #expect(closing.connections >= 1)
            let requests = closing.requests + second.requests
            #expect(requests.count == 2 + closing.connections)
            for request in requests {
                #expect(request.lines[0] == "GET /v2/x HTTP/1.1")
                #expect(request.value("x-tenant") == "a")
                #expect(request.value("host") == "inner.test")
                #expect(request.value("x-forwarded-host") == "a.test")
                #expect(request.values("cookie").isEmpty)
            }
        }
    }

    @Test("a route says whether the process is ready, and whether it lives")
    func health() throws {
        let ready = rule(.respondHealth(.ready), path: .exact("/ready")) {
            $0.responseEdits.set("X-Node", "a")
        }
        let live = rule(.respondHealth(.live), path: .exact("/live"))
        try withRoutes([ready, live]) { proxy, first, _ in
            func ask(_ path: String) throws -> String {
                let answer = try proxy.connect().get(path)
                return "\(answer.status) \(answer.text)"
            }
            let before = try ask("/ready")
            #expect(before == "503 not ready\n")
            #expect(try ask("/live") == "200 live\n")
            proxy.workers.setReady(true)
            #expect(try ask("/ready") == "200 ready\n")
            #expect(try proxy.connect().get("/ready").value("x-node") == "a")
            proxy.workers.setReady(false)
            #expect(try ask("/ready") == "503 not ready\n")
            #expect(try ask("/live") == "200 live\n")
            #expect(first.connections == 0)
            #expect(proxy.listener[.answered] == 6)
        }
    }

    @Test(
        "a redirect's scheme is what a trusted client says, and no other client",
        arguments: [true, false])
    func scheme(isTrusted: Bool) throws {
        let redirect = try #require(Redirect(status: 308, to: "{scheme}://{host}{path}"))
        let local = try #require(IPNetwork(containing: .loopback, prefix: 8))
        try withProxy([]) { options in
            options.listeners[0].routes = RouteTable([RouteRule(.redirect(redirect))])
            if isTrusted { options.listeners[0].policy.trustedProxies = [local] }
        } _: { proxy in
            let client = try proxy.connect()
            for field in ["X-Forwarded-Proto: https", "Forwarded: for=x;proto=https"] {
                let moved = try client.get("/a", field + "\r\n")
                #expect(moved.value("location") == (isTrusted ? "https" : "http") + "://a.test/a")
            }
            try client.send("GET //evil.example/ HTTP/1.0\r\n\r\n")
            #expect(try client.receiveResponse().status == 400)
        }
    }

    @Test("a redirect and a fixed response need no backend, and the connection goes on")
    func ownAnswers() throws {
        let redirect = try #require(Redirect(status: 308, to: "https://{host}{path}{query}"))
        let robots = FixedResponse(
            status: 200, contentType: "text/x-robots", body: Array("none\n".utf8))
        let rules = [
            rule(.redirect(redirect), path: .prefix("/old")),
            rule(.respond(robots), path: .exact("/robots.txt")) {
                $0.responseEdits.add("X-Answered", "here")
            },
        ]
        try withRoutes(rules) { proxy, first, _ in
            let client = try proxy.connect()
            let moved = try client.get("/old/a?b")
            #expect(moved.status == 308)
            #expect(moved.value("location") == "https://a.test/old/a?b")
            let answer = try client.get("/robots.txt")
            #expect(answer.text == "none\n")
            #expect(answer.value("content-type") == "text/x-robots")
            #expect(answer.value("x-answered") == "here")
            try client.send("HEAD /robots.txt HTTP/1.1\r\nHost: a.test\r\n\r\n")
            let head = try client.receiveResponse(to: "HEAD")
            #expect(head.value("content-length") == "5")
            // A body that is here is skipped, and pipelined requests are answered in order.
            try client.send(
                "POST /old HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc"
                    + "GET /robots.txt HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\nHost: "
                    + "a.test\r\n\r\n"
            )
            #expect(try client.receiveResponse().status == 308)
            #expect(try client.receiveResponse().text == "none\n")
            #expect(try client.receiveResponse().text == "first")
            #expect(first.connections == 1)
            #expect(proxy.listener[.answered] == 5)
        }
    }

    @Test("the session does not wait for a body that is still to come: the connection ends")
    func unreadBody() throws {
        let answer = FixedResponse(status: 403, contentType: "text/plain", body: [])
        try withRoutes([rule(.respond(answer), path: .exact("/no"))]) { proxy, first, _ in
            let client = try proxy.connect()
            try client.send("POST /no HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc")
            let refused = try client.receiveResponse()
            #expect(refused.status == 403)
            #expect(refused.value("connection") == "close")
            #expect(try client.receiveToEnd() == ([], .end))
            #expect(first.connections == 0)
        }
    }

    @Test("without a route and a service it is 404; a path that can be read two ways is 400")
    func unrouted() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        let api = rule(.forward(ServiceID(index: 1), prefix: nil), path: .prefix("/api"))
        try withRoutes([api], fallback: false, accessLog: log) { proxy, _, second in
            let client = try proxy.connect()
            let answer = try client.get("/x")
            #expect(answer.status == 404)
            #expect(answer.text == "Nothing is served here under this host and path.\n")
            #expect(try client.get("/api/x").text == "second")
            #expect(try client.get("/api/../x").status == 400)
            #expect(try client.receiveToEnd() == ([], .end))
            #expect(second.requests.count == 1)
            #expect(proxy.listener[.unrouted] == 1)
            #expect(proxy.listener[.badRequests] == 1)
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3)
        for (line, mark) in zip(
            lines, ["\"cause\":\"FN\"", "\"service\":\"api\"", "\"status\":400"])
        {
            #expect(line.contains(mark))
        }
    }

    @Test("a switch to another protocol follows its route too")
    func upgrade() throws {
        let ws = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "
                    + "websocket\r\n\r\n"
            )
            try wire.send(try wire.receive(exactly: 3))
        }
        let route = rule(.forward(ServiceID(index: 1), prefix: nil), path: .exact("/ws"))
        try withRoutes([route], fallback: false) { proxy, _, _ in
            proxy.publish([ws.port], service: 1)
            let client = try proxy.connect()
            try client.send(
                "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: "
                    + "websocket\r\n\r\n"
            )
            #expect(try client.receive(through: "\r\n\r\n")?.hasPrefix("HTTP/1.1 101 ") == true)
            try client.send("abc")
            #expect(try client.receive(exactly: 3) == Array("abc".utf8))
            #expect(proxy.registry.serviceTotals(1)[.upgrades] == 1)
        }
    }
}
