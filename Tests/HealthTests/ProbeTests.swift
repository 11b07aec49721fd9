// Goal: each way in which a check can end is told to the roster as what it was. Method: checks of
// real loopback sockets that behave badly on purpose; what no socket shows is a table.

import Backends
import Endpoints
import Events
import Glibc
import HTTP1
import HTTPClient
import Health
import Testing

@Suite struct ProbeTests {
    /// The first result of checks of a peer that behaves so: `.some(nil)` has passed.
    private func result(
        of behaviour: Peer.Behaviour, timeout: Duration = .seconds(10), _ kind: HealthOptions.Kind
    ) throws -> (failure: CheckFailure?, request: String) {
        let fixture = Fixture {
            $0.kind = kind
            $0.timeout = timeout
        }
        let peer = try Peer(behaviour, on: fixture.loop)
        defer { peer.close() }
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

    @Test("a closed port is told as such", arguments: [HealthOptions.Kind.tcp, .http(.init())])
    func refused(kind: HealthOptions.Kind) throws {
        let fixture = Fixture { $0.kind = kind }
        let endpoint = try closedEndpoint()
        fixture.name(endpoint)
        fixture.awaitResult()
        #expect(try fixture.backend(endpoint).lastCheck?.failure == .refused)
    }

    @Test("a connect that does not end in time is told as such")
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
        "an HTTP check passes by the status alone",
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

    @Test("statuses that pass are the operator's", arguments: [(401, true), (200, false)])
    func statusRange(status: Int, passes: Bool) throws {
        let kind = HealthOptions.Kind.http(.init(statuses: 401...401))
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

    @Test("the request is a GET that names its sender, to the endpoint or the given host")
    func request() throws {
        let answer = Peer.Behaviour.answer("HTTP/1.1 200 OK\r\n\r\n")
        let given = try result(of: answer, .http(.init(path: "/up?x=1", host: "web.test"))).request
        #expect(
            given == "GET /up?x=1 HTTP/1.1\r\nHost: web.test\r\nUser-Agent: fairlead/check\r\n"
                + "Connection: close\r\n\r\n")
        let plain = try result(of: answer, .http(.init())).request
        #expect(plain.hasPrefix("GET / HTTP/1.1\r\nHost: 127.0.0.1:"))
    }

    // MARK: What no socket shows

    @Test(
        "system errors are told apart, and our own shortages are no evidence",
        arguments: [
            (ECONNREFUSED, .failed(.refused)), (ETIMEDOUT, .failed(.timeout)),
            (ECONNRESET, .failed(.reset)), (EPIPE, .failed(.reset)),
            (EHOSTUNREACH, .failed(.unreachable)), (ENETUNREACH, .failed(.unreachable)),
            (EACCES, .failed(.other(EACCES))),
            (EMFILE, .inconclusive), (ENFILE, .inconclusive), (ENOMEM, .inconclusive),
            (ENOBUFS, .inconclusive),
        ] as [(Int32, ProbeResult)])
    func errors(number: Int32, expected: ProbeResult) {
        let errno = Errno(rawValue: number)
        #expect(ProbeResult(errno) == expected)
        #expect(ProbeResult(HTTPClient.Failure.connect(errno)) == expected)
        #expect(ProbeResult(HTTPClient.Failure.broken(errno, .waiting)) == expected)
    }

    @Test("failures of an exchange that a check can't have are told all the same")
    func otherFailures() {
        #expect(ProbeResult(HTTPClient.Failure.tooManyInterim) == .failed(.malformed))
        #expect(ProbeResult(HTTPClient.Failure.bodyTooLarge(limit: 1)) == .failed(.malformed))
        #expect(ProbeResult(HTTPClient.Failure.unsendable("")) == .failed(.other(0)))
    }
}
