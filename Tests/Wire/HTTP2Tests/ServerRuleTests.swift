// Goal: a server treats each breach of RFC 9113, sections 3 to 8, as it says, and nothing else as
// one.
// Method: the cases of h2spec, by their sections there, played in frames. What is in a header block
// is for the caller to find, and tests of it are with those who read it.

internal import HTTP2
internal import Testing

@Suite("HTTP/2 server, the rules of RFC 9113") struct ServerRuleTests {
    @Test("frames", arguments: frames + blocks)
    func checkFrames(_ rule: Rule) { rule.check(Peer.ready()) }

    @Test("streams", arguments: streams + afterTheEnd + numbers)
    func checkStreams(_ rule: Rule) { rule.check(Peer.ready()) }

    @Test("frames of each type", arguments: types + control + windows)
    func checkTypes(_ rule: Rule) { rule.check(Peer.ready()) }

    @Test("what every server must take", arguments: generic)
    func checkGeneric(_ rule: Rule) { rule.check(Peer.ready()) }

    @Test("the preface", arguments: beginnings)
    func checkBeginnings(_ rule: Rule) { rule.check(Peer()) }

    static let beginnings: [Rule] = [
        Rule("3.5/1 the preface", .accepted) { $0.receive(bytes: Peer.magic + settings) },
        Rule("3.5/2 another preface", .connectionError(.protocolError)) {
            $0.receive(bytes: Array("INVALID CONNECTION PREFACE\r\n\r\n".utf8))
        },
        Rule("a request of HTTP/1", .connectionError(.protocolError)) {
            $0.receive(bytes: Array("GET / HTTP/1.1\r\n\r\n".utf8))
        },
        Rule("PING before SETTINGS", .connectionError(.protocolError)) {
            $0.receive(bytes: Peer.magic + Frame.ping().bytes)
        },
        Rule("an acknowledgement before SETTINGS", .connectionError(.protocolError)) {
            $0.receive(bytes: Peer.magic + Frame.settingsAcknowledged.bytes)
        },
    ]
    static let settings = Frame.settings().bytes

    static let frames: [Rule] = [
        Rule("4.1/1 a frame of unknown type", .accepted, Frame(.unknown, flags: 0xFF, [1, 2])),
        Rule("5.5/1 an extension", .accepted, Frame(.unknown), Frame(.unknown, stream: 9, [1])),
        Rule("4.1/2 undefined flags", .accepted, Frame(.ping, flags: 0x16, Frame.content(8))),
        Rule("4.1/3 the reserved bit", .accepted, Frame(.ping, stream: 1 << 31, Frame.content(8))),
        Rule("4.2/1 DATA of 2^14", .accepted, .headers(1, end: false), .data(1, 16384, end: true)),
        Rule(
            "4.2/2 DATA of more", .connectionError(.frameSizeError), .headers(1, end: false),
            .data(1, 16385)),
        Rule(
            "4.2/3 HEADERS of more", .connectionError(.frameSizeError),
            .headers(1, Frame.content(16385))),
        Rule("an unknown frame of more", .connectionError(.frameSizeError)) {
            $0.receive([Frame(.unknown, Frame.content(16385))])
        },
        Rule("4.3/1 a block that can't be decoded", .connectionError(.compressionError)) {
            $0.receive([.headers(1, [0xFF, 0xFF])])
            $0.connection.fail(.compressionError, for: .compression)
            $0.receive([.ping()])
        },
        Rule("5.4.1/1 and 2 a bad PING", .connectionError(.frameSizeError), Frame(.ping, [1])),
        Rule("7/1 GOAWAY with an unknown code", .accepted, .goAway(0, .init(rawValue: 0xFF))),
        Rule(
            "7/2 RST_STREAM with an unknown code", .accepted, .headers(1, end: false),
            .reset(1, .init(rawValue: 0xFF))),
    ]

    static let blocks: [Rule] = [
        Rule(
            "4.3/2, 6.2/1 PRIORITY in a block", .connectionError(.protocolError),
            .headers(1, endHeaders: false), .priority(1, on: 0)),
        Rule(
            "4.3/3, 6.2/2 HEADERS of another stream in a block", .connectionError(.protocolError),
            .headers(1, endHeaders: false), .headers(3)),
        Rule(
            "5.5/2 an extension in a block", .connectionError(.protocolError),
            .headers(1, endHeaders: false), Frame(.unknown, Frame.content(8))),
        Rule(
            "6.10/1 two CONTINUATION", .accepted, .headers(1, endHeaders: false),
            .continuation(1, [1], endHeaders: false), .continuation(1, [2], endHeaders: true)),
        Rule(
            "6.10/2 DATA after CONTINUATION", .connectionError(.protocolError),
            .headers(1, end: false, endHeaders: false), .continuation(1, [1], endHeaders: false),
            .data(1, 4, end: true)),
        Rule(
            "6.10/3 CONTINUATION of stream 0", .connectionError(.protocolError),
            .headers(1, endHeaders: false), .continuation(0, [1], endHeaders: true)),
        Rule(
            "6.10/4 CONTINUATION after END_HEADERS", .connectionError(.protocolError),
            .headers(1), .continuation(1, [1], endHeaders: true)),
        Rule(
            "6.10/5 CONTINUATION after one with END_HEADERS", .connectionError(.protocolError),
            .headers(1, endHeaders: false), .continuation(1, [1], endHeaders: true),
            .continuation(1, [1], endHeaders: true)),
        Rule(
            "6.10/6 CONTINUATION after DATA", .connectionError(.protocolError),
            .headers(1, end: false), .data(1, 4), .continuation(1, [1], endHeaders: true)),
    ]

