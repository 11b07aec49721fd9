// Goal: the roster gets the true cause, in whichever way a check ends. Method: checks of real
// loopback sockets that behave badly on purpose; what no socket shows is a table.

import Backends
import Endpoints
import Events
import Glibc
import HTTP1
import HTTPClient
import Health
import ProxyProtocol
import Testing
import Traffic

@Suite struct ProbeTests {
    /// The first result of checks of a peer that behaves so; `.some(nil)` is a pass.
    private func result(
        of behaviour: Peer.Behaviour, greeting: String? = nil, timeout: Duration = .seconds(10),
        header: ProxyHeader.Version? = nil, _ kind: CheckOptions.Kind
    ) throws -> (failure: CheckFailure?, request: String) {
        let fixture = Fixture {
            $0.setKind(kind)
            $0.timeout = timeout
            $0.sendsHeader = header
        }
        let peer = try Peer(behaviour, on: fixture.loop)
        defer { peer.close() }
        peer.greeting = greeting
        fixture.name(peer.endpoint)
        fixture.awaitResult()
        let check = try #require(try fixture.backend(peer.endpoint).lastCheck)
        #expect(check.took >= .zero)
        return (check.failure, String(decoding: peer.received, as: UTF8.self))
    }

    // MARK: TCP

    @Test("a TCP check passes as soon as the peer's kernel has the connection")
    func listening() throws {
        #expect(try result(of: .listen, .tcp).failure == nil)
        #expect(try result(of: .silence, .tcp).failure == nil)
    }

    @Test(
        "a closed port is reported as such",
        arguments: [
            CheckOptions.Kind.tcp, .http(.init()), .sendExpect(.init(expect: [0x2B])),
        ])
    func refused(kind: CheckOptions.Kind) throws {
        let fixture = Fixture { $0.setKind(kind) }
        let endpoint = try closedEndpoint()
        fixture.name(endpoint)
        fixture.awaitResult()
        #expect(try fixture.backend(endpoint).lastCheck?.failure == .refused)
    }

    @Test("a connect that does not end in time is reported as such")
    func connectTimeout() throws {
        let fixture = Fixture { $0.timeout = .milliseconds(50) }
        // A listener with room for one connection, and that taken: the kernel ignores further ones.
        let listener = try Socket.listen(
            on: Endpoint(.loopback, 0), backlog: 0, isShared: false)
        let endpoint = try #require(listener.localEndpoint)
        let fillers = try (0..<4).map { _ in try Socket.connectStream(to: endpoint) }
        defer {
            listener.close()
            fillers.forEach { $0.close() }
        }
        fixture.name(endpoint)
        fixture.awaitResult()
        #expect(try fixture.backend(endpoint).lastCheck?.failure == .timeout)
    }

    @Test("checks may have a port of their own")
    func portOverride() throws {
        let loop = EventLoop()
        let peer = try Peer(.listen, on: loop)
        defer { peer.close() }
        let fixture = Fixture { $0.port = peer.endpoint.port }
        let endpoint = try closedEndpoint()
        fixture.name(endpoint)
        fixture.turn { fixture.phase(endpoint) == .up }
    }

    // MARK: HTTP

