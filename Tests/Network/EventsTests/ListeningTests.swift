// Goal: a listening channel hands on each connection once, in batches, rests when it is told to or
// can't accept, and goes on after that. Method: loopback connections on a loop turned by the test.

import Endpoints
import Events
import Testing

@Suite struct ListeningTests {
    private let loop = EventLoop()

    private func listen() throws -> (ListeningChannel, Endpoint) {
        let descriptor = try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
        return (ListeningChannel(descriptor, on: loop), try #require(descriptor.localEndpoint))
    }

    @Test("a crowd is accepted in batches of 16, and no connection is left out")
    func batches() throws {
        let (listening, endpoint) = try listen()
        let clients = try (0..<40).map { _ in try Socket.connectStream(to: endpoint) }
        var accepted: [Descriptor] = []
        listening.start { connection, _ in accepted.append(connection) }
        var counts: [Int] = []
        while accepted.count < 40 {
            loop.runOnce(waiting: true)
            counts.append(accepted.count)
        }
        #expect(counts == [16, 32, 40])
        listening.close()
        for descriptor in accepted + clients { descriptor.close() }
    }

    @Test("a rest lasts until there is room, and what waits is accepted then")
    func rest() throws {
        let (listening, endpoint) = try listen()
        let clients = try (0..<3).map { _ in try Socket.connectStream(to: endpoint) }
        var accepted: [Descriptor] = []
        var asked = 0
        listening.hasRoom = {
            asked += 1
            return asked == 2
        }
        listening.start { [unowned listening] connection, _ in
            accepted.append(connection)
            if accepted.count == 1 { listening.rest() }
        }
        let begin = loop.nowNanoseconds
        while accepted.count < 3 { loop.runOnce(waiting: true) }
        #expect(asked == 2)
        #expect(loop.nowNanoseconds >= begin + 200_000_000)
        listening.close()
        for descriptor in accepted + clients { descriptor.close() }
    }

    @Test("connections that are established are accepted before an immediate close")
    func closeAtOnce() throws {
        let (listening, endpoint) = try listen()
        let clients = try (0..<40).map { _ in try Socket.connectStream(to: endpoint) }
        var accepted: [Descriptor] = []
        listening.start { connection, _ in accepted.append(connection) }
        listening.closeAtOnce()
        #expect(accepted.count == 40)
        #expect(!listening.isOpen)
        for descriptor in accepted + clients { descriptor.close() }
    }
}
