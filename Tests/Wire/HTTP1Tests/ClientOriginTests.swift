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

    @Test("a list that begins here believes no client")
    func replaced() {
        var policy = ForwardingPolicy()
        policy.xForwarded = .replace
        policy.forwarded = .replace
        let fields = "X-Forwarded-Proto: https\r\nForwarded: proto=https\r\nX-Forwarded-Port: 1"
        #expect(origin(fields, policy) == ClientOrigin())
    }
}
