// A backend of HTTP/2 whose every frame a test decides on: the counterpart of HTTP2Client.

import HTTP1
import HTTP2
import TestSupport

/// The server's side of one connection, on the thread of a `Backend`'s script.
final class HTTP2Server {
    /// What has come in one stream.
    struct Request {
        let slot: Int
        /// The request, its head as text of HTTP/1.1.
        let message: Message
        /// The trailers as field lines; empty for none.
        var trailers = ""
        /// Whether all of it is here.
        var isWhole = false
    }

    let wire: Wire
    private(set) var connection: HTTP2Connection
    private var decoder = HPACKDecoder()
    private var text = RequestText()
    private var trailerText = TrailerText()
    /// Requests that have come and were not taken by `next`, with those that are not whole.
    private var requests: [Int: Request] = [:]
    private var order: [Int] = []
    /// The codes of the resets that have come, by the slots of their streams.
    private(set) var resets: [Int: HTTP2ErrorCode] = [:]
    /// Whether the proxy has said GOAWAY.
    private(set) var hasGoneAway = false
    private(set) var hasEnded = false
    /// Whether the request whose head came last says `te: trailers`.
    private(set) var lastAcceptsTrailers = false
    /// Whether what comes opens the windows again.
    var givesBack = true

    /// Begins with SETTINGS that allow so many `streams`, unless they come later by `begin`.
    init(_ wire: Wire, streams: Int = 100, begins: Bool = true) throws {
        self.wire = wire
        var settings = HTTP2Settings()
        settings.streamsMax = streams
        connection = HTTP2Connection(.server, settings)
        isSilent = !begins
        if begins { try flush() }
    }

    private var isSilent: Bool

    /// Sends the SETTINGS that were held back.
    func begin() throws {
        isSilent = false
        try flush()
    }

    /// The next request, once it is whole, or for `atHead` once its head is here; nil at the end of
    /// the connection.
    func next(atHead: Bool = false) throws -> Request? {
        while true {
            if let slot = order.first(where: { atHead || requests[$0]?.isWhole == true }) {
                order.removeAll { $0 == slot }
                return requests[slot]
            }
            guard try receive() else { return nil }
        }
    }

    /// Reads until `condition` holds; false when the connection ends before.
    @discardableResult
    func read(until condition: (HTTP2Server) -> Bool) throws -> Bool {
        while !condition(self) {
            guard try receive() else { return false }
        }
        return true
    }

    /// What has come of the request in `slot`.
    func request(_ slot: Int) -> Request? { requests[slot] }

    // MARK: - Answers

    /// Sends a head, its lines in `head`, and `body` behind it; the stream ends with that unless
    /// more is to come.
    func answer(
        _ slot: Int, _ head: String = "HTTP/1.1 200 OK", _ body: String? = nil,
        endsStream: Bool = true
    ) throws {
        try wire.send(try frames(slot, head, endsStream: endsStream && body == nil))
        if let body { try send(Array(body.utf8), in: slot, endsStream: endsStream) }
        if endsStream { release(slot) }
    }

