// MessageReader: HTTP/1 messages, read by rules of their own. Not the proxy's parser: a fault of
// that one must not hide here.

/// Why what came can't be right. The text is for the report.
struct Fault: Error {
    let text: String
}

/// A head as it came.
struct Head {
    /// The first line, split at blanks.
    let words: [Substring]
    /// By lower-cased name; equal ones joined by ",".
    let fields: [String: String]
}

/// Reads one message after another out of one connection. One thread only.
final class MessageReader {
    /// What follows a head.
    enum Body: Equatable {
        /// The next head.
        case none
        /// A body of so many bytes.
        case length(Int)
        case chunked
        case untilClose
        /// Bytes that are not HTTP any more; the reader keeps its hands off.
        case tunnel
    }

    private enum State: Equatable {
        case head, length(Int), chunkSize, chunk(Int), chunkEnd, trailers, untilClose, tunnel
    }

    private var state = State.head
    private var pending: [UInt8] = []
    /// Called with each head; says what follows, and nil when it is an interim one.
    var onHead: (Head) throws(Fault) -> Body? = { _ in Body.none }
    /// Called with each part of a body and its place in it.
    var onBody: (ArraySlice<UInt8>, Int) throws(Fault) -> Void = { _, _ in }
    /// Called at the end of a message with the bytes of its body and its trailer lines.
    var onEnd: (Int, [String]) throws(Fault) -> Void = { _, _ in }
    /// Bytes of the body so far.
    private(set) var bodyCount = 0
    /// Whether what follows the message under way waits, unread: who answers one request after the
    /// other is not to take the next for a part of the one before.
    var isHeld = false
    private var trailers: [String] = []

    /// Takes what came. In a tunnel all of it goes to `onBody`.
    func feed(_ bytes: [UInt8]) throws(Fault) {
        pending += bytes
        var start = 0
        while !isHeld, try step(&start) {}
        pending.removeFirst(start)
        if pending.count > 1 << 18 { throw Fault(text: "a head or line without end") }
    }

    /// The connection ended in good order.
    func finish() throws(Fault) {
        guard state == .untilClose else { return }
        try end()
    }

    private func step(_ start: inout Int) throws(Fault) -> Bool {
        let rest = pending[start...]
        if rest.isEmpty { return false }
        switch state {
        case .head:
            guard let end = Self.headEnd(rest) else { return false }
            let head = try Self.head(rest[..<end])
            start = end
            bodyCount = 0
            trailers = []
            guard let body = try onHead(head) else { return true }
            try begin(body)
        case .length(let left):
            let taken = min(left, rest.count)
            try give(rest.prefix(taken))
            start += taken
            state = .length(left - taken)
            if taken == left { try end() }
        case .chunkSize:
            guard let line = Self.line(rest) else { return false }
            start = line.endIndex + 2
            let size = try Self.chunkSize(line)
            state = size == 0 ? .trailers : .chunk(size)
        case .chunk(let left):
            let taken = min(left, rest.count)
            try give(rest.prefix(taken))
            start += taken
            state = taken == left ? .chunkEnd : .chunk(left - taken)
        case .chunkEnd:
            guard rest.count >= 2 else { return false }
            guard rest.prefix(2) == [13, 10] else { throw Fault(text: "a chunk without its end") }
            start += 2
            state = .chunkSize
        case .trailers:
            guard let line = Self.line(rest) else { return false }
            start = line.endIndex + 2
            if line.isEmpty {
                try end()
            } else {
                trailers.append(String(decoding: line, as: UTF8.self))
            }
        case .untilClose, .tunnel:
            try give(rest)
            start = pending.endIndex
        }
        return true
    }

    private func begin(_ body: Body) throws(Fault) {
        switch body {
        case .none, .length(0): try end()
        case .length(let length): state = .length(length)
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        case .tunnel: state = .tunnel
        }
    }

    private func give(_ part: ArraySlice<UInt8>) throws(Fault) {
        try onBody(part, bodyCount)
        bodyCount += part.count
    }

    private func end() throws(Fault) {
        state = .head
        try onEnd(bodyCount, trailers)
    }

    private static func headEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        var index = bytes.startIndex
        while index + 4 <= bytes.endIndex {
            if bytes[index + 3] > 13 { index += 4; continue }
            if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13,
                bytes[index + 3] == 10
            {
                return index + 4
            }
            index += 1
        }
        return nil
    }

    private static func line(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let end = bytes.firstIndex(of: 13), end + 1 < bytes.endIndex else { return nil }
        return bytes[..<end]
    }

    private static func chunkSize(_ line: ArraySlice<UInt8>) throws(Fault) -> Int {
        let digits = line.prefix { $0 != 59 }
        let isHex = digits.allSatisfy { (48...57).contains($0) || (97...102).contains($0 | 32) }
        guard isHex, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw Fault(text: "a chunk's size is \(String(decoding: line, as: UTF8.self))")
        }
        return size
    }

    private static func head(_ bytes: ArraySlice<UInt8>) throws(Fault) -> Head {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: true)
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Fault(text: "field \(line)") }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields[line[..<colon].lowercased(), default: ""] += value
        }
        return Head(words: (lines.first ?? "").split(separator: " "), fields: fields)
    }
}

extension Head {
    /// How its fields say that the body ends; `otherwise` when they say nothing.
    func body(otherwise: MessageReader.Body) throws(Fault) -> MessageReader.Body {
        if let coding = fields["transfer-encoding"] {
            guard coding == "chunked", fields["content-length"] == nil else {
                throw Fault(text: "two framings: \(fields)")
            }
            return .chunked
        }
        guard let length = fields["content-length"] else { return otherwise }
        guard let number = Int(length) else { throw Fault(text: "Content-Length: \(length)") }
        return .length(number)
    }
}
