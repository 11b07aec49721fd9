// Goal: a client and a backend that agree on another protocol get a tunnel, and no others do.
// Method: a backend that grants, refuses or forges the switch, and bytes both ways.

import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct UpgradeTests {
    private static let request =
        "GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Key: x\r\n\r\n"
    private static let granted =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"

    @Test("bytes go both ways after the switch, even those that came with it")
    func tunnel() throws {
        let backend = try Backend.echoing(behind: Self.granted + "hello")
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            // The first frame may come with the request: it is the tunnel's, not a next request.
            try client.send(Self.request + "GET / HTTP/1.1\r\n\r\n")
            #expect(try client.receive(through: "\r\n\r\n") == Self.granted)
            #expect(
                try client.receive(exactly: 23) == Array("helloGET / HTTP/1.1\r\n\r\n".utf8))
            try client.send("\u{0}\u{1}frames")
            #expect(try client.receive(exactly: 8) == Array("\u{0}\u{1}frames".utf8))
            let head = backend.requests[0].head
            #expect(head.contains("Connection: upgrade\r\nUpgrade: websocket\r\n"))
            #expect(head.contains("Sec-WebSocket-Key: x\r\n"))
            #expect(proxy.service[.upgrades] == 1)
            #expect(proxy.service[.inFlight] == 1)
            client.endSending()
            #expect(try client.receiveToEnd() == ([], .end))
            try waitUntil("the tunnel ends") { proxy.service[.inFlight] == 0 }
            #expect(proxy.backend(backend.port)[.open] == 0)
        }
    }

    @Test("large transfers keep their bytes and their order")
    func bulk() throws {
        let total = 8 << 20
        let backend = try Backend { wire, backend in
            guard try backend.next(wire) != nil else { return }
            try wire.send(Self.granted)
            try wire.sendPattern(to: total)
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(Self.request)
            _ = try client.receive(through: "\r\n\r\n")
            #expect(try client.receivePattern(to: total) == total)
        }
    }

    @Test("a backend may answer without switching, and the connection goes on")
    func declined() throws {
        let backend = try Backend.replying(response("no"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send(Self.request)
                #expect(try client.receiveResponse().text == "no")
            }
            #expect(backend.connections == 1)
            #expect(proxy.service[.upgrades] == 0)
        }
    }

    @Test(
        "a switch that the client did not ask for is no answer",
        arguments: [
            (
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
            ),
            (request, "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n"),
            (request, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n"),
            (request, "HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n"),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, HTTP2-Settings\r\n"
                    + "Upgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
                "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
            ),
            (
                "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
                granted
            ),
        ])
    func forged(_ request: String, _ answer: String) throws {
        let backend = try Backend.echoing(behind: answer)
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(request)
            #expect(try client.receiveResponse().status == 502)
            #expect(proxy.service[.upgrades] == 0)
        }
    }

    @Test(
        "a request with a body is passed on whole, and the switch follows its body",
        arguments: [
            ("GET", "Content-Length: 0", "", ""), ("POST", "Content-Length: 0", "", ""),
            ("POST", "Content-Length: 5", "hello", "hello"),
            (
                "POST", "Transfer-Encoding: chunked",
                "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"
            ),
            ("POST", "Transfer-Encoding: chunked", "0\r\n\r\n", ""),
        ],
        [
            "Connection: Upgrade\r\nUpgrade: websocket",
            "Upgrade: websocket\r\nConnection: UPGRADE",
            "Connection: keep-alive, upgrade\r\nUpgrade: h2c, websocket",
            "Upgrade: h2c\r\nconnection: upgrade\r\nUpgrade: websocket",
        ])
    func withBody(
        _ request: (method: String, framing: String, wire: String, body: String), _ fields: String
    ) throws {
        let backend = try Backend.echoing(behind: Self.granted)
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "\(request.method) /exec HTTP/1.1\r\nHost: a.test\r\n\(request.framing)\r\n"
                    + "\(fields)\r\n\r\n\(request.wire)early")
            #expect(try client.receive(through: "\r\n\r\n") == Self.granted)
            #expect(try client.receive(exactly: 5) == Array("early".utf8))
            #expect(backend.requests[0].text == request.body)
            #expect(backend.requests[0].value("upgrade") == "websocket")
            #expect(backend.requests[0].value("connection") == "upgrade")
            #expect(proxy.service[.upgrades] == 1)
        }
    }

    @Test("a switch that is granted before the request is whole waits for its end")
    func grantedEarly() throws {
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "\r\n\r\n")
            try wire.send(Self.granted + "hello")
            try wire.echo()
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                    + "Content-Length: 4\r\n\r\nab")
            try waitUntil("the switch is here") { proxy.backend(backend.port)[.bytesReceived] > 0 }
            #expect(!client.hasInput)
            try client.send("cd-frames")
            #expect(try client.receive(through: "\r\n\r\n") == Self.granted)
            #expect(try client.receive(exactly: 16) == Array("helloabcd-frames".utf8))
        }
    }

    @Test(
        "426 keeps what it wants the client to switch to, and nothing else does",
        arguments: [
            (426, "Upgrade: websocket\r\nConnection: upgrade", ["websocket"]),
            (426, "Upgrade: websocket", ["websocket"]),
            (426, "Connection: Upgrade\r\nupgrade: a/1, b\r\nUpgrade: c", ["a/1, b", "c"]),
            (426, "X: 1", []), (200, "Upgrade: h2,h2c\r\nConnection: Upgrade", []),
        ])
    func required(status: Int, fields: String, wanted: [String]) throws {
        let backend = try Backend.replying(response("", "\(status) S", fields + "\r\n"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            let kept = try client.get()
            #expect(kept.status == status && kept.values("upgrade") == wanted)
            #expect(kept.value("connection") == (wanted.isEmpty ? nil : "upgrade"))
            let last = try client.get("/", "Connection: close\r\n")
            #expect(last.values("upgrade") == wanted)
            #expect(last.value("connection") == (wanted.isEmpty ? "close" : "upgrade, close"))
        }
    }

    @Test("a listener that allows no switch passes no offer on")
    func switchedOff() throws {
        let backend = try Backend.replying(response("plain"))
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.allowsUpgrade = false
        } _: { proxy in
            let client = try proxy.connect()
            try client.send(Self.request)
            #expect(try client.receiveResponse().text == "plain")
            #expect(!backend.requests[0].head.lowercased().contains("upgrade"))
        }
    }

    @Test("a silent tunnel ends")
    func idle() throws {
        let backend = try Backend.echoing(behind: Self.granted)
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.timeouts.tunnel = .milliseconds(300)
        } _: { proxy in
            let client = try proxy.connect()
            try client.send(Self.request)
            _ = try client.receive(through: "\r\n\r\n")
            #expect(try client.receiveToEnd() == ([], .reset))
            #expect(proxy.service[.timeouts] == 1)
        }
    }

    @Test("the last hop that may see an OPTIONS or TRACE answers it itself")
    func maxForwards() throws {
        let backend = try Backend.replying(response("far"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            func ask(_ method: String, _ hops: Int) throws -> Message {
                try client.send(
                    "\(method) / HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: \(hops)\r\n\r\n")
                return try client.receiveResponse()
            }
            let options = try ask("OPTIONS", 0)
            #expect(options.status == 200)
            #expect(options.text == "" && options.value("allow") == "")
            #expect(try ask("TRACE", 0).status == 405)
            #expect(try ask("OPTIONS", 5).text == "far")
            #expect(try ask("GET", 0).text == "far")
            #expect(backend.requests.map { $0.value("max-forwards") } == ["4", "0"])
        }
    }
}
