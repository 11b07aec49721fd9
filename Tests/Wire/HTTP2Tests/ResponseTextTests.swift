// Goal: a response of HTTP/2, and trailers of either side, become text of HTTP/1.1 that says the
// same, and nothing malformed does.
// Method: messages with the text that they become, which `ResponseHead` must take; and for each
// rule a malformed twin.

import HTTP1
import TestSupport
import Testing

@testable import HTTP2

/// What reading a response came to.
private struct ReadResponse {
    let outcome: HeadTextOutcome
    let string: String
    let status: Int
    /// What the parser of HTTP/1.1 makes of the text, and how the body is framed.
    let parsed: HeadOutcome
    let body: BodyFraming

    init(
        _ fields: [(String, String)], endsStream: Bool = false,
        answering method: HTTP1.Method = .get
    ) {
        let block = block(fields)
        var text = ResponseText()
        var decoder = HPACKDecoder()
        outcome = GuardedBuffer(capacity: block.count + 1).withBytes(block) {
            text.read(
                $0, endsStream: endsStream, answering: method, limits: HeadLimits(),
                decoder: &decoder)
        }
        string = text.withText { $0.text }
        status = text.status
        var head = ResponseHead()
        parsed = text.withText { head.parse($0, answering: method) }
        body = head.body
    }
}

/// What reading trailers came to.
private func trailers(
    _ fields: [(String, String)], _ rule: TrailerRule, _ limits: HeadLimits = HeadLimits()
) -> (outcome: HeadTextOutcome, string: String) {
    let block = block(fields)
    var text = TrailerText()
    var decoder = HPACKDecoder()
    let outcome = text.read(block.span, rule: rule, limits: limits, decoder: &decoder)
    return (outcome, text.withText { $0.text })
}

@Suite struct ResponseTextTests {
    @Test("a response becomes a text that says the same")
    func becomesText() {
        let response = ReadResponse([
            (":status", "200"), ("server", "a"), ("set-cookie", "b=c"), ("set-cookie", "d=e"),
        ])
        #expect(response.outcome == .complete)
        #expect(response.status == 200)
        let text = """
            HTTP/1.1 200 OK\r
            server: a\r
            set-cookie: b=c\r
            set-cookie: d=e\r
            Transfer-Encoding: chunked\r
            \r

            """
        #expect(response.string == text)
        #expect(response.parsed == .complete(length: text.utf8.count))
    }

    @Test(
        "the body is framed by what is known of it",
        arguments: [
            (200, .get, nil, false, .chunked), (200, .get, nil, true, .length(0)),
            (200, .get, "5", false, .length(5)), (200, .get, "0", true, .length(0)),
            (599, .post, nil, true, .length(0)), (999, .other, nil, false, .chunked),
            (200, .head, nil, true, .none), (200, .head, "5", true, .none),
            (304, .get, "5", true, .none), (304, .get, nil, true, .none),
            (204, .get, nil, true, .none), (103, .get, nil, false, .none),
            (200, .connect, nil, false, .none), (404, .connect, nil, true, .length(0)),
        ] as [(Int, HTTP1.Method, String?, Bool, BodyFraming)])
    func framing(
        status: Int, method: HTTP1.Method, length: String?, endsStream: Bool, body: BodyFraming
    ) {
        let fields = [(":status", "\(status)")] + (length.map { [("content-length", $0)] } ?? [])
        let response = ReadResponse(fields, endsStream: endsStream, answering: method)
        #expect(response.outcome == .complete)
        #expect(response.parsed == .complete(length: response.string.utf8.count))
        #expect(response.body == body)
        let coded = response.string.contains("Transfer-Encoding")
        let counted = response.string.lowercased().contains("content-length")
        #expect(coded == (body == .chunked))
        #expect(counted == (length != nil || body == .length(0)))
    }

    static let malformed: [([(String, String)], HeadFault)] = [
        ([], .missingPseudoField), ([("a", "b")], .missingPseudoField),
        ([("a", "b"), (":status", "200")], .missingPseudoField),
        ([(":status", "200"), (":status", "200")], .repeatedPseudoField),
        ([(":status", "200"), (":path", "/")], .unknownPseudoField),
        ([(":status", "200"), (":a", "b")], .unknownPseudoField),
        ([(":status", "")], .invalidStatus), ([(":status", "20")], .invalidStatus),
        ([(":status", "2000")], .invalidStatus), ([(":status", "2x0")], .invalidStatus),
        ([(":status", "099")], .invalidStatus), ([(":status", "101")], .invalidStatus),
        ([(":status", "100")], .endOfInterimResponse),
        ([(":status", "200"), ("a", "b\r\nc: d")], .invalidFieldValue),
        ([(":status", "200"), ("a", " b")], .invalidFieldValue),
        ([(":status", "200"), ("A", "b")], .invalidFieldName),
        ([(":status", "200"), ("a b", "c")], .invalidFieldName),
        ([(":status", "200"), ("connection", "close")], .connectionField),
        ([(":status", "200"), ("keep-alive", "timeout=5")], .connectionField),
        ([(":status", "200"), ("proxy-connection", "close")], .connectionField),
        ([(":status", "200"), ("transfer-encoding", "chunked")], .connectionField),
        ([(":status", "426"), ("upgrade", "h2c")], .connectionField),
        ([(":status", "200"), ("te", "trailers")], .invalidTE),
        ([(":status", "200"), ("content-length", "5")], .contentMissing),
    ]

