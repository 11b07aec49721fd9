// HTTPExchange+Coding: responses that are compressed on their way. The head says how the request's
// client takes them (CompressionRule decides), and the content goes through an encoder part by
// part: what comes of one receive is sent, or kept, before the next, so that a slow client stops
// the backend as it does without a coding.
//
// An encoder holds back what it can make less of together with what follows. Where the length is
// known, more follows soon, and only a pause makes it give out what it has. Where it is not, as in
// a stream of events, everything that came is given out at once, unless it came in bulk.

internal import Compression
internal import Events
internal import HTTP1
internal import Routing
internal import Stats

extension HTTPExchange {
    /// Of a response of unknown length, a receive of as many bytes is followed by more at once.
    private static var bulkMin: Int { 16_384 }
    /// How long a pause may be in which the encoder keeps what it has; 100 ms more by the grain of
    /// deadlines.
    private static var pauseMax: UInt64 { 20_000_000 }
    /// Room that an encoder gets at a time.
    private static var room: Int { 16_384 }

    // MARK: - Heads

    /// Learns from the request's head, which was parsed from `bytes`, how its response may be
    /// coded. A client of HTTP/1.0 gets everything as it is: without chunks its connection would
    /// end each time. What CONNECT opens is no content.
    func offerCoding(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ context: ClientContext,
        _ route: Route?
    ) {
        let ruling =
            if let route { route.compression } else { context.listener.compression }
        guard let rule = ruling, head.method != .connect else { return }
        held.compression = rule
        request.mayBeCoded = true
        if case .http10 = head.version { return }
        request.acceptedCoding = head.acceptedCoding(bytes, of: rule.codings)
    }

    /// What changes in the head of the response, which was parsed from `bytes`; takes an encoder if
    /// its content is coded.
    func changeContent(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ client: ClientStream,
        _ stream: BackendStream
    ) -> ContentChange {
        guard let rule = held.compression else { return ContentChange() }
        let verdict = rule.verdict(on: head, bytes, accepted: request.acceptedCoding)
        // The head of a HEAD's response says what that of a GET's would.
        guard head.body != .none else { return verdict.change }
        guard let coding = verdict.change.coding else {
            if let reason = verdict.reason { stream.pool.counters.add(Self.counter(of: reason)) }
            return verdict.change
        }
        let body = worker.codedBodies.take(
            coding, level: rule.level(of: coding),
            memoryMax: client.context.listener.compressionMemoryMax, for: self)
        guard let body else {
            stream.pool.counters.add(.uncompressedByMemory)
            var change = verdict.change
            change.coding = nil
            change.weakensTag = false
            return change
        }
        held.coded = body
        request.isCoded = true
        stream.pool.counters.add(Self.counter(of: coding))
        stream.leaveOutChunks(of: head.body)
        return verdict.change
    }

    private static func counter(of reason: UncompressedReason) -> ServiceCounter {
        switch reason {
        case .client: .uncompressedByClient
        case .type: .uncompressedByType
        case .size: .uncompressedBySize
        case .coded: .uncompressedByCoding
        case .fixed: .uncompressedByWord
        }
    }

    private static func counter(of coding: ContentCoding) -> ServiceCounter {
        switch coding {
        case .gzip: .gzipResponses
        case .brotli: .brotliResponses
        case .zstd: .zstdResponses
        }
    }

    // MARK: - Content

    /// Puts what comes of `part` into the worker's coded bytes.
    private func encode(
        _ part: Span<UInt8>, _ operation: ContentEncoder.Operation, _ body: CodedBody,
        _ pool: BackendPool
    ) {
        let out = worker.codedBytes
        out.removeAll()
        var offset = 0
        var step = ContentEncoder.Step.full(taken: 0)
        while case .full(let taken) = step {
            offset += taken
            out.append(room: Self.room) {
                step = body.encoder.run(operation, part, from: offset, into: &$0)
            }
        }
        if step == .failed { body.hasFailed = true }
        body.arrivedCount += part.count
        body.contentCount += part.count
        pool.counters.add(.bytesCompressed, part.count)
        pool.counters.add(.bytesOfCompressed, out.count)
        countSent(out.count, pool)
    }

    /// A part of the content has come: what the encoder gives out is sent with the next bytes.
    func passOnCoded(_ part: Span<UInt8>, _ client: ClientStream, _ stream: BackendStream) {
        guard let body = held.coded else { return }
        encode(part, .goOn, body, stream.pool)
        worker.codedBytes.withBytes { client.append($0) }
    }

    /// Sends what the encoder makes of `part`, with which the response ends if `isLast`. Nil when
    /// the encoder has failed.
    func sendCoded(
        _ part: Span<UInt8>, isLast: Bool, _ client: ClientStream, _ stream: BackendStream
    ) -> WriteOutcome? {
        guard let body = held.coded else { return nil }
        let flushes = request.isOpenEnded && body.arrivedCount + part.count < Self.bulkMin
        encode(part, isLast ? .end : flushes ? .flush : .goOn, body, stream.pool)
        if body.hasFailed { return nil }
        body.arrivedCount = 0
        body.deadlineNanoseconds =
            isLast || flushes ? .max : worker.loop.nowNanoseconds + Self.pauseMax
        guard isLast, !body.trailers.isEmpty else {
            return worker.codedBytes.withBytes { client.send($0, isLast: isLast) }
        }
        worker.codedBytes.withBytes { client.append($0) }
        let trailers = body.trailers
        client.appendTrailers(trailers.span)
        return client.send(Span(), isLast: true)
    }

    /// Sends what the encoder has, since nothing more has come for a while.
    func flushCoded() {
        guard let client, let stream = request.tries.leading.stream, let body = held.coded else {
            return
        }
        encode(Span(), .flush, body, stream.pool)
        guard !body.hasFailed else {
            encoderFailed(client)
            return
        }
        switch worker.codedBytes.withBytes({ client.send($0, isLast: false) }) {
        case .sent: break
        case .kept:
            stream.pauseResponse()
            renewDeadlines(client, stream)
        case .failed: clientGone()
        }
    }

    /// Ends the response, since its encoder has failed: for lack of memory, most likely.
    func encoderFailed(_ client: ClientStream) {
        guard let pool else { return }
        pool.counters.add(.ownCuts)
        end(.encoderFailed, pool)
        client.cut(isOver: false)
    }

    /// Gives the encoder back; the response is over.
    func endCoding() {
        guard let body = held.coded.take() else { return }
        worker.codedBodies.giveBack(body)
    }
}
