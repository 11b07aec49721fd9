// Goal: requests by HTTP/2 reach backends as requests by HTTP/1.1 would, many at a time; what one
// stream does to itself harms no other; and nothing is held beyond the windows. Method: a client
// that decides on every frame, and backends that play their part.

import HTTP1
import HTTP2
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct HTTP2SessionTests {
    private static let request = "GET /a?b HTTP/1.1\nHost: a.test"

    private func client(_ proxy: RunningProxy, window: Int = 65_535) throws -> HTTP2Client {
        try HTTP2Client(proxy.connect(), window: window)
    }

    /// Answers each request with its method and path.
    private func naming() throws -> Backend {
        try Backend { wire, backend in
            while let request = try backend.next(wire) {
                let line = request.head.prefix { $0 != "\r\n" }
                try wire.send(response(String(line)))
            }
        }
    }

    // MARK: - Requests

    @Test("a request is the same for its backend as by HTTP/1.1, and the answer comes back whole")
    func roundTrip() throws {
        let backend = try Backend.replying(response("hello", "200 OK", "X-Odd: 1\r\n"))
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let answer = try client.get("GET /a?b HTTP/1.1\nHost: a.test\nX-A: b c")
            #expect(answer.status == 200 && answer.text == "hello" && answer.isWhole)
            #expect(answer.value("x-odd") == "1" && answer.value("content-length") == "5")
            #expect(answer.value("date") != nil)
            let head = backend.requests[0].head
            #expect(head.hasPrefix("GET /a?b HTTP/1.1\r\nHost: a.test\r\nx-a: b c\r\n"))
            #expect(head.contains("Via: 2.0 fairlead\r\n"))
            #expect(try client.get().text == "hello")
            #expect(backend.connections == 1)
            #expect(proxy.listener[.http2Connections] == 1)
            #expect(proxy.listener[.http2Streams] == 2)
            #expect(proxy.service[.requests] == 2)
        }
    }

    @Test("many requests at a time each get their own answer")
    func many() throws {
        let backend = try naming()
        try withProxy([backend.port], workers: 1) { proxy in
            let client = try client(proxy)
            for round in 0..<3 {
                let slots = try (0..<90).map {
                    try client.send("GET /\(round).\($0) HTTP/1.1\nHost: a.test")
                }
                for (number, slot) in slots.enumerated() {
                    let answer = try client.answer(slot)
                    #expect(answer.text == "GET /\(round).\(number) HTTP/1.1")
                }
            }
            try waitUntil("all are over") { proxy.service[.inFlight] == 0 }
        }
    }

    @Test("a body goes on as its head says: by its length, or in chunks with its trailers")
    func bodies() throws {
        let backend = try Backend.echoing()
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let known = try client.send(
                "POST /known HTTP/1.1\nHost: a.test\nContent-Length: 6", "abc", endsStream: false)
            try client.send("def", in: known, endsStream: true)
            #expect(try client.answer(known).text == "abcdef")
            #expect(backend.requests[0].value("content-length") == "6")

            let unknown = try client.send(
                "POST /unknown HTTP/1.1\nHost: a.test", "abc", endsStream: false)
            try client.send("defgh", in: unknown, endsStream: false)
            try client.sendTrailers("x-sum: 8\r\n", in: unknown)
            #expect(try client.answer(unknown).text == "abcdefgh")
            #expect(backend.requests[1].value("transfer-encoding") == "chunked")

            let none = try client.send("POST /none HTTP/1.1\nHost: a.test")
            #expect(try client.answer(none).text == "")
            #expect(backend.requests[2].value("content-length") == "0")

            // More than all windows together.
            let large = [UInt8](repeating: 0x78, count: 1 << 20)
            let slot = try client.send(
                "POST /large HTTP/1.1\nHost: a.test", nil, endsStream: false)
            try client.send(large, in: slot, endsStream: true)
            #expect(try client.answer(slot).body == large)
        }
    }

    @Test("a request's trailers come behind its chunks")
    func requestTrailers() throws {
        let backend = try Backend { wire, backend in
            guard let head = try wire.receive(through: "\r\n\r\n"),
                let body = try wire.receive(through: "\r\n\r\n")
            else { return }
            #expect(head.contains("Transfer-Encoding: chunked\r\n"))
            try wire.send(response(body))
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let slot = try client.send("POST / HTTP/1.1\nHost: a.test", "abc", endsStream: false)
            try client.sendTrailers("x-sum: 8\r\n", in: slot)
            #expect(try client.answer(slot).text == "3\r\nabc\r\n0\r\nx-sum: 8\r\n\r\n")
        }
    }

    @Test(
        "each framing of a response ends where it ends",
        arguments: [
            (
                "GET",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
                    + "2\r\nde\r\n0\r\nx-sum: 5\r\nvary: x\r\n\r\n", "abcde", "x-sum: 5\r\n"
            ),
            ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", ""),
            ("GET", "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", ""),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n", "", ""),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "", ""),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "", ""),
            (
                "GET",
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                    + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Gone\r\n"
                    + "X-Gone: 1\r\n\r\nok",
                "ok", ""
            ),
        ])
    func framings(method: String, bytes: String, body: String, trailers: String) throws {
        let backend = try Backend { wire, backend in
            guard try backend.next(wire) != nil else { return }
            try wire.send(bytes)
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let answer = try client.get("\(method) / HTTP/1.1\nHost: a.test")
            #expect(answer.text == body && answer.isWhole)
            #expect(answer.trailers == trailers)
            #expect(answer.heads.count == (bytes.contains("103") ? 2 : 1))
            #expect(answer.value("x-gone") == nil && answer.value("connection") == nil)
        }
    }

    @Test("a response may come before its request is whole; the rest of that is not wanted")
    func early() throws {
        let backend = try Backend { wire, backend in
            guard try wire.receive(through: "\r\n\r\n") != nil else { return }
            try wire.send(response("no", "413 Content Too Large"))
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let slot = try client.send("POST / HTTP/1.1\nHost: a.test", "abc", endsStream: false)
            try client.read { $0.answers[slot]?.reset != nil }
            let answer = try client.answer(slot)
            #expect(answer.status == 413 && answer.text == "no" && answer.isWhole)
            #expect(answer.reset == .noError)
        }
    }

    // MARK: - What is refused

    @Test(
        "a head that breaks the rules ends its stream and reaches no backend; others go on",
        arguments: [
            [("x-a", "a\u{0}b")], [("x-a", "a\r\nx-b: c")], [("x-a", " a")], [("X-A", "a")],
            [("te", "gzip")], [("connection", "close")], [("transfer-encoding", "chunked")],
            [("upgrade", "h2c")], [(":path", "/b")], [("content-length", "5")], [("a b", "c")],
        ])
    func malformed(fields: [(String, String)]) throws {
        let backend = try Backend.replying(response("ok"))
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let head = [
                (":method", "GET"), (":scheme", "http"), (":authority", "a.test"), (":path", "/"),
            ]
            let bad = try client.send(fields: head + fields)
            #expect(try client.answer(bad).reset == .protocolError)
            let good = try client.send(fields: head + [("x-a", "a")])
            #expect(try client.answer(good).text == "ok")
            #expect(backend.requests.count == 1)
            #expect(proxy.listener[.http2Malformed] == 1)
        }
    }

    @Test("what HTTP/1.1 refuses is refused with its status, and the connection goes on")
    func refused() throws {
        let backend = try Backend.replying(response("ok"))
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let slot = try client.send(fields: [
                (":method", "GET"), (":scheme", "http"), (":authority", "a.test"), (":path", "/"),
                ("host", "b.test"),
            ])
            #expect(try client.answer(slot).status == 400)
            #expect(try client.get("CONNECT a.test:80 HTTP/1.1\nHost: a.test:80").status == 400)
            #expect(try client.get().text == "ok")
            #expect(backend.requests.count == 1)
        }
    }

    @Test("a head beyond the limits is answered with 431, and the connection goes on")
    func tooLarge() throws {
        let backend = try Backend.replying(response("ok"))
        try withProxy(
            [backend.port], { $0.listeners[0].policy.headLimits.bytesMax = 4096 }
        ) { proxy in
            let client = try client(proxy)
            let long = String(repeating: "x", count: 5000)
            #expect(try client.get("GET / HTTP/1.1\nHost: a.test\nX-A: \(long)").status == 431)
            #expect(try client.get().text == "ok")
            #expect(proxy.listener[.badRequests] == 1)
        }
    }

    @Test("less or more content than was declared ends the stream, and nothing passes for a whole")
    func wrongLength() throws {
        let backend = try Backend.echoing()
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            for body in ["abc", "abcdefg"] {
                let slot = try client.send(
                    "POST / HTTP/1.1\nHost: a.test\nContent-Length: 6", body)
                #expect(try client.answer(slot).reset == .protocolError)
            }
            #expect(try client.get().status == 200)
            #expect(backend.requests.allSatisfy { $0.body.isEmpty })
            #expect(proxy.listener[.http2TooMuchData] == 2)
        }
    }

    @Test("as many requests at a time as are allowed, and no more, are under way")
    func streamLimit() throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                gate.wait()
                try wire.send(response("ok"))
            }
        }
        try withProxy([backend.port]) { proxy in
            var settings = HTTP2Settings()
            settings.streamsMax = 200
            let client = try HTTP2Client(proxy.connect(), settings: settings)
            let slots = try (0..<100).map { _ in try client.send(Self.request) }
            try waitUntil("all are there") { proxy.service[.inFlight] == 100 }
            gate.open()
            for slot in slots { #expect(try client.answer(slot).text == "ok") }
        }
    }

    // MARK: - Windows

    @Test("a client that gives no window stops its backend, and not the other streams")
    func slowReader() throws {
        let total = 4 << 20
        let backend = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                if request.head.contains("/large") {
                    try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
                    try wire.sendPattern(to: total)
                } else {
                    try wire.send(response("ok"))
                }
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy, window: 1 << 20)
            client.givesBack = false
            let large = try client.send("GET /large HTTP/1.1\nHost: a.test")
            try client.read { ($0.answers[large]?.body.count ?? 0) == 1 << 20 }
            let before = proxy.service[.bytesToClients]
            #expect(before < 3 << 20)
            // The windows of the connection are open for it again, and for others.
            try client.giveBack(1000, in: large)
            try client.giveBack((1 << 20) - 1000, in: large)
            client.givesBack = true
            let small = try client.send("GET /small HTTP/1.1\nHost: a.test")
            #expect(try client.answer(small).text == "ok")
            let answer = try client.answer(large)
            #expect(answer.body.count == total && answer.isWhole)
        }
    }

    @Test("a backend that takes nothing stops its stream, and not the others")
    func slowUpload() throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            while let head = try wire.receive(through: "\r\n\r\n") {
                if head.contains("/slow") {
                    gate.wait()
                    let body = try wire.receive(exactly: 4 << 20)
                    try wire.send(response("\(body.count)"))
                } else {
                    try wire.send(response("ok"))
                }
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let slow = try client.send(
                "POST /slow HTTP/1.1\nHost: a.test\nContent-Length: \(4 << 20)", nil,
                endsStream: false)
            let part = [UInt8](repeating: 1, count: 4 << 20)
            // As much as windows and kernel buffers let go; then the stream stands still.
            var sent = 0
            for _ in 0..<400 {
                let room = min(client.room(slow), part.count - sent, 16_384)
                if room > 0 {
                    try client.send(Array(part[..<room]), in: slow, endsStream: false)
                    sent += room
                }
                #expect(try client.get("GET /fast HTTP/1.1\nHost: a.test").text == "ok")
                if room == 0 { break }
            }
            gate.open()
            try client.send(Array(part[sent...]), in: slow, endsStream: true)
            #expect(try client.answer(slow).text == "\(4 << 20)")
        }
    }

    // MARK: - Ends

    @Test("a client that resets a stream cancels its request, and nothing else")
    func cancelled() throws {
        let backend = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                if request.head.contains("/wait") {
                    _ = try wire.receiveToEnd()
                    return
                }
                try wire.send(response("ok"))
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let slot = try client.send("GET /wait HTTP/1.1\nHost: a.test")
            try waitUntil("the backend has it") { backend.requests.count == 1 }
            try client.reset(slot)
            try waitUntil("it is over") { proxy.backend(backend.port)[.open] == 0 }
            #expect(try client.get().text == "ok")
            #expect(proxy.service[.inFlight] == 0)
        }
    }

    @Test("a backend that breaks in the midst of a response ends the stream by a reset")
    func cutShort() throws {
        let backend = try Backend { wire, backend in
            guard let request = try backend.next(wire) else { return }
            guard request.head.contains("/cut") else { return try wire.send(response("ok")) }
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let answer = try client.get("GET /cut HTTP/1.1\nHost: a.test")
            #expect(answer.status == 200 && answer.text == "half")
            #expect(!answer.isWhole && answer.reset == .internalError)
            #expect(try client.get().text == "ok")
        }
    }

    @Test("a backend that refuses is a 502 in its stream")
    func badGateway() throws {
        let backend = try Backend.replying("nonsense\r\n\r\n")
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let answer = try client.get()
            #expect(answer.status == 502 && answer.isWhole && !answer.text.isEmpty)
            let head = try client.get("HEAD / HTTP/1.1\nHost: a.test")
            #expect(head.status == 502 && head.isWhole && head.text.isEmpty)
        }
    }

    @Test("a stop tells the client to go elsewhere, and finishes what is under way")
    func drain() throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                gate.wait()
                try wire.send(response("late"))
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            let slot = try client.send(Self.request)
            try waitUntil("the backend has it") { backend.requests.count == 1 }
            proxy.workers.drain(limit: .seconds(30))
            try client.read { !$0.goAways.isEmpty }
            gate.open()
            #expect(try client.answer(slot).text == "late")
            try client.readToEnd()
            #expect(client.goAways == [.noError, .noError])
        }
    }

    @Test("a connection that is not used any more ends with a word, and half a frame does not last")
    func idle() throws {
        let backend = try Backend.replying(response("ok"))
        try withProxy(
            [backend.port],
            {
                $0.listeners[0].policy.timeouts.idle = .milliseconds(100)
                $0.listeners[0].policy.timeouts.head = .milliseconds(300)
            }
        ) { proxy in
            let client = try client(proxy)
            #expect(try client.get().text == "ok")
            try client.readToEnd()
            #expect(client.goAways == [.noError])

            let late = try HTTP2Client(proxy.connect())
            try late.wire.send([0, 0, 5])
            try late.readToEnd()
        }
    }

    @Test("a client that opens streams only to reset them is told to go, and then cut off")
    func rapidReset() throws {
        let backend = try Backend { wire, backend in
            while try wire.receive(through: "\r\n\r\n") != nil {}
        }
        try withProxy([backend.port]) { proxy in
            let client = try client(proxy)
            var isOver = false
            for _ in 0..<400 where !isOver {
                do {
                    let slot = try client.send(Self.request)
                    try client.reset(slot)
                } catch {
                    isOver = true
                }
            }
            try? client.readToEnd()
            #expect(client.goAways.contains(.enhanceYourCalm) || client.hasEnded)
            #expect(proxy.listener[.http2Resets] > 0)
            try waitUntil("all are over") { proxy.service[.inFlight] == 0 }
        }
    }

    // MARK: - The beginning

    @Test("in the clear it is spoken only where it may be, and only from the first byte")
    func beginnings() throws {
        let backend = try Backend.replying(response("ok"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            #expect(try client.get().text == "ok")
            try client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            #expect(try client.receiveResponse().status == 505)
        }
        try withProxy(
            [backend.port], { $0.listeners[0].policy.speaksHTTP2 = false }
        ) { proxy in
            let client = try proxy.connect()
            try client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            #expect(try client.receiveResponse().status == 505)
        }
    }
}
