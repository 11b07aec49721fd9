// Goal: a service that is asked about a request decides whether its backend gets it, and with which
// fields; refusals reach clients of every kind as they came; without an answer the rule decides;
// nothing is left behind when a client leaves. Method: a backend, and a service that is asked, each
// of which does what the test says.

import AccessLog
import Backends
import Endpoints
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct AuthTests {
    static let auth = ServiceID(index: 1)
    static let web = ServiceID(index: 0)
    /// Longer than any test takes.
    static let long = Duration.seconds(600)

    /// Runs `body` with a proxy whose service 1 is asked about requests for service 0; those of
    /// `/open` are not asked about.
    func withAuth(
        _ asked: [UInt16], _ backend: Backend, log: AccessLog? = nil,
        rule edit: (inout AuthRule) -> Void = { _ in },
        options configure: (inout ProxyOptions) -> Void = { _ in },
        _ body: (RunningProxy) throws -> Void
    ) throws {
        var all = RouteRule(.forward(Self.web, prefix: nil))
        var rule = AuthRule(Self.auth, timeout: Self.long)
        rule.path = "/check?x"
        rule.sent = ["authorization", "cookie", "x-key"]
        rule.taken = ["X-User", "x-groups"]
        edit(&rule)
        all.auth = rule
        all.requestEdits.set("X-Route", "a")
        all.responseEdits.set("X-Frame-Options", "DENY")
        var open = RouteRule(.forward(Self.web, prefix: nil))
        open.path = .exact("/open")
        try withProxy([backend.port], accessLog: log) { options in
            options.services.append(.plain(Self.auth, "gate"))
            options.listeners[0].routes = RouteTable([all, open])
            configure(&options)
        } _: { proxy in
            proxy.publish(asked, service: 1)
            try body(proxy)
        }
    }

    /// What was counted for the service that is asked.
    func gate(_ proxy: RunningProxy, _ counter: ServiceCounter) -> Int {
        _ = proxy.service
        return proxy.registry.serviceTotals(1)[counter]
    }

    static let allowing = response("ignored", "200 OK", "X-User: ann\r\nX-Other: o\r\n")

    // MARK: - Let through

    @Test("the question says who asks for what; the request gets the answer's fields for its own")
    func allowed() throws {
        let asked = try Backend.replying(Self.allowing)
        let backend = try Backend.echoing()
        try withAuth([asked.port], backend) { proxy in
            let client = try proxy.connect()
            for _ in 0..<3 {
                try client.send(
                    "POST /a?b HTTP/1.1\r\nHost: a.test\r\nCookie: c=1\r\n"
                        + "Authorization: Basic eA\r\nX-User: root\r\nx_user: root\r\n"
                        + "X-GROUPS: wheel\r\nx-key: k\r\n"
                        + "X-Forwarded-Uri: /forged\r\nX-Forwarded-For: 192.0.2.1\r\n"
                        + "Content-Length: 4\r\nX-Free: f\r\n\r\nbody")
                #expect(try client.receiveResponse().text == "body")
            }
            #expect(asked.connections == 1 && backend.connections == 1)
            let question = asked.requests[2]
            let port = proxy.port
            #expect(
                question.lines == [
                    "GET /check?x HTTP/1.1", "Host: a.test", "X-Forwarded-Method: POST",
                    "X-Forwarded-Uri: /a?b", "X-Forwarded-For: 127.0.0.1",
                    "X-Forwarded-Proto: http", "X-Forwarded-Port: \(port)",
                    "X-Forwarded-Host: a.test", "Cookie: c=1", "Authorization: Basic eA",
                    "x-key: k",
                ])
            #expect(question.body.isEmpty)
            let request = backend.requests[2]
            #expect(request.method == "POST" && request.value("x-user") == "ann")
            #expect(request.values("x_user").isEmpty && request.values("x-groups").isEmpty)
            #expect(request.values("x-other").isEmpty && request.value("x-free") == "f")
            #expect(request.value("cookie") == "c=1" && request.value("x-route") == "a")
            #expect(proxy.service[.authAllowed] == 3 && proxy.service[.failed] == 0)
            #expect(gate(proxy, .requests) == 3 && gate(proxy, .responses2xx) == 3)

            let open = try proxy.connect().get("/open", "X-User: own\r\n")
            #expect(open.status == 200 && backend.requests[3].value("x-user") == "own")
            #expect(asked.requests.count == 3)
        }
    }

    @Test("a trusted proxy's account of the request is told, and a method may be kept")
    func trusted() throws {
        let asked = try Backend.replying(response("", "204 No Content", "X-User: b\r\n"))
        let backend = try Backend.echoing()
        let loopback = try #require(IPNetwork(containing: .loopback, prefix: 8))
        try withAuth(
            [asked.port], backend,
            rule: {
                $0.keepsMethod = true
                $0.host = "auth.test:81"
            },
            options: {
                $0.listeners[0].policy.trustedProxies = [loopback]
                $0.listeners[0].policy.forwarding.addsRequestID = true
            }
        ) { proxy in
            let client = try proxy.connect()
            try client.send(
                "DELETE /d HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 192.0.2.1\r\n"
                    + "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\n\r\n")
            #expect(try client.receiveResponse().status == 200)
            let question = asked.requests[0]
            #expect(question.lines[0] == "DELETE /check?x HTTP/1.1")
            #expect(question.value("host") == "auth.test:81")
            #expect(question.value("x-forwarded-for") == "192.0.2.1, 127.0.0.1")
            #expect(question.value("x-forwarded-proto") == "https")
            #expect(question.value("x-forwarded-host") == "b.test")
            #expect(question.value("content-length") == "0")
            let id = question.value("x-request-id")
            #expect(id?.count == 32 && id == backend.requests[0].value("x-request-id"))
        }
    }

    @Test("questions have retries, and connections of HTTP/2, of their own service")
    func ownService() throws {
        let closing = try Backend { wire, backend in _ = try backend.next(wire) }
        let asked = try Backend.replying(Self.allowing)
        let backend = try Backend.replying(response("x"))
        try withAuth([closing.port, asked.port], backend) { proxy in
            let client = try proxy.connect()
            for _ in 0..<4 { #expect(try client.get().status == 200) }
            #expect(closing.connections >= 1 && gate(proxy, .retries) >= 1)
            #expect(proxy.service[.retries] == 0 && proxy.service[.requests] == 4)
        }
        let shared = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK\nX-User: two", "body")
        }
        try withAuth(
            [shared.port], backend, options: { $0.services[1].policy.speaks = .http2 }
        ) { proxy in
            let client = try HTTP2Client(proxy.connect())
            for _ in 0..<2 {
                #expect(try client.get("GET /h2 HTTP/1.1\nHost: a.test").status == 200)
            }
            #expect(backend.requests.last?.value("x-user") == "two")
            #expect(shared.requests[0].value("x-forwarded-uri") == "/h2")
            #expect(shared.connections == 1)
        }
    }

    @Test("a head that says yes is enough; its body is read for the sake of the connection")
    func lateBody() throws {
        let gate = Gate()
        let asked = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                try wire.send("HTTP/1.1 200 OK\r\nX-User: ann\r\nContent-Length: 4\r\n\r\n12")
                gate.wait()
                try wire.send("34")
            }
        }
        let backend = try Backend.replying(response("x"))
        try withAuth([asked.port], backend) { proxy in
            #expect(try proxy.connect().get().status == 200)
            #expect(backend.requests[0].value("x-user") == "ann")
            #expect(self.gate(proxy, .inFlight) == 1 && proxy.service[.inFlight] == 0)
            gate.open()
            try waitUntil("the question is over") { self.gate(proxy, .inFlight) == 0 }
            #expect(try proxy.connect().get().status == 200)
            #expect(asked.connections == 1 && proxy.service[.authAllowed] == 2)
        }
    }

    @Test("a yes without an end is one, is not read for ever, and holds up no stop")
    func endlessBody() throws {
        let asked = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            if backend.connections == 1 {
                try wire.sendPattern(to: 1_000_000)
            }
            _ = try wire.receiveToEnd()
        }
        let backend = try Backend.replying(response("x"))
        try withAuth([asked.port], backend) { proxy in
            #expect(try proxy.connect().get().status == 200)
            try waitUntil("it is given up") { gate(proxy, .inFlight) == 0 }
            try waitUntil("the connection ends") { asked.ended == 1 }
            for _ in 0..<3 { #expect(try proxy.connect().get().status == 200) }
            #expect(gate(proxy, .inFlight) == 3 && proxy.service[.authAllowed] == 4)
        }
    }

    @Test("what comes of a body waits, and the client with the rest")
    func body() throws {
        let gate = Gate()
        let asked = try Backend { wire, backend in
            _ = try backend.next(wire)
            gate.wait()
            try wire.send(Self.allowing)
        }
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "\r\n\r\n")
            #expect(try wire.receivePattern(to: 8 << 20) == 8 << 20)
            try wire.send(response("done"))
        }
        try withAuth([asked.port], backend) { proxy in
            let client = try proxy.connect()
            try client.send("PUT /b HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(8 << 20)\r\n\r\n")
            let sender = client.sender()
            try startThread { try? sender.sendPattern(to: 8 << 20) }
            try waitUntil("the question is there") { asked.requests.count == 1 }
            #expect(proxy.service[.bytesFromClients] < 1 << 20 && backend.connections == 0)
            gate.open()
            #expect(try client.receiveResponse().text == "done")
        }
    }

    @Test("a client that switches protocols is asked about before")
    func upgrade() throws {
        let asked = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                let isKnown = request.value("cookie") == "known"
                try wire.send(isKnown ? Self.allowing : response("who?", "401 Unauthorized"))
            }
        }
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
            try wire.send(try wire.receive())
        }
        try withAuth([asked.port], backend) { proxy in
            let upgrade = "Connection: upgrade\r\nUpgrade: chat\r\n"
            #expect(try proxy.connect().get("/", upgrade).status == 401)
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\nCookie: known\r\n\(upgrade)\r\n")
            #expect(try client.receiveResponse().status == 101)
            try client.send("ping")
            #expect(try client.receive(exactly: 4) == Array("ping".utf8))
            #expect(backend.requests[0].value("x-user") == "ann")
            #expect(asked.requests.allSatisfy { $0.values("upgrade").isEmpty })
        }
    }

    // MARK: - Refused

    private static let refusal = response(
        "log in", "401 Unauthorized",
        "WWW-Authenticate: Basic realm=\"a\"\r\nSet-Cookie: s=1\r\nSet-Cookie: t=2\r\n"
            + "Content-Type: text/html\r\nConnection: keep-alive, X-Hop\r\nX-Hop: h\r\n"
            + "Keep-Alive: timeout=5\r\nX-Reason: r\r\n")

    @Test("a refusal reaches the client as it came, without what belongs to its connection")
    func refused() throws {
        let asked = try Backend.replying(Self.refusal)
        let backend = try Backend.replying(response("x"))
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withAuth([asked.port], backend, log: log) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                let answer = try client.get()
                #expect(answer.lines[0] == "HTTP/1.1 401 Unauthorized" && answer.text == "log in")
                #expect(answer.value("www-authenticate") == "Basic realm=\"a\"")
                #expect(answer.values("set-cookie") == ["s=1", "t=2"])
                #expect(answer.value("content-type") == "text/html")
                #expect(answer.value("x-reason") == "r" && answer.values("x-hop").isEmpty)
                #expect(answer.values("connection").isEmpty && answer.values("keep-alive").isEmpty)
                #expect(answer.value("x-frame-options") == "DENY")
            }
            try client.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            let head = try client.receiveResponse(to: "HEAD")
            #expect(head.status == 401 && head.value("content-length") == "6")
            // Whatever the client still sends of a body that nobody wants.
            let late = try proxy.connect()
            try late.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99\r\n\r\npart")
            let refused = try late.receiveResponse()
            #expect(refused.status == 401 && refused.value("connection") == "close")

            let two = try HTTP2Client(proxy.connect())
            let answer = try two.get("GET / HTTP/1.1\nHost: a.test")
            #expect(answer.status == 401 && answer.text == "log in" && answer.isWhole)
            #expect(answer.value("set-cookie") == "s=1")
            let call = try two.get(
                "POST /a.b/C HTTP/1.1\nHost: a.test\nContent-Type: application/grpc")
            #expect(call.status == 200 && call.value("grpc-status") == "16")
            #expect(
                call.value("grpc-message") == "Service gate does not let this request through.")

            #expect(backend.connections == 0 && asked.connections == 1)
            #expect(proxy.service[.authRefused] == 6 && proxy.service[.failed] == 0)
            #expect(proxy.service[.responses4xx] == 6)
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 6)
        for line in lines {
            #expect(line.contains("\"service\":\"web\",\"backend\":\"\","), "\(line)")
            #expect(line.contains("\"status\":401,"), "\(line)")
            #expect(line.contains("\"cause\":\"CA\""), "\(line)")
            #expect(line.contains(",\"tries\":0,\"auth_us\":"), "\(line)")
        }
    }

    @Test("a client is sent elsewhere as the service says", arguments: [302, 303, 404, 429])
    func statuses(status: Int) throws {
        let asked = try Backend.replying(response("", "\(status) Any", "Location: /in\r\n"))
        let backend = try Backend.replying(response("x"))
        try withAuth([asked.port], backend) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.status == status && answer.value("location") == "/in")
            #expect(proxy.service[.authRefused] == 1)
        }
    }

    enum Body: CaseIterable { case large, largeInChunks, cut, late }

    @Test("a refusal whose body can't be passed on is one all the same", arguments: Body.allCases)
    func body(kind: Body) throws {
        let size = (64 << 10) + 1
        let body = String(repeating: "x", count: size)
        let framed =
            switch kind {
            case .large: "Content-Length: \(size)\r\n\r\n\(body)"
            case .largeInChunks:
                "Transfer-Encoding: chunked\r\n\r\n\(String(size, radix: 16))\r\n\(body)\r\n0"
                    + "\r\n\r\n"
            case .cut, .late: "Content-Length: 9\r\n\r\nhalf"
            }
        let asked = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(
                "HTTP/1.1 403 Forbidden\r\nSet-Cookie: s=1\r\nContent-Encoding: br\r\n\(framed)")
            if kind != .cut { _ = try wire.receiveToEnd() }
        }
        let backend = try Backend.replying(response("x"))
        try withAuth(
            [asked.port], backend,
            rule: {
                $0.failure = .open
                if kind == .late { $0.timeout = .milliseconds(100) }
            }
        ) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.status == 403 && answer.value("set-cookie") == "s=1")
            #expect(answer.text == "Service gate does not let this request through.\n")
            #expect(answer.values("content-encoding").isEmpty)
            #expect(answer.value("content-type") == "text/plain; charset=utf-8")
            #expect(proxy.service[.authRefused] == 1 && backend.connections == 0)
        }
    }

    // MARK: - No answer

    enum Silence: CaseIterable {
        case nobody, refuses, closes, error, noHTTP, says600, isLate
    }

    @Test(
        "without an answer a request is refused, or goes on, as the rule says",
        arguments: Silence.allCases, [AuthRule.Failure.closed, .open])
    func failed(silence: Silence, failure: AuthRule.Failure) throws {
        let refusing = try RefusingPort()
        let text: String? =
            switch silence {
            case .closes: ""
            case .error: response("x", "500 No", "X-User: u\r\n")
            case .noHTTP: "SSH-2.0\r\n\r\n"
            case .says600: response("x", "600 What")
            case .nobody, .refuses, .isLate: nil
            }
        let asked = try Backend { wire, backend in
            _ = try backend.next(wire)
            if let text { try wire.send(text) }
            if text == nil { _ = try wire.receiveToEnd() }
        }
        let ports =
            switch silence {
            case .nobody: [UInt16]()
            case .refuses: [refusing.port]
            default: [asked.port]
            }
        let backend = try Backend.replying(response("x"))
        try withAuth(
            ports, backend,
            rule: {
                $0.failure = failure
                if silence == .isLate { $0.timeout = .milliseconds(100) }
            }
        ) { proxy in
            let client = try proxy.connect()
            for count in 1...2 {
                let answer = try client.get("/", "X-User: root\r\n")
                if failure == .open {
                    #expect(answer.status == 200)
                    #expect(backend.requests.last?.values("x-user") == [])
                    #expect(proxy.service[.authSkipped] == count)
                } else {
                    #expect(answer.status == 503 && answer.value("retry-after") == "1")
                    #expect(
                        answer.text
                            == "Service gate, which says who may come here, gave no answer: "
                            + "try again in a moment.\n")
                    #expect(proxy.service[.authFailed] == count)
                    #expect(proxy.service[.failed] == count)
                }
            }
            #expect(backend.requests.count == (failure == .open ? 2 : 0))
            #expect(gate(proxy, .inFlight) == 0)
        }
    }

    @Test("a dial that hangs ends with the time for the answer")
    func hangingDial() throws {
        let silent = try SilentPort()
        let backend = try Backend.replying(response("x"))
        try withAuth(
            [silent.port], backend, rule: { $0.timeout = .milliseconds(100) },
            options: { $0.services[1].policy.timeouts.connect = .seconds(60) }
        ) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.status == 503)
            #expect(gate(proxy, .timeouts) == 1 && proxy.service[.authFailed] == 1)
        }
    }

    // MARK: - Ends

    @Test("a client that leaves takes its question along", arguments: ["1.1", "2"])
    func clientLeaves(version: String) throws {
        let asked = try Backend { wire, backend in
            _ = try backend.next(wire)
            _ = try wire.receiveToEnd()
        }
        let backend = try Backend.replying(response("x"))
        try withAuth([asked.port], backend) { proxy in
            let wire = try proxy.connect()
            if version == "2" {
                let client = try HTTP2Client(wire)
                _ = try client.send("GET / HTTP/1.1\nHost: a.test")
                try waitUntil("the question is there") { asked.requests.count == 1 }
            } else {
                try wire.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                try waitUntil("the question is there") { asked.requests.count == 1 }
            }
            wire.close()
            try waitUntil("the question is over") { asked.ended == 1 }
            #expect(proxy.service[.clientAborts] == 1 && gate(proxy, .clientAborts) == 1)
            #expect(backend.connections == 0)
            // What the question used serves others.
            proxy.publish([], service: 1)
            #expect(try proxy.connect().get().status == 503)
        }
    }

    @Test("a question leaves a backend that is drained, and is cut when the process stops")
    func drained() throws {
        let silent = try Backend { wire, backend in
            _ = try backend.next(wire)
            _ = try wire.receiveToEnd()
        }
        let asked = try Backend.replying(Self.allowing)
        let backend = try Backend.replying(response("x"))
        try withAuth([silent.port], backend) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the question is there") { silent.requests.count == 1 }
            let leaving = BackendID(rawValue: 1)
            proxy.publish([asked.port], service: 1)
            proxy.workers.expel([leaving])
            #expect(try client.receiveResponse().status == 200)
            #expect(asked.requests.count == 1)

            proxy.publish([silent.port], service: 1)
            let last = try proxy.connect()
            try last.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the question is there") { silent.requests.count == 2 }
            proxy.workers.drain(limit: .milliseconds(100))
            try proxy.awaitFinish()
            _ = try last.receiveToEnd()
        }
    }
}
