// Goal: every way in which a request can end is told once, as what it was, and never while `send`
// runs. Method: a scripted peer on a loopback socket that sends exactly the bytes of each case, on
// a loop turned by the test.

import Endpoints
import Events
import HTTP1
import HTTPClient
import Testing

/// A server that collects what it is sent and answers with a script.
private final class ScriptedPeer: Channel {
    /// What to do with a connection once the end of a request's head was received.
    enum Answer {
        case bytes([UInt8], thenClose: Bool)
        /// One byte per turn of the loop.
        case byteByByte([UInt8])
        case reset
        case silence
    }

    let answer: Answer
    let endpoint: Endpoint
    fileprivate(set) var received: [UInt8] = []
    private var connections: [Connection] = []

    init(_ answer: Answer, on loop: EventLoop) throws {
        self.answer = answer
        let descriptor = try Socket.listen(on: Endpoint(.loopback, 0))
        endpoint = try #require(descriptor.localEndpoint)
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        while case .connection(let descriptor, _) = descriptor.accept() {
            let connection = Connection(descriptor, peer: self)
            connections.append(connection)
            connection.startReading()
        }
    }

    override func close() {
        connections.forEach { $0.close() }
        connections = []
        super.close()
    }

    private final class Connection: Channel {
        private let peer: ScriptedPeer
        private var remaining: [UInt8] = []

        init(_ descriptor: Descriptor, peer: ScriptedPeer) {
            self.peer = peer
            super.init(descriptor, on: peer.loop)
        }

        override func onReadable() {
            let buffer = ReceiveBuffer(capacity: 4096)
            guard case .bytes(let count) = descriptor.receive(into: buffer) else {
                return stopReading()
            }
            buffer.withBytes(count) { peer.received.append($0) }
            guard String(decoding: peer.received, as: UTF8.self).contains("\r\n\r\n") else {
                return
            }
            switch peer.answer {
            case .bytes(let bytes, let thenClose):
                if !bytes.isEmpty { _ = descriptor.send(bytes.span) }
                if thenClose { close() }
            case .byteByByte(let bytes):
                remaining = bytes
                awaitWrite()
            case .reset:
                descriptor.resetOnClose()
                close()
            case .silence: break
            }
        }

        override func onWritable() {
            guard let byte = remaining.first else { return stopAwaitingWrite() }
            _ = descriptor.send([byte].span)
            remaining.removeFirst()
        }
    }
}

@Suite struct HTTPClientTests {
    private let loop = EventLoop()

    private func turn(until condition: () -> Bool) {
        for _ in 0..<5000 where !condition() { loop.runOnce(waiting: true) }
    }

    /// Sends a request to a peer that answers so, and waits for its outcome.
    private func outcome(
        of answer: ScriptedPeer.Answer, deadline: Duration = .seconds(10),
        wish: HTTPClient.BodyWish = .upTo(64),
        _ change: (inout HTTPClient.Request) -> Void = { _ in }
    ) throws -> (HTTPClient.Outcome, request: String) {
        let peer = try ScriptedPeer(answer, on: loop)
        defer { peer.close() }
        var request = HTTPClient.Request(
            "/health", from: peer.endpoint, host: "web.test", deadline: deadline,
            responseBody: wish)
        change(&request)
        var outcomes: [HTTPClient.Outcome] = []
        let client = HTTPClient(on: loop)
        let exchange = client.send(request) { outcomes.append($0) }
        #expect(outcomes.isEmpty, "the completion was called while send ran")
        turn { !outcomes.isEmpty }
        #expect(!exchange.isUnderWay)
        for _ in 0..<3 { loop.runOnce() }
        #expect(outcomes.count == 1)
        return (try #require(outcomes.first), String(decoding: peer.received, as: UTF8.self))
    }

    private func failure(
        of answer: ScriptedPeer.Answer, wish: HTTPClient.BodyWish = .upTo(64)
    ) throws -> HTTPClient.Failure? {
        guard case .failed(let failure) = try outcome(of: answer, wish: wish).0 else { return nil }
        return failure
    }

    private func response(
        _ text: String, bytewise: Bool = false, thenClose: Bool = false,
        wish: HTTPClient.BodyWish = .upTo(64),
        _ change: (inout HTTPClient.Request) -> Void = { _ in }
    ) throws -> HTTPClient.Response? {
        let bytes = Array(text.utf8)
        let answer: ScriptedPeer.Answer =
            bytewise ? .byteByByte(bytes) : .bytes(bytes, thenClose: thenClose)
        guard case .response(let response) = try outcome(of: answer, wish: wish, change).0 else {
            return nil
        }
        return response
    }

    // MARK: Responses

    @Test(
        "a response is read by its framing, whole or byte by byte",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ], [false, true])
    func framings(text: String, bytewise: Bool) throws {
        let response = try response(text, bytewise: bytewise)
        #expect(response?.status == 200)
        #expect(response.map { String(decoding: $0.body, as: UTF8.self) } == "hello")
    }

