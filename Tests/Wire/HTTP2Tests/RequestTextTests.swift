// Goal: a request of HTTP/2 becomes the text of one of HTTP/1.1 that says the same, and nothing
// malformed does (RFC 9113 sections 8.2 and 8.3).
// Method: requests of real clients' shapes with the text that they become, which `RequestHead` must
// take; and for each rule a malformed twin that differs from a good request in that alone.

import HTTP1
import TestSupport
import Testing

@testable import HTTP2

/// A block of fields that are spelled out.
func block(_ fields: [(String, String)]) -> [UInt8] { fields.flatMap { literal($0.0, $0.1) } }

private let get = [
    (":method", "GET"), (":scheme", "https"), (":path", "/a?b=c"), (":authority", "www.example"),
]
/// The bytes of RFC 6455's example, section 1.3: "the sample nonce".
private let key = WebSocketKey(0x7468_6520_7361_6D70, 0x6C65_206E_6F6E_6365)
private let webSocket = [
    (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat"),
    (":authority", "www.example"),
]

/// What reading a request came to.
struct ReadRequest {
    let outcome: HeadTextOutcome
    let string: String
    let scheme: Scheme
    let tunnel: RequestText.Tunnel
    let acceptsTrailers: Bool
    /// What the parser of HTTP/1.1 makes of the text.
    let parsed: HeadOutcome

    init(
        _ fields: [(String, String)], endsStream: Bool = true, limits: HeadLimits = HeadLimits(),
        allowsWebSocket: Bool = false
    ) {
        let block = block(fields)
        var text = RequestText()
        text.webSocketKey = key
        var decoder = HPACKDecoder()
        outcome = GuardedBuffer(capacity: block.count + 1).withBytes(block) {
            text.read(
                $0, endsStream: endsStream, limits: limits, allowsWebSocket: allowsWebSocket,
                decoder: &decoder)
        }
        string = text.withText { $0.text }
        (scheme, tunnel, acceptsTrailers) = (text.scheme, text.tunnel, text.acceptsTrailers)
        var head = RequestHead()
        parsed = text.withText { head.parse($0) }
    }
}

@Suite struct RequestTextTests {
    /// A request and the lines of its text.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let fields: [(String, String)]
        let endsStream: Bool
        let lines: [String]
    }

    static let cases = [
        Case(
            testDescription: "a GET", fields: get + [("accept", "*/*"), ("user-agent", "a/1")],
            endsStream: true,
            lines: ["GET /a?b=c HTTP/1.1", "Host: www.example", "accept: */*", "user-agent: a/1"]),
        Case(
            testDescription: "no field", fields: get, endsStream: true,
            lines: ["GET /a?b=c HTTP/1.1", "Host: www.example"]),
        Case(
            testDescription: "pseudo-header fields in another order",
            fields: get.reversed() + [("a", "b")], endsStream: true,
            lines: ["GET /a?b=c HTTP/1.1", "Host: www.example", "a: b"]),
        Case(
            testDescription: "a host field in place of the authority",
            fields: get.dropLast() + [("a", "b"), ("host", "www.example")], endsStream: true,
            lines: ["GET /a?b=c HTTP/1.1", "a: b", "host: www.example"]),
        Case(
            testDescription: "a host field that agrees with the authority",
            fields: get + [("host", "WWW.example"), ("a", "b")], endsStream: true,
            lines: ["GET /a?b=c HTTP/1.1", "Host: www.example", "a: b"]),
        Case(
            testDescription: "cookies in parts",
            fields: get + [
                ("cookie", "a=b"), ("x", "y"), ("cookie", "c=d; e=f"), ("cookie", ""),
                ("cookie", "g=h"),
            ], endsStream: true,
            lines: [
                "GET /a?b=c HTTP/1.1", "Host: www.example", "x: y",
                "cookie: a=b; c=d; e=f; g=h",
            ]),
        Case(
            testDescription: "content of a length that is known",
            fields: get + [("content-length", "5")], endsStream: false,
            lines: ["GET /a?b=c HTTP/1.1", "Host: www.example", "content-length: 5"]),
        Case(
            testDescription: "content of a length that is not", fields: get + [("a", "b")],
            endsStream: false,
            lines: [
                "GET /a?b=c HTTP/1.1", "Host: www.example", "a: b", "Transfer-Encoding: chunked",
            ]),
        Case(
            testDescription: "a POST without content",
            fields: [(":method", "POST")] + get.dropFirst(),
            endsStream: true,
            lines: ["POST /a?b=c HTTP/1.1", "Host: www.example", "Content-Length: 0"]),
        Case(
            testDescription: "a POST that says that it has none",
            fields: [(":method", "POST")] + get.dropFirst() + [("content-length", "0")],
            endsStream: true,
            lines: ["POST /a?b=c HTTP/1.1", "Host: www.example", "content-length: 0"]),
        Case(
            testDescription: "OPTIONS for the server",
            fields: [
                (":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), (":authority", "a:80"),
            ], endsStream: true, lines: ["OPTIONS * HTTP/1.1", "Host: a:80"]),
        Case(
            testDescription: "gRPC",
            fields: [
                (":method", "POST"), (":scheme", "http"), (":path", "/p.S/M"), (":authority", "a"),
                ("te", "trailers"), ("content-type", "application/grpc"),
            ], endsStream: false,
            lines: [
                "POST /p.S/M HTTP/1.1", "Host: a", "te: trailers", "content-type: application/grpc",
                "Transfer-Encoding: chunked",
            ]),
        Case(
            testDescription: "a tunnel",
            fields: [(":method", "CONNECT"), (":authority", "a.example:443"), ("x", "y")],
            endsStream: false,
            lines: ["CONNECT a.example:443 HTTP/1.1", "Host: a.example:443", "x: y"]),
        Case(
            testDescription: "a WebSocket",
            fields: webSocket + [
                ("sec-websocket-version", "13"), ("sec-websocket-key", "bm90IHRoaXMgb25lIQAAAA=="),
            ], endsStream: false,
            lines: [
                "GET /chat HTTP/1.1", "Host: www.example", "sec-websocket-version: 13",
                "Connection: Upgrade", "Upgrade: websocket",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ]),
    ]

    @Test("a request becomes a text that says the same", arguments: cases)
    func becomesText(_ expected: Case) {
        let request = ReadRequest(
            expected.fields, endsStream: expected.endsStream, allowsWebSocket: true)
        #expect(request.outcome == .complete)
        let text = expected.lines.map { $0 + "\r\n" }.joined() + "\r\n"
        #expect(request.string == text)
        #expect(request.parsed == .complete(length: text.utf8.count))
    }

    @Test("what is no part of the text is told beside it")
    func facts() {
        let plain = ReadRequest(get)
        #expect(plain.scheme == .https)
        #expect(plain.tunnel == .none)
        #expect(!plain.acceptsTrailers)
        let upgraded = ReadRequest(
            webSocket + [("te", "trailers")], endsStream: false, allowsWebSocket: true)
        #expect(upgraded.tunnel == .webSocket)
        #expect(upgraded.acceptsTrailers)
        let tunnel = ReadRequest([(":method", "CONNECT"), (":authority", "a:443")])
        #expect(tunnel.tunnel == .connect)
        #expect(tunnel.scheme == .http)
    }

    static func changed(_ name: String, _ value: String?) -> [(String, String)] {
        get.compactMap { field in
            field.0 == name ? value.map { (name, $0) } : field
        }
    }

    static let malformed: [([(String, String)], HeadFault)] =
        [
            // Values, rule 1.
            (get + [("a", "b\0")], .invalidFieldValue), (get + [("a", "b\rc")], .invalidFieldValue),
            (get + [("a", "b\nc")], .invalidFieldValue),
            (get + [("a", "b\r\nx: y")], .invalidFieldValue),
            (get + [("a", " b")], .invalidFieldValue), (get + [("a", "b ")], .invalidFieldValue),
            (get + [("a", "\tb")], .invalidFieldValue), (get + [("a", "b\t")], .invalidFieldValue),
            (get + [("a", "b\u{7F}")], .invalidFieldValue),
            (get + [("cookie", "a\r\nb")], .invalidFieldValue),
            (changed(":path", "/a\r\nx: y"), .invalidFieldValue),
            (changed(":authority", "a\r\nx: y"), .invalidFieldValue),
            (changed(":method", "GET\r\n"), .invalidFieldValue),
            // Names, rule 2.
            (get + [("A", "b")], .invalidFieldName), (get + [("a b", "c")], .invalidFieldName),
            (get + [("a:b", "c")], .invalidFieldName), (get + [("", "c")], .invalidFieldName),
            (get + [("a\r\nb", "c")], .invalidFieldName), (get + [("a\0", "c")], .invalidFieldName),
            (get + [("content-length ", "0")], .invalidFieldName),
            (get + [("long-enough-namE", "c")], .invalidFieldName),
            (get + [("\u{E9}", "c")], .invalidFieldName), (get + [(":", "c")], .invalidFieldName),
            // Fields about a connection, rule 3.
            (get + [("connection", "close")], .connectionField),
            (get + [("proxy-connection", "keep-alive")], .connectionField),
            (get + [("keep-alive", "timeout=5")], .connectionField),
            (get + [("transfer-encoding", "chunked")], .connectionField),
            (get + [("upgrade", "h2c")], .connectionField),
            (get + [("te", "gzip")], .invalidTE), (get + [("te", "trailers, gzip")], .invalidTE),
            // Pseudo-header fields, rule 4.
            (get.dropLast() + [("a", "b"), (":authority", "www.example")], .latePseudoField),
            (get + [(":path", "/a?b=c")], .repeatedPseudoField),
            (get + [(":method", "GET")], .repeatedPseudoField),
            (get + [(":authority", "www.example")], .repeatedPseudoField),
            (get + [(":status", "200")], .unknownPseudoField),
            (get + [(":a", "b")], .unknownPseudoField), (get + [(":Path", "/")], .invalidFieldName),
            ([], .missingPseudoField), ([("a", "b")], .missingPseudoField),
            (changed(":method", nil), .missingPseudoField),
            (changed(":scheme", nil), .missingPseudoField),
            (changed(":path", nil), .missingPseudoField),
            // Path, rule 5.
            (changed(":path", ""), .invalidPath), (changed(":path", "a"), .invalidPath),
            (changed(":path", "http://a/"), .invalidPath), (changed(":path", "/a b"), .invalidPath),
            (changed(":path", "/a#b"), .invalidPath), (changed(":path", "/a\tb"), .invalidPath),
            (changed(":path", "/ HTTP/1.1"), .invalidPath),
            (changed(":path", "/\u{E9}"), .invalidPath), (changed(":path", "**"), .invalidPath),
            (changed(":path", "?a"), .invalidPath),
            // Method and scheme, rule 6.
            (changed(":method", ""), .invalidMethod), (changed(":method", "G T"), .invalidMethod),
            (changed(":method", "GET / HTTP/1.1"), .invalidMethod),
            (changed(":scheme", ""), .invalidScheme), (changed(":scheme", "ftp"), .invalidScheme),
            (changed(":scheme", "HTTP"), .invalidScheme),
            // Authority, rule 7.
            (changed(":authority", ""), .invalidAuthority),
            // Content, rule 8; the stream ends here.
            (get + [("content-length", "5")], .contentMissing),
            (get + [("content-length", "00")] + [("content-length", "x")], .contentMissing),
            // Tunnels, rule 9.
            ([(":method", "CONNECT")], .missingPseudoField),
            ([(":method", "CONNECT"), (":authority", "")], .invalidAuthority),
            ([(":method", "CONNECT"), (":authority", "a:1 HTTP/1.1")], .invalidAuthority),
            (
                [(":method", "CONNECT"), (":authority", "a:1"), (":path", "/")],
                .superfluousPseudoField
            ),
            (
                [(":method", "CONNECT"), (":authority", "a:1"), (":scheme", "https")],
                .superfluousPseudoField
            ),
            (
                [(":method", "CONNECT"), (":authority", "a:1"), ("content-length", "0")],
                .contentNotAllowed
            ),
            (get + [(":protocol", "websocket")], .invalidProtocol),
            (
                webSocket.map { $0.0 == ":protocol" ? ($0.0, "connect-udp") : $0 }, .invalidProtocol
            ),
            (webSocket.filter { $0.0 != ":path" }, .missingPseudoField),
            (webSocket.filter { $0.0 != ":scheme" }, .missingPseudoField),
            (webSocket.filter { $0.0 != ":authority" }, .missingPseudoField),
            (webSocket + [("content-length", "0")], .contentNotAllowed),
        ]

    @Test("a malformed request becomes none", arguments: malformed.indices)
    func isMalformed(_ index: Int) {
        let (fields, fault) = Self.malformed[index]
        let request = ReadRequest(fields, allowsWebSocket: true)
        #expect(request.outcome == .malformed(fault), "\(fields)")
        #expect(request.string == "")
    }

    @Test("a WebSocket is malformed for a client that was not told that it may ask for one")
    func webSocketNotOffered() {
        #expect(ReadRequest(webSocket).outcome == .malformed(.invalidProtocol))
    }

    @Test(
        "what HTTP/1.1 refuses is refused in the text, or before",
        arguments: [
            (changed(":authority", nil), .missingHost),
            (changed(":authority", "user@www.example"), .invalidHost),
            (changed(":authority", "a b"), .invalidHost),
            (changed(":authority", "a,b"), .invalidHost),
            (changed(":authority", "a/b"), .invalidHost),
            (changed(":authority", nil) + [("host", "a"), ("host", "a")], .repeatedHost),
            (changed(":path", "*"), .targetFormNotAllowed),
            (get + [("content-length", "0"), ("content-length", "0")], .repeatedContentLength),
            (get + [("content-length", "")], .invalidContentLength),
            ([(":method", "CONNECT"), (":authority", "a")], .targetFormNotAllowed),
        ] as [([(String, String)], HeadError)])
    func isRefused(_ fields: [(String, String)], _ error: HeadError) {
        let request = ReadRequest(fields)
        #expect(request.outcome == .complete)
        #expect(request.parsed == .bad(error))
    }

    @Test("a length that is no number is refused, also where content follows")
    func contentLengthNoNumber() {
        let request = ReadRequest(get + [("content-length", "+5")], endsStream: false)
        #expect(request.parsed == .bad(.invalidContentLength))
    }

    @Test("a host that differs from the authority is refused with 400")
    func otherHost() {
        let request = ReadRequest(get + [("host", "other.example")])
        #expect(request.outcome == .refused(.repeatedHost))
        #expect(HeadError.repeatedHost.status == 400)
    }

    @Test("a head that is too large is refused, and decoded to its end")
    func tooLarge() {
        let limits = HeadLimits(bytesMax: 1000, fieldsMax: 10, requestLineBytesMax: 100)
        // 42, 44, 43 and 53 bytes for the four; 33 and one for the name of this one.
        let rest = 1000 - 42 - 44 - 43 - 53 - 33
        for (count, outcome) in [
            (rest, HeadTextOutcome.complete), (rest + 1, .refused(.headTooLarge)),
        ] {
            var text = RequestText()
            var decoder = HPACKDecoder()
            let long = block(get) + [0x40] + string("a")
            let block = [UInt8](capacity: 2000) { out in
                out.append(long.span)
                HPACKInteger.append(count, prefix: 7, flags: 0, to: &out)
                for _ in 0..<count { out.append(0x78) }
                out.append(0x40)
                out.append(string("last").span)
                out.append(string("").span)
            }
            let found = text.read(
                block.span, endsStream: true, limits: limits, decoder: &decoder)
            // The last one, of 36 bytes, is too much in any case.
            #expect(found == .refused(.headTooLarge))
            #expect(decoder.tableLines.first == "last: \r\n")
            let all = text.read(
                block.span.extracting(0..<block.count - 7), endsStream: true, limits: limits,
                decoder: &decoder)
            #expect(all == outcome)
        }
    }

    @Test("a head of too many fields is refused, each part of a cookie counted")
    func tooManyFields() {
        let limits = HeadLimits(fieldsMax: 10)
        for name in ["a", "cookie"] {
            let fields = Array(repeating: (name, "b"), count: 10)
            #expect(ReadRequest(get + fields, limits: limits).outcome == .complete)
            #expect(
                ReadRequest(get + fields + [(name, "b")], limits: limits).outcome
                    == .refused(.tooManyFields))
        }
    }

    @Test("a thousand fields end the connection, unless the operator wants more")
    func excessive() {
        let fields = Array(repeating: ("a", "b"), count: 997)
        #expect(ReadRequest(get + fields.dropLast()).outcome == .refused(.tooManyFields))
        #expect(ReadRequest(get + fields).outcome == .excessive)
        let generous = HeadLimits(bytesMax: 1 << 20, fieldsMax: 2000)
        #expect(ReadRequest(get + fields, limits: generous).outcome == .complete)
    }

    @Test("fields of the dynamic table keep what was found of them")
    func fromTable() {
        var text = RequestText()
        var decoder = HPACKDecoder()
        func read(_ block: [UInt8]) -> HeadTextOutcome {
            text.read(block.span, endsStream: true, limits: HeadLimits(), decoder: &decoder)
        }
        #expect(
            read(block(get) + [0x40] + string("a") + string("b\r\nc"))
                == .malformed(.invalidFieldValue))
        #expect(read(block(get) + [0xBE]) == .malformed(.invalidFieldValue))
        #expect(
            read(block(get) + [0x40] + string("upgrade") + string("h2c"))
                == .malformed(.connectionField))
        #expect(read(block(get) + [0xBE]) == .malformed(.connectionField))
        #expect(read(block(get) + [0x7E] + string("x")) == .malformed(.connectionField))
        #expect(read(block(get) + [0x40] + string("a") + string("b")) == .complete)
        #expect(read(block(get) + [0xBE]) == .complete)
        #expect(text.withText { $0.text }.hasSuffix("\r\na: b\r\n\r\n"))
    }

    @Test("a broken block is told apart from a malformed message")
    func broken() {
        var text = RequestText()
        var decoder = HPACKDecoder()
        for block in [hex("80"), hex("82 80"), literal("A", "b") + hex("80")] {
            #expect(
                text.read(block.span, endsStream: true, limits: HeadLimits(), decoder: &decoder)
                    == .broken(.invalidIndex))
        }
    }
}
