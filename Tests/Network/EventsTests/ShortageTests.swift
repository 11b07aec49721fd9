// Goal: what this machine runs out of is told from what its peers do, and what is left is shared
// out. Method: a table of errors; limits and times as values.

import Endpoints
import Events
import Glibc
import Testing

@Suite struct ShortageTests {
    @Test(
        "shortages of this machine, and errors that are a peer's",
        arguments: [
            (EMFILE, .descriptors), (ENFILE, .descriptors), (EADDRNOTAVAIL, .ports),
            (ENOMEM, .memory), (ENOBUFS, .memory), (EAGAIN, nil), (ECONNREFUSED, nil),
            (ETIMEDOUT, nil), (ENETUNREACH, nil), (EACCES, nil), (ECONNRESET, nil),
        ] as [(Int32, Shortage?)])
    func table(number: Int32, shortage: Shortage?) {
        let errno = Errno(rawValue: number)
        #expect(errno.shortage == shortage)
        #expect(errno.isShortage == (shortage != nil))
    }

    @Test("a dial on a descriptor that is kept for something else fails before it sends anything")
    func dialLimit() throws {
        let listener = try Socket.listen(on: .init(.loopback, 0))
        defer { listener.close() }
        let endpoint = try #require(listener.localEndpoint)
        let before = ShortageTally.count(of: .descriptors)
        #expect(throws: Errno.tooManyDescriptors) {
            try Socket.connectStream(to: endpoint, below: 0)
        }
        #expect(ShortageTally.count(of: .descriptors) > before)
        guard case .wouldBlock = listener.accept() else {
            Issue.record("it has connected")
            return
        }
    }

    @Test("clients get nine tenths, dials nearly all")
    func shares() {
        let room = DescriptorRoom(limit: 1024)
        #expect(room.clientsEnd == 922)
        #expect(room.dialsEnd == 973)
        #expect(DescriptorRoom(limit: 1_000_000).dialsEnd == 999_680)
        #expect(DescriptorRoom(limit: .max).clientsEnd == .max)
    }

    @Test("clients give way to dials that fail, down to half, and get it back when all is calm")
    func givingWay() {
        // A limit that is not this process's is taken to have changed, so this one's is used.
        var room = DescriptorRoom.current
        let limit = Int32(clamping: room.limit)
        room.wasShort(now: 1)
        #expect(room.clientsEnd < limit - limit / 10)
        for _ in 0..<20 { room.wasShort(now: 1) }
        #expect(room.clientsEnd == limit / 2)
        _ = room.hasRoomForClients(now: 1_000_000_000)
        #expect(room.clientsEnd == limit / 2)
        _ = room.hasRoomForClients(now: 1_000_000_001)
        #expect(room.clientsEnd == limit / 2 + limit / 64)
        for second in 2...UInt64(100) { _ = room.hasRoomForClients(now: second * 1_000_000_001) }
        #expect(room.clientsEnd == DescriptorRoom(limit: room.limit).clientsEnd)
    }
}
