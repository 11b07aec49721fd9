// Goal: whatever a client sends, a span is JSON, and no longer than it may be; buffers are bounded,
// and what has no room is counted. Method: heads with hostile bytes go through a sink, and a
// decoder reads what comes out.

import AccessLog
import Endpoints
import Events
import GRPCWire
import HTTP1
import JSON
import Stats
import Testing
import Traces

@Suite struct SpanSinkTests {
    private struct Span: Decodable {
        struct Attribute: Decodable {
            var key: String
            var value: [String: String]
        }

        var traceId: String
        var spanId: String
        var parentSpanId: String?
        var name: String
        var startTimeUnixNano: String
        var endTimeUnixNano: String
        var attributes: [Attribute]
        var links: [Link]?
        var status: [String: Int]?

        struct Link: Decodable, Equatable {
            var traceId: String
            var spanId: String
            var flags: Int
        }

        subscript(_ key: String) -> String? {
            attributes.first { $0.key == key }?.value.values.first
        }
    }

    private let spool: SpanSpool
    private let counters = TraceCounters()
    private let sink: SpanSink
    private let context = TraceContext(
        high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c, span: 0x00f0_67aa_0ba9_02b7,
        isSampled: true, isRandom: false)

    init() throws {
        spool = try SpanSpool(workers: 1)
        sink = SpanSink(spool, counters)
    }

    private func text(_ head: [UInt8]) -> LoggedText {
        var parsed = RequestHead()
        guard case .complete = parsed.parse(head.span) else {
            Issue.record("the head does not parse")
            return LoggedText()
        }
        var text = LoggedText()
        text.copy(parsed, from: head.span)
        return text
    }

    private func request(_ method: HTTP1.Method = .get) -> ServerSpan {
        ServerSpan(
            context, parent: 1, start: 1_700_000_000_000_000_001, end: 1_700_000_000_000_000_000,
            method: method, version: .http11, isSecure: true, status: 0, cause: "--",
            errorType: nil)
    }

    private func attempt() -> ClientSpan {
        ClientSpan(
            context, parent: 1, start: 1, end: 2, method: .get, isSecure: true, resends: 1,
            status: 204, errorType: nil, isCancelled: false)
    }

    /// Everything that was handed over so far, batch by batch.
    private func batches() throws -> [SpanSpool.Batch] {
        let loop = EventLoop()
        var batches: [SpanSpool.Batch] = []
        let reader = try MailboxReader(spool.mailbox, on: loop) { batches.append($0) }
        loop.runOnce()
        reader.close()
        loop.runOnce()
        return batches
    }

    private func spans(_ batch: SpanSpool.Batch) throws -> [Span] {
        let spans = try JSON.decode([Span].self, from: [0x5B] + batch.text + [0x5D])
        #expect(spans.count == batch.count)
        return spans
    }

    private func write(
        _ head: String, _ method: HTTP1.Method = .get, _ edit: (inout ServerSpan) -> Void = { _ in }
    ) throws -> Span {
        let bytes = head.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        var request = request(method)
        edit(&request)
        sink.write(
            request, text(bytes), client: .v4(0x7F00_0001), route: Array("/r/*".utf8),
            service: Array("web".utf8))
        return try written()
    }

    private func written() throws -> Span {
        sink.flush()
        let batch = try #require(try batches().first)
        return try #require(try spans(batch).first)
    }

    @Test("ids and times are as OTLP has them in JSON; an end is not before its begin")
    func ids() throws {
        let span = try write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(span.traceId == "0af7651916cd43dd8448eb211c80319c")
        #expect(span.spanId == "00f067aa0ba902b7" && span.parentSpanId == "0000000000000001")
        #expect(span.startTimeUnixNano == "1700000000000000001")
        #expect(span.endTimeUnixNano == "1700000000000000001")
    }

