// Goal: a valid request head is understood exactly; each rule of RFC 9110 and 9112 has a malformed
// twin that is refused for that rule. Method: tables of texts.

import HTTP1
import Testing

/// A request and what it must be understood as.
struct RequestCase: CustomTestStringConvertible, Sendable {
    var input: String
    var method = HTTP1.Method.get
    var form = TargetForm.origin
    var path = "/"
    var host = "a"
    var minor = 1
    var body = BodyFraming.none
    var keepsAlive = true
    var expectsContinue = false
    var upgrade: String?
    var testDescription: String { input.debugDescription }
}

/// A refused request and its reason.
struct RefusedCase: CustomTestStringConvertible, Sendable {
    var input: String
    var error: HeadError
    var testDescription: String { "\(error) \(input.debugDescription)" }

    init(_ input: String, _ error: HeadError) {
        self.input = input
        self.error = error
    }
}

let requestCases: [RequestCase] = [
    RequestCase(input: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    RequestCase(input: "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    RequestCase(input: "GET /p?q=%20&r HTTP/1.1\r\nhOsT:a\r\n\r\n", path: "/p?q=%20&r"),
    RequestCase(input: "GET / HTTP/1.1\r\nHost: \t a:80 \t\r\n\r\n", host: "a:80"),
    RequestCase(
        input: "GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n", host: "[2001:db8::1]:443"),
    RequestCase(input: "GET / HTTP/1.1\r\nHost: x_y.%41-z:\r\n\r\n", host: "x_y.%41-z:"),
    RequestCase(
        input: "GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n", form: .absolute, path: "/x",
        host: "b:81"),
    RequestCase(
        input: "GET HTTPS://b?x HTTP/1.1\r\nHost: a\r\n\r\n", form: .absolute, path: "?x", host: "b"
    ),
    RequestCase(
        input: "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", form: .absolute, path: "", host: "b"),
    RequestCase(
        input: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", method: .options, form: .asterisk, path: "*"
    ),
    RequestCase(
        input: "CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n", method: .connect, form: .authority,
        path: "", host: "b:443"),
    RequestCase(input: "M-SEARCH /x HTTP/1.1\r\nHost: a\r\n\r\n", method: .other, path: "/x"),
    RequestCase(input: "get / HTTP/1.1\r\nHost: a\r\n\r\n", method: .other),
    RequestCase(input: "GET / HTTP/1.0\r\n\r\n", host: "", minor: 0, keepsAlive: false),
    RequestCase(input: "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", minor: 0),
    RequestCase(
        input: "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, ,CLOSE\r\n\r\n", keepsAlive: false),
    RequestCase(
        input: "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
        keepsAlive: false),
    RequestCase(
        input: "POST / HTTP/1.1\r\nContent-Length: 5\r\nHost: a\r\n\r\n12345", method: .post,
        body: .length(5)),
    RequestCase(
        input: "PUT / HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n", method: .put,
        body: .length(0)),
    RequestCase(
        input: "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4611686018427387903\r\n\r\n",
        method: .put, body: .length(4_611_686_018_427_387_903)),
    RequestCase(
        input: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", method: .post,
        body: .chunked),
    RequestCase(
        input: "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
        method: .post, body: .length(1), expectsContinue: true),
    RequestCase(
        input: "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        method: .post, minor: 0, body: .length(1), keepsAlive: false),
    RequestCase(
        input: "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        upgrade: "websocket"),
    RequestCase(input: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"),
    RequestCase(input: "GET / HTTP/1.1\r\nHost: a\r\nX: \tcaf\u{E9} \u{1F6A2}\t.\r\nY:\r\n\r\n"),
]

let refusedRequests: [RefusedCase] = [
    // Lines.
    RefusedCase("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
    RefusedCase("GET / HTTP/1.1\r\nX\nHost: a\r\n\r\n", .bareLineFeed),
    RefusedCase("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
    RefusedCase("GET / HTTP/1.1\r\nX: a\rb\r\nHost: a\r\n\r\n", .bareCarriageReturn),
    RefusedCase("GET / HTTP/1.1\rX\r\nHost: a\r\n\r\n", .bareCarriageReturn),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\n\rX", .bareCarriageReturn),
    RefusedCase("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
    RefusedCase("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    // Request line.
    RefusedCase(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    RefusedCase("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    RefusedCase("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    RefusedCase("GET\n/ HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
    RefusedCase("\u{16}\u{3}\u{1}", .invalidMethod),
    RefusedCase("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET /\r\n", .invalidRequestLine),
    RefusedCase("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / http/1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / HTTP/11\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
    RefusedCase("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion),
    RefusedCase("GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion),
    RefusedCase("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
    RefusedCase("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET /12345678#f HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET http:/b/x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", .invalidHost),
    RefusedCase("GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidHost),
    RefusedCase("GET http://b:x/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidHost),
    RefusedCase("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    RefusedCase("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    RefusedCase("CONNECT b HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    RefusedCase("CONNECT b: HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    RefusedCase("CONNECT http://b:1 HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    // Fields.
    RefusedCase("GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n", .leadingWhitespace),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", .leadingWhitespace),
    RefusedCase("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .whitespaceBeforeColon),
    RefusedCase("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", .whitespaceBeforeColon),
    RefusedCase("GET / HTTP/1.1\r\n: b\r\nHost: a\r\n\r\n", .emptyFieldName),
    RefusedCase("GET / HTTP/1.1\r\nX\r\nHost: a\r\n\r\n", .invalidFieldName),
    RefusedCase("GET / HTTP/1.1\r\nX(: b\r\nHost: a\r\n\r\n", .invalidFieldName),
    RefusedCase("GET / HTTP/1.1\r\nX\u{0}: b\r\nHost: a\r\n\r\n", .invalidFieldName),
    RefusedCase("GET / HTTP/1.1\r\n\u{E9}: b\r\nHost: a\r\n\r\n", .invalidFieldName),
    RefusedCase("GET / HTTP/1.1\r\nX: a\u{0}b\r\nHost: a\r\n\r\n", .invalidFieldValue),
    RefusedCase("GET / HTTP/1.1\r\nX: 12345678\u{7F}\r\nHost: a\r\n\r\n", .invalidFieldValue),
    RefusedCase("GET / HTTP/1.1\r\nX: \t1234\u{1B}678\r\nHost: a\r\n\r\n", .invalidFieldValue),
    // Host.
    RefusedCase("GET / HTTP/1.1\r\n\r\n", .missingHost),
    RefusedCase("GET http://b/ HTTP/1.1\r\n\r\n", .missingHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .repeatedHost),
    RefusedCase("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", .repeatedHost),
    RefusedCase("GET / HTTP/1.1\r\nHost:\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: [a]\r\n\r\n", .invalidHost),
    RefusedCase("GET http://b/ HTTP/1.1\r\nHost: a,b\r\n\r\n", .invalidHost),
    // Framing.
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .invalidContentLength),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", .invalidContentLength),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .invalidContentLength),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", .invalidContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", .invalidContentLength),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", .invalidContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4611686018427387904\r\n\r\n",
        .invalidContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n",
        .invalidContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
        .repeatedContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        .transferEncodingWithContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        .transferEncodingWithContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        .unsupportedTransferCoding),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        .unsupportedTransferCoding),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
        .unsupportedTransferCoding),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", .unsupportedTransferCoding),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
        .repeatedTransferEncoding),
    RefusedCase(
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        .transferEncodingInHTTP10),
    RefusedCase(
        "CONNECT b:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", .contentNotAllowed),
    RefusedCase(
        "TRACE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .contentNotAllowed),
    // Connection.
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\nConnection: clo se\r\n\r\n", .invalidConnection),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\nConnection: x;y\r\n\r\n", .invalidConnection),
    RefusedCase(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: a,b,c,d,e,f,g,h\r\n"
            + "Connection: a,b,c,d,e,f,g,h,i\r\n\r\n", .tooManyConnectionOptions),
]

@Suite struct RequestHeadTests {
    @Test("a valid head is understood exactly", arguments: requestCases)
    func understood(_ expected: RequestCase) {
        let (outcome, head, input) = parseRequest(expected.input)
        let headLength = expected.input.hasSuffix("12345") ? input.count - 5 : input.count
        #expect(outcome == .complete(length: headLength))
        #expect(head.length == headLength)
        #expect(head.method == expected.method)
        #expect(head.targetForm == expected.form)
        #expect(text(input, head.pathAndQuery) == expected.path)
        #expect(text(input, head.host) == expected.host)
        #expect(head.minorVersion == expected.minor)
        #expect(head.body == expected.body)
        #expect(head.keepsAlive == expected.keepsAlive)
        #expect(head.expectsContinue == expected.expectsContinue)
        #expect(head.upgrade.map { text(input, $0) } == expected.upgrade)
    }

    @Test("a malformed head is refused for the rule it breaks", arguments: refusedRequests)
    func refused(_ refused: RefusedCase) {
        #expect(parseRequest(refused.input).outcome == .bad(refused.error))
    }

    @Test("fields keep order, case and inner whitespace, and lose the whitespace around them")
    func fields() {
        let (_, head, input) = parseRequest(
            "GET / HTTP/1.1\r\nHost: a\r\nX-A:  b \t c\t \r\nx-a:\r\nDATE: d\r\n\r\n")
        #expect(head.fields.map { text(input, $0.name) } == ["Host", "X-A", "x-a", "DATE"])
        #expect(head.fields.map { text(input, $0.value) } == ["a", "b \t c", "", "d"])
        #expect(head.fields.map(\.known) == [.host, .other, .other, .date])
        #expect(head.contains(.date) && !head.contains(.te))
    }

    @Test(
        "a known name is known in any letter case, and its neighbours are not",
        arguments: FieldName.allCases.filter { $0 != .other })
    func knownNames(_ name: FieldName) throws {
        let lower = "\(name.lowercased)"
        func known(_ spelling: String) -> FieldName? {
            var head = ResponseHead()
            let value = name == .contentLength ? "1" : name == .transferEncoding ? "chunked" : "x"
            let input = bytes("HTTP/1.1 200 OK\r\n\(spelling): \(value)\r\n\r\n")
            guard case .complete = head.parse(input.span, answering: .get) else { return nil }
            return head.fields.first?.known
        }
        #expect(known(lower) == name)
        #expect(known(lower.uppercased()) == name)
        #expect(known(lower + "x") == .other)
        #expect(known(String(lower.dropLast())) == .other)
        #expect(known(lower.replacingLast(with: "~")) == .other)
        if lower.contains("-") {
            #expect(known(String(lower.map { $0 == "-" ? "_" : $0 })) == .other)
        }
    }

    @Test("the fields that Connection names are nominated, in any letter case")
    func nominated() {
        let (_, head, input) = parseRequest(
            "GET / HTTP/1.1\r\nX-One: 1\r\nHost: a\r\nConnection: close, x-ONE , x^\r\nX~: 2\r\n"
                + "X-Two: 3\r\n\r\n")
        #expect(head.fields.filter(\.isNominated).map { text(input, $0.name) } == ["X-One"])
    }

    @Test("a head that is too large is refused, even when it is not complete")
    func limits() {
        let limits = HeadLimits(bytesMax: 200, fieldsMax: 3, requestLineBytesMax: 60)
        func outcome(_ input: String) -> HeadOutcome { parseRequest(input, limits: limits).outcome }
        let start = "GET / HTTP/1.1\r\nHost: a\r\n"
        let path = String(repeating: "p", count: 60 - "GET / HTTP/1.1".utf8.count)
        #expect(outcome("GET /\(path)") == .needMore)
        #expect(outcome("GET /\(path)p HTTP/1.1") == .bad(.requestLineTooLong))
        #expect(outcome("GET /\(path)p HTTP/1.1\r\n") == .bad(.requestLineTooLong))
        #expect(outcome("GET /\(path)ppppppppppp") == .bad(.requestLineTooLong))
        #expect(
            outcome("GET /\(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                == .complete(length: 60 + 2 + 9 + 2))
        #expect(outcome(start + "A:\r\nB:\r\n\r\n") == .complete(length: start.utf8.count + 10))
        #expect(outcome(start + "A:\r\nB:\r\nC:\r\n") == .bad(.tooManyFields))
        let pad = String(repeating: "v", count: 200 - start.utf8.count - 7)
        #expect(outcome(start + "A: \(pad)\r\n\r\n") == .complete(length: 200))
        #expect(outcome(start + "A: \(pad)v\r\n\r\n") == .bad(.headTooLarge))
        #expect(outcome(start + "A: \(pad)vvvv") == .bad(.headTooLarge))
        #expect(outcome(start + "A: \(pad)vvv\r") == .bad(.headTooLarge))
        #expect(outcome(start + "A: \(pad)vvv") == .needMore)
    }

    @Test("every refusal has a status and a sentence of its own")
    func errors() {
        let sentences = Set(HeadError.allCases.map(\.description))
        #expect(sentences.count == HeadError.allCases.count)
        #expect(sentences.allSatisfy { $0.hasSuffix(".") })
        #expect(HeadError.headTooLarge.status == 431)
        #expect(HeadError.requestLineTooLong.status == 414)
        #expect(HeadError.unsupportedTransferCoding.status == 501)
        #expect(HeadError.unsupportedVersion.status == 505)
        #expect(HeadError.repeatedHost.status == 400)
    }

    @Test("safe and idempotent are those of RFC 9110 section 9.2")
    func methods() {
        let safe: Set<HTTP1.Method> = [.get, .head, .options, .trace]
        #expect(Set(HTTP1.Method.allCases.filter(\.isSafe)) == safe)
        #expect(Set(HTTP1.Method.allCases.filter(\.isIdempotent)) == safe.union([.put, .delete]))
        let names = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]
        let parsed = names.map { parseRequest("\($0) / HTTP/1.1\r\nHost: a\r\n\r\n").head.method }
        #expect(parsed == [.get, .head, .post, .put, .delete, .options, .trace, .patch])
    }

    @Test("pipelined requests are parsed one after the other from one buffer")
    func pipelined() {
        let first = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
        let second = "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n"
        let input = bytes(first + "abc" + second)
        var head = RequestHead()
        #expect(head.parse(input.span) == .complete(length: first.utf8.count))
        var tracker = BodyTracker(head.body)
        let afterHead = input.span.extracting(first.utf8.count...)
        #expect(tracker.advance(afterHead) == .end(consumed: 3))
        #expect(head.parse(afterHead.extracting(3...)) == .complete(length: second.utf8.count))
        #expect(head.body == .none)
        #expect(text(bytes(second), head.host) == "b")
        #expect(text(bytes(second), head.pathAndQuery) == "/2")
    }
}

extension String {
    /// The same with another last character.
    fileprivate func replacingLast(with character: Character) -> String {
        String(dropLast()) + String(character)
    }
}
