// HTTP1BackendConnection+Response: the response's side of a backend's connection. It finds heads
// and bodies in what the backend sends, and decides whether the connection can carry another
// request.
//
// When an exchange is told of the end of its response, it may release the connection, and use it
// for the next request, before it returns: so nothing may be done here afterwards.

internal import Events
internal import HTTP1

extension HTTP1BackendConnection {
    /// What is known of the current response.
    struct Response {
        private(set) var expected = ExpectedResponse()
        /// Whether the final head has come: what follows is its body.
        var isInBody = false
        /// Whether the connection may carry another request after it.
        var keepsAlive = false
        /// How many bytes of the connection's `partial` the parser has seen, as part of an
        /// unfinished head.
        var seen = 0
        var body = BodyPassage(.none, keepsChunks: true)

        /// Begins with a request that is sent: the next bytes answer it.
        mutating func expect(_ expected: ExpectedResponse) {
            self.expected = expected
            isInBody = false
            seen = 0
        }
    }

    /// Bytes came for `exchange`.
    func received(_ bytes: Span<UInt8>, for exchange: HTTPExchange) {
        if response.isInBody {
            passBody(bytes, behindHead: false, to: exchange)
        } else if partial.isEmpty {
            readHeads(bytes, for: exchange)
        } else {
            partial.append(bytes)
            readPartial(for: exchange)
        }
    }

    /// Reads the head in `partial` as if it came now.
    func readPartial(for exchange: HTTPExchange) {
        let whole = partial
        partial = []
        readHeads(whole.span, for: exchange)
    }

    // MARK: - Heads

    /// Reads heads at the start of `bytes`: any number of interim ones, then the final one.
    private func readHeads(_ bytes: Span<UInt8>, for exchange: HTTPExchange) {
        let stream = BackendStream.http1(Link(self))
        var start = 0
        var seen = response.seen
        response.seen = 0
        worker.responseHead.limits = response.expected.limits
        while true {
            let rest = bytes.extracting(start..<bytes.count)
            switch worker.responseHead.parse(
                rest, answering: response.expected.method, alreadySeen: seen)
            {
            case .needMore:
                response.seen = rest.count
                partial.append(rest)
                return
            case .bad:
                exchange.responseMalformed(stream)
                return
            case .complete(let length):
                guard
                    pass(
                        worker.responseHead, rest.extracting(0..<length),
                        following: rest.extracting(length..<rest.count), to: exchange)
                else { return }
                start += length
                seen = 0
            }
        }
    }

    /// Passes on a head, which was parsed from `bytes` and has `following` behind it, and with the
    /// final one what it begins. Whether another head is to follow.
    private func pass(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, following: Span<UInt8>,
        to exchange: HTTPExchange
    ) -> Bool {
        let stream = BackendStream.http1(Link(self))
        if head.isInterim { return exchange.interim(head, bytes, stream) }
        if head.authenticatesConnection { bind() }
        guard head.status != 101, !head.opensTunnel else {
            exchange.switched(head, bytes, following: following, stream)
            return false
        }
        response.isInBody = true
        response.keepsAlive = head.keepsAlive
        promisedIdleSeconds = head.keepAliveSeconds
        response.body = BodyPassage(head.body, keepsChunks: response.expected.keepsChunks)
        if exchange.responded(head, bytes, following: following, stream) {
            passBody(following, behindHead: true, to: exchange)
        }
        return false
    }

    /// Keeps a head that switches protocols, and `following` behind it, until `readAgain`.
    func putBack(_ head: Span<UInt8>, _ following: Span<UInt8>) {
        partial.append(head)
        partial.append(following)
        stopReading()
    }

    // MARK: - Bodies

    /// Has all that comes from here on pass as the response's body, up to the connection's end.
    func openTunnel() {
        response.isInBody = true
        response.keepsAlive = false
        response.body = BodyPassage(.untilClose, keepsChunks: false)
    }

    /// Passes on the part of `bytes` that is this response's body: `behindHead`, which is sent with
    /// it, or by itself.
    private func passBody(
        _ bytes: Span<UInt8>, behindHead isBehindHead: Bool, to exchange: HTTPExchange
    ) {
        let stream = BackendStream.http1(Link(self))
        var offset = 0
        while true {
            let step = response.body.next(bytes, from: offset)
            guard response.body.payloadBytes <= exchange.responseBytesMax else {
                exchange.responseTooLarge(stream)
                return
            }
            switch step {
            case .part(let part):
                exchange.passOn(bytes.extracting(part), stream)
                offset = part.upperBound
            case .more(let part, let section):
                if !section.isEmpty { trailers.append(bytes.extracting(section)) }
                isBulk = Bulk.isWorthwhile(response.body.remaining)
                exchange.receivedResponse(
                    bytes.extracting(part), isLast: false, behindHead: isBehindHead, stream)
                return
            case .end(let part, let section):
                // There is more than the response: the connection is not used for another request.
                if section.upperBound < bytes.count { response.keepsAlive = false }
                var last = bytes.extracting(part)
                if !section.isEmpty {
                    exchange.passOn(last, stream)
                    trailers.append(bytes.extracting(section))
                    passTrailers(to: exchange)
                    last = Span()
                }
                exchange.receivedResponse(last, isLast: true, behindHead: isBehindHead, stream)
                return
            case .bad:
                exchange.responseMalformed(stream)
                return
            }
        }
    }

    /// Passes on the allowed ones of the trailers, which are all here.
    private func passTrailers(to exchange: HTTPExchange) {
        let section = trailers
        trailers = []
        var allowed: [UInt8] = []
        TrailerSection.append(allowedOf: section.span, to: &allowed)
        exchange.passTrailers(allowed.span, .http1(Link(self)))
    }

    /// Whether the response, of whose body `following` came, is all here, and the connection can
    /// carry another request.
    func isOver(with following: Span<UInt8>) -> Bool {
        var offset = 0
        while true {
            switch response.body.next(following, from: offset) {
            case .part(let part): offset = part.upperBound
            case .end(_, let section):
                return section.upperBound == following.count && response.keepsAlive
            case .more, .bad: return false
            }
        }
    }

    // MARK: - Bulk

    /// Has `exchange` move a part of the response's body inside the kernel. False when the part has
    /// to be received.
    func splice(to exchange: HTTPExchange) -> Bool {
        guard let remaining = response.body.remaining, Bulk.isWorthwhile(remaining),
            let outcome = exchange.spliceResponse(
                limit: Bulk.limit(of: remaining), .http1(Link(self)))
        else { return false }
        switch outcome {
        case .sent(let count), .kept(let count):
            response.body.skip(UInt64(count))
            isBulk = Bulk.isWorthwhile(response.body.remaining)
            recordReceived(count)
        case .wouldBlock, .failed: break
        case .endOfStream: ended()
        case .sourceFailed: broken()
        case .unavailable: return false
        }
        return true
    }
}