    @Test(
        "the path is told without its query, whatever form the target has",
        arguments: [
            ("/a/b?c=d", "/a/b"), ("/?x", "/"), ("http://b.test/x/y?z", "/x/y"),
            ("http://b.test", nil), ("http://b.test?x", nil),
        ])
    func paths(target: String, path: String?) throws {
        let span = try write("GET \(target) HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(span["url.path"] == path)
    }

    @Test(
        "host and port are told apart",
        arguments: [
            ("a.test", "a.test", nil), ("a.test:8080", "a.test", "8080"),
            ("[2001:db8::1]", "2001:db8::1", nil), ("[2001:db8::1]:81", "2001:db8::1", "81"),
            ("a.test:", "a.test", nil),
        ])
    func hosts(host: String, address: String, port: String?) throws {
        let span = try write("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(span["server.address"] == address && span["server.port"] == port)
    }

    @Test("a method that is not registered makes no name of its own")
    func methods() throws {
        let span = try write("BREW / HTTP/1.1\r\nHost: a.test\r\n\r\n", .other)
        #expect(span.name == "HTTP /r/*" && span["http.request.method"] == "_OTHER")
        #expect(span["http.request.method_original"] == "BREW")
    }

    private static let callHead = "POST /a.b/C?x HTTP/1.1\r\nHost: a.test\r\n\r\n"

    @Test(
        "a call of gRPC is called by its method once a backend has shown that it has it",
        arguments: [
            (0, true, "a.b/C", false), (4, true, "a.b/C", true), (5, true, "a.b/C", false),
            (12, true, nil, true), (14, false, nil, true), (16, false, nil, false),
            (77, true, "a.b/C", false), (nil, true, nil, false),
        ] as [(Int?, Bool, String?, Bool)])
    func calls(code: Int?, byBackend: Bool, method: String?, isError: Bool) throws {
        let status = code.map { GRPCStatus(code: $0) }
        let span = try write(Self.callHead, .post) {
            $0.status = 200
            $0.call = CallSpan(status, byBackend: byBackend)
        }
        #expect(span.name == method ?? "POST /r/*")
        #expect(span["rpc.system.name"] == "grpc" && span["rpc.method"] == method ?? "_OTHER")
        let name = code.map { status?.name ?? "\($0)" }
        #expect(span["rpc.response.status_code"] == name)
        #expect(span["error.type"] == (isError ? name : nil))
        #expect((span.status != nil) == isError)
    }

    @Test("at a backend each status but OK is an error")
    func clientCalls() throws {
        for (code, isError) in [(0, false), (5, true), (14, true)] {
            let head = Array("POST /x/a.b/C?y HTTP/1.1\r\n\r\n".utf8)
            sink.write(
                ClientSpan(
                    context, parent: 1, start: 1, end: 2, method: .post, isSecure: false,
                    resends: 0, status: 200, errorType: nil, isCancelled: false,
                    call: CallSpan(GRPCStatus(code: code), byBackend: true)),
                head: head.span, backend: Array("b.test:1".utf8), service: [])
            let span = try written()
            #expect(span.name == "x/a.b/C" && span["url.full"] == "http://b.test:1/x/a.b/C")
            #expect(span["http.request.method"] == "POST")
            #expect((span.status != nil) == isError)
            #expect(span["error.type"] == (isError ? GRPCStatus(code: code).name : nil))
        }
    }

    @Test("a trace that does not go on is linked to")
    func links() throws {
        let head = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
        #expect(try write(head).links == nil)
        for isSampled in [false, true] {
            let span = try write(head) {
                $0.link = context
                $0.link?.isSampled = isSampled
                $0.status = 500
            }
            #expect(
                span.links == [
                    Span.Link(
                        traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "00f067aa0ba902b7",
                        flags: isSampled ? 0x301 : 0x300)
                ])
            #expect(span["error.type"] == "500")
        }
    }

    @Test("hostile bytes end neither a text nor the span")
    func hostile() throws {
        let userAgent = "\"}],{\\\u{e9}\u{ff}\tx"
        let span = try write(
            "GET /\"\\ HTTP/1.1\r\nHost: a.test\r\nUser-Agent: \(userAgent)\r\n\r\n")
        #expect(span["user_agent.original"] == userAgent)
        #expect(span["url.path"] == "/\"\\")
    }

    @Test("the longest texts make spans that have room")
    func longest() throws {
        let long = String(repeating: "\"", count: 3000)
        let path = "/" + String(repeating: "a", count: 3000)
        let head = Array(
            "GET \(path) HTTP/1.1\r\nHost: a.test\r\nUser-Agent: \(long)\r\n\r\n".utf8)
        let text = text(head)
        var request = request(.other)
        request.link = context
        request.status = 500
        request.call = CallSpan(.deadlineExceeded, byBackend: true)
        var attempt = attempt()
        attempt.call = request.call
        for _ in 0..<40 {
            sink.write(
                request, text, client: .v6(.max, .max),
                route: Array(repeating: 0x22, count: 2000),
                service: Array(repeating: 0x22, count: 500))
            sink.write(
                attempt, head: head.span, backend: Array(repeating: 0x22, count: 500),
                service: Array(repeating: 0x22, count: 500))
        }
        sink.finish()
        let all = try batches()
        #expect(all.count > 1 && all.allSatisfy { $0.text.count <= 65_536 })
        for batch in all {
            #expect(batch.text.count / batch.count < 4500, "room for 5120 is left each time")
        }
        #expect(try all.reduce(0) { try $0 + spans($1).count } == 80)
        #expect(counters.spans.current == 80 && counters.dropped.current == 0)
    }

    @Test("buffers run out, and what has no room is counted; those given back are used again")
    func bounded() throws {
        let text = text(Array("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".utf8))
        func write(_ count: Int) {
            for _ in 0..<count {
                sink.write(request(), text, client: .v4(1), route: [], service: [])
            }
        }
        write(2000)
        let first = try batches()
        #expect(first.count == 4)
        let kept = counters.spans.current
        #expect(kept + counters.dropped.current == 2000 && counters.dropped.current > 0)
        for batch in first { spool.giveBack(batch) }
        write(1)
        #expect(counters.spans.current == kept + 1)
        #expect(try batches().count == 1)
    }
}
