// Goal: what one side of TLS is given, the other gets, in order and once, however its sealed bytes
// are cut; and whatever breaks the protocol is a failure with a reason. Method: two layers in
// memory, of which the test carries the bytes.

import Events
import Testing

@testable import TLS

/// A client's and a server's layer, and what is under way between them.
private final class Pair {
    let loop = EventLoop()
    let transport: TLSTransport
    let client: TLSLayer
    let server: TLSLayer
    /// How many bytes the other side is given at once.
    var piece = Int.max
    let toServer = SendBuffer(capacity: 1024, keeping: 1 << 20)
    let toClient = SendBuffer(capacity: 1024, keeping: 1 << 20)
    let content: ReceiveBuffer
    private(set) var atServer: [UInt8] = []
    private(set) var atClient: [UInt8] = []
    private(set) var last: (server: LayerOutcome, client: LayerOutcome) = (.needsMore, .needsMore)

    init(
        _ options: TLSServerOptions, trusting authorities: [UInt8], name: String = "example.com",
        room: Int = 65_536
    ) throws {
        transport = TLSTransport()
        let names = ServerNames(NameIndex(options), tickets: TicketKeys())
        server = TLSLayer(server: names, transport)
        client = TLSLayer(
            client: try TLSClient(
                TLSClientOptions(trust: .authorities(authorities), protocols: [.http1])),
            for: .host(name), transport)
        content = ReceiveBuffer(capacity: room)
        client.begin(into: toServer)
    }

    /// Carries bytes both ways until there are none.
    func carry() {
        while !toServer.isEmpty || !toClient.isEmpty || server.hasPending || client.hasPending {
            let before = (toServer.count, toClient.count)
            last.server = give(take(toServer), to: server, reply: toClient, &atServer)
            last.client = give(take(toClient), to: client, reply: toServer, &atClient)
            if isOver(last.server), isOver(last.client), before == (toServer.count, toClient.count)
            {
                return
            }
        }
    }

    private func isOver(_ outcome: LayerOutcome) -> Bool {
        outcome == .ended || outcome == .failed
    }

    func take(_ buffer: SendBuffer) -> [UInt8] {
        var bytes: [UInt8] = []
        buffer.withBytes { span in for index in span.indices { bytes.append(span[index]) } }
        buffer.removeAll()
        return bytes
    }

    /// Gives `bytes` to `layer` in pieces, and after each piece has it give what it holds.
    func give(
        _ bytes: [UInt8], to layer: TLSLayer, reply: SendBuffer, _ got: inout [UInt8]
    ) -> LayerOutcome {
        var outcome = LayerOutcome.needsMore
        var place = 0
        repeat {
            let end = min(bytes.count, place + min(piece, bytes.count))
            outcome = layer.receive(bytes[place..<end].span, into: content, reply: reply)
            place = end
            keep(outcome, &got)
            while layer.hasPending {
                outcome = layer.receive(Span(), into: content, reply: reply)
                keep(outcome, &got)
            }
        } while place < bytes.count && outcome != .failed
        return outcome
    }

    private func keep(_ outcome: LayerOutcome, _ got: inout [UInt8]) {
        guard case .content(let count) = outcome else { return }
        content.withBytes(count) { span in for index in span.indices { got.append(span[index]) } }
    }
}

