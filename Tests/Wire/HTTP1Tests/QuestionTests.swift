// Goal: a question about a request says who asks for what, and nothing that a client could forge;
// what is taken of the answer is what was asked for. Method: golden heads, written in just the room
// that they say they need.

import HTTP1
import Testing

@Suite struct QuestionTests {
    private func question(
        about text: String, _ question: AuthQuestion, isTrusted: Bool = false,
        xForwarded: ForwardingPolicy.Handling = .append, requestID: RequestID? = nil
    ) throws -> String {
        let parsed = ParsedRequest(text)
        try #require(parsed.outcome == .complete(length: text.utf8.count))
        var policy = ForwardingPolicy()
        policy.xForwarded = xForwarded
        policy.addsRequestID = requestID != nil
        var forwarding = Forwarding(policy: policy, port: 80, defaultHost: bytes("d.test"))
        forwarding.setClient(isTrusted: isTrusted) { $0.append(contentsOf: bytes("192.0.2.1")) }
        var out: [UInt8] = []
        let room = parsed.head.questionBytesMax(question, forwarding: forwarding)
        out.append(addingCapacity: room) { (out: inout OutputSpan<UInt8>) in
            parsed.head.writeQuestion(
                question, from: parsed.input.span, forwarding: forwarding, requestID: requestID,
                trace: nil, into: &out)
        }
        #expect(
            ParsedRequest(String(decoding: out, as: UTF8.self)).outcome
                == .complete(length: out.count))
        return String(decoding: out, as: UTF8.self)
    }

    private func plain(_ fields: [String] = [], host: String? = nil, keeps: Bool = false)
        -> AuthQuestion
    {
        AuthQuestion(path: "/c?d", host: host, keepsMethod: keeps, fields: fields)
    }

    private let forwarded =
        "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n"
        + "X-Forwarded-Host: h\r\n"

    @Test("what a client says of forwarding, and what is not named, is not told")
    func fields() throws {
        let text =
            "POST /a?b HTTP/1.1\r\nHost: h\r\nX-Forwarded-Uri: /z\r\nx-forwarded-method: GET\r\n"
            + "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-A: 1\r\nX-B: 2\r\n"
            + "Connection: X-C\r\nX-C: 3\r\nContent-Length: 5\r\nx-a: 4\r\n\r\n"
        for handling in ForwardingPolicy.Handling.allCases {
            let head = try question(about: text, plain(["X-A", "x-c"]), xForwarded: handling)
            #expect(
                head == "GET /c?d HTTP/1.1\r\nHost: h\r\nX-Forwarded-Method: POST\r\n"
                    + "X-Forwarded-Uri: /a?b\r\n\(forwarded)X-A: 1\r\nx-a: 4\r\n\r\n")
        }
    }

    @Test("a trusted client's account stands")
    func trusted() throws {
        let text =
            "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Port: 443\r\n"
            + "X-Request-Id: i\r\n\r\n"
        let id = RequestID(high: 1, low: 2)
        let head = try question(about: text, plain(), isTrusted: true, requestID: id)
        #expect(
            head == "GET /c?d HTTP/1.1\r\nHost: h\r\nX-Forwarded-Method: GET\r\n"
                + "X-Forwarded-Uri: /\r\nX-Forwarded-For: 10.0.0.1, 192.0.2.1\r\n"
                + "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nX-Forwarded-Port: 443\r\n"
                + "X-Request-Id: i\r\n\r\n")
        let other = try question(about: text, plain(), requestID: id)
        #expect(other.contains("X-Request-Id: 00000000000000010000000000000002\r\n"))
    }

    @Test(
        "the method is kept where that is wanted and can be",
        arguments: [
            ("PUT", "PUT", true), ("HEAD", "HEAD", false), ("BREW", "BREW", true),
            ("TRACE", "GET", false),
        ])
    func method(method: String, expected: String, hasLength: Bool) throws {
        let text = "\(method) /a HTTP/1.1\r\nHost: h\r\n\r\n"
        let head = try question(about: text, plain(keeps: true))
        #expect(head.hasPrefix("\(expected) /c?d HTTP/1.1\r\n"))
        #expect(head.contains("X-Forwarded-Method: \(method)\r\n"))
        #expect(head.contains("Content-Length: 0\r\n") == hasLength)
        let get = try question(about: text, plain())
        #expect(get.hasPrefix("GET "))
    }

    @Test(
        "each form of a target is told as a backend would get it",
        arguments: [
            ("GET http://a.test?q", "/?q", "a.test"), ("GET http://a.test", "/", "a.test"),
            ("OPTIONS *", "*", "h"), ("CONNECT a.test:443", "a.test:443", "a.test:443"),
        ])
    func target(line: String, expected: String, host: String) throws {
        let text = "\(line) HTTP/1.1\r\nHost: h\r\n\r\n"
        let head = try question(about: text, plain(keeps: true))
        #expect(head.contains("\r\nX-Forwarded-Uri: \(expected)\r\n"))
        #expect(head.contains("\r\nHost: \(host)\r\n"))
        #expect(try question(about: text, plain(host: "x.test")).contains("\r\nHost: x.test\r\n"))
    }

    @Test("a request of HTTP/1.0 without a host is asked about all the same")
    func noHost() throws {
        let head = try question(about: "GET / HTTP/1.0\r\n\r\n", plain())
        #expect(head.contains("\r\nHost: d.test\r\n") && !head.contains("X-Forwarded-Host"))
    }

    @Test("a list finds its names in any letter case, and no others")
    func list() {
        let list = FieldList(["X-User", "a"])
        for (name, isIn) in [
            ("x-user", true), ("X-USER", true), ("X_User", false), ("x-use", false), ("A", true),
            ("", false), ("!", false), ("xmuser", false),
        ] {
            #expect(list.contains(bytes(name).span) == isIn, "\(name)")
        }
        #expect(FieldList([]).isEmpty && !list.isEmpty)
    }

    private static let answer =
        "HTTP/1.1 401 No\r\nX-User:ann\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
        + "Content-Type: a/b\r\nContent-Length: 3\r\nx-user: bob\r\nTrailer: t\r\nKeep-Alive: 1\r\n"
        + "Odd : 2\r\nSet-Cookie: c\r\nContent-Encoding: br\r\nProxy-Authenticate: p\r\n\r\n"

    @Test("of an answer what is named is taken, and nothing that belongs to a connection")
    func taken() throws {
        let parsed = ParsedResponse(Self.answer)
        try #require(parsed.outcome == .complete(length: Self.answer.utf8.count))
        var lines: [UInt8] = []
        parsed.head.appendLines(
            of: FieldList(["x-user", "x-hop", "Content-Length", "keep-alive", "odd"]),
            from: parsed.input.span, to: &lines)
        #expect(text(lines) == "X-User: ann\r\nx-user: bob\r\nOdd: 2\r\n")

        var passed: [UInt8] = []
        var content: [UInt8] = []
        parsed.head.appendLines(from: parsed.input.span, to: &passed, content: &content)
        #expect(text(passed) == "X-User: ann\r\nx-user: bob\r\nOdd: 2\r\nSet-Cookie: c\r\n")
        #expect(text(content) == "Content-Type: a/b\r\nContent-Encoding: br\r\n")
    }
}
