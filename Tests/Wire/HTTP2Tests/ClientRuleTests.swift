// Goal: a client treats each breach of RFC 9113 that a server can commit as it says, and nothing
// else as one.
// Method: the cases of h2spec for clients, by their sections there, after one request was sent.

internal import HTTP2
internal import Testing

@Suite("HTTP/2 client, the rules of RFC 9113") struct ClientRuleTests {
    @Test("frames", arguments: frames)
    func checkFrames(_ rule: Rule) { play(rule) }

    @Test("streams", arguments: streams)
    func checkStreams(_ rule: Rule) { play(rule) }

    @Test("frames of each type", arguments: control)
    func checkTypes(_ rule: Rule) { play(rule) }

    private func play(_ rule: Rule) {
        let peer = Peer.ready(.client)
        peer.request(end: false)
        rule.check(peer)
    }

    @Test("the preface", arguments: beginnings)
    func checkBeginnings(_ rule: Rule) { rule.check(Peer(.client)) }
}

extension ClientRuleTests {
    static let beginnings: [Rule] = [
        Rule("1/1 SETTINGS", .accepted, .settings()),
        Rule("PING before SETTINGS", .connectionError(.protocolError), .ping()),
        Rule("an answer of HTTP/1", .connectionError(.frameSizeError)) {
            $0.receive(bytes: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        },
    ]

    static let frames: [Rule] = [
        Rule("4.1/1, 5.5/1 an unknown type", .accepted, Frame(.unknown, flags: 0xFF, [1])),
        Rule("4.1/2 undefined flags", .accepted, Frame(.ping, flags: 0x16, Frame.content(8))),
        Rule("4.1/3 the reserved bit", .accepted, Frame(.ping, stream: 1 << 31, Frame.content(8))),
        Rule("4.2/1 DATA of 2^14", .accepted, .headers(1, end: false), .data(1, 16384)),
        Rule(
            "4.2/2 DATA of more", .connectionError(.frameSizeError), .headers(1, end: false),
            .data(1, 16385)),
        Rule(
            "4.2/3 HEADERS of more", .connectionError(.frameSizeError),
            .headers(1, Frame.content(16385))),
        Rule("4.3/1 a block that can't be decoded", .connectionError(.compressionError)) {
            $0.receive([.headers(1, [0xFF])])
            $0.connection.fail(.compressionError, for: .compression)
            $0.receive([.ping()])
        },
        Rule(
            "6.10/1 two CONTINUATION", .accepted, .headers(1, endHeaders: false),
            .continuation(1, [1], endHeaders: false), .continuation(1, [2], endHeaders: true)),
        Rule(
            "6.10/2 DATA after CONTINUATION", .connectionError(.protocolError),
            .headers(1, endHeaders: false), .continuation(1, [1], endHeaders: false),
            .data(1, 1)),
        Rule(
            "6.10/3 CONTINUATION of stream 0", .connectionError(.protocolError),
            .headers(1, endHeaders: false), .continuation(0, [1], endHeaders: true)),
        Rule(
            "6.10/4 CONTINUATION after END_HEADERS", .connectionError(.protocolError),
            .headers(1), .continuation(1, [1], endHeaders: true)),
        Rule(
            "6.10/6 CONTINUATION after DATA", .connectionError(.protocolError),
            .headers(1, end: false), .data(1, 1), .continuation(1, [1], endHeaders: true)),
        Rule(
            "6.2/1 PRIORITY in a block", .connectionError(.protocolError),
            .headers(1, endHeaders: false), .priority(1, on: 0)),
        Rule(
            "6.2/3 HEADERS with too much padding", .connectionError(.protocolError),
            Frame(.headers, flags: 0xD, stream: 1, [9, 1])),
    ]

    static let streams: [Rule] = [
        Rule("5.1/1 idle: DATA", .connectionError(.protocolError), .data(3, 1)),
        Rule("5.1/2, 6.4/2 idle: RST_STREAM", .connectionError(.protocolError), .reset(3)),
        Rule("5.1/3 idle: WINDOW_UPDATE", .connectionError(.protocolError), .windowUpdate(3, 1)),
        Rule(
            "5.1/4 idle: CONTINUATION", .connectionError(.protocolError),
            .continuation(3, [1], endHeaders: true)),
        Rule("idle: HEADERS", .connectionError(.protocolError), .headers(3)),
        Rule("5.1.1/1 a stream of the server's", .connectionError(.protocolError), .headers(2)),
        Rule("DATA of a stream of the server's", .connectionError(.protocolError), .data(2, 1)),
        Rule("8.2 PUSH_PROMISE", .connectionError(.protocolError)) {
            $0.receive([Frame(.pushPromise, flags: 0x4, stream: 1, [0, 0, 0, 2, 0x82])])
        },
        Rule(
            "5.1/8 reset by the peer: DATA", .streamError(1, .streamClosed),
            .headers(1, end: false), .reset(1), .data(1, 1)),
        Rule(
            "5.1/9 reset by the peer: HEADERS", .streamError(1, .streamClosed),
            .headers(1, end: false), .reset(1), .headers(1)),
        Rule("5.1/11 closed: DATA", .streamError(1, .streamClosed)) {
            $0.receive([.headers(1)])
            $0.send(0, 0, end: true)
            $0.connection.release(0)
            $0.receive([.data(1, 4)])
        },
        Rule("5.1/12 closed: HEADERS", .connectionError(.streamClosed)) {
            $0.receive([.headers(1)])
            $0.send(0, 0, end: true)
            $0.connection.release(0)
            $0.receive([.headers(1)])
        },
        Rule("6.1/2 half-closed: DATA", .streamError(1, .streamClosed), .headers(1), .data(1, 1)),
        Rule("8.1 DATA before a head", .streamError(1, .protocolError), .data(1, 4)),
        Rule(
            "8.1 a head after DATA", .streamError(1, .protocolError), .headers(1, end: false),
            .data(1, 4), .headers(1, end: false)),
        Rule("8.1.1 DATA where there can be none", .streamError(1, .protocolError)) {
            $0.receive([.headers(1, end: false)])
            $0.connection.expect(0, contentBytes: 0)
            $0.receive([.data(1, 1)])
        },
    ]

    static let control: [Rule] = [
        Rule("6.1/1 DATA of stream 0", .connectionError(.protocolError), .data(0, 1)),
        Rule("6.2/2 HEADERS of stream 0", .connectionError(.protocolError), .headers(0)),
        Rule("6.3/1 PRIORITY of stream 0", .connectionError(.protocolError), .priority(0, on: 1)),
        Rule(
            "6.3/2 PRIORITY of 4 bytes", .streamError(1, .frameSizeError),
            Frame(.priority, stream: 1, [0, 0, 0, 0])),
        Rule("6.4/1 RST_STREAM of stream 0", .connectionError(.protocolError), .reset(0)),
        Rule(
            "6.4/3 RST_STREAM of 3 bytes", .connectionError(.frameSizeError),
            Frame(.resetStream, stream: 1, [0, 0, 0])),
        Rule("ENABLE_PUSH by a server", .connectionError(.protocolError), .settings([(0x2, 1)])),
        Rule(
            "6.5.2/1 INITIAL_WINDOW_SIZE of 2^31", .connectionError(.flowControlError),
            .settings([(0x4, 1 << 31)])),
        Rule(
            "6.5.2/2 MAX_FRAME_SIZE of 16,383", .connectionError(.protocolError),
            .settings([(0x5, 16383)])),
        Rule(
            "6.5.2/3 MAX_FRAME_SIZE of 2^24", .connectionError(.protocolError),
            .settings([(0x5, 1 << 24)])),
        Rule("6.5.2/4 an unknown setting", .accepted, .settings([(0xFF, 1)])),
        Rule("6.5.3/1 SETTINGS are acknowledged", .accepted) { peer in
            peer.receive([.settings([(0x3, 7)])])
            #expect(peer.frames().last == .settingsAcknowledged)
        },
        Rule(
            "6.5/1 an acknowledgement with a payload", .connectionError(.frameSizeError),
            Frame(.settings, flags: Frame.acknowledgement, [0])),
        Rule(
            "6.5/2 SETTINGS of a stream", .connectionError(.protocolError),
            Frame(.settings, stream: 1)),
        Rule(
            "6.5/3 SETTINGS of 3 bytes", .connectionError(.frameSizeError),
            Frame(.settings, [0, 3, 0])),
        Rule("6.7/1 PING", .accepted, .ping(5)),
        Rule("6.7/2 an answer to no PING", .accepted, .ping(5, acknowledges: true)),
        Rule(
            "6.7/3 PING of a stream", .connectionError(.protocolError),
            Frame(.ping, stream: 1, Frame.content(8))),
        Rule("6.7/4, 5.4.1 PING of 2 bytes", .connectionError(.frameSizeError), Frame(.ping, [1])),
        Rule(
            "6.8/1 GOAWAY of a stream", .connectionError(.protocolError),
            Frame(.goAway, stream: 1, Frame.content(8))),
        Rule("6.9/1 the window by 0", .connectionError(.protocolError), .windowUpdate(0, 0)),
        Rule(
            "6.9/2 a stream's window by 0", .streamError(1, .protocolError),
            .windowUpdate(1, 0)),
        Rule(
            "6.9/3 WINDOW_UPDATE of 3 bytes", .connectionError(.frameSizeError),
            Frame(.windowUpdate, [0, 0, 1])),
        Rule(
            "6.9.1/1 the window above 2^31-1", .connectionError(.flowControlError),
            .windowUpdate(0, 0x7FFF_FFFF)),
        Rule(
            "6.9.1/2 a stream's window above 2^31-1", .streamError(1, .flowControlError),
            .windowUpdate(1, 0x7FFF_FFFF)),
    ]
}
