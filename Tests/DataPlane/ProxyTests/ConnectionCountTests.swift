// Goal: an address has as many connections as the listener lets it have, over all workers, by HTTP,
// TCP and TLS; more are reset before anything of them is read; the client that a PROXY header names
// is counted in the proxy's place. Method: connections of the loopback, held open and closed.

import AccessLog
import Endpoints
import HTTP1
import Proxy
import ProxyProtocol
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct ConnectionCountTests {
    private func withLimit(
        _ most: Int, mode: ListenerMode = .http, workers: Int = 1, log: AccessLog? = nil,
        _ edit: @escaping (inout ListenerOptions) -> Void = { _ in },
        _ body: (RunningProxy) throws -> Void
    ) throws {
        let backend = try Backend.replying(response("x"))
        try withProxy([backend.port], mode: mode, workers: workers, accessLog: log) { options in
            options.listeners[0].policy.connectionsPerAddress = most
            edit(&options.listeners[0])
        } _: {
            try body($0)
        }
    }

    /// Whether a connection was refused.
    private func isRefused(_ connect: () throws -> Wire) -> Bool {
        do {
            // The reset may come before the client has its socket set up.
            let wire = try connect()
            try wire.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            return try wire.receiveResponse().status != 200
        } catch {
            return true
        }
    }

    @Test("connections of one address, over all workers, and room again once one has ended")
    func address() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 4)
        try withLimit(3, workers: 4, log: log) { proxy in
            var kept: [Wire] = []
            for _ in 0..<3 {
                let wire = try proxy.connect()
                #expect(try wire.get().status == 200)
                kept.append(wire)
            }
            for _ in 0..<5 {
                let isReset = isRefused { try proxy.connect() }
                #expect(isReset)
            }
            #expect(proxy.listener[.crowdingArrivals] == 5)
            #expect(proxy.failedArrivals.allSatisfy { $0 == .tooMany })
            #expect((1...4).contains(proxy.failedArrivals.count))
            #expect(proxy.listener[.open] == 3)
            kept.removeLast().close()
            try waitUntil("its end") { proxy.listener[.open] == 2 }
            let next = try proxy.connect()
            #expect(try next.get().status == 200)
            #expect(isRefused { try proxy.connect() })
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.filter { $0.contains("\"cause\":\"FL\"") }.count == 6)
    }

    @Test("TCP alike, and networks that are exempt, or a trusted proxy's, are not counted")
    func tcp() throws {
        try withLimit(1, mode: .tcp) { proxy in
            let first = try proxy.connect()
            #expect(try first.get().status == 200)
            #expect(isRefused { try proxy.connect() })
        }
        let loopback = try #require(IPNetwork(containing: .loopback, prefix: 8))
        for isExempt in [true, false] {
            try withLimit(1) {
                if isExempt {
                    $0.policy.connectionsExempt = [loopback]
                } else {
                    $0.policy.trustedProxies = [loopback]
                }
            } _: { proxy in
                let wires = try (0..<5).map { _ in try proxy.connect() }
                for wire in wires { #expect(try wire.get().status == 200) }
                #expect(proxy.listener[.crowdingArrivals] == 0)
            }
        }
    }

    @Test("the client that a PROXY header names is counted, and not the proxy")
    func named() throws {
        let loopback = try #require(IPNetwork(containing: .loopback, prefix: 8))
        try withLimit(1) {
            $0.policy.proxyProtocol.from = [loopback]
        } _: { proxy in
            func connect(_ address: UInt32?) throws -> Wire {
                let wire = try proxy.connect()
                let ends = address.map {
                    ProxyHeader.Ends(
                        source: Endpoint(.v4($0), 4242), destination: Endpoint(.v4(1), 80))
                }
                try wire.send(ProxyHeader(ends).bytes(.v2))
                return wire
            }
            let first = try connect(0xC000_0201)
            #expect(try first.get().status == 200)
            #expect(isRefused { try connect(0xC000_0201) })
            let other = try connect(0xC000_0202)
            #expect(try other.get().status == 200)
            // The proxy's own, to see whether we are there.
            let own = try [connect(nil), connect(nil)]
            for wire in own { #expect(try wire.get().status == 200) }
            #expect(proxy.listener[.crowdingArrivals] == 1)
            first.close()
            try waitUntil("its end") { proxy.listener[.open] == 3 }
            #expect(try connect(0xC000_0201).get().status == 200)
        }
    }
}
