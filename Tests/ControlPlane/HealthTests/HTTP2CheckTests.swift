// Goal: backends that speak HTTP/2 are checked by it, and those of gRPC by its health service; the
// cause of a failure says what is wrong, and no answer is believed that does not say all it has to.
// Method: checks of a server on loopback that answers as a test says, down to single frames.

import Backends
import Endpoints
import Events
import GRPCWire
import HTTP1
import HTTP2
import HTTPClient
import Health
import ProxyProtocol
import Testing
import Traffic

@Suite struct HTTP2CheckTests {
    private typealias Answer = HTTP2Peer.Answer

    /// The first result of checks of a peer that answers so, which is turned until `condition`
    /// holds of it as well; `failure` nil is a pass.
    private func result(
        _ answer: Answer, timeout: Duration = .seconds(10), header: ProxyHeader.Version? = nil,
        speaks: BackendProtocol = .http2, until condition: (HTTP2Peer) -> Bool = { _ in true },
        _ kind: CheckOptions.Kind
    ) throws -> (failure: CheckFailure?, peer: HTTP2Peer) {
        let fixture = Fixture(speaks: speaks) {
            $0.setKind(kind)
            $0.timeout = timeout
            $0.sendsHeader = header
        }
        let peer = try HTTP2Peer(on: fixture.loop) { _ in answer }
        defer { peer.close() }
        fixture.name(peer.endpoint)
        fixture.awaitResult()
        fixture.turn { condition(peer) }
        return (try fixture.backend(peer.endpoint).lastCheck?.failure, peer)
    }

    // MARK: HTTP

