// Goal: what a client of HTTP/2 says in one breath is taken for one thing: a request that it takes
// back at once troubles no backend, and one with a short body goes in one piece. Method: frames
// that are sent together; a backend that writes down what reaches it, and by how many reads.

import HTTP2
import Locking
import Proxy
import Stats
import TestSupport
import Testing

@Suite struct HTTP2ReadTests {
    @Test("requests that are reset at once reach no backend, and those beside them do")
    func taken() throws {
        let backend = try Backend.replying(response("ok"))
        try withProxy([backend.port], workers: 1) { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get().text == "ok")
            var kept: [Int] = []
            try client.sendTogether {
                for index in 0..<60 {
                    let slot = try client.send("GET /\(index) HTTP/1.1\nHost: a.test")
                    if index % 20 == 10 { kept.append(slot) } else { try client.reset(slot) }
                }
            }
            for slot in kept { #expect(try client.answer(slot).text == "ok") }
            #expect(backend.requests.count == 1 + kept.count)
            #expect(proxy.service[.inFlight] == 0)
            #expect(proxy.service[.requests] == 61)
        }
    }

    @Test("a flood of resets dials no backend, and its connection is cut off unread")
    func flood() throws {
        let backend = try Backend.replying(response("ok"))
        try withProxy([backend.port], workers: 1) { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get().text == "ok")
            for _ in 0..<5 {
                try? client.sendTogether {
                    for _ in 0..<60 {
                        try client.reset(client.send("GET / HTTP/1.1\nHost: a.test"))
                    }
                }
            }
            try? client.readToEnd()
            #expect(client.hasEnded || client.goAways.contains(.enhanceYourCalm))
            #expect(backend.connections == 1)
            try waitUntil("its connection is over") { proxy.listener[.open] == 0 }
            let other = try HTTP2Client(proxy.connect())
            #expect(try other.get().text == "ok")
        }
    }

    @Test("a short body goes on with its head", arguments: [false, true])
    func together(hasLength: Bool) throws {
        let pieces = Pieces()
        let backend = try Backend { wire, backend in
            var received = ""
            while !received.hasSuffix(hasLength ? "hello" : "0\r\n\r\n") {
                let piece = try wire.receive()
                if piece.isEmpty { return }
                pieces.add()
                received += String(decoding: piece, as: UTF8.self)
            }
            try wire.send(response("ok"))
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port], workers: 1) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let length = hasLength ? "\nContent-Length: 5" : ""
            var slot = 0
            try client.sendTogether {
                slot = try client.send("POST / HTTP/1.1\nHost: a.test\(length)", "hello")
            }
            #expect(try client.answer(slot).text == "ok")
            #expect(pieces.count == 1)
        }
    }

    /// How many reads brought something.
    private final class Pieces: Sendable {
        private let counted = Locked(0)
        var count: Int { counted.withLock { $0 } }
        func add() { counted.withLock { $0 += 1 } }
    }
}
