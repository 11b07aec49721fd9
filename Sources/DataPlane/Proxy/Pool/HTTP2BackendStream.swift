// HTTP2BackendStream: one request to a backend that speaks HTTP/2, and its response. To an exchange
// it is a backend like any other (BackendStream.swift): the request comes as text of HTTP/1.1, and
// goes out in frames; the response is translated to such text and read as such, so that no backend
// can say by HTTP/2 what it may not say by HTTP/1.

internal import Events
internal import HTTP1
internal import HTTP2
internal import Stats

/// One stream to a backend. Worker thread only; used again for one request after the other.
final class HTTP2BackendStream: HTTP2Stream {
    private var connectionLink = Link<HTTP2BackendConnection>()
    private var exchangeLink = Link<HTTPExchange>()
    /// The slot of the exchange's try that uses it.
    private(set) var trySlot = Tries.Slot.first
    private var expected = ExpectedResponse()
    /// What finds the content in the chunks of the request's body.
    private var requestBody = BodyPassage(.none, keepsChunks: false)
    /// What has come of the trailer section behind the request's chunks.
    private var section: [UInt8] = []
    /// Whether the final head has come.
    private(set) var isInBody = false
    /// Whether that head waits to be sent to the client with what comes next.
    private(set) var isHeadUnsent = false
    /// Whether the response goes on in chunks.
    private var framesChunks = false
    /// Whether the backend has shown that it is at fault, and not the age of its connection.
    private var isAtFault = false

    /// Takes it into use for the try of `exchange` in `trySlot`, as the stream in `slot` of
    /// `connection`.
    func begin(
        _ slot: Int, of connection: HTTP2BackendConnection, for exchange: HTTPExchange,
        _ trySlot: Tries.Slot
    ) {
        connectionLink = Link(connection)
        exchangeLink = Link(exchange)
        self.trySlot = trySlot
        begin(slot, in: connection)
    }

    /// Bytes of the response's body that have come.
    private var payloadBytes: UInt64 = 0

    override func clear() {
        super.clear()
        connectionLink = Link()
        exchangeLink = Link()
        isInBody = false
        isHeadUnsent = false
        framesChunks = false
        isAtFault = false
        payloadBytes = 0
        if !section.isEmpty { section = [] }
    }

    /// Passes its connection to `body`.
    @inline(__always)
    func with<Result>(_ body: (HTTP2BackendConnection) -> Result) -> Result {
        connectionLink.use(body)
    }

    private var stream: BackendStream { .http2(Link(self)) }

    /// Whether its connection has carried a response before: then the backend may have had reasons
    /// to close it that are not about this request.
    var isReused: Bool { !isAtFault && with { $0.isProven } }

    // MARK: - The request

    /// Sends the head of a request, and the part of its body that is here, which is all of it if
    /// `isLast`.
    func send(
        _ head: SendBuffer, _ body: [UInt8], isLast: Bool, expecting expected: ExpectedResponse
    ) -> WriteOutcome {
        self.expected = expected
        let isWhole = isLast && body.isEmpty
        if expected.answersChunks { requestBody = BodyPassage(.chunked, keepsChunks: false) }
        with { connection in
            let size = head.withBytes { text in
                connection.sendHead(
                    text, on: slot, isLast: isWhole, acceptsTrailers: expected.acceptsTrailers)
            }
            connection.backend.counters.add(.bytesSent, size)
        }
        if isWhole {
            hasEnded = true
            return .sent
        }
        return body.isEmpty ? .sent : send(body.span, isLast: isLast)
    }

    /// Sends more of the request's body, which ends with it if `isLast`.
    func send(_ body: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        with { $0.backend.counters.add(.bytesSent, body.count) }
        return expected.answersChunks ? sendContent(of: body) : transmit(body, isLast: isLast)
    }

    /// Sends what is in the chunks of `text`. A part waits for the next one, so that the last one
    /// can end the stream.
    private func sendContent(of text: Span<UInt8>) -> WriteOutcome {
        var outcome = WriteOutcome.sent
        var part = 0..<0
        var offset = 0
        while true {
            switch requestBody.next(text, from: offset) {
            case .part(let next):
                if !part.isEmpty { outcome = transmit(text.extracting(part), isLast: false) }
                part = next
                offset = next.upperBound
            case .more(_, let trailers):
                if !trailers.isEmpty { section.append(text.extracting(trailers)) }
                guard !part.isEmpty else { return outcome }
                return transmit(text.extracting(part), isLast: false)
            case .end(_, let trailers):
                section.append(text.extracting(trailers))
                if !section.isEmpty { trailersGo = allowedTrailers() }
                return transmit(text.extracting(part), isLast: true)
            // The client's session has read the same framing.
            case .bad: return outcome
            }
        }
    }

    /// The lines of the request's trailer section that may stand there.
    private func allowedTrailers() -> [UInt8] {
        let whole = section
        section = []
        var lines: [UInt8] = []
        TrailerSection.append(allowedOf: whole.span, to: &lines)
        return lines
    }

    override func keptProgressed() { exchangeLink.with { $0.backendProgressed(stream) } }

    override func keptDrained() { exchangeLink.with { $0.backendDrained(stream) } }

    override func onDeadline() { exchangeLink.with { $0.backendTimedOut(stream) } }

    // MARK: - The response

    override var isTaken: Bool { exchangeLink.isSet }

    /// Reads a header block of the response: a head, or the trailers. `endsStream` says whether the
    /// response ends with it.
    func receivedBlock(
        _ block: Span<UInt8>, endsStream: Bool, _ connection: HTTP2BackendConnection
    ) {
        if isInBody {
            sendHead()
            readTrailers(block, endsStream: endsStream, connection)
        } else {
            readHead(block, endsStream: endsStream, connection)
        }
    }

