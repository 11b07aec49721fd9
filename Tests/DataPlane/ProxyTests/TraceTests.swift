// Goal: every request belongs to a trace: its client's where that is believed, else its own; its
// backend and the access log are told the same. Method: heads that a backend got, and lines.

import AccessLog
import Endpoints
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct TraceTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let parent = "traceparent: 00-\(trace)-b7ad6b7169203331-01\r\n"

    /// Has requests traced by `policy`, from trusted clients or not.
    private func tracing(
        isTrusted: Bool = false, _ policy: TracePolicy = TracePolicy()
    ) -> (inout ProxyOptions) -> Void {
        { options in
            options.traces = TraceOptions(policy, spool: nil)
            guard isTrusted, let local = IPNetwork(containing: .loopback, prefix: 32) else {
                return
            }
            options.listeners[0].policy.trustedProxies = [local]
        }
    }

    /// The parts of the one `traceparent` of a head.
    private func parts(_ message: Message) throws -> [Substring] {
        try #require(message.value("traceparent")).split(separator: "-")
    }

    @Test("a request of a client that is not trusted begins a trace, each one its own")
    func begins() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port], tracing()) { proxy in
            let client = try proxy.connect()
            for fields in ["", Self.parent + "tracestate: a=1\r\n", "traceparent: x\r\n", ""] {
                #expect(try client.get("/", fields).status == 200)
            }
            let all = try backend.requests.map { try parts($0) }
            #expect(Set(all.map { $0[1] }).count == 4 && Set(all.map { $0[2] }).count == 4)
            #expect(all.allSatisfy { $0[0] == "00" && $0[1] != Self.trace })
            #expect(backend.requests.allSatisfy { $0.values("tracestate").isEmpty })
        }
    }

    @Test("a trusted client's trace goes on, with its decision and its state")
    func continues() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port], tracing(isTrusted: true)) { proxy in
            let client = try proxy.connect()
            for fields in [
                Self.parent + "tracestate: a=1,b=2\r\n",
                Self.parent.replacing("-01", with: "-02") + "tracestate: a=1,b\r\n",
                Self.parent + Self.parent + "tracestate: a=1\r\n",
            ] {
                #expect(try client.get("/", fields).status == 200)
            }
            let all = try backend.requests.map { try parts($0) }
            #expect(all[0][1] == Self.trace && all[0][3] == "01")
            #expect(all[0][2] != "b7ad6b7169203331")
            #expect(backend.requests[0].value("tracestate") == "a=1,b=2")
            #expect(all[1][1] == Self.trace && all[1][3] == "02")
            #expect(backend.requests[1].values("tracestate").isEmpty)
            // Two fields are as good as none, and a state without a trace belongs to nothing.
            #expect(all[2][1] != Self.trace)
            #expect(backend.requests[2].values("tracestate").isEmpty)
        }
    }

    @Test("by HTTP/2 as by HTTP/1.1")
    func http2() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port], tracing(isTrusted: true)) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let head = "GET / HTTP/1.1\nHost: a.test\n"
            let answer = try client.get(
                head + Self.parent.replacing("\r\n", with: "\n") + "tracestate: a=1")
            #expect(answer.status == 200)
            #expect(try parts(backend.requests[0])[1] == Self.trace)
            #expect(backend.requests[0].value("tracestate") == "a=1")
        }
    }

    @Test("where requests are not traced, what clients send passes as it came")
    func off() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port]) { proxy in
            let fields = "traceparent: x\r\ntracestate: y\r\n"
            let answer = try proxy.connect().get("/", fields)
            #expect(answer.status == 200)
            #expect(backend.requests[0].value("traceparent") == "x")
            #expect(backend.requests[0].value("tracestate") == "y")
        }
    }

    @Test("tracing begins, changes and ends with the next request of a kept connection")
    func changes() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            func next() -> [String] {
                #expect(throws: Never.self) { try client.get() }
                return backend.requests.last?.values("traceparent") ?? []
            }
            #expect(next() == [])
            var policy = TracePolicy()
            for sample in [0, 1_000_000] {
                policy.sample = sample
                proxy.workers.publish(TraceOptions(policy, spool: nil))
                // A change reaches the worker between two requests; one may have been before.
                let flag = sample == 0 ? "-00" : "-01"
                try waitUntil("it is taken up") { next().first?.hasSuffix(flag) == true }
            }
            proxy.workers.publish(TraceOptions?.none)
            try waitUntil("it is taken up") { next() == [] }
        }
    }

    @Test("a recorded request is an example of how long requests take, others are none")
    func exemplars() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port], tracing(isTrusted: true)) { proxy in
            let client = try proxy.connect()
            let unsampled = Self.parent.replacing("-01", with: "-00")
            #expect(try client.get("/", unsampled).status == 200)
            func examples() -> [Exemplar] {
                let totals = proxy.service
                return (0..<totals.duration.counts.count).compactMap { bucket in
                    guard let example = totals.exemplars[bucket] else { return nil }
                    #expect(totals.duration.counts[bucket] > 0)
                    return example
                }
            }
            try waitUntil("it is counted") { proxy.service.duration.count == 1 }
            #expect(examples().isEmpty)
            #expect(try client.get("/", Self.parent).status == 200)
            try waitUntil("it is counted") { proxy.service.duration.count == 2 }
            let all = examples()
            try #require(all.count == 1)
            #expect(all[0].high == 0x0af7_6519_16cd_43dd && all[0].low == 0x8448_eb21_1c80_319c)
            let span = try parts(backend.requests[1])[2]
            #expect(String(all[0].span, radix: 16).count <= 16)
            #expect(UInt64(span, radix: 16) == all[0].span)
            // After 2020, so of the clock on the wall.
            #expect(all[0].time > 1_577_836_800_000_000_000)
        }
    }

    @Test("the log has what the backend was told, also of requests that Fairlead answers")
    func logged() throws {
        let backend = try Backend.replying(response())
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        let configure = tracing(isTrusted: true)
        try withProxy([backend.port], mode: .http, accessLog: log, configure) { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/", Self.parent).status == 200)
            try client.send(
                "OPTIONS / HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\(Self.parent)\r\n")
            #expect(try client.receiveResponse().status == 200)
        }
        log.stop(within: .seconds(30))
        let text = String(decoding: try file.bytes(), as: UTF8.self)
        let lines = text.split(separator: "\n")
        try #require(lines.count == 2)
        let span = try parts(backend.requests[0])[2]
        #expect(
            lines[0].contains(
                "\"trace_id\":\"\(Self.trace)\",\"span_id\":\"\(span)\",\"sampled\":true"))
        #expect(lines[1].contains("\"trace_id\":\"\(Self.trace)\",\"span_id\":\""))
        #expect(!lines[1].contains(span) && lines[1].hasSuffix("\"sampled\":true}"))
    }
}
