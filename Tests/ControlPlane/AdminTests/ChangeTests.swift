// Goal: an operator's change is made as requested, with the client's address, and a client without
// access gets the reason. Method: an admin port whose controls record their calls; each request
// that is refused has a twin that is not.

import Admin
import Endpoints
import Events
import HTTP1
import HTTPClient
import Testing

@Suite struct ChangeTests {
    private let loop = EventLoop()
    private static let backend = "/backends/web@127.0.0.1:9001"
    private static let token = "correct-horse-battery"

    @Test(
        "each change reaches the controls with its backend and the client's address",
        arguments: [
            ("drain", "drain"), ("disable", "disable"), ("drain?force=yes", "drain forced"),
            ("disable?force=yes", "disable forced"), ("enable", "enable"), ("check", "check"),
            ("eject", "eject"), ("weight?weight=0", "weight(Optional(0))"),
            ("weight?weight=65535", "weight(Optional(65535))"),
            ("weight?weight=auto", "weight(nil)"),
            ("weight?weight=%35", "weight(Optional(5))"),
        ])
    func changes(what: (path: String, change: String)) throws {
        let fixture = AdminFixture(loop: loop)
        let answer = try fixture.ask("\(Self.backend)/\(what.path)", .post)
        #expect(answer.response.status == 200)
        #expect(fixture.asked == ["web@127.0.0.1:9001 \(what.change) from 127.0.0.1"])
        #expect(answer.text.contains(#""done":"done""#))
        #expect(answer.text.contains(#""key":"web@127.0.0.1:9001""#))
    }

    @Test("the log level and the configuration can be changed")
    func process() throws {
        let fixture = AdminFixture(loop: loop)
        #expect(try fixture.ask("/log-level?level=debug", .post).response.status == 200)
        let reloaded = try fixture.ask("/reload", .post)
        #expect(reloaded.text == #"{"done":"nothing differs"}"# + "\n")
        #expect(fixture.asked == ["log level debug from 127.0.0.1", "reload from 127.0.0.1"])
        fixture.reloaded = .refused(["a: b", "c: d"])
        let refused = try fixture.ask("/reload", .post)
        #expect(refused.response.status == 422)
        #expect(refused.text.contains("a: b; c: d"))
        fixture.reloaded = .unavailable("Not here.")
        #expect(try fixture.ask("/reload", .post).response.status == 501)
    }

    @Test("a change that can't be made now is a conflict, an unknown backend is not found")
    func outcomes() throws {
        let fixture = AdminFixture(loop: loop)
        fixture.outcome = .refused("It is down.", expected: "another one")
        let refused = try fixture.ask("\(Self.backend)/eject", .post)
        #expect(refused.response.status == 409)
        #expect(refused.text == #"{"error":"It is down.","expected":"another one"}"# + "\n")
        fixture.outcome = .unknown
        #expect(try fixture.ask("\(Self.backend)/eject", .post).response.status == 404)
    }

    @Test("a change that needs force says what it would do, and how to force it")
    func unforced() throws {
        let fixture = AdminFixture(loop: loop)
        fixture.outcome = .unforced("It is the last.")
        let refused = try fixture.ask("\(Self.backend)/drain", .post)
        #expect(refused.response.status == 409)
        #expect(
            refused.text
                == #"{"error":"It is the last.","expected":"another backend in the rotation "#
                + #"first; or drain?force=yes, which does it all the same","force":"yes"}"# + "\n")
    }

