// HTTP2ResponseReader: one request and its response on a new connection of HTTP/2; the pure half of
// such an exchange. Frames in, frames out, and a response at the end, which is translated to text
// of HTTP/1.1 and parsed as such: no server can say by HTTP/2 what it may not say by HTTP/1.

internal import HTTP1
internal import HTTP2

/// Collects one response from the frames of a connection, and has the frames to send there. A class
/// so that its parts can be used beside each other; one thread at a time.
final class HTTP2ResponseReader {
    private static let settings: HTTP2Settings = {
        var settings = HTTP2Settings()
        settings.streamsMax = 1
        settings.headBytesMax = ResponseReader.limits.bytesMax
        return settings
    }()

    private var connection = HTTP2Connection(.client, HTTP2ResponseReader.settings)
    private var decoder = HPACKDecoder()
    private var text = ResponseText()
    private var trailerText = TrailerText()
    private var head = ResponseHead(limits: ResponseReader.limits)
    private let slot: Int
    private let method: Method
    private let wish: HTTPClient.BodyWish
    private var interimCount = 0
    /// From the complete head on.
    private var response: HTTPClient.Response?
    /// Whether the server has shown that it speaks HTTP/2.
    private var isSpoken = false
    /// Frames of the request that were not taken yet.
    private var unsent: [UInt8]

    /// The most bytes of a request's body: what any server takes of a new stream, in one frame.
    static var bodyBytesMax: Int { HTTP2Connection.dataBytesMax }

