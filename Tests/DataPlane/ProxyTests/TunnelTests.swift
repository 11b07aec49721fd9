// Goal: a client of HTTP/2 gets a WebSocket, or the tunnel of CONNECT, in a stream, as one of
// HTTP/1.1 gets it on its connection. Method: a backend that grants, refuses or ends the tunnel,
// and bytes both ways beside other streams.

import Backends
import Glibc
import HTTP1
import HTTP2
import Locking
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct TunnelTests {
    private static let fields = [
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
        (":path", "/chat"), (":authority", "a.test"), ("sec-websocket-version", "13"),
    ]
    private static let granted =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n"

    @Test("bytes go both ways, even those that came before the backend had granted the tunnel")
    func both() throws {
        let backend = try Backend.echoing(behind: Self.granted + "hello")
        try withProxy([backend.port]) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slot = try client.send(fields: Self.fields, endsStream: false)
            try client.send("early", in: slot, endsStream: false)
            try client.read { $0.answers[slot]?.text == "helloearly" }
            let isOffered = client.mayAskForWebSockets
            #expect(isOffered)
            let answer = client.answers[slot] ?? HTTP2Client.Answer()
            #expect(answer.status == 200 && answer.value("sec-websocket-protocol") == "chat")
            #expect(answer.value("sec-websocket-accept") == nil && answer.value("upgrade") == nil)
            let request = backend.requests[0]
            #expect(request.head.hasPrefix("GET /chat HTTP/1.1\r\nHost: a.test\r\n"))
            #expect(request.value("connection") == "upgrade")
            #expect(request.value("upgrade") == "websocket")
            #expect(request.value("sec-websocket-version") == "13")
            #expect(request.value("sec-websocket-key")?.utf8.count == 24)
            #expect(request.value("transfer-encoding") == nil)

            try client.send("\u{0}\u{1}more", in: slot, endsStream: false)
            try client.read { $0.answers[slot]?.text == "helloearly\u{0}\u{1}more" }
            #expect(proxy.service[.upgrades] == 1 && proxy.service[.inFlight] == 1)
            // Each side ends by itself.
            try client.send("last", in: slot, endsStream: true)
            let whole = try client.answer(slot)
            #expect(whole.isWhole && whole.text == "helloearly\u{0}\u{1}morelast")
            try waitUntil("the tunnel ends") { proxy.service[.inFlight] == 0 }
            #expect(proxy.backend(backend.port)[.open] == 0)
        }
    }

    @Test("two tunnels have keys that differ, on connections of their own, beside other requests")
    func two() throws {
        let backend = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                guard request.value("upgrade") != nil else {
                    try wire.send(response("plain"))
                    continue
                }
                try wire.send(Self.granted)
                try wire.echo()
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get().text == "plain")
            let slots = try (0..<2).map { _ in
                try client.send(fields: Self.fields, endsStream: false)
            }
            for slot in slots {
                try client.send("to \(slot)", in: slot, endsStream: false)
                try client.read { $0.answers[slot]?.text == "to \(slot)" }
            }
            #expect(try client.get().text == "plain")
            let keys = backend.requests.compactMap { $0.value("sec-websocket-key") }
            #expect(keys.count == 2 && keys[0] != keys[1])
            #expect(proxy.service[.upgrades] == 2)
        }
    }

    @Test("a large transfer keeps its bytes, and waits for a client that takes none")
    func bulk() throws {
        let total = 4 << 20
        let backend = try Backend { wire, backend in
            guard try backend.next(wire) != nil else { return }
            try wire.send(Self.granted)
            try wire.sendPattern(to: total)
        }
        try withProxy([backend.port]) { proxy in
            let client = try HTTP2Client(proxy.connect())
            client.givesBack = false
            let slot = try client.send(fields: Self.fields, endsStream: false)
            try client.read { $0.answers[slot]?.body.count == 65_535 }
            try client.giveBack(65_535, in: slot)
            client.givesBack = true
            let answer = try client.answer(slot)
            #expect(answer.body.count == total && answer.isWhole)
            #expect(Pattern.matches(answer.body, from: 0, count: total))
        }
    }

    @Test("a backend may answer without a tunnel, and the connection goes on")
    func declined() throws {
        let backend = try Backend.replying(response("no", "403 Forbidden"))
        try withProxy([backend.port]) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slot = try client.send(fields: Self.fields, endsStream: false)
            try client.send("early", in: slot, endsStream: false)
            let answer = try client.answer(slot)
            #expect(answer.status == 403 && answer.text == "no" && answer.isWhole)
            #expect(try client.get().text == "no")
            #expect(proxy.service[.upgrades] == 0)
            #expect(backend.requests.allSatisfy { $0.text.isEmpty })
        }
    }

    @Test("a switch to another protocol than the client's is no answer")
    func forged() throws {
        let answer = Self.granted.replacing("websocket", with: "other")
        let backend = try Backend.echoing(behind: answer)
        try withProxy([backend.port]) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slot = try client.send(fields: Self.fields, endsStream: false)
            #expect(try client.answer(slot).status == 502)
        }
    }

    @Test("a client that resets its stream ends the tunnel, and so does a backend that breaks off")
    func broken() throws {
        let ends = Locked<[Ending]>([])
        let backend = try Backend { wire, backend in
            guard let request = try backend.next(wire) else { return }
            try wire.send(Self.granted)
            if request.target == "/cut" {
                wire.reset()
            } else {
                let end = try wire.receiveToEnd().ending
                ends.withLock { $0.append(end) }
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slot = try client.send(fields: Self.fields, endsStream: false)
            try client.read { $0.answers[slot]?.status == 200 }
            try client.reset(slot)
            try waitUntil("the backend's connection is reset") { ends.withLock { $0 } == [.reset] }
            try waitUntil("it is over") { proxy.service[.inFlight] == 0 }

            var fields = Self.fields
            fields[3].1 = "/cut"
            let cut = try client.send(fields: fields, endsStream: false)
            #expect(try client.answer(cut).reset == .internalError)
        }
    }

    @Test("a tunnel in which nothing moves ends, and one in which bytes move does not")
    func idle() throws {
        let backend = try Backend.echoing(behind: Self.granted)
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.timeouts.tunnel = .milliseconds(300)
            options.listeners[0].policy.timeouts.stall = .milliseconds(100)
        } _: { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slot = try client.send(fields: Self.fields, endsStream: false)
            try client.read { $0.answers[slot]?.status == 200 }
            #expect(try client.answer(slot).reset == .internalError)
            try waitUntil("it is over") { proxy.service[.inFlight] == 0 }
        }
    }

    @Test("a WebSocket whose backend drains ends by a close frame, behind the frame that goes on")
    func parting() throws {
        // A text frame of five bytes, of which two come later, and another one behind it.
        let gate = Gate()
        let backend = try Backend { wire, backend in
            guard try backend.next(wire) != nil else { return }
            try wire.send(Array(Self.granted.utf8) + [0x81, 5] + Array("hel".utf8))
            gate.wait()
            try wire.send(Array("lo".utf8) + [0x81, 1, 0x78])
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slot = try client.send(fields: Self.fields, endsStream: false)
            try client.read { $0.answers[slot]?.body.count == 5 }
            proxy.workers.endStreams(to: [BackendID(rawValue: 0)], within: .zero)
            // Behind the order to end, which the worker has by then.
            usleep(300_000)
            gate.open()
            let answer = try client.answer(slot)
            #expect(answer.isWhole)
            #expect(answer.body == [0x81, 5] + Array("hello".utf8) + [0x88, 2, 3, 0xE9])
        }
    }

    @Test("without `upgrade` it is not offered, and a client that asks breaks the rules")
    func switchedOff() throws {
        let backend = try Backend.replying(response("plain"))
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.allowsUpgrade = false
        } _: { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get().text == "plain")
            let isOffered = client.mayAskForWebSockets
            #expect(!isOffered)
            let slot = try client.send(fields: Self.fields, endsStream: false)
            #expect(try client.answer(slot).reset == .protocolError)
            #expect(try client.get().text == "plain")
        }
    }

    @Test("CONNECT opens a tunnel where the listener allows it", arguments: [true, false])
    func connect(isAllowed: Bool) throws {
        let backend = try Backend { wire, _ in
            let head = try wire.receive(through: "\r\n\r\n") ?? ""
            #expect(head.hasPrefix("CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n"))
            try wire.send("HTTP/1.1 200 Connected\r\n\r\nhello")
            try wire.echo()
        }
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.allowsConnect = isAllowed
        } _: { proxy in
            let client = try HTTP2Client(proxy.connect())
            let slot = try client.send(
                fields: [(":method", "CONNECT"), (":authority", "b.test:443")], endsStream: false)
            guard isAllowed else {
                #expect(try client.answer(slot).status == 400)
                return
            }
            try client.send("bytes", in: slot, endsStream: true)
            let answer = try client.answer(slot)
            #expect(answer.status == 200 && answer.text == "hellobytes" && answer.isWhole)
        }
    }
}
