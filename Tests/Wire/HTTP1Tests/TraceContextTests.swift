// Goal: `traceparent` and `tracestate` are read as W3C Trace Context has it, and no other bytes get
// through. Method: its examples, each with malformed twins; heads written with a trace.

import HTTP1
import HeadWriting
import Testing

@Suite struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let span = "b7ad6b7169203331"

    /// What the head of a request with these field lines says of its trace.
    private func context(_ fields: String) throws -> TraceContext? {
        let parsed = ParsedRequest("GET / HTTP/1.1\r\nHost: a.test\r\n\(fields)\r\n")
        try #require(parsed.outcome == .complete(length: parsed.input.count))
        return parsed.head.traceContext(parsed.input.span)
    }

    @Test(
        "a good one is read, whatever is behind the flags in a later version",
        arguments: [
            ("00-\(trace)-\(span)-01", true, false), ("00-\(trace)-\(span)-00", false, false),
            ("00-\(trace)-\(span)-03", true, true), ("00-\(trace)-\(span)-02", false, true),
            ("00-\(trace)-\(span)-ff", true, true), ("00-\(trace)-\(span)-fc", false, false),
            ("cc-\(trace)-\(span)-01", true, false), ("01-\(trace)-\(span)-02", false, false),
            ("cc-\(trace)-\(span)-01-what-the-future-holds", true, false),
            ("cc-\(trace)-\(span)-01-", true, false),
        ])
    func good(value: String, isSampled: Bool, isRandom: Bool) throws {
        let found = try context("TraceParent: \t\(value) \r\n")
        let context = try #require(found)
        #expect(context.high == 0x0af7_6519_16cd_43dd && context.low == 0x8448_eb21_1c80_319c)
        #expect(context.span == 0xb7ad_6b71_6920_3331)
        #expect(context.isSampled == isSampled && context.isRandom == isRandom)
    }

    @Test(
        "what breaks a rule is none",
        arguments: [
            "", "00", "00-\(trace)-\(span)-0", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-011",
            "00-\(trace)-\(span)-01-more", "ff-\(trace)-\(span)-01", "FF-\(trace)-\(span)-01",
            "0-\(trace)-\(span)-01", "0g-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01.more",
            "cc-\(trace)-\(span)-012", "00-\(trace.uppercased())-\(span)-01",
            "00-\(trace)-\(span.uppercased())-01", "00-\(trace)-\(span)-0A",
            "00-00000000000000000000000000000000-\(span)-01",
            "00-\(trace)-0000000000000000-01", "00_\(trace)-\(span)-01", "00-\(trace)_\(span)-01",
            "00-\(trace)-\(span)_01", "00-\(trace)-\(span)-01,00-\(trace)-\(span)-01",
            "00-0af7651916cd43dd8448eb211c8031.c-\(span)-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331x-01",
        ])
    func malformed(value: String) throws {
        #expect(try context("traceparent: \(value)\r\n") == nil)
    }

    @Test("two fields are none, nor is one that is for this hop alone")
    func several() throws {
        let line = "traceparent: 00-\(Self.trace)-\(Self.span)-01\r\n"
        #expect(try context("") == nil)
        #expect(try context(line) != nil)
        #expect(try context(line + line) == nil)
        #expect(try context(line + "traceparent: x\r\n") == nil)
        #expect(try context("Connection: traceparent\r\n" + line) == nil)
        #expect(try context("trace-parent: 00-\(Self.trace)-\(Self.span)-01\r\n") == nil)
    }

    @Test(
        "a state that every hop has to pass on is good, a larger or malformed one is not",
        arguments: [
            ("tracestate: a=1\r\n", true), ("tracestate: a=1,b@c=2 , d=e f\r\n", true),
            ("tracestate: \r\n", true), ("tracestate: a=1,,\r\ntracestate: b=2\r\n", true),
            ("tracestate: a=\r\n", true),
            ("tracestate: a\r\n", false), ("tracestate: =1\r\n", false),
            ("tracestate:  =1\r\n", false), ("tracestate: a=b=c\r\n", false),
            ("tracestate: a=1, b\r\n", false), ("tracestate: a=\u{e4}\r\n", false),
        ])
    func states(fields: String, isGood: Bool) throws {
        #expect(try hasGoodState(fields) == isGood)
    }

    @Test("a state may have 512 bytes and 32 members, however many fields they come in")
    func stateLimits() throws {
        #expect(try hasGoodState("tracestate: a=\(String(repeating: "x", count: 510))\r\n"))
        #expect(try !hasGoodState("tracestate: a=\(String(repeating: "x", count: 511))\r\n"))
        let half = "tracestate: a=\(String(repeating: "x", count: 253))\r\n"
        #expect(try hasGoodState(half + half))
        #expect(try !hasGoodState(half + half + "tracestate: b=1\r\n"))
        let members = (0..<32).map { "k\($0)=v" }
        #expect(try hasGoodState("tracestate: \(members.joined(separator: ","))\r\n"))
        #expect(try hasGoodState(members.map { "tracestate: \($0)\r\n" }.joined()))
        #expect(try !hasGoodState("tracestate: \(members.joined(separator: ",")),z=1\r\n"))
    }

    private func hasGoodState(_ fields: String) throws -> Bool {
        let parsed = ParsedRequest("GET / HTTP/1.1\r\nHost: a.test\r\n\(fields)\r\n")
        try #require(parsed.outcome == .complete(length: parsed.input.count))
        return parsed.head.hasGoodTraceState(parsed.input.span)
    }

    // MARK: - Writing

    private static let head =
        "POST / HTTP/1.1\r\nHost: a.test\r\ntraceparent: 00-\(trace)-\(span)-01\r\nA: b\r\n"
        + "Tracestate: a=1\r\nContent-Length: 1\r\n\r\n"

    private func written(_ trace: OutgoingTrace?, _ edits: FieldEdits? = nil) throws -> String {
        let bytes = Array(Self.head.utf8)
        var head = RequestHead()
        try #require(head.parse(bytes.span) == .complete(length: bytes.count))
        var policy = ForwardingPolicy()
        policy.xForwarded = .off
        policy.via = nil
        let forwarding = Forwarding(policy: policy, port: 80)
        var out: [UInt8] = []
        head.write(
            from: bytes.span, forwarding: forwarding, edits: edits, trace: trace, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private func outgoing(
        isSampled: Bool = true, isRandom: Bool = false, keepsState: Bool
    ) -> OutgoingTrace {
        OutgoingTrace(
            TraceContext(
                high: 0x10, low: 0xabc, span: 0xfedc_ba98_7654_3210, isSampled: isSampled,
                isRandom: isRandom),
            keepsState: keepsState)
    }

    private static let newTrace =
        "traceparent: 00-00000000000000100000000000000abc-fedcba9876543210"

    @Test("without a trace of Fairlead's both fields pass as they came")
    func untouched() throws {
        #expect(
            try written(nil)
                == "POST / HTTP/1.1\r\nHost: a.test\r\ntraceparent: 00-\(Self.trace)-\(Self.span)"
                + "-01\r\nA: b\r\nTracestate: a=1\r\nContent-Length: 1\r\n\r\n")
    }

    @Test("the span of this hop is in the place of the client's, and the state goes along or not")
    func replaced() throws {
        #expect(
            try written(outgoing(keepsState: true))
                == "POST / HTTP/1.1\r\nHost: a.test\r\nA: b\r\nTracestate: a=1\r\n"
                + "Content-Length: 1\r\n\(Self.newTrace)-01\r\n\r\n")
        #expect(
            try written(outgoing(isSampled: false, keepsState: false))
                == "POST / HTTP/1.1\r\nHost: a.test\r\nA: b\r\n"
                + "Content-Length: 1\r\n\(Self.newTrace)-00\r\n\r\n")
    }

    @Test(
        "flags",
        arguments: [
            (false, false, "00"), (true, false, "01"), (false, true, "02"),
            (true, true, "03"),
        ])
    func flags(isSampled: Bool, isRandom: Bool, text: String) throws {
        let written = try written(
            outgoing(isSampled: isSampled, isRandom: isRandom, keepsState: false))
        #expect(written.hasSuffix("\(Self.newTrace)-\(text)\r\n\r\n"))
    }

    @Test("the digits of the span are where they are said to be")
    func place() throws {
        let written = try written(outgoing(keepsState: true))
        #expect(
            String(written.utf8.suffix(TraceContext.spanBeforeEnd)) == "fedcba9876543210-01\r\n\r\n"
        )
    }

    @Test("an operator may remove the field, or set it")
    func edits() throws {
        var edits = FieldEdits()
        edits.remove("Traceparent")
        edits.remove("tracestate")
        let plain = "POST / HTTP/1.1\r\nHost: a.test\r\nA: b\r\n"
        #expect(
            try written(outgoing(keepsState: true), edits) == plain + "Content-Length: 1\r\n\r\n")
        #expect(edits.removesTraceparent)
        edits = FieldEdits()
        edits.set("traceparent", "x")
        #expect(
            try written(outgoing(keepsState: false), edits)
                == plain + "traceparent: x\r\nContent-Length: 1\r\n\r\n")
    }
}