    @Test("a backend of HTTP/2 is asked by HTTP/2, with the request of any HTTP check")
    func request() throws {
        var http = CheckOptions.HTTP(path: "/up", host: "web.test")
        http.fields = [.init(name: "X-Tenant", value: "a")]
        // The client says that it leaves.
        let (failure, peer) = try result(
            .response("HTTP/1.1 204 No Content"), until: { $0.farewells > 0 }, .http(http))
        #expect(failure == nil)
        #expect(
            peer.requests.first?.head.lowercased()
                == "get /up http/1.1\r\nhost: web.test\r\nuser-agent: fairlead/check\r\n"
                + "x-tenant: a\r\n\r\n")
        // A method that has content elsewhere.
        http.method = .post
        #expect(try result(.response("HTTP/1.1 200 OK"), .http(http)).failure == nil)
    }

    @Test(
        "status and body decide as by HTTP/1.1",
        arguments: [
            (.response("HTTP/1.1 200 OK", body: Array("it is ok".utf8)), nil),
            (.response("HTTP/1.1 200 OK", body: Array("no".utf8)), .body(.lacksText)),
            (.response("HTTP/1.1 200 OK"), .body(.lacksText)),
            (.response("HTTP/1.1 503 No", body: Array("ok".utf8)), .status(503)),
            (.response("HTTP/1.1 200 OK\nContent-Length: 2", body: Array("ok".utf8)), nil),
            // More or less than was told.
            (
                .response("HTTP/1.1 200 OK\nContent-Length: 1", body: Array("ok".utf8)),
                .body(.malformed)
            ),
            (.response("HTTP/1.1 200 OK", body: Array("ok".utf8), trailers: "A: b"), nil),
            (.reset(.refusedStream), .resetStream("REFUSED_STREAM")),
            (.reset(.http11Required), .resetStream("HTTP_1_1_REQUIRED")),
            // A frame of DATA in place of a head, and one that is larger than any may be.
            (.raw([0, 0, 1, 0, 1, 0, 0, 0, 1, 0x41]), .malformed),
            (.raw([0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1]), .malformed),
            // A head without a status, and a block that can't be decoded.
            (.raw([0, 0, 1, 1, 5, 0, 0, 0, 1, 0x90]), .malformed),
            (.raw([0, 0, 1, 1, 5, 0, 0, 0, 1, 0xFF]), .malformed),
        ] as [(HTTP2Peer.Answer, CheckFailure?)])
    func answers(answer: HTTP2Peer.Answer, expected: CheckFailure?) throws {
        var http = CheckOptions.HTTP()
        http.body = "ok"
        #expect(try result(answer, .http(http)).failure == expected)
    }

    @Test("of a long body 64 KiB are read, whatever its windows")
    func longBody() throws {
        var http = CheckOptions.HTTP()
        http.body = "end"
        let text = [UInt8](repeating: 0x78, count: 60_000) + Array("end".utf8)
        #expect(try result(.response("HTTP/1.1 200 OK", body: text), .http(http)).failure == nil)
    }

    @Test("a backend that speaks no HTTP/2, or nothing, fails with a cause that says so")
    func otherProtocols() throws {
        func failure(
            _ behaviour: Peer.Behaviour, _ timeout: Duration = .seconds(10)
        ) throws -> CheckFailure? {
            let fixture = Fixture(speaks: .http2) {
                $0.setKind(.http(.init()))
                $0.timeout = timeout
            }
            let peer = try Peer(behaviour, on: fixture.loop)
            defer { peer.close() }
            fixture.name(peer.endpoint)
            fixture.awaitResult()
            #expect(String(decoding: peer.received, as: UTF8.self).hasPrefix("PRI * HTTP/2.0"))
            return try fixture.backend(peer.endpoint).lastCheck?.failure
        }
        #expect(try failure(.answer("HTTP/1.1 400 Bad Request\r\n\r\n")) == .notHTTP2)
        #expect(try failure(.answer("SSH-2.0-OpenSSH_9.2\r\n")) == .notHTTP2)
        #expect(try failure(.close) == .reset)
        #expect(try failure(.silence, .milliseconds(50)) == .timeout)
    }

    @Test("on a port of their own checks ask by HTTP/1.1, and in the clear `auto` does")
    func otherPort() throws {
        for speaks in [BackendProtocol.http2, .auto] {
            let loop = EventLoop()
            let peer = try Peer(.answer("HTTP/1.1 200 OK\r\n\r\n"), on: loop)
            defer { peer.close() }
            let fixture = Fixture(speaks: speaks) {
                $0.setKind(.http(.init()))
                if speaks == .http2 { $0.port = peer.endpoint.port }
            }
            let endpoint = speaks == .http2 ? try closedEndpoint() : peer.endpoint
            fixture.name(endpoint)
            fixture.turn {
                loop.runOnce()
                return fixture.phase(endpoint) == .up
            }
            #expect(String(decoding: peer.received, as: UTF8.self).hasPrefix("GET / HTTP/1.1\r\n"))
        }
    }

    // MARK: gRPC

    private static let head = "HTTP/1.1 200 OK\nContent-Type: application/grpc"

    private static func says(_ message: [UInt8], _ trailers: String = "grpc-status: 0") -> Answer {
        .response(head, body: GRPCMessage.framed(message), trailers: trailers)
    }

    @Test("the health service is called as gRPC has it", arguments: BackendProtocol.allCases)
    func call(speaks: BackendProtocol) throws {
        let grpc = CheckOptions.GRPC(
            service: "shop.Cart", host: "shop.test",
            fields: [.init(name: "authorization", value: "a")])
        let (failure, peer) = try result(
            Self.says([0x08, 1]), timeout: .milliseconds(1500), header: .v1, speaks: speaks,
            .grpc(grpc))
        #expect(failure == nil)
        let request = try #require(peer.requests.first)
        #expect(request.body == GRPCHealth.question(about: "shop.Cart"))
        #expect(request.acceptsTrailers)
        let lines = request.head.lowercased().split(separator: "\r\n")
        #expect(lines.first == "post /grpc.health.v1.health/check http/1.1")
        for line in [
            "host: shop.test", "content-type: application/grpc", "user-agent: fairlead/check",
            "authorization: a", "grpc-timeout: 1500000u",
        ] {
            #expect(lines.contains(Substring(line)), "\(request.head)")
        }
        #expect(peer.introductions.first?.hasPrefix("PROXY TCP4 127.0.0.1 ") == true)
    }

    @Test(
        "nothing passes but SERVING with an OK behind it",
        arguments: [
            (says([0x08, 1]), nil), (says([0x08, 2]), .notServing(.notServing)),
            (says([]), .notServing(.unknown)), (says([0x08, 9]), .notServing(.other(9))),
            (says([0x08]), .notServing(.malformed)),
            (says([0x08, 1], "grpc-status: 14"), .callFailed(.unavailable)),
            (says([0x08, 1], "grpc-status: x"), .notGRPC),
            (says([0x08, 1], "grpc-message: no"), .notGRPC),
            (.response(head, body: GRPCMessage.framed([0x08, 1])), .notGRPC),
            (.response(head, trailers: "grpc-status: 0"), .notServing(.malformed)),
            (.response(head + "\ngrpc-status: 5"), .callFailed(.notFound)),
            (.response(head + "\ngrpc-status: 12\ngrpc-message: a b"), .callFailed(.unimplemented)),
            (.response("HTTP/1.1 200 OK\nContent-Type: text/html", body: [0x3C]), .notGRPC),
            (.response("HTTP/1.1 404 Not Found\nContent-Type: text/html"), .status(404)),
            (
                .response(
                    head, body: [UInt8](repeating: 0, count: 1025), trailers: "grpc-status: 0"),
                .notServing(.malformed)
            ),
            (.response(head + "\nContent-Length: 9999", body: [0]), .notServing(.malformed)),
            (.reset(.internalError), .resetStream("INTERNAL_ERROR")),
        ] as [(HTTP2Peer.Answer, CheckFailure?)])
    func verdicts(answer: HTTP2Peer.Answer, expected: CheckFailure?) throws {
        #expect(try result(answer, .grpc(.init())).failure == expected)
    }

    @Test("a health service that does not answer in time fails the check")
    func silence() throws {
        let short = Duration.milliseconds(50)
        #expect(try result(.silence, timeout: short, .grpc(.init())).failure == .timeout)
        // A head alone is not an answer.
        let frames: [UInt8] = [0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88]
        #expect(
            try result(.raw(frames), timeout: short, .grpc(.init())).failure == .body(.timeout))
    }

    @Test("a cause says what to do, and shows nothing that the peer wrote")
    func causes() {
        let unknown = "\(CheckFailure.callFailed(.notFound))"
        #expect(unknown.contains("NOT_FOUND") && unknown.contains("check.grpc"))
        let missing = "\(CheckFailure.callFailed(.unimplemented))"
        #expect(missing.contains("UNIMPLEMENTED") && missing.contains("grpc.health.v1.Health"))
        #expect("\(CheckFailure.notServing(.notServing))" == "its health service says NOT_SERVING")
        #expect("\(CheckFailure.callFailed(.unavailable))" == "grpc-status 14 (UNAVAILABLE)")
    }
}
