// Goal: a trusted proxy's PROXY header says whose a connection is, everywhere; nobody else's does,
// and every refusal is counted, reported and logged. Method: headers on the loopback, from a client
// that is a trusted proxy, or is not.

import AccessLog
import Endpoints
import Events
import Glibc
import HTTP1
import Locking
import Proxy
import ProxyProtocol
import Stats
import TestSupport
import Testing
import Traffic

private let clientEnds = ProxyHeader.Ends(
    source: Endpoint(.v4(0xC000_0207), 4242), destination: Endpoint(.v4(0xC000_0201), 443))

/// What the trusted proxy of these tests says.
private let clientHeader = {
    var header = ProxyHeader(clientEnds)
    header.authority = Array("a.example".utf8)
    header.uniqueID = Array("id \"1\"".utf8)
    return header
}()

@Suite struct ArrivalTests {
    private static func network(_ text: String) throws -> IPNetwork {
        try #require(IPAddress(text).flatMap { IPNetwork(containing: $0, prefix: 8) })
    }

    /// Runs `body` with a proxy that trusts headers from `from`.
    private func withHeaders(
        _ ports: [UInt16], mode: ListenerMode = .http, from: String = "127.0.0.1",
        isRequired: Bool = true, handshake: Duration = .seconds(30), log: AccessLog? = nil,
        _ body: (RunningProxy) throws -> Void
    ) throws {
        let network = try Self.network(from)
        try withProxy(ports, mode: mode, accessLog: log) { options in
            options.listeners[0].policy.proxyProtocol.from = [network]
            options.listeners[0].policy.proxyProtocol.isRequired = isRequired
            options.listeners[0].policy.timeouts.handshake = handshake
        } _: {
            try body($0)
        }
    }

    /// Answers with what it is told of the client, and the client's port if it is told.
    private func naming() throws -> Backend {
        try Backend { wire, backend in
            while let request = try backend.next(wire) {
                try wire.send(response(request.values("x-forwarded-for").joined(separator: ",")))
            }
        }
    }

