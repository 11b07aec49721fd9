// Goal: a request gets the route that says most about it, whatever the order of the rules and
// however the request is written. Method: tables of rules and requests; each rule answers with a
// status of its own, by which it is known.

import Backends
import HTTP1
import Routing
import Testing

/// A rule that is known by `number`.
private func rule(
    _ number: Int, host: HostPattern = .any, path: PathPattern = .any, methods: [String] = [],
    headers: [HeaderCondition] = []
) -> RouteRule {
    var rule = RouteRule(
        .respond(FixedResponse(status: number, contentType: "text/plain", body: [])))
    rule.host = host
    rule.path = path
    rule.methods = methods
    rule.headers = headers
    return rule
}

/// The number of the rule for this request; 0 for none, -1 for an ambiguous path.
private func decide(
    _ table: RouteTable, _ target: String, host: String = "a.test", method: String = "GET",
    fields: String = ""
) throws -> Int {
    let bytes = Array("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n".utf8)
    var head = RequestHead()
    let outcome = head.parse(bytes.span)
    try #require(outcome == .complete(length: bytes.count), "\(outcome)")
    switch table.decide(head, bytes.span) {
    case .none: return 0
    case .ambiguousPath: return -1
    case .route(let route):
        guard case .respond(let response) = route.action else { return -2 }
        return response.status
    }
}

@Suite struct RouteTableTests {
    @Test("services are numbered within a table, each once")
    func services() throws {
        func forward(_ service: Int, _ path: String) -> RouteRule {
            var rule = RouteRule(.forward(ServiceID(index: service), prefix: nil))
            rule.path = .exact(path)
            return rule
        }
        let table = RouteTable([
            forward(70_000, "/a"), rule(200), forward(3, "/b"), forward(70_000, "/c"),
        ])
        #expect(table.services == [ServiceID(index: 70_000), ServiceID(index: 3)])
        for (path, expected) in [("/a", 0), ("/b", 1), ("/c", 0)] {
            let bytes = Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
            var head = RequestHead()
            _ = head.parse(bytes.span)
            guard case .route(let route) = table.decide(head, bytes.span),
                case .forward(let place) = route.action
            else {
                Issue.record("no route for \(path)")
                continue
            }
            #expect(place == expected)
        }
    }

    @Test("a split gives each service its share, and 0 % none")
    func split() throws {
        let services = [7, 3, 9].map { ServiceID(index: $0) }
        let table = RouteTable([
            RouteRule(.split([(services[0], 95), (services[1], 5), (services[2], 0)], prefix: nil))
        ])
        #expect(table.services == services)
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var head = RequestHead()
        _ = head.parse(bytes.span)
        guard case .route(let route) = table.decide(head, bytes.span),
            case .split(let split) = route.action
        else {
            Issue.record("no split")
            return
        }
        var counts = [0, 0, 0]
        for random in 0..<UInt64(10_000) { counts[split.place(random)] += 1 }
        #expect(counts == [9500, 500, 0])
    }

    @Test("a table without rules has no route for any request")
    func empty() throws {
        #expect(try decide(RouteTable([]), "/") == 0)
    }

    @Test(
        "hosts: exact before wildcard, longer wildcard before shorter, all before any",
        arguments: [
            ("a.example.com", 201), ("A.EXAMPLE.com", 201), ("a.example.com:8080", 201),
            ("a.example.com.", 201), ("a.example.com.:80", 201), ("b.example.com", 202),
            ("x.y.example.com", 202), ("b.a.example.com", 203), ("c.b.a.example.com", 203),
            ("example.com", 204), ("xexample.com", 204), ("com", 204), ("127.0.0.1", 204),
            ("[::1]", 205), ("[::1]:80", 205), ("[::2]:80", 204),
        ])
    func hosts(host: String, number: Int) throws {
        let table = RouteTable([
            rule(204), rule(202, host: .under("example.com")),
            rule(203, host: .under("a.Example.com")), rule(201, host: .exact("a.example.COM")),
            rule(205, host: .exact("[::1]")),
        ])
        #expect(try decide(table, "/", host: host) == number)
    }

