// Goal: a slow client gets all of its answer, however the connection ends after it, and a stop
// waits for that within its limit. Method: clients with small buffers that pause for longer than a
// connection is kept for a client that has everything (2 s).

import Glibc
import HTTP1
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct EndTests {
    /// Why a connection ends after an answer.
    enum Reason: String, CaseIterable, CustomTestStringConvertible {
        case untilClose, dechunked, early, clientCloses, idle, drained, drainedByClose

        var testDescription: String { rawValue }

        var request: String {
            switch self {
            case .dechunked: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            case .early: "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\n"
            case .clientCloses, .drainedByClose:
                "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
            default: "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
            }
        }

        func head(_ total: Int) -> String {
            switch self {
            case .untilClose: "HTTP/1.1 200 OK\r\n\r\n"
            case .dechunked:
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                    + "chunked\r\n\r\n\(String(total, radix: 16))\r\n"
            case .early: "HTTP/1.1 413 Too Large\r\nContent-Length: \(total)\r\n\r\n"
            default: "HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n"
            }
        }

        var isDrained: Bool { self == .drained || self == .drainedByClose }
    }

    private func backend(_ reason: Reason, _ total: Int) throws -> Backend {
        try Backend { wire, backend in
            _ = try wire.receive(through: "\r\n\r\n")
            try wire.send(reason.head(total))
            try wire.sendPattern(to: total)
            if reason == .dechunked { try wire.send("\r\n0\r\n\r\n") }
            if reason != .untilClose { _ = try wire.receiveToEnd() }
        }
    }

    @Test(
        "a client that pauses gets all of its answer", arguments: Reason.allCases,
        [1 << 20, 12 << 20])
    func pause(reason: Reason, total: Int) throws {
        let backend = try backend(reason, total)
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.timeouts.stall = .seconds(20)
            options.listeners[0].policy.timeouts.idle = .milliseconds(200)
        } _: { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            try client.send(reason.request)
            let head = try #require(try client.receive(through: "\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 \(reason == .early ? 413 : 200)"))
            if reason.isDrained { proxy.workers.drain(limit: .seconds(25)) }
            usleep(3_000_000)
            #expect(try client.receivePattern(to: total) == total)
            #expect(try client.receiveToEnd().ending == .end)
            client.close()
            if reason.isDrained { try proxy.awaitFinish() }
            #expect(proxy.service[.clientAborts] == 0)
        }
    }

    @Test("a client that takes nothing of its last answer is reset, within the time of a stall")
    func stall() throws {
        let backend = try backend(.untilClose, 1 << 20)
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.timeouts.stall = .milliseconds(500)
        } _: { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            try client.send(Reason.untilClose.request)
            try waitUntil("the connection is given up") {
                proxy.service[.requests] == 1 && proxy.listener[.open] == 0
            }
            #expect(try client.receiveToEnd().ending == .reset)
        }
    }

    @Test("a stop waits for a client that takes its last answer, but only up to its limit")
    func stopLimit() throws {
        let backend = try backend(.untilClose, 1 << 20)
        try withProxy([backend.port]) { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            try client.send(Reason.untilClose.request)
            try waitUntil("the answer is passed on") {
                proxy.service[.requests] == 1 && proxy.service[.inFlight] == 0
            }
            proxy.workers.drain(limit: .milliseconds(300))
            try proxy.awaitFinish()
            // The kernel goes on with what it has.
            _ = try client.receive(through: "\r\n\r\n")
            #expect(try client.receivePattern(to: 1 << 20) == 1 << 20)
            #expect(try client.receiveToEnd().ending == .end)
        }
    }

    @Test("what came of a response that its backend cuts short reaches a slow client, then a reset")
    func cutShort() throws {
        let total = 12 << 20
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(total + 1)\r\n\r\n")
            try wire.sendPattern(to: total)
        }
        try withProxy([backend.port]) { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try client.receive(through: "\r\n\r\n")
            usleep(500_000)
            #expect(try client.receivePattern(to: total) == total)
            #expect(try client.receiveToEnd() == ([], .reset))
            #expect(proxy.service[.cutShort] == 1)
        }
    }

    @Test(
        "a stream that one side breaks off reaches a slow other side, then a reset"
    )
    func relayCut() throws {
        let total = 12 << 20
        let received = Gate()
        let backend = try Backend { wire, backend in
            let isSender = try wire.receive(exactly: 1) == Array("s".utf8)
            if isSender {
                try wire.sendPattern(to: total)
                usleep(300_000)
                wire.reset()
            } else {
                usleep(500_000)
                if try wire.receivePattern(to: total) == total,
                    try wire.receiveToEnd().ending == .reset
                {
                    received.open()
                }
            }
        }
        try withProxy([backend.port], mode: .tcp) { proxy in
            let reader = try Wire(to: proxy.port, receiveBytes: 65_536)
            try reader.send("s")
            usleep(500_000)
            // A reset may overtake what its own side had not sent yet, never what came before.
            let (bytes, ending) = try reader.receiveToEnd()
            #expect(ending == .reset)
            #expect((1...total).contains(bytes.count))
            #expect(Pattern.matches(bytes, from: 0, count: bytes.count))
            let writer = try proxy.connect()
            try writer.send("r")
            try writer.sendPattern(to: total)
            try waitUntil("all is passed on") { proxy.service[.bytesFromClients] == total + 2 }
            writer.reset()
            received.wait()
        }
    }

    @Test(
        "a client that takes a little now and then gets everything, however late that shows",
        arguments: ["http", "tcp"])
    func trickle(mode: String) throws {
        let total = 12 << 20
        let backend = try Backend { wire, backend in
            if mode == "http" {
                _ = try backend.next(wire)
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            } else {
                try wire.send("x\r\n\r\n")
            }
            try wire.sendPattern(to: total)
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port], mode: mode == "http" ? .http : .tcp) { options in
            options.listeners[0].policy.timeouts.stall = .milliseconds(600)
            options.listeners[0].policy.timeouts.tunnel = .milliseconds(600)
        } _: { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            if mode == "http" { try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n") }
            _ = try client.receive(through: "\r\n\r\n")
            var count = 0
            // Too slow for 3 s for a write event, and never as slow as a stall.
            for _ in 0..<30 {
                usleep(100_000)
                let more = count + 40_000
                count = try client.receivePattern(from: count, to: more)
                try #require(count == more)
            }
            #expect(try client.receivePattern(from: count, to: total) == total)
        }
    }
}
