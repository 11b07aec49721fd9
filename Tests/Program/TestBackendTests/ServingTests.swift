// Goal: every answer is what its path asks for, whole, framed as it says, however the request comes
// in and however slowly the client takes it. Method: raw bytes over loopback sockets.

import Endpoints
import Locking
import TestBackend
import TestSupport
import Testing

@Suite struct ServingTests {
    /// Runs `body` against a backend called `b1`, and stops that.
    private func serving(workers: Int = 1, _ body: (UInt16) throws -> Void) throws {
        var options = TestBackendOptions(on: Endpoint(.loopback, 0), name: "b1")
        options.workers = workers
        let backend = try TestBackend(options)
        defer { backend.stop() }
        try body(backend.endpoint.port)
    }

    /// The response to a request of `text` on a connection that ends with it: head and body.
    private func ask(_ text: String, _ port: UInt16) throws -> (head: String, body: [UInt8]) {
        let wire = try Wire(to: port)
        defer { wire.close() }
        try wire.send(text)
        let head = try #require(try wire.receive(through: "\r\n\r\n"))
        return (head, try wire.receiveToEnd().bytes)
    }

    private func get(_ path: String, _ port: UInt16) throws -> (head: String, body: [UInt8]) {
        try ask("GET \(path) HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", port)
    }

    /// The content of a chunked body.
    private func unchunked(_ wire: some BlockingReader) throws -> [UInt8] {
        var content: [UInt8] = []
        while true {
            let line = try #require(try wire.receive(through: "\r\n"))
            let size = try #require(Int(line.dropLast(1), radix: 16))
            if size == 0 { break }
            content += try wire.receive(exactly: size)
            let end = try wire.receive(exactly: 2)
            #expect(end == [0x0D, 0x0A])
        }
        _ = try wire.receive(exactly: 2)
        return content
    }