    @Test("a malformed response becomes none", arguments: malformed.indices)
    func isMalformed(_ index: Int) {
        let (fields, fault) = Self.malformed[index]
        let response = ReadResponse(fields, endsStream: true)
        #expect(response.outcome == .malformed(fault), "\(fields)")
        #expect(response.string == "")
    }

    @Test("a response is bounded as a request is, and read to its end")
    func bounded() {
        var text = ResponseText()
        var decoder = HPACKDecoder()
        func read(_ fields: [(String, String)], _ more: [UInt8] = []) -> HeadTextOutcome {
            text.read(
                (block(fields) + more).span, endsStream: true, answering: .get,
                limits: HeadLimits(bytesMax: 500, fieldsMax: 10), decoder: &decoder)
        }
        let many = Array(repeating: ("a", "b"), count: 11)
        #expect(
            read([(":status", "200")] + many, [0x40] + string("last") + string("1"))
                == .refused(.tooManyFields))
        #expect(decoder.tableLines == ["last: 1\r\n"])
        #expect(
            read([(":status", "200"), ("a", String(repeating: "b", count: 120))]) == .complete)
        #expect(
            read(
                [(":status", "200")]
                    + Array(repeating: ("a", String(repeating: "b", count: 120)), count: 4))
                == .refused(.headTooLarge))
        #expect(read([(":status", "200")], [0xC0]) == .broken(.invalidIndex))
    }
}

@Suite struct TrailerTextTests {
    @Test("trailers become the lines of a section")
    func becomeText() {
        for rule in [TrailerRule.refuse, .leaveOut] {
            let found = trailers([("grpc-status", "0"), ("grpc-message", "")], rule)
            #expect(found.outcome == .complete)
            #expect(found.string == "grpc-status: 0\r\ngrpc-message: \r\n")
        }
        #expect(trailers([], .refuse).outcome == .complete)
    }

    @Test("a field that may not stand there is refused, or left out of a response")
    func forbidden() {
        for name in ["content-length", "host", "set-cookie", "content_type", "trailer"] {
            let fields = [("a", "b"), (name, "1"), ("c", "d")]
            #expect(trailers(fields, .refuse).outcome == .malformed(.forbiddenTrailer))
            let found = trailers(fields, .leaveOut)
            #expect(found.outcome == .complete)
            #expect(found.string == "a: b\r\nc: d\r\n")
        }
    }

    static let malformed: [([(String, String)], HeadFault)] = [
        ([(":status", "200")], .latePseudoField), ([("a", "b"), (":path", "/")], .latePseudoField),
        ([(":a", "b")], .latePseudoField), ([("A", "b")], .invalidFieldName),
        ([("", "b")], .invalidFieldName), ([("a", "b\nc")], .invalidFieldValue),
        ([("connection", "close")], .connectionField),
        ([("transfer-encoding", "chunked")], .connectionField),
    ]

    @Test(
        "malformed trailers become none, whichever side they are of", arguments: malformed.indices)
    func isMalformed(_ index: Int) {
        let (fields, fault) = Self.malformed[index]
        for rule in [TrailerRule.refuse, .leaveOut] {
            let found = trailers(fields, rule)
            #expect(found.outcome == .malformed(fault), "\(fields)")
            #expect(found.string == "")
        }
    }

    @Test("trailers are bounded")
    func bounded() {
        let fields = Array(repeating: ("a", "b"), count: 11)
        let limits = HeadLimits(fieldsMax: 10)
        #expect(trailers(fields, .leaveOut, limits).outcome == .refused(.tooManyFields))
        #expect(trailers(Array(fields.dropLast()), .leaveOut, limits).outcome == .complete)
    }

    @Test("a block that nobody wants changes the table all the same")
    func skipped() {
        var decoder = HPACKDecoder()
        #expect(decoder.skip(([0x40] + string("a") + string("b") + literal("c", "d")).span) == nil)
        #expect(decoder.tableLines == ["a: b\r\n"])
        #expect(decoder.skip(hex("be 82").span) == nil)
        #expect(decoder.skip(hex("bf").span) == .invalidIndex)
        #expect(decoder.skip(hex("3f ff").span) == .invalidNumber)
    }
}
