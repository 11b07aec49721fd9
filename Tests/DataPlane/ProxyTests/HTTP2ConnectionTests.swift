// Goal: connections of HTTP/2 are made as they are needed, and given up when they are not; what a
// backend refuses goes elsewhere; what fails on one stream harms no other. Method: backends that
// decide on every frame.

import HTTP1
import HTTP2
import Locking
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct HTTP2ConnectionTests {
    private static let get = "GET /a?b HTTP/1.1\nHost: a.test"

    // MARK: - Connections

    @Test("until a backend has said what it allows it gets one request, and then as many as that")
    func settings() throws {
        let gate = Gate()
        let counts = Locked<[Int]>([])
        let backend = try Backend.playingHTTP2(streams: 3, begins: false) { server, backend in
            var slots: [Int] = []
            guard let first = try server.next() else { return }
            slots.append(first.slot)
            gate.wait()
            try server.begin()
            while slots.count < 3, let request = try server.next() { slots.append(request.slot) }
            counts.withLock { $0.append(slots.count) }
            for slot in slots { try server.answer(slot, "HTTP/1.1 200 OK", "ok") }
            while let request = try server.next() {
                try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
            }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slots = try (0..<3).map { _ in try client.send(Self.get) }
            try waitUntil("all are there") { proxy.service[.inFlight] == 3 }
            gate.open()
            for slot in slots { #expect(try client.answer(slot).text == "ok") }
            #expect(counts.withLock { $0 }.contains(3))
        }
    }

    @Test("another connection is made when most of the streams of one are in use")
    func anotherConnection() throws {
        let gate = Gate()
        let backend = try Backend.playingHTTP2(streams: 4) { server, backend in
            while let request = try server.next() {
                backend.record(request.message)
                if request.message.target == "/wait" { gate.wait() }
                try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
            }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get().text == "ok")
            let slots = try (0..<9).map { _ in
                try client.send("GET /wait HTTP/1.1\nHost: a.test")
            }
            try waitUntil("there are three") { backend.connections == 3 }
            gate.open()
            for slot in slots { #expect(try client.answer(slot).text == "ok") }
            #expect(backend.connections == 3)
        }
    }

    @Test("a request that waits for a stream may leave, and harms nobody")
    func leavesWhileWaiting() throws {
        let gate = Gate()
        let backend = try Backend.playingHTTP2(begins: false) { server, backend in
            guard let first = try server.next() else { return }
            gate.wait()
            try server.begin()
            try server.answer(first.slot, "HTTP/1.1 200 OK", "ok")
            while let request = try server.next() {
                backend.record(request.message)
                try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
            }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let first = try client.send(Self.get)
            let gone = try client.send("GET /gone HTTP/1.1\nHost: a.test")
            let last = try client.send("GET /last HTTP/1.1\nHost: a.test")
            try waitUntil("all are there") { proxy.service[.inFlight] == 3 }
            try client.reset(gone)
            try waitUntil("one has left") { proxy.service[.inFlight] == 2 }
            gate.open()
            for slot in [first, last] { #expect(try client.answer(slot).text == "ok") }
            #expect(backend.requests.map(\.target) == ["/last"])
        }
    }

    @Test("all that wait for a connection learn that it can't be made, which counts once")
    func refusedDial() throws {
        let port = try RefusingPort()
        try withProxy([port.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slots = try (0..<5).map { _ in try client.send(Self.get) }
            for slot in slots { #expect(try client.answer(slot).status == 503) }
            try proxy.awaitReports { !proxy.reportedPorts.isEmpty }
            #expect(proxy.backend(port.port)[.dialFailures] < 5)
        }
    }

    @Test("an unused connection is closed when its time is over, with a word")
    func idle() throws {
        let goodbyes = Locked(0)
        let backend = try Backend.playingHTTP2 { server, backend in
            while let request = try server.next() { try server.answer(request.slot) }
            if server.hasGoneAway { goodbyes.withLock { $0 += 1 } }
        }
        try withProxy(
            [backend.port],
            {
                byHTTP2(&$0)
                $0.services[0].policy.timeouts.idle = .milliseconds(300)
            }
        ) { proxy in
            #expect(try ask(proxy, by: "1.1", Self.get).status == 200)
            try waitUntil("it is closed") { goodbyes.withLock { $0 } == 1 }
            #expect(try ask(proxy, by: "1.1", Self.get).status == 200)
            #expect(backend.connections == 2)
        }
    }

    // MARK: - What a backend refuses

    @Test("a request that a backend refuses goes elsewhere, whatever its method")
    func refusedStream() throws {
        let refusing = try Backend.answeringHTTP2 { server, request in
            try server.reset(request.slot, .refusedStream)
        }
        let serving = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK", request.message.text)
        }
        try withProxy([refusing.port, serving.port], byHTTP2) { proxy in
            for _ in 0..<4 {
                let post = "POST / HTTP/1.1\nHost: a.test\nContent-Length: 3"
                let answer = try ask(proxy, by: "2", post, "abc")
                #expect(answer.text == "abc")
            }
            #expect(proxy.service[.refusedStreams] >= 2)
            #expect(proxy.service[.failed] == 0)
        }
    }

    @Test("a backend that refuses always gets a request twice, and the client an answer")
    func refusesAlways() throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.reset(request.slot, .refusedStream)
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let answer = try ask(proxy, by: "1.1", Self.get)
            #expect(answer.status == 502)
            #expect(backend.requests.count <= 2)
        }
    }

    @Test("what a backend leaves when it says GOAWAY goes elsewhere; what it has begun goes on")
    func goAway() throws {
        let gate = Gate()
        let leaving = try Backend.playingHTTP2 { server, backend in
            guard let first = try server.next() else { return }
            backend.record(first.message)
            guard let second = try server.next(), second.slot != first.slot else { return }
            try server.goAway(last: 1)
            gate.wait()
            try server.answer(first.slot, "HTTP/1.1 200 OK", "old")
            try server.read { $0.hasEnded }
        }
        let other = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK", "new")
        }
        try withProxy([leaving.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let first = try client.send("POST /1 HTTP/1.1\nHost: a.test\nContent-Length: 1", "a")
            try waitUntil("it is there") { leaving.requests.count == 1 }
            proxy.publish([leaving.port, other.port])
            // The rotation is known to those that connect from now on.
            try proxy.connect().close()
            var slots: [Int] = []
            for _ in 0..<2 {
                slots.append(
                    try client.send("POST /2 HTTP/1.1\nHost: a.test\nContent-Length: 1", "a"))
            }
            for slot in slots { #expect(try client.answer(slot).text == "new") }
            gate.open()
            #expect(try client.answer(first).text == "old")
            #expect(proxy.service[.failed] == 0)
        }
    }

    @Test("a backend that says GOAWAY after each request gets a new connection for the next")
    func goesAwayAlways() throws {
        let backend = try Backend.playingHTTP2 { server, backend in
            guard let request = try server.next() else { return }
            try server.goAway()
            try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
            try server.read { $0.hasEnded }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            for count in 1...3 {
                let answer = try ask(proxy, by: "1.1", Self.get)
                #expect(answer.text == "ok")
                #expect(backend.connections == count)
            }
            #expect(proxy.service[.failed] == 0)
        }
    }

    // MARK: - What fails

    @Test("a stream that the backend resets is an answer that failed, and harms no other")
    func reset() throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            switch request.message.target {
            case "/early": try server.reset(request.slot, .internalError)
            case "/late":
                try server.answer(request.slot, "HTTP/1.1 200 OK", "part", endsStream: false)
                try server.reset(request.slot, .internalError)
            default: try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
            }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get("GET /early HTTP/1.1\nHost: a.test").status == 502)
            let late = try client.get("GET /late HTTP/1.1\nHost: a.test")
            #expect(late.status == 200 && late.text == "part" && !late.isWhole)
            #expect(try client.get().text == "ok")
            #expect(backend.connections == 1)
            #expect(proxy.service[.backendErrors] == 1 && proxy.service[.cutShort] == 1)
        }
    }

    @Test("a broken connection fails what is under way on it; what may be repeated goes elsewhere")
    func broken() throws {
        let breaking = try Backend.playingHTTP2 { server, backend in
            while let request = try server.next() {
                backend.record(request.message)
                if backend.requests.count == 2 { return }
            }
        }
        let serving = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
        }
        try withProxy([breaking.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let post = try client.send("POST / HTTP/1.1\nHost: a.test\nContent-Length: 1", "a")
            try waitUntil("it is there") { breaking.requests.count == 1 }
            proxy.publish([breaking.port, serving.port])
            try proxy.connect().close()
            let first = try client.send(Self.get)
            let second = try client.send(Self.get)
            #expect(try client.answer(first).text == "ok")
            #expect(try client.answer(second).text == "ok")
            #expect(try client.answer(post).status == 502)
        }
    }

    @Test("a backend that speaks HTTP/1.1 alone is not connected to, and it is said why")
    func notHTTP2() throws {
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "\r\n\r\n")
            try wire.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let answer = try ask(proxy, by: "1.1", Self.get)
            #expect(answer.status == 502 && answer.text.contains("not HTTP"), "\(answer.text)")
            try proxy.awaitReports { proxy.reportedPorts == [backend.port] }
            #expect(proxy.service[.http2Faults] >= 1)
        }
    }

    @Test(
        "a response that breaks the rules is no answer, and harms no other",
        arguments: [
            [(":status", "101")], [(":status", "20")], [("x-a", "b")],
            [(":status", "200"), ("X-A", "b")], [(":status", "200"), ("connection", "close")],
            [(":status", "200"), ("x-a", "b\r\nc: d")], [(":status", "200"), (":path", "/")],
            [(":status", "200"), ("content-length", "5")],
            [(":status", "200"), ("content-length", "0"), ("content-length", "1")],
        ])
    func malformed(fields: [(name: String, value: String)]) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            guard request.message.target == "/bad" else {
                return try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
            }
            try server.send(request.slot, fields: fields, endsStream: true)
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get("GET /bad HTTP/1.1\nHost: a.test").status == 502)
            #expect(try client.get().text == "ok")
            #expect(backend.connections == 1 && proxy.service[.http2Faults] == 1)
        }
    }

    @Test("less or more content than was declared is cut short", arguments: ["ab", "abcd"])
    func wrongLength(body: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK\nContent-Length: 3", body)
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let answer = try client.get()
            #expect(!answer.isWhole && answer.reset != nil)
            #expect(proxy.service[.cutShort] + proxy.service[.backendErrors] == 1)
        }
    }

    @Test("a client that leaves has its stream cancelled, and no other")
    func cancelled() throws {
        let codes = Locked<[HTTP2ErrorCode]>([])
        let backend = try Backend.playingHTTP2 { server, backend in
            guard let first = try server.next() else { return }
            try server.answer(first.slot, "HTTP/1.1 200 OK", "part", endsStream: false)
            try server.read { $0.resets[first.slot] != nil }
            codes.withLock { $0 += Array(server.resets.values) }
            while let request = try server.next() {
                try server.answer(request.slot, "HTTP/1.1 200 OK", "ok")
            }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let wire = try proxy.connect()
            try wire.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try wire.receive(through: "part")
            wire.close()
            try waitUntil("it is cancelled") { codes.withLock { $0 } == [.cancel] }
            #expect(try ask(proxy, by: "1.1", Self.get).text == "ok")
            #expect(backend.connections == 1)
        }
    }
}
