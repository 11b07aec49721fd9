// Goal: what the next hop is told is exactly what RFC 9110 section 7.6 and RFC 9112 want of an
// intermediary. Method: golden heads.

import HeadWriting
import Testing

@testable import HTTP1

@Suite struct WritingTests {
    private func forwarded(
        _ input: String, host: String = "", passingUpgrade: Bool = false
    ) -> String {
        let parsed = ParsedRequest(input)
        guard case .complete = parsed.outcome else { return "\(parsed.outcome)" }
        var out: [UInt8] = bytes("|")
        var policy = ForwardingPolicy()
        policy.via = nil
        var forwarding = Forwarding(policy: policy, port: 80, defaultHost: bytes(host))
        forwarding.setClient(isTrusted: false) { $0.append(contentsOf: bytes("192.0.2.1")) }
        parsed.head.write(
            from: parsed.input.span, forwarding: forwarding, passingUpgrade: passingUpgrade,
            into: &out)
        return text(out)
    }

    private func returned(
        _ input: String, answering method: HTTP1.Method = .get, version: HTTPVersion = .http11,
        keepsAlive: Bool = true, framing: BodyFraming? = nil
    ) -> String {
        let parsed = ParsedResponse(input, answering: method)
        guard case .complete = parsed.outcome else { return "\(parsed.outcome)" }
        var out: [UInt8] = []
        parsed.head.write(
            from: parsed.input.span,
            to: ClientCapabilities(version: version, keepsAlive: keepsAlive),
            framing: framing ?? parsed.head.body, into: &out)
        return text(out)
    }

    private let added =
        "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n"

