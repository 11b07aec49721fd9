// The other side of a connection under test: makes frames, and reads those that come back.

internal import HTTP1
internal import HTTP2
internal import Testing

/// A frame as a test writes or reads it.
struct Frame: Equatable, CustomStringConvertible {
    enum Kind: UInt8 {
        case data, headers, priority, resetStream, settings, pushPromise, ping, goAway
        case windowUpdate, continuation, unknown = 0x40
    }

    static let endStream: UInt8 = 0x1
    static let acknowledgement: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
    static let priority: UInt8 = 0x20

    var kind: Kind
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    var bytes: [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
            + [kind.rawValue, flags] + number(stream) + payload
    }

    /// The 32 bits at an offset of the payload.
    func number32(_ offset: Int = 0) -> UInt32 {
        payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    var description: String { "\(kind) flags \(flags) stream \(stream) \(payload.prefix(32))" }

    // What tests say most.

    static func headers(
        _ stream: UInt32, _ block: [UInt8] = [0x82], end: Bool = true, endHeaders: Bool = true
    ) -> Frame {
        Frame(
            .headers, flags: (end ? endStream : 0) | (endHeaders ? Self.endHeaders : 0),
            stream: stream, block)
    }

    static func continuation(_ stream: UInt32, _ block: [UInt8], endHeaders: Bool) -> Frame {
        Frame(.continuation, flags: endHeaders ? Self.endHeaders : 0, stream: stream, block)
    }

    static func data(_ stream: UInt32, _ count: Int, end: Bool = false) -> Frame {
        Frame(.data, flags: end ? endStream : 0, stream: stream, content(count))
    }

    static func padded(_ stream: UInt32, _ count: Int, padding: Int, end: Bool = false) -> Frame {
        Frame(
            .data, flags: padded | (end ? endStream : 0), stream: stream,
            [UInt8(padding)] + content(count) + Array(repeating: 0, count: padding))
    }

    static func reset(_ stream: UInt32, _ code: HTTP2ErrorCode = .cancel) -> Frame {
        Frame(.resetStream, stream: stream, number(code.rawValue))
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> Frame {
        Frame(.windowUpdate, stream: stream, number(increment))
    }

    static func settings(_ entries: [(UInt16, UInt32)] = []) -> Frame {
        Frame(
            .settings,
            entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 0xFF)] + number($0.1) })
    }

    static let settingsAcknowledged = Frame(.settings, flags: acknowledgement)

    static func ping(_ value: UInt32 = 7, acknowledges: Bool = false) -> Frame {
        Frame(.ping, flags: acknowledges ? acknowledgement : 0, number(0) + number(value))
    }

    static func goAway(_ last: UInt32, _ code: HTTP2ErrorCode = .noError) -> Frame {
        Frame(.goAway, number(last) + number(code.rawValue))
    }

    static func priority(_ stream: UInt32, on other: UInt32) -> Frame {
        Frame(.priority, stream: stream, number(other) + [15])
    }

    /// Bytes of content that say where they stand.
    static func content(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    }
}

private func number(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(value >> $0 & 0xFF) }
}

/// A connection under test, and what it said. Events are kept with the bytes that they name, so
/// that they can be compared whatever the pieces were in which those came.
final class Peer {
    enum Happening: Equatable {
        case headers(Int, [UInt8], isFirst: Bool, end: Bool)
        case discarded([UInt8])
        case data(Int, [UInt8], end: Bool)
        case other(HTTP2Event)
    }

    static let magic = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    var connection: HTTP2Connection
    var now: UInt64 = 1_000_000_000_000
    /// Whether bytes of content are given back as they come.
    var consumes = true
    /// Frames that the connection sent, all and those that `frames` has not taken.
    private var all: [Frame] = []
    private var sent: [Frame] = []
    private var sentMagic = false

    init(_ role: HTTP2Role = .server, _ own: HTTP2Settings = HTTP2Settings()) {
        connection = HTTP2Connection(role, own)
        sentMagic = role == .server
    }

    /// A connection whose beginning is over, and whose first frames are taken.
    static func ready(
        _ role: HTTP2Role = .server, _ own: HTTP2Settings = HTTP2Settings(),
        settings: [(UInt16, UInt32)] = []
    ) -> Peer {
        let peer = Peer(role, own)
        let events = peer.receive(
            bytes: (role == .server ? magic : []) + Frame.settings(settings).bytes)
        #expect(events == [.other(.settings)])
        #expect(peer.frames().last == .settingsAcknowledged)
        peer.receive([.settingsAcknowledged])
        peer.all = []
        return peer
    }

