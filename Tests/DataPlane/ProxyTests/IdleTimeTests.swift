// Goal: a backend's idle time is learned from what it says and from connections that it closes for
// their age, and a request that can't be repeated is not sent on a closed connection. Method: a
// fake clock, and backends that close idle connections.

import Glibc
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@testable import Proxy

@Suite struct IdleTimeTests {
    /// In milliseconds: when connections became idle, and when the backend closed them.
    private func learned(_ closed: [(since: UInt64, at: UInt64)]) -> UInt64? {
        var idleTime = IdleTime()
        for (since, at) in closed {
            idleTime.recordClose(idleSince: since * 1_000_000, at: at * 1_000_000)
        }
        let limit = idleTime.limit(at: closed.last.map { $0.at * 1_000_000 } ?? 0)
        return limit == .max ? nil : limit / 1_000_000
    }

    @Test("two closes at about the same age, one after the other, show how old a connection gets")
    func twice() {
        #expect(learned([(0, 1000), (1100, 2100)]) == 750)
        #expect(learned([(0, 1200), (1500, 2500)]) == 750)
        #expect(learned([(0, 1000), (500, 1500), (1600, 2600)]) == 750)
        // Later a shorter time.
        #expect(learned([(0, 1000), (1100, 2100), (3000, 3400), (3500, 3900)]) == 300)
    }

    @Test("one close shows nothing, nor does a stop, nor one of a connection that was just used")
    func noSign() {
        #expect(learned([]) == nil)
        #expect(learned([(0, 1000)]) == nil)
        #expect(learned([(0, 1000), (10, 1000), (20, 1001), (900, 1001)]) == nil)
        #expect(learned([(0, 1000), (2000, 2400)]) == nil)
        #expect(learned([(0, 10), (20, 30), (40, 50)]) == nil)
    }

    @Test("an idle time learned long ago is forgotten, and learned again from one close")
    func forgotten() {
        var idleTime = IdleTime()
        let second: UInt64 = 1_000_000_000
        idleTime.recordClose(idleSince: 0, at: second)
        idleTime.recordClose(idleSince: second, at: 2 * second)
        #expect(idleTime.limit(at: 601 * second) == second / 4 * 3)
        #expect(idleTime.limit(at: 603 * second) == .max)
        idleTime.recordClose(idleSince: 603 * second, at: 604 * second)
        #expect(idleTime.limit(at: 604 * second) == second / 4 * 3)
    }

    @Test(
        "a connection is not kept longer than the backend says",
        arguments: ["timeout=1", "max=5, TIMEOUT=1", "timeout=0"])
    func promised(field: String) throws {
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                try wire.send(response("", "200 OK", "Keep-Alive: \(field)\r\n"))
            }
        }
        try withProxy([backend.port]) { options in
            options.services[0].policy.timeouts.idle = .seconds(600)
        } _: { proxy in
            _ = try proxy.connect().get()
            try waitUntil("it is closed by the proxy") { backend.ended == 1 }
            #expect(proxy.backend(backend.port)[.open] == 0)
        }
    }

    @Test("a connection is not kept up to the age at which the backend closes them")
    func learnedLive() throws {
        let isGivenUp = Gate()
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(response())
            // Closed after 400 ms, unless the proxy is first.
            for _ in 0..<200 where !wire.hasInput { usleep(2_000) }
            if wire.hasInput { isGivenUp.open() }
        }
        try withProxy([backend.port]) { options in
            options.services[0].policy.timeouts.idle = .seconds(600)
        } _: { proxy in
            let client = try proxy.connect()
            // Two ends of about the same age tell; on a busy machine they may differ more.
            var round = 0
            while !isGivenUp.isOpen, round < 20 {
                round += 1
                _ = try client.get()
                try waitUntil("connection \(round) ends") { backend.ended == round }
                try waitUntil("the proxy has noticed") { proxy.backend(backend.port)[.open] == 0 }
            }
            #expect(isGivenUp.isOpen)
            #expect(round > 2)
        }
    }

    @Test(
        "a request that can't be repeated is not sent on a closed connection",
        arguments: [false, true])
    func peeked(isLossRetried: Bool) throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            guard let request = try backend.next(wire) else { return }
            try wire.send(response(request.target))
            if backend.connections == 1 { gate.wait() } else { _ = try backend.next(wire) }
        }
        try withProxy([backend.port]) { options in
            if !isLossRetried { options.services[0].policy.retry.rule.attempts = 1 }
        } _: { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/1").text == "/1")
            gate.open()
            try waitUntil("it has closed") { backend.ended == 1 }
            // The kernel decides whether the worker gets the end first or the request.
            try client.send("POST /2 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx")
            #expect(try client.receiveResponse().text == "/2")
            #expect(backend.connections == 2)
        }
    }
}
