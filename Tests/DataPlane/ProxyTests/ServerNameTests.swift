// Goal: TLS connections go to the service that their clients ask for, byte by byte as they are, and
// nothing else goes anywhere. Method: hellos that are made here, cut and late, before backends that
// say who they are and give back what they got.

import AccessLog
import Backends
import Endpoints
import Proxy
import ProxyProtocol
import Routing
import Stats
import TestSupport
import Testing
import Traffic

/// A ClientHello that asks for `name`, with `padding` bytes of an extension that says nothing, in
/// records of `size` bytes.
private func hello(_ name: String?, padding: Int = 0, size: Int = 16_384) -> [UInt8] {
    func length(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
    }
    let server = name.map {
        [0, 0] + length(length([0] + length(Array($0.utf8), 2), 2), 2)
    }
    let extensions = [0, 21] + length([UInt8](repeating: 0, count: padding), 2) + (server ?? [])
    let body =
        [3, 3] + [UInt8](repeating: 9, count: 32) + [0, 0, 2, 0x13, 1, 1, 0]
        + length(extensions, 2)
    let message = [1] + length(body, 3)
    return stride(from: 0, to: message.count, by: size).flatMap { start in
        [0x16, 3, 1] + length(Array(message[start..<min(start + size, message.count)]), 2)
    }
}

@Suite struct ServerNameTests {
    /// Answers with a letter and everything that came.
    private func giving(_ name: String) throws -> Backend {
        try Backend { wire, _ in
            let all = try wire.receiveToEnd().bytes
            try wire.send(Array(name.utf8) + all)
        }
    }

    /// Runs `body` with a proxy whose connections for `a.test` go to backend `a`, those for names
    /// below `b.test` to `b`, and others to `c`, or nowhere.
    private func withNames(
        hasDefault: Bool = true, handshake: Duration = .seconds(30), log: AccessLog? = nil,
        _ body: (RunningProxy) throws -> Void
    ) throws {
        let backends = [try giving("c"), try giving("a"), try giving("b")]
        let local = try #require(IPNetwork(containing: .loopback, prefix: 8))
        let services = (0..<3).map { ServiceID(index: $0) }
        try withProxy([backends[0].port], mode: .tcp, accessLog: log) { options in
            for service in services[1...] { options.services.append(.plain(service, "s")) }
            options.listeners[0].serverNames = ServerNameTable([
                ServerNameRule(.exact("a.test"), to: services[1]),
                ServerNameRule(.under("b.test"), to: services[2]),
            ])
            if !hasDefault { options.listeners[0].service = nil }
            options.listeners[0].policy.timeouts.handshake = handshake
            var second = options.listeners[0]
            (second.index, second.policy.proxyProtocol.from) = (1, [local])
            options.listeners.append(second)
        } _: { proxy in
            for number in 1...2 { proxy.publish([backends[number].port], service: number) }
            try body(proxy)
            withExtendedLifetime(backends) {}
        }
    }

    /// What comes back when `bytes` are all that a client sends.
    private func exchange(
        _ proxy: RunningProxy, _ bytes: [UInt8], listener: Int = 0
    ) throws -> [UInt8] {
        let client = try proxy.connect(listener)
        try client.send(bytes)
        client.endSending()
        return try client.receiveToEnd().bytes
    }

    @Test("a connection goes where its client asks to go, as it is")
    func routed() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withNames(log: log) { proxy in
            for (name, service) in [
                ("a.test", "a"), ("A.Test", "a"), ("x.b.test", "b"), ("b.test", "c"), (nil, "c"),
            ] {
                let bytes = hello(name) + Array("and more".utf8)
                let answer = try exchange(proxy, bytes)
                #expect(answer == Array(service.utf8) + bytes, "for \(name ?? "no name")")
            }
            #expect(proxy.listener[.unrouted] == 0)
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count { $0.contains("\"authority\":\"a.test\"") } == 2)
        #expect(lines.count { $0.contains("\"authority\":\"x.b.test\"") } == 1)
        #expect(!lines.contains { $0.contains("\"proxy\"") })
    }

    @Test("a hello may come in many pieces and records, up to 16 KiB")
    func pieces() throws {
        try withNames { proxy in
            let small = hello("a.test", padding: 20, size: 30)
            let client = try proxy.connect()
            for byte in small { try client.send([byte]) }
            client.endSending()
            #expect(try client.receiveToEnd().bytes == Array("a".utf8) + small)
            for size in [1_000, 16_384] {
                let large = hello("x.b.test", padding: 16_000, size: size)
                #expect(try exchange(proxy, large) == Array("b".utf8) + large)
                let slow = try proxy.connect()
                for start in stride(from: 0, to: large.count, by: 1_460) {
                    try slow.send(Array(large[start..<min(start + 1_460, large.count)]))
                }
                slow.endSending()
                #expect(try slow.receiveToEnd().bytes == Array("b".utf8) + large)
            }
        }
    }

    @Test("a PROXY header may come before the hello")
    func header() throws {
        try withNames { proxy in
            let ends = ProxyHeader.Ends(
                source: Endpoint(.v4(0xC000_0207), 1), destination: Endpoint(.loopback, 443))
            let header = ProxyHeader(ends).bytes(.v2)
            #expect(
                try exchange(proxy, header + hello("a.test"), listener: 1)
                    == Array("a".utf8) + hello("a.test"))
            let client = try proxy.connect(1)
            for byte in header + hello("x.b.test") { try client.send([byte]) }
            client.endSending()
            #expect(try client.receiveToEnd().bytes == Array("b".utf8) + hello("x.b.test"))
        }
    }

    @Test("a name that no route is for gets the alert that says so")
    func unrouted() throws {
        try withNames(hasDefault: false) { proxy in
            for name in ["c.test", "b.test", nil] {
                let client = try proxy.connect()
                try client.send(hello(name))
                #expect(try client.receiveToEnd() == ([0x15, 3, 3, 0, 2, 2, 112], .end))
            }
            #expect(proxy.listener[.unrouted] == 3)
            #expect(proxy.service[.requests] == 0)
            try proxy.awaitReports { proxy.failedArrivals == [.noRoute] }
            #expect(try exchange(proxy, hello("a.test")).first == 0x61)
        }
    }

    @Test("what is no hello is reset and counted, and one that does not come is not waited for")
    func refused() throws {
        try withNames(handshake: .milliseconds(100)) { proxy in
            for bad in [Array("GET / HTTP/1.1\r\n\r\n".utf8), [0x16, 3, 1, 0, 1, 2], [0x80, 46]] {
                let client = try proxy.connect()
                try client.send(bad)
                #expect(try client.receiveToEnd() == ([], .reset))
            }
            #expect(proxy.listener[.malformedArrivals] == 3)
            let slow = try proxy.connect()
            try slow.send(Array(hello("a.test").dropLast()))
            #expect(try slow.receiveToEnd() == ([], .reset))
            #expect(proxy.listener[.lateArrivals] == 1)
            #expect(proxy.service[.requests] == 0)
        }
    }
}
