// HTTPExchange+Response: the response's side of an exchange: what comes from the backend's stream,
// and how it is passed on to the client.

internal import Backends
internal import Events
internal import Evidence
internal import GRPCWire
internal import HTTP1
internal import Routing
internal import Stats
internal import Traffic

extension HTTPExchange {
    /// The most interim responses (1xx) that one request may get. Work that reports every 20 s that
    /// it goes on (RFC 2518, section 10.1) may take more than an hour; a flood ends soon.
    static var interimMax: Int { 256 }

    // MARK: - Heads

    /// An interim response has come, a 1xx, whose `head` was parsed from `bytes`: passes it on (RFC
    /// 9110, section 15.2: to a client of HTTP/1.1 only). False when the exchange does not go on
    /// with this try.
    func interim(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ stream: BackendStream
    ) -> Bool {
        guard let client else { return false }
        request.interimCount += 1
        guard request.interimCount <= Self.interimMax else {
            failBackend(.tooManyInterim, stream)
            return false
        }
        guard client.takesInterim else { return true }
        endOther(than: stream)
        let (outcome, count) = client.interim(head, bytes)
        request.figures.bytesOut += count
        request.figures.headBytesOut += count
        switch outcome {
        case .sent: return true
        case .kept:
            stream.pauseResponse()
            renewDeadlines(client, stream)
            return true
        case .failed:
            clientGone()
            return false
        }
    }

    /// The final head has come, which was parsed from `bytes`, and `following` behind it: the
    /// response begins, and no other backend is tried. The head is sent with the next bytes. False
    /// when the exchange does not go on with this try.
    func responded(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, following: Span<UInt8>,
        _ stream: BackendStream
    ) -> Bool {
        guard let client else { return false }
        var status: GRPCStatus?
        if request.isCall, isOfCalls(stream) {
            status = callStatus(in: head, bytes)
            if status == .unavailable, !GRPC.hasPushback(in: bytes),
                isTriedElsewhere(
                    after: .unavailable, status: head.status, following: following, client, stream)
            {
                return false
            }
        }
        if head.status >= 400,
            isTriedElsewhere(
                after: .status(head.status), status: head.status, following: following, client,
                stream)
                || isReplaced(head, bytes, following: following, client, stream)
        {
            return false
        }
        if request.bodyLimits.response != .max, case .length(let count) = head.body,
            count > UInt64(request.bodyLimits.response)
        {
            refuseTooLarge(head.status, stream)
            return false
        }
        request.phase = .responding
        if let limit = client.context.listener.responseMax {
            request.responseEndsAt = worker.loop.nowNanoseconds &+ worker.jittered(limit)
        }
        recordFirstByte(of: head.status, stream)
        if let status { record(status, stream) }
        endOther(than: stream)
        switch head.body {
        case .none, .length: break
        case .chunked, .untilClose: request.isOpenEnded = true
        }
        let change =
            request.mayBeCoded ? changeContent(head, bytes, client, stream) : ContentChange()
        let count = client.respond(
            head, bytes, change: change,
            edits: held.route?.responseEdits ?? client.context.listener.responseEdits,
            lines: addedLines(stream).span,
            mayStay: !request.effort.closesClient)
        stream.withPlace { _, _, pool in
            pool.countResponse(status: head.status)
            countSent(count, pool)
        }
        request.figures.headBytesOut += count
        return true
    }

    /// The field lines that the response gets: the cookie that makes the client stick to this
    /// backend, and how many tries it took.
    func addedLines(_ stream: BackendStream) -> [UInt8] {
        guard stream.withPlace({ $2.addsLines }) else { return [] }
        let pool = stream.pool
        var lines: [UInt8] = []
        pool.affinity.appendLine(
            for: stream.backend.endpoint, unless: request.stickyToken, to: &lines)
        if pool.options.policy.retry.isReported {
            lines += Array("X-Fairlead-Attempts: \(request.tries.count)\r\n".utf8)
        }
        return lines
    }

    // MARK: - Bodies

    /// A part of the response's body has come: it is sent with the next bytes.
    func passOn(_ part: Span<UInt8>, _ stream: BackendStream) {
        guard let client else { return }
        guard !request.isCoded else {
            passOnCoded(part, client, stream)
            return
        }
        stream.withPlace { _, _, pool in countSent(part.count, pool) }
        client.append(part)
    }

    /// The trailers of the response have come, behind its body: `section` has the lines of those
    /// that may stand there, and the empty one. They are sent with the next bytes, which are the
    /// last.
    func passTrailers(_ section: Span<UInt8>, _ stream: BackendStream) {
        guard let client else { return }
        stream.withPlace { _, _, pool in countSent(section.count, pool) }
        if let body = held.coded {
            body.trailers.append(section)
        } else {
            client.appendTrailers(section)
        }
    }

