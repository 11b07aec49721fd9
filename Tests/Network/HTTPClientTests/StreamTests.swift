// Goal: a response without an end is passed on as it comes, and each way in which it ends is told
// once. Method: a server that a script writes to, at a loopback socket, on a loop that the test
// turns.

import Endpoints
import Events
import HTTP1
import HTTPClient
import Testing

/// A server with one connection, to which the test writes what it likes.
private final class ScriptedServer: Channel {
    let endpoint: Endpoint
    private(set) var connections: [Descriptor] = []

    init(on loop: EventLoop) throws {
        let descriptor = try Socket.listen(on: Endpoint(.loopback, 0))
        endpoint = try #require(descriptor.localEndpoint)
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        while case .connection(let descriptor, _) = descriptor.accept() {
            connections.append(descriptor)
        }
    }

    func write(_ text: String) {
        _ = connections.last?.send(Array(text.utf8).span)
    }

    func hangUp() {
        for connection in connections { connection.close() }
        connections = []
    }

    override func close() {
        hangUp()
        super.close()
    }
}

@Suite final class StreamTests {
    private let loop = EventLoop()
    private let server: ScriptedServer
    private let client: HTTPClient
    private var heads: [Int] = []
    private var text = ""
    private var outcomes: [HTTPClient.Outcome] = []

    init() throws {
        server = try ScriptedServer(on: loop)
        client = HTTPClient(on: loop)
    }

    deinit { server.close() }

    private func turn(until condition: () -> Bool) {
        let beat = Timer(on: loop) {}
        for _ in 0..<2000 where !condition() {
            beat.schedule(after: .milliseconds(2))
            loop.runOnce(waiting: true)
        }
    }

    @discardableResult
    private func stream(deadline: Duration = .seconds(10)) -> HTTPClientExchange {
        let request = HTTPClient.Request(
            "/events", from: server.endpoint, deadline: deadline, responseBody: .ignored)
        let exchange = client.stream(request) { [unowned self] part in
            switch part {
            case .head(let head): heads.append(head.status)
            case .bytes(let bytes): text += String(decoding: bytes, as: UTF8.self)
            }
        } completion: { [unowned self] in
            outcomes.append($0)
        }
        turn { !server.connections.isEmpty }
        return exchange
    }

    private static let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test func `the head comes first, then each part as it comes`() throws {
        stream()
        server.write(Self.head)
        turn { !heads.isEmpty }
        #expect(heads == [200])
        #expect(text.isEmpty)
        for part in ["one", "two"] {
            server.write("3\r\n\(part)\r\n")
            turn { text.hasSuffix(part) }
        }
        #expect(text == "onetwo")
        #expect(outcomes.isEmpty)
        server.write("0\r\n\r\n")
        turn { !outcomes.isEmpty }
        guard case .response(let response)? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(response.body.isEmpty)
        #expect(outcomes.count == 1)
    }

    @Test func `the deadline is for the head alone`() throws {
        stream(deadline: .milliseconds(50))
        server.write(Self.head)
        turn { !heads.isEmpty }
        let end = ContinuousClock.now + .milliseconds(120)
        turn { ContinuousClock.now >= end }
        #expect(outcomes.isEmpty)
        server.write("3\r\none\r\n")
        turn { !text.isEmpty }
        #expect(text == "one")
    }

    @Test func `a server that says nothing is given up after the deadline`() throws {
        stream(deadline: .milliseconds(50))
        turn { !outcomes.isEmpty }
        guard case .failed(.timeout(.waiting))? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(heads.isEmpty)
    }

    @Test func `a stream that is cut is told as cut`() throws {
        stream()
        server.write(Self.head + "3\r\none\r\n")
        turn { !text.isEmpty }
        server.hangUp()
        turn { !outcomes.isEmpty }
        // The second where the server left the request unread.
        switch outcomes.first {
        case .failed(.closedEarly(.receiving)), .failed(.broken(_, .receiving)): break
        default: Issue.record("\(outcomes)")
        }
    }

    @Test func `bytes before framing that is malformed are passed on`() throws {
        stream()
        server.write(Self.head + "3\r\none\r\n0x3\r\ntwo\r\n")
        turn { !outcomes.isEmpty }
        guard case .failed(.malformedBody)? = outcomes.first else {
            Issue.record("\(outcomes)")
            return
        }
        #expect(text == "one")
    }

    @Test func `whoever gets a part may cancel`() throws {
        var exchange: HTTPClientExchange?
        let request = HTTPClient.Request(
            "/events", from: server.endpoint, deadline: .seconds(10), responseBody: .ignored)
        var parts = 0
        exchange = client.stream(request) { _ in
            parts += 1
            exchange?.cancel()
        } completion: { [unowned self] in
            outcomes.append($0)
        }
        turn { !server.connections.isEmpty }
        server.write(Self.head + "3\r\none\r\n0\r\n\r\n")
        turn { parts > 0 }
        for _ in 0..<3 { loop.runOnce() }
        #expect(parts == 1)
        #expect(outcomes.isEmpty)
        #expect(exchange?.isUnderWay == false)
    }

    @Test func `a large part comes whole`() throws {
        stream()
        let body = String(repeating: "x", count: 100_000)
        server.write(Self.head)
        server.write("186a0\r\n")
        turn { heads.count == 1 }
        // The kernel takes it in pieces.
        var rest = Array(body.utf8)[...]
        while !rest.isEmpty {
            server.write(String(decoding: rest.prefix(10_000), as: UTF8.self))
            rest = rest.dropFirst(10_000)
            turn { text.utf8.count == body.utf8.count - rest.count }
        }
        #expect(text == body)
    }
}
