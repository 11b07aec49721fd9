// Goal: the discovery server answers real clients over UDP and TCP, and survives hostile ones.
// Method: the project's own resolver and raw sockets on one loop; BIND's dig where it is installed.

import DNSClient
import DNSWire
import Demo
import Endpoints
import Events
import Testing

@Suite struct DiscoveryServerTests {
    let loop = EventLoop()

    private func server() throws -> DiscoveryServer {
        var zone = try ZoneTests.zone()
        let many = try DomainName("many.demo")
        for port in 0..<100 as Range<UInt16> {
            zone.add(
                ResourceRecord(many, ttlSeconds: 1, try ZoneTests.srv(8000 + port, "web-1.demo")))
        }
        return try DiscoveryServer(zone, on: Endpoint(.loopback, 0), loop)
    }

    private func turn(until condition: () -> Bool) {
        for _ in 0..<10_000 where !condition() { loop.runOnce(waiting: true) }
        #expect(condition())
    }

    private func ask(
        _ server: DiscoveryServer, _ name: String, _ type: RecordType, tcpFirst: Bool = false
    ) throws -> DNSAnswer {
        let resolver = Resolver(ResolverOptions(servers: [server.endpoint]), on: loop)
        var answer: DNSAnswer?
        resolver.ask(try DomainName(name), type, tcpFirst: tcpFirst) { answer = $0 }
        turn { answer != nil }
        return try #require(answer)
    }

    @Test("the resolver gets records and addresses in one answer", arguments: [false, true])
    func records(tcpFirst: Bool) throws {
        let server = try server()
        defer { server.close() }
        let answer = try ask(server, "_web._tcp.demo", .srv, tcpFirst: tcpFirst)
        let message = try #require(answer.message)
        #expect(message.answers.count == 3 && message.additionals.count == 3)
        #expect(answer.transport == (tcpFirst ? .tcp : .udp))
    }

    @Test("an answer too large for UDP comes over TCP, whole")
    func large() throws {
        let server = try server()
        defer { server.close() }
        let answer = try ask(server, "many.demo", .srv)
        #expect(answer.wasTruncated && answer.transport == .tcp)
        #expect(answer.message?.answers.count == 100)
        #expect(server.counters.queriesUDP == 1 && server.counters.queriesTCP == 1)
    }

    @Test("denials and refusals are told apart")
    func denials() throws {
        let server = try server()
        defer { server.close() }
        #expect(try ask(server, "web-3.demo", .a).outcome == .nxdomain)
        #expect(try ask(server, "web-2.demo", .aaaa).outcome == .nodata)
        #expect(try ask(server, "example.com", .a).outcome == .refused)
    }

    @Test("a host with both families resolves to both; an alias is followed")
    func addresses() throws {
        let server = try server()
        defer { server.close() }
        let resolver = Resolver(ResolverOptions(servers: [server.endpoint]), on: loop)
        var found: [AddressAnswer] = []
        resolver.resolveAddresses(try DomainName("web-1.demo")) { found.append($0) }
        turn { found.count == 1 }
        resolver.resolveAddresses(try DomainName("www.demo")) { found.append($0) }
        turn { found.count == 2 }
        #expect(found.map(\.addresses) == [[.v4(0x7f00_0001), .v6(0, 1)], [.v4(0x7f00_0002)]])
        #expect(found.allSatisfy { $0.timeToLive == .seconds(1) && $0.isComplete })
    }

    @Test("garbage gets FORMERR when it has a header, responses and scraps get nothing")
    func garbage() throws {
        let server = try server()
        defer { server.close() }
        let client = try Client(Socket.connectDatagram(to: server.endpoint), on: loop)
        defer { client.close() }
        let query = Message.query(id: 5, Question(try DomainName("demo"), .soa))
        var bytes: [UInt8] = []
        query.reply().encode(into: &bytes, maximumSize: 512)
        client.send(bytes)
        client.send([1, 2, 3])
        client.send([])
        bytes = []
        query.encode(into: &bytes, maximumSize: 512)
        client.send(bytes + [0])
        turn { !client.received.isEmpty }
        let reply = try MessageHeader(decoding: client.received.span)
        #expect(reply.id == 5 && reply.responseCode == .formatError)
        #expect(server.counters.malformed == 4)
    }

    @Test("over TCP, several queries in pieces are answered in order, and a non-client is dropped")
    func pipelined() throws {
        let server = try server()
        defer { server.close() }
        let client = try Client(Socket.connectStream(to: server.endpoint), on: loop)
        defer { client.close() }
        var bytes: [UInt8] = []
        for id in 1...20 as ClosedRange<UInt16> {
            Message.query(id: id, Question(try DomainName("many.demo"), .srv))
                .encodeFrame(into: &bytes)
        }
        turn { client.isConnected }
        for piece in stride(from: 0, to: bytes.count, by: 7) {
            client.send(Array(bytes[piece..<min(piece + 7, bytes.count)]))
            loop.runOnce()
        }
        var splitter = TCPFrameSplitter()
        var ids: [UInt16] = []
        turn {
            splitter.append(client.received.span)
            client.received = []
            while let frame = splitter.next() {
                guard let reply = try? Message(decoding: frame) else { return true }
                #expect(reply.answers.count == 100)
                ids.append(reply.id)
            }
            return ids.count == 20
        }
        #expect(ids == Array(1...20))
        client.send([0, 3, 1, 2, 3])
        turn { client.hasEnded }
    }

    @Test("connections beyond the bound are turned away")
    func connections() throws {
        let server = try server()
        let clients = try (0..<70).map { _ in
            try Client(Socket.connectStream(to: server.endpoint), on: loop)
        }
        turn { server.counters.connectionsRefused == 6 && clients.count { $0.hasEnded } == 6 }
        for client in clients { client.close() }
        server.close()
        server.close()
    }

    @Test("a port in use is an error")
    func portInUse() throws {
        let server = try server()
        defer { server.close() }
        let error = #expect(throws: Errno.self) {
            try DiscoveryServer(ZoneTests.zone(), on: server.endpoint, loop)
        }
        #expect(error == .addressInUse)
    }
}

/// A socket that collects what it receives.
private final class Client: Channel {
    var received: [UInt8] = []
    var hasEnded = false
    var isConnected = false
    private let buffer = ReceiveBuffer()

    override init(_ descriptor: Descriptor, on loop: EventLoop) {
        super.init(descriptor, on: loop)
        startReading()
        awaitWrite()
    }

    func send(_ bytes: [UInt8]) {
        _ = descriptor.send(bytes.span)
    }

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { bytes in
                for index in bytes.indices { received.append(bytes[index]) }
            }
        case .endOfStream, .failed:
            hasEnded = true
            stopReading()
        case .wouldBlock: break
        }
    }

    override func onWritable() {
        isConnected = true
        stopAwaitingWrite()
    }
}