    @Test(
        "a mistaken request is refused, with what would be right",
        arguments: [
            ("\(backend)/weight", 400, "weight=0 to weight=65535, or weight=auto"),
            ("\(backend)/weight?weight=65536", 400, "weight=65535"),
            ("\(backend)/weight?weight=-1", 400, "weight=65535"),
            ("\(backend)/weight?weight=", 400, "weight=65535"),
            ("\(backend)/weight?weight=1&weight=2", 400, "comes twice"),
            ("\(backend)/weight?wieght=1", 400, "The parameter wieght is not known here."),
            ("\(backend)/weight?weight=%zz", 400, "percent-encoded"),
            ("\(backend)/drain?force=1", 400, "force=yes, or no parameters"),
            ("\(backend)/disable?force=", 400, "force=yes, or no parameters"),
            ("\(backend)/eject?force=yes", 400, "no parameters"),
            ("\(backend)/enable?force=yes", 400, "no parameters"),
            ("/log-level?level=loud", 400, "level=debug"),
            ("/log-level", 400, "level=debug"),
            ("/reload?x=1", 400, "no parameters"),
            ("/backends/web/drain", 404, "SERVICE@ADDRESS:PORT"),
            ("/backends/@127.0.0.1:1/drain", 404, "SERVICE@ADDRESS:PORT"),
            ("\(backend)/explode", 404, "/backends/SERVICE@ADDRESS:PORT/drain"),
        ])
    func refusals(what: (path: String, status: Int, text: String)) throws {
        let fixture = AdminFixture(loop: loop)
        let answer = try fixture.ask(what.path, .post)
        #expect(answer.response.status == what.status)
        #expect(answer.response.field("content-type") == "application/json")
        #expect(answer.text.contains(what.text), "\(answer.text)")
        #expect(fixture.asked.isEmpty)
    }

    @Test("a body is refused, however small")
    func body() throws {
        let fixture = AdminFixture(loop: loop)
        let small = try fixture.ask("\(Self.backend)/drain", .post, body: [0x7B, 0x7D])
        #expect(small.response.status == 400)
        let large = try fixture.ask(
            "\(Self.backend)/drain", .post, body: [UInt8](repeating: 0x20, count: 4096))
        #expect(large.response.status == 413)
        #expect(large.response.field("content-type") == "application/json")
        #expect(fixture.asked.isEmpty)
    }

    @Test("changes take POST, and nothing else")
    func methods() throws {
        let fixture = AdminFixture(loop: loop)
        let got = try fixture.ask("\(Self.backend)/drain", .get)
        #expect(got.response.status == 405)
        #expect(got.response.field("allow") == "POST")
        #expect(try fixture.ask(Self.backend, .post).response.status == 405)
        #expect(fixture.asked.isEmpty)
    }

    @Test(
        "a browser's account of where a request comes from counts",
        arguments: [
            ("cross-site", 403), ("Cross-Site", 403), ("same-site", 403), ("", 403),
            ("same-origin", 200), ("none", 200),
        ])
    func fetchSites(site: String, status: Int) throws {
        let fixture = AdminFixture(loop: loop)
        let fields: [(name: StaticString, value: String)] = [("Sec-Fetch-Site", site)]
        let answer = try fixture.ask("\(Self.backend)/drain", .post, fields: fields)
        #expect(answer.response.status == status)
        #expect(fixture.asked.isEmpty == (status != 200))
        // A link to the page from another site works.
        #expect(try fixture.ask("/", fields: fields).response.status == 200)
    }

    @Test(
        "a request that a proxy passed on is answered only where a proxy is intended",
        arguments: ["Via", "forwarded", "X-Forwarded-For", "x-forwarded-host"])
    func proxies(name: String) throws {
        let name: StaticString =
            switch name {
            case "Via": "Via"
            case "forwarded": "forwarded"
            case "X-Forwarded-For": "X-Forwarded-For"
            default: "x-forwarded-host"
            }
        let fields: [(name: StaticString, value: String)] = [(name, "1.1 edge")]
        let fixture = AdminFixture(loop: loop)
        for path in ["/", "/stats", "/health/live", "/health/ready", "/nothing"] {
            let answer = try fixture.ask(path, fields: fields)
            #expect(answer.response.status == 403)
            #expect(answer.text.contains("admin.behind-proxy"))
        }
        let drain = "\(Self.backend)/drain"
        #expect(try fixture.ask(drain, .post, fields: fields).response.status == 403)
        #expect(fixture.asked.isEmpty)
        let behind = AdminFixture(loop: loop, isBehindProxy: true)
        #expect(try behind.ask("/stats", fields: fields).response.status == 200)
        #expect(try behind.ask(drain, .post, fields: fields).response.status == 200)
    }

