// Goal: a backend with `send-proxy` learns whose each connection is, and no connection ever carries
// the requests of two clients. Method: a backend that reads the header of each connection, and
// answers with it.

import Backends
import Endpoints
import Events
import Proxy
import ProxyProtocol
import Stats
import TestSupport
import Testing
import Traffic

/// Reads the header of a connection, byte by byte.
private func readHeader(_ wire: Wire) throws -> ProxyHeader {
    var bytes: [UInt8] = []
    while true {
        switch ProxyHeader.read(bytes.span) {
        case .needMore: bytes += try wire.receive(exactly: 1)
        case .header(let header, _): return header
        case .bad(let error): throw error
        }
    }
}

private func text(_ header: ProxyHeader) -> String {
    let ends = header.ends.map { "\($0.source.address) \($0.destination.port)" } ?? "local"
    return ends + " " + String(decoding: header.authority ?? [], as: UTF8.self)
}

@Suite struct SentHeaderTests {
    /// Answers each request with what the header of its connection says, and how many requests came
    /// on it.
    private func telling(_ name: String = "") throws -> Backend {
        try Backend { wire, backend in
            let header = try readHeader(wire)
            var count = 0
            while try backend.next(wire) != nil {
                count += 1
                try wire.send(response("\(name)\(text(header)) \(count)"))
            }
        }
    }

    private func withSending(
        _ version: ProxyHeader.Version?, _ ports: [UInt16], mode: ListenerMode = .http,
        _ body: (RunningProxy) throws -> Void
    ) throws {
        let local = try #require(IPNetwork(containing: .loopback, prefix: 8))
        try withProxy(ports, mode: mode) { options in
            options.services[0].policy.sendsHeader = version
            options.listeners.append(
                .plain(1, on: Endpoint(.loopback, 0), mode, to: options.services[0].id))
            options.listeners[1].policy.proxyProtocol.from = [local]
        } _: {
            try body($0)
        }
    }

    @Test(
        "TCP: the header comes before the client's bytes", arguments: ProxyHeader.Version.allCases)
    func tcp(version: ProxyHeader.Version) throws {
        let backend = try Backend { wire, _ in
            let header = try readHeader(wire)
            let first = try wire.receive(exactly: 2)
            let hasID = header.uniqueID?.count == 32
            try wire.send("\(text(header)) \(hasID) " + String(decoding: first, as: UTF8.self))
        }
        try withSending(version, [backend.port], mode: .tcp) { proxy in
            let client = try proxy.connect()
            try client.send("hi")
            let expected = "127.0.0.1 \(proxy.port)  \(version == .v2) hi"
            #expect(String(decoding: try client.receiveToEnd().bytes, as: UTF8.self) == expected)
        }
    }

    @Test("what a proxy in front has told is passed on", arguments: ProxyHeader.Version.allCases)
    func passedOn(version: ProxyHeader.Version) throws {
        let backend = try Backend { wire, _ in
            let header = try readHeader(wire)
            let id = String(decoding: header.uniqueID ?? [], as: UTF8.self)
            try wire.send("\(text(header)) \(id)")
        }
        var header = ProxyHeader(
            ProxyHeader.Ends(
                source: Endpoint(.v6(0x2001_0db8 << 32, 7), 1),
                destination: Endpoint(.v4(0xC000_0201), 443)))
        header.authority = Array("a.example".utf8)
        header.uniqueID = Array("id-1".utf8)
        try withSending(version, [backend.port], mode: .tcp) { proxy in
            let client = try proxy.connect(1)
            try client.send(header.bytes(.v2))
            let expected = version == .v2 ? "2001:db8::7 443 a.example id-1" : "2001:db8::7 443  "
            #expect(String(decoding: try client.receiveToEnd().bytes, as: UTF8.self) == expected)
        }
    }

    @Test("HTTP: each client has connections of its own", arguments: ProxyHeader.Version.allCases)
    func http(version: ProxyHeader.Version) throws {
        let backend = try telling()
        try withSending(version, [backend.port]) { proxy in
            let (one, two) = (try proxy.connect(1), try proxy.connect(1))
            for (client, last) in [(one, 1), (two, 2)] {
                let ends = ProxyHeader.Ends(
                    source: Endpoint(.v4(0xC000_0200 + UInt32(last)), 1),
                    destination: Endpoint(.loopback, 80))
                try client.send(ProxyHeader(ends).bytes(.v1))
            }
            for count in 1...3 {
                #expect(try one.get().text == "192.0.2.1 80  \(count)")
                #expect(try two.get().text == "192.0.2.2 80  \(count)")
            }
            // A client that ends takes its connection along: the next is no stranger's.
            one.close()
            try waitUntil("its connection has ended") { backend.ended == 1 }
            #expect(try proxy.connect().get().text == "127.0.0.1 \(proxy.port)  1")
            #expect(backend.connections == 3)
        }
    }

    @Test("HTTP: the requests of a client go to one backend while that has room")
    func oneBackend() throws {
        let backends = [try telling("a "), try telling("b ")]
        try withSending(.v2, backends.map(\.port)) { proxy in
            let (one, two) = (try proxy.connect(), try proxy.connect())
            let names = (try one.get().text.prefix(1), try two.get().text.prefix(1))
            #expect(names.0 != names.1)
            for _ in 0..<3 { #expect(try one.get().text.prefix(1) == names.0) }
            #expect(backends.map(\.connections) == [1, 1])
            // One that leaves the rotation is not missed.
            proxy.publish([backends[names.0 == "a" ? 1 : 0].port])
            #expect(try one.get().text.prefix(1) == names.1)
        }
    }

    @Test("connections that began otherwise are not used when the option changes")
    func change() throws {
        let backend = try Backend { wire, backend in
            let first = try wire.receive(exactly: 1)
            wire.buffered = first + wire.buffered
            let hasHeader = first != Array("G".utf8)
            if hasHeader { _ = try readHeader(wire) }
            while try backend.next(wire) != nil { try wire.send(response("\(hasHeader)")) }
        }
        try withSending(nil, [backend.port]) { proxy in
            let client = try proxy.connect()
            #expect(try client.get().text == "false")
            for version in [ProxyHeader.Version.v1, .v2, nil] {
                var change = ProxyChange()
                var service = ServiceOptions.plain(ServiceID(index: 0), "web")
                service.policy.sendsHeader = version
                change.changed = [service]
                proxy.workers.publish(change)
                // A worker takes a change up before it reads from a connection made afterwards.
                #expect(try proxy.connect().get().text == "\(version != nil)")
                #expect(try client.get().text == "\(version != nil)")
            }
        }
    }
}
