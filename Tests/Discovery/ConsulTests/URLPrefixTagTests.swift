// Goal: fabio's tags are read as fabio reads them, and what can't be done is named. Method: tables.

import Consul
import Testing

@Suite struct URLPrefixTagTests {
    @Test(
        "a tag is a host and a path",
        arguments: [
            ("urlprefix-/", nil, "/", nil), ("urlprefix-/css", nil, "/css", nil),
            ("urlprefix-Example.com/", "example.com", "/", nil),
            ("urlprefix-*.example.com/a/b", "*.example.com", "/a/b", nil),
            ("urlprefix-/foo/bar strip=/foo", nil, "/foo/bar", "/foo"),
            ("urlprefix-a.b/x   proto=http strip=/x", "a.b", "/x", "/x"),
        ] as [(String, String?, String, String?)])
    func places(tag: String, host: String?, path: String, strip: String?) throws {
        let read = try #require(try URLPrefixTag(tag))
        #expect(read.host == host)
        #expect(read.path == path)
        #expect(read.strip == strip)
        #expect(read.redirect == nil)
    }

    @Test("a host's final dot is left out")
    func complete() throws {
        #expect(try URLPrefixTag("urlprefix-a.example./x")?.host == "a.example")
        #expect(try URLPrefixTag("urlprefix-*.a.example./")?.host == "*.a.example")
    }

    @Test(
        "a redirect is told in the words of a route",
        arguments: [
            ("301,https://www.example.com$path", 301, "https://www.example.com{path}{query}"),
            ("302,https://www.example.com/$path", 302, "https://www.example.com{path}{query}"),
            ("308,https://$host/new?a=1", 308, "https://{host}/new?a=1"),
            ("303,/elsewhere", 303, "/elsewhere{query}"),
            ("307,https://$host/v2$path", 307, "https://{host}/v2{path}{query}"),
        ])
    func redirects(option: String, status: Int, target: String) throws {
        let read = try #require(try URLPrefixTag("urlprefix-/a redirect=\(option)"))
        #expect(read.redirect?.status == status)
        #expect(read.redirect?.target == target)
    }

    @Test("other tags ask for nothing", arguments: ["", "v1", "urlprefi-/", "URLPREFIX-/"])
    func others(tag: String) throws {
        #expect(try URLPrefixTag(tag) == nil)
    }

    @Test(
        "what can't be had is refused and named",
        arguments: [
            ("urlprefix-:3306 proto=tcp", "port"), ("urlprefix-a.b:80/", "port"),
            ("urlprefix-/ proto=https", "proto=https"), ("urlprefix-/ host=dst", "host="),
            ("urlprefix-/ weight=0.5", "weight="), ("urlprefix-/ allow=ip:10.0.0.0/8", "allow="),
            ("urlprefix-/ redirect=301,https://a$foo", "variable"),
        ])
    func unsupported(tag: String, says: String) {
        #expect {
            try URLPrefixTag(tag)
        } throws: { error in
            guard case .unsupported(let what) = error as? URLPrefixTagError else { return false }
            return what.contains(says)
        }
    }

    @Test(
        "what makes no sense is refused",
        arguments: [
            "urlprefix-", "urlprefix- /", "urlprefix-a.b", "urlprefix-a..b/", "urlprefix-*.*.b/",
            "urlprefix-a b/", "urlprefix-${DC}.b/", "urlprefix-/a?b", "urlprefix-/\u{e9}",
            "urlprefix-/ strip=x", "urlprefix-/ strip=", "urlprefix-/ strip=/a strip=/a",
            "urlprefix-/ redirect=301", "urlprefix-/ redirect=200,/a", "urlprefix-/ redirect=301,",
            "urlprefix-/ redirect=301,ftp://a/", "urlprefix-/ redirect=301,/{a}",
            "urlprefix-/ redirect=301,/a strip=/a", "urlprefix-/ redirect=301,/a\r\nX:1",
            "urlprefix-/" + String(repeating: "a", count: 4096),
        ])
    func malformed(tag: String) {
        #expect(throws: URLPrefixTagError.self) { try URLPrefixTag(tag) }
    }
}
