// What becomes of an exchange when one side fails: a new try, an answer of our own, or an end that
// the other side can notice.

internal import Balancing
internal import Events
internal import HTTP1
internal import Stats

extension HTTPExchange {
    // MARK: - The backend fails

    /// The dial failed after a while.
    func dialFailed(_ error: Errno) {
        connection = nil
        noteDialFailure(error)
        if mayRetry(after: .dial) { tryNext() } else { giveUp(.notConnected) }
    }

    /// Counts a failed dial and tells the control thread.
    func noteDialFailure(_ error: Errno) {
        if let backend, let pool {
            backend.counters.dialFailures.add()
            worker.reportDialFailure(backend, service: pool.options.id, error)
        }
        endTry { $0.abort() }
    }

    /// The connection to the backend broke.
    func backendBroken() {
        if isResponseStarted { cutShort() } else { failTry(.noResponse) }
    }

    /// The backend let its time pass.
    func backendTimedOut() {
        if isResponseStarted { cutShort() } else { failTry(.timeout) }
    }

    /// The try failed before a response began.
    func failTry(_ failure: TryFailure) {
        let failed = backend
        let wasReused = connection?.isReused ?? false
        backend?.counters.failures.add()
        endTry { $0.abort() }
        let hasOther = pool?.hasOther(than: tried) ?? false
        // A reused connection may just have been too old.
        let again = wasReused && failed?.isInRotation == true ? failed : nil
        guard hasOther || again != nil, mayRetry(after: failure) else {
            giveUp(failure == .timeout ? .backendTimeout : .noResponse)
            return
        }
        pool?.counters.retries.add()
        if hasOther { tryNext() } else if let again { tryAgainAfresh(again) }
    }

    /// Whether one more try may be made.
    func mayRetry(after failure: TryFailure) -> Bool {
        guard let pool else { return false }
        let decision = pool.retryPolicy.allows(
            after: failure, tries: tries, method: method, canReplay: canReplay,
            now: worker.loop.nowNanoseconds)
        if decision == .overBudget { pool.counters.retriesDenied.add() }
        return decision == .yes
    }

    /// The backend's answer can't be passed on.
    func failBackend(_ reply: Reply) {
        backend?.counters.failures.add()
        endTry { $0.abort() }
        giveUp(reply)
    }

    /// Answers in the backend's place. No try is under way.
    func giveUp(_ reply: Reply) {
        guard let pool, let client else { return }
        switch reply {
        case .noBackend, .notConnected: pool.counters.noBackend.add()
        case .noResponse, .badResponse: pool.counters.backendErrors.add()
        case .backendTimeout: pool.counters.timeouts.add()
        case .refused, .malformedBody, .clientTimeout:
            client.listener.counters.badRequests.add()
        }
        pool.counters.count(status: reply.status)
        // After a refusal what follows on the connection can't be told from an attack.
        let keepsAlive =
            reply.status >= 500 && clientKeepsAlive && client.mayKeepAlive && requestBody.isComplete
        client.send(
            reply, keepsAlive: keepsAlive, minorVersion: minorVersion, omitsBody: method == .head)
        finish()?.exchangeFinished(keepsAlive: keepsAlive, lingers: true)
    }

    // MARK: - The client fails

    /// The request can't go on because of the client.
    func failRequest(_ reply: Reply) {
        let isResponseStarted = isResponseStarted
        endTry { $0.abort() }
        if isResponseStarted { finish()?.exchangeCutShort() } else { giveUp(reply) }
    }

    /// The client let its time pass: with the body of its request, or reading the response.
    func clientStalled() {
        pool?.counters.clientAborts.add()
        failRequest(.clientTimeout)
    }

    /// The client will send nothing more.
    func clientEnded() {
        // A whole request is answered all the same: the client may only have closed its sending side.
        if !requestBody.isComplete { clientGone() }
    }

    /// The client's connection is broken; the client closes it by itself.
    func clientBroken() {
        _ = endForClient()
    }

    /// The client gets no more: writing to it failed, or its request will never be whole.
    func clientGone() {
        endForClient()?.exchangeCutShort()
    }

    /// Ends the exchange because of the client, and returns it.
    private func endForClient() -> ClientConnection? {
        pool?.counters.clientAborts.add()
        endTry { $0.abort() }
        return finish()
    }
}