    /// What frames come to.
    @discardableResult
    func receive(_ frames: [Frame]) -> [Happening] {
        receive(bytes: frames.flatMap(\.bytes))
    }

    /// What bytes come to, in pieces of `piece` bytes.
    @discardableResult
    func receive(bytes: [UInt8], piece: Int = .max) -> [Happening] {
        var happenings: [Happening] = []
        var start = 0
        while start < bytes.count {
            let end = start + min(piece, bytes.count - start)
            receive(bytes.span.extracting(start..<end), into: &happenings)
            start = end
        }
        return happenings
    }

    /// What one piece comes to.
    func receive(_ bytes: Span<UInt8>, into happenings: inout [Happening]) {
        var at = 0
        while true {
            let step = connection.next(bytes, from: at, at: now)
            #expect(step.end >= at && step.end <= bytes.count)
            at = step.end
            switch step.event {
            case .needMore:
                #expect(at == bytes.count)
                return
            case .headers(let slot, let block, let isFirst, let end):
                happenings.append(
                    .headers(slot, content(block, bytes), isFirst: isFirst, end: end))
            case .discarded(let block): happenings.append(.discarded(content(block, bytes)))
            case .data(let slot, let range, let end):
                if consumes { connection.consumed(slot, range.count) }
                // Pieces of one frame are one.
                let content = Array(copying: bytes.extracting(range))
                if case .data(slot, let before, false)? = happenings.last {
                    happenings[happenings.count - 1] = .data(slot, before + content, end: end)
                } else {
                    happenings.append(.data(slot, content, end: end))
                }
            default: happenings.append(.other(step.event))
            }
        }
    }

    private func content(_ block: HTTP2Block, _ bytes: Span<UInt8>) -> [UInt8] {
        switch block {
        case .received(let range): Array(copying: bytes.extracting(range))
        case .gathered(let range): Array(connection.gathered[range])
        }
    }

    /// The frames that were sent since this was asked last.
    func frames() -> [Frame] {
        write { connection, out in connection.takeControl(into: &out) }
        defer { sent = [] }
        return sent
    }

    /// All frames that were sent since the beginning was over.
    func allFrames() -> [Frame] {
        _ = frames()
        return all
    }

    /// Drops what was sent, in tests that send much.
    func forget() {
        sent = []
        all = []
    }

    /// Whether the connection has ended by an error.
    var hasFailed: Bool { connection.hasFailed }

    /// Opens a stream of the peer's, and returns its slot.
    func open(_ stream: UInt32, end: Bool = true) -> Int {
        guard case .headers(let slot, _, _, _)? = receive([.headers(stream, end: end)]).first else {
            Issue.record("stream \(stream) was not opened")
            return 0
        }
        return slot
    }

    /// Writes an answer's head.
    func respond(_ slot: Int, _ block: [UInt8] = [0x88], end: Bool = false) {
        write { connection, out in
            connection.takeControl(into: &out)
            connection.writeHeaders(slot, block: block.span, endsStream: end, into: &out)
        }
    }

    /// Writes DATA, as much as the windows allow of it.
    @discardableResult
    func send(_ slot: Int, _ count: Int, end: Bool = false) -> Int {
        let room = min(count, connection.sendRoom(slot), HTTP2Connection.dataBytesMax)
        if room == 0, count > 0 { return 0 }
        write { connection, out in
            connection.takeControl(into: &out)
            connection.writeDataHeader(
                slot, count: room, endsStream: end && room == count, into: &out)
            out.append(Frame.content(room).span)
        }
        return room
    }

    private func write(
        _ body: (inout HTTP2Connection, inout OutputSpan<UInt8>) -> Void
    ) {
        let room = connection.controlBytes + 100_000
        var bytes = [UInt8](capacity: room) { out in body(&connection, &out) }
        if !sentMagic, !bytes.isEmpty {
            #expect(Array(bytes.prefix(24)) == Self.magic)
            bytes.removeFirst(24)
            sentMagic = true
        }
        var rest = bytes[...]
        while rest.count >= 9 {
            let header = Array(rest.prefix(9))
            let count = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
            let frame = Frame(
                Frame.Kind(rawValue: header[3]) ?? .unknown, flags: header[4],
                stream: header[5...].reduce(0) { $0 << 8 | UInt32($1) },
                Array(rest.dropFirst(9).prefix(count)))
            #expect(frame.payload.count == count)
            sent.append(frame)
            all.append(frame)
            rest = rest.dropFirst(9 + count)
        }
        #expect(rest.isEmpty)
    }
}

extension [UInt8] {
    /// A copy of `bytes`.
    init(copying bytes: Span<UInt8>) {
        self.init()
        append(bytes)
    }
}
