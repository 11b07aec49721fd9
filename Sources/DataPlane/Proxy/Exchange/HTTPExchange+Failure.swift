// HTTPExchange+Failure: what becomes of an exchange when one side fails: a new try, an answer of
// Fairlead's own, or an end that the other side can notice.

internal import Backends
internal import Balancing
internal import Events
internal import Evidence
internal import GRPCWire
internal import HTTP1
internal import Routing
internal import Stats
internal import TLS
internal import Traffic

extension HTTPExchange {
    // MARK: - The backend fails

    /// A dial that was under way failed.
    func dialFailed(_ dial: BackendDial, _ error: DialError) {
        guard let pool else { return }
        let slot = dial.slot
        countDialTime(slot)
        if isTraced { recordFault(error.ending, slot) }
        abortTry(slot)
        pool.recordDialFailure(of: dial.backend, error, worker)
        goOn(afterDialOf: slot, error)
    }

    /// The dial failed, and is recorded, of a connection to `backend` for which the try in `slot`
    /// has waited beside others.
    func sharedDialFailed(_ slot: Tries.Slot, _ backend: PooledBackend, _ error: DialError) {
        countDialTime(slot)
        if isTraced { recordFault(error.ending, slot) }
        abortTry(slot)
        goOn(afterDialOf: slot, error)
    }

    private func countDialTime(_ slot: Tries.Slot) {
        guard let begunAt = request.tries[slot].begunAt else { return }
        request.effort.dialsFailedFor += worker.loop.nowNanoseconds - begunAt
    }

    /// Goes on elsewhere after the try in `slot`, which has ended with a dial that failed.
    private func goOn(afterDialOf slot: Tries.Slot, _ error: DialError) {
        guard let client, let pool else { return }
        if fallBack(from: slot) { return }
        if case .system(let error) = error, error.isShortage {
            if goesOn(after: error, client, pool) { tryNext(client, pool) }
            return
        }
        request.effort.dialsEnd = error.ending
        if mayRetry(after: .dial, pool) {
            tryNext(client, pool)
        } else {
            giveUp(error.ending)
        }
    }

    /// The connection has turned out to be of no use when it was made, and the backend has done
    /// nothing with the request: it wants another certificate of ours, or does not speak HTTP/2.
    /// That is no better than a dial that failed.
    func backendIsUnusable(_ stream: BackendStream, _ error: DialError) {
        guard let client, let pool else { return }
        let slot = stream.slot
        let backend = stream.backend
        request.effort.sent -= 1
        request.effort.dialsEnd = error.ending
        if isTraced { recordFault(error.ending, slot) }
        abortTry(slot)
        pool.recordDialFailure(of: backend, error, worker)
        if fallBack(from: slot) { return }
        if request.canReplay, mayRetry(after: .dial, pool) {
            tryNext(client, pool)
        } else {
            giveUp(error.ending)
        }
    }

    /// Records a dial that failed at once.
    func recordDialFailure(of backend: PooledBackend, _ pool: BackendPool, _ error: Errno) {
        if isTraced {
            recordFault(error.isShortage ? .shortage : .notConnected, request.tries.lead)
        }
        release(request.tries.lead, at: backend, pool)
        pool.recordDialFailure(of: backend, .system(error), worker)
    }

    /// The stream broke, or ended before its response did.
    func backendBroken(_ stream: BackendStream) {
        if request.phase == .responding {
            cutShort(.backendCut)
        } else {
            failTry(.noResponse, stream.slot)
        }
    }

    /// The backend has done nothing with the request, and says so.
    func backendRefused(_ stream: BackendStream) {
        failTry(.refused, stream.slot)
    }

    /// The backend did not do its part in time.
    func backendTimedOut(_ stream: BackendStream) {
        if request.phase == .responding, worker.loop.nowNanoseconds >= request.responseEndsAt {
            cutInTime()
        } else if request.isTunnel {
            tunnelIsIdle(stream)
        } else if stream.isCongested, worker.loop.nowNanoseconds < request.endsBy,
            stream.hasAcknowledgedMore()
        {
            backendProgressed(stream)
        } else if request.phase == .responding {
            bodyIsLate(stream)
        } else {
            firstByteIsLate(stream)
        }
    }

    /// The time for the backends' drain is over: what they have not answered by now goes elsewhere
    /// or ends.
    func leave(_ backends: [BackendID]) {
        held.auth?.exchange?.leave(backends)
        let lead = request.tries.lead
        if isAtOne(of: backends, lead.other) { failTry(.withdrawn, lead.other) }
        guard isAtOne(of: backends, lead) else { return }
        guard request.phase == .responding else {
            failTry(.withdrawn, lead)
            return
        }
        request.responseEndsAt = worker.loop.nowNanoseconds
        cutInTime()
    }