    @Test("the host of an absolute target counts, not that of the field")
    func absoluteTarget() throws {
        let table = RouteTable([
            rule(201, host: .exact("a.test"), path: .exact("/")), rule(202, host: .exact("b.test")),
        ])
        #expect(try decide(table, "http://b.test/x", host: "a.test") == 202)
        #expect(try decide(table, "http://a.test", host: "b.test") == 0)
        #expect(try decide(table, "http://a.test/", host: "b.test") == 201)
    }

    @Test(
        "paths: exact before prefix, longer before shorter; a prefix ends where a segment does",
        arguments: [
            ("/api", 201), ("/api?x=1", 201), ("/api/", 202), ("/api/x", 202), ("/apix", 204),
            ("/api/v1", 203), ("/api/v1/y/z?q", 203), ("/api/v10", 202), ("/API", 204),
            ("/", 204), ("//api", 204), ("/x/api", 204), ("/%61pi", 204),
        ])
    func paths(target: String, number: Int) throws {
        let table = RouteTable([
            rule(204, path: .prefix("/")), rule(202, path: .prefix("/api")),
            rule(203, path: .prefix("/api/v1/")), rule(201, path: .exact("/api")),
        ])
        #expect(try decide(table, target) == number)
    }

    @Test("CONNECT goes by its authority's host, and has no path")
    func connect() throws {
        let table = RouteTable([
            rule(201, host: .exact("a.test"), path: .exact("/")),
            rule(202, host: .exact("a.test"), path: .prefix("/a")),
            rule(203, host: .exact("b.test"), path: .prefix("/"), methods: ["GET"]),
            rule(204, host: .exact("b.test"), path: .prefix("/"), methods: ["CONNECT"]),
            rule(205),
        ])
        #expect(try decide(table, "a.test:443", host: "b.test", method: "CONNECT") == 205)
        #expect(try decide(table, "b.test:443", host: "a.test", method: "CONNECT") == 204)
        #expect(try decide(table, "b.test.:1", method: "CONNECT") == 204)
    }

    @Test("more conditions before fewer, then the order in which they were written")
    func conditions() throws {
        let table = RouteTable([
            rule(201, path: .prefix("/a")),
            rule(202, path: .prefix("/a"), methods: ["POST", "PUT"]),
            rule(203, path: .prefix("/a"), headers: [HeaderCondition("X-Canary", "yes")]),
            rule(
                204, path: .prefix("/a"), methods: ["PUT"],
                headers: [HeaderCondition("x-canary", nil)]),
            rule(205, path: .prefix("/a/b"), methods: ["DELETE"]),
        ])
        #expect(try decide(table, "/a") == 201)
        #expect(try decide(table, "/a", method: "POST") == 202)
        #expect(try decide(table, "/a", method: "post") == 201)
        #expect(try decide(table, "/a", fields: "X-CANARY: yes\r\n") == 203)
        #expect(try decide(table, "/a", fields: "X-Canary: no\r\n") == 201)
        #expect(try decide(table, "/a", fields: "X-Canary: no\r\nX-Canary: yes\r\n") == 203)
        #expect(try decide(table, "/a", method: "POST", fields: "X-Canary: yes\r\n") == 202)
        #expect(try decide(table, "/a", method: "PUT", fields: "X-Canary: no\r\n") == 204)
        // Nothing of the longer prefix is for it: the shorter one's routes are next.
        #expect(try decide(table, "/a/b") == 201)
        #expect(try decide(table, "/a/b", method: "DELETE") == 205)
        #expect(try decide(table, "/b") == 0)
    }

    @Test("when no route of the best host is for a request, those of the next are")
    func fallThrough() throws {
        let table = RouteTable([
            rule(201, host: .exact("a.test"), path: .exact("/x")),
            rule(202, host: .under("test"), path: .exact("/y")), rule(203, path: .exact("/z")),
        ])
        #expect(try decide(table, "/x") == 201)
        #expect(try decide(table, "/y") == 202)
        #expect(try decide(table, "/z") == 203)
        #expect(try decide(table, "/x", host: "b.test") == 0)
    }

