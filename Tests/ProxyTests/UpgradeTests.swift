// Goal: a client and a backend that agree on another protocol get a tunnel, and nobody else does.
// Method: a backend that grants, refuses or forges the switch, and bytes both ways.

import Proxy
import Stats
import TestSupport
import Testing

@Suite struct UpgradeTests {
    private static let request =
        "GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Key: x\r\n\r\n"
    private static let granted =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"

    /// Grants the switch, then sends back what it gets.
    private func echoing(_ answer: String = granted) throws -> Backend {
        try Backend { wire, backend in
            guard try backend.next(wire) != nil else { return }
            try wire.send(answer)
            while true {
                let more = try wire.receive()
                if more.isEmpty { return }
                try wire.send(more)
            }
        }
    }

    @Test("bytes go both ways after the switch, also those that came with it")
    func tunnel() throws {
        let backend = try echoing(Self.granted + "hello")
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
            #expect(proxy.service.upgrades == 1)
            #expect(proxy.service.inFlight == 1)
            client.endSending()
            #expect(try client.receiveToEnd() == ([], .end))
            try waitUntil("the tunnel ends") { proxy.service.inFlight == 0 }
            #expect(proxy.backend(backend.port).open == 0)
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
            #expect(proxy.service.upgrades == 0)
        }
    }

    @Test(
        "a switch that was not asked for is no answer",
        arguments: [
            (
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
            ),
            (request, "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n"),
            (request, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n"),
            (request, "HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n"),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                    + "Content-Length: 1\r\n\r\nx", granted
            ),
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
        let backend = try echoing(answer)
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(request)
            #expect(try client.receiveResponse().status == 502)
            #expect(proxy.service.upgrades == 0)
        }
    }

    @Test("a listener that allows no switch passes none on")
    func switchedOff() throws {
        let backend = try Backend.replying(response("plain"))
        try withProxy([backend.port]) { options in
            options.listeners[0].allowsUpgrade = false
        } _: { proxy in
            let client = try proxy.connect()
            try client.send(Self.request)
            #expect(try client.receiveResponse().text == "plain")
            #expect(!backend.requests[0].head.lowercased().contains("upgrade"))
        }
    }

    @Test("a silent tunnel ends")
    func idle() throws {
        let backend = try echoing()
        try withProxy([backend.port]) { options in
            options.listeners[0].timeouts.tunnel = .milliseconds(300)
        } _: { proxy in
            let client = try proxy.connect()
            try client.send(Self.request)
            _ = try client.receive(through: "\r\n\r\n")
            #expect(try client.receiveToEnd() == ([], .reset))
            #expect(proxy.service.timeouts == 1)
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
