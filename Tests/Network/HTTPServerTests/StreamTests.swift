// Goal: a response that goes on reaches its client piece by piece, costs a bounded amount of memory
// whatever the client does, and its owner hears of the end once. Method: raw bytes over loopback
// sockets on a loop turned by the test; clients that read, stop reading, and leave.

import Endpoints
import Events
import HTTPServer
import Testing

@Suite struct StreamTests {
    private let loop = EventLoop()
    private static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    private func turn(until condition: () -> Bool) {
        for _ in 0..<20_000 where !condition() { loop.runOnce(waiting: true) }
        #expect(condition())
    }

    /// What a handler was given, and what came of it.
    private final class Stage {
        var streams: [HTTPServerStream] = []
        var replies: [HTTPServerReply] = []
        var closed = 0
    }

    /// A server whose every answer is a stream that begins with `first`.
    private func server(
        _ stage: Stage, first: String = "first;",
        _ change: (inout HTTPServerOptions) -> Void = { _ in }
    ) throws -> HTTPServer {
        var options = HTTPServerOptions()
        change(&options)
        return try HTTPServer(on: Endpoint(.loopback, 0), loop: loop, options: options) {
            _, reply in
            let head = HTTPServerResponse(
                status: 200, contentType: "text/event-stream", body: Array(first.utf8))
            guard let stream = reply.stream(head) else { return }
            stream.onClose = { stage.closed += 1 }
            stage.streams.append(stream)
        }
    }

    @Test("pieces come in chunks, and the last one says that it was all")
    func chunks() throws {
        let stage = Stage()
        let server = try server(stage)
        let client = try RawClient(Self.get, to: server.endpoint, on: loop)
        turn { client.text.contains("6\r\nfirst;\r\n") }
        #expect(client.text.contains("\r\nTransfer-Encoding: chunked\r\n"))
        #expect(client.text.contains("\r\nConnection: close\r\n"))
        stage.streams[0].send(Array("second".utf8))
        turn { client.text.hasSuffix("6\r\nsecond\r\n") }
        #expect(!client.hasEnded)
        stage.streams[0].finish()
        #expect(!stage.streams[0].isOpen)
        stage.streams[0].send(Array("too late".utf8))
        turn { client.hasEnded }
        #expect(client.text.hasSuffix("\r\n0\r\n\r\n"))
        #expect(stage.closed == 0, "whoever ends a stream need not be told")
        client.close()
        turn { server.connectionCount == 0 }
        server.close()
    }

    @Test("a client of HTTP/1.0 gets the pieces as they are, up to the end of the connection")
    func oldClient() throws {
        let stage = Stage()
        let server = try server(stage)
        let client = try RawClient("GET / HTTP/1.0\r\n\r\n", to: server.endpoint, on: loop)
        turn { client.text.hasSuffix("\r\n\r\nfirst;") }
        stage.streams[0].send(Array("second".utf8))
        stage.streams[0].finish()
        turn { client.hasEnded }
        #expect(client.text.hasSuffix("\r\n\r\nfirst;second"))
        client.close()
        server.close()
    }

    @Test("a client that asks for the head alone gets it, and no stream")
    func head() throws {
        let stage = Stage()
        let server = try server(stage)
        let client = try RawClient(
            "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", to: server.endpoint, on: loop
        )
        turn { client.hasEnded }
        #expect(client.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(!client.text.contains("first"))
        #expect(stage.streams.isEmpty)
        client.close()
        server.close()
    }

    @Test("a client that goes away ends its stream, once")
    func leaving() throws {
        let stage = Stage()
        let server = try server(stage)
        let client = try RawClient(Self.get, to: server.endpoint, on: loop)
        turn { stage.streams.count == 1 && client.text.contains("first") }
        client.close()
        turn { stage.closed == 1 }
        #expect(!stage.streams[0].isOpen)
        stage.streams[0].send([1])
        stage.streams[0].finish()
        #expect(stage.closed == 1)
        #expect(server.connectionCount == 0)
        server.close()
    }

