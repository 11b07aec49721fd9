// A client of HTTP/2 whose every frame a test decides on. It reads by the same machine as the proxy
// (HTTP2Connection), which has tests of its own, with nghttp2 among others at its other end.

import HTTP1
import HTTP2
import TestSupport

/// A connection to the proxy on which requests are streams. One thread.
final class HTTP2Client {
    /// What has come in one stream.
    struct Answer {
        /// The heads as text of HTTP/1.1: interim ones and the final one.
        var heads: [String] = []
        var body: [UInt8] = []
        /// The trailers as field lines; empty for none.
        var trailers = ""
        /// Whether it has ended as it should.
        var isWhole = false
        /// The code of its reset; nil when there was none.
        var reset: HTTP2ErrorCode?
        var isOver: Bool { isWhole || reset != nil }

        var head: String { heads.last ?? "" }
        var status: Int { Int(head.dropFirst(9).prefix(3)) ?? 0 }
        var text: String { String(decoding: body, as: UTF8.self) }

        /// The value of a field of the final head; nil for none.
        func value(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }
                .map { String($0.dropFirst(name.utf8.count + 2)) }
        }
    }

    let wire: Wire
    private var connection: HTTP2Connection
    private var decoder = HPACKDecoder()
    private var text = ResponseText()
    private var trailerText = TrailerText()
    private var methods: [Int: Method] = [:]
    /// The slots of requests that have been sent to their ends.
    private var ended: Set<Int> = []
    private(set) var answers: [Int: Answer] = [:]
    /// The codes of the GOAWAYs that have come.
    private(set) var goAways: [HTTP2ErrorCode] = []
    /// Whether the proxy has said what it allows.
    private var hasSettings = false
    /// Whether the proxy has ended the connection.
    private(set) var hasEnded = false
    /// Whether what comes opens the windows again.
    var givesBack = true
    /// What is sent together; nil while each part is sent by itself.
    private var together: [UInt8]?

    /// Begins a connection on `wire`. `window` is that of each stream, and of all of them.
    init(_ wire: Wire, window: Int = 65_535, settings: HTTP2Settings? = nil) throws {
        self.wire = wire
        var own = settings ?? HTTP2Settings()
        own.streamWindow = window
        own.connectionWindow = window
        connection = HTTP2Connection(.client, own)
        try flush()
    }

    /// Sends the request whose head is the lines of `head`: `GET / HTTP/1.1` and fields. Returns
    /// its slot.
    func send(_ head: String, _ body: String? = nil, endsStream: Bool = true) throws -> Int {
        // Nothing else is read between requests, so that no slot is used again.
        try read { $0.hasSettings && $0.connection.canOpenStream }
        guard let slot = connection.openStream() else { throw WireError("no stream to be had") }
        answers[slot] = Answer()
        let bytes = Array((head + "\r\n\r\n").replacing("\n", with: "\r\n").utf8)
        methods[slot] = head.hasPrefix("HEAD ") ? .head : .get
        var out: [UInt8] = []
        let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: bytes.count)) { out in
            HeaderBlock.append(requestText: bytes.span, scheme: .http, into: &out)
        }
        out.append(addingCapacity: HTTP2Connection.headersBytesMax(block: block.count)) { out in
            connection.writeHeaders(
                slot, block: block.span, endsStream: body == nil && endsStream, into: &out)
        }
        try put(out)
        ended.remove(slot)
        if body == nil, endsStream { requestEnds(slot) }
        if let body { try send(body, in: slot, endsStream: endsStream) }
        return slot
    }

    /// Whether the proxy has said that it takes requests for WebSockets (RFC 8441, section 3).
    var mayAskForWebSockets: Bool { connection.peer.allowsExtendedConnect }

    /// Sends a request whose header block has these fields as they stand, each of fewer than 127
    /// bytes, and no body if it `endsStream`. Returns its slot.
    func send(fields: [(name: String, value: String)], endsStream: Bool = true) throws -> Int {
        guard let slot = connection.openStream() else { throw WireError("no stream to be had") }
        answers[slot] = Answer()
        ended.remove(slot)
        var block: [UInt8] = []
        for (name, value) in fields {
            block.append(0)
            for text in [name, value] { block += [UInt8(text.utf8.count)] + Array(text.utf8) }
        }
        var out: [UInt8] = []
        out.append(addingCapacity: HTTP2Connection.headersBytesMax(block: block.count)) { out in
            connection.writeHeaders(slot, block: block.span, endsStream: endsStream, into: &out)
        }
        try put(out)
        if endsStream { requestEnds(slot) }
        return slot
    }

    /// Sends a part of a body, as far as the windows let it at once.
    func send(_ body: String, in slot: Int, endsStream: Bool) throws {
        try send(Array(body.utf8), in: slot, endsStream: endsStream)
    }

    /// Sends a part of a body, and waits for windows where it has to.
    func send(_ body: [UInt8], in slot: Int, endsStream: Bool) throws {
        var at = 0
        repeat {
            try read { $0.connection.sendRoom(slot) > 0 || body.isEmpty || $0.isOver(slot) }
            if isOver(slot) { return }
            let count = min(
                body.count - at, connection.sendRoom(slot), HTTP2Connection.dataBytesMax)
            let isLast = at + count == body.count
            var out: [UInt8] = []
            out.append(addingCapacity: HTTP2Connection.dataHeaderBytes) { out in
                connection.writeDataHeader(
                    slot, count: count, endsStream: endsStream && isLast, into: &out)
            }
            try put(out + body[at..<at + count])
            at += count
        } while at < body.count
        if endsStream { requestEnds(slot) }
    }

    private func isOver(_ slot: Int) -> Bool { answers[slot]?.isOver ?? true || hasEnded }

    /// How much of a body may be sent now.
    func room(_ slot: Int) -> Int { connection.sendRoom(slot) }

    /// Sends trailers, whole field lines, which end the stream.
    func sendTrailers(_ lines: String, in slot: Int) throws {
        let bytes = Array(lines.utf8)
        var out: [UInt8] = []
        let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: bytes.count)) { out in
            HeaderBlock.append(trailers: bytes.span, into: &out)
        }
        out.append(addingCapacity: HTTP2Connection.headersBytesMax(block: block.count)) { out in
            connection.writeHeaders(slot, block: block.span, endsStream: true, into: &out)
        }
        try put(out)
        requestEnds(slot)
    }

    /// Sends all that `body` says in one piece, which the proxy gets by one read if it is short.
    func sendTogether(_ body: () throws -> Void) throws {
        together = []
        try body()
        let bytes = together ?? []
        together = nil
        try put(bytes)
    }

    private func put(_ bytes: [UInt8]) throws {
        if together == nil { try wire.send(bytes) } else { together? += bytes }
    }

    /// Resets a stream.
    func reset(_ slot: Int, _ code: HTTP2ErrorCode = .cancel) throws {
        connection.reset(slot, code)
        try flush()
        connection.release(slot)
        answers[slot]?.reset = code
    }

    /// Opens the windows by what has come in a stream.
    func giveBack(_ count: Int, in slot: Int) throws {
        connection.consumed(slot, count)
        try flush()
    }

    /// Waits for the end of the stream in `slot`, and returns what came.
    func answer(_ slot: Int) throws -> Answer {
        try read { $0.answers[slot]?.isOver != false }
        return answers[slot] ?? Answer()
    }

    /// What the proxy answers to a request without a body.
    func get(_ head: String = "GET / HTTP/1.1\nHost: a.test") throws -> Answer {
        try answer(send(head))
    }

    /// Reads until `condition` holds; throws when the connection ends before.
    func read(until condition: (HTTP2Client) -> Bool) throws {
        while !condition(self) {
            if hasEnded { throw WireError("the connection ended; GOAWAY \(goAways)") }
            let bytes = try wire.receive()
            if bytes.isEmpty {
                hasEnded = true
            } else {
                take(bytes)
                try flush()
            }
        }
    }

    /// Reads to the end of the connection.
    func readToEnd() throws { try read { $0.hasEnded } }

    private func flush() throws {
        guard connection.controlBytes > 0 else { return }
        let bytes = [UInt8](capacity: connection.controlBytes) { out in
            connection.takeControl(into: &out)
        }
        try put(bytes)
    }

    private func take(_ bytes: [UInt8]) {
        var place = 0
        while true {
            let step = connection.next(bytes.span, from: place, at: 0)
            place = step.end
            switch step.event {
            case .needMore: return
            case .headers(let slot, let block, _, let endsStream):
                take(block, bytes, in: slot, endsStream: endsStream)
            case .discarded: break
            case .data(let slot, let range, let endsStream):
                answers[slot]?.body += bytes[range]
                if givesBack { connection.consumed(slot, range.count) }
                if endsStream { end(slot) }
            case .reset(let slot, let code):
                answers[slot]?.reset = code
                connection.release(slot)
            case .streamError(let slot, let code, _):
                answers[slot]?.reset = code
                connection.release(slot)
            case .goAway(let code): goAways.append(code)
            case .settings: hasSettings = true
            case .windowOpened, .pong, .draining: break
            case .connectionError: hasEnded = true
            }
        }
    }

    private func take(_ block: HTTP2Block, _ bytes: [UInt8], in slot: Int, endsStream: Bool) {
        let block = connection.bytes(of: block, in: bytes)
        let isTrailers = answers[slot].map { $0.status >= 200 } == true
        if isTrailers {
            _ = trailerText.read(
                block.span, rule: .refuse, limits: HeadLimits(), decoder: &decoder)
            answers[slot]?.trailers = trailerText.withText { String(copying: $0) }
        } else {
            let outcome = text.read(
                block.span, endsStream: endsStream, answering: methods[slot] ?? .get,
                limits: HeadLimits(), decoder: &decoder)
            answers[slot]?.heads.append(
                outcome == .complete ? text.withText { String(copying: $0) } : "\(outcome)")
        }
        if endsStream { end(slot) }
    }

    private func end(_ slot: Int) {
        answers[slot]?.isWhole = true
        if ended.contains(slot) { connection.release(slot) }
    }

    /// All of the request in `slot` has been sent.
    private func requestEnds(_ slot: Int) {
        ended.insert(slot)
        if answers[slot]?.isWhole == true { connection.release(slot) }
    }
}

/// What goes wrong on a test's own side.
struct WireError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
