// Connections of HTTP/2: what bytes come to, and what is sent because of them, does not depend on
// where they are cut; nothing that a peer sends traps, or has more kept than its bounds allow.

internal import HTTP2

/// One input as what a client sends, and as what a server does, behind a good beginning.
@Sendable func fuzzHTTP2(_ input: Span<UInt8>) {
    for role in [HTTP2Role.server, .client] {
        var whole = HTTP2Talk(role)
        whole.receive(input)
        var single = HTTP2Talk(role)
        for index in input.indices { single.receive(input.extracting(index..<index + 1)) }
        require(whole.heard == single.heard, "\(whole.heard) whole, \(single.heard) byte by byte")
        require(whole.said == single.said, "other frames byte by byte")

        var pieces = HTTP2Talk(role)
        var (start, digest) = (0, input.digest)
        while start < input.count {
            let end = start + min(input.count - start, 1 + Int(digest >> 58))
            digest = digest &* 6_364_136_223_846_793_005 &+ 1
            // In memory of its own, where reading one byte too far is seen.
            pieces.receive(input.copy(start..<end).span)
            start = end
        }
        require(whole.heard == pieces.heard, "\(whole.heard) whole, \(pieces.heard) in pieces")
        require(whole.said == pieces.said, "other frames in pieces")
        whole.end()
    }
}

/// A connection whose caller answers at once.
private struct HTTP2Talk: ~Copyable {
    /// What was told, without where its bytes are.
    enum Heard: Equatable {
        case block(Int?, [UInt8], isFirst: Bool, endsStream: Bool)
        case data(Int, [UInt8], endsStream: Bool)
        case event(HTTP2Event)
    }

    private(set) var heard: [Heard] = []
    private(set) var said: [UInt8] = []
    private var connection: HTTP2Connection
    private let role: HTTP2Role
    /// Bytes held, by slot.
    private var held: [Int: Int] = [:]

    init(_ role: HTTP2Role) {
        self.role = role
        var own = HTTP2Settings()
        own.streamsMax = 8
        connection = HTTP2Connection(role, own)
        var beginning: [UInt8] = []
        if role == .server { beginning += Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) }
        beginning += [0, 0, 0, 4, 0, 0, 0, 0, 0]
        receive(beginning.span)
        guard role == .client else { return }
        for _ in 0..<4 {
            guard let slot = connection.openStream() else { fatalError("no stream") }
            write(slot, endsStream: slot % 2 == 0)
        }
    }

    mutating func receive(_ bytes: Span<UInt8>) {
        var at = 0
        while true {
            let step = connection.next(bytes, from: at, at: 1)
            require(step.end >= at && step.end <= bytes.count, "\(step.end) after \(at)")
            at = step.end
            if step.event == .needMore { break }
            hear(step.event, bytes)
        }
        require(at == bytes.count, "\(bytes.count - at) bytes left over")
        require(connection.gathered.count <= 16_384 + 256 + 6, "too much is gathered")
        require(connection.streamCount <= 8, "too many streams")
        require(connection.controlBytes <= 64 + bytes.count * 3 / 2, "more said than heard")
        take()
    }

    private mutating func hear(_ event: HTTP2Event, _ bytes: Span<UInt8>) {
        switch event {
        case .headers(let slot, let block, let isFirst, let endsStream):
            heard.append(
                .block(slot, content(block, bytes), isFirst: isFirst, endsStream: endsStream))
            if endsStream { finish(slot) }
        case .discarded(let block):
            heard.append(
                .block(nil, content(block, bytes), isFirst: false, endsStream: false))
        case .data(let slot, let range, let endsStream):
            require(endsStream || !range.isEmpty, "DATA of nothing")
            hear(slot, bytes.copy(range), endsStream: endsStream)
        case .reset(let slot, _), .streamError(let slot, _, _):
            heard.append(.event(event))
            release(slot)
        case .windowOpened(let slot):
            heard.append(.event(event))
            if let slot { require(connection.sendRoom(slot) >= 0, "a room below 0") }
        default: heard.append(.event(event))
        }
    }

    /// Pieces of one frame are one.
    private mutating func hear(_ slot: Int, _ content: [UInt8], endsStream: Bool) {
        if case .data(slot, let before, false)? = heard.last {
            heard[heard.count - 1] = .data(slot, before + content, endsStream: endsStream)
        } else {
            heard.append(.data(slot, content, endsStream: endsStream))
        }
        held[slot, default: 0] += content.count
        guard endsStream else { return }
        connection.consumed(slot, held[slot] ?? 0)
        held[slot] = 0
        finish(slot)
    }

    private func content(_ block: HTTP2Block, _ bytes: Span<UInt8>) -> [UInt8] {
        switch block {
        case .received(let range): bytes.copy(range)
        case .gathered(let range): Array(connection.gathered[range])
        }
    }

    /// The peer's side of a stream has ended: answers, and gives the slot up.
    private mutating func finish(_ slot: Int) {
        if role == .server {
            write(slot, endsStream: true)
        } else {
            connection.reset(slot, .cancel)
        }
        release(slot)
    }

    private mutating func release(_ slot: Int) {
        connection.release(slot)
        held[slot] = nil
    }

    private mutating func write(_ slot: Int, endsStream: Bool) {
        take()
        said += [UInt8](capacity: 64) { out in
            connection.writeHeaders(slot, block: [0x88].span, endsStream: endsStream, into: &out)
        }
    }

    private mutating func take() {
        said += [UInt8](capacity: connection.controlBytes) { out in
            connection.takeControl(into: &out)
        }
    }

    /// What was said is whole frames of lengths that they can have.
    mutating func end() {
        var at = role == .client ? 24 : 0
        while at < said.count {
            require(at + 9 <= said.count && said[at] == 0, "a frame at \(at)")
            at += 9 + Int(said[at + 1]) << 8 + Int(said[at + 2])
        }
        require(at == said.count, "a frame cut short")
    }
}
