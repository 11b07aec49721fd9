// Goal: client and server use a relayed TCP connection as if there were no proxy: every byte
// arrives, each direction ends by itself, and back-pressure works. Method: scripted servers on the
// loopback.

import Events
import HTTP1
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct RelayTests {
    /// Runs `body` with a TCP proxy in front of a server that runs `script`.
    private func withRelay(
        _ script: @escaping Backend.Script, _ body: (RunningProxy, Backend) throws -> Void
    ) throws {
        let backend = try Backend(script)
        try withProxy([backend.port], mode: .tcp) { proxy in try body(proxy, backend) }
    }

    @Test("bytes go both ways as they come, whichever side sends first")
    func echo() throws {
        try withRelay { wire, _ in
            try wire.send("hello")
            while true { try wire.send(try wire.receive(exactly: 1)) }
        } _: { proxy, backend in
            let client = try proxy.connect()
            #expect(try client.receive(exactly: 5) == Array("hello".utf8))
            for byte in Array("a\u{0}\r\nz".utf8) {
                try client.send([byte])
                #expect(try client.receive(exactly: 1) == [byte])
            }
            #expect(proxy.service[.bytesFromClients] == 5)
            #expect(proxy.service[.bytesToClients] == 10)
            #expect(proxy.backend(backend.port)[.dials] == 1)
        }
    }

    @Test("a client that ends its sending still receives")
    func clientEndsFirst() throws {
        try withRelay { wire, _ in
            let all = try wire.receiveToEnd()
            try wire.send("got \(all.bytes.count)")
        } _: { proxy, _ in
            let client = try proxy.connect()
            try client.send("12345")
            client.endSending()
            #expect(try client.receiveToEnd() == (Array("got 5".utf8), .end))
            try waitUntil("the connection is over") { proxy.listener[.open] == 0 }
        }
    }

    @Test("a server that ends its sending still receives")
    func serverEndsFirst() throws {
        try withRelay { wire, backend in
            try wire.send("bye")
            wire.endSending()
            let all = try wire.receiveToEnd()
            backend.record(Message(head: "", body: all.bytes))
        } _: { proxy, backend in
            let client = try proxy.connect()
            #expect(try client.receiveToEnd() == (Array("bye".utf8), .end))
            try client.send("still here")
            client.endSending()
            try waitUntil("the server has it all") { backend.ended == 1 }
            #expect(backend.requests.map(\.text) == ["still here"])
        }
    }

    @Test("a reset of either side reaches the other", arguments: [false, true])
    func reset(byServer: Bool) throws {
        let gate = Gate()
        let seen = Gate()
        try withRelay { wire, _ in
            _ = try wire.receive(exactly: 1)
            try wire.send("x")
            if byServer {
                gate.wait()
                wire.reset()
            } else if try wire.receiveToEnd().ending == .reset {
                seen.open()
            }
        } _: { proxy, _ in
            let client = try proxy.connect()
            try client.send("x")
            _ = try client.receive(exactly: 1)
            gate.open()
            if byServer {
                #expect(try client.receiveToEnd() == ([], .reset))
                try waitUntil("it is counted") { proxy.service[.cutShort] == 1 }
            } else {
                client.reset()
                seen.wait()
                try waitUntil("it is counted") { proxy.service[.clientAborts] == 1 }
            }
        }
    }

    @Test("a server that refuses is passed over")
    func dialRetry() throws {
        let refusing = try RefusingPort()
        let backend = try Backend { wire, _ in try wire.send("here") }
        try withProxy([refusing.port, backend.port], mode: .tcp) { proxy in
            for _ in 0..<4 {
                let client = try proxy.connect()
                #expect(try client.receive(exactly: 4) == Array("here".utf8))
            }
            #expect(proxy.backend(refusing.port)[.dialFailures] > 0)
        }
    }

    @Test("a server that does not accept the connection is passed over")
    func connectTimeout() throws {
        let silent = try SilentPort()
        let backend = try Backend { wire, _ in try wire.send("here") }
        try withProxy([silent.port, backend.port], mode: .tcp) { options in
            options.services[0].policy.timeouts.connect = .milliseconds(200)
        } _: { proxy in
            let client = try proxy.connect()
            #expect(try client.receive(exactly: 4) == Array("here".utf8))
        }
    }

    @Test("without a server the connection is reset", arguments: [false, true])
    func noServer(hasRefusing: Bool) throws {
        let refusing = try RefusingPort()
        try withProxy(hasRefusing ? [refusing.port] : [], mode: .tcp) { proxy in
            // The reset may come before the result of the connect is read, and shows there then.
            var seen: (bytes: [UInt8], ending: Ending) = ([], .reset)
            do {
                seen = try proxy.connect().receiveToEnd()
            } catch {
                #expect(error as? Errno == .connectionReset)
            }
            #expect(seen == ([], .reset))
            #expect(proxy.service[.noBackend] == 1)
        }
    }

    @Test("a server that sends 16 MiB before it reads any still gets 16 MiB")
    func bothWays() throws {
        let total = 16 << 20
        try withRelay { wire, backend in
            try wire.sendPattern(to: total)
            wire.endSending()
            let count = try wire.receivePattern(to: total)
            backend.record(Message(head: "\(count)"))
        } _: { proxy, backend in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            let sender = client.sender()
            try startThread {
                try? sender.sendPattern(to: total)
                sender.endSending()
            }
            #expect(try client.receivePattern(to: total) == total)
            #expect(try client.receiveToEnd() == ([], .end))
            try waitUntil("the server has it all") { backend.requests.count == 1 }
            #expect(backend.requests[0].head == "\(total)")
        }
    }

    @Test("an echo of 16 MiB with both sides congested arrives whole")
    func congestedEcho() throws {
        let total = 16 << 20
        try withRelay { wire, _ in
            while true {
                let bytes = try wire.receive()
                if bytes.isEmpty { return }
                try wire.send(bytes)
            }
        } _: { proxy, _ in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            let sender = client.sender()
            let done = Gate()
            try startThread {
                try? sender.sendPattern(to: total)
                sender.endSending()
                done.open()
            }
            // Reads only when everything stands still: both of the proxy's sides are full by then.
            try waitUntilStill { proxy.service[.bytesToClients] }
            #expect(proxy.service[.bytesToClients] < total)
            #expect(try client.receivePattern(to: total) == total)
            #expect(try client.receiveToEnd() == ([], .end))
            done.wait()
        }
    }

    @Test("an idle connection is reset after its time")
    func idle() throws {
        let backend = try Backend { wire, _ in _ = try wire.receiveToEnd() }
        try withProxy([backend.port], mode: .tcp) { options in
            options.listeners[0].policy.timeouts.tunnel = .milliseconds(300)
        } _: { proxy in
            let client = try proxy.connect()
            #expect(try client.receiveToEnd() == ([], .reset))
            try waitUntil("the server's connection ends") { backend.ended == 1 }
            #expect(proxy.service[.timeouts] == 1)
        }
    }

    @Test("an active connection outlasts its idle time, but not its maximum")
    func maximum() throws {
        let backend = try Backend { wire, _ in
            while !(try wire.receive().isEmpty) { try wire.send("x") }
        }
        try withProxy([backend.port], mode: .tcp) { options in
            options.listeners[0].policy.timeouts.tunnel = .milliseconds(400)
            options.listeners[0].policy.timeouts.tunnelMax = .seconds(2)
        } _: { proxy in
            let client = try proxy.connect()
            // Each answer moves bytes; only the maximum ends this.
            #expect(throws: (any Error).self) {
                while true {
                    try client.send("x")
                    _ = try client.receive(exactly: 1)
                }
            }
            try waitUntil("it is counted") { proxy.service[.expired] == 1 }
            #expect(proxy.service[.timeouts] == 0)
            #expect(backend.connections == 1)
        }
    }

    @Test("everything that a server sent before it was reset arrives, although writing fails first")
    func lastWords() throws {
        let total = 512 << 10
        let gate = Gate()
        try withRelay { wire, _ in
            _ = try wire.receive(exactly: 1)
            try wire.sendPattern(to: total)
            gate.wait()
            wire.reset()
        } _: { proxy, _ in
            let client = try Wire(to: proxy.port, receiveBytes: 4096)
            try client.send("x")
            try waitUntilStill { proxy.service[.bytesToClients] }
            gate.open()
            // Sent on to the server, which is gone: the proxy learns that by writing, since it has
            // not read on, and then takes no more from the client.
            try waitUntilStill {
                try? client.send("x")
                return proxy.service[.bytesFromClients]
            }
            var count = 0
            var ending = Ending.end
            do {
                while true {
                    let more = try client.receive()
                    if more.isEmpty { break }
                    #expect(Pattern.matches(more, from: count, count: more.count))
                    count += more.count
                }
            } catch let error as Errno where error == .connectionReset {
                ending = .reset
            }
            #expect(ending == .reset)
            #expect(count > 0)
            #expect(count == proxy.service[.bytesToClients])
            try waitUntil("it is counted") { proxy.service[.cutShort] == 1 }
        }
    }

    /// Waits until a count has stopped growing: the sides stand still.
    private func waitUntilStill(_ count: () -> Int) throws {
        var last = -1
        var unchanged = 0
        try waitUntil("the count stands still") {
            let now = count()
            unchanged = now == last && now > 0 ? unchanged + 1 : 0
            last = now
            return unchanged > 25
        }
    }

    @Test("a hundred connections that come and go in every way leave nothing behind")
    func churn() throws {
        try withRelay { wire, _ in
            let first = try wire.receive(exactly: 1)
            if first == [1] { wire.reset() }
            if first == [2] { _ = try wire.receiveToEnd() }
        } _: { proxy, _ in
            for number in 0..<100 {
                let client = try proxy.connect()
                try client.send([UInt8(number % 3)])
                if number % 2 == 0 {
                    client.reset()
                } else if number % 5 == 0 {
                    client.endSending()
                }
            }
            try waitUntil("all are accepted") { proxy.listener[.accepted] == 100 }
            try waitUntil("all are gone") { proxy.listener[.open] == 0 }
        }
    }
}
