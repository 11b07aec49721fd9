// Goal: the operator's pages stand for Fairlead's own text, with status and fields as they were, by
// HTTP/1 and HTTP/2, for clients that take them; for backends' answers where that is asked for; and
// what is closed answers 503 to all but those that are let through. Method: each case once.

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

@Suite struct PageTests {
    private func rule(_ statuses: PageStatuses, _ text: String) -> PageRule {
        PageRule(statuses, "\(text).html", Page(.html, Array("<p>\(text)".utf8)))
    }

    private static let service = RouteAction.forward(ServiceID(index: 0), prefix: nil)

    @Test("own answers show the page of their status, and keep status and fields")
    func ownAnswers() throws {
        var limited = RouteRule(Self.service)
        limited.path = .exact("/limited")
        limited.rates = [RateRule(.all, 1, per: .seconds(3600))]
        limited.errorPages = ErrorPages([rule(.one(429), "slow")], ofBackends: false)
        var fixed = RouteRule(
            .respond(FixedResponse(status: 404, contentType: "text/plain", body: [0x79])))
        fixed.path = .exact("/fixed")
        var empty = RouteRule(
            .respond(FixedResponse(status: 404, contentType: "text/plain", body: [])))
        empty.path = .exact("/empty")
        var ready = RouteRule(.respondHealth(.ready))
        ready.path = .exact("/ready")
        let table = RouteTable([limited, fixed, empty, ready])
        try withProxy([]) {
            $0.listeners[0].routes = table
            $0.listeners[0].policy.errorPages = [
                rule(.hundred(5), "five"), rule(.one(404), "none"), rule(.hundred(4), "four"),
            ]
        } _: { proxy in
            let client = try proxy.connect()
            let failed = try client.get()
            #expect(failed.status == 503 && failed.text == "<p>five")
            #expect(failed.value("retry-after") == "1" && failed.value("vary") == "Accept")
            #expect(failed.value("content-type") == "text/html; charset=utf-8")
            #expect(failed.value("content-length") == "7")
            // A client of an interface gets what it always got.
            let plain = try client.get("/", "Accept: application/json\r\n")
            #expect(plain.status == 503 && plain.text.hasPrefix("No healthy backend"))
            #expect(plain.value("content-type") == "text/plain; charset=utf-8")
            #expect(plain.value("vary") == "Accept")
            try client.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            let head = try client.receiveResponse(to: "HEAD")
            #expect(head.status == 503 && head.value("content-length") == "7")
            // A route's own pages, with the fields of its limit.
            _ = try client.get("/limited")
            let slow = try client.get("/limited")
            #expect(slow.status == 429 && slow.text == "<p>slow")
            #expect(slow.value("ratelimit-policy") != nil && slow.value("retry-after") != nil)
            // What an operator has written stays, and so does what a load balancer asks.
            #expect(try client.get("/fixed").text == "y")
            #expect(try client.get("/empty").text == "<p>none")
            #expect(try client.get("/ready").text == "not ready\n")
            // A head that can't be read.
            try client.send("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
            #expect(try client.receiveResponse().text == "<p>four")
        }
    }

    @Test("HTTP/2 shows pages alike, and calls of gRPC none")
    func http2() throws {
        try withProxy([]) {
            $0.listeners[0].policy.errorPages = [rule(.hundred(5), "five")]
        } _: { proxy in
            let client = try HTTP2Client(proxy.connect(), window: 65_535)
            let failed = try client.get("GET / HTTP/1.1\nHost: a.test\nAccept: text/html")
            #expect(failed.status == 503 && failed.text == "<p>five")
            #expect(failed.value("retry-after") == "1")
            let plain = try client.get("GET / HTTP/1.1\nHost: a.test\nAccept: application/json")
            #expect(plain.status == 503 && plain.text.hasPrefix("No healthy backend"))
            let call = try client.get(
                "GET / HTTP/1.1\nHost: a.test\nContent-Type: application/grpc\nTE: trailers")
            #expect(call.status == 200 && call.value("grpc-status") == "14")
            #expect(call.value("grpc-message")?.hasPrefix("No healthy backend") == true)
        }
    }

    @Test("backends' answers pass, unless pages are for them; then fields of use stay")
    func backends() throws {
        let answer =
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nETag: x\r\n"
            + "Set-Cookie: a=b\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 4\r\n\r\nbody"
        for isForBackends in [false, true] {
            let backend = try Backend.replying(answer)
            try withProxy([backend.port]) {
                $0.listeners[0].policy.errorPages = [rule(.hundred(4), "four")]
                $0.listeners[0].policy.errorPagesOfBackends = isForBackends
            } _: { proxy in
                let client = try proxy.connect()
                for _ in 0..<2 {
                    let got = try client.get()
                    #expect(got.status == 401)
                    #expect(got.text == (isForBackends ? "<p>four" : "body"))
                    #expect(got.value("www-authenticate") == "Basic realm=x")
                    #expect(got.value("set-cookie") == "a=b")
                    #expect(got.value("access-control-allow-origin") == "*")
                    #expect((got.value("etag") == nil) == isForBackends)
                }
                #expect(try client.get("/", "Accept: application/json\r\n").text == "body")
                #expect(proxy.listener[.accepted] == 1)
                #expect(proxy.service[.requests] == 3)
            }
        }
    }

    @Test("a listener or a route is closed, but not to those let through, nor for health")
    func maintenance() throws {
        let backend = try Backend.replying(response("x"))
        var closed = MaintenanceRule()
        closed.when = .on
        closed.retryAfter = .seconds(90)
        closed.allowed = [try #require(IPNetwork(containing: IPAddress("192.0.2.0")!, prefix: 24))]
        closed.page = Page(.html, Array("<p>closed".utf8))
        var open = RouteRule(Self.service)
        open.path = .exact("/open")
        open.maintenance.when = .off
        var shop = RouteRule(Self.service)
        shop.path = .exact("/shop")
        shop.maintenance = closed
        var live = RouteRule(.respondHealth(.live))
        live.path = .exact("/live")
        let table = RouteTable([open, shop, live])
        let loopback = try #require(IPNetwork(containing: .loopback, prefix: 8))
        for isAll in [true, false] {
            try withProxy([backend.port]) {
                $0.listeners[0].routes = table
                if isAll { $0.listeners[0].policy.maintenance = closed }
                $0.listeners[0].policy.trustedProxies = [loopback]
            } _: { proxy in
                let client = try proxy.connect()
                for (path, from, status) in [
                    ("/", "198.51.100.1", isAll ? 503 : 200), ("/shop", "198.51.100.1", 503),
                    ("/shop", "192.0.2.9", 200), ("/open", "198.51.100.1", 200),
                    ("/live", "198.51.100.1", 200), ("/", "192.0.2.9", 200),
                ] {
                    let got = try client.get(path, "X-Forwarded-For: \(from)\r\n")
                    #expect(got.status == status, "\(path) \(from) \(isAll)")
                    guard got.status == 503 else { continue }
                    #expect(got.text == "<p>closed" && got.value("retry-after") == "90")
                }
                let plain = try client.get("/shop", "Accept: application/json\r\n")
                #expect(plain.text == "This is closed for maintenance: try again later.\n")
                #expect(proxy.listener[.inMaintenance] == (isAll ? 3 : 2))
                #expect(proxy.listener[.accepted] == 1)
            }
        }
    }
}