    @Test("a plain request gets its host first and the X-Forwarded fields last")
    func plain() {
        #expect(
            forwarded("GET /x HTTP/1.1\r\nA: 1\r\nHost: h:1\r\nB:  2 \r\nC: 3\r\n\r\n")
                == "|GET /x HTTP/1.1\r\nHost: h:1\r\nA: 1\r\nB:  2 \r\nC: 3\r\n"
                + "\(added)X-Forwarded-Host: h:1\r\n\r\n")
    }

    @Test("hop-by-hop fields and nominated ones go; the rest stays in order")
    func hopByHop() {
        #expect(
            forwarded(
                "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: 5\r\n"
                    + "A: 1\r\nProxy-Connection: x\r\nTE: trailers\r\nX-HOP: 1\r\nB: 2\r\n"
                    + "Upgrade: h2c\r\nProxy-Authorization: x\r\nTrailer: q\r\nC: 3\r\n\r\n")
                == "|GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\nC: 3\r\n"
                + "\(added)X-Forwarded-Host: h\r\n\r\n")
    }

    @Test("host and framing survive being nominated")
    func nominatedFraming() {
        #expect(
            forwarded(
                "POST / HTTP/1.1\r\nHost: h\r\nConnection: host, content-length\r\n"
                    + "Content-Length: 007\r\n\r\n")
                == "|POST / HTTP/1.1\r\nHost: h\r\n\(added)X-Forwarded-Host: h\r\n"
                + "Content-Length: 7\r\n\r\n")
    }

    @Test("a chunked body stays chunked, with its Trailer field")
    func chunked() {
        #expect(
            forwarded(
                "POST / HTTP/1.1\r\nTransfer-Encoding: CHUNKED\r\nHost: h\r\nTrailer: q\r\n\r\n")
                == "|POST / HTTP/1.1\r\nHost: h\r\nTrailer: q\r\n\(added)X-Forwarded-Host: h\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n")
    }

    @Test(
        "an absolute target becomes origin-form, and its host wins",
        arguments: [
            ("GET http://b:81/x?y", "GET /x?y"), ("GET http://b:81", "GET /"),
            ("GET http://b:81?y", "GET /?y"), ("OPTIONS http://b:81", "OPTIONS *"),
        ])
    func absolute(_ from: String, _ to: String) {
        #expect(
            forwarded("\(from) HTTP/1.1\r\nHost: h\r\n\r\n")
                == "|\(to) HTTP/1.1\r\nHost: b:81\r\n\(added)X-Forwarded-Host: b:81\r\n\r\n")
    }

    @Test("other forms stay as they are")
    func otherForms() {
        #expect(
            forwarded("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").hasPrefix("|OPTIONS * HTTP/1.1\r\n"))
        #expect(
            forwarded("CONNECT b:1 HTTP/1.1\r\nHost: h\r\n\r\n")
                .hasPrefix("|CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n"))
    }

    @Test("a request of HTTP/1.0 without a host gets the default one, and no expectation")
    func http10() {
        let input = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
        #expect(
            forwarded(input, host: "d:80")
                == "|POST / HTTP/1.1\r\nHost: d:80\r\n\(added)Content-Length: 1\r\n\r\n")
        #expect(
            forwarded(input)
                == "|POST / HTTP/1.1\r\nHost: \r\n\(added)Content-Length: 1\r\n\r\n")
    }

    @Test("an upgrade is passed on only when the caller wants it")
    func upgrade() {
        let input = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        let head = "|GET / HTTP/1.1\r\nHost: h\r\n\(added)X-Forwarded-Host: h\r\n"
        #expect(forwarded(input) == head + "\r\n")
        #expect(
            forwarded(input, passingUpgrade: true)
                == head + "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    }

    @Test("blanks before the colon of a response's field are removed")
    func looseNames() {
        #expect(
            returned(
                "HTTP/1.1 200 OK\r\nA: 1\r\nB :2\r\nC \t: 3\r\nD:4\r\nE : \r\nConnection : F\r\n"
                    + "F : 6\r\nContent-Length: 0\r\n\r\n")
                == "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\nD:4\r\nE: \r\n"
                + "Content-Length: 0\r\n\r\n")
        #expect(
            returned("HTTP/1.1 426 U\r\nUpgrade :a\r\nContent-Length: 0\r\n\r\n")
                == "HTTP/1.1 426 U\r\nContent-Length: 0\r\nConnection: upgrade\r\nUpgrade: "
                + "a\r\n\r\n"
        )
    }

    @Test("a response loses its hop-by-hop fields and gets a framing of its own")
    func response() {
        #expect(
            returned(
                "HTTP/1.0 200 Fine\r\nServer: n\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n"
                    + "Content-Length: 05\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n")
                == "HTTP/1.1 200 Fine\r\nServer: n\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
                + "Content-Length: 5\r\n\r\n")
        #expect(
            returned("HTTP/1.1 200\r\nTrailer: t\r\nTransfer-Encoding: chunked\r\n\r\n")
                == "HTTP/1.1 200 \r\nTrailer: t\r\nTransfer-Encoding: chunked\r\n\r\n")
    }

    @Test("Connection says what the client's version does not imply")
    func connection() {
        let input = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
        #expect(returned(input) == head + "\r\n")
        #expect(returned(input, keepsAlive: false) == head + "Connection: close\r\n\r\n")
        #expect(returned(input, version: .http10) == head + "Connection: keep-alive\r\n\r\n")
        #expect(
            returned(input, version: .http10, keepsAlive: false) == head
                + "Connection: close\r\n\r\n")
        let open = "HTTP/1.1 200 OK\r\nTrailer: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(
            returned(open, version: .http10, framing: .untilClose)
                == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    }

    @Test(
        "a length without a body is told for HEAD and 304, never for 1xx and 204",
        arguments: [
            ("200 OK", HTTP1.Method.head, true), ("304 No", .get, true), ("304 No", .head, true),
            ("204 No", .get, false), ("204 No", .head, false), ("100 Go", .get, false),
        ])
    func lengths(_ status: String, _ method: HTTP1.Method, _ isTold: Bool) {
        #expect(
            returned("HTTP/1.1 \(status)\r\nContent-Length: 9\r\n\r\n", answering: method)
                == "HTTP/1.1 \(status)\r\n" + (isTold ? "Content-Length: 9\r\n" : "") + "\r\n")
    }

    @Test("a 101 keeps its Upgrade, and no interim head speaks of closing")
    func interim() {
        #expect(
            returned(
                "HTTP/1.1 101 S\r\nconnection: upgrade\r\nUpgrade: websocket\r\nA: 1\r\n\r\n",
                keepsAlive: false)
                == "HTTP/1.1 101 S\r\nA: 1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        #expect(
            returned("HTTP/1.1 103 E\r\nLink: x\r\n\r\n", keepsAlive: false)
                == "HTTP/1.1 103 E\r\nLink: x\r\n\r\n")
    }

    @Test("a response of our own is whole, and no value splits it")
    func ownResponse() {
        let client = ClientCapabilities(version: .http11, keepsAlive: false)
        var writer = ResponseWriter(status: 503, to: client)
        writer.addField("Retry-After", "1")
        writer.addField("X-Why", bytes("a\r\nEvil: b").span)
        let head =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Retry-After: 1\r\nX-Why: a  Evil: b\r\nContent-Length: 2\r\n"
            + "Connection: close\r\n\r\n"
        var out: [UInt8] = []
        writer.write(body: "no", into: &out)
        #expect(text(out) == head + "no")
        writer.omitsBody = true
        out = []
        writer.write(body: bytes("no").span, into: &out)
        #expect(text(out) == head)
        var empty: [UInt8] = []
        ResponseWriter(
            status: 204, contentType: nil,
            to: ClientCapabilities(version: .http10, keepsAlive: true)
        ).write(body: "x", into: &empty)
        #expect(text(empty) == "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n")
    }

    @Test(
        "decimal numbers are written without leading zeros, hexadecimal ones with all of them",
        arguments: [0, 1, 9, 10, 15, 16, 99, 100, 255, 256, 4096, 1 << 62, .max] as [UInt64])
    func numbers(_ number: UInt64) {
        var decimal: [UInt8] = []
        var hex: [UInt8] = []
        decimal.appendDecimal(number)
        hex.append(addingCapacity: 16) { (out: inout OutputSpan<UInt8>) in out.appendHex(number) }
        #expect(text(decimal) == String(number))
        let digits = String(number, radix: 16)
        #expect(text(hex) == String(repeating: "0", count: 16 - digits.count) + digits)
    }

    @Test(
        "the room made for a head is enough when everything that can be written is",
        arguments: 0..<300)
    func room(length: Int) {
        // Long and short pieces, since an allocation rounds its room up and hides a few bytes.
        let filling = String(repeating: "f", count: length)
        var policy = ForwardingPolicy()
        policy.forwarded = .append
        policy.addsRequestID = true
        policy.via = "v" + filling
        var forwarding = Forwarding(policy: policy, scheme: "https", port: 65_535)
        forwarding.setClient(isTrusted: true) {
            $0.append(contentsOf: bytes("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
        }
        var edits = FieldEdits()
        edits.set("Host", "edited" + filling)
        edits.set("X-Set", filling)
        edits.add("X-Add", filling)
        for request in [
            "GET /old/\(filling)?q HTTP/1.1\r\nHost: h\(filling):65535\r\nMax-Forwards: 9\r\n"
                + "X-Forwarded-For: \(filling)\r\nX-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\n"
                + "Connection: upgrade\r\nUpgrade: u\(filling)\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999999999\r\n\r\n",
        ] {
            let parsed = ParsedRequest(request)
            guard case .complete = parsed.outcome else {
                Issue.record("\(parsed.outcome)")
                return
            }
            var out: [UInt8] = []
            parsed.head.write(
                from: parsed.input.span, forwarding: forwarding,
                requestID: RequestID(high: .max, low: .max), maxForwards: .max,
                rewrite: PathRewrite(dropping: 1, prefix: bytes("/new" + filling)), edits: edits,
                passingUpgrade: true, into: &out)
            #expect(text(out).hasSuffix("\r\n\r\n"))
        }
    }
}