    static let streams: [Rule] = [
        Rule("5.1/1 idle: DATA", .connectionError(.protocolError), .data(1, 4, end: true)),
        Rule("5.1/2, 6.4/2 idle: RST_STREAM", .connectionError(.protocolError), .reset(1)),
        Rule("5.1/3 idle: WINDOW_UPDATE", .connectionError(.protocolError), .windowUpdate(1, 100)),
        Rule(
            "5.1/4 idle: CONTINUATION", .connectionError(.protocolError),
            .continuation(1, [1], endHeaders: true)),
        Rule(
            "5.1/5, 6.1/2 half-closed: DATA", .streamError(1, .streamClosed), .headers(1),
            .data(1, 4, end: true)),
        Rule(
            "5.1/6 half-closed: HEADERS", .streamError(1, .streamClosed), .headers(1), .headers(1)),
        Rule(
            "5.1/7 half-closed: CONTINUATION", .connectionError(.protocolError), .headers(1),
            .continuation(1, [1], endHeaders: true)),
        Rule(
            "5.1/8 reset by the peer: DATA", .streamError(1, .streamClosed),
            .headers(1, end: false), .reset(1), .data(1, 4, end: true)),
        Rule(
            "5.1/9 reset by the peer: HEADERS", .streamError(1, .streamClosed),
            .headers(1, end: false), .reset(1), .headers(1)),
        Rule(
            "5.1/10 reset by the peer: CONTINUATION", .connectionError(.protocolError),
            .headers(1, end: false), .reset(1), .continuation(1, [1], endHeaders: true)),
        Rule(
            "generic 2 frames that a half-closed stream may get", .accepted, .headers(1),
            .windowUpdate(1, 100), .priority(1, on: 0), .reset(1), .priority(1, on: 0)),
        Rule("5.3.1/1 HEADERS on itself", .streamError(1, .protocolError)) { peer in
            let events = peer.receive([
                Frame(.headers, flags: 0x25, stream: 1, [0, 0, 0, 1, 255, 0x82])
            ])
            #expect(events == [.discarded([0x82])])
        },
        Rule(
            "5.3.1/2 PRIORITY on itself, idle", .connectionError(.protocolError),
            .priority(1, on: 1)),
        Rule(
            "5.3.1/2 PRIORITY on itself, open", .streamError(1, .protocolError), .headers(1),
            .priority(1, on: 1)),
    ]

    static let numbers: [Rule] = [
        Rule("5.1.1/1 an even number", .connectionError(.protocolError), .headers(2)),
        Rule("5.1.1/2 a lower number", .connectionError(.protocolError), .headers(5), .headers(3)),
        Rule(
            "DATA for a number that was passed over", .connectionError(.protocolError),
            .headers(5), .data(3, 1)),
        Rule("late DATA of a stream that the server reset, others being passed over", .accepted) {
            let slot = $0.open(3, end: false)
            $0.connection.reset(slot, .cancel)
            $0.connection.release(slot)
            $0.receive([.headers(99)])
            #expect($0.receive([.data(3, 9)]) == [])
            // The one frame that the server sent for itself.
            #expect($0.frames() == [.reset(3, .cancel)])
            $0.forget()
        },
        Rule("DATA for a number next to one that was reset", .connectionError(.protocolError)) {
            let slot = $0.open(3, end: false)
            $0.connection.reset(slot, .cancel)
            $0.connection.release(slot)
            $0.receive([.headers(99)])
            $0.forget()
            $0.receive([.data(5, 9)])
        },
        Rule("DATA of a stream too old to be remembered", .streamError(1, .streamClosed)) {
            let slot = $0.open(1, end: false)
            $0.connection.reset(slot, .cancel)
            $0.connection.release(slot)
            $0.receive([.headers(259)])
            _ = $0.frames()
            $0.forget()
            $0.receive([.data(1, 9)])
        },
        Rule("5.1.2/1 too many at a time", .streamError(201, .refusedStream)) { peer in
            for stream in 0..<100 { peer.receive([.headers(UInt32(2 * stream + 1))]) }
            #expect(peer.receive([.headers(201, [5])]) == [.discarded([5])])
            #expect(peer.connection.streamCount == 100)
        },
    ]

    /// A stream that is over: both sides have ended, and the slot is free or not.
    private static func ended(_ peer: Peer, released: Bool) {
        peer.receive([.headers(1)])
        peer.respond(0, end: true)
        if released { peer.connection.release(0) }
    }

    static let afterTheEnd: [Rule] = [true, false].flatMap { released in
        let name = released ? "released" : "closed"
        return [
            Rule("5.1/11 \(name): DATA", .streamError(1, .streamClosed)) {
                ended($0, released: released)
                #expect($0.receive([.data(1, 4, end: true)]) == [])
            },
            Rule("5.1/12 \(name): HEADERS", .connectionError(.streamClosed)) {
                ended($0, released: released)
                $0.receive([.headers(1)])
            },
            Rule("5.1/13 \(name): CONTINUATION", .connectionError(.protocolError)) {
                ended($0, released: released)
                $0.receive([.continuation(1, [1], endHeaders: true)])
            },
            Rule("\(name): what was on its way", .accepted) {
                ended($0, released: released)
                let late: [Frame] = [.windowUpdate(1, 1), .reset(1), .priority(1, on: 0)]
                #expect($0.receive(late) == [])
            },
        ]
    }
}
