// Goal: a redirect leads where the operator says: no request chooses its host, and scheme and port
// are those by which the client came. Method: hostile paths in every position, golden targets.

import HTTP1
import Testing

@testable import Routing

@Suite struct RedirectTests {
    private func location(
        _ target: String, _ path: String, host: String? = "a.test",
        told: ClientOrigin = ClientOrigin()
    ) throws -> String? {
        let field = host.map { "Host: \($0)\r\n" } ?? ""
        let bytes = Array("GET \(path) HTTP/1.\(host == nil ? 0 : 1)\r\n\(field)\r\n".utf8)
        var head = RequestHead()
        try #require(head.parse(bytes.span) == .complete(length: bytes.count))
        var out: [UInt8] = []
        let redirect = try #require(Redirect(status: 302, to: target))
        guard redirect.appendTarget(for: head, bytes.span, told: told, to: &out) else { return nil }
        return String(decoding: out, as: UTF8.self)
    }

    @Test(
        "a path at the beginning names no host",
        arguments: [
            "//evil.example/", "///evil.example/", "/\\evil.example/", "/\\/evil.example/",
            "/%2Fevil.example/", "/%5cevil.example/", "/%09/evil.example/",
            "/%0d%0A//evil.example/",
            "/%20%2f%00\\evil.example/", "/%7F/evil.example/",
        ])
    func network(path: String) throws {
        for target in ["{path}", "/{path}", "/\\{path}"] {
            #expect(try location(target, path) == "/evil.example/", "\(target)")
        }
        #expect(try location("{path}{query}", path + "?a=//b") == "/evil.example/?a=//b")
        // Behind a host it is a path, whatever it looks like.
        #expect(try location("https://b.test{path}", path) == "https://b.test" + path)
        #expect(try location("//b.test{path}", path) == "//b.test" + path)
        #expect(try location("/p{path}", path) == "/p" + path)
        #expect(try location("{host}{path}", path) == "a.test" + path)
    }

    @Test(
        "other paths stay as they are",
        arguments: [
            "/", "/a", "/%20a", "/%00a", "/a//b", "/%2", "/%zz/", "/.//a", "/a/%2F", "/%41//",
        ])
    func harmless(path: String) throws {
        #expect(try location("{path}", path) == path)
    }

    @Test("asterisk-form and absolute-form have a path")
    func otherForms() throws {
        #expect(try location("https://b.test{path}", "http://c.test") == "https://b.test/")
        #expect(try location("{path}{query}", "http://c.test//evil.test?q") == "/evil.test?q")
        let bytes = Array("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var head = RequestHead()
        try #require(head.parse(bytes.span) == .complete(length: bytes.count))
        var out: [UInt8] = []
        let redirect = try #require(Redirect(status: 302, to: "https://b.test{path}"))
        #expect(redirect.appendTarget(for: head, bytes.span, to: &out))
        #expect(out == Array("https://b.test/".utf8))
    }

    @Test(
        "a path in the place of a host is no target",
        arguments: [
            "https:{path}", "https:/{path}", "https://{path}", "https:///{path}", "{scheme}:{path}",
            "{scheme}://{path}", "//{path}", "///a", "https://", "{host}:{port}{path}", "//{query}",
            "http:\\{path}", "https://?{host}",
        ])
    func noHost(target: String) {
        #expect(Redirect(status: 302, to: target) == nil)
    }

    @Test("without a host there is no redirect to one")
    func hostless() throws {
        #expect(try location("https://{host}{path}", "//evil.example", host: nil) == nil)
        #expect(try location("{path}", "/a", host: nil) == "/a")
    }

    @Test(
        "the port is what the client has asked for, unless that is the scheme's own",
        arguments: [
            ("a.test", nil, nil, "http://a.test/"),
            ("a.test:8080", nil, nil, "http://a.test:8080/"),
            ("a.test:80", nil, nil, "http://a.test/"), ("a.test:443", true, nil, "https://a.test/"),
            ("a.test:443", nil, nil, "http://a.test:443/"), ("a.test:", nil, nil, "http://a.test/"),
            ("[::1]:81", nil, nil, "http://[::1]:81/"), ("[::1]", nil, nil, "http://[::1]/"),
            ("a.test.:81", nil, nil, "http://a.test:81/"),
            ("a.test", true, 8443, "https://a.test:8443/"),
            ("a.test:81", true, 8443, "https://a.test:81/"),
            ("a.test", true, 443, "https://a.test/"),
        ] as [(String, Bool?, UInt16?, String)])
    func ports(host: String, isHTTPS: Bool?, port: UInt16?, expected: String) throws {
        var told = ClientOrigin()
        (told.isHTTPS, told.port) = (isHTTPS, port)
        #expect(
            try location("{scheme}://{host}:{port}{path}", "/", host: host, told: told) == expected)
    }
}
