// Goal: the server answers what clients send, in order, and bounds what they may send and for how
// long. Method: raw bytes over loopback sockets, whole and byte by byte, on a loop turned by the
// test.

import Endpoints
import Events
import HTTP1
import HTTPServer
import Testing
import WallClock

/// A client that sends raw bytes and keeps what comes back.
final class RawClient: Channel {
    private(set) var received: [UInt8] = []
    /// The server has closed its side, or the connection broke.
    private(set) var hasEnded = false
    private let buffer = ReceiveBuffer(capacity: 4096)
    private var toSend: [UInt8]
    private let isBytewise: Bool

    init(_ text: String, bytewise: Bool = false, to endpoint: Endpoint, on loop: EventLoop) throws {
        toSend = Array(text.utf8)
        isBytewise = bytewise
        super.init(try Socket.connectStream(to: endpoint), on: loop)
        awaitWrite()
        startReading()
    }

    var text: String { String(decoding: received, as: UTF8.self) }

    func send(_ text: String) {
        toSend += Array(text.utf8)
        awaitWrite()
    }

    override func onWritable() {
        guard !toSend.isEmpty else { return stopAwaitingWrite() }
        let end = isBytewise ? 1 : toSend.count
        switch descriptor.send(toSend.span.extracting(0..<end)) {
        case .bytes(let count): toSend.removeFirst(count)
        case .wouldBlock: break
        case .failed, .endOfStream: toSend = []
        }
    }

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count): buffer.withBytes(count) { received.append($0) }
        case .wouldBlock: break
        case .endOfStream, .failed:
            hasEnded = true
            stopReading()
        }
    }
}

@Suite struct HTTPServerTests {
    private let loop = EventLoop()

    private func turn(until condition: () -> Bool) {
        for _ in 0..<20_000 where !condition() { loop.runOnce(waiting: true) }
        #expect(condition())
    }

    /// Answers with what it was asked: method, path, query, host and body.
    private static func echo(_ request: HTTPServerRequest) -> HTTPServerResponse {
        HTTPServerResponse(
            status: 200,
            text: "\(request.method) \(request.path) \(request.query ?? "-") \(request.host) "
                + String(decoding: request.body, as: UTF8.self))
    }

    private func server(
        _ change: (inout HTTPServerOptions) -> Void = { _ in },
        _ answer: @escaping (HTTPServerRequest) -> HTTPServerResponse = Self.echo
    ) throws -> HTTPServer {
        var options = HTTPServerOptions()
        options.lingerTimeout = .milliseconds(100)
        change(&options)
        return try HTTPServer(
            on: Endpoint(.loopback, 0), loop: loop, options: options, answering: answer)
    }

    @Test(
        "a client that reads late gets all of an answer, kept connection or not",
        arguments: [true, false])
    func lateReader(isKept: Bool) throws {
        let total = 12 << 20
        let server = try server {
            $0.responseTimeout = .milliseconds(1_400)
        } _: { _ in
            HTTPServerResponse(status: 200, text: String(repeating: "x", count: total))
        }
        let field = isKept ? "" : "Connection: close\r\n"
        let client = try RawClient(
            "GET / HTTP/1.1\r\nHost: h\r\n\(field)\r\n", to: server.endpoint, on: loop)
        // It reads a little now and then, for longer than it may take nothing.
        turn { !client.received.isEmpty }
        for _ in 0..<8 {
            client.stopReading()
            let end = loop.nowNanoseconds + 200_000_000
            while loop.nowNanoseconds < end { loop.runOnce() }
            client.startReading()
            let before = client.received.count
            turn { client.received.count > before + 100_000 || client.hasEnded }
        }
        turn { client.received.count > total || client.hasEnded }
        #expect(client.received.count > total)
        client.close()
        turn { server.connectionCount == 0 }
        server.close()
    }

    /// What the server answers to `text` until it closes the connection.
    private func answer(
        to text: String, bytewise: Bool = false,
        _ change: (inout HTTPServerOptions) -> Void = { _ in }
    ) throws -> String {
        let server = try server(change)
        let client = try RawClient(text, bytewise: bytewise, to: server.endpoint, on: loop)
        turn { client.hasEnded }
        client.close()
        turn { server.connectionCount == 0 }
        server.close()
        return client.text
    }

    private func bodies(_ text: String) -> [String] {
        text.components(of: "\r\n\r\n").dropFirst().map { $0.components(of: "\n")[0] }
    }

    // MARK: Requests and responses