    @Test(
        "an HTTP check passes on the status alone",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhe", nil),
            ("HTTP/1.1 399 Odd\r\n\r\n", nil), ("HTTP/1.0 204 No\r\n\r\n", nil),
            ("HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", nil),
            ("HTTP/1.1 500 No\r\n\r\n", .status(500)), ("HTTP/1.1 400 No\r\n\r\n", .status(400)),
            ("SSH-2.0-OpenSSH_9.2\r\n", .malformed), ("HTTP/1.1 2OO OK\r\n\r\n", .malformed),
            ("HTTP/2 200\r\n\r\n", .malformed),
        ] as [(String, CheckFailure?)])
    func statuses(text: String, failure: CheckFailure?) throws {
        #expect(try result(of: .answer(text), .http(.init())).failure == failure)
    }

    @Test(
        "the operator says which statuses pass, in ranges",
        arguments: [(401, true), (200, true), (299, true), (300, false), (400, false)])
    func statusRanges(status: Int, passes: Bool) throws {
        let kind = CheckOptions.Kind.http(.init(statuses: [200...299, 401...401]))
        let failure = try result(of: .answer("HTTP/1.1 \(status) X\r\n\r\n"), kind).failure
        #expect(failure == (passes ? nil : .status(status)))
    }

    @Test("a peer that says nothing, or hangs up, fails an HTTP check")
    func noAnswer() throws {
        let short = Duration.milliseconds(50)
        #expect(try result(of: .silence, timeout: short, .http(.init())).failure == .timeout)
        #expect(
            try result(of: .answer("HTTP/1.1 200"), timeout: short, .http(.init())).failure
                == .timeout)
        #expect(try result(of: .close, .http(.init())).failure == .reset)
        #expect(try result(of: .reset, .http(.init())).failure == .reset)
    }

    @Test("the request is a GET with a User-Agent, for the endpoint or the given host")
    func request() throws {
        let answer = Peer.Behaviour.answer("HTTP/1.1 200 OK\r\n\r\n")
        let given = try result(of: answer, .http(.init(path: "/up?x=1", host: "web.test"))).request
        #expect(
            given == "GET /up?x=1 HTTP/1.1\r\nHost: web.test\r\nUser-Agent: fairlead/check\r\n"
                + "Connection: close\r\n\r\n")
        let plain = try result(of: answer, .http(.init())).request
        #expect(plain.hasPrefix("GET / HTTP/1.1\r\nHost: 127.0.0.1:"))
    }

    @Test("the operator sets method and field lines, the User-Agent too")
    func ownRequest() throws {
        var http = CheckOptions.HTTP(path: "/up", host: "web.test")
        http.method = .post
        http.fields = [.init(name: "X-Tenant", value: "a"), .init(name: "user-agent", value: "me")]
        let request = try result(of: .answer("HTTP/1.1 200 OK\r\n\r\n"), .http(http)).request
        #expect(
            request == "POST /up HTTP/1.1\r\nHost: web.test\r\nX-Tenant: a\r\nuser-agent: me\r\n"
                + "Content-Length: 0\r\nConnection: close\r\n\r\n")
    }

    @Test("a HEAD passes on the head alone, whatever its Content-Length")
    func headRequest() throws {
        var http = CheckOptions.HTTP()
        http.method = .head
        let answer = Peer.Behaviour.answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        let result = try result(of: answer, .http(http))
        #expect(result.failure == nil)
        #expect(result.request.hasPrefix("HEAD / HTTP/1.1\r\n"))
    }

    // MARK: The body of an answer

    private static func body(_ text: String, length: Int? = nil) -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(length ?? text.utf8.count)\r\n\r\n\(text)"
    }

    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test(
        "a body passes if it contains the expected text, however it is framed",
        arguments: [
            (body(#"{"status": "ok"}"#), nil), (body("ok"), nil), (body("o"), .body(.lacksText)),
            (body("OK"), .body(.lacksText)), (body(""), .body(.lacksText)),
            (body("oook"), nil), (body("o k"), .body(.lacksText)),
            (chunked + "1\r\no\r\n1\r\nk\r\n0\r\n\r\n", nil),
            (chunked + "2\r\nno\r\n0\r\n\r\n", .body(.lacksText)),
            (chunked + "0x2\r\nok\r\n0\r\n\r\n", .body(.malformed)),
            // The status comes first, whatever the body says.
            ("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nok", .status(500)),
            ("HTTP/1.1 204 No\r\n\r\n", .body(.lacksText)),
        ] as [(String, CheckFailure?)])
    func bodies(text: String, failure: CheckFailure?) throws {
        var http = CheckOptions.HTTP()
        http.body = "ok"
        #expect(try result(of: .answer(text), .http(http)).failure == failure)
    }

    @Test("only the first 64 KiB of a body count, and the check waits for no more")
    func longBody() throws {
        var http = CheckOptions.HTTP()
        http.body = "ok"
        let limit = CheckOptions.HTTP.bodyBytesMax
        // The bytes behind the limit are never sent.
        let within = String(repeating: "x", count: limit - 2) + "ok"
        let across = String(repeating: "x", count: limit - 1) + "ok"
        #expect(
            try result(of: .answer(Self.body(within, length: 1 << 30)), .http(http)).failure == nil)
        #expect(
            try result(of: .answer(Self.body(across, length: 1 << 30)), .http(http)).failure
                == .body(.lacksText))
    }

    @Test("a body that can't be read that far fails, and the cause says why")
    func brokenBody() throws {
        var http = CheckOptions.HTTP()
        http.body = "ok"
        let half = Self.body("o", length: 9)
        #expect(
            try result(of: .answerAndClose(half), .http(http)).failure == .body(.cutShort))
        #expect(
            try result(of: .answer(half), timeout: .milliseconds(100), .http(http)).failure
                == .body(.timeout))
        // A body that ends with the connection is whole.
        let open = "HTTP/1.0 200 OK\r\n\r\nok"
        #expect(try result(of: .answerAndClose(open), .http(http)).failure == nil)
    }

    // MARK: PROXY header

    @Test("a check begins with a header that says it is Fairlead's own")
    func header() throws {
        let answer = "HTTP/1.1 200 OK\r\n\r\n"
        let kinds: [(CheckOptions.Kind, String)] = [
            (.http(.init()), "GET / HTTP/1.1\r\n"), (script("GET", "HTTP"), "GET"),
        ]
        for (kind, request) in kinds {
            let local = try result(of: .answer(answer), header: .v2, kind)
            #expect(local.failure == nil)
            #expect(
                local.request.hasPrefix("\r\n\r\n\0\r\nQUIT\n \0\0\0" + request))
            let line = try result(of: .answer(answer), header: .v1, kind)
            #expect(line.failure == nil)
            #expect(line.request.hasPrefix("PROXY TCP4 127.0.0.1 127.0.0.1 "))
            #expect(line.request.contains("\r\n" + request))
        }
        #expect(try result(of: .silence, header: .v2, .tcp).failure == nil)
    }

    @Test("a check at a port of its own has no header")
    func headerAtOtherPort() throws {
        let loop = EventLoop()
        let peer = try Peer(.answer("HTTP/1.1 200 OK\r\n\r\n"), on: loop)
        defer { peer.close() }
        let fixture = Fixture {
            $0.setKind(.http(.init()))
            $0.port = peer.endpoint.port
            $0.sendsHeader = .v1
        }
        let endpoint = try closedEndpoint()
        fixture.name(endpoint)
        fixture.turn {
            loop.runOnce()
            return fixture.phase(endpoint) == .up
        }
        #expect(String(decoding: peer.received, as: UTF8.self).hasPrefix("GET / "))
    }

    // MARK: Send and expect

    private func script(_ send: String, _ expect: String) -> CheckOptions.Kind {
        .sendExpect(.init(send: Array(send.utf8), expect: Array(expect.utf8)))
    }

    @Test(
        "an answer passes if it begins as expected",
        arguments: [
            ("+PONG\r\n", nil), ("+PONG", nil), ("+PONG and more", nil),
            ("-ERR unknown command, not +PONG\r\n", .unexpected(.text)),
            ("+PING\r\n", .unexpected(.text)), (" +PONG", .unexpected(.text)),
            ("HTTP/1.1 400 Bad Request\r\n\r\n", .unexpected(.http)),
            ("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{16}", .unexpected(.tls)),
            ("\u{0}\u{1}\u{2}", .unexpected(.binary)), ("\u{1b}[2J", .unexpected(.binary)),
        ] as [(String, CheckFailure?)])
    func answers(text: String, failure: CheckFailure?) throws {
        let result = try result(of: .answer(text), script("PING\r\n", "+PONG"))
        #expect(result.failure == failure)
        #expect(result.request == "PING\r\n")
    }

    @Test("a peer that sends first needs no request, and gets none")
    func greeting() throws {
        let result = try result(
            of: .silence, greeting: "220 mail.test ESMTP\r\n", script("", "220 "))
        #expect(result.failure == nil)
        #expect(result.request.isEmpty)
        #expect(
            try self.result(of: .silence, greeting: "554 no\r\n", script("", "220 ")).failure
                == .unexpected(.text))
    }

    @Test("a long exchange arrives whole, however it is cut")
    func longWords() throws {
        let long = String(repeating: "x", count: 1024)
        let result = try result(of: .silence, greeting: long + "tail", script(long, long))
        #expect(result.failure == nil)
    }

    @Test("half an answer is none: the check waits for the rest, up to its timeout")
    func halfAnswer() throws {
        let kind = script("PING\r\n", "+PONG")
        let short = Duration.milliseconds(100)
        #expect(try result(of: .answer("+PO"), timeout: short, kind).failure == .timeout)
        #expect(try result(of: .silence, timeout: short, kind).failure == .timeout)
        #expect(try result(of: .listen, timeout: short, kind).failure == .timeout)
        #expect(try result(of: .answerAndClose("+PO"), kind).failure == .reset)
        #expect(try result(of: .close, kind).failure == .reset)
        #expect(try result(of: .reset, kind).failure == .reset)
    }

    @Test("no cause shows a byte of an unexpected answer")
    func causes() {
        let failures: [CheckFailure] =
            CheckFailure.AnswerKind.allCases.map { .unexpected($0) }
            + CheckFailure.BodyFailure.allCases.map { .body($0) }
        #expect(Set(failures.map(\.description)).count == failures.count)
        #expect(CheckFailure.unexpected(.tls).description == "unexpected answer: TLS")
        #expect(
            CheckFailure.body(.lacksText).description == "body without the expected text")
    }

    // MARK: What no socket shows

    @Test(
        "system errors are told apart, and a shortage of this machine is no evidence",
        arguments: [
            (ECONNREFUSED, .failed(.refused)), (ETIMEDOUT, .failed(.timeout)),
            (ECONNRESET, .failed(.reset)), (EPIPE, .failed(.reset)),
            (EHOSTUNREACH, .failed(.unreachable)), (ENETUNREACH, .failed(.unreachable)),
            (EACCES, .failed(.other(EACCES))),
            (EMFILE, .inconclusive), (ENFILE, .inconclusive), (ENOMEM, .inconclusive),
            (ENOBUFS, .inconclusive), (EADDRNOTAVAIL, .inconclusive),
        ] as [(Int32, ProbeResult)])
    func errors(number: Int32, expected: ProbeResult) {
        let errno = Errno(rawValue: number)
        #expect(ProbeResult(errno) == expected)
        #expect(ProbeResult(HTTPClient.Failure.connect(errno)) == expected)
        #expect(ProbeResult(HTTPClient.Failure.broken(errno, .waiting)) == expected)
        let inBody = ProbeResult(HTTPClient.Failure.broken(errno, .receiving))
        #expect(inBody == (expected == .inconclusive ? expected : .failed(.body(.cutShort))))
    }

    @Test("failures that an exchange of a check can't have are reported anyway")
    func otherFailures() {
        #expect(ProbeResult(HTTPClient.Failure.tooManyInterim) == .failed(.malformed))
        #expect(ProbeResult(HTTPClient.Failure.bodyTooLarge(limit: 1)) == .failed(.malformed))
        #expect(ProbeResult(HTTPClient.Failure.unsendable("")) == .failed(.other(0)))
    }
}