    @Test("a client that reads too slowly is cut off as soon as its queue is full")
    func slowReader() throws {
        let stage = Stage()
        let server = try server(stage) { $0.streamBytesMax = 100_000 }
        let client = try RawClient(Self.get, to: server.endpoint, on: loop)
        turn { stage.streams.count == 1 }
        client.stopReading()
        let piece = [UInt8](repeating: 0x78, count: 30_000)
        var most = 0
        // What the kernel takes comes on top of the queue: a few megabytes at most.
        for _ in 0..<10_000 where stage.closed == 0 {
            stage.streams[0].send(piece)
            most = max(most, stage.streams[0].queuedBytes)
        }
        #expect(stage.closed == 1)
        #expect(most <= 100_000 + 100)
        #expect(server.connectionCount == 0)
        client.close()
        server.close()
    }

    @Test("a client that takes nothing for too long is cut off, however little waits for it")
    func stall() throws {
        let stage = Stage()
        let server = try server(stage) {
            $0.streamBytesMax = 64 << 20
            $0.streamStallTimeout = .milliseconds(50)
        }
        let client = try RawClient(Self.get, to: server.endpoint, on: loop)
        turn { stage.streams.count == 1 }
        client.stopReading()
        let piece = [UInt8](repeating: 0x78, count: 1 << 20)
        for _ in 0..<60 where stage.streams[0].queuedBytes == 0 { stage.streams[0].send(piece) }
        #expect(stage.streams[0].queuedBytes > 0)
        turn { stage.closed == 1 }
        client.close()
        server.close()
    }

    @Test("a stream with nothing to send has no deadline")
    func quiet() throws {
        let stage = Stage()
        let server = try server(stage) {
            $0.streamStallTimeout = .milliseconds(20)
            $0.responseTimeout = .milliseconds(20)
            $0.idleTimeout = .milliseconds(20)
        }
        let client = try RawClient(Self.get, to: server.endpoint, on: loop)
        turn { client.text.contains("first") }
        var isOver = false
        let timer = Timer(on: loop) { isOver = true }
        timer.schedule(after: .milliseconds(400))
        turn { isOver }
        #expect(stage.closed == 0)
        client.close()
        turn { stage.closed == 1 }
        server.close()
    }

    @Test("a client that talks into its own stream is ignored, and cut off when it does not stop")
    func talker() throws {
        let stage = Stage()
        let server = try server(stage)
        let client = try RawClient(Self.get + Self.get, to: server.endpoint, on: loop)
        turn { client.text.contains("first") }
        client.send(Self.get)
        for _ in 0..<20 { loop.runOnce() }
        #expect(stage.streams.count == 1)
        #expect(stage.closed == 0)
        client.send(String(repeating: "x", count: 40_000))
        turn { stage.closed == 1 }
        client.close()
        server.close()
    }

    @Test("a server that drains ends its streams properly, one that closes cuts them off")
    func stopping() throws {
        for drains in [true, false] {
            let stage = Stage()
            let server = try server(stage)
            let client = try RawClient(Self.get, to: server.endpoint, on: loop)
            turn { client.text.contains("first") }
            if drains { server.drain() } else { server.close() }
            turn { client.hasEnded }
            #expect(client.text.hasSuffix("\r\n0\r\n\r\n") == drains)
            #expect(stage.closed == 1)
            client.close()
            turn { server.connectionCount == 0 }
        }
    }

    @Test("a handler that keeps a client waiting hears when it leaves, and not when it is answered")
    func waiting() throws {
        let stage = Stage()
        let server = try HTTPServer(on: Endpoint(.loopback, 0), loop: loop) { _, reply in
            reply.onClose = { stage.closed += 1 }
            stage.replies.append(reply)
        }
        let leaver = try RawClient(Self.get, to: server.endpoint, on: loop)
        let stayer = try RawClient(Self.get, to: server.endpoint, on: loop)
        turn { stage.replies.count == 2 }
        leaver.close()
        turn { stage.closed == 1 }
        #expect(server.connectionCount == 1)
        for reply in stage.replies { reply.send(HTTPServerResponse(status: 200, text: "there")) }
        turn { stayer.text.hasSuffix("there\n") }
        stayer.send(Self.get)
        turn { stage.replies.count == 3 }
        #expect(stage.closed == 1)
        stayer.close()
        turn { stage.closed == 2 }
        server.close()
    }
}
