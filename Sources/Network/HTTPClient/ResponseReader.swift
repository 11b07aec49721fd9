// ResponseReader: bytes in, a response out; the pure half of an exchange.

internal import HTTP1

/// Collects one response from the bytes of a connection, however they are split.
struct ResponseReader: ~Copyable {
    enum Step {
        case needMore
        case complete(HTTPClient.Response)
        case failed(HTTPClient.Failure)
    }

    /// Bounds on the head, the same as those of answers that are passed on: what traffic may get
    /// must not fail a check.
    static let limits = HeadLimits(bytesMax: 16 * 1024).ofAnswers

    private let method: Method
    private let wish: HTTPClient.BodyWish
    private let isStreamed: Bool
    private var head = ResponseHead(limits: limits)
    /// Bytes of a head that is not complete yet.
    private var pending: [UInt8] = []
    /// How many of them were parsed for nothing.
    private var seen = 0
    private var interimCount = 0
    /// From the complete head on.
    private var response: HTTPClient.Response?
    private var payload = PayloadReader(.none)
    private var isHeadTaken = false

    /// A reader of the answer to a request of `method`. One that `isStreamed` collects the body
    /// until `takeBody()`, whatever the wish.
    init(answering method: Method, wish: HTTPClient.BodyWish, isStreamed: Bool = false) {
        self.method = method
        self.wish = wish
        self.isStreamed = isStreamed
    }

    /// Whether the connection is as good as new once the response is complete: both sides want to
    /// keep it, the whole body was read, and nothing came behind it.
    private(set) var leavesConnection = false
    private var mayLeaveConnection = true

    /// Whether the head was complete: then the body is being received.
    var hasHead: Bool { response != nil }

    /// Whether a byte of a response came.
    var hasBegun: Bool { hasHead || !pending.isEmpty || interimCount > 0 }

    /// The request was not sent whole, so where the next would begin is not known to the server.
    mutating func forbidReuse() {
        mayLeaveConnection = false
    }

    mutating func receive(_ bytes: Span<UInt8>) -> Step {
        if hasHead { return receiveBody(bytes, from: 0) }
        pending.append(bytes)
        while true {
            // The same storage under a name of its own: `head` and `pending` are both `self`.
            let bytes = pending
            switch head.parse(bytes.span, answering: method, alreadySeen: seen) {
            case .needMore:
                seen = bytes.count
                return .needMore
            case .bad(let error):
                return .failed(.malformedHead(error))
            case .complete(let length):
                seen = 0
                guard head.isInterim else { return startBody(after: length) }
                interimCount += 1
                if interimCount > HTTPClient.interimMax { return .failed(.tooManyInterim) }
                pending.removeFirst(length)
            }
        }
    }

    /// The head of a streamed response, once; nil before it is complete, and from then on.
    mutating func takeHead() -> HTTPClient.Response? {
        guard !isHeadTaken, var head = response else { return nil }
        isHeadTaken = true
        head.body = []
        return head
    }

    /// What has come of a streamed body since the last call.
    mutating func takeBody() -> [UInt8] {
        guard let body = response?.body, !body.isEmpty else { return [] }
        response?.body = []
        return body
    }

    /// The peer has closed the connection.
    mutating func endOfStream() -> Step {
        guard let response else { return .failed(.closedEarly(.waiting)) }
        return payload.endsAtClose
            ? .complete(response) : .failed(.closedEarly(.receiving))
    }

    private mutating func startBody(after length: Int) -> Step {
        let response = HTTPClient.Response(head, head: Array(pending[..<length]))
        let rest = Array(pending[length...])
        pending = []
        self.response = response
        mayLeaveConnection = mayLeaveConnection && head.keepsAlive && head.status != 101
        switch wish {
        case _ where isStreamed: break
        case .ignored: return .complete(response)
        case .first: break
        case .upTo(let limit):
            // A length that is told is believed before the body is received.
            if case .length(let count) = head.body, count > UInt64(max(0, limit)) {
                return .failed(.bodyTooLarge(limit: limit))
            }
        }
        payload = PayloadReader(head.body, trailers: .leaveOut)
        return receiveBody(rest.span, from: 0)
    }

    private mutating func receiveBody(_ bytes: Span<UInt8>, from start: Int) -> Step {
        guard let limit = isStreamed ? .max : wish.limit, var response else { return .needMore }
        // Nothing else holds the body while it grows.
        self.response = nil
        defer { self.response = response }
        var at = start
        while !payload.isComplete {
            switch payload.next(bytes, from: at) {
            case .data(let range):
                let room = limit - response.body.count
                if range.count > room, !wish.allowsMore {
                    return .failed(.bodyTooLarge(limit: limit))
                }
                response.body.append(bytes.extracting(range.prefix(room)))
                // What follows is not waited for, so the connection can't serve again.
                if !isStreamed, wish.allowsMore, response.body.count == limit {
                    return .complete(response)
                }
                at = range.upperBound
            case .needMore: return .needMore
            case .end(let consumed): at = consumed
            case .bad(let error): return .failed(.malformedBody(error))
            }
        }
        leavesConnection = mayLeaveConnection && at == bytes.count
        return .complete(response)
    }
}

extension HTTPClient.BodyWish {
    /// The most bytes of a body that are kept; nil when it is not read.
    var limit: Int? {
        switch self {
        case .ignored: nil
        case .upTo(let count), .first(let count): max(0, count)
        }
    }

    /// Whether a body may be longer than that.
    var allowsMore: Bool {
        if case .first = self { true } else { false }
    }
}