    @Test("a body that ends with the connection is complete then")
    func untilClose() throws {
        let response = try response("HTTP/1.0 200 OK\r\nX-Index: 7\r\n\r\nhello", thenClose: true)
        #expect(response.map { String(decoding: $0.body, as: UTF8.self) } == "hello")
        #expect(response?.field("x-index") == "7")
        #expect(response?.field("x-other") == nil)
    }

    @Test("an ignored body is not awaited")
    func ignored() throws {
        let text = "HTTP/1.1 503 No\r\nContent-Length: 1000000\r\n\r\nhe"
        let response = try response(text, wish: .ignored)
        #expect(response?.status == 503)
        #expect(response?.body.isEmpty == true)
    }

    @Test(
        "of a body that is wanted in part no more is waited for",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello", "hell"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n9\r\nllo", "hell"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", "hell"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhe", "he"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ], [false, true])
    func firstBytes(answer: (text: String, body: String), bytewise: Bool) throws {
        let response = try response(answer.text, bytewise: bytewise, wish: .first(4))
        #expect(response.map { String(decoding: $0.body, as: UTF8.self) } == answer.body)
    }

    @Test("a body that breaks off before what is wanted of it is no response")
    func firstBytesMissing() throws {
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"
        #expect(
            try failure(of: .bytes(Array(cut.utf8), thenClose: true), wish: .first(4))
                == .closedEarly(.receiving))
        let odd = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n"
        #expect(
            try failure(of: .bytes(Array(odd.utf8), thenClose: false), wish: .first(4))
                == .malformedBody(.invalidChunkSize))
    }

    @Test("the answer to HEAD has no body, whatever its length says")
    func head() throws {
        let response = try response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") {
            $0.method = .head
        }
        #expect(response?.status == 200)
    }

    @Test("a body of exactly the limit is accepted")
    func limit() throws {
        let body = String(repeating: "x", count: 64)
        #expect(
            try response("HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n\(body)")?.body.count == 64)
    }

    // MARK: What is sent

    @Test("the request is what was asked for, and nothing else")
    func requestText() throws {
        let answer = ScriptedPeer.Answer.bytes(
            Array("HTTP/1.1 204 N\r\n\r\n".utf8), thenClose: false)
        #expect(
            try outcome(of: answer).request
                == "GET /health HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n")
        let posted = try outcome(of: answer) {
            $0.method = .post
            $0.body = Array("ab".utf8)
            $0.fields = [("X-Token", "secret")]
        }
        let expected =
            "POST /health HTTP/1.1\r\nHost: web.test\r\nX-Token: secret\r\nContent-Length: 2\r\n"
            + "Connection: close\r\n\r\nab"
        #expect(posted.request == expected)
    }

    @Test(
        "a request that could be read as two is never sent",
        arguments: [
            ("/a b", "web", "X-A", "1"), ("/a\r\nX: y", "web", "X-A", "1"),
            ("a", "web", "X-A", "1"),
            ("/a#b", "web", "X-A", "1"), ("/", "", "X-A", "1"), ("/", "web\r\nX: y", "X-A", "1"),
            ("/", "web", "X A", "1"), ("/", "web", "", "1"), ("/", "web", "X-A", "1\r\nX: y"),
            ("/", "web", "Content-Length", "1"), ("/", "web", "HOST", "1"),
        ])
    func unsendable(path: String, host: String, name: String, value: String) throws {
        let (outcome, request) = try outcome(of: .silence) {
            $0.path = path
            $0.host = host
            $0.fields = [(name, value)]
        }
        guard case .failed(.unsendable(let reason)) = outcome else {
            Issue.record("sent: \(request)")
            return
        }
        #expect(!reason.isEmpty)
        #expect(request.isEmpty)
    }

    // MARK: Failures

    @Test("a closed port is a refused connection")
    func refused() throws {
        let descriptor = try Socket.listen(on: Endpoint(.loopback, 0))
        let endpoint = try #require(descriptor.localEndpoint)
        descriptor.close()
        var failure: HTTPClient.Failure?
        HTTPClient(on: loop).send(
            .init("/", from: endpoint, deadline: .seconds(10), responseBody: .ignored)
        ) {
            if case .failed(let reason) = $0 { failure = reason }
        }
        #expect(failure == nil)
        turn { failure != nil }
        #expect(failure == .connect(.connectionRefused))
        #expect(failure?.description == "no connection: Connection refused")
    }

    @Test(
        "each way of answering badly is told apart",
        arguments: [
            (
                "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
                HTTPClient.Failure.malformedHead(.bareLineFeed)
            ),
            ("SSH-2.0-OpenSSH_9.2\r\n", .malformedHead(.invalidStatusLine)),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
                .malformedBody(.invalidChunkSize)
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n", .bodyTooLarge(limit: 64)),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n"
                    + String(repeating: "x", count: 65), .bodyTooLarge(limit: 64)
            ),
            (String(repeating: "HTTP/1.1 103 E\r\n\r\n", count: 9), .tooManyInterim),
        ])
    func malformed(text: String, expected: HTTPClient.Failure) throws {
        #expect(try failure(of: .bytes(Array(text.utf8), thenClose: false)) == expected)
    }

    @Test(
        "a connection closed too early is no response",
        arguments: [
            ("", HTTPClient.Phase.waiting), ("HTTP/1.1 200 OK\r\nContent-Le", .waiting),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", .receiving),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", .receiving),
        ])
    func closedEarly(text: String, phase: HTTPClient.Phase) throws {
        let failure = try failure(of: .bytes(Array(text.utf8), thenClose: true))
        #expect(failure == .closedEarly(phase))
    }

    @Test("a reset is a broken connection")
    func reset() throws {
        #expect(try failure(of: .reset) == .broken(.connectionReset, .waiting))
    }

    @Test(
        "the deadline covers every phase",
        arguments: [
            ("", HTTPClient.Phase.waiting),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", .receiving),
        ])
    func timeout(text: String, phase: HTTPClient.Phase) throws {
        let (outcome, _) = try outcome(
            of: .bytes(Array(text.utf8), thenClose: false), deadline: .milliseconds(100))
        guard case .failed(let failure) = outcome else {
            Issue.record("a response came")
            return
        }
        #expect(failure == .timeout(phase))
    }

    @Test("a cancelled exchange completes nothing, and a completion may send the next")
    func cancelAndChain() throws {
        let answer = Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)
        let peer = try ScriptedPeer(.bytes(answer, thenClose: true), on: loop)
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        let request = HTTPClient.Request(
            "/", from: peer.endpoint, deadline: .seconds(10), responseBody: .ignored)
        var cancelledHeard = false
        var last: HTTPClient.Outcome?
        let cancelled = client.send(request) { _ in cancelledHeard = true }
        client.send(request) { _ in
            client.send(request) { last = $0 }
        }
        cancelled.cancel()
        cancelled.cancel()
        #expect(!cancelled.isUnderWay)
        turn { last != nil }
        #expect(!cancelledHeard)
        guard case .response(let response) = last else {
            Issue.record("no response to the second request")
            return
        }
        #expect(response.status == 204)
    }
}
