// The response's side of an exchange: head parsed, rewritten, body streamed to the client.

internal import Backends
internal import Events
internal import Evidence
internal import HTTP1
internal import Routing
internal import Stats
internal import Traffic

extension HTTPExchange {
    /// Bytes came from the backend.
    func backendSent(_ bytes: Span<UInt8>, on connection: BackendConnection) {
        if let client { backendSent(bytes, client, connection) }
    }

    private func backendSent(
        _ bytes: Span<UInt8>, _ client: ClientStream, _ connection: BackendConnection
    ) {
        switch request.phase {
        case .responding: forwardBody(bytes, behind: false, client, connection)
        case .trying where connection.partial.isEmpty: readHead(bytes, client, connection)
        case .trying:
            connection.partial.append(bytes)
            let whole = connection.partial
            connection.partial = []
            readHead(whole.span, client, connection)
        case .choosing, .queued, .pausing:
            preconditionFailure("a request that is at no backend has no connection")
        }
    }

    /// Reads heads at the start of `bytes`: any number of interim ones, then the final one.
    func readHead(
        _ bytes: Span<UInt8>, _ client: ClientStream, _ connection: BackendConnection
    ) {
        let listener = client.context.listener
        var start = 0
        var seen = connection.partialSeen
        connection.partialSeen = 0
        while true {
            let rest = bytes.extracting(start..<bytes.count)
            switch listener.responseHead.parse(rest, answering: request.method, alreadySeen: seen) {
            case .needMore:
                connection.partialSeen = rest.count
                connection.partial.append(rest)
                return
            case .bad:
                failBackend(.badResponse, connection)
                return
            case .complete(let length):
                let head = rest.extracting(0..<length)
                guard listener.responseHead.isInterim else {
                    let following = rest.extracting(length..<rest.count)
                    if listener.responseHead.authenticatesConnection { connection.bind() }
                    guard listener.responseHead.status != 101,
                        !listener.responseHead.opensTunnel
                    else {
                        switchProtocols(
                            listener.responseHead, head, following: following, client, connection)
                        return
                    }
                    if listener.responseHead.status >= 400,
                        isTriedElsewhere(
                            after: listener.responseHead, following: following, client, connection)
                    {
                        return
                    }
                    startResponse(listener.responseHead, head, client, connection)
                    forwardBody(following, behind: true, client, connection)
                    return
                }
                guard forwardInterim(listener.responseHead, head, client, connection) else {
                    return
                }
                start += length
                seen = 0
            }
        }
    }

    /// Interim responses (1xx) that one request may get. Work that says every 20 s that it goes on
    /// (RFC 2518, section 10.1) may take more than an hour; a flood ends soon.
    static var interimMax: Int { 256 }

    /// Passes a 1xx on (RFC 9110, section 15.2: to a client of HTTP/1.1 only). False when the
    /// exchange does not go on with this try.
    private func forwardInterim(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ client: ClientStream,
        _ connection: BackendConnection
    ) -> Bool {
        request.interimCount += 1
        guard request.interimCount <= Self.interimMax else {
            failBackend(.tooManyInterim, connection)
            return false
        }
        guard client.takesInterim else { return true }
        endOther(than: connection)
        let (outcome, count) = client.interim(head, bytes)
        request.figures.bytesOut += count
        request.figures.headBytesOut += count
        switch outcome {
        case .sent: return true
        case .kept:
            connection.stopReading()
            renewDeadlines(client, connection)
            return true
        case .failed:
            clientGone()
            return false
        }
    }

    /// The final head is here: the response begins, and there is no way back to another backend.
    /// Its head goes out with what is sent next.
    private func startResponse(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ client: ClientStream,
        _ connection: BackendConnection
    ) {
        request.phase = .responding
        if let limit = client.context.listener.responseMax {
            request.responseEndsAt = worker.loop.nowNanoseconds &+ worker.jittered(limit)
        }
        noteFirstByte(of: head.status, connection)
        endOther(than: connection)
        connection.pool.noteResponse(status: head.status)

        request.responseBody = BodyTracker(head.body, trailers: .leaveOut)
        if head.body == .chunked, !client.takesChunks {
            request.payload = PayloadReader(.chunked, trailers: .leaveOut)
        }
        connection.promisedIdleSeconds = head.keepAliveSeconds
        request.backendKeepsAlive = head.keepsAlive
        let count = client.respond(
            head, bytes, edits: held.route?.responseEdits, lines: addedLines(connection).span,
            mayStay: !request.effort.closesClient)
        noteSent(count, connection.pool)
        request.figures.headBytesOut += count
    }

