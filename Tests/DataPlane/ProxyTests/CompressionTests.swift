// Goal: a response is compressed where its client takes that and it may be, its head says so, and
// what comes of it goes out in time and whole. Method: backends that answer in each framing,
// clients of HTTP/1 and HTTP/2, and an encoder that makes the same of the same text.

import Compression
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct CompressionTests {
    private static let text = (0..<2000).map { "line \($0 * 7919 % 1000) of it\n" }.joined()

    /// The text in a frame of gzip, as a whole.
    private static func gzipped(_ text: String) throws -> [UInt8] {
        try ContentEncoder.load(.gzip)
        let encoder = try #require(ContentEncoder(.gzip))
        #expect(encoder.begin(level: 4))
        var out: [UInt8] = []
        out.append(addingCapacity: 2 * text.utf8.count + 100) { span in
            #expect(encoder.run(.end, Array(text.utf8).span, from: 0, into: &span) == .done)
        }
        return out
    }

    private func withCompression(
        _ backend: Backend, memoryMax: Int = 64 << 20, byHTTP2 isHTTP2: Bool = false,
        _ body: (RunningProxy) throws -> Void
    ) throws {
        for coding in ContentCoding.allCases { try ContentEncoder.load(coding) }
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.compression.codings = CompressionOptions.allCodings
            options.listeners[0].policy.compressionMemoryMax = memoryMax
            if isHTTP2 { byHTTP2(&options) }
        } _: { proxy in
            try body(proxy)
        }
    }

    private static let fields =
        "Content-Type: text/plain\r\nETag: \"a\"\r\nAccept-Ranges: bytes\r\n"

    @Test("a client that takes gzip gets the same text, and a head that says so")
    func whole() throws {
        let expected = try Self.gzipped(Self.text)
        let backend = try Backend.replying(response(Self.text, "200 OK", Self.fields))
        try withCompression(backend) { proxy in
            let client = try proxy.connect()
            for _ in 0..<3 {
                let answer = try client.get("/", "Accept-Encoding: gzip\r\n")
                #expect(answer.value("content-encoding") == "gzip")
                #expect(answer.value("vary") == "Accept-Encoding")
                #expect(answer.value("etag") == "W/\"a\"")
                #expect(answer.value("accept-ranges") == nil)
                #expect(answer.value("content-length") == nil)
                #expect(answer.body == expected)
            }
            let plain = try client.get()
            #expect(plain.text == Self.text)
            #expect(plain.value("vary") == "Accept-Encoding" && plain.value("etag") == "\"a\"")
            #expect(backend.connections == 1)
            #expect(proxy.service[.gzipResponses] == 3)
            #expect(proxy.service[.bytesCompressed] == 3 * Self.text.utf8.count)
            #expect(proxy.service[.bytesOfCompressed] == 3 * expected.count)
        }
    }

    @Test("a chunked response keeps its trailers, by HTTP/1 and by HTTP/2")
    func chunked() throws {
        let backend = try Backend.replying(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Sum: 1\r\n\r\n")
        try withCompression(backend) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
                let head = try client.receive(through: "\r\n\r\n")
                #expect(head?.contains("Transfer-Encoding: chunked\r\n") == true)
                var bytes: [UInt8] = []
                let end = Array("\r\n0\r\nX-Sum: 1\r\n\r\n".utf8)
                while !bytes.hasSuffix(end) { bytes += try client.receive() }
                #expect(bytes.contains([0x1F, 0x8B, 8]))
            }
            let second = try HTTP2Client(proxy.connect(), window: 65_535)
            let answer = try second.get("GET / HTTP/1.1\nHost: a\nAccept-Encoding: br, gzip;q=0.5")
            #expect(answer.value("content-encoding") == "br" && answer.isWhole)
            #expect(proxy.service[.brotliResponses] == 1)
        }
    }

    @Test(
        "a backend of HTTP/2 has its responses compressed as well, with their trailers",
        arguments: [true, false])
    func ofHTTP2(hasLength: Bool) throws {
        let expected = try Self.gzipped(Self.text)
        let length = hasLength ? "\nContent-Length: \(Self.text.utf8.count)" : ""
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(
                request.slot, "HTTP/1.1 200 OK\nContent-Type: text/plain" + length, Self.text,
                endsStream: false)
            try server.sendTrailers("x-sum: 1\r\n", in: request.slot)
        }
        try withCompression(backend, byHTTP2: true) { proxy in
            let client = try proxy.connect()
            try client.send(
                "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
            let head = try client.receive(through: "\r\n\r\n") ?? ""
            #expect(head.contains("Content-Encoding: gzip\r\n"))
            #expect(!head.lowercased().contains("content-length"))
            let chunks = try client.receiveToEnd().bytes
            #expect(chunks.contains([0x1F, 0x8B, 8]))
            // Behind a body of known length nobody of HTTP/1.1 takes any.
            let trailers = hasLength ? "" : "x-sum: 1\r\n"
            #expect(chunks.hasSuffix(Array("\r\n0\r\n\(trailers)\r\n".utf8)))
            let second = try HTTP2Client(proxy.connect(), window: 65_535)
            let answer = try second.get("GET / HTTP/1.1\nHost: a\nAccept-Encoding: gzip")
            #expect(answer.value("content-encoding") == "gzip" && answer.isWhole)
            // Parts are flushed as they come where more may take a while to follow.
            #expect(!hasLength || answer.body == expected)
            #expect(answer.trailers == "x-sum: 1\r\n")
            #expect(proxy.service[.gzipResponses] == 2)
            #expect(proxy.service[.bytesCompressed] == 2 * Self.text.utf8.count)
        }
    }

    @Test("what has come of a response without a length goes out at once")
    func flushes() throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "6\r\nfirst\n\r\n")
            // The rest only after the client's next request byte is seen as a pipelined one.
            _ = try wire.receiveToEnd()
        }
        try withCompression(backend) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
            _ = try client.receive(through: "\r\n\r\n")
            // A sync flush of deflate ends so (RFC 1951, section 3.2.4).
            var bytes: [UInt8] = []
            while !bytes.contains([0, 0, 0xFF, 0xFF]) { bytes += try client.receive() }
            client.close()
        }
    }

    /// A response that stays as it is, and the reason.
    struct Plain: Sendable, CustomTestStringConvertible {
        var status = "200 OK"
        var fields = "Content-Type: text/plain\r\n"
        var text = CompressionTests.text
        var counter: ServiceCounter
        var testDescription: String { "\(counter) \(fields)" }
    }

    private static let plain = [
        Plain(
            fields: "Content-Type: text/plain\r\nCache-Control: public, no-transform\r\n",
            counter: .uncompressedByWord),
        Plain(
            fields: "Content-Type: text/plain\r\nRepr-Digest: sha-256=:a:\r\n",
            counter: .uncompressedByWord),
        Plain(
            fields: "Content-Type: text/plain\r\nContent-Encoding: x\r\n",
            counter: .uncompressedByCoding),
        Plain(fields: "Content-Type: image/png\r\n", counter: .uncompressedByType),
        Plain(fields: "", counter: .uncompressedByType),
        Plain(fields: "Content-Type: text/event-stream\r\n", counter: .uncompressedByType),
        Plain(fields: "Content-Type: application/grpc+json\r\n", counter: .uncompressedByType),
        Plain(text: "short", counter: .uncompressedBySize),
    ]

    @Test(
        "what may not be transformed, or is compressed, small or gRPC, stays as it is",
        arguments: plain)
    func stays(_ plain: Plain) throws {
        let backend = try Backend.replying(response(plain.text, plain.status, plain.fields))
        try withCompression(backend) { proxy in
            let answer = try proxy.connect().get("/", "Accept-Encoding: gzip, br, zstd\r\n")
            #expect(answer.text == plain.text && answer.value("vary") == nil)
            #expect(proxy.service[plain.counter] == 1)
        }
    }

    @Test("a part stays as it is, and says that the whole depends on Accept-Encoding")
    func part() throws {
        let fields = Self.fields + "Content-Range: bytes 0-1/2\r\n"
        let backend = try Backend.replying(response(Self.text, "206 Partial Content", fields))
        try withCompression(backend) { proxy in
            let answer = try proxy.connect().get("/", "Accept-Encoding: gzip\r\n")
            #expect(answer.text == Self.text && answer.value("etag") == "\"a\"")
            #expect(answer.value("vary") == "Accept-Encoding")
            #expect(answer.value("accept-ranges") == "bytes")
        }
    }

    @Test("a HEAD and a 304 get the head of the compressed response, and no body")
    func heads() throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\n\(Self.fields)Content-Length: 5000\r\n\r\n")
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n")
            _ = try wire.receiveToEnd()
        }
        try withCompression(backend) { proxy in
            let client = try proxy.connect()
            try client.send("HEAD / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n")
            let head = try #require(try client.receive(through: "\r\n\r\n"))
            #expect(head.contains("Content-Encoding: br\r\n") && head.contains("W/\"a\"\r\n"))
            #expect(head.contains("Vary: Accept-Encoding\r\n"))
            #expect(!head.contains("Content-Length") && !head.contains("Accept-Ranges"))
            try client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n")
            let second = try #require(try client.receive(through: "\r\n\r\n"))
            #expect(second.contains("304 ") && second.contains("W/\"a\"\r\n"))
            #expect(second.contains("Vary: Accept-Encoding\r\n"))
            #expect(!second.contains("Content-Encoding"))
            #expect(proxy.service[.brotliResponses] == 0)
        }
    }

    @Test("a client of HTTP/1.0, and one that asks for no transformation, get the text as it is")
    func leftAlone() throws {
        let backend = try Backend.replying(response(Self.text, "200 OK", Self.fields))
        try withCompression(backend) { proxy in
            let old = try proxy.connect()
            try old.send("GET / HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
            let text = String(decoding: try old.receiveToEnd().bytes, as: UTF8.self)
            #expect(text.contains("Vary: Accept-Encoding\r\n") && text.hasSuffix(Self.text))
            let strict = try proxy.connect().get(
                "/", "Accept-Encoding: gzip\r\nCache-Control: no-transform\r\n")
            #expect(strict.text == Self.text && strict.value("vary") == "Accept-Encoding")
            #expect(proxy.service[.uncompressedByClient] == 2)
        }
    }

    @Test("without memory for it a response goes as it is, and is counted")
    func noMemory() throws {
        let backend = try Backend.replying(response(Self.text, "200 OK", Self.fields))
        try withCompression(backend, memoryMax: 1000) { proxy in
            let answer = try proxy.connect().get("/", "Accept-Encoding: gzip\r\n")
            #expect(answer.text == Self.text && answer.value("etag") == "\"a\"")
            #expect(answer.value("vary") == "Accept-Encoding")
            #expect(proxy.service[.uncompressedByMemory] == 1)
        }
    }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ end: [UInt8]) -> Bool { suffix(end.count).elementsEqual(end) }
}
