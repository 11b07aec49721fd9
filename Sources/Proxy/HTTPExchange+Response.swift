// The response's side of an exchange: head parsed, written anew, body streamed to the client.

internal import Events
internal import HTTP1
internal import Stats

extension HTTPExchange {
    /// Bytes came from the backend.
    func backendSent(_ bytes: Span<UInt8>) {
        if isResponseStarted {
            forwardBody(bytes, behind: false)
            return
        }
        guard let connection else { return }
        if connection.partial.isEmpty {
            readHead(bytes)
        } else {
            // A head in pieces is rare: it is read from the start again.
            connection.partial.append(bytes)
            let whole = connection.partial
            connection.partial = []
            readHead(whole.span)
        }
    }

    /// Reads heads at the start of `bytes`: any number of interim ones, then the final one.
    private func readHead(_ bytes: Span<UInt8>) {
        var start = 0
        while let connection, let listener = client?.listener {
            let rest = bytes.extracting(start..<bytes.count)
            switch listener.responseHead.parse(rest, answering: method) {
            case .needMore:
                connection.partial.append(rest)
                return
            case .bad:
                failBackend(.badResponse)
                return
            case .complete(let length):
                // One copy of the value, not one per look at it.
                let head = listener.responseHead
                let headBytes = rest.extracting(0..<length)
                if head.isInterim {
                    guard forwardInterim(head, headBytes) else { return }
                    start += length
                } else if head.status == 101 {
                    // No upgrade was passed on, so none can be granted.
                    failBackend(.badResponse)
                    return
                } else {
                    startResponse(
                        head, headBytes, following: rest.extracting(length..<rest.count))
                    return
                }
            }
        }
    }

    /// Passes a 1xx on (RFC 9110, section 15.2: to a client of HTTP/1.1 only). False when the client
    /// is gone.
    private func forwardInterim(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) -> Bool {
        guard minorVersion == 1, let client else { return true }
        worker.outgoing.removeAll(keepingCapacity: true)
        head.write(
            from: bytes, to: ClientCapabilities(minorVersion: 1, keepsAlive: true), framing: .none,
            into: &worker.outgoing)
        if case .failed = client.write(worker.outgoing) {
            clientGone()
            return false
        }
        return true
    }

    /// The final head is here: the response begins, and there is no way back to another backend.
    private func startResponse(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, following: Span<UInt8>
    ) {
        guard let client, let pool, let backend else { return }
        isResponseStarted = true
        let status = head.status
        let elapsed = worker.loop.nowNanoseconds - sentAt
        backend.counters.firstByte.record(microseconds: Int(elapsed / 1000))
        pool.counters.count(status: status)
        if status >= 500 { backend.counters.responses5xx.add() }

        let framing = head.body
        responseBody = BodyTracker(framing)
        backendKeepsAlive = head.keepsAlive
        // Chunks are of HTTP/1.1: an older client gets the payload, ended by the connection's end.
        let isDechunked = framing == .chunked && minorVersion == 0
        if isDechunked { payload = PayloadReader(.chunked) }
        let clientFraming = isDechunked ? BodyFraming.untilClose : framing
        responseKeepsAlive =
            clientKeepsAlive && client.mayKeepAlive && requestBody.isComplete
            && clientFraming != .untilClose

        worker.outgoing.removeAll(keepingCapacity: true)
        head.write(
            from: bytes,
            to: ClientCapabilities(minorVersion: minorVersion, keepsAlive: responseKeepsAlive),
            framing: clientFraming, into: &worker.outgoing)
        forwardBody(following, behind: true)
    }

    /// Passes on the part of `bytes` that is this response's body; `behind` the head that waits in
    /// the worker's outgoing bytes, or by itself.
    private func forwardBody(_ bytes: Span<UInt8>, behind isBehindHead: Bool) {
        if !isBehindHead { worker.outgoing.removeAll(keepingCapacity: true) }
        var body = bytes
        var isBad = false
        var hasExcess = false
        if payload != nil {
            body = Span()
            if let consumed = copyPayload(of: bytes) {
                hasExcess = consumed < bytes.count
            } else {
                isBad = true
            }
        } else {
            switch responseBody.advance(bytes) {
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
        guard send(body) else { return }
        if isBad {
            cutShort()
        } else if payload?.isComplete ?? responseBody.isComplete {
            complete(isReusable: backendKeepsAlive && !hasExcess)
        }
    }

    /// Appends the payload in `bytes` to the worker's outgoing bytes. Returns how many bytes belong
    /// to the body; nil when the chunks are malformed.
    private func copyPayload(of bytes: Span<UInt8>) -> Int? {
        var offset = 0
        while true {
            switch payload?.next(bytes, from: offset) {
            case .data(let range):
                worker.outgoing.append(bytes.extracting(range))
                offset = range.upperBound
            case .end(let consumed): return consumed
            case .needMore, nil: return bytes.count
            case .bad: return nil
            }
        }
    }

    /// Sends the outgoing bytes and `body` to the client. False when the client is gone.
    private func send(_ body: Span<UInt8>) -> Bool {
        guard let client, let pool, let connection else { return false }
        pool.counters.bytesToClients.add(worker.outgoing.count + body.count)
        let outcome: WriteOutcome
        if body.count <= Self.copiedBodyMax {
            worker.outgoing.append(body)
            outcome = client.write(worker.outgoing)
        } else {
            outcome = client.write(worker.outgoing, body)
        }
        switch outcome {
        case .sent: break
        case .kept: connection.stopReading()
        case .failed:
            clientGone()
            return false
        }
        renewDeadlines()
        return true
    }

    /// Copying a small body behind its head is cheaper than having the kernel gather two pieces.
    private static var copiedBodyMax: Int { 4096 }

    /// The client has taken everything that was kept for it.
    func clientDrained() {
        renewDeadlines()
        connection?.startReading()
    }

    /// The backend has closed its side.
    func backendEnded() {
        guard isResponseStarted else {
            failTry(.noResponse)
            return
        }
        if payload == nil, responseBody.endsAtClose {
            complete(isReusable: false)
        } else {
            cutShort()
        }
    }

    /// The response is passed on, or kept for the client, to its last byte.
    private func complete(isReusable: Bool) {
        // A request whose body is not all here was answered early. What the client still sends
        // belongs to nobody; the response has told it that the connection ends.
        let isRequestComplete = requestBody.isComplete
        endTry { $0.release(isReusable: isReusable && isRequestComplete) }
        let keepsAlive = responseKeepsAlive
        let lingers = !isRequestComplete || clientKeepsAlive
        finish()?.exchangeFinished(keepsAlive: keepsAlive, lingers: lingers)
    }

    /// The response ends before its end.
    func cutShort() {
        pool?.counters.cutShort.add()
        backend?.counters.failures.add()
        endTry { $0.abort() }
        finish()?.exchangeCutShort()
    }
}

extension ServiceCounters {
    /// Counts a response by the class of its status.
    func count(status: Int) {
        switch status {
        case ..<300: responses2xx.add()
        case ..<400: responses3xx.add()
        case ..<500: responses4xx.add()
        default: responses5xx.add()
        }
    }
}