    private func readHead(
        _ block: Span<UInt8>, endsStream: Bool, _ connection: HTTP2BackendConnection
    ) {
        let outcome = worker.responseText.read(
            block, endsStream: endsStream, answering: expected.method, limits: expected.limits,
            decoder: &connection.decoder)
        switch outcome {
        case .complete: parseHead(endsStream: endsStream, connection)
        case .refused, .malformed: connection.refuse(self)
        case .broken, .excessive: connection.failDecoding(outcome)
        }
    }

    /// Passes on the head that is in the worker's text.
    private func parseHead(endsStream: Bool, _ connection: HTTP2BackendConnection) {
        worker.responseHead.limits = expected.limits
        worker.responseText.withText { text in
            switch worker.responseHead.parse(text, answering: expected.method) {
            case .complete: pass(worker.responseHead, text, endsStream: endsStream, connection)
            // The translation ends with an empty line.
            case .needMore, .bad: connection.refuse(self)
            }
        }
    }

    private func pass(
        _ head: borrowing ResponseHead, _ text: Span<UInt8>, endsStream: Bool,
        _ connection: HTTP2BackendConnection
    ) {
        exchangeLink.with { exchange in
            guard !head.isInterim else {
                _ = exchange.interim(head, text, stream)
                return
            }
            // A tunnel would need a connection of its own.
            guard !head.opensTunnel else { return connection.refuse(self) }
            isInBody = true
            connection.isProven = true
            if !endsStream {
                switch head.body {
                case .none: connection.connection.expect(slot, contentBytes: 0)
                case .length(let count): connection.connection.expect(slot, contentBytes: count)
                case .chunked: framesChunks = expected.keepsChunks
                case .untilClose: break
                }
            }
            guard exchange.responded(head, text, following: Span(), stream) else { return }
            isHeadUnsent = true
            if endsStream {
                isWhole = true
                pass(Span())
            } else {
                connection.unsentHead = slot
            }
        }
    }

    /// Has the response, whose head has just come, go on without chunks. Trailers stay.
    func leaveOutChunks() {
        guard framesChunks else { return }
        framesChunks = false
        expected.takesTrailers = true
    }

    /// Sends the head to the client, if it waits for more: no more is here.
    func sendHead() {
        guard isHeadUnsent else { return }
        isHeadUnsent = false
        exchangeLink.with {
            $0.receivedResponse(Span(), isLast: false, behindHead: true, stream)
        }
    }

    private func readTrailers(
        _ block: Span<UInt8>, endsStream: Bool, _ connection: HTTP2BackendConnection
    ) {
        let outcome = worker.trailerText.read(
            block, rule: .leaveOut, limits: expected.limits, decoder: &connection.decoder)
        switch outcome {
        case .complete where endsStream:
            if expected.isOfCall {
                worker.trailerText.withText { lines in
                    exchangeLink.with { $0.callEnded(lines, stream) }
                }
            }
            if framesChunks || expected.takesTrailers {
                worker.trailerText.withText { trailersCome.append($0) }
            }
            received(Span(), isLast: true)
        case .complete, .refused, .malformed: connection.refuse(self)
        case .broken, .excessive: connection.failDecoding(outcome)
        }
    }

    override func pass(_ body: Span<UInt8>) {
        hasPassedAll = isWhole
        let isBehindHead = isHeadUnsent
        isHeadUnsent = false
        let lines = trailersCome
        if !lines.isEmpty { trailersCome = [] }
        let isLast = isWhole
        payloadBytes += UInt64(body.count)
        exchangeLink.with { exchange in
            guard payloadBytes <= exchange.responseBytesMax else {
                exchange.responseTooLarge(stream)
                return
            }
            guard framesChunks else {
                if !lines.isEmpty {
                    // A section ends with an empty line.
                    let section = lines + [0x0D, 0x0A]
                    exchange.passTrailers(section.span, stream)
                }
                exchange.receivedResponse(
                    body, isLast: isLast, behindHead: isBehindHead, stream)
                return
            }
            worker.withChunk(of: body, isLast: isLast, trailers: lines.span) {
                exchange.receivedResponse(
                    $0, isLast: isLast, behindHead: isBehindHead, stream)
            }
        }
    }

    // MARK: - The end

    /// The try is over: the stream ends, whatever has come of it.
    func release() { with { $0.remove(self) } }

    /// The connection is broken. Nothing follows from that for a response that is whole: it goes on
    /// as its client takes it.
    func broken() {
        guard !isWhole else { return }
        sendHead()
        exchangeLink.with { $0.backendBroken(stream) }
    }

    /// The backend has reset the stream. Behind a whole response it may, since it wants no more of
    /// the request (RFC 9113, section 8.1).
    func wasReset(_ code: HTTP2ErrorCode) {
        guard !isWhole else { return }
        sendHead()
        exchangeLink.with { exchange in
            if !isInBody, code == .refusedStream || code == .http11Required {
                exchange.backendRefused(stream)
            } else {
                isAtFault = true
                exchange.backendBroken(stream)
            }
        }
    }

    /// The backend has broken the rules in this stream.
    func failed() {
        sendHead()
        exchangeLink.with { $0.responseMalformed(stream) }
    }

    /// The backend speaks no HTTP/2, as it shows by its first bytes.
    func isNotSpoken() {
        exchangeLink.with { $0.backendIsUnusable(stream, .notHTTP2) }
    }
}