    /// A reader of the answer to `request`, whose `head` is text of HTTP/1.1.
    /// - Precondition: the body has at most `bodyBytesMax` bytes.
    init(_ request: HTTPClient.Request, head text: [UInt8]) {
        method = request.method
        wish = request.responseBody
        guard let slot = connection.openStream() else {
            preconditionFailure("a new connection has room for a stream")
        }
        self.slot = slot
        let body = request.body
        let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: text.count)) { out in
            HeaderBlock.append(
                requestText: text.span, scheme: request.tls == nil ? .http : .https,
                acceptsTrailers: request.acceptsTrailers, into: &out)
        }
        unsent = []
        takeControl()
        unsent.append(addingCapacity: HTTP2Connection.headersBytesMax(block: block.count)) { out in
            connection.writeHeaders(
                slot, block: block.span, endsStream: body.isEmpty, into: &out)
        }
        guard !body.isEmpty else { return }
        unsent.append(addingCapacity: HTTP2Connection.dataHeaderBytes) { out in
            connection.writeDataHeader(slot, count: body.count, endsStream: true, into: &out)
        }
        unsent += body
    }

    /// Whether the head was complete: then the body is being received.
    var hasHead: Bool { response != nil }

    /// Whether the server has said anything of HTTP/2.
    var hasBegun: Bool { isSpoken }

    /// The frames that are to be sent; at the beginning they have the request. Call it after
    /// `receive`, too.
    func takeOutput() -> [UInt8] {
        takeControl()
        defer { unsent = [] }
        return unsent
    }

    /// The frames with which the client leaves: what the server still does for the request ends.
    func farewell() -> [UInt8] {
        connection.reset(slot, .cancel)
        connection.goAway(.noError)
        return takeOutput()
    }

    private func takeControl() {
        let count = connection.controlBytes
        guard count > 0 else { return }
        unsent.append(addingCapacity: count) { out in connection.takeControl(into: &out) }
    }

    /// Reads what has come. `now` is in nanoseconds of a clock that never goes back.
    func receive(_ bytes: Span<UInt8>, at now: UInt64) -> ResponseReader.Step {
        var place = 0
        while true {
            let step = connection.next(bytes, from: place, at: now)
            place = step.end
            switch step.event {
            case .needMore: return .needMore
            case .settings: isSpoken = true
            case .headers(_, let block, _, let endsStream):
                let found = withBlock(block, bytes) { received($0, endsStream: endsStream) }
                if let found { return found }
            case .discarded(let block):
                let outcome = withBlock(block, bytes) { readTrailers($0) }
                switch outcome {
                case .complete, .malformed, .refused: break
                case .broken, .excessive: return failDecoding()
                }
            case .data(let slot, let range, let endsStream):
                let count = range.count
                let found = received(content: bytes.extracting(range), endsStream: endsStream)
                connection.consumed(slot, count)
                if let found { return found }
            case .reset(_, let code): return .failed(.http2(.reset("\(code)")))
            case .streamError: return .failed(.http2(.rulesBroken(phase)))
            case .windowOpened, .pong, .goAway, .draining: break
            case .connectionError:
                return .failed(.http2(isSpoken ? .rulesBroken(phase) : .notSpoken))
            }
        }
    }

    /// The peer has closed the connection.
    func endOfStream() -> ResponseReader.Step { .failed(.closedEarly(phase)) }

    private var phase: HTTPClient.Phase { hasHead ? .receiving : .waiting }

    private func failDecoding() -> ResponseReader.Step {
        connection.fail(.compressionError, for: .compression)
        return .failed(.http2(.rulesBroken(phase)))
    }

    /// Passes a header block, which is in `bytes` or was gathered, to `body`.
    private func withBlock<Result>(
        _ block: HTTP2Block, _ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Result
    ) -> Result {
        switch block {
        case .received(let range): return body(bytes.extracting(range))
        case .gathered(let range):
            // Held by itself, since the connection may be asked for something meanwhile.
            let gathered = connection.gathered
            return body(gathered.span.extracting(range))
        }
    }

    // MARK: - Heads and trailers

    /// A header block has come: a head, or the trailers. Nil: more is to come.
    private func received(_ block: Span<UInt8>, endsStream: Bool) -> ResponseReader.Step? {
        if hasHead { return receivedTrailers(block, endsStream: endsStream) }
        let outcome = text.read(
            block, endsStream: endsStream, answering: method, limits: ResponseReader.limits,
            decoder: &decoder)
        switch outcome {
        case .complete: break
        case .malformed, .refused:
            connection.reset(slot, .protocolError, for: .malformedHead)
            return .failed(.http2(.rulesBroken(.waiting)))
        case .broken, .excessive: return failDecoding()
        }
        var bytes: [UInt8] = []
        text.withText { bytes.append($0) }
        switch head.parse(bytes.span, answering: method) {
        case .complete: break
        // The translation ends with an empty line.
        case .needMore: return .failed(.http2(.rulesBroken(.waiting)))
        case .bad(let error): return .failed(.malformedHead(error))
        }
        guard !head.isInterim else {
            interimCount += 1
            return interimCount > HTTPClient.interimMax ? .failed(.tooManyInterim) : nil
        }
        let response = HTTPClient.Response(head, head: bytes)
        self.response = response
        if case .ignored = wish { return .complete(response) }
        if endsStream { return .complete(response) }
        switch head.body {
        case .none: connection.expect(slot, contentBytes: 0)
        case .length(let count):
            // A length that is told is believed before the body is received.
            if case .upTo(let limit) = wish, count > UInt64(max(0, limit)) {
                return .failed(.bodyTooLarge(limit: limit))
            }
            connection.expect(slot, contentBytes: count)
        case .chunked, .untilClose: break
        }
        return nil
    }

    private func receivedTrailers(
        _ block: Span<UInt8>, endsStream: Bool
    ) -> ResponseReader.Step {
        switch readTrailers(block) {
        case .complete where endsStream: break
        case .complete, .malformed, .refused:
            connection.reset(slot, .protocolError, for: .malformedHead)
            return .failed(.http2(.rulesBroken(.receiving)))
        case .broken, .excessive: return failDecoding()
        }
        var lines: [UInt8] = []
        trailerText.withText { lines.append($0) }
        response?.trailers = lines
        return end()
    }

    private func readTrailers(_ block: Span<UInt8>) -> HeadTextOutcome {
        trailerText.read(
            block, rule: .leaveOut, limits: ResponseReader.limits, decoder: &decoder)
    }

    // MARK: - The body

    private func received(content: Span<UInt8>, endsStream: Bool) -> ResponseReader.Step? {
        guard let limit = wish.limit, hasHead else { return .failed(.http2(.rulesBroken(phase))) }
        let room = limit - (response?.body.count ?? 0)
        if content.count > room, !wish.allowsMore { return .failed(.bodyTooLarge(limit: limit)) }
        response?.body.append(content.extracting(first: min(content.count, room)))
        // What follows is not waited for.
        let isEnough = wish.allowsMore && content.count >= room
        return endsStream || isEnough ? end() : nil
    }

    private func end() -> ResponseReader.Step {
        response.map { .complete($0) } ?? .failed(.http2(.rulesBroken(.waiting)))
    }
}
