// Goal: a recorded request leaves a span of itself and one of each try, in one tree with its client
// and its backend, and says how it went. Method: the spans of a proxy that has ended, and the heads
// that its backends got.

import Access
import Backends
import Endpoints
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traces
import Traffic

@Suite struct SpanTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let parent = "b7ad6b7169203331"
    private static let field = "traceparent: 00-\(trace)-\(parent)-01\r\n"

    /// Runs `body` with a proxy that records `sample` millionths of the traces that begin there;
    /// returns the spans.
    private func spans(
        _ ports: [UInt16], sample: Int = 1_000_000, errors: Bool = false,
        parents: TracePolicy.Parents = .all,
        _ configure: @escaping (inout ProxyOptions) -> Void = { _ in },
        _ body: (RunningProxy) throws -> Void
    ) throws -> [ReceivedSpan] {
        let spool = try SpanSpool(workers: 1)
        var policy = TracePolicy()
        policy.sample = sample
        policy.errors = errors
        policy.parents = parents
        try withProxy(
            ports,
            { options in
                options.traces = TraceOptions(policy, spool: spool)
                configure(&options)
            }
        ) { try body($0) }
        return try ReceivedSpan.all(in: spool)
    }

    /// The parts of the one `traceparent` of a head.
    private func parts(_ message: Message) throws -> [String] {
        try #require(message.value("traceparent")).split(separator: "-").map(String.init)
    }

    @Test("client, request, try and backend are one chain")
    func chain() throws {
        let backend = try Backend.replying(response("hello"))
        let spans = try spans([backend.port]) { proxy in
            let fields = Self.field + "User-Agent: t\r\n"
            let answer = try proxy.connect().get("/a/b?secret=1", fields)
            #expect(answer.status == 200)
        }
        try #require(spans.count == 2)
        let (attempt, request) = (spans[0], spans[1])
        let told = try parts(backend.requests[0])
        #expect(told == ["00", Self.trace, attempt.spanId, "01"])
        #expect(attempt.traceId == Self.trace && request.traceId == Self.trace)
        #expect(request.parentSpanId == Self.parent && attempt.parentSpanId == request.spanId)
        #expect(request.kind == 2 && attempt.kind == 3)
        #expect(request.flags == 0x301 && attempt.flags == 0x101)
        #expect(request.name == "GET" && attempt.name == "GET")
        #expect(request.start <= attempt.start && attempt.end <= request.end)
        #expect(attempt.start <= attempt.end)

        #expect(request["http.request.method"] == "GET")
        #expect(request["url.path"] == "/a/b" && request["url.scheme"] == "http")
        #expect(request["server.address"] == "a.test" && request["server.port"] == nil)
        #expect(request["network.protocol.version"] == "1.1")
        #expect(request["client.address"] == "127.0.0.1")
        #expect(request["user_agent.original"] == "t")
        #expect(request["http.response.status_code"] == "200")
        #expect(request["fairlead.service"] == "web" && request["fairlead.cause"] == "--")
        #expect(request["error.type"] == nil && request.status == nil)

        #expect(attempt["server.address"] == "127.0.0.1")
        #expect(attempt["server.port"] == "\(backend.port)")
        #expect(attempt["url.full"] == "http://127.0.0.1:\(backend.port)/a/b")
        #expect(attempt["http.response.status_code"] == "200")
        #expect(attempt["http.request.resend_count"] == nil && attempt.status == nil)
    }

    @Test("a trace that begins here has no parent, and one that is not recorded leaves nothing")
    func roots() throws {
        let backend = try Backend.replying(response())
        let recorded = try spans([backend.port]) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.status == 200)
        }
        #expect(recorded.count == 2 && recorded.last?.parentSpanId == nil)
        #expect(recorded.last?.flags == 0x101)
        let others = try spans([backend.port], sample: 0) { proxy in
            let client = try proxy.connect()
            for fields in ["", Self.field.replacing("-01", with: "-00")] {
                #expect(try client.get("/", fields).status == 200)
            }
        }
        #expect(others.isEmpty)
    }

    @Test("by HTTP/2, each stream by itself")
    func http2() throws {
        let backend = try Backend.replying(response())
        let spans = try spans([backend.port]) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slots = try (0..<5).map {
                try client.send("GET /\($0) HTTP/1.1\nHost: a.test:81")
            }
            for slot in slots { #expect(try client.answer(slot).status == 200) }
        }
        let requests = spans.filter(\.isServer)
        #expect(requests.count == 5 && spans.count == 10)
        #expect(Set(requests.compactMap { $0["url.path"] }).count == 5)
        #expect(requests.allSatisfy { $0["network.protocol.version"] == "2" })
        #expect(requests.allSatisfy { $0["server.port"] == "81" })
        for request in requests {
            #expect(spans.count { $0.parentSpanId == request.spanId } == 1)
        }
    }

    @Test("each try has a span of its own, with why it failed, and its backend goes on with it")
    func tries() throws {
        let refusing = try RefusingPort()
        let closing = try Backend { wire, backend in _ = try backend.next(wire) }
        let good = try Backend.replying(response("ok"))
        let spans = try spans([refusing.port, closing.port, good.port]) { proxy in
            let answer = try proxy.connect().get("/", Self.field)
            #expect(answer.status == 200)
        }
        let request = try #require(spans.last)
        let attempts = spans.dropLast()
        try #require(attempts.count == 3)
        #expect(attempts.allSatisfy { $0.parentSpanId == request.spanId })
        #expect(Set(attempts.map(\.spanId)).count == 3)
        #expect(
            attempts.map { $0["error.type"] } == [
                "backend_not_connected", "backend_no_response", nil,
            ])
        #expect(attempts.map { $0.status?.code } == [2, 2, nil])
        #expect(attempts.map { $0["http.request.resend_count"] } == [nil, "1", "2"])
        #expect(
            attempts.map { $0["server.port"] }
                == [refusing.port, closing.port, good.port].map { "\($0)" })
        #expect(try parts(closing.requests[0])[2] == attempts[1].spanId)
        #expect(try parts(good.requests[0])[2] == attempts[2].spanId)
        #expect(request.status == nil && request["http.response.status_code"] == "200")
    }

    @Test("a request that fails says why, though its trace is not recorded if errors are asked for")
    func failures() throws {
        let refusing = try RefusingPort()
        for errors in [false, true] {
            let spans = try spans([refusing.port], sample: 0, errors: errors) { proxy in
                let answer = try proxy.connect().get("/x", "")
                #expect(answer.status == 503)
            }
            try #require(spans.count == (errors ? 1 : 0))
            guard errors else { continue }
            #expect(spans[0].isServer && spans[0].flags == 0x100)
            #expect(spans[0]["error.type"] == "backend_not_connected")
            #expect(spans[0]["url.path"] == "/x" && spans[0].status?.code == 2)
            #expect(spans[0]["fairlead.cause"] == "BR")
        }
    }

    @Test("a status of 500 and more is an error by its number; of 400 and more, the try's alone")
    func statuses() throws {
        for (status, ofRequest) in [("404 Not Found", nil), ("500 Bad", "500")] {
            let backend = try Backend.replying(response("", status))
            let spans = try spans([backend.port]) { proxy in
                _ = try proxy.connect().get("/", Self.field)
            }
            try #require(spans.count == 2)
            #expect(spans[0]["error.type"] == String(status.prefix(3)))
            #expect(spans[1]["error.type"] == ofRequest)
        }
    }

    @Test("a client that leaves is no error, and its try was cancelled")
    func clientLeaves() throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            // Until the proxy gives up.
            _ = try wire.receiveToEnd()
        }
        let spans = try spans([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the backend has it") { backend.requests.count == 1 }
            client.close()
            try waitUntil("it is over") { proxy.service[.inFlight] == 0 }
        }
        try #require(spans.count == 2)
        #expect(spans[0]["fairlead.cancelled"] == "true" && spans[0].status == nil)
        #expect(spans[1]["fairlead.cause"] == "CG" && spans[1].status == nil)
    }

    @Test("what Fairlead answers itself has a span, without a try")
    func ownAnswers() throws {
        let spans = try spans([]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "OPTIONS * HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\(Self.field)\r\n")
            #expect(try client.receiveResponse().status == 200)
        }
        try #require(spans.count == 1)
        #expect(spans[0].parentSpanId == Self.parent && spans[0].name == "OPTIONS")
        #expect(spans[0]["url.path"] == "*" && spans[0]["fairlead.cause"] == "FA")
        #expect(spans[0]["http.response.status_code"] == "200")
    }

    @Test("what a route has Fairlead answer tells the route, as do refusals by it")
    func ownAnswersByRoute() throws {
        let spans = try spans(
            [],
            { options in
                func add(_ path: String, _ action: RouteAction) -> RouteRule {
                    var rule = RouteRule(action)
                    rule.path = .prefix(path)
                    return rule
                }
                let text = FixedResponse(status: 200, contentType: "text/plain", body: [0x79])
                var closed = add("/closed/", .respond(text))
                closed.access.denied = [IPNetwork(containing: .loopback, prefix: 8)].compactMap(
                    \.self)
                options.listeners[0].routes = RouteTable([add("/fixed/", .respond(text)), closed])
            }
        ) { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/fixed/a", Self.field).status == 200)
            #expect(try client.get("/closed/a", Self.field).status == 403)
        }
        #expect(spans.map { $0["http.route"] } == ["/fixed/*", "/closed/*"])
        #expect(spans.map(\.name) == ["GET /fixed/*", "GET /closed/*"])
        #expect(spans.map { $0["fairlead.cause"] } == ["FA", "CD"])
    }

    @Test("the trace of a client that is not believed is linked to, and does not go on")
    func links() throws {
        let backend = try Backend.replying(response())
        let spans = try spans([backend.port], parents: .trusted) { proxy in
            let client = try proxy.connect()
            for fields in [Self.field, "", "traceparent: x\r\n"] {
                #expect(try client.get("/", fields).status == 200)
            }
        }
        let requests = spans.filter(\.isServer)
        try #require(requests.count == 3)
        #expect(requests.allSatisfy { $0.parentSpanId == nil && $0.traceId != Self.trace })
        #expect(requests.map { $0.links?.count ?? 0 } == [1, 0, 0])
        let link = try #require(requests[0].links?.first)
        #expect(link.traceId == Self.trace && link.spanId == Self.parent)
        #expect(spans.allSatisfy { $0.isServer || $0.links == nil })
    }

    @Test("the question whether a request may go on is a part of it, as its tries are")
    func questions() throws {
        let asked = try Backend.replying(response("", "204 No Content"))
        let backend = try Backend.replying(response())
        let spans = try spans(
            [backend.port],
            { options in
                options.services.append(.plain(ServiceID(index: 1), "gate"))
                var rule = RouteRule(.forward(ServiceID(index: 0), prefix: nil))
                rule.auth = AuthRule(ServiceID(index: 1), timeout: .seconds(600))
                options.listeners[0].routes = RouteTable([rule])
            }
        ) { proxy in
            proxy.publish([asked.port], service: 1)
            let client = try proxy.connect()
            try client.send(
                "POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\(Self.field)\r\nx")
            #expect(try client.receiveResponse().status == 200)
        }
        try #require(spans.count == 3 && spans.filter(\.isServer).count == 1)
        let request = try #require(spans.first { $0.isServer })
        let question = try #require(spans.first { $0["fairlead.service"] == "gate" })
        let attempt = try #require(spans.first { !$0.isServer && $0["fairlead.service"] == "web" })
        #expect(question.kind == 3 && question.name == "GET" && attempt.name == "POST")
        #expect(question.parentSpanId == request.spanId && question.traceId == Self.trace)
        #expect(attempt.parentSpanId == request.spanId)
        #expect(question["http.response.status_code"] == "204")
        #expect(request.start <= question.start && question.start <= attempt.start)
        // Either goes on with a span of its own.
        #expect(try parts(asked.requests[0])[2] == question.spanId)
        #expect(try parts(backend.requests[0])[2] == attempt.spanId)
    }

    @Test("a call of gRPC tells its status, by each try and in all")
    func calls() throws {
        let call =
            "POST /a.b/C HTTP/1.1\nHost: a.test\nContent-Type: application/grpc\n"
            + "traceparent: 00-\(Self.trace)-\(Self.parent)-01"
        func answering(_ status: Int) throws -> Backend {
            try Backend.answeringHTTP2 { server, request in
                try server.answer(
                    request.slot, "HTTP/1.1 200 OK\nContent-Type: application/grpc", "abcde",
                    endsStream: false)
                try server.sendTrailers("grpc-status: \(status)\r\n", in: request.slot)
            }
        }
        for (status, name, ofTry, ofRequest) in [
            (0, "OK", nil, nil), (5, "NOT_FOUND", "NOT_FOUND", nil),
            (4, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
        ] as [(Int, String, String?, String?)] {
            let backend = try answering(status)
            let spans = try spans([backend.port], byHTTP2) { proxy in
                let answer = try HTTP2Client(proxy.connect()).get(call)
                #expect(answer.status == 200)
            }
            try #require(spans.count == 2)
            for span in spans {
                #expect(span.name == "a.b/C" && span["rpc.method"] == "a.b/C")
                #expect(span["rpc.system.name"] == "grpc")
                #expect(span["rpc.response.status_code"] == name)
            }
            #expect(spans.map { $0["error.type"] } == [ofTry, ofRequest])
        }
        let port = try RefusingPort()
        let spans = try spans([port.port], byHTTP2) { proxy in
            let answer = try HTTP2Client(proxy.connect()).get(call)
            #expect(answer.value("grpc-status") == "14")
        }
        let request = try #require(spans.last)
        #expect(request["rpc.response.status_code"] == "UNAVAILABLE")
        #expect(request["rpc.method"] == "_OTHER" && request.name == "POST")
        #expect(request["error.type"] == "backend_not_connected")
    }

    @Test("the route is told, and what it makes of the path")
    func routes() throws {
        let backend = try Backend.replying(response())
        let spans = try spans(
            [backend.port],
            { options in
                let service = options.services[0].id
                var rule = RouteRule(.forward(service, prefix: "/v2"))
                rule.path = .prefix("/api/")
                rule.requestEdits.remove("traceparent")
                options.listeners[0].routes = RouteTable([rule])
            }
        ) { proxy in
            let answer = try proxy.connect().get("/api/x?y", Self.field)
            #expect(answer.status == 200)
        }
        try #require(spans.count == 2)
        #expect(spans[1].name == "GET /api/*" && spans[1]["http.route"] == "/api/*")
        #expect(spans[1]["url.path"] == "/api/x")
        #expect(spans[0]["url.full"] == "http://127.0.0.1:\(backend.port)/v2/x")
        // Nothing is written in the place of a field that the operator removes.
        #expect(backend.requests[0].values("traceparent").isEmpty)
        #expect(backend.requests[0].head.hasPrefix("GET /v2/x?y HTTP/1.1\r\nHost: a.test\r\n"))
    }

    @Test("of two tries of a hedged request, the one that was outrun is cancelled")
    func hedged() throws {
        let silent = try Backend { wire, backend in
            _ = try backend.next(wire)
            _ = try wire.receiveToEnd()
        }
        let good = try Backend.replying(response("ok"))
        let spans = try spans(
            [silent.port, good.port],
            { $0.services[0].policy.retry.rule.hedging = .after(.milliseconds(20)) }
        ) { proxy in
            let answer = try proxy.connect().get("/", Self.field)
            #expect(answer.status == 200)
        }
        let attempts = spans.filter { !$0.isServer }
        try #require(attempts.count == 2)
        let outrun = try #require(attempts.first { $0["server.port"] == "\(silent.port)" })
        #expect(outrun["fairlead.cancelled"] == "true" && outrun["error.type"] == nil)
        #expect(try parts(silent.requests[0])[2] == outrun.spanId)
        let won = try #require(attempts.first { $0["server.port"] == "\(good.port)" })
        #expect(try parts(good.requests[0])[2] == won.spanId && won.spanId != outrun.spanId)
    }
}
