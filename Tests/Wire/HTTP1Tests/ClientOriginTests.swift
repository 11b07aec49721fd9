// Goal: what a proxy before this one says of its client is understood in the forms that proxies
// write.

import Testing

@testable import HTTP1

@Suite struct ClientOriginTests {
    private func origin(_ fields: String, _ policy: ForwardingPolicy = ForwardingPolicy())
        -> ClientOrigin
    {
        let parsed = ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n")
        return parsed.head.clientOrigin(parsed.input.span, policy)
    }

    @Test(
        "the first of a list counts, X-Forwarded-Proto before Forwarded",
        arguments: [
            ("X-Forwarded-Proto: https", true), ("X-Forwarded-Proto: HTTP", false),
            ("x-forwarded-proto: https, http", true), ("X-Forwarded-Proto: wss", true),
            ("X-Forwarded-Proto: ftp", nil), ("X-Forwarded-Proto:", nil), ("X: https", nil),
            ("X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https", false),
            ("Forwarded: for=1.2.3.4;proto=https", true), ("Forwarded: Proto=\"https\"", true),
            ("Forwarded: for=\"[::1]\"; proto=https ;by=x, proto=http", true),
            ("Forwarded: for=x, for=y;proto=https", nil),
            ("Forwarded: host=\"a;proto=https\"", nil),
            ("Forwarded: proto=https\r\nX-Forwarded-Proto: http", false),
            ("Forwarded: proto=https\r\nX-Forwarded-Proto: x", true), ("Forwarded: proto=\"", nil),
            ("X_Forwarded_Proto: https", nil),
        ] as [(String, Bool?)])
    func schemes(fields: String, isHTTPS: Bool?) {
        #expect(origin(fields).isHTTPS == isHTTPS)
    }

    @Test("a port is 1 to 65535")
    func ports() {
        for (text, port) in [
            ("8443", 8443), ("443, 80", 443), ("0", nil), ("65536", nil), ("x", nil), ("", nil),
            ("+1", nil), ("000080", nil),
        ] as [(String, UInt16?)] {
            #expect(origin("X-Forwarded-Port: \(text)").port == port)
        }
    }

    private func clients(_ fields: String, _ policy: ForwardingPolicy) -> [String] {
        let parsed = ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n")
        var all: [String] = []
        parsed.head.forEachClient(parsed.input.span, policy) { text in
            var bytes: [UInt8] = []
            bytes.append(text)
            all.append(String(decoding: bytes, as: UTF8.self))
            return all.count < 10
        }
        return all
    }

    @Test(
        "clients are told from the last hop's on, over lines, without blanks and empty members",
        arguments: [
            ("X-Forwarded-For: a, b ,, c", ["c", "b", "a"]), ("X: a", []),
            ("X-Forwarded-For: a\r\nX: y\r\nX-Forwarded-For:\tb,c", ["c", "b", "a"]),
            ("X-Forwarded-For:", []), ("X-Forwarded-For: ,", []), ("X_Forwarded_For: a", []),
            ("X-Forwarded-For: \"a,b\"", ["b\"", "\"a"]),
            // Ten, as the caller wants no more.
            (
                "X-Forwarded-For: \(Array(repeating: "a", count: 20).joined(separator: ","))",
                Array(repeating: "a", count: 10)
            ),
        ])
    func clients(fields: String, expected: [String]) {
        #expect(clients(fields, ForwardingPolicy()) == expected)
    }

    @Test(
        "of Forwarded the last element counts whatever stands before it",
        arguments: [
            ("for=a;proto=https, For=b", ["b", "a"]), ("for=\"[::1]:80\" ;by=x", ["[::1]:80"]),
            ("proto=http;for=a", ["a"]), ("host=\"x;for=b,c\";for=a", ["a"]),
            ("proto=http", [""]), ("for=", [""]), ("for=\"x, for=b", ["b"]), ("fort=a", [""]),
            ("for=a\r\nForwarded: for=b, for=c", ["c", "b", "a"]),
        ])
    func forwarded(value: String, expected: [String]) {
        var policy = ForwardingPolicy()
        // A proxy that does not write it passes on what clients wrote.
        #expect(clients("Forwarded: \(value)", policy) == [])
        policy.forwarded = .append
        let clients = clients("Forwarded: \(value)", policy)
        #expect(clients.prefix(expected.count) == expected[...])
        #expect(clients.count == expected.count || value.contains("\"x, "))
        #expect(self.clients("Forwarded: \(value)\r\nX-Forwarded-For: x", policy) == ["x"])
        policy.xForwarded = .replace
        #expect(self.clients("Forwarded: \(value)\r\nX-Forwarded-For: x", policy) == clients)
    }

    @Test("a list that begins here believes no client")
    func replaced() {
        var policy = ForwardingPolicy()
        policy.xForwarded = .replace
        policy.forwarded = .replace
        let fields = "X-Forwarded-Proto: https\r\nForwarded: proto=https\r\nX-Forwarded-Port: 1"
        #expect(origin(fields, policy) == ClientOrigin())
        #expect(clients("X-Forwarded-For: a\r\nForwarded: for=b", policy) == [])
    }
}