    /// More of the response's body has come, and its end if `isLast`. A part that came `behindHead`
    /// is sent with the head, and may be empty.
    func receivedResponse(
        _ body: Span<UInt8>, isLast: Bool, behindHead isBehindHead: Bool, _ stream: BackendStream
    ) {
        guard let client else { return }
        guard !request.isTunnel else {
            passThroughTunnel(body, isLast: isLast, client, stream)
            return
        }
        let outcome: WriteOutcome
        if request.isCoded {
            guard let sent = sendCoded(body, isLast: isLast, client, stream) else {
                encoderFailed(client)
                return
            }
            outcome = sent
        } else {
            stream.withPlace { _, _, pool in countSent(body.count, pool) }
            outcome = client.send(body, isLast: isLast)
        }
        switch outcome {
        case .sent: break
        case .kept: if !isLast { stream.pauseResponse() }
        case .failed:
            clientGone()
            return
        }
        if isLast {
            complete(client, stream)
        } else {
            bodyContinues(behind: isBehindHead, stream)
            renewDeadlines(client, stream)
        }
    }

    /// The backend sent something that is no response, or a body that is not what its framing says.
    /// The part that came before is still sent.
    func responseMalformed(_ stream: BackendStream) {
        guard request.phase == .responding else {
            failBackend(.badResponse, stream)
            return
        }
        guard let client else { return }
        switch client.send(Span(), isLast: false) {
        case .sent, .kept: cutShort(.badBody)
        case .failed: clientGone()
        }
    }

    /// The body goes on after a part of it came `behind` its head, or later: from here on the
    /// response is a stream. The rest of a body of known length is owed. In any other, only the
    /// sender knows whether a byte is due, even the first: watches, logs and streams of events are
    /// silent for as long as nothing happens.
    func bodyContinues(behind isBehindHead: Bool, _ stream: BackendStream) {
        guard isBehindHead else {
            if request.awaitsStatus { streamWentOn(stream) }
            recordMoved(stream)
            return
        }
        // One that asked for events became a stream while it waited.
        guard request.tries[stream.slot].hold == .request else { return }
        let owes = !request.isOpenEnded
        request.tries[stream.slot].hold = owes ? .owed : .stream
        stream.pool.becameStream(stream.backend, owes: owes)
    }

    /// Records that another part of a body has come from the backend.
    func recordMoved(_ stream: BackendStream) {
        let pool = stream.pool
        pool.evidence.silence.bodyWentOn(
            since: request.tries[stream.slot].movedAt, pool.moment)
    }

    /// The client has taken some of what was kept for it.
    func clientProgressed() {
        guard let client, let stream = request.tries.leading.stream else { return }
        renewDeadlines(client, stream)
    }

    /// The client has taken everything that was kept for it.
    func clientDrained() {
        guard let client else { return }
        guard let stream = request.tries.leading.stream else {
            // The exchange waits for nothing from the client; in the queue, for its turn.
            if queueTicket == 0, request.phase != .asking { deadlineNanoseconds = .max }
            return
        }
        if request.isWhole, request.phase != .responding {
            // The backend was not read from meanwhile, so its time for the first byte starts again.
            deadlineNanoseconds = .max
            if !stream.isCongested { awaitFirstByte(stream) }
        } else {
            renewDeadlines(client, stream)
        }
        stream.resumeResponse()
    }

    /// The response is passed on, or kept for the client, to its last byte.
    func complete(_ client: ClientStream, _ stream: BackendStream) {
        if request.awaitsStatus { recordGood(stream) }
        end(.complete, client, stream)
    }

    /// Ends the exchange as `ending`, with nothing left to send but what is kept for the client.
    func end(_ ending: Ending, _ client: ClientStream, _ stream: BackendStream) {
        endTry(on: stream)
        // The stream is another request's once it is released.
        stream.withPlace { _, _, pool in
            // A request whose body is not all here was answered early: the rest of it would be on
            // the connection.
            stream.release(isReusable: request.isWhole, to: client, clientGoesOn: client.goesOn)
            finish(pool, ending)
        }
        client.finish()
    }

    /// Ends the response at `time` if it is a stream, one of unknown length such as events, and
    /// comes from one of these backends or `backends` is nil. Other responses go on.
    func endStream(to backends: [BackendID]?, at time: UInt64) {
        guard request.phase == .responding, request.isOpenEnded, time < request.responseEndsAt,
            let stream = request.tries.leading.stream,
            backends?.contains(stream.backend.id) ?? true
        else { return }
        request.responseEndsAt = time
        stream.deadlineNanoseconds = min(stream.deadlineNanoseconds, time)
    }

    /// The backend ends the response before its end, which counts against it.
    func cutShort(_ ending: Ending) {
        guard let client, let pool else { return }
        if let backend = request.tries.leading.backend {
            backend.counters.add(.failures)
            pool.recordFailure(of: backend, status: 0, sentAt: request.tries.leading.sentAt, worker)
        }
        end(ending, pool)
        client.cut(isOver: false)
    }

    /// The response ends because its time is over, or the request's, which counts against no
    /// backend. When a stream has come to the moment chosen for its end, nothing is known to be
    /// missing.
    func cutInTime() {
        guard let client, let pool else { return }
        if request.isTunnel, let stream = request.tries.leading.stream, parts(client, stream) {
            return
        }
        let isOver = worker.loop.nowNanoseconds >= request.responseEndsAt
        let isStream = isOver && request.isOpenEnded
        if !isStream { pool.counters.add(.ownCuts) }
        end(isStream ? .streamExpired : .responseExpired, pool)
        client.cut(isOver: isOver)
    }
}
