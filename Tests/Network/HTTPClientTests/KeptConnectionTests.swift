// Goal: a connection is used again only when it is as good as new, and a request is repeated only
// when nothing can have come of it. Method: a peer that answers by a script, per connection and
// request, on a loop turned by the test.

import Endpoints
import Events
import Glibc
import HTTP1
import HTTPClient
import TestSupport
import Testing

/// A server whose answers are told by connection and request, each counted from 0.
private final class KeepingPeer: Channel {
    enum Answer {
        case bytes(String)
        /// The connection is closed, after these bytes.
        case close(String)
        case reset
    }

    private let script: (_ connection: Int, _ request: Int) -> Answer
    private var connections: [Connection] = []
    private(set) var accepted = 0
    fileprivate(set) var requests: [String] = []

    init(
        _ descriptor: Descriptor, on loop: EventLoop,
        script: @escaping (_ connection: Int, _ request: Int) -> Answer
    ) {
        self.script = script
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        while case .connection(let descriptor, _) = descriptor.accept() {
            let connection = Connection(descriptor, number: accepted, of: self)
            accepted += 1
            connections.append(connection)
            connection.startReading()
        }
    }

    var openCount: Int { connections.filter { $0.isOpen }.count }

    func closeConnections() {
        for connection in connections { connection.close() }
    }

    override func close() {
        closeConnections()
        super.close()
    }

    private final class Connection: Channel {
        private let number: Int
        private let peer: KeepingPeer
        private var count = 0

        init(_ descriptor: Descriptor, number: Int, of peer: KeepingPeer) {
            self.number = number
            self.peer = peer
            super.init(descriptor, on: peer.loop)
        }

        override func onReadable() {
            let buffer = ReceiveBuffer(capacity: 4096)
            guard case .bytes(let length) = descriptor.receive(into: buffer) else { return close() }
            var bytes: [UInt8] = []
            buffer.withBytes(length) { bytes.append($0) }
            // Requests are small and come one at a time, so a readiness is a request.
            peer.requests.append(String(decoding: bytes, as: UTF8.self))
            defer { count += 1 }
            switch peer.script(number, count) {
            case .bytes(let text): _ = descriptor.send(Array(text.utf8).span)
            case .close(let text):
                if !text.isEmpty { _ = descriptor.send(Array(text.utf8).span) }
                close()
            case .reset:
                descriptor.resetOnClose()
                close()
            }
        }
    }
}

@Suite struct KeptConnectionTests {
    private let loop = EventLoop()
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private func turn(until condition: () -> Bool) {
        for _ in 0..<5000 where !condition() { loop.runOnce(waiting: true) }
    }

    private func peer(
        _ script: @escaping (_ connection: Int, _ request: Int) -> KeepingPeer.Answer
    ) throws -> (KeepingPeer, Target) {
        let descriptor = try Socket.listen(on: Endpoint(.loopback, 0))
        let endpoint = try #require(descriptor.localEndpoint)
        return (KeepingPeer(descriptor, on: loop, script: script), .endpoint(endpoint))
    }

    private func request(_ target: Target) -> HTTPClient.Request {
        var request = HTTPClient.Request(
            "/", from: target, deadline: .seconds(20), responseBody: .upTo(64))
        request.keepsConnection = true
        return request
    }

    private func send(
        _ request: HTTPClient.Request, with client: HTTPClient
    ) throws -> HTTPClient.Outcome {
        var outcome: HTTPClient.Outcome?
        client.send(request) { outcome = $0 }
        turn { outcome != nil }
        return try #require(outcome)
    }

    private func isOK(_ outcome: HTTPClient.Outcome) -> Bool {
        if case .response(let response) = outcome { return response.status == 200 }
        return false
    }

    private func failure(_ outcome: HTTPClient.Outcome) -> HTTPClient.Failure? {
        if case .failed(let failure) = outcome { return failure }
        return nil
    }

