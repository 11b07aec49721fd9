// Goal: streams that have to end do so one by one, with everything that came before, and with a
// close frame where there is one; a vanished host is noticed, and one that only does not read is
// left alone. Method: streams of each kind; a vanished host is a socket whose kernel drops all that
// comes in.

import Backends
import Glibc
import HTTP1
import Locking
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct StreamEndTests {
    private static let first = [BackendID(rawValue: 0)]
    private static let goodbye: [UInt8] = [0x88, 0x02, 0x03, 0xE9]

    /// A frame from a server, with a payload of zeros.
    private static func frame(_ count: Int) -> [UInt8] {
        var head: [UInt8] = [0x82]
        switch count {
        case ..<126: head.append(UInt8(count))
        case ..<65_536: head += [126, UInt8(count >> 8), UInt8(count & 0xFF)]
        default: head += [127] + (0..<8).map { UInt8(count >> (56 - 8 * $0) & 0xFF) }
        }
        return head + [UInt8](repeating: 0, count: count)
    }

    /// A backend that switches to WebSocket and then runs a script.
    private func webSocket(_ script: @escaping @Sendable (Wire) throws -> Void) throws -> Backend {
        try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                    + "websocket\r\n\r\n"
            )
            try script(wire)
        }
    }

    private func upgraded(_ proxy: RunningProxy) throws -> Wire {
        let client = try proxy.connect()
        try client.send(
            "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        let head = try #require(try client.receive(through: "\r\n\r\n"))
        #expect(head.hasPrefix("HTTP/1.1 101"))
        return client
    }

    @Test("a WebSocket between two frames is closed by a close frame and FIN")
    func politeEnd() throws {
        let frames = [0, 1, 125, 126, 65_535, 65_536, 300_000].flatMap { Self.frame($0) }
        let ending = Locked<Ending?>(nil)
        let backend = try webSocket { wire in
            // In pieces that end anywhere.
            for start in stride(from: 0, to: frames.count, by: 7919) {
                try wire.send(Array(frames[start..<min(frames.count, start + 7919)]))
            }
            let end = try wire.receiveToEnd().ending
            ending.withLock { $0 = end }
        }
        try withProxy([backend.port]) { proxy in
            let client = try upgraded(proxy)
            #expect(try client.receive(exactly: frames.count) == frames)
            proxy.workers.endStreams(to: Self.first, within: .zero)
            #expect(try client.receiveToEnd() == (Self.goodbye, .end))
            client.close()
            try waitUntil("the backend's connection ends") { ending.withLock { $0 != nil } }
            #expect(ending.withLock { $0 } == .end)
            #expect(proxy.service[.expired] == 1)
            #expect(proxy.backend(backend.port)[.failures] == 0)
        }
    }

    @Test("a WebSocket within a frame ends with that frame, and nothing behind it is passed on")
    func withinFrame() throws {
        let frame = Self.frame(1000)
        let gate = Gate()
        let backend = try webSocket { wire in
            try wire.send(Array(frame[..<500]))
            gate.wait()
            try wire.send(Array(frame[500...]) + frame)
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { proxy in
            let client = try upgraded(proxy)
            #expect(try client.receive(exactly: 500) == Array(frame[..<500]))
            proxy.workers.endStreams(to: Self.first, within: .zero)
            // Behind the order to end, which the worker has by then.
            usleep(300_000)
            gate.open()
            let rest = try client.receiveToEnd()
            #expect(rest == (Array(frame[500...]) + Self.goodbye, .end))
        }
    }

    @Test("a frame that does not end is cut after a moment, and other protocols at once")
    func cutEnd() throws {
        let backend = try webSocket { wire in
            try wire.send(Array(Self.frame(1000)[..<500]))
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { proxy in
            let client = try upgraded(proxy)
            _ = try client.receive(exactly: 500)
            proxy.workers.endStreams(to: Self.first, within: .zero)
            #expect(try client.receiveToEnd() == ([], .reset))
        }
    }

    @Test("bytes that the proxy has received reach the slow client before the end")
    func unsentFirst() throws {
        let backend = try Backend { wire, _ in try wire.sendPattern(to: 64 << 20) }
        try withProxy([backend.port], mode: .tcp) { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            var last = -1
            try waitUntil("the client stops it") {
                defer { last = proxy.service[.bytesToClients] }
                usleep(50_000)
                return last > 0 && last == proxy.service[.bytesToClients]
            }
            proxy.workers.endStreams(to: Self.first, within: .zero)
            try waitUntil("the stream is over") { proxy.service[.inFlight] == 0 }
            let taken = proxy.service[.bytesToClients]
            #expect(try client.receivePattern(to: taken) == taken)
            #expect(try client.receiveToEnd() == ([], .reset))
        }
    }

    @Test("the ends of many streams are spread over the given time")
    func spread() throws {
        let backend = try Backend { wire, _ in _ = try wire.receiveToEnd() }
        try withProxy([backend.port], mode: .tcp) { proxy in
            let clients = try (0..<40).map { _ in try proxy.connect() }
            try waitUntil("all are there") { proxy.backend(backend.port)[.dials] == clients.count }
            proxy.workers.endStreams(to: Self.first, within: .seconds(3))
            var ended: [Int: Int] = [:]
            try waitUntil("all have ended") {
                let over = clients.count(where: \.hasInput)
                ended[over, default: 0] += 1
                usleep(20_000)
                return over == clients.count
            }
            // How many states between none and all were seen: one instant would leave none.
            #expect(ended.keys.filter { $0 > 0 && $0 < clients.count }.count > 5, "\(ended)")
            #expect(proxy.service[.expired] == clients.count)
        }
    }

    @Test(
        "an event stream ends when its time is over, or its backend drains",
        arguments: [true, false])
    func events(byLimit: Bool) throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na: b\r\n")
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { options in
            if byLimit { options.listeners[0].policy.timeouts.responseMax = .milliseconds(500) }
        } _: { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try client.receive(through: "a: b\r\n")
            if !byLimit { proxy.workers.endStreams(to: Self.first, within: .milliseconds(100)) }
            // No last chunk: the framing shows that it was cut.
            #expect(try client.receiveToEnd() == ([], .end))
            client.close()
            try waitUntil("it is counted") { proxy.service[.expired] == 1 }
            #expect(proxy.service[.cutShort] == 0)
            #expect(proxy.service[.failed] == 0)
            #expect(proxy.backend(backend.port)[.failures] == 0)
        }
    }

    @Test("a download whose length is known goes on while its backend drains")
    func download() throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            gate.wait()
            try wire.send("cd")
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try client.receive(through: "ab")
            proxy.workers.endStreams(to: Self.first, within: .zero)
            usleep(300_000)
            gate.open()
            #expect(try client.receive(exactly: 2) == Array("cd".utf8))
        }
    }

    /// Streams end 400 ms before it at the latest: a busy machine must not be later than that.
    private static let stop = Duration.seconds(12)

    @Test("a stop ends streams before its limit, one by one")
    func stop() throws {
        let backend = try webSocket { wire in _ = try wire.receiveToEnd() }
        try withProxy([backend.port]) { proxy in
            let client = try upgraded(proxy)
            proxy.workers.drain(limit: Self.stop)
            #expect(try client.receiveToEnd() == (Self.goodbye, .end))
            client.close()
            try proxy.awaitFinish()
        }
    }

    @Test("a stream that begins while the process stops is ended before the limit as well")
    func begunInStop() throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            gate.wait()
            try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na: b\r\n")
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the request is there") { backend.requests.count == 1 }
            proxy.workers.drain(limit: Self.stop)
            usleep(300_000)
            gate.open()
            _ = try client.receive(through: "a: b\r\n")
            #expect(try client.receiveToEnd() == ([], .end))
            client.close()
            try proxy.awaitFinish()
        }
    }

    // MARK: - Hosts that vanish

    @Test("a stream whose backend's host vanishes ends, though its client goes on sending")
    func vanishedBackend() throws {
        let backend = try Backend { wire, _ in
            _ = try wire.receive(exactly: 1)
            try wire.send("x")
            wire.vanish()
            Gate().wait()
        }
        try withProxy([backend.port], mode: .tcp) { options in
            options.listeners[0].policy.timeouts.vanished = .milliseconds(1200)
        } _: { proxy in
            let client = try proxy.connect()
            try client.send("a")
            _ = try client.receive(exactly: 1)
            usleep(100_000)
            try waitUntil("the stream ends") {
                if !client.hasInput { try? client.send("b") }
                usleep(50_000)
                return client.hasInput
            }
            #expect(proxy.backend(backend.port)[.failures] == 1)
        }
    }

    @Test(
        "an idle stream ends when the host of either side has vanished",
        arguments: [true, false])
    func vanishedIdle(isBackend: Bool) throws {
        let over = Gate()
        let backend = try Backend { wire, _ in
            try wire.send("x")
            if isBackend {
                wire.vanish()
                Gate().wait()
            } else {
                _ = try wire.receiveToEnd()
                over.open()
            }
        }
        try withProxy([backend.port], mode: .tcp) { options in
            options.listeners[0].policy.timeouts.vanished = .seconds(1)
        } _: { proxy in
            let client = try proxy.connect()
            _ = try client.receive(exactly: 1)
            if isBackend {
                #expect(try client.receiveToEnd().ending == .reset)
            } else {
                client.vanish()
                over.wait()
            }
            try waitUntil("the stream is over") { proxy.service[.inFlight] == 0 }
        }
    }

    @Test("an event stream ends when its client's host has vanished")
    func vanishedReader() throws {
        let over = Gate()
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while (try? wire.send("1\r\nx\r\n")) != nil, !wire.hasInput { usleep(50_000) }
            over.open()
        }
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.timeouts.vanished = .seconds(1)
            options.listeners[0].policy.timeouts.stall = .seconds(1)
        } _: { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try client.receive(through: "x\r\n")
            client.vanish()
            over.wait()
            try waitUntil("the client is gone") { proxy.listener[.open] == 0 }
        }
    }

    @Test("a client that only does not read is not taken for a vanished one")
    func pausedReader() throws {
        let total = 12 << 20
        let backend = try Backend { wire, _ in
            try wire.sendPattern(to: total)
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port], mode: .tcp) { options in
            options.listeners[0].policy.timeouts.vanished = .seconds(1)
        } _: { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            usleep(4_000_000)
            #expect(try client.receivePattern(to: total) == total)
        }
    }
}
