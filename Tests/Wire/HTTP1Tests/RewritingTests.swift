// Goal: an operator's changes of path and fields come out as said, and nothing else changes.
// Method: heads written with and without them.

import HTTP1
import HeadWriting
import Testing

@Suite struct RewritingTests {
    private func written(
        _ text: String, _ rewrite: PathRewrite? = nil, _ edits: FieldEdits? = nil
    ) throws -> String {
        let bytes = Array(text.utf8)
        var head = RequestHead()
        try #require(head.parse(bytes.span) == .complete(length: bytes.count))
        var policy = ForwardingPolicy()
        policy.xForwarded = .off
        policy.via = nil
        var out: [UInt8] = []
        let forwarding = Forwarding(policy: policy, port: 80)
        head.write(
            from: bytes.span, forwarding: forwarding, rewrite: rewrite, edits: edits, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test(
        "a prefix is dropped or replaced, and what is left is a path",
        arguments: [
            ("/api/x?q", "", "/x?q"), ("/api", "", "/"), ("/api?q", "", "/?q"),
            ("/api/", "", "/"), ("/api/x", "/v2", "/v2/x"), ("/api", "/v2", "/v2"),
            ("/api?q", "/v2/b", "/v2/b?q"), ("http://a.test/api/x", "/v2", "/v2/x"),
        ])
    func rewrites(target: String, prefix: String, expected: String) throws {
        let text = "GET \(target) HTTP/1.1\r\nHost: a.test\r\n\r\n"
        let rewrite = PathRewrite(dropping: 4, prefix: Array(prefix.utf8))
        #expect(try written(text, rewrite) == "GET \(expected) HTTP/1.1\r\nHost: a.test\r\n\r\n")
    }

    @Test("OPTIONS * has no path to change")
    func asterisk() throws {
        let text = "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n"
        #expect(try written(text, PathRewrite(dropping: 0, prefix: Array("/v2".utf8))) == text)
    }

    @Test("fields are removed in any letter case, set once, added; Host is set")
    func edits() throws {
        var edits = FieldEdits()
        edits.remove("X-Secret")
        edits.set("X-One", "1")
        edits.add("X-Many", "b")
        edits.set("Host", "inner.test")
        let text =
            "GET / HTTP/1.1\r\nHost: a.test\r\nx-secret: s\r\nA: b\r\nX-ONE: 0\r\nx-one: "
            + "9\r\nX-Many: a\r\nX-SECRET: t\r\n\r\n"
        #expect(
            try written(text, nil, edits)
                == "GET / HTTP/1.1\r\nHost: inner.test\r\nA: b\r\nX-Many: a\r\nX-One: "
                + "1\r\nX-Many: b\r\n\r\n"
        )
    }

    @Test("an edit is for a name with underscores as well as with hyphens")
    func twins() throws {
        var edits = FieldEdits()
        edits.remove("my_field")
        edits.set("X-Tenant", "acme")
        let text =
            "GET / HTTP/1.1\r\nHost: a\r\nX_Tenant: evil\r\nMy-Field: 1\r\nMY_FIELD: "
            + "2\r\nXTenant: 3\r\n\r\n"
        #expect(
            try written(text, nil, edits)
                == "GET / HTTP/1.1\r\nHost: a\r\nXTenant: 3\r\nX-Tenant: acme\r\n\r\n")
    }

    @Test("what frames a message, or belongs to one connection, is reserved")
    func reserved() {
        for name in ["Content-Length", "transfer-encoding", "CONNECTION", "Upgrade", "TE"] {
            #expect(FieldEdits.isReserved(name))
        }
        #expect(!FieldEdits.isReserved("X-Frame-Options"))
        #expect(FieldEdits.isName("X-a") && !FieldEdits.isName("X a") && !FieldEdits.isName(""))
        #expect(FieldEdits.isValue("a b") && !FieldEdits.isValue("a\r\nb"))
        #expect(!FieldEdits.isValue(" a") && !FieldEdits.isValue("a "))
    }
}