    /// Whether the try in `slot` is at one of `backends`.
    private func isAtOne(of backends: [BackendID], _ slot: Tries.Slot) -> Bool {
        guard let backend = request.tries[slot].backend else { return false }
        return backends.contains(backend.id)
    }

    /// The try in `slot` failed before a response began.
    func failTry(_ failure: TryFailure, _ slot: Tries.Slot) {
        guard let client, let pool, let backend = request.tries[slot].backend else { return }
        let isReused = request.tries[slot].stream?.isReused == true
        // A request that Fairlead takes back says nothing of the backend.
        if failure != .withdrawn { backend.counters.add(.failures) }
        let wasRefused = request.effort.wasRefused
        if failure == .refused {
            request.effort.sent -= 1
            request.effort.wasRefused = true
        }
        // A kept connection that closes shows nothing but its age.
        if failure == .noResponse {
            if !isReused {
                pool.recordFailure(
                    of: backend, status: 0, sentAt: request.tries[slot].sentAt, worker)
            } else {
                if !request.effort.hasBroken { request.effort.sent -= 1 }
                request.effort.hasBroken = true
            }
        }
        if isTraced { recordFault(failure.ending, slot) }
        abortTry(slot)
        if fallBack(from: slot) { return }
        let hasOther = pool.hasOther(than: request.asking.tried)
        // A reused connection may just have been too old.
        let isTriedAgain =
            isReused && backend.record.isInRotation && !(failure == .refused && wasRefused)
        let mayWait = pool.options.policy.limits.emptyWait != nil
        guard hasOther || isTriedAgain || mayWait, failure != .refused || request.canReplay,
            mayRetry(after: failure, pool)
        else {
            giveUp(failure.ending)
            return
        }
        if hasOther {
            tryAgain(client, pool)
        } else if isTriedAgain {
            pool.counters.add(.retries)
            tryAgainAfresh(backend, client, pool)
        } else if !awaitsBackends(pool) {
            giveUp(failure.ending)
        }
    }

    /// Whether another backend gets the request after `failure`, in place of the client getting
    /// this answer with `status`, of whose body `following` came.
    func isTriedElsewhere(
        after failure: TryFailure, status: Int, following: Span<UInt8>, _ client: ClientStream,
        _ stream: BackendStream
    ) -> Bool {
        let pool = stream.pool
        let slot = stream.slot
        guard
            request.tries.isUnderWay(slot.other)
                ? pool.retryPolicy.asks(after: failure, by: held.route?.retry)
                : pool.hasOther(than: request.asking.tried) && mayRetry(after: failure, pool)
        else { return false }
        recordFirstByte(of: status, stream)
        if failure == .unavailable {
            record(.unavailable, stream)
            // What the client gets is another answer's.
            request.figures.likeStatus = 0
            request.figures.grpcStatus = nil
        }
        endTry(on: stream)
        stream.dismiss(following, isReusable: request.isWhole, for: client)
        if !fallBack(from: slot) { tryAgain(client, pool) }
        return true
    }

    /// Whether one more try may be made.
    func mayRetry(after failure: TryFailure, _ pool: BackendPool) -> Bool {
        guard !request.isCopy else { return false }
        let dials = DialEffort(
            backends: request.asking.tried.count, failedFor: request.effort.dialsFailedFor,
            limit: pool.connectTimeout)
        let decision = pool.retryPolicy.allows(
            after: failure, by: held.route?.retry, tries: request.effort.sent, dials: dials,
            method: request.method,
            canReplay: request.canReplay, now: worker.loop.nowNanoseconds)
        if decision == .overBudget { pool.counters.add(.retriesDenied) }
        request.asking.isLast = pool.retryPolicy.isLast(
            by: held.route?.retry, tries: request.effort.sent, dials: dials)
        return decision == .yes
    }

    /// The backend's answer can't be passed on.
    func failBackend(_ ending: Ending, _ stream: BackendStream) {
        stream.backend.counters.add(.failures)
        stream.pool.recordFailure(
            of: stream.backend, status: 0, sentAt: request.tries[stream.slot].sentAt, worker
        )
        let slot = stream.slot
        if isTraced { recordFault(ending, slot) }
        abortTry(slot)
        if fallBack(from: slot) { return }
        giveUp(ending)
    }

    /// Answers in place of the backend. No try is under way.
    func giveUp(_ ending: Ending) {
        guard let pool, let client else { return }
        let reply = LocalReply(ending, service: pool.options.name, pool.lastFault)
        giveUp(ending, withPage(reply, client), client, pool)
    }