    @Test("requests that ask for it share a connection, and others never do")
    func shared() throws {
        let (peer, target) = try peer { _, _ in .bytes(Self.ok) }
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        for _ in 0..<3 { #expect(isOK(try send(request(target), with: client))) }
        #expect(peer.accepted == 1)
        #expect(client.idleConnectionCount == 1)
        #expect(peer.requests.allSatisfy { !$0.contains("Connection:") })
        var once = request(target)
        once.keepsConnection = false
        #expect(isOK(try send(once, with: client)))
        #expect(peer.accepted == 2)
        #expect(client.idleConnectionCount == 1)
        #expect(peer.requests.last?.contains("Connection: close\r\n") == true)
    }

    @Test("two requests at a time have a connection each, and a client that goes closes them")
    func parallel() throws {
        let (peer, target) = try peer { _, _ in .bytes(Self.ok) }
        defer { peer.close() }
        var client: HTTPClient? = HTTPClient(on: loop)
        var ended = 0
        for _ in 0..<2 { client?.send(request(target)) { _ in ended += 1 } }
        turn { ended == 2 }
        #expect(peer.accepted == 2)
        #expect(client?.idleConnectionCount == 2)
        client = nil
        turn { peer.openCount == 0 }
        #expect(peer.openCount == 0)
    }

    @Test(
        "a connection that is not as good as new is not kept",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nx",
            "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ])
    func notKept(text: String) throws {
        let (peer, target) = try peer { _, _ in .bytes(text) }
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        guard case .response = try send(request(target), with: client) else {
            Issue.record("there was no response")
            return
        }
        #expect(client.idleConnectionCount == 0)
        _ = try send(request(target), with: client)
        #expect(peer.accepted == 2)
    }

    @Test("after a chunked body, or an answer without a body, the connection is kept")
    func framings() throws {
        let texts = [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n", Self.ok,
        ]
        let (peer, target) = try peer { _, request in .bytes(texts[request]) }
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        for _ in texts { _ = try send(request(target), with: client) }
        #expect(peer.accepted == 1)
    }

    @Test("after an ignored body the connection is not kept")
    func ignored() throws {
        let (peer, target) = try peer { _, _ in .bytes(Self.ok) }
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        var ignoring = request(target)
        ignoring.responseBody = .ignored
        _ = try send(ignoring, with: client)
        #expect(client.idleConnectionCount == 0)
    }

    @Test("a GET on a kept connection that closes is sent once more, on a new one")
    func retried() throws {
        let (peer, target) = try peer { connection, request in
            connection == 0 && request == 1 ? .close("") : .bytes(Self.ok)
        }
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        #expect(isOK(try send(request(target), with: client)))
        #expect(isOK(try send(request(target), with: client)))
        #expect(peer.accepted == 2)
        #expect(peer.requests.count == 3)
    }

    @Test("a reset is retried alike, and the second try has no third")
    func onlyOnce() throws {
        let (peer, target) = try peer { connection, request in
            if connection == 0 { return request == 0 ? .bytes(Self.ok) : .reset }
            return .close("")
        }
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        #expect(isOK(try send(request(target), with: client)))
        #expect(failure(try send(request(target), with: client)) == .closedEarly(.waiting))
        #expect(peer.accepted == 2)
    }

    @Test("a request that may have had an effect is never sent twice")
    func notRetried() throws {
        let changes: [(inout HTTPClient.Request) -> Void] = [
            { $0.method = .put }, { $0.method = .post }, { $0.method = .delete },
            { $0.retriesClosedConnection = false },
        ]
        for change in changes {
            let (peer, target) = try peer { _, request in
                request == 0 ? .bytes(Self.ok) : .close("")
            }
            defer { peer.close() }
            let client = HTTPClient(on: loop)
            #expect(isOK(try send(request(target), with: client)))
            var second = request(target)
            change(&second)
            #expect(failure(try send(second, with: client)) == .closedEarly(.waiting))
            #expect(peer.requests.count == 2)
        }
    }

    @Test("a connection that closes within an answer is not tried again")
    func withinAnswer() throws {
        let (peer, target) = try peer { _, request in
            request == 0 ? .bytes(Self.ok) : .close("H")
        }
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        #expect(isOK(try send(request(target), with: client)))
        #expect(failure(try send(request(target), with: client)) == .closedEarly(.waiting))
        #expect(peer.accepted == 1)
    }

    @Test("an idle connection that its server closes is forgotten")
    func idleClosed() throws {
        let (peer, target) = try peer { _, _ in .bytes(Self.ok) }
        defer { peer.close() }
        let client = HTTPClient(on: loop)
        #expect(isOK(try send(request(target), with: client)))
        peer.closeConnections()
        turn { client.idleConnectionCount == 0 }
        #expect(client.idleConnectionCount == 0)
        #expect(isOK(try send(request(target), with: client)))
        #expect(peer.requests.count == 2)
    }

    // MARK: Unix-domain sockets, and the bound on connecting

    @Test("a Unix-domain socket is connected to by its path, and kept like any other")
    func unix() throws {
        let path = "/tmp/fairlead-client-\(UInt32.random(in: 0 ... .max)).sock"
        let peer = KeepingPeer(try listenAtUnixPath(path), on: loop) { _, _ in .bytes(Self.ok) }
        defer {
            peer.close()
            unsafe unlink(path)
        }
        let client = HTTPClient(on: loop)
        for _ in 0..<2 { #expect(isOK(try send(request(.unix(path)), with: client))) }
        #expect(peer.accepted == 1)
        #expect(peer.requests.first?.contains("Host: localhost\r\n") == true)
        #expect(
            failure(try send(request(.unix(path + ".none")), with: client))?.description
                == "no connection: No such file or directory")
    }

    @Test("a socket without a listener refuses, and a path that is too long is reported")
    func unixFailures() throws {
        let path = "/tmp/fairlead-client-\(UInt32.random(in: 0 ... .max)).sock"
        try listenAtUnixPath(path).close()
        defer { unsafe unlink(path) }
        let client = HTTPClient(on: loop)
        #expect(
            failure(try send(request(.unix(path)), with: client)) == .connect(.connectionRefused))
        let long = "/" + String(repeating: "a", count: 107)
        guard case .unsendable(let reason) = failure(try send(request(.unix(long)), with: client))
        else {
            Issue.record("it was sent")
            return
        }
        #expect(reason == "the socket's path has 108 bytes, at most 107 are possible")
        #expect(throws: Errno.self) { try Socket.connectStream(toPath: long) }
        #expect(throws: Errno.self) { try Socket.connectStream(toPath: "") }
    }

    @Test("a connection that is not established fails by its own time limit")
    func connectDeadline() throws {
        // A listener whose queue is full drops what knocks: nothing comes, not even a refusal.
        let descriptor = try Socket.listen(on: Endpoint(.loopback, 0), backlog: 0)
        defer { descriptor.close() }
        let target = Target.endpoint(try #require(descriptor.localEndpoint))
        let knocking = try (0..<4).map { _ in try Socket.connectStream(to: target) }
        defer { for each in knocking { each.close() } }
        var bounded = request(target)
        bounded.connectDeadline = .milliseconds(100)
        bounded.deadline = .seconds(600)
        let outcome = try send(bounded, with: HTTPClient(on: loop))
        #expect(failure(outcome) == .timeout(.connecting))
    }

    @Test("the bound on connecting does not end a request that is connected")
    func connectDeadlineIsOver() throws {
        let (peer, target) = try peer { _, _ in .bytes("") }
        defer { peer.close() }
        var bounded = request(target)
        bounded.connectDeadline = .milliseconds(200)
        bounded.deadline = .milliseconds(600)
        let outcome = try send(bounded, with: HTTPClient(on: loop))
        #expect(failure(outcome) == .timeout(.waiting))
        #expect(peer.requests.count == 1)
    }
}