    /// The frames of a head.
    func frames(_ slot: Int, _ head: String, endsStream: Bool) throws -> [UInt8] {
        let bytes = Array((head + "\n\n").replacing("\n", with: "\r\n").utf8)
        let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: bytes.count)) { out in
            HeaderBlock.append(responseText: bytes.span, into: &out)
        }
        return frames(slot, block: block, endsStream: endsStream)
    }

    /// Sends a header block of these fields as they stand, each of fewer than 127 bytes.
    func send(_ slot: Int, fields: [(name: String, value: String)], endsStream: Bool) throws {
        var block: [UInt8] = []
        for (name, value) in fields {
            block.append(0)
            for text in [name, value] { block += [UInt8(text.utf8.count)] + Array(text.utf8) }
        }
        try wire.send(frames(slot, block: block, endsStream: endsStream))
    }

    private func frames(_ slot: Int, block: [UInt8], endsStream: Bool) -> [UInt8] {
        var out: [UInt8] = []
        out.append(addingCapacity: HTTP2Connection.headersBytesMax(block: block.count)) { out in
            connection.writeHeaders(slot, block: block.span, endsStream: endsStream, into: &out)
        }
        return out
    }

    /// Sends a part of a body, and waits for windows where it has to.
    func send(_ body: [UInt8], in slot: Int, endsStream: Bool) throws {
        var at = 0
        repeat {
            try read {
                $0.connection.sendRoom(slot) > 0 || body.isEmpty || $0.resets[slot] != nil
            }
            guard resets[slot] == nil, !hasEnded else { return }
            let count = min(
                body.count - at, connection.sendRoom(slot), HTTP2Connection.dataBytesMax)
            let isLast = at + count == body.count
            var out: [UInt8] = []
            out.append(addingCapacity: HTTP2Connection.dataHeaderBytes) { out in
                connection.writeDataHeader(
                    slot, count: count, endsStream: endsStream && isLast, into: &out)
            }
            try wire.send(out + body[at..<at + count])
            at += count
        } while at < body.count
    }

    /// Sends trailers, whole field lines, which end the stream.
    func sendTrailers(_ lines: String, in slot: Int) throws {
        let bytes = Array(lines.utf8)
        let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: bytes.count)) { out in
            HeaderBlock.append(trailers: bytes.span, into: &out)
        }
        try wire.send(frames(slot, block: block, endsStream: true))
        release(slot)
    }

    /// How much of a body may be sent now.
    func room(_ slot: Int) -> Int { connection.sendRoom(slot) }

    func reset(_ slot: Int, _ code: HTTP2ErrorCode) throws {
        connection.reset(slot, code)
        try flush()
        release(slot)
    }

    /// Says GOAWAY: streams that come from now on are not looked at.
    func goAway(_ code: HTTP2ErrorCode = .noError) throws {
        connection.goAway(code)
        try flush()
    }

    /// Says GOAWAY with `last` as the last stream that is looked at, whatever has come.
    func goAway(last: UInt32) throws {
        let number = (0..<4).map { UInt8(truncatingIfNeeded: last >> (24 - 8 * UInt32($0))) }
        try wire.send([0, 0, 8, 7, 0, 0, 0, 0, 0] + number + [0, 0, 0, 0])
    }

    private func release(_ slot: Int) {
        guard requests.removeValue(forKey: slot) != nil else { return }
        connection.release(slot)
    }

    // MARK: - Reading

    private func receive() throws -> Bool {
        guard !hasEnded else { return false }
        let bytes = try wire.receive()
        guard !bytes.isEmpty else {
            hasEnded = true
            return false
        }
        take(bytes)
        try flush()
        return true
    }

    private func flush() throws {
        guard connection.controlBytes > 0, !isSilent else { return }
        let bytes = [UInt8](capacity: connection.controlBytes) { out in
            connection.takeControl(into: &out)
        }
        try wire.send(bytes)
    }

    private func take(_ bytes: [UInt8]) {
        var place = 0
        while true {
            let step = connection.next(bytes.span, from: place, at: 0)
            place = step.end
            switch step.event {
            case .needMore: return
            case .headers(let slot, let block, let isFirst, let endsStream):
                take(block, bytes, in: slot, isFirst: isFirst, endsStream: endsStream)
            case .discarded: break
            case .data(let slot, let range, let endsStream):
                if let message = requests[slot]?.message {
                    requests[slot] = Request(
                        slot: slot,
                        message: Message(head: message.head, body: message.body + bytes[range]),
                        isWhole: endsStream)
                }
                if givesBack { connection.consumed(slot, range.count) }
            case .reset(let slot, let code): resets[slot] = code
            case .streamError(let slot, let code, _): resets[slot] = code
            case .goAway: hasGoneAway = true
            case .windowOpened, .settings, .pong, .draining: break
            case .connectionError: hasEnded = true
            }
        }
    }

    private func take(
        _ block: HTTP2Block, _ bytes: [UInt8], in slot: Int, isFirst: Bool, endsStream: Bool
    ) {
        let block = connection.bytes(of: block, in: bytes)
        if isFirst {
            let outcome = text.read(
                block.span, endsStream: endsStream, limits: HeadLimits(), decoder: &decoder)
            let head = outcome == .complete ? text.withText { String(copying: $0) } : "\(outcome)"
            lastAcceptsTrailers = text.acceptsTrailers
            requests[slot] = Request(slot: slot, message: Message(head: head), isWhole: endsStream)
            order.append(slot)
        } else {
            _ = trailerText.read(
                block.span, rule: .refuse, limits: HeadLimits(), decoder: &decoder)
            requests[slot]?.trailers = trailerText.withText { String(copying: $0) }
            requests[slot]?.isWhole = true
        }
    }
}

extension Backend {
    /// A backend of HTTP/2 that has `script` play each of its connections.
    static func playingHTTP2(
        streams: Int = 100, begins: Bool = true,
        _ script: @escaping @Sendable (HTTP2Server, Backend) throws -> Void
    ) throws -> Backend {
        try Backend { wire, backend in
            try script(HTTP2Server(wire, streams: streams, begins: begins), backend)
        }
    }

    /// A backend of HTTP/2 that answers each request, once it is whole, with what `answer` does.
    static func answeringHTTP2(
        _ answer: @escaping @Sendable (HTTP2Server, HTTP2Server.Request) throws -> Void
    ) throws -> Backend {
        try playingHTTP2 { server, backend in
            while let request = try server.next() {
                backend.record(request.message)
                try answer(server, request)
            }
        }
    }
}
