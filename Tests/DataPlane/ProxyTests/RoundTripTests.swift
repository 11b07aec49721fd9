// Goal: a response reaches the client as RFC 9112 frames it, whatever the two versions, and both
// connections are kept as long as both sides allow. Method: scripted backends, raw clients.

import Stats
import TestSupport
import Testing

@Suite struct RoundTripTests {
    @Test("a request gets its response, and both connections are used again")
    func keepAlive() throws {
        let backend = try Backend.replying(response("hello"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for path in ["/1", "/2", "/3"] {
                let answer = try client.get(path)
                #expect(answer.status == 200)
                #expect(answer.text == "hello")
                #expect(answer.values("connection").isEmpty)
            }
            let second = try proxy.connect()
            #expect(try second.get("/4").text == "hello")
            #expect(backend.connections == 1)
            #expect(
                backend.requests.map { $0.lines[0] }
                    == ["/1", "/2", "/3", "/4"].map { "GET \($0) HTTP/1.1" })
            #expect(proxy.service[.requests] == 4)
            #expect(proxy.service[.responses2xx] == 4)
            #expect(proxy.backend(backend.port)[.dials] == 1)
        }
    }

    @Test(
        "a client's connection stays open when its version and fields say so",
        arguments: [
            ("HTTP/1.1", "", "nil"),
            ("HTTP/1.1", "Connection: close\r\n", "close"),
            ("HTTP/1.0", "", "close"),
            ("HTTP/1.0", "Connection: keep-alive\r\n", "keep-alive"),
        ])
    func clientKeepAlive(version: String, fields: String, expected: String) throws {
        let backend = try Backend.replying(response("hello"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            let request = "GET / \(version)\r\nHost: a.test\r\n\(fields)\r\n"
            try client.send(request)
            let answer = try client.receiveResponse()
            #expect(answer.text == "hello")
            #expect(answer.value("connection") ?? "nil" == expected)
            if expected == "close" {
                #expect(try client.receiveToEnd() == ([], .end))
            } else {
                try client.send(request)
                #expect(try client.receiveResponse().text == "hello")
            }
            // Whatever the client does, the backend's connection is kept.
            #expect(try proxy.connect().get().text == "hello")
            #expect(backend.connections == 1)
        }
    }

    @Test(
        "a response without a body ends with its head, and the next follows",
        arguments: [
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "5"),
            ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "nil"),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n", "nil"),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "99"),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0"),
        ])
    func withoutBody(method: String, answer: String, length: String) throws {
        let backend = try Backend.replying(answer)
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send("\(method) / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                let got = try client.receiveResponse(to: method)
                #expect(got.head.hasPrefix(String(answer.prefix { $0 != "\r\n" })))
                #expect(got.value("content-length") ?? "nil" == length)
            }
            #expect(backend.connections == 1)
        }
    }

    @Test("a response that ends with its connection does so at the client too")
    func closeDelimited() throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\n\r\nall ")
            try wire.send("of it")
        }
        try withProxy([backend.port]) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.text == "all of it")
            #expect(answer.value("connection") == "close")
            #expect(try proxy.connect().get().text == "all of it")
            #expect(backend.connections == 2)
        }
    }

    @Test("a backend of HTTP/1.0 gets HTTP/1.1, and its connection is not kept")
    func oldBackend() throws {
        let backend = try Backend.replying("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                let answer = try client.get()
                #expect(answer.lines[0] == "HTTP/1.1 200 OK")
                #expect(answer.text == "ok")
            }
            #expect(backend.connections == 2)
        }
    }

    private static let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        + "5;a=b\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-Sum: 1\r\n\r\n"

    @Test("chunks pass as they are")
    func chunked() throws {
        let backend = try Backend.replying(Self.chunked)
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 { #expect(try client.get().text == "hello world") }
            #expect(backend.connections == 1)
        }
    }

    @Test(
        "a client of HTTP/1.0 gets the payload of chunks, split anywhere, to the connection's end")
    func dechunked() throws {
        let bytes = Array(Self.chunked.utf8)
        let backend = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                let split = Int(request.value("x-split") ?? "") ?? 0
                try wire.send(Array(bytes[..<split]))
                // So that the two pieces arrive apart, more often than not.
                try wire.send(Array(bytes[split...]))
            }
        }
        try withProxy([backend.port]) { proxy in
            for split in stride(from: 1, to: bytes.count, by: 3) {
                let client = try proxy.connect()
                try client.send(
                    "GET / HTTP/1.0\r\nConnection: keep-alive\r\nX-Split: \(split)\r\n\r\n")
                let answer = try client.receiveResponse()
                #expect(answer.values("transfer-encoding").isEmpty)
                #expect(answer.value("connection") == "close")
                #expect(answer.text == "hello world")
            }
            #expect(backend.connections == 1)
        }
    }

    @Test(
        "bytes that a backend sends behind its response never answer the next request",
        arguments: ["HTTP/1.1", "HTTP/1.0"],
        [
            response("one"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n",
        ])
    func excess(version: String, answer: String) throws {
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil { try wire.send(answer + response("poison")) }
        }
        try withProxy([backend.port]) { proxy in
            for _ in 0..<2 {
                let client = try proxy.connect()
                try client.send("GET / \(version)\r\nHost: a.test\r\nConnection: close\r\n\r\n")
                #expect(try client.receiveResponse().text == "one")
                #expect(try client.receiveToEnd().bytes.isEmpty)
            }
            #expect(backend.connections == 2)
        }
    }
}
