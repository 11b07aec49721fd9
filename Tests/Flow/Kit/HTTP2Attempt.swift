// HTTP2Attempt: a request of HTTP/2 whose every byte a test decides on, and what becomes of it.

internal import HTTP1
internal import HTTP2
internal import TestSupport

/// A request as fields, content and trailers, whatever the rules say of them. Each character is one
/// byte, up to U+00FF.
struct HTTP2Attempt {
    typealias Field = (name: String, value: String)

    var fields: [Field]
    /// Nil: the head ends the stream.
    var content: String?
    /// Nil: there are none.
    var trailers: [Field]?

    /// A stream of its own on a connection of its own.
    init(_ fields: [Field], content: String? = nil, trailers: [Field]? = nil) {
        self.fields = fields
        self.content = content
        self.trailers = trailers
    }

    /// A stream that says what a head of HTTP/1.1 and what follows it say, part by part and unread;
    /// nil where HTTP/2 has no place for a part of it.
    init?(sameAs bytes: [UInt8]) {
        let text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        let scalars = text.unicodeScalars
        guard let end = scalars.firstRange(of: "\r\n\r\n".unicodeScalars) else { return nil }
        let lines = String(scalars[..<end.lowerBound]).unicodeScalars
            .split(separator: "\r\n".unicodeScalars).map(String.init)
        let request = lines[0].unicodeScalars.split(
            separator: " ", omittingEmptySubsequences: false)
        guard request.count == 3, String(request[2]) == "HTTP/1.1" else { return nil }
        fields = [
            (":method", String(request[0])), (":scheme", "http"), (":path", String(request[1])),
        ]
        for line in lines.dropFirst() {
            guard let colon = line.unicodeScalars.firstIndex(of: ":") else { return nil }
            let name = String(line.unicodeScalars[..<colon]).lowercased()
            let value = line.unicodeScalars[line.unicodeScalars.index(after: colon)...]
            let isAuthority = name == "host" && !fields.contains { $0.name == ":authority" }
            let text = String(value.first == " " ? value.dropFirst() : value)
            // Pseudo-header fields come first.
            let place = isAuthority ? 3 : fields.count
            fields.insert((isAuthority ? ":authority" : name, text), at: place)
        }
        let rest = String(scalars[end.upperBound...])
        content = rest.isEmpty ? nil : rest
    }

    /// The frames of a connection with this one stream.
    var bytes: [UInt8] {
        var out = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(4, 0, stream: 0)
        let isLast = content == nil && trailers == nil
        out += Self.frame(1, isLast ? 5 : 4, stream: 1, Self.block(fields))
        if let content {
            out += Self.frame(0, trailers == nil ? 1 : 0, stream: 1, Self.bytes(content))
        }
        if let trailers { out += Self.frame(1, 5, stream: 1, Self.block(trailers)) }
        return out
    }

    /// A frame (RFC 9113 section 4.1).
    static func frame(_ type: UInt8, _ flags: UInt8, stream: UInt8, _ payload: [UInt8] = [])
        -> [UInt8]
    {
        let size = payload.count
        return [
            UInt8(size >> 16), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF), type, flags, 0, 0, 0,
            stream,
        ] + payload
    }

    /// Literal fields that nobody indexes (RFC 7541 section 6.2.2).
    private static func block(_ fields: [Field]) -> [UInt8] {
        fields.flatMap { [0x00] + string($0.name) + string($0.value) }
    }

    private static func string(_ text: String) -> [UInt8] {
        let bytes = bytes(text)
        var count = bytes.count
        guard count >= 127 else { return [UInt8(count)] + bytes }
        var out: [UInt8] = [127]
        count -= 127
        while count >= 128 {
            out.append(UInt8(count % 128) | 128)
            count /= 128
        }
        return out + [UInt8(count)] + bytes
    }

    private static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }
}

extension Outcome {
    /// Sends `attempt` through `proxy`, and waits for the end of its stream. The connection counts
    /// as kept when it answers a PING after that. Waits until so many requests, at least, have
    /// reached the backend: one that is broken off shows there a moment later.
    static func of(
        _ attempt: HTTP2Attempt, through proxy: RecordedProxy, reaching requests: Int = 0
    ) throws -> Outcome {
        _ = proxy.backend.take()
        let socket = try RawSocket(port: proxy.port)
        try socket.send(attempt.bytes)
        var reader = StreamReader()
        var isKept = false
        while !isKept, let frame = try? reader.nextFrame(from: socket) {
            switch frame.type {
            case StreamReader.settings where !frame.isAcknowledgement:
                try? socket.send(HTTP2Attempt.frame(StreamReader.settings, 1, stream: 0))
            case StreamReader.ping: isKept = true
            default:
                guard reader.take(frame) else { continue }
                let opaque = [UInt8](repeating: 7, count: 8)
                try? socket.send(HTTP2Attempt.frame(StreamReader.ping, 0, stream: 0, opaque))
            }
        }
        let answers = reader.answers.isEmpty ? "no answer" : reader.answers.joined(separator: " ")
        var reached = proxy.backend.take()
        if reached.count < requests {
            try waitFor("\(requests) requests at the backend") {
                reached += proxy.backend.take()
                return reached.count < requests ? nil : ()
            }
        }
        return Outcome(client: "\(answers), \(isKept ? "kept" : "closed")", backend: reached)
    }
}

/// Reads the frames of one stream.
private struct StreamReader: ~Copyable {
    struct Frame {
        var type: UInt8
        var flags: UInt8
        var stream: UInt8
        var payload: [UInt8]
        /// Of SETTINGS and PING.
        var isAcknowledgement: Bool { flags & 1 != 0 }
        /// Of HEADERS and DATA.
        var endsStream: Bool { flags & 1 != 0 }
    }

    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6

    /// Statuses, and how the stream was reset if it was.
    private(set) var answers: [String] = []
    private var isOver = false
    private var decoder = HPACKDecoder()
    private var text = ResponseText()

    func nextFrame(from socket: RawSocket) throws -> Frame {
        let header = try socket.receive(exactly: 9)
        let size = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
        return Frame(
            type: header[3], flags: header[4], stream: header[8],
            payload: try socket.receive(exactly: size))
    }

    /// Takes a frame; true if it is the one that ends the stream.
    mutating func take(_ frame: Frame) -> Bool {
        guard frame.stream == 1, !isOver else { return false }
        switch frame.type {
        case Self.headers:
            let outcome = text.read(
                frame.payload.span, endsStream: frame.endsStream, answering: .get,
                limits: HeadLimits(), decoder: &decoder)
            var head: [UInt8] = []
            if outcome == .complete { text.withText { head.append($0) } }
            answers.append(String(decoding: head.dropFirst(9).prefix(3), as: UTF8.self))
            isOver = frame.endsStream
        case Self.data: isOver = frame.endsStream
        case Self.reset:
            answers.append("reset by error \(frame.payload.last ?? 0)")
            isOver = true
        default: break
        }
        return isOver
    }
}
