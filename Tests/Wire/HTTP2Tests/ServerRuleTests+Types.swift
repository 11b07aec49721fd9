// The cases of one type of frame: sections 6, 8.1 and 8.2 of h2spec, and its generic ones.

internal import HTTP2
internal import Testing

extension ServerRuleTests {
    static let types: [Rule] = [
        Rule("6.1/1 DATA of stream 0", .connectionError(.protocolError), .data(0, 4)),
        Rule(
            "6.1/3 DATA with too much padding", .connectionError(.protocolError),
            .headers(1, end: false), Frame(.data, flags: 0x9, stream: 1, [6, 1, 2, 3, 4])),
        Rule(
            "padded DATA of nothing", .connectionError(.frameSizeError),
            .headers(1, end: false), Frame(.data, flags: 0x8, stream: 1)),
        Rule("6.2/3 HEADERS of stream 0", .connectionError(.protocolError), .headers(0)),
        Rule(
            "6.2/4 HEADERS with too much padding", .connectionError(.protocolError),
            Frame(.headers, flags: 0xD, stream: 1, [0x82, 0x84])),
        Rule(
            "HEADERS without room for its fields", .connectionError(.frameSizeError),
            Frame(.headers, flags: 0x24, stream: 1, [0, 0, 0])),
        Rule("6.3/1 PRIORITY of stream 0", .connectionError(.protocolError), .priority(0, on: 1)),
        Rule(
            "6.3/2 PRIORITY of 4 bytes", .streamError(1, .frameSizeError), .headers(1),
            Frame(.priority, stream: 1, [0, 0, 0, 0])),
        Rule("6.4/1 RST_STREAM of stream 0", .connectionError(.protocolError), .reset(0)),
        Rule(
            "6.4/3 RST_STREAM of 3 bytes", .connectionError(.frameSizeError), .headers(1),
            Frame(.resetStream, stream: 1, [0, 0, 0])),
        Rule("8.1/1 trailers without END_STREAM", .streamError(1, .protocolError)) { peer in
            let events = peer.receive([
                .headers(1, end: false), .data(1, 4), .headers(1, [0x90], end: false),
            ])
            #expect(
                events.suffix(2) == [
                    .discarded([0x90]),
                    .other(.streamError(slot: 0, .protocolError, .trailersNotLast)),
                ])
        },
        Rule("8.2/1 PUSH_PROMISE", .connectionError(.protocolError)) { peer in
            peer.receive([
                .headers(1), Frame(.pushPromise, flags: 0x4, stream: 1, [0, 0, 0, 3, 0x82]),
            ])
        },
        Rule("8.1.2.6/1 DATA of another length", .streamError(1, .protocolError)) { peer in
            peer.receive([.headers(1, end: false)])
            peer.connection.expect(0, contentBytes: 1)
            // Not even the first of these bytes is passed on.
            #expect(peer.receive([.data(1, 4, end: true)]) == [Self.wrongLength])
        },
        Rule("8.1.2.6/2 the sum of DATA is less", .streamError(1, .protocolError)) { peer in
            peer.receive([.headers(1, end: false)])
            peer.connection.expect(0, contentBytes: 9)
            let events = peer.receive([.data(1, 4), .data(1, 4, end: true)])
            #expect(events == [.data(0, Frame.content(4), end: false), Self.wrongLength])
        },
        Rule("8.1.2.6 trailers come too soon", .streamError(1, .protocolError)) { peer in
            peer.receive([.headers(1, end: false)])
            peer.connection.expect(0, contentBytes: 9)
            let events = peer.receive([.data(1, 4), .headers(1, [0x90])])
            #expect(events.suffix(2) == [.discarded([0x90]), Self.wrongLength])
        },
        Rule("8.1.2.6 the right length", .accepted) { peer in
            peer.receive([.headers(1, end: false)])
            peer.connection.expect(0, contentBytes: 8)
            peer.receive([.data(1, 4), .data(1, 4), .data(1, 0, end: true)])
        },
        Rule("8.1.2 a malformed head", .streamError(1, .protocolError)) { peer in
            peer.receive([.headers(1)])
            peer.connection.reset(0, .protocolError, for: .malformedHead)
            #expect(peer.connection.faults[.malformedHead] == 1)
        },
    ]

    private static let wrongLength = Peer.Happening.other(
        .streamError(slot: 0, .protocolError, .contentLength))

    static let control: [Rule] = [
        Rule(
            "6.5/1 an acknowledgement with a payload", .connectionError(.frameSizeError),
            Frame(.settings, flags: Frame.acknowledgement, [0])),
        Rule(
            "6.5/2 SETTINGS of a stream", .connectionError(.protocolError),
            Frame(.settings, stream: 1, [0, 3, 0, 0, 0, 1])),
        Rule(
            "6.5/3 SETTINGS of 3 bytes", .connectionError(.frameSizeError),
            Frame(.settings, [0, 3, 0])),
        Rule(
            "6.5.2/1 ENABLE_PUSH of 2", .connectionError(.protocolError), .settings([(0x2, 2)])),
        Rule(
            "6.5.2/2, 6.9.2/3 INITIAL_WINDOW_SIZE of 2^31", .connectionError(.flowControlError),
            .settings([(0x4, 1 << 31)])),
        Rule(
            "6.5.2/3 MAX_FRAME_SIZE of 16,383", .connectionError(.protocolError),
            .settings([(0x5, 16383)])),
        Rule(
            "6.5.2/4 MAX_FRAME_SIZE of 2^24", .connectionError(.protocolError),
            .settings([(0x5, 1 << 24)])),
        Rule("6.5.2/5 an unknown setting", .accepted, .settings([(0xFF, 1)])),
        Rule(
            "ENABLE_CONNECT_PROTOCOL of 2", .connectionError(.protocolError),
            .settings([(0x8, 2)])),
        Rule(
            "ENABLE_CONNECT_PROTOCOL taken back", .connectionError(.protocolError),
            .settings([(0x8, 1)]), .settings([(0x8, 0)])),
        Rule("6.5.3/1 the last of several values", .accepted) { peer in
            peer.receive([.settings([(0x4, 100), (0x4, 1)]), .headers(1)])
            #expect(peer.connection.sendRoom(0) == 1)
        },
        Rule("6.5.3/2 SETTINGS are acknowledged", .accepted) { peer in
            peer.receive([.settings([(0x3, 7)])])
            #expect(peer.frames() == [.settingsAcknowledged])
        },
        Rule("6.7/1 PING", .accepted) { peer in
            peer.receive([.ping(5)])
            #expect(peer.frames() == [.ping(5, acknowledges: true)])
        },
        Rule("6.7/2 an answer to no PING", .accepted) { peer in
            #expect(peer.receive([.ping(5, acknowledges: true)]) == [])
            #expect(peer.frames() == [])
        },
        Rule(
            "6.7/3 PING of a stream", .connectionError(.protocolError),
            Frame(.ping, stream: 1, Frame.content(8))),
        Rule("6.7/4 PING of 6 bytes", .connectionError(.frameSizeError), Frame(.ping, [1, 2])),
        Rule(
            "6.8/1 GOAWAY of a stream", .connectionError(.protocolError),
            Frame(.goAway, stream: 1, Frame.content(8))),
        Rule("GOAWAY of 4 bytes", .connectionError(.frameSizeError), Frame(.goAway, [0, 0, 0, 1])),
    ]

    static let windows: [Rule] = [
        Rule(
            "6.9/1 the connection's window by 0", .connectionError(.protocolError),
            .windowUpdate(0, 0)),
        Rule(
            "6.9/2 a stream's window by 0", .streamError(1, .protocolError),
            .headers(1, end: false), .windowUpdate(1, 0)),
        Rule(
            "6.9/3 WINDOW_UPDATE of 3 bytes", .connectionError(.frameSizeError),
            Frame(.windowUpdate, [0, 0, 1])),
        Rule("6.9.1/1 no more than the window", .accepted) { peer in
            peer.receive([.settings([(0x4, 1)]), .headers(1)])
            peer.respond(0)
            #expect(peer.send(0, 10) == 1 && peer.send(0, 9) == 0)
        },
        Rule(
            "6.9.1/2 the connection's window above 2^31-1", .connectionError(.flowControlError),
            .windowUpdate(0, 0x7FFF_FFFF), .windowUpdate(0, 0x7FFF_FFFF)),
        Rule(
            "6.9.1/3 a stream's window above 2^31-1", .streamError(1, .flowControlError),
            .headers(1, end: false), .windowUpdate(1, 0x7FFF_FFFF),
            .windowUpdate(1, 0x7FFF_FFFF)),
        Rule("6.9.2/1 a window that is changed while open", .accepted) { peer in
            peer.receive([.settings([(0x4, 0)]), .headers(1)])
            peer.respond(0)
            #expect(peer.send(0, 5) == 0)
            #expect(peer.receive([.settings([(0x4, 1)])]) == [.other(.settings)])
            #expect(peer.send(0, 5) == 1)
        },
        Rule("6.9.2/2 a window below 0", .accepted) { peer in
            peer.receive([.settings([(0x4, 3)]), .headers(1)])
            peer.respond(0)
            #expect(peer.send(0, 5) == 3)
            peer.receive([.settings([(0x4, 2)])])
            #expect(peer.connection.sendRoom(0) == 0)
            #expect(peer.receive([.windowUpdate(1, 2)]) == [.other(.windowOpened(slot: 0))])
            #expect(peer.send(0, 2) == 1)
        },
        Rule(
            "SETTINGS open a window above 2^31-1", .connectionError(.flowControlError),
            .headers(1), .windowUpdate(1, 0x7FFF_0000), .settings([(0x4, 131_072)])),
        Rule("more DATA than the connection's window", .connectionError(.flowControlError)) {
            peer in
            peer.consumes = false
            for stream in [UInt32(1), 3, 5, 7, 9] {
                peer.receive([.headers(stream, end: false)])
                peer.receive(Array(repeating: .data(stream, 16383), count: 4))
            }
        },
        Rule("more DATA than a stream's window", .streamError(1, .flowControlError)) { peer in
            peer.consumes = false
            peer.receive([.headers(1, end: false)])
            peer.receive(Array(repeating: .data(1, 16384), count: 4))
        },
    ]

    static let generic: [Rule] = [
        Rule(
            "2 PRIORITY of an idle stream, then a lower one", .accepted,
            .priority(5, on: 0), .headers(1)),
        Rule(
            "3.1 DATA in several frames, padded", .accepted, .headers(1, end: false),
            .data(1, 4), .padded(1, 4, padding: 255), .padded(1, 0, padding: 0, end: true)),
        Rule("3.2 HEADERS padded and with priority", .accepted) { peer in
            let events = peer.receive([
                Frame(.headers, flags: 0xD, stream: 1, [2, 0x82, 0, 0]),
                Frame(.headers, flags: 0x25, stream: 3, [0, 0, 0, 1, 255, 0x83]),
                Frame(.headers, flags: 0x2D, stream: 5, [1, 0, 0, 0, 1, 255, 0x84, 0]),
            ])
            #expect(
                events == [
                    .headers(0, [0x82], isFirst: true, end: true),
                    .headers(1, [0x83], isFirst: true, end: true),
                    .headers(2, [0x84], isFirst: true, end: true),
                ])
        },
        Rule(
            "3.3 PRIORITY of all kinds", .accepted, .priority(1, on: 0),
            .priority(1, on: 0x8000_0003), .headers(1), .priority(1, on: 3)),
        Rule("3.8 GOAWAY", .accepted, .headers(1), .goAway(0), .headers(3)),
        Rule("3.9 WINDOW_UPDATE", .accepted, .windowUpdate(0, 1), .headers(1), .windowUpdate(1, 1)),
        Rule("4 GET, HEAD, POST, and POST with trailers", .accepted) { peer in
            peer.receive([
                .headers(1), .headers(3), .headers(5, end: false), .data(5, 4, end: true),
                .headers(7, end: false), .data(7, 4), .headers(7),
            ])
            for slot in 0..<4 {
                peer.respond(slot)
                peer.send(slot, 10, end: true)
                peer.connection.release(slot)
            }
            #expect(peer.connection.streamCount == 0)
        },
    ]
}