    /// The field lines that the response gets: the cookie that makes the client stick to this
    /// backend, and how many tries it took.
    private func addedLines(_ connection: BackendConnection) -> [UInt8] {
        let pool = connection.pool
        guard pool.addsLines else { return [] }
        var lines: [UInt8] = []
        pool.affinity.appendLine(
            for: connection.backend.endpoint, unless: request.stickyToken, to: &lines)
        if pool.options.policy.retry.isReported {
            lines += Array("X-Fairlead-Attempts: \(request.tries.count)\r\n".utf8)
        }
        return lines
    }

    /// Passes on the part of `bytes` that is this response's body; `behind` the head, which goes
    /// out with it, or by itself.
    private func forwardBody(
        _ bytes: Span<UInt8>, behind isBehindHead: Bool, _ client: ClientStream,
        _ connection: BackendConnection
    ) {
        var body = bytes
        var isBad = false
        var hasExcess = false
        if request.payload != nil {
            body = Span()
            if let consumed = passPayload(of: bytes, client, connection) {
                hasExcess = consumed < bytes.count
            } else {
                isBad = true
            }
        } else {
            switch request.responseBody.advance(bytes) {
            case .more: break
            case .end(let consumed):
                // More than the response: the connection can't be trusted with another request.
                hasExcess = consumed < bytes.count
                body = bytes.extracting(0..<consumed)
            case .bad:
                isBad = true
                body = Span()
            }
        }
        if let start = request.responseBody.trailersStart, !isBad {
            held.trailers = held.trailers ?? []
            held.trailers?.append(body.extracting(start..<body.count))
            body = body.extracting(0..<start)
            if request.responseBody.isComplete {
                append(body, client, connection)
                body = Span()
                passTrailers(client, connection)
            }
        }
        guard send(body, client, connection) else { return }
        if isBad {
            cutShort(.badBody)
        } else if request.payload?.isComplete ?? request.responseBody.isComplete {
            complete(isReusable: request.backendKeepsAlive && !hasExcess, client, connection)
        } else {
            noteBody(behind: isBehindHead, connection)
            renewDeadlines(client, connection)
            connection.isBulk =
                request.payload == nil && Bulk.isWorthwhile(request.responseBody.remaining)
        }
    }

    /// Passes on those of the trailers, which are all here, that may be.
    private func passTrailers(_ client: ClientStream, _ connection: BackendConnection) {
        var allowed: [UInt8] = []
        guard let section = held.trailers else { return }
        held.trailers = nil
        TrailerSection.append(allowedOf: section.span, to: &allowed)
        append(allowed.span, client, connection)
    }

    /// The body, of which something came `behind` its head or after a while, goes on. From here on
    /// it is a stream. What is owed is the rest of a body of known length. Whether a byte is due in
    /// any other, even the first, only its sender knows: watches, logs and streams of events say
    /// nothing for as long as nothing happens.
    private func noteBody(behind isBehindHead: Bool, _ connection: BackendConnection) {
        guard isBehindHead else {
            noteMoved(connection)
            return
        }
        // One that asked for events became a stream while it waited.
        guard request.tries[connection.slot].hold == .request else { return }
        let owes = request.responseBody.remaining != nil
        request.tries[connection.slot].hold = owes ? .owed : .stream
        connection.pool.becameStream(connection.backend, owes: owes)
    }

    /// Another part of a body has come from the backend.
    func noteMoved(_ connection: BackendConnection) {
        let pool = connection.pool
        pool.evidence.silence.bodyWentOn(
            since: request.tries[connection.slot].movedAt, pool.moment)
    }

