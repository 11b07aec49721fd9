// Goal: a response head is framed by what it answers, in the order of RFC 9112 section 6.3, and a
// malformed one is refused. Method: tables of texts.

import HTTP1
import Testing

/// A response and how its body must be framed.
struct ResponseCase: CustomTestStringConvertible, Sendable {
    var input: String
    var answering = HTTP1.Method.get
    var status = 200
    var body: BodyFraming
    var keepsAlive = true
    var testDescription: String { "\(answering) \(input.debugDescription)" }
}

let responseCases: [ResponseCase] = [
    ResponseCase(input: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", body: .length(5)),
    ResponseCase(input: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body: .chunked),
    ResponseCase(input: "HTTP/1.1 200 OK\r\n\r\n", body: .untilClose, keepsAlive: false),
    ResponseCase(input: "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", body: .length(0)),
    ResponseCase(input: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", body: .length(0)),
    ResponseCase(
        input: "HTTP/1.1 200 \t\u{E9}t\u{E9}\r\nContent-Length: 0\r\n\r\n", body: .length(0)),
    ResponseCase(
        input: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", body: .length(5), keepsAlive: false),
    ResponseCase(
        input: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
        body: .length(5)),
    ResponseCase(
        input: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
        body: .length(5), keepsAlive: false),
    ResponseCase(
        input: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", answering: .head, body: .none),
    ResponseCase(
        input: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", answering: .head,
        body: .none),
    ResponseCase(input: "HTTP/1.1 204 No\r\n\r\n", status: 204, body: .none),
    ResponseCase(
        input: "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", status: 204, body: .none,
        keepsAlive: false),
    ResponseCase(
        input: "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", status: 204, body: .none,
        keepsAlive: false),
    ResponseCase(input: "HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n", status: 304, body: .none),
    ResponseCase(input: "HTTP/1.1 100 Continue\r\n\r\n", status: 100, body: .none),
    ResponseCase(input: "HTTP/1.1 101 Switching\r\n\r\n", status: 101, body: .none),
    ResponseCase(input: "HTTP/1.1 200 OK\r\n\r\n", answering: .connect, body: .none),
    ResponseCase(
        input: "HTTP/1.1 299 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        answering: .connect, status: 299, body: .none),
    ResponseCase(
        input: "HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\n", answering: .connect, status: 204,
        body: .none, keepsAlive: false),
    ResponseCase(
        input: "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n", answering: .connect, status: 403,
        body: .length(2)),
    ResponseCase(
        input: "HTTP/1.1 599 x\r\nContent-Length: 2\r\n\r\n", status: 599, body: .length(2)),
]

let refusedResponses: [RefusedCase] = [
    RefusedCase("HTTP/1.1 099 x\r\n\r\n", .invalidStatusCode),
    RefusedCase("HTTP/1.1 2x0 x\r\n\r\n", .invalidStatusCode),
    RefusedCase("HTTP/1.1 +20 x\r\n\r\n", .invalidStatusCode),
    RefusedCase("HTTP/1.1 2000 x\r\n\r\n", .invalidStatusLine),
    RefusedCase("HTTP/1.1  200 x\r\n\r\n", .invalidStatusCode),
    RefusedCase("HTTP/1.1\t200 x\r\n\r\n", .invalidStatusLine),
    RefusedCase("\r\nHTTP/1.1 200 x\r\n\r\n", .invalidStatusLine),
    RefusedCase("SSH-2.0", .invalidStatusLine),
    RefusedCase("http/1.1 200 x\r\n\r\n", .invalidStatusLine),
    RefusedCase("HTTP/2.0 200 x\r\n\r\n", .unsupportedVersion),
    RefusedCase("HTTP/1.1 200 x\n\r\n", .bareLineFeed),
    RefusedCase("HTTP/1.1 200\n\r\n", .bareLineFeed),
    RefusedCase("HTTP/1.1 200 a\rb\r\n\r\n", .bareCarriageReturn),
    RefusedCase("HTTP/1.1 200 a\u{0}b\r\n\r\n", .invalidStatusLine),
    RefusedCase("HTTP/1.1 200 x\r\nContent-Length : 3\r\n\r\n", .whitespaceBeforeColon),
    RefusedCase("HTTP/1.1 200 x\r\nCONTENT_LENGTH\t: 3\r\n\r\n", .whitespaceBeforeColon),
    RefusedCase("HTTP/1.1 200 x\r\nTransfer-Encoding : chunked\r\n\r\n", .whitespaceBeforeColon),
    RefusedCase("HTTP/1.1 200 x\r\nA b: c\r\n\r\n", .invalidFieldName),
    RefusedCase("HTTP/1.1 200 x\r\n : c\r\n\r\n", .leadingWhitespace),
    RefusedCase("HTTP/1.1 200 x\r\nA: b\r\n c\r\n\r\n", .leadingWhitespace),
    RefusedCase(
        "HTTP/1.1 200 x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .repeatedContentLength),
    RefusedCase("HTTP/1.1 200 x\r\nContent-Length: 1,1\r\n\r\n", .invalidContentLength),
    RefusedCase(
        "HTTP/1.1 200 x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        .transferEncodingWithContentLength),
    RefusedCase(
        "HTTP/1.1 200 x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupportedTransferCoding),
    RefusedCase("HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
]

@Suite struct ResponseHeadTests {
    @Test("a response is framed by what it is and what it answers", arguments: responseCases)
    func framed(_ expected: ResponseCase) {
        let parsed = ParsedResponse(expected.input, answering: expected.answering)
        #expect(parsed.outcome == .complete(length: parsed.input.count))
        #expect(parsed.head.status == expected.status)
        #expect(parsed.head.body == expected.body)
        #expect(parsed.head.keepsAlive == expected.keepsAlive)
        #expect(parsed.head.isInterim == (expected.status == 100))
        let isGranted = expected.answering == .connect && expected.status < 300
        #expect(parsed.head.opensTunnel == isGranted)
    }

    @Test("a malformed response is refused for the rule it breaks", arguments: refusedResponses)
    func refused(_ refused: RefusedCase) {
        #expect(ParsedResponse(refused.input).outcome == .bad(refused.error))
    }

    @Test("statuses that no standard knows are passed on", arguments: [600, 799, 999])
    func unknownStatuses(status: Int) {
        let parsed = ParsedResponse("HTTP/1.1 \(status) x\r\nContent-Length: 1\r\n\r\n")
        #expect(parsed.head.status == status)
        #expect(parsed.head.body == .length(1) && parsed.head.keepsAlive)
    }

    @Test("the reason phrase is what stands between code and line end")
    func reason() {
        let parsed = ParsedResponse("HTTP/1.1 404 Not  Found \r\n\r\n")
        #expect(text(parsed.input, parsed.head.reason) == "Not  Found ")
    }

    @Test("a response head that is too large is refused")
    func limits() {
        let limits = HeadLimits(bytesMax: 100, fieldsMax: 1, requestLineBytesMax: 40)
        func outcome(_ input: String) -> HeadOutcome {
            ParsedResponse(input, limits: limits).outcome
        }
        let reason = String(repeating: "r", count: 28)
        #expect(outcome("HTTP/1.1 200 \(reason)") == .bad(.requestLineTooLong))
        #expect(outcome("HTTP/1.1 200 \(reason)\r\n\r\n") == .bad(.requestLineTooLong))
        #expect(outcome("HTTP/1.1 200 x\r\nA:\r\nB:\r\n\r\n") == .bad(.tooManyFields))
        #expect(
            outcome("HTTP/1.1 200 x\r\nA: " + String(repeating: "v", count: 90))
                == .bad(.headTooLarge))
    }
}
