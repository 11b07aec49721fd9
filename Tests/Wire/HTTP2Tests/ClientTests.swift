// Goal: a client opens as many streams as it may, in order, and learns which of them a server did
// not look at; both sides end a connection without a loss.
// Method: frames by hand, and what is said and sent.

internal import HTTP2
internal import Testing

extension Peer {
    /// Sends a request's head, and returns its slot; nil when no stream may be opened.
    @discardableResult
    func request(end: Bool = true) -> Int? {
        guard let slot = connection.openStream() else { return nil }
        respond(slot, end: end)
        return slot
    }
}

@Suite("HTTP/2 client") struct ClientTests {
    @Test("the client's preface, and one stream until SETTINGS come")
    func preface() {
        let peer = Peer(.client)
        #expect(peer.request() == 0)
        #expect(peer.request() == nil)
        let expected: [Frame] = [
            .settings([(0x2, 0), (0x6, 16384)]), .windowUpdate(0, 256 * 1024 - 65_535),
            .headers(1, [0x88]),
        ]
        #expect(peer.frames() == expected)
        peer.receive([.settings([(0x3, 3), (0x8, 1)])])
        #expect(peer.connection.peer.allowsExtendedConnect)
        #expect(peer.request() != nil && peer.request() != nil)
        #expect(peer.request() == nil)
        #expect(peer.frames().map(\.stream) == [0, 3, 5])
    }

    @Test("no more streams than a client wants itself, whatever the server allows")
    func ownLimit() {
        var own = HTTP2Settings()
        own.streamsMax = 2
        let peer = Peer.ready(.client, own)
        #expect(peer.request() != nil && peer.request() != nil)
        let refused = peer.request()
        #expect(refused == nil)
        peer.receive([.headers(1)])
        peer.connection.release(0)
        #expect(peer.request() == 2)
    }

    @Test("streams are numbered as they are written to, not as they are opened")
    func numbers() {
        let peer = Peer.ready(.client)
        guard let first = peer.connection.openStream(), let second = peer.connection.openStream()
        else {
            Issue.record("no streams")
            return
        }
        peer.respond(second)
        peer.respond(first)
        let numbers = [first, second].map { peer.connection.streamID($0) }
        #expect(numbers == [3, 1])
        let events = peer.receive([.headers(3, [7]), .headers(1, [8])])
        let expected: [Peer.Happening] = [
            .headers(first, [7], isFirst: true, end: true),
            .headers(second, [8], isFirst: true, end: true),
        ]
        #expect(events == expected)
    }

    @Test("heads of interim and final answers, content, trailers")
    func answer() {
        let peer = Peer.ready(.client)
        peer.request()
        let events = peer.receive([
            .headers(1, [1], end: false), .headers(1, [2], end: false), .data(1, 3),
            .headers(1, [3]),
        ])
        #expect(
            events == [
                .headers(0, [1], isFirst: true, end: false),
                .headers(0, [2], isFirst: false, end: false),
                .data(0, [0, 1, 2], end: false), .headers(0, [3], isFirst: false, end: true),
            ])
        peer.connection.release(0)
    }

    @Test("GOAWAY: streams that the server will not look at are told as refused")
    func goAway() {
        let peer = Peer.ready(.client)
        for _ in 0..<4 { peer.request() }
        let unsent = peer.connection.openStream()
        let events = peer.receive([.goAway(3), .headers(3, [9])])
        #expect(events.first == .other(.goAway(.noError)))
        let refused = events.dropFirst().dropLast().compactMap { event -> Int? in
            guard case .other(.reset(let slot, .refusedStream)) = event else { return nil }
            return slot
        }
        #expect(refused.sorted() == [2, 3, unsent ?? -1])
        #expect(events.last == .headers(1, [9], isFirst: true, end: true))
        #expect(peer.request() == nil)
        for slot in [1, 2, 3] { peer.connection.release(slot) }
        // The server may say a lower number later, and then stream 1 is refused as well.
        #expect(
            peer.receive([.goAway(0)]) == [
                .other(.goAway(.noError)), .other(.reset(slot: 0, .refusedStream)),
            ])
    }

    @Test("the answer to a request that is still being sent is cut off without an error")
    func earlyAnswer() {
        let peer = Peer.ready(.client)
        peer.request(end: false)
        #expect(
            peer.receive([.headers(1), .reset(1, .noError)]) == [
                .headers(0, [0x82], isFirst: true, end: true),
                .other(.reset(slot: 0, .noError)),
            ])
        let canWrite = peer.connection.canWrite(0)
        #expect(!canWrite)
        #expect(peer.connection.sendRoom(0) == 0)
        peer.connection.release(0)
    }

    @Test("a sign of life, asked for once at a time")
    func ping() {
        let peer = Peer.ready(.client)
        peer.connection.ping()
        peer.connection.ping()
        let asked = peer.frames()
        #expect(asked.count == 1 && asked.first?.kind == .ping)
        var answer = asked.first ?? .ping()
        answer.flags = Frame.acknowledgement
        #expect(peer.receive([.ping(1, acknowledges: true), answer]) == [.other(.pong)])
        #expect(peer.receive([answer]) == [])
    }

    @Test("a table for header blocks that the peer made smaller is given up in the next block")
    func tableSize() {
        let peer = Peer.ready(.client, settings: [(0x1, 0)])
        peer.request()
        peer.request()
        #expect(peer.frames() == [.headers(1, [0x20, 0x88]), .headers(3, [0x88])])
    }

    @Test("a block larger than a frame goes on in CONTINUATION", arguments: [16384, 16385, 40000])
    func longBlock(_ count: Int) {
        let peer = Peer.ready(.client)
        let block = Frame.content(count)
        let slot = peer.connection.openStream() ?? -1
        peer.respond(slot, block, end: true)
        let frames = peer.frames()
        #expect(frames.flatMap(\.payload) == block)
        #expect(frames.count == (count + 16383) / 16384)
        #expect(frames.allSatisfy { $0.payload.count <= 16384 && $0.stream == 1 })
        #expect(frames.dropFirst().allSatisfy { $0.kind == .continuation })
        #expect(frames.first?.flags == (frames.count == 1 ? 0x5 : 0x1))
        #expect(frames.dropFirst().map(\.flags).last ?? 0x4 == 0x4)
        let bytes = frames.map(\.bytes.count).reduce(0, +)
        #expect(bytes <= HTTP2Connection.headersBytesMax(block: count))
    }
}

