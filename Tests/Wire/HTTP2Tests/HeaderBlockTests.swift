// Goal: a head of HTTP/1.1 becomes a block that says the same, without what is about its
// connection.
// Method: heads as Fairlead writes them, decoded again; the bytes of one; the bound on their number
// for the lines that need most.

import HTTP1
import Random
import Testing

@testable import HTTP2

/// The block that is written, no longer than was said before.
private func block(
    of text: String, _ append: (Span<UInt8>, inout OutputSpan<UInt8>) -> Void
) -> [UInt8] {
    let text = bytes(text)
    return [UInt8](capacity: HeaderBlock.bytesMax(ofText: text.count)) { append(text.span, &$0) }
}

/// The lines of the block that is written, decoded, without line ends.
private func lines(
    of text: String, _ append: (Span<UInt8>, inout OutputSpan<UInt8>) -> Void
) -> [String] {
    var decoder = HPACKDecoder()
    let decoded = decoder.decode(block(of: text, append))
    #expect(decoded.error == nil)
    #expect(decoder.table.count == 0)
    return decoded.lines.split(separator: "\r\n").map(String.init)
}

@Suite struct HeaderBlockTests {
    @Test("a response becomes a block, byte for byte")
    func responseBytes() {
        let written = block(
            of: "HTTP/1.1 200 OK\r\nDate: now\r\nX-A: b\r\nSet-Cookie: c=d\r\n\r\n"
        ) { HeaderBlock.append(responseText: $0, into: &$1) }
        #expect(
            written == hex("88 0f12 03") + bytes("now") + literal("x-a", "b") + hex("1f28 03")
                + bytes("c=d"))
    }

    @Test("a response says what it said, without its connection")
    func response() {
        let text = """
            HTTP/1.1 200 OK\r
            Server: a\r
            CONTENT-Type: text/html; charset=utf-8\r
            X-Long-Name-Of_Somebody: \t b c \t\r
            Empty:\r
            Connection: keep-alive, x\r
            Keep-Alive: timeout=5\r
            Proxy-Connection: keep-alive\r
            Upgrade: h2c\r
            TE: gzip\r
            Transfer-Encoding: chunked\r
            set-cookie: a=b\r
            Set-Cookie: c=d\r
            \r

            """
        #expect(
            lines(of: text) { HeaderBlock.append(responseText: $0, into: &$1) } == [
                ":status: 200", "server: a", "content-type: text/html; charset=utf-8",
                "x-long-name-of_somebody: b c", "empty: ", "set-cookie: a=b", "set-cookie: c=d",
            ])
    }

    @Test("every status is said", arguments: 100...999)
    func status(_ status: Int) {
        let found = lines(of: "HTTP/1.1 \(status) \r\nA: b\r\n\r\n") {
            HeaderBlock.append(responseText: $0, into: &$1)
        }
        #expect(found == [":status: \(status)", "a: b"])
    }

    @Test("a WebSocket that is accepted is a 200, and another answer stays what it is")
    func webSocket() {
        let accepted = """
            HTTP/1.1 101 Switching Protocols\r
            Connection: upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
            Sec-WebSocket-Protocol: chat\r
            \r

            """
        func lines(_ text: String) -> [String] {
            HTTP2Tests.lines(of: text) {
                HeaderBlock.append(responseText: $0, acceptsWebSocket: true, into: &$1)
            }
        }
        #expect(lines(accepted) == [":status: 200", "sec-websocket-protocol: chat"])
        #expect(
            lines("HTTP/1.1 403 No\r\nSec-WebSocket-Accept: x\r\n\r\n") == [
                ":status: 403", "sec-websocket-accept: x",
            ])
    }

    @Test("a request becomes pseudo-header fields and fields")
    func request() {
        func lines(_ text: String, trailers: Bool = false) -> [String] {
            HTTP2Tests.lines(of: text) {
                HeaderBlock.append(
                    requestText: $0, scheme: .https, acceptsTrailers: trailers, into: &$1)
            }
        }
        #expect(
            lines("GET / HTTP/1.1\r\nHost: a.example\r\nAccept: b\r\nTE: gzip\r\n\r\n") == [
                ":method: GET", ":scheme: https", ":path: /", ":authority: a.example", "accept: b",
            ])
        #expect(
            lines(
                "POST /p.S/M?x HTTP/1.1\r\nA: b\r\nHOST: c:1\r\nTransfer-Encoding: chunked\r\n\r\n",
                trailers: true) == [
                    ":method: POST", ":scheme: https", ":path: /p.S/M?x", ":authority: c:1",
                    "a: b", "te: trailers",
                ])
        #expect(
            lines("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == [
                ":method: OPTIONS", ":scheme: https", ":path: *", ":authority: a",
            ])
        #expect(
            lines("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n") == [
                ":method: CONNECT", ":authority: a:443",
            ])
    }

    @Test("trailers become fields, with the empty line and without")
    func trailers() {
        for end in ["", "\r\n"] {
            let found = lines(of: "Grpc-Status: 0\r\nA: \r\nConnection: x\r\n" + end) {
                HeaderBlock.append(trailers: $0, into: &$1)
            }
            #expect(found == ["grpc-status: 0", "a: "])
        }
    }

    @Test("credentials are marked, so that nobody keeps them in a table")
    func credentials() {
        for name in ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"] {
            let written = block(of: "\(name): a\r\n") {
                HeaderBlock.append(trailers: $0, into: &$1)
            }
            #expect(written[0] & 0xF0 == 0x10)
        }
        let plain = block(of: "Date: a\r\n") { HeaderBlock.append(trailers: $0, into: &$1) }
        #expect(plain[0] & 0xF0 == 0)
    }

    @Test("no text needs more bytes than was said, at the lengths where a number grows")
    func bytesMax() {
        for count in [1, 126, 127, 128, 254, 255, 16_510, 16_511, 16_512, 40_000] {
            for (name, value) in [(count, 0), (count, count), (1, count), (1, 0)] {
                let line =
                    String(repeating: "n", count: name) + ":" + String(repeating: "v", count: value)
                let text = "HTTP/1.1 299 \r\n" + String(repeating: line + "\r\n", count: 5) + "\r\n"
                let found = lines(of: text) { HeaderBlock.append(responseText: $0, into: &$1) }
                #expect(found.count == 6)
                let request =
                    "GET /\(String(repeating: "p", count: value)) HTTP/1.1\r\n"
                    + "Host: \(String(repeating: "h", count: count))\r\n\(line)\r\n\r\n"
                let asked = lines(of: request) {
                    HeaderBlock.append(
                        requestText: $0, scheme: .http, acceptsTrailers: true, into: &$1)
                }
                #expect(asked.count == 6)
            }
        }
    }

    @Test("what no head should have makes no other message of it")
    func hostile() {
        let text = "HTTP/1.1 200 OK\r\nA: b\0c\r\nd\r\nE: f\r\n\r\n"
        let found = lines(of: text) { HeaderBlock.append(responseText: $0, into: &$1) }
        #expect(found == [":status: 200", "a: b"])
    }
}