    /// What bodies are made of.
    private func content(_ count: Int) -> [UInt8] {
        let period = Array(
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n".utf8)
        return (0..<count).map { period[$0 % 64] }
    }

    @Test func `each path is answered as the help says`() throws {
        try serving { port in
            let name = try get("/", port)
            #expect(name.head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(name.body == Array("b1\n".utf8))
            #expect(try get("/status/418", port).head.hasPrefix("HTTP/1.1 418 \r\n"))
            #expect(try get("/flaky/100", port).head.hasPrefix("HTTP/1.1 500 "))
            #expect(try get("/flaky/0", port).head.hasPrefix("HTTP/1.1 200 "))
            #expect(try get("/nothing", port).head.hasPrefix("HTTP/1.1 404 "))
            #expect(try get("/bytes/x", port).head.hasPrefix("HTTP/1.1 400 "))
            #expect(try get("/delay/1", port).body == Array("b1\n".utf8))
            let head = "GET /head HTTP/1.1\r\nHost: t\r\nX-A:  b\r\nConnection: close\r\n\r\n"
            #expect(try ask(head, port).body == Array(head.utf8))
        }
    }

    @Test(
        "bodies of every size are whole",
        arguments: [0, 1, 63, 64, 65, 4095, 4096, 4097, 65_536, 65_537, 262_145, 3_000_001])
    func bodies(_ count: Int) throws {
        try serving { port in
            let plain = try get("/bytes/\(count)", port)
            #expect(plain.head.contains("\r\nContent-Length: \(count)\r\n"))
            #expect(plain.body == content(count))
            let wire = try Wire(to: port, receiveBytes: 32_768)
            try wire.send("GET /chunked/\(count) HTTP/1.1\r\nHost: t\r\n\r\n")
            let head = try #require(try wire.receive(through: "\r\n\r\n"))
            #expect(head.contains("\r\nTransfer-Encoding: chunked\r\n"))
            let chunked = try unchunked(wire)
            #expect(chunked == content(count))
            // The connection is kept, and where it should be.
            try wire.send("GET / HTTP/1.0\r\n\r\n")
            let last = try wire.receiveToEnd().bytes
            #expect(String(decoding: last, as: UTF8.self).hasSuffix("\r\n\r\nb1\n"))
            let old = try ask("GET /chunked/\(count) HTTP/1.0\r\n\r\n", port)
            #expect(!old.head.contains("chunked"))
            #expect(old.body == content(count))
        }
    }

    @Test func `what is pipelined is answered in order, behind delays and bodies too`() throws {
        try serving { port in
            let wire = try Wire(to: port)
            let requests =
                "GET /delay/30 HTTP/1.1\r\nHost: t\r\n\r\n"
                + "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello"
                + "POST /status/201 HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n0\r\n\r\n"
                + "HEAD /bytes/70000 HTTP/1.1\r\nHost: t\r\n\r\n"
                + "GET /bytes/70000 HTTP/1.1\r\nHost: t\r\n\r\n"
                + "GET /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
            // Byte by byte up to the long answer, so that every state sees a cut.
            for byte in requests.utf8 { try wire.send([byte]) }
            let all = try wire.receiveToEnd()
            #expect(all.ending == .end)
            let text = String(decoding: all.bytes, as: UTF8.self)
            let statuses = text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
            #expect(statuses == ["200", "200", "201", "200", "200", "200"])
            #expect(text.contains("\r\n\r\nb1\nHTTP/1.1"))
            #expect(text.contains("\r\n\r\nhelloHTTP/1.1"))
        }
    }

    @Test func `an echo gives back what comes, in either framing, at the client's pace`() throws {
        try serving { port in
            let total = 20_000_000
            let wire = try Wire(to: port, receiveBytes: 65_536)
            try wire.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: \(total)\r\n\r\n")
            let sender = wire.sender()
            try startThread { try? sender.sendPattern(to: total) }
            _ = try wire.receive(through: "\r\n\r\n")
            #expect(try wire.receivePattern(to: total) == total)
            try wire.send(
                "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            )
            _ = try wire.receive(through: "\r\n\r\n")
            // It is back before the body has ended.
            _ = try wire.receive(through: "hello\r\n")
            try wire.send("0\r\n\r\n")
            let end = try wire.receive(exactly: 5)
            #expect(end == Array("0\r\n\r\n".utf8))
        }
    }

    @Test func `a body that was asked to wait is sent for`() throws {
        try serving { port in
            let wire = try Wire(to: port)
            try wire.send(
                "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            let interim = try wire.receive(through: "\r\n\r\n")
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            try wire.send("ab")
            let head = try wire.receive(through: "\r\n\r\n")
            #expect(head?.hasPrefix("HTTP/1.1 200 OK") == true)
        }
    }

    @Test func `what is no request is refused, and the connection ends`() throws {
        try serving { port in
            let bad = try ask("GET / HTTP/1.1\r\n\r\n", port)
            #expect(bad.head.hasPrefix("HTTP/1.1 400 "))
            #expect(bad.head.contains("Connection: close"))
        }
    }

    @Test func `stopping answers what is under way and ends what is idle`() throws {
        var options = TestBackendOptions(on: Endpoint(.loopback, 0), name: "b1")
        options.workers = 2
        let backend = try TestBackend(options)
        let (idle, busy) = (
            try Wire(to: backend.endpoint.port), try Wire(to: backend.endpoint.port)
        )
        try idle.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n")
        _ = try idle.receive(through: "b1\n")
        // It is under way once it is sent for: not before, it might still wait to be accepted.
        try busy.send(
            "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        _ = try busy.receive(through: "\r\n\r\n")
        let stopped = Gate()
        try startThread {
            backend.stop()
            stopped.open()
        }
        #expect(try idle.receiveToEnd().bytes.isEmpty)
        try busy.send("ab")
        let answer = try busy.receiveToEnd()
        #expect(String(decoding: answer.bytes, as: UTF8.self).hasSuffix("\r\n\r\nb1\n"))
        busy.close()
        stopped.wait()
    }
}