    /// `reply`, an answer of Fairlead's own, with the page that `client` takes in place of its
    /// text, if there is one.
    func withPage(_ reply: LocalReply, _ client: ClientStream) -> LocalReply {
        guard let pages = held.route?.errorPages ?? client.context.listener.options.errorPages
        else { return reply }
        var reply = reply
        requestHead.withBytes { reply.show(pages, $0) }
        return reply
    }

    /// Answers `reply` in place of the backend. No try is under way.
    func giveUp(
        _ ending: Ending, _ reply: LocalReply, _ client: ClientStream, _ pool: BackendPool
    ) {
        pool.counters.count(ending)
        pool.countResponse(status: reply.status)
        let sent = reply.send(to: client, mayStay: !request.effort.closesClient)
        request.figures.status = reply.status
        if request.isCall {
            request.figures.grpcStatus = GRPCStatus(code: GRPC.status(of: reply.status))
        }
        request.figures.bytesOut += sent.head + sent.body
        request.figures.headBytesOut += sent.head
        finish(pool, ending)
        client.finish()
    }

    /// Ends the exchange without an answer of Fairlead's own: a response has begun, or the client
    /// is gone. What becomes of the client's connection is up to the caller.
    func end(_ ending: Ending, _ pool: BackendPool) {
        pool.counters.count(ending)
        if isTraced {
            recordFault(ending, .first)
            recordFault(ending, .second)
        }
        abortTries()
        finish(pool, ending)
    }

    // MARK: - What counts as failed

    /// Counts the exchange, which ends as `ending`, among those that failed, if it has. Called
    /// once, at its end, so that none counts twice, whatever happened on its way.
    func countFailure(_ pool: BackendPool, _ ending: Ending) {
        let status = max(request.figures.status, request.figures.likeStatus)
        if request.phase == .responding, status >= 500 {
            pool.counters.failedStatuses.count(status: status)
        } else {
            guard ending != .complete, ending.isFailure else { return }
        }
        pool.counters.add(.failed)
    }

    // MARK: - The client fails

    /// The request can't go on because of the client.
    func failRequest(_ ending: Ending) {
        guard let client, let pool else { return }
        guard request.phase == .responding else {
            abortTries()
            giveUp(ending)
            return
        }
        end(ending, pool)
        client.abort()
    }

    /// The client did not do its part in time: it sent no body, or did not read the response.
    func clientStalled() {
        switch request.phase {
        case .queued: return giveUp(request.effort.shortUntil != 0 ? .shortage : .overLimit)
        case .awaiting: return giveUp(.noBackend)
        case .asking: return authIsLate()
        case .choosing, .pausing, .trying, .responding: break
        }
        if let client, client.isCongested, worker.loop.nowNanoseconds < request.endsBy,
            client.hasAcknowledgedMore()
        {
            clientProgressed()
            return
        }
        // The request's own time is over, and the client took what came until then.
        if let client, request.phase == .responding,
            worker.loop.nowNanoseconds < request.tries.leading.movedAt
                &+ client.context.listener.stallTimeout
        {
            cutInTime()
            return
        }
        failRequest(.clientTimeout)
    }

    /// The client will send nothing more.
    func clientEnded() {
        guard request.isWhole else {
            clientGone()
            return
        }
        // A client that only closes its sending side can't be told from one that is gone, and most
        // are gone: nobody waits for the answer. Once the answer has begun, writing it shows that;
        // and where there is nothing to write for a while, the exchange does not wait.
        let cancels = client?.context.listener.options.policy.cancelsAtHalfClose == true
        guard request.phase == .responding else {
            if cancels { clientGone() }
            return
        }
        if let stream = request.tries.leading.stream, !request.tries.leading.hasClientLeft {
            request.tries.leading.hasClientLeft = true
            stream.backend.counters.add(.clientsLeft)
        }
        guard cancels else { return }
        if let client, let stream = request.tries.leading.stream { renewDeadlines(client, stream) }
    }

    /// The client's connection is broken; the client closes it by itself.
    func clientBroken() {
        endForClient()
    }

    /// The client gets no more: writing to it failed, or its request will never be whole.
    func clientGone() {
        let client = client
        endForClient()
        client?.abort()
    }

    private func endForClient() {
        guard let client, let pool else { return }
        guard !client.context.listener.isGivingUp else {
            end(.stopped, pool)
            return
        }
        // A client that leaves sooner than that has reasons of its own; one that leaves at the end
        // of the time that it has named is counted as such.
        if request.phase != .responding, !isTimeOver,
            worker.loop.nowNanoseconds - request.startedAt >= 1_000_000_000
        {
            pool.counters.add(.gaveUp)
        }
        end(.clientGone, pool)
    }
}