    /// Passes on the payload in `bytes`. Returns how many bytes belong to the body; nil when the
    /// chunks are malformed.
    private func passPayload(
        of bytes: Span<UInt8>, _ client: ClientStream, _ connection: BackendConnection
    ) -> Int? {
        var offset = 0
        while true {
            switch request.payload?.next(bytes, from: offset) {
            case .data(let range):
                append(bytes.extracting(range), client, connection)
                offset = range.upperBound
            case .end(let consumed): return consumed
            case .needMore, nil: return bytes.count
            case .bad: return nil
            }
        }
    }

    /// Has a part of the body go out with what is sent next.
    private func append(
        _ body: Span<UInt8>, _ client: ClientStream, _ connection: BackendConnection
    ) {
        noteSent(body.count, connection.pool)
        client.append(body)
    }

    /// Sends what waits to go out, and `body` behind it. False when the client is gone.
    private func send(
        _ body: Span<UInt8>, _ client: ClientStream, _ connection: BackendConnection
    ) -> Bool {
        noteSent(body.count, connection.pool)
        switch client.send(body) {
        case .sent: return true
        case .kept:
            connection.stopReading()
            return true
        case .failed:
            clientGone()
            return false
        }
    }

    /// The client has taken some of what was kept for it, and lives.
    func clientProgressed() {
        guard let client, let connection else { return }
        renewDeadlines(client, connection)
    }

    /// The client has taken everything that was kept for it.
    func clientDrained() {
        guard let client, let connection else { return }
        if request.isWhole, request.phase != .responding,
            request.tries[connection.slot].stage != .dialing
        {
            // It was not read from meanwhile, so its time for the first byte begins again.
            deadlineNanoseconds = .max
            if !connection.isCongested { awaitFirstByte(connection) }
        } else {
            renewDeadlines(client, connection)
        }
        connection.startReading()
    }

    /// The backend has closed its side.
    func backendEnded(_ connection: BackendConnection) {
        guard request.phase == .responding else {
            failTry(.noResponse, connection)
            return
        }
        guard let client, request.payload == nil, request.responseBody.endsAtClose else {
            cutShort(.backendCut)
            return
        }
        complete(isReusable: false, client, connection)
    }

    /// The response is passed on, or kept for the client, to its last byte.
    private func complete(
        isReusable: Bool, _ client: ClientStream, _ connection: BackendConnection
    ) {
        // A request whose body is not all here was answered early: the connection that carries the
        // rest of it is of no more use.
        let isReusable = isReusable && request.isWhole
        endTry(on: connection)
        connection.release(isReusable: isReusable, to: client, clientGoesOn: client.goesOn)
        finish(connection.pool, .complete)
        client.finish()
    }

    /// Ends the response at `time`, if it comes from one of these backends or `backends` is nil,
    /// and if it is a stream: a response whose length nobody knows, such as events. Others may go
    /// on.
    func endStream(to backends: [BackendID]?, at time: UInt64) {
        guard request.phase == .responding, let connection, request.responseBody.remaining == nil,
            time < request.responseEndsAt,
            backends?.contains(connection.backend.id) ?? true
        else { return }
        request.responseEndsAt = time
        connection.deadlineNanoseconds = min(connection.deadlineNanoseconds, time)
    }

    /// The backend ends the response before its end, which counts against it.
    func cutShort(_ ending: Ending) {
        guard let client, let pool else { return }
        if let backend = connection?.backend {
            backend.counters.add(.failures)
            pool.noteFailure(of: backend, status: 0, sentAt: request.tries.leading.sentAt, worker)
        }
        end(ending, pool)
        client.cut(isOver: false)
    }

    /// The response ends since its time is over, or the request's, which counts against nobody. Of
    /// a stream that has come to the moment chosen for its end, nobody knows that anything is
    /// missing.
    func cutInTime() {
        guard let client, let pool else { return }
        let isOver = worker.loop.nowNanoseconds >= request.responseEndsAt
        let isStream = isOver && request.responseBody.remaining == nil
        if !isStream { pool.counters.add(.ownCuts) }
        end(isStream ? .streamExpired : .responseExpired, pool)
        client.cut(isOver: isOver)
    }
}