    @Test(
        "a page of another site changes nothing",
        arguments: [
            ("http://localhost:9090", 200), ("http://LOCALHOST:9090", 200),
            ("https://localhost:9090", 200), ("http://evil.example", 403), ("null", 403),
            ("http://localhost", 403), ("http://localhost:9091", 403), ("", 403),
        ])
    func origins(origin: String, status: Int) throws {
        let fixture = AdminFixture(loop: loop)
        let answer = try fixture.ask(
            "\(Self.backend)/drain", .post, host: "localhost:9090", fields: [("Origin", origin)])
        #expect(answer.response.status == status)
        #expect(fixture.asked.isEmpty == (status != 200))
    }

    @Test("two origins are refused, even the port's own twice")
    func twoOrigins() throws {
        let own = "http://localhost:9090"
        for pair in [[own, own], [own, "http://evil.example"], ["http://evil.example", own]] {
            let fixture = AdminFixture(loop: loop)
            let answer = try fixture.ask(
                "\(Self.backend)/drain", .post, host: "localhost:9090",
                fields: pair.map { ("Origin", $0) })
            #expect(answer.response.status == 403)
            #expect(fixture.asked.isEmpty)
        }
    }

    @Test("a read-only port shows everything and changes nothing")
    func readOnly() throws {
        let fixture = AdminFixture(loop: loop, isReadOnly: true)
        #expect(try fixture.ask("\(Self.backend)/drain", .post).response.status == 403)
        #expect(try fixture.ask("/log-level?level=debug", .post).response.status == 403)
        #expect(try fixture.ask("/reload", .post).response.status == 403)
        #expect(try fixture.ask("/stats").response.status == 200)
        #expect(fixture.asked.isEmpty)
    }

    // MARK: The token

    @Test(
        "with a token, only requests that carry it are answered",
        arguments: [
            ("Bearer \(token)", 200), ("bearer  \(token)", 200), ("Bearer \(token)x", 401),
            ("Bearer correct-horse-batterz", 401), ("Bearer ", 401), ("Bearer", 401),
            ("Basic \(token)", 401), (token, 401), ("", 401),
        ])
    func tokens(field: String, status: Int) throws {
        let fixture = AdminFixture(loop: loop, token: Self.token)
        let fields: [(name: StaticString, value: String)] = [("Authorization", field)]
        let answer = try fixture.ask("/stats", fields: fields)
        #expect(answer.response.status == status)
        let changed = try fixture.ask("\(Self.backend)/drain", .post, fields: fields)
        #expect(changed.response.status == status)
        #expect(fixture.asked.isEmpty == (status != 200))
        if status == 401 {
            #expect(answer.response.field("www-authenticate") == "Bearer realm=\"fairlead\"")
        }
    }

    @Test(
        "without the token health is shown, without reasons, and nothing else")
    func withoutToken() throws {
        let fixture = AdminFixture(loop: loop, snapshot: Sample.troubled, token: Self.token)
        #expect(try fixture.ask("/health/live").response.status == 200)
        #expect(try fixture.ask("/health/ready").text == "ready\n")
        let ready = try fixture.ask("/health/ready?when=every")
        #expect(ready.response.status == 503)
        #expect(ready.text == "not ready\n")
        let page = try fixture.ask("/")
        #expect(page.response.status == 200)
        #expect(!page.text.contains("127.0.0.1:9001"), "the page alone tells nothing")
        for path in [
            "/events", "/stats", "/services", "/backends", "/config", "/discovery", "/metrics",
            "/x",
        ] {
            #expect(try fixture.ask(path).response.status == 401, "\(path)")
        }
    }

    // MARK: Names

    @Test(
        "a backend's key reads as it is written",
        arguments: ["web@10.0.0.1:80", "a@b@[2001:db8::1]:8080", ":8080@127.0.0.1:1"])
    func names(text: String) {
        #expect(BackendKey(text)?.description == text)
    }

    @Test(
        "text that is no backend's key is none",
        arguments: [
            "", "@", "web", "web@", "@10.0.0.1:80", "web@10.0.0.1", "web@host:80", "web@:80x",
        ])
    func noNames(text: String) {
        #expect(BackendKey(text) == nil)
    }
}