    @Test("the client is the one that the header names", arguments: ProxyHeader.Version.allCases)
    func named(version: ProxyHeader.Version) throws {
        let backend = try naming()
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withHeaders([backend.port], log: log) { proxy in
            let client = try proxy.connect()
            try client.send(clientHeader.bytes(version))
            #expect(try client.get().text == "192.0.2.7")
            // Each request of the connection is that client's.
            #expect(try client.get().text == "192.0.2.7")
            client.close()
            try waitUntil("the client is gone") { proxy.listener[.open] == 0 }
            // The number of its descriptor is another client's now.
            let other = try proxy.connect()
            try other.send(ProxyHeader(nil).bytes(version))
            #expect(try other.get().text == "127.0.0.1")
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        try #require(lines.count == 3)
        for line in lines[..<2] {
            #expect(line.contains("\"client\":\"192.0.2.7\""))
            #expect(line.contains("\"proxy\":\"127.0.0.1\""))
            #expect(line.contains("\"authority\":\"a.example\"") == (version == .v2))
            #expect(line.contains("\"unique_id\":\"id \\\"1\\\"\"}") == (version == .v2))
        }
        #expect(lines[2].contains("\"client\":\"127.0.0.1\""))
        #expect(!lines[2].contains("\"authority\""))
    }

    @Test("header and request may come in any pieces")
    func pieces() throws {
        let backend = try naming()
        try withHeaders([backend.port]) { proxy in
            let bytes =
                clientHeader.bytes(.v2) + Array("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".utf8)
            let inOne = try proxy.connect()
            try inOne.send(bytes)
            #expect(try inOne.receiveResponse().text == "192.0.2.7")
            let byByte = try proxy.connect()
            for byte in bytes { try byByte.send([byte]) }
            #expect(try byByte.receiveResponse().text == "192.0.2.7")
            let pipelined = try proxy.connect()
            try pipelined.send(
                bytes + Array("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".utf8))
            for _ in 0..<2 { #expect(try pipelined.receiveResponse().text == "192.0.2.7") }
        }
    }

    @Test("a body behind header and head is whole")
    func body() throws {
        let backend = try Backend.echoing()
        try withHeaders([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(clientHeader.bytes(.v1))
            try client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n")
            try client.sendPattern(to: 1_000_000)
            #expect(try client.receiveResponse().body.count == 1_000_000)
        }
    }

    @Test("TCP: what follows the header goes on, and the server may speak first")
    func tcp() throws {
        let backend = try Backend { wire, _ in
            try wire.send("hello")
            try wire.send(try wire.receive(exactly: 4))
        }
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withHeaders([backend.port], mode: .tcp, log: log) { proxy in
            let client = try proxy.connect()
            try client.send(clientHeader.bytes(.v2))
            #expect(try client.receive(exactly: 5) == Array("hello".utf8))
            try client.send("ping")
            #expect(try client.receive(exactly: 4) == Array("ping".utf8))
            let inOne = try proxy.connect()
            try inOne.send(clientHeader.bytes(.v1) + Array("pong".utf8))
            #expect(try inOne.receive(exactly: 9) == Array("hellopong".utf8))
            #expect(proxy.service[.bytesFromClients] == 8)
        }
        log.stop(within: .seconds(30))
        let text = String(decoding: try file.bytes(), as: UTF8.self)
        #expect(text.split(separator: "\n").allSatisfy { $0.contains("192.0.2.7") })
        #expect(text.contains("\"bytes_in\":4"))
    }

    @Test("what is no header of a trusted proxy is reset, counted, reported and logged")
    func refused() throws {
        let backend = try naming()
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withHeaders([backend.port], log: log) { proxy in
            for bad in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PROXY TCP4 1.2.3.4 x 1 2\r\n"] {
                let client = try proxy.connect()
                try client.send(bad)
                #expect(try client.receiveToEnd() == ([], .reset))
            }
            let cut = try proxy.connect()
            try cut.send("PROXY TCP4 ")
            cut.endSending()
            #expect(try cut.receiveToEnd() == ([], .reset))
            #expect(proxy.listener[.malformedArrivals] == 3)
            #expect(proxy.service[.requests] == 0)
            try proxy.awaitReports { !proxy.failedArrivals.isEmpty }
            // The others came too soon after it.
            #expect(proxy.failedArrivals == [.badHeader(.missing)])
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.contains("\"cause\":\"CP\"") })
    }

    @Test("a client that is not among the trusted is refused before it says anything")
    func untrusted() throws {
        let backend = try naming()
        try withHeaders([backend.port], from: "10.0.0.0") { proxy in
            let client = try proxy.connect()
            #expect(try client.receiveToEnd() == ([], .reset))
            #expect(proxy.listener[.untrustedArrivals] == 1)
            #expect(proxy.listener[.accepted] == 1)
            try proxy.awaitReports { proxy.failedArrivals == [.untrusted] }
        }
    }

    @Test("where no header is required others come as they are, but may send none")
    func optional() throws {
        let backend = try naming()
        try withHeaders([backend.port], from: "10.0.0.0", isRequired: false) { proxy in
            let client = try proxy.connect()
            try client.send("G")
            try client.send("ET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            #expect(try client.receiveResponse().text == "127.0.0.1")
            #expect(try client.get().text == "127.0.0.1")
            let begun = try proxy.connect()
            try begun.send("PR")
            try begun.send("OPFIND / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            #expect(try begun.receiveResponse().text == "127.0.0.1")
            for bytes in [clientHeader.bytes(.v1), clientHeader.bytes(.v2)] {
                let liar = try proxy.connect()
                try liar.send(bytes)
                #expect(try liar.receiveToEnd() == ([], .reset))
            }
            #expect(proxy.listener[.untrustedArrivals] == 2)
        }
    }

    @Test("where no header is required a TCP server may speak first to others")
    func optionalTCP() throws {
        let backend = try Backend { wire, _ in try wire.send("hello") }
        try withHeaders([backend.port], mode: .tcp, from: "10.0.0.0", isRequired: false) { proxy in
            let client = try proxy.connect()
            #expect(try client.receiveToEnd() == (Array("hello".utf8), .end))
        }
    }

    @Test("a header that does not come is waited for as long as it may take")
    func late() throws {
        let backend = try naming()
        try withHeaders([backend.port], handshake: .milliseconds(50)) { proxy in
            let (silent, slow) = (try proxy.connect(), try proxy.connect())
            try slow.send("PROXY ")
            #expect(try silent.receiveToEnd() == ([], .reset))
            #expect(try slow.receiveToEnd() == ([], .reset))
            #expect(proxy.listener[.lateArrivals] == 2)
            #expect(proxy.listener[.open] == 0)
        }
    }

    @Test("a port that is only looked at counts as nothing")
    func lookedAt() throws {
        let backend = try naming()
        try withHeaders([backend.port]) { proxy in
            try proxy.connect().close()
            try waitUntil("it is gone") {
                proxy.listener[.accepted] == 1 && proxy.listener[.open] == 0
            }
            #expect(proxy.listener[.malformedArrivals] == 0)
        }
    }

    @Test("a stop does not wait for headers that do not come, and serves those that do")
    func drain() throws {
        let backend = try naming()
        try withHeaders([backend.port]) { proxy in
            let (silent, begun) = (try proxy.connect(), try proxy.connect())
            try begun.send("PROXY TCP4 192.0.2.7")
            try waitUntil("both are there") { proxy.listener[.open] == 2 }
            // So that the worker has read what was sent.
            let other = try proxy.connect()
            try other.send(clientHeader.bytes(.v1))
            #expect(try other.get().text == "192.0.2.7")
            proxy.workers.drain(limit: .seconds(30))
            #expect(try silent.receiveToEnd() == ([], .end))
            try begun.send(" 192.0.2.1 1 2\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            #expect(try begun.receiveResponse().text == "192.0.2.7")
            try proxy.awaitFinish()
        }
    }
}
