// Goal: requests, answers, uploads and trailers of every honest shape get through.
// Method: frames by hand to a server, and what it says and sends.

internal import HTTP2
internal import Testing

@Suite("HTTP/2 exchanges") struct ExchangeTests {
    @Test("the server's SETTINGS come first, and open the window of the connection")
    func preface() {
        let peer = Peer()
        let first = peer.frames()
        #expect(
            first == [
                .settings([(0x3, 100), (0x9, 1), (0x6, 16384)]),
                .windowUpdate(0, 256 * 1024 - 65_535),
            ])
        #expect(peer.receive(bytes: Peer.magic + Frame.settings().bytes) == [.other(.settings)])
        #expect(peer.frames() == [.settingsAcknowledged])
    }

    @Test("a request without content and its answer")
    func get() {
        let peer = Peer.ready()
        #expect(
            peer.receive([.headers(1, [0x82, 0x84])])
                == [.headers(0, [0x82, 0x84], isFirst: true, end: true)])
        peer.respond(0)
        #expect(peer.send(0, 5, end: true) == 5)
        #expect(
            peer.frames() == [.headers(1, [0x88], end: false), .data(1, 5, end: true)])
        #expect(peer.connection.streamCount == 1)
        peer.connection.release(0)
        #expect(peer.connection.streamCount == 0)
        #expect(peer.frames() == [])
    }

    @Test("content, padding and trailers, and what of them is given back to the windows")
    func upload() {
        let peer = Peer.ready()
        var events = peer.receive([.headers(1, end: false), .data(1, 16384), .data(1, 16383)])
        #expect(events.count == 2 && peer.frames() == [])
        events = peer.receive([.padded(1, 1, padding: 3)])
        #expect(events == [.data(0, [0], end: false)])
        // Padding and its length are given back first, which makes half a window.
        #expect(peer.frames() == [.windowUpdate(1, 16384 + 16383 + 4)])
        events = peer.receive([.headers(1, [0x40])])
        #expect(events == [.headers(0, [0x40], isFirst: false, end: true)])
    }

    @Test("a block in three frames, one of them empty")
    func continuation() {
        let peer = Peer.ready()
        let frames: [Frame] = [
            .headers(1, [1, 2], endHeaders: false), .continuation(1, [], endHeaders: false),
            .continuation(1, [3], endHeaders: true), .headers(3, [4]),
        ]
        #expect(
            peer.receive(frames) == [
                .headers(0, [1, 2, 3], isFirst: true, end: true),
                .headers(1, [4], isFirst: true, end: true),
            ])
    }
}