@Suite("HTTP/2, the end of a connection") struct EndTests {
    @Test("a drain takes what was on its way, and nothing after the peer has read of it")
    func drain() {
        let peer = Peer.ready()
        peer.receive([.headers(1)])
        peer.connection.drain()
        let frames = peer.frames()
        #expect(frames.first == .goAway(0x7FFF_FFFF))
        #expect(frames.count == 2 && frames.last?.kind == .ping)
        #expect(peer.receive([.headers(3)]) == [.headers(1, [0x82], isFirst: true, end: true)])
        var answer = frames.last ?? .ping()
        answer.flags = Frame.acknowledgement
        #expect(peer.receive([answer]) == [])
        #expect(peer.frames() == [.goAway(3)])
        // Too late: ignored, as RFC 9113 section 6.8 has it, and not even reset.
        #expect(
            peer.receive([.headers(5, [6], end: false), .data(5, 9), .reset(5)])
                == [.discarded([6])])
        #expect(peer.frames() == [])
        peer.respond(0, end: true)
        #expect(peer.frames() == [.headers(1, [0x88])])
    }

    @Test("one that does not wait for the peer")
    func goAway() {
        let peer = Peer.ready()
        peer.receive([.headers(1)])
        peer.connection.goAway(.noError)
        #expect(peer.frames() == [.goAway(1)])
        #expect(peer.receive([.headers(3, [6])]) == [.discarded([6])])
        // A last stream never grows again.
        peer.connection.goAway(.enhanceYourCalm)
        #expect(peer.frames() == [.goAway(1, .enhanceYourCalm)])
    }

    @Test("a slot that is given up while its stream is open: reset, unless all streams have ended")
    func releasedOpen() {
        let peer = Peer.ready()
        peer.connection.release(peer.open(1, end: false))
        #expect(peer.frames() == [.reset(1, .cancel)])
        let slot = peer.open(3)
        peer.receive([.data(0, 1)])
        peer.connection.release(slot)
        #expect(peer.frames() == [.goAway(3, .protocolError)])
        #expect(peer.connection.streamCount == 0)
    }

    @Test("an error that the caller found in a block ends the connection as any other")
    func foundByCaller() {
        let peer = Peer.ready()
        peer.receive([.headers(1)])
        peer.connection.fail(.compressionError, for: .compression)
        peer.connection.fail(.protocolError, for: .malformedHead)
        #expect(
            peer.receive([.headers(3)])
                == [.other(.connectionError(.compressionError, .compression))])
        #expect(peer.frames() == [.goAway(1, .compressionError)])
        #expect(peer.receive([.ping()]) == [])
    }

    @Test("content that nobody takes any more is given back to the connection's window")
    func abandoned() {
        let peer = Peer.ready()
        peer.consumes = false
        // Half of the window of the connection, so that the next byte given back is announced.
        for stream in [UInt32(1), 3] {
            peer.receive([.headers(stream, end: false)])
            peer.receive(Array(repeating: .data(stream, 16000), count: 4))
        }
        peer.connection.reset(0, .cancel)
        peer.connection.release(0)
        #expect(peer.frames() == [.reset(1, .cancel)])
        // The rest of a frame whose stream ends while it is read.
        let frame = Frame.data(3, 1000).bytes
        peer.receive(bytes: Array(frame[..<500]))
        peer.connection.reset(1, .cancel)
        peer.connection.release(1)
        #expect(peer.receive(bytes: Array(frame[500...])) == [])
        let more = Array(repeating: Frame.data(3, 1036), count: 2)
        #expect(peer.receive(more) == [])
        let frames = peer.frames()
        let given: UInt32 = 64000 * 2 + 1000 + 1036 * 2
        #expect(frames == [.reset(3, .cancel), .windowUpdate(0, given)])
    }

    @Test("the connection's window grows by the caller's word, and is never made smaller")
    func growth() {
        let peer = Peer.ready()
        peer.connection.growConnectionWindow(to: 1 << 20)
        #expect(peer.frames() == [.windowUpdate(0, (1 << 20) - (256 * 1024))])
        peer.connection.growConnectionWindow(to: 1 << 17)
        #expect(peer.frames() == [])
    }
}
