// Goal: a valid request head is understood exactly; each rule of RFC 9110 and 9112 has a malformed
// twin that is refused for that rule. Method: tables of texts.

import HTTP1
import Testing

@Suite struct RequestHeadTests {
    @Test("a valid head is understood exactly", arguments: requestCases)
    func understood(_ expected: RequestCase) {
        let parsed = ParsedRequest(expected.input)
        let headLength =
            expected.input.hasSuffix("12345") ? parsed.input.count - 5 : parsed.input.count
        #expect(parsed.outcome == .complete(length: headLength))
        #expect(parsed.head.length == headLength)
        #expect(parsed.head.method == expected.method)
        #expect(parsed.head.targetForm == expected.form)
        #expect(text(parsed.input, parsed.head.pathAndQuery) == expected.path)
        #expect(text(parsed.input, parsed.head.host) == expected.host)
        #expect(parsed.head.version == expected.version)
        #expect(parsed.head.body == expected.body)
        #expect(parsed.head.keepsAlive == expected.keepsAlive)
        #expect(parsed.head.expectsContinue == expected.expectsContinue)
        #expect(
            text(parsed.head.upgradeOffer(parsed.input.span)) == expected.upgrade ?? "")
    }

    @Test("a malformed head is refused for the rule it breaks", arguments: refusedRequests)
    func refused(_ refused: RefusedCase) {
        #expect(ParsedRequest(refused.input).outcome == .bad(refused.error))
    }

    @Test("fields keep order, case and inner whitespace, and lose the whitespace around them")
    func fields() {
        let parsed = ParsedRequest(
            "GET / HTTP/1.1\r\nHost: a\r\nX-A:  b \t c\t \r\nx-a:\r\nDATE: d\r\n\r\n")
        #expect(
            parsed.head.fields.map { text(parsed.input, $0.name) } == [
                "Host", "X-A", "x-a", "DATE",
            ])
        #expect(
            parsed.head.fields.map { text(parsed.input, $0.value) } == ["a", "b \t c", "", "d"])
        #expect(parsed.head.fields.map(\.known) == [.host, .other, .other, .date])
        #expect(parsed.head.contains(.date) && !parsed.head.contains(.te))
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
        let parsed = ParsedRequest(
            "GET / HTTP/1.1\r\nX-One: 1\r\nHost: a\r\nConnection: close, x-ONE , x^\r\nX~: 2\r\n"
                + "X-Two: 3\r\n\r\n")
        #expect(
            parsed.head.fields.filter(\.isNominated).map { text(parsed.input, $0.name) } == [
                "X-One"
            ])
    }

    @Test("a head that is too large is refused, even when it is not complete")
    func limits() {
        let limits = HeadLimits(bytesMax: 200, fieldsMax: 3, requestLineBytesMax: 60)
        func outcome(_ input: String) -> HeadOutcome {
            ParsedRequest(input, limits: limits).outcome
        }
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
        #expect(HeadError.chunkedNotLast.status == 400)
        #expect(HeadError.unsupportedVersion.status == 505)
        #expect(HeadError.repeatedHost.status == 400)
    }

    @Test("safe and idempotent are those of RFC 9110 section 9.2")
    func methods() {
        let safe: Set<HTTP1.Method> = [.get, .head, .options, .trace]
        #expect(Set(HTTP1.Method.allCases.filter(\.isSafe)) == safe)
        #expect(Set(HTTP1.Method.allCases.filter(\.isIdempotent)) == safe.union([.put, .delete]))
        let names = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]
        let parsed = names.map { ParsedRequest("\($0) / HTTP/1.1\r\nHost: a\r\n\r\n").head.method }
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
    /// This text with another last character.
    fileprivate func replacingLast(with character: Character) -> String {
        String(dropLast()) + String(character)
    }
}