    @Test(
        "requests are understood, whole or byte by byte",
        arguments: [
            ("GET /a?b=c?d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "get /a b=c?d h "),
            ("GET http://o:1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "get / - o:1 "),
            ("GET / HTTP/1.0\r\n\r\n", "get / -  "),
            (
                "POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "
                    + "5\r\n\r\nhello",
                "post /p - h hello"
            ),
            (
                "PUT /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: "
                    + "chunked\r\n\r\n"
                    + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "put /p - h hello"
            ),
        ], [false, true])
    func understands(example: (text: String, echoed: String), bytewise: Bool) throws {
        let answer = try answer(to: example.text, bytewise: bytewise)
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(answer.contains("\r\nDate: "))
        #expect(bodies(answer) == [example.echoed])
    }

    @Test("pipelined requests are answered in order, more of them than one turn takes")
    func pipelining() throws {
        let count = 11
        let requests = (1...count).map { number in
            let close = number == count ? "Connection: close\r\n" : ""
            return "POST /\(number) HTTP/1.1\r\nHost: h\r\n\(close)Content-Length: 1\r\n\r\nx"
        }
        let answer = try answer(to: requests.joined())
        #expect(bodies(answer) == (1...count).map { "post /\($0) - h x" })
    }

    @Test("a connection is kept between requests, for HTTP/1.0 when asked")
    func keepAlive() throws {
        let server = try server()
        let client = try RawClient(
            "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", to: server.endpoint, on: loop)
        turn { client.text.contains("get /1") }
        #expect(client.text.contains("\r\nConnection: keep-alive\r\n"))
        client.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        turn { client.text.contains("get /2") }
        #expect(!client.hasEnded)
        client.close()
        turn { server.connectionCount == 0 }
        server.close()
    }

    @Test("the answer to HEAD is the head alone")
    func head() throws {
        let answer = try answer(to: "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(answer.contains("\r\nContent-Length: 12\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n"))
    }

    @Test("a client that expects a 100 gets it before the answer")
    func expectContinue() throws {
        let server = try server()
        let client = try RawClient(
            "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
            to: server.endpoint, on: loop)
        turn { client.text == "HTTP/1.1 100 Continue\r\n\r\n" }
        client.send("ok")
        turn { client.text.contains("post / - h ok") }
        client.close()
        server.close()
    }

    @Test("a request's fields are found by name, and a response's cannot be split")
    func fields() throws {
        let server = try server { _ in
        } _: { request in
            HTTPServerResponse(
                status: 200, text: request.field("x-b") ?? "none",
                fields: [("X-Echo", "1\r\nX-Evil: 2")])
        }
        let client = try RawClient(
            "GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-B:  two \r\n\r\n", to: server.endpoint,
            on: loop)
        turn { client.text.hasSuffix("two\n") }
        #expect(client.text.contains("\r\nX-Echo: 1  X-Evil: 2\r\n"))
        client.close()
        server.close()
    }

    // MARK: Later answers

    @Test("an answer may come later, and holds the next request back")
    func later() throws {
        var replies: [HTTPServerReply] = []
        let server = try HTTPServer(on: Endpoint(.loopback, 0), loop: loop) { _, reply in
            replies.append(reply)
        }
        let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        let client = try RawClient(get + get, to: server.endpoint, on: loop)
        turn { replies.count == 1 }
        for _ in 0..<5 { loop.runOnce() }
        #expect(replies.count == 1)
        #expect(client.received.isEmpty)
        replies[0].send(HTTPServerResponse(status: 200, text: "one"))
        replies[0].send(HTTPServerResponse(status: 200, text: "again"))
        turn { replies.count == 2 }
        // One that is released is a 500, not silence.
        replies.removeLast()
        turn { client.text.contains("500 Internal Server Error") }
        #expect(!client.text.contains("again"))
        client.close()
        turn { server.connectionCount == 0 }
        replies[0].send(HTTPServerResponse(status: 200, text: "nobody is there"))
        server.close()
    }

    // MARK: Refusals

    @Test(
        "what is no request is refused, and the connection closed",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400), ("GET /\nHost: h\n\n", 400),
            ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505), ("\u{16}\u{3}\u{1}", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 413),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n"
                    + String(repeating: "x", count: 65537), 413
            ),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("GET /" + String(repeating: "x", count: 5000) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "x", count: 9000), 431),
        ])
    func refuses(text: String, status: Int) throws {
        let answer = try answer(to: text + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(!answer.contains("smuggled"))
    }

    @Test(
        "a request that does not come to its end in time gets 408",
        arguments: ["GET / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel"])
    func slow(text: String) throws {
        let answer = try answer(to: text) { $0.requestTimeout = .milliseconds(50) }
        #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
    }

    @Test("a connection that sends nothing is closed without a word")
    func idle() throws {
        #expect(try answer(to: "") { $0.idleTimeout = .milliseconds(50) } == "")
    }

    @Test("a client that does not read its response is cut off")
    func slowReader() throws {
        let large = [UInt8](repeating: 0x78, count: 32 << 20)
        let server = try server {
            $0.responseTimeout = .milliseconds(50)
        } _: { _ in
            HTTPServerResponse(status: 200, body: large)
        }
        let client = try RawClient("", to: server.endpoint, on: loop)
        client.stopReading()
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        turn { server.connectionCount == 1 }
        turn { server.connectionCount == 0 }
        client.close()
        server.close()
    }

    @Test("a client that goes away early leaves nothing behind")
    func earlyClose() throws {
        let server = try server()
        for text in ["", "GET /", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"] {
            let client = try RawClient(text, to: server.endpoint, on: loop)
            turn { server.connectionCount == 1 }
            loop.runOnce(waiting: true)
            client.close()
            turn { server.connectionCount == 0 }
        }
        server.close()
    }

    // MARK: Connections

    @Test("beyond the limit the connection that idles longest makes room")
    func limit() throws {
        let server = try server { $0.connectionsMax = 2 }
        let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        var clients: [RawClient] = []
        for _ in 0..<3 {
            let client = try RawClient(get, to: server.endpoint, on: loop)
            turn { client.text.contains("get / - h") }
            clients.append(client)
        }
        turn { clients[0].hasEnded }
        #expect(!clients[1].hasEnded && !clients[2].hasEnded)
        #expect(server.connectionCount == 2)
        clients.forEach { $0.close() }
        server.close()
    }

    @Test("beyond the limit a newcomer is turned away when all others are busy")
    func busy() throws {
        var replies: [HTTPServerReply] = []
        var options = HTTPServerOptions()
        options.connectionsMax = 1
        let server = try HTTPServer(
            on: Endpoint(.loopback, 0), loop: loop, options: options
        ) { _, reply in replies.append(reply) }
        let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        let first = try RawClient(get, to: server.endpoint, on: loop)
        turn { replies.count == 1 }
        let second = try RawClient(get, to: server.endpoint, on: loop)
        turn { second.hasEnded }
        #expect(second.received.isEmpty)
        replies[0].send(HTTPServerResponse(status: 200, text: "one"))
        turn { first.text.contains("one") }
        first.close()
        second.close()
        server.close()
    }

    @Test(
        "beyond the limit the oldest request that is not complete makes room",
        arguments: ["GET / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n1"])
    func incomplete(half: String) throws {
        let server = try server { $0.connectionsMax = 2 }
        let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        var halves: [RawClient] = []
        for count in 1...2 {
            halves.append(try RawClient(half, to: server.endpoint, on: loop))
            turn { server.connectionCount == count }
        }
        // Each has sent its half by now, or is idle, which makes room as well.
        let whole = try RawClient(get, to: server.endpoint, on: loop)
        turn { whole.text.contains("get / - h") }
        turn { halves.contains(where: \.hasEnded) }
        #expect(halves.count(where: \.hasEnded) == 1)
        #expect(server.connectionCount == 2)
        (halves + [whole]).forEach { $0.close() }
        server.close()
    }

    @Test("when all are busy, what is vital is answered, and nothing else")
    func reserved() throws {
        var replies: [HTTPServerReply] = []
        var options = HTTPServerOptions()
        options.connectionsMax = 1
        options.reservedMax = 1
        options.isVital = { $0 == "/live" }
        let server = try HTTPServer(
            on: Endpoint(.loopback, 0), loop: loop, options: options
        ) { request, reply in
            guard request.path == "/live" else { return replies.append(reply) }
            reply.send(HTTPServerResponse(status: 200, text: "lives"))
        }
        let busy = try RawClient("GET / HTTP/1.1\r\nHost: h\r\n\r\n", to: server.endpoint, on: loop)
        turn { replies.count == 1 }
        let other = try RawClient(
            "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", to: server.endpoint, on: loop)
        turn { other.hasEnded }
        #expect(other.text.hasPrefix("HTTP/1.1 503 "))
        other.close()
        for _ in 0..<3 {
            let live = try RawClient(
                "GET /live HTTP/1.1\r\nHost: h\r\n\r\n", to: server.endpoint, on: loop)
            turn { live.text.contains("lives") }
            // It idles, and makes room for the next.
        }
        replies[0].send(HTTPServerResponse(status: 200, text: "one"))
        turn { busy.text.contains("one") }
        busy.close()
        server.close()
    }

    @Test("a port that is in use is an error")
    func inUse() throws {
        let server = try server()
        #expect(throws: Errno.addressInUse) {
            try HTTPServer(on: server.endpoint, loop: loop) { _, _ in }
        }
        server.close()
    }

    @Test(
        "times are written in both forms",
        arguments: [
            (0.0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399.9996, "2000-02-29T00:00:00.000Z", "Mon, 28 Feb 2000 23:59:59 GMT"),
            (1_795_385_400.123, "2026-11-22T22:10:00.123Z", "Sun, 22 Nov 2026 22:10:00 GMT"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z", "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z", "Mon, 01 Mar 2100 00:00:00 GMT"),
            (.infinity, "9999-12-31T23:59:59.000Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
            (.nan, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ])
    func times(seconds: Double, iso: String, http: String) {
        #expect(UTCTime(secondsSince1970: seconds).iso8601 == iso)
        #expect(UTCTime(secondsSince1970: seconds).httpDate == http)
    }
}

extension String {
    /// Its parts between occurrences of `separator`.
    fileprivate func components(of separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
