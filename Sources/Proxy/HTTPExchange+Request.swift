// The request's side of an exchange: the head is written anew once, the body streamed behind it.

internal import Balancing
internal import Events
internal import HTTP1
internal import Stats

extension HTTPExchange {
    /// Begins with a whole head and the bytes that came behind it. Returns how many of those belong
    /// to the request's body.
    func begin(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, following: Span<UInt8>,
        from client: ClientConnection
    ) -> Int {
        let pool = client.listener.pool
        take(client, pool)
        startedAt = worker.loop.nowNanoseconds
        if let limit = client.listener.requestTimeout { endsBy = startedAt &+ limit }
        method = head.method
        minorVersion = head.minorVersion
        clientKeepsAlive = head.keepsAlive
        requestBody = BodyTracker(head.body)
        pool.counters.requests.add()
        pool.counters.inFlight.add()
        pool.counters.bytesFromClients.add(bytes.count)
        pool.retryPolicy.noteRequest()

        // RFC 9110, section 9.3.6: a tunnel is only for those who are asked for one.
        guard method != .connect else {
            giveUp(.refused(.targetFormNotAllowed))
            return 0
        }
        worker.writeHead(head, from: bytes, of: client.address, into: &requestHead)
        var used = 0
        if !requestBody.isComplete {
            guard let taken = takeBody(following) else {
                giveUp(.malformedBody)
                return following.count
            }
            used = taken
            if used > 0 {
                bodyInHand.append(following.extracting(0..<used))
                pool.counters.bytesFromClients.add(used)
            }
        }
        tryNext(client, pool)
        return used
    }

    /// Bytes that came from the client while the exchange is under way. Returns how many of them
    /// belong to this request.
    func requestBytes(_ bytes: Span<UInt8>, from client: ClientConnection) -> Int {
        guard let pool, !requestBody.isComplete else { return 0 }
        guard let used = takeBody(bytes) else {
            failRequest(.malformedBody)
            return bytes.count
        }
        pool.counters.bytesFromClients.add(used)
        let body = bytes.extracting(0..<used)
        guard isHeadSent, let connection else {
            // The backend is not there yet: hold this much, and the client.
            bodyInHand.append(body)
            client.stopReading()
            return used
        }
        canReplay = false
        connection.backend.counters.bytesSent.add(used)
        switch connection.write(body) {
        case .sent:
            requestSent(client, connection)
        case .kept:
            client.stopReading()
            renewDeadlines(client, connection)
        case .failed:
            connection.isBroken = true
            client.stopReading()
        }
        return used
    }

    /// Follows the body through `bytes`; nil when it is malformed.
    private func takeBody(_ bytes: Span<UInt8>) -> Int? {
        switch requestBody.advance(bytes) {
        case .more: bytes.count
        case .end(let consumed): consumed
        case .bad: nil
        }
    }

    /// Writes the head and what there is of the body to the connection of this try.
    func sendRequest(_ client: ClientConnection, _ connection: BackendConnection) {
        isHeadSent = true
        sentAt = worker.loop.nowNanoseconds
        connection.backend.counters.bytesSent.add(requestHead.count + bodyInHand.count)
        let outcome =
            bodyInHand.isEmpty
            ? connection.write(requestHead) : connection.write(requestHead, bodyInHand)
        switch outcome {
        case .sent:
            requestSent(client, connection)
        case .kept:
            client.stopReading()
            renewDeadlines(client, connection)
        case .failed:
            backendBroken(connection)
        }
    }

    /// The backend has all that came of the request so far. Goes on reading: the rest of the body,
    /// or to hear of a client that goes away.
    private func requestSent(_ client: ClientConnection, _ connection: BackendConnection) {
        if requestBody.isComplete, !isResponseStarted {
            // The first byte of a response has a limit of its own.
            connection.awaitFirstByte(until: endsBy)
            client.deadlineNanoseconds = .max
        } else {
            renewDeadlines(client, connection)
        }
        client.resumeReading()
    }

    /// Says anew for how long either side may be silent, since bytes have moved: one that owes
    /// bytes, or has not taken those kept for it. The first byte of a response has its own limit,
    /// which runs from the end of the request (`awaitFirstByte`).
    func renewDeadlines(_ client: ClientConnection, _ connection: BackendConnection) {
        let stall = min(worker.loop.nowNanoseconds + client.listener.stallTimeout, endsBy)
        let owesBody = !requestBody.isComplete && !connection.isCongested
        client.deadlineNanoseconds = client.isCongested || owesBody ? stall : .max
        if connection.isCongested {
            connection.deadlineNanoseconds = stall
        } else if isResponseStarted {
            connection.deadlineNanoseconds = client.isCongested ? .max : stall
        } else if owesBody {
            connection.deadlineNanoseconds = .max
        }
    }

    // MARK: - From the connections

    /// The dial succeeded.
    func connected(_ connection: BackendConnection) {
        guard let client else { return }
        sendRequest(client, connection)
    }

    /// Writing the request failed. The backend may have answered before it closed: its answer, or
    /// its end, is read next.
    func backendTakesNoMore() {
        client?.stopReading()
    }

    /// The backend has taken some of what was kept for it, and lives.
    func backendProgressed(_ connection: BackendConnection) {
        guard let client else { return }
        renewDeadlines(client, connection)
    }

    /// The backend has taken everything that was kept for it.
    func backendDrained(_ connection: BackendConnection) {
        guard let client else { return }
        requestSent(client, connection)
    }
}
