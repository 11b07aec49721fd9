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
        self.client = client
        self.pool = pool
        startedAt = worker.loop.nowNanoseconds
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
        head.write(from: bytes, forwarding: client.forwarding, into: &requestHead)
        guard let used = takeBody(following) else {
            giveUp(.malformedBody)
            return following.count
        }
        if used > 0 {
            bodyInHand.append(following.extracting(0..<used))
            pool.counters.bytesFromClients.add(used)
        }
        tryNext()
        return used
    }

    /// Bytes that came from the client while the exchange is under way. Returns how many of them
    /// belong to this request.
    func requestBytes(_ bytes: Span<UInt8>) -> Int {
        guard let client, let pool, !requestBody.isComplete else { return 0 }
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
        backend?.counters.bytesSent.add(used)
        switch connection.write(body) {
        case .sent:
            requestSent()
        case .kept:
            client.stopReading()
            renewDeadlines()
        case .failed:
            connection.isBroken = true
            backendTakesNoMore()
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
    func sendRequest() {
        guard let connection, let client else {
            preconditionFailure("a request is sent on a connection")
        }
        isHeadSent = true
        sentAt = worker.loop.nowNanoseconds
        backend?.counters.bytesSent.add(requestHead.count + bodyInHand.count)
        switch connection.write(requestHead, bodyInHand) {
        case .sent:
            requestSent()
        case .kept:
            client.stopReading()
            renewDeadlines()
        case .failed:
            backendBroken()
        }
    }

    /// The backend has all that came of the request so far. Goes on reading: the rest of the body,
    /// or to hear of a client that goes away.
    private func requestSent() {
        if requestBody.isComplete, !isResponseStarted { connection?.awaitFirstByte() }
        renewDeadlines()
        client?.resumeReading()
    }

    /// Says anew for how long either side may be silent, since bytes have moved: one that owes
    /// bytes, or has not taken those kept for it. The first byte of a response has its own limit,
    /// which runs from the end of the request (`awaitFirstByte`).
    func renewDeadlines() {
        guard let client, let connection else { return }
        let stall = worker.loop.nowNanoseconds + client.listener.stallTimeout
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
    func connected() {
        sendRequest()
    }

    /// Writing the request failed. The backend may have answered before it closed: its answer, or
    /// its end, is read next.
    func backendTakesNoMore() {
        client?.stopReading()
    }

    /// The backend has taken everything that was kept for it.
    func backendDrained() {
        requestSent()
    }
}