@Suite struct TLSLayerTests {
    private static func bytes(_ count: Int, _ seed: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) ^ seed) }
    }

    @Test(
        "content crosses both ways, however it is cut, and with however little room",
        arguments: [(1, 65_536), (7, 100), (1000, 20_000), (70_000, 65_536), (.max, 300)])
    func crosses(piece: Int, room: Int) throws {
        let certificates = try Certificates.made.get()
        let options = TLSServerOptions(
            certificates: [try certificates.ecdsa.certificate()], isHTTP: true)
        let pair = try Pair(options, trusting: certificates.ecdsa.chain, room: room)
        pair.piece = piece
        pair.carry()
        try #require(pair.client.isEstablished && pair.server.isEstablished)
        var fromClient: [UInt8] = []
        var fromServer: [UInt8] = []
        for (first, second) in [
            (1, 0), (0, 9), (200, 100), (16_384, 1), (300, 40_000), (16_383, 5),
        ] {
            let (one, two) = (Self.bytes(first, 1), Self.bytes(second, 2))
            pair.client.send(one.span, two.span, into: pair.toServer)
            pair.server.send(two.span, one.span, into: pair.toClient)
            fromClient += one + two
            fromServer += two + one
            if second != 9 { pair.carry() }
        }
        pair.carry()
        #expect(pair.atServer == fromClient)
        #expect(pair.atClient == fromServer)
        let outcome = try #require(pair.server.outcome)
        #expect(outcome == pair.client.outcome)
        #expect(outcome.version == "TLSv1.3" && outcome.cipher == "TLS_AES_128_GCM_SHA256")
        #expect(outcome.serverName == "example.com" && !outcome.isResumed)

        pair.client.closeNotify(into: pair.toServer)
        pair.client.closeNotify(into: pair.toServer)
        #expect(pair.toServer.count == 24)
        pair.carry()
        #expect(pair.last.server == .ended)
        #expect(pair.server.receive(Span(), into: pair.content, reply: pair.toClient) == .ended)
        #expect(!pair.server.hasPending)
        // Half of the connection is left.
        pair.server.send([1, 2, 3].span, Span(), into: pair.toClient)
        pair.carry()
        #expect(Array(pair.atClient.suffix(3)) == [1, 2, 3])
    }

    @Test("small pieces of content go out as one record")
    func joined() throws {
        let certificates = try Certificates.made.get()
        let options = TLSServerOptions(
            certificates: [try certificates.ecdsa.certificate()], isHTTP: true)
        let pair = try Pair(options, trusting: certificates.ecdsa.chain)
        pair.carry()
        pair.server.send(Self.bytes(100, 1).span, Self.bytes(200, 2).span, into: pair.toClient)
        #expect(pair.toClient.count == 300 + 22)
    }

    @Test("certificates are shown by name")
    func names() throws {
        let certificates = try Certificates.made.get()
        var options = TLSServerOptions(
            certificates: [
                try certificates.other.certificate(), try certificates.ecdsa.certificate(),
                try certificates.rsa.certificate(),
            ], isHTTP: true)
        func failure(
            for name: String, trusting pair: Certificates.Pair
        ) throws -> (server: TLSFailure?, client: TLSFailure?) {
            let pair = try Pair(options, trusting: pair.chain, name: name)
            pair.carry()
            #expect(pair.server.isEstablished == (pair.server.failure == nil))
            return (pair.server.failure, pair.client.failure)
        }
        for (name, pair) in [
            ("example.com", certificates.ecdsa), ("EXAMPLE.com", certificates.ecdsa),
            ("a.example.com", certificates.ecdsa), ("www.example.org", certificates.rsa),
            ("other.test", certificates.other),
        ] {
            let failed = try failure(for: name, trusting: pair)
            #expect(failed.server == nil && failed.client == nil, "\(name): \(failed)")
        }
        // The default is for another name, and the client says so.
        for name in ["a.b.example.com", "org", "unknown.test"] {
            let failed = try failure(for: name, trusting: certificates.other)
            #expect(failed.client == .certificate && failed.server == .refused, "\(name)")
        }
        options.isStrict = true
        let failed = try failure(for: "unknown.test", trusting: certificates.other)
        #expect(failed.server == .name && failed.client == .refused)
    }

    @Test("a client trusts nobody but its authorities")
    func trust() throws {
        let certificates = try Certificates.made.get()
        let options = TLSServerOptions(
            certificates: [try certificates.ecdsa.certificate()], isHTTP: true)
        let pair = try Pair(options, trusting: certificates.other.chain)
        pair.carry()
        #expect(pair.client.failure == .certificate && pair.server.failure == .refused)
        let fault = try #require(pair.client.fault())
        #expect(fault.reason == .selfSigned && pair.server.fault() == nil)
        #expect(throws: TLSClientProblem.authorities(.noCertificate)) {
            try TLSClient(TLSClientOptions(trust: .authorities([]), protocols: [.http1]))
        }
    }

    @Test("what is no TLS is refused, with one alert or, if it is HTTP, with none")
    func garbage() throws {
        let certificates = try Certificates.made.get()
        let options = TLSServerOptions(
            certificates: [try certificates.ecdsa.certificate()], isHTTP: true)
        for (bytes, failure, alerts) in [
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), TLSFailure.plainHTTP, 0),
            (Array("OPTIONS".utf8), .plainHTTP, 0),
            ([UInt8](repeating: 0, count: 1000), .notTLS, 1),
            ([0x16, 3, 1, 0, 4, 1, 0, 0, 0], .malformed, 1),
        ] {
            let pair = try Pair(options, trusting: certificates.ecdsa.chain)
            var none: [UInt8] = []
            let outcome = pair.give(bytes, to: pair.server, reply: pair.toClient, &none)
            #expect(outcome == .failed)
            #expect(pair.server.failure == failure, "\(bytes.prefix(8))")
            #expect(pair.toClient.count == 7 * alerts)
            // It stays so, and says no more.
            pair.server.closeNotify(into: pair.toClient)
            #expect(pair.give(bytes, to: pair.server, reply: pair.toClient, &none) == .failed)
            #expect(pair.toClient.count == 7 * alerts)
        }
    }

    @Test("every changed byte of a handshake or a record breaks it", arguments: [false, true])
    func changed(isOpen: Bool) throws {
        let certificates = try Certificates.made.get()
        let options = TLSServerOptions(
            certificates: [try certificates.ecdsa.certificate()], isHTTP: true)
        for place in stride(from: 0, to: 120, by: 3) {
            let pair = try Pair(options, trusting: certificates.ecdsa.chain)
            if isOpen {
                pair.carry()
                try #require(pair.client.isEstablished)
                pair.client.send(Self.bytes(120, 1).span, Span(), into: pair.toServer)
            }
            var bytes = pair.take(pair.toServer)
            bytes[place] ^= 0x55
            var got: [UInt8] = []
            let outcome = pair.give(bytes, to: pair.server, reply: pair.toClient, &got)
            #expect(got.isEmpty)
            if isOpen {
                // A record that says to be longer waits for its end.
                #expect(outcome == .failed || outcome == .needsMore && (3...4).contains(place))
            } else {
                pair.toServer.append(Span())
                pair.carry()
                #expect(!pair.server.isEstablished || place < 11)
            }
        }
    }
}
