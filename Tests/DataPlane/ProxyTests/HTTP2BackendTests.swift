// Goal: a backend that speaks HTTP/2 gets the requests that it would get by HTTP/1.1, many at a
// time on one connection, and its responses reach clients of every kind. Method: backends that
// decide on every frame.

import Backends
import HTTP1
import HTTP2
import Locking
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct HTTP2BackendTests {
    private static let get = "GET /a?b HTTP/1.1\nHost: a.test"

    // MARK: - Requests

    @Test("a request is the same for its backend as by HTTP/1.1", arguments: ["1.0", "1.1", "2"])
    func request(version: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK\nX-Odd: 1\nContent-Length: 2", "ok")
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let answer = try ask(proxy, by: version, Self.get + "\nX-A: b c\nTE: trailers")
            #expect(answer.status == 200 && answer.text == "ok")
            #expect(answer.head.lowercased().contains("x-odd: 1\r\n"))
            let head = backend.requests[0].head
            #expect(head.hasPrefix("GET /a?b HTTP/1.1\r\nHost: a.test\r\nx-a: b c\r\n"), "\(head)")
            #expect(head.contains("via: \(version == "2" ? "2.0" : version) fairlead\r\n"))
            #expect(!head.contains("connection") && !head.contains("keep-alive"))
            #expect(proxy.service[.http2Connections] == 1)
        }
    }

    @Test("many requests at a time share one connection, and each gets its own answer")
    func many() throws {
        let backend = try Backend.playingHTTP2 { server, backend in
            // All of them are there before the first is answered; the last is answered first.
            guard let first = try server.next() else { return }
            try server.answer(first.slot, "HTTP/1.1 200 OK", first.message.target)
            var requests: [HTTP2Server.Request] = []
            while requests.count < 60, let request = try server.next() { requests.append(request) }
            for request in requests.reversed() {
                try server.answer(request.slot, "HTTP/1.1 200 OK", request.message.target)
            }
            try server.read { $0.hasEnded }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            #expect(try ask(proxy, by: "1.1", Self.get).text == "/a?b")
            let client = try HTTP2Client(proxy.connect())
            let wires = try (0..<30).map { number in
                let wire = try proxy.connect()
                try wire.send("GET /one\(number) HTTP/1.1\r\nHost: a.test\r\n\r\n")
                return wire
            }
            let slots = try (0..<30).map {
                try client.send("GET /two\($0) HTTP/1.1\nHost: a.test")
            }
            for (number, wire) in wires.enumerated() {
                #expect(try wire.receiveResponse().text == "/one\(number)")
            }
            for (number, slot) in slots.enumerated() {
                #expect(try client.answer(slot).text == "/two\(number)")
            }
            #expect(backend.connections == 1)
        }
    }

    @Test("a body goes on whatever its framing was, and the end of it as such")
    func bodies() throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            let length = request.message.value("content-length") ?? "unknown"
            try server.answer(
                request.slot, "HTTP/1.1 200 OK",
                "\(request.message.text) \(length) \(request.trailers)")
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let post = "POST / HTTP/1.1\nHost: a.test"
            for version in ["1.1", "2"] {
                #expect(
                    try ask(proxy, by: version, post + "\nContent-Length: 3", "abc").text
                        == "abc 3 ")
            }
            let chunks = "3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 5\r\n\r\n"
            #expect(
                try ask(proxy, by: "1.1", post + "\nTransfer-Encoding: chunked", chunks).text
                    == "abcde unknown x-sum: 5\r\n")
            let client = try HTTP2Client(proxy.connect())
            let slot = try client.send(post, "abc", endsStream: false)
            try client.send("de", in: slot, endsStream: false)
            try client.sendTrailers("x-sum: 5\r\n", in: slot)
            #expect(try client.answer(slot).text == "abcde unknown x-sum: 5\r\n")
            // In pieces that are cut anywhere.
            let wire = try proxy.connect()
            try wire.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
            for byte in chunks.utf8 { try wire.send([byte]) }
            #expect(try wire.receiveResponse().text == "abcde unknown x-sum: 5\r\n")
        }
    }

    @Test("bodies larger than every window go both ways at a time", arguments: ["1.1", "2"])
    func largeBodies(version: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK", request.message.text)
        }
        let body = String((0..<300_000).flatMap { "\($0) " }.prefix(1 << 20))
        try withProxy([backend.port], byHTTP2) { proxy in
            let head = "POST / HTTP/1.1\nHost: a.test\nContent-Length: \(body.utf8.count)"
            let answer = try ask(proxy, by: version, head, body)
            #expect(answer.text == body)
        }
    }

    @Test("te: trailers is said where the client has said it")
    func acceptsTrailers() throws {
        let seen = Locked<[Bool]>([])
        let backend = try Backend { wire, _ in
            let server = try HTTP2Server(wire)
            while let request = try server.next() {
                seen.withLock { $0.append(server.lastAcceptsTrailers) }
                try server.answer(request.slot)
            }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let head = [
                (":method", "GET"), (":scheme", "http"), (":authority", "a.test"), (":path", "/"),
            ]
            _ = try client.answer(client.send(fields: head))
            _ = try client.answer(client.send(fields: head + [("te", "trailers")]))
            #expect(seen.withLock { $0 } == [false, true])
        }
    }

    // MARK: - Responses

    @Test(
        "a response of unknown length, with trailers, reaches each kind of client",
        arguments: ["1.0", "1.1", "2"])
    func unknownLength(version: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK", "abc", endsStream: false)
            try server.send(Array("de".utf8), in: request.slot, endsStream: false)
            try server.sendTrailers("x-sum: 5\r\ncontent-length: 9\r\n", in: request.slot)
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let answer = try ask(proxy, by: version, Self.get)
            #expect(answer.status == 200 && answer.text == "abcde")
            #expect(answer.trailers == (version == "2" ? "x-sum: 5\r\n" : ""))
        }
    }

    @Test("trailers of a backend of HTTP/2 come behind the chunks of HTTP/1.1")
    func trailersInChunks() throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK", "abc", endsStream: false)
            try server.sendTrailers("x-sum: 3\r\n", in: request.slot)
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let wire = try proxy.connect()
            for _ in 0..<2 {
                try wire.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                let head = try wire.receive(through: "\r\n\r\n") ?? ""
                #expect(head.contains("Transfer-Encoding: chunked\r\n"))
                #expect(
                    try wire.receive(through: "0\r\nx-sum: 3\r\n\r\n")
                        == "3\r\nabc\r\n0\r\nx-sum: 3\r\n\r\n")
            }
        }
    }

    @Test(
        "a response without a body ends with its head",
        arguments: [
            ("HEAD", "HTTP/1.1 200 OK\nContent-Length: 7"), ("GET", "HTTP/1.1 204 No Content"),
            ("GET", "HTTP/1.1 304 Not Modified"), ("GET", "HTTP/1.1 200 OK\nContent-Length: 0"),
            ("GET", "HTTP/1.1 200 OK"), ("HEAD", "HTTP/1.1 200 OK"),
        ], ["1.1", "2"])
    func bodiless(answer: (method: String, head: String), version: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, answer.head)
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            for _ in 0..<2 {
                let got = try ask(proxy, by: version, "\(answer.method) / HTTP/1.1\nHost: a.test")
                #expect(got.text.isEmpty && got.head.contains(answer.head.dropFirst(9).prefix(3)))
            }
            #expect(backend.connections == 1)
        }
    }

    @Test("trailers alone, as gRPC has them, are one head", arguments: ["1.1", "2"])
    func trailersOnly(version: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK\nGrpc-Status: 12")
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let answer = try ask(proxy, by: version, Self.get)
            #expect(answer.text.isEmpty && answer.trailers.isEmpty)
            #expect(answer.head.lowercased().contains("grpc-status: 12\r\n"))
        }
    }

    @Test("interim responses go on to those that take them", arguments: ["1.0", "1.1", "2"])
    func interim(version: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            let hints = try server.frames(
                request.slot, "HTTP/1.1 103 Early Hints\nLink: </a>", endsStream: false)
            try server.wire.send(hints + hints)
            try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let wire = try proxy.connect()
            guard version != "2" else {
                let answer = try HTTP2Client(wire).get()
                #expect(answer.heads.count == 3 && answer.text == "ok")
                return
            }
            try wire.send("GET / HTTP/\(version)\r\nHost: a.test\r\n\r\n")
            for _ in 0..<(version == "1.1" ? 2 : 0) {
                #expect(try wire.receiveResponse().status == 103)
            }
            #expect(try wire.receiveResponse().text == "ok")
        }
    }

    @Test("a head and the first of its body go to the client in one write")
    func oneWrite() throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            let slot = request.slot
            let head = try server.frames(slot, "HTTP/1.1 200 OK", endsStream: false)
            try server.wire.send(head + [0, 0, 2, 0, 1, 0, 0, 0, UInt8(2 * slot + 1)] + [1, 2])
            try server.read { $0.hasEnded }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let wire = try proxy.connect()
            try wire.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            #expect(String(decoding: try wire.receive(), as: UTF8.self).hasSuffix("0\r\n\r\n"))
        }
    }

    // MARK: - Windows

    @Test("a client that takes nothing holds its window, and not the other streams")
    func slowReader() throws {
        let sent = Locked(0)
        let backend = try Backend.playingHTTP2 { server, backend in
            guard let large = try server.next() else { return }
            try server.answer(large.slot, "HTTP/1.1 200 OK", nil, endsStream: false)
            let part = [UInt8](repeating: 1, count: 16_384)
            // Until the window is shut: what the kernel's buffers take, and one window.
            for _ in 0..<2000 where server.room(large.slot) >= part.count {
                try server.send(part, in: large.slot, endsStream: false)
                sent.withLock { $0 += part.count }
                while server.room(large.slot) < part.count, let other = try server.next() {
                    try server.answer(other.slot, "HTTP/1.1 200 OK", "ok")
                }
            }
            try server.read { $0.hasEnded }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            client.givesBack = false
            _ = try client.send("GET /large HTTP/1.1\nHost: a.test")
            try waitUntil("the window is shut") { sent.withLock { $0 } >= 49_152 }
            let wire = try proxy.connect()
            for _ in 0..<20 { #expect(try wire.get().text == "ok") }
            // The client's window, and as much again that waits here.
            #expect(sent.withLock { $0 } <= 4 * 65_536)
        }
    }

    @Test("a backend that gives no window stops its request, and not the others")
    func slowUpload() throws {
        let backend = try Backend.playingHTTP2 { server, backend in
            server.givesBack = false
            guard let slow = try server.next(atHead: true) else { return }
            while let request = try server.next(), request.message.target != "/end" {
                try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
            }
            let count = server.request(slow.slot)?.message.body.count ?? 0
            try server.answer(slow.slot, "HTTP/1.1 200 OK", "\(count)")
            try server.read { $0.hasEnded }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slow = try client.send(
                "POST /slow HTTP/1.1\nHost: a.test\nContent-Length: \(1 << 20)", nil,
                endsStream: false)
            while client.room(slow) > 0 {
                let part = [UInt8](repeating: 1, count: min(client.room(slow), 16_384))
                try client.send(part, in: slow, endsStream: false)
                #expect(try client.get("GET /fast HTTP/1.1\nHost: a.test").text == "ok")
            }
            let end = try client.send("GET /end HTTP/1.1\nHost: a.test")
            let answer = try client.answer(slow)
            #expect(answer.text == "65535")
            try client.reset(end)
        }
    }

    // MARK: - What needs a connection of its own

    @Test("a request that asks for another protocol has a connection of HTTP/1.1 to itself")
    func upgrade() throws {
        let backend = try Backend { wire, backend in
            guard let request = try backend.next(wire) else { return }
            #expect(request.head.hasPrefix("GET /ws HTTP/1.1\r\n"))
            try wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            try wire.send(try wire.receive(exactly: 4))
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let wire = try proxy.connect()
            try wire.send(
                "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            #expect(try wire.receive(through: "\r\n\r\n")?.contains(" 101 ") == true)
            try wire.send("over")
            #expect(try wire.receive(exactly: 4) == Array("over".utf8))
        }
    }
}
