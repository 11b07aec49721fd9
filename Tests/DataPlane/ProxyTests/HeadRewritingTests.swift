// Goal: fields for one hop go no further, and the backend gets the client's address. Method: exact
// heads on both sides of the proxy.

import HTTP1
import Proxy
import Stats
import TestSupport
import Testing
import Traffic
import WallClock

@Suite struct HeadRewritingTests {
    @Test("the request's head loses the fields for the proxy, and gets those about its client")
    func request() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "GET http://b.test:81/x?y HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n"
                    + "Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: "
                    + "trailers\r\n"
                    + "Proxy-Connection: x\r\nUpgrade: h2c\r\nX-Forwarded-For: 192.0.2.1\r\n"
                    + "X-Forwarded-Proto: gopher\r\nX-End: z\r\n\r\n")
            #expect(try client.receiveResponse().status == 200)
            #expect(
                backend.requests[0].head
                    == "GET /x?y HTTP/1.1\r\nHost: b.test:81\r\nAccept: */*\r\nX-End: z\r\n"
                    + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
                    + "X-Forwarded-Port: \(proxy.port)\r\nX-Forwarded-Host: b.test:81\r\n"
                    + "Via: 1.1 fairlead\r\n\r\n")
        }
    }

    @Test("the response's head loses the fields for the proxy")
    func responseHead() throws {
        let backend = try Backend.replying(
            "HTTP/1.1 299 Odd one\r\nDate: x\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
                + "Keep-Alive: 5\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nok")
        try withProxy([backend.port]) { proxy in
            let answer = try proxy.connect().get()
            #expect(
                answer.head
                    == "HTTP/1.1 299 Odd one\r\nDate: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
                    + "Content-Length: 2\r\n\r\n")
            #expect(answer.text == "ok")
        }
    }

    @Test("a response without Date gets one, unless a route removes it")
    func date() throws {
        for (fields, count) in [("", 1), ("Date: x\r\n", 1), ("date : y\r\n", 1)] {
            let backend = try Backend.replying(response("", "200 OK", fields))
            try withProxy([backend.port]) { proxy in
                let dates = try proxy.connect().get().values("date")
                #expect(dates.count == count)
                guard fields.isEmpty else {
                    #expect(dates[0].count == 1)
                    return
                }
                let today = UTCTime.now
                let (now, before) = (
                    today.httpDate,
                    UTCTime(secondsSince1970: today.secondsSince1970 - 60).httpDate
                )
                // Of this minute or the one before.
                #expect([now, before].map { $0.prefix(22) }.contains(dates[0].prefix(22)))
                #expect(dates[0].count == now.count && dates[0].hasSuffix(" GMT"))
            }
        }
    }

    @Test("unusual statuses and loose names in a response pass, and are no evidence")
    func unusual() throws {
        let backend = try Backend.replying(response("x", "999 Denied", "X-Loose : 1\r\n"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<8 {
                let answer = try client.get()
                #expect(answer.status == 999 && answer.text == "x")
                #expect(answer.value("x-loose") == "1")
            }
            #expect(proxy.liveFailures.isEmpty && backend.connections == 1)
        }
    }

    @Test("an answer may have many fields and a large head, however it is cut")
    func manyFields() throws {
        let links = (0..<700).map { "Link: </style/\($0).css>; rel=preload; as=style\r\n" }.joined()
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                let bytes = Array(response("ok", "200 OK", links).utf8)
                for start in stride(from: 0, to: bytes.count, by: 1000) {
                    try wire.send(Array(bytes[start..<min(start + 1000, bytes.count)]))
                }
            }
        }
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.headLimits = HeadLimits(bytesMax: 16 * 1024, fieldsMax: 3)
        } _: { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                let answer = try client.get()
                #expect(answer.values("link").count == 700 && answer.text == "ok")
            }
            #expect(try client.get("/", "A: 1\r\nB: 2\r\nC: 3\r\n").status == 431)
        }
    }

    @Test("a response's head that arrives byte by byte is the same head")
    func headInPieces() throws {
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                for byte in response("ok").utf8 { try wire.send([byte]) }
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<3 { #expect(try client.get().text == "ok") }
            #expect(backend.connections == 1)
        }
    }

    /// Each is refused with this status and a closed connection.
    private static let malformedRequests: [(String, Int)] = [
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
                + "chunked\r\n\r\n0\r\n\r\n",
            400
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1}b\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                + "chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
            400
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
            400
        ),
        ("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 400),
        ("GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 40_000) + "\r\n\r\n",
            431
        ),
        ("\u{16}\u{3}\u{1}\u{2}", 400),
    ]

    @Test(
        "a malformed request is refused, and the backend sees nothing of it",
        arguments: malformedRequests)
    func malformed(request: String, status: Int) throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(request)
            let answer = try client.receiveResponse()
            #expect(answer.status == status)
            #expect(answer.value("connection") == "close")
            #expect(try client.receiveToEnd().bytes.isEmpty)
            client.close()
            #expect(backend.connections == 0)
            #expect(proxy.listener[.badRequests] == 1)
        }
    }

    @Test("bytes behind a malformed request are not taken for a request")
    func smuggled() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
                    + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.receiveResponse().status == 400)
            try client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.receiveToEnd().bytes.isEmpty)
            #expect(backend.connections == 0)
        }
    }

    @Test("a body that turns out malformed cuts the backend's request short")
    func badChunkLater() throws {
        let backend = try Backend { wire, backend in
            guard let head = try wire.receive(through: "\r\n\r\n") else { return }
            backend.record(Message(head: head))
            // Ends only with the connection.
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            try waitUntil("the head is there") { backend.requests.count == 1 }
            try client.send("3\r\nabcd\r\n")
            #expect(try client.receiveResponse().status == 400)
            try waitUntil("the backend's connection ends") { backend.ended == 1 }
        }
    }
}