    @Test(
        "a path that servers read differently is refused where paths decide",
        arguments: [
            "/a/../b", "/a/..", "/..", "/.", "/./a", "/a/./", "/a/%2e%2E/b", "/a/%2e", "/a/.%2e/b",
            "/a%2fb", "/a%2Fb", "/a%5cb", "/a%5C", "/a\\b",
        ])
    func ambiguous(target: String) throws {
        #expect(try decide(RouteTable([rule(201, path: .prefix("/"))]), target) == -1)
        #expect(try decide(RouteTable([rule(201, host: .exact("a.test"))]), target) == 201)
    }

    @Test(
        "dots and percent signs that are no segments and no slashes are fine",
        arguments: [
            "/a.b", "/.a", "/a.", "/..a", "/...", "/a..b/", "/%20", "/%2e%2ea", "/a?/../x",
            "/a?%2f", "/%", "/%2", "/a%2",
        ])
    func notAmbiguous(target: String) throws {
        #expect(try decide(RouteTable([rule(201, path: .prefix("/"))]), target) == 201)
    }

    @Test("OPTIONS * and an absolute target without a path")
    func otherForms() throws {
        let table = RouteTable([rule(201, path: .exact("/a")), rule(202)])
        #expect(try decide(table, "*", method: "OPTIONS") == 202)
        #expect(try decide(table, "http://a.test?q", host: "a.test") == 202)
    }

    @Test("ten thousand hosts and paths each find their own")
    func many() throws {
        var rules: [RouteRule] = []
        for number in 0..<10_000 {
            rules.append(rule(number + 1000, host: .exact("h\(number).test")))
            rules.append(rule(number + 20_000, host: .under("w\(number).test")))
            rules.append(rule(number + 40_000, path: .prefix("/p\(number)")))
        }
        let table = RouteTable(rules)
        for number in stride(from: 0, to: 10_000, by: 7) {
            #expect(try decide(table, "/x", host: "h\(number).test") == number + 1000)
            #expect(try decide(table, "/x", host: "a.w\(number).test") == number + 20_000)
            #expect(try decide(table, "/p\(number)/x", host: "no") == number + 40_000)
        }
        #expect(try decide(table, "/p10000", host: "no") == 0)
    }

    @Test("a long host and a deep path are looked up in a time that does not matter")
    func hostile() throws {
        let table = RouteTable([
            rule(201, host: .under("b.c.d.test")), rule(202, path: .prefix("/a/a/a/b")),
        ])
        let host = [String](repeating: "a", count: 120).joined(separator: ".")
        #expect(try decide(table, "/", host: host) == 0)
        #expect(try decide(table, String(repeating: "/a", count: 4000), host: host) == 0)
    }

    @Test(
        "a redirect is written from the request's own parts",
        arguments: [
            ("https://{host}{path}{query}", "https://a.test/x/y?q=1"), ("/new", "/new"),
            ("{scheme}://b.test:8443{path}", "http://b.test:8443/x/y"),
            ("https://b.test/{query}", "https://b.test/?q=1"),
            ("{scheme}://{host}:{port}{path}", "http://a.test:8080/x/y"),
        ])
    func redirects(target: String, expected: String) throws {
        let bytes = Array("GET /x/y?q=1 HTTP/1.1\r\nHost: a.test:8080\r\n\r\n".utf8)
        var head = RequestHead()
        try #require(head.parse(bytes.span) == .complete(length: bytes.count))
        var out: [UInt8] = []
        let redirect = try #require(Redirect(status: 308, to: target))
        #expect(redirect.appendTarget(for: head, bytes.span, to: &out))
        #expect(String(decoding: out, as: UTF8.self) == expected)
    }

    @Test(
        "a target with other braces, or bytes that are no part of a URI, is none",
        arguments: ["{hos}", "{host", "host}", "", "/a b", "/a\r\nX: y", "/\u{e9}"])
    func badRedirects(target: String) {
        #expect(Redirect(status: 302, to: target) == nil)
    }
}
