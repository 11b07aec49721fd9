// Goal: whatever writes to a client that does not read comes to a stop, holds at most a buffer, and
// goes on when the client reads. Method: a producer for each way of writing, which counts what it
// has written; that has to stop far below what it could write.

import Glibc
import HTTP1
import Locking
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct StalledClientTests {
    /// A way in which bytes get to a client.
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case interim, length, chunked, close, dechunked, upgrade, connect, ownAnswers, errorAnswers

        var testDescription: String { rawValue }

        /// What the client sends before it stops reading.
        var request: String {
            switch self {
            case .dechunked: "GET / HTTP/1.0\r\n\r\n"
            case .upgrade:
                "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
            case .connect: "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n"
            default: "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
            }
        }

        /// What the backend sends before its flood.
        var head: String {
            switch self {
            case .interim, .ownAnswers, .errorAnswers: ""
            case .length: "HTTP/1.1 200 OK\r\nContent-Length: \(1 << 40)\r\n\r\n"
            case .chunked, .dechunked:
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            case .close: "HTTP/1.1 200 OK\r\n\r\n"
            case .upgrade:
                "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
            case .connect: "HTTP/1.1 200 OK\r\n\r\n"
            }
        }

        /// What the backend repeats.
        var piece: [UInt8] {
            switch self {
            case .interim:
                Array("HTTP/1.1 103 Early Hints\r\nLink: \(Self.filler)\r\n\r\n".utf8)
            case .chunked, .dechunked: Array("7d0\r\n\(Self.filler)\r\n".utf8)
            default: Array(Self.filler.utf8)
            }
        }

        private static let filler = String(repeating: "x", count: 2000)
    }

    /// What the proxy passes on for one request.
    private static let interimMax = 256
    /// The bytes that a producer has; kernel buffers take some MiB of them.
    private static let flood = 256 << 20
    private static let takenMax = 128 << 20

    /// Waits until a count has stopped growing.
    private func settle(_ count: () -> Int) throws {
        var last = -1
        var unchanged = 0
        try waitUntil("the producer stands still") {
            let now = count()
            unchanged = now == last ? unchanged + 1 : 0
            last = now
            return now > 0 && unchanged > 50
        }
    }

    @Test(
        "a client that does not read stops its producer, whatever writes to it",
        arguments: Way.allCases)
    func stalled(way: Way) throws {
        let produced = Locked(0)
        let backend = try Backend { wire, backend in
            _ = try wire.receive(through: "\r\n\r\n")
            try wire.send(way.head)
            while produced.withLock({ $0 }) < Self.flood {
                try wire.send(way.piece)
                produced.withLock { $0 += way.piece.count }
            }
        }
        let isOwn = way == .ownAnswers || way == .errorAnswers
        try withProxy(isOwn ? [] : [backend.port]) { options in
            options.listeners[0].policy.allowsConnect = true
            if way == .ownAnswers { options.listeners[0].service = nil }
        } _: { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            if isOwn {
                let sender = client.sender()
                try startThread {
                    while produced.withLock({ $0 }) < Self.flood {
                        guard (try? sender.send(way.request)) != nil else { return }
                        produced.withLock { $0 += way.request.utf8.count }
                    }
                }
            } else {
                try client.send(way.request)
            }
            try settle { produced.withLock { $0 } }
            #expect(produced.withLock { $0 } < Self.takenMax)
            #expect(proxy.listener[.open] == 1, "it waits, and is not cut off at once")
            // Ends a sender that waits; after that no other thread holds the connection.
            client.endSending()
            client.reset()
            try waitUntil("the client is gone") { proxy.listener[.open] == 0 }
        }
    }

    @Test("interim responses kept for a slow client come before the final one, each once")
    func slowInterims() throws {
        let count = Self.interimMax
        let filler = String(repeating: "x", count: 30_000)
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                for number in 0..<count {
                    try wire.send("HTTP/1.1 103 Hint\r\nLink: \(number)\r\nX: \(filler)\r\n\r\n")
                }
                try wire.send(response("at last"))
            }
        }
        try withProxy([backend.port]) { options in
            options.services[0].policy.timeouts.responseHead = .seconds(1)
            options.listeners[0].policy.timeouts.stall = .seconds(20)
        } _: { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            let received = { proxy.backend(backend.port)[.bytesReceived] }
            try settle(received)
            #expect(received() < count * filler.utf8.count, "it is not read from")
            // Served and answered meanwhile; the first byte's time passes while nobody reads.
            usleep(1_500_000)
            for number in 0..<count {
                let head = try #require(try client.receive(through: "\r\n\r\n"))
                #expect(head.hasPrefix("HTTP/1.1 103 Hint\r\nLink: \(number)\r\n"))
            }
            #expect(try client.receiveResponse().text == "at last")
            #expect(proxy.service[.timeouts] == 0)
            #expect(proxy.liveFailures.isEmpty)
        }
    }

    @Test("a backend that sends too many interim responses is cut off")
    func tooManyInterims() throws {
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                for _ in 0...Self.interimMax {
                    try wire.send("HTTP/1.1 103 Early Hints\r\n\r\n")
                }
                try wire.send(response("late"))
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            for _ in 0..<Self.interimMax {
                #expect(try client.receiveResponse().status == 103)
            }
            let answer = try client.receiveResponse()
            #expect(answer.status == 502)
            #expect(answer.text.contains("more than 256 interim responses"))
            #expect(proxy.service[.backendErrors] == 1)
            #expect(proxy.backend(backend.port)[.failures] == 1)
        }
    }
}
