// HTTPExchange+Waiting: what an exchange waits for besides its connections: its turn when every
// backend is at its limit, a pause before another try, and the first byte of a response.

internal import Balancing
internal import Events
internal import Evidence
internal import HTTP1
internal import Stats
internal import Traffic

extension HTTPExchange {
    // MARK: - The queue

    /// Waits for a backend to have room; or answers at once when the queue is full.
    func enqueue(_ client: ClientStream, _ pool: BackendPool) {
        let limits = pool.options.policy.limits
        guard pool.queue.count < limits.queueMax, !request.isCopy else {
            giveUp(.overLimit)
            return
        }
        request.phase = .queued
        pool.queue.append(self)
        pool.counters.add(.queued)
        pool.counters.add(.queueLength)
        deadlineNanoseconds = min(
            worker.loop.nowNanoseconds + limits.queueWait.wholeNanoseconds, request.endsBy)
    }

    // MARK: - No backend

    /// Waits until the service has a backend that takes the request; none that it has now does.
    /// False when a request of this service does not wait for that, or this one has waited for as
    /// long as it may, or too many wait: then it is to be answered.
    ///
    /// A body that has not come yet is left to the client: what the exchange holds of it is at most
    /// one receive buffer.
    func awaitsBackends(_ pool: BackendPool) -> Bool {
        let limits = pool.options.policy.limits
        guard let wait = limits.emptyWait, !request.isCopy else { return false }
        let now = worker.loop.nowNanoseconds
        if request.effort.emptyUntil == 0 {
            request.effort.emptyUntil = now + wait.wholeNanoseconds
            pool.counters.add(.queued)
        }
        guard now < min(request.effort.emptyUntil, request.endsBy),
            pool.awaiting.count < limits.emptyQueueMax
        else { return false }
        request.asking.tried.removeAll()
        request.asking.isLast = false
        request.phase = .awaiting
        // It is not in flight: it leaves its place to one that can be.
        if request.isAdmitted {
            request.isAdmitted = false
            pool.release()
        }
        pool.awaiting.append(self)
        pool.counters.add(.queueLength)
        deadlineNanoseconds = min(request.effort.emptyUntil, request.endsBy)
        return true
    }

    // MARK: - No room on this machine

    /// This machine had nothing left to dial with. A free connection to any backend will do; where
    /// local ports are short, there may be some for another address; else the request waits for
    /// either. True when the caller has to pick another backend, false when the rest is under way.
    func goesOn(after error: Errno, _ client: ClientStream, _ pool: BackendPool) -> Bool {
        request.effort.isShort = true
        if error.shortage == .descriptors { request.effort.closesClient = true }
        while request.asking.tried.count < TriedBackends.capacity,
            let backend = pool.backendWithIdle(for: request.asking)
        {
            guard let other = tryBackend(backend, client, pool, keptIsFine: true) else {
                return false
            }
            // The free connection had broken, and none could be dialled in its place.
            recordDialFailure(of: backend, pool, other)
        }
        if error == .noLocalPort, mayRetry(after: .shortage, pool) { return true }
        awaitRoom(client, pool)
        return false
    }

    /// Waits for a connection to be free, or for room to make one, anywhere.
    func awaitRoom(_ client: ClientStream, _ pool: BackendPool) {
        let limits = pool.options.policy.limits
        let now = worker.loop.nowNanoseconds
        let hadTurn = request.effort.shortUntil != 0
        let until =
            hadTurn ? request.effort.shortUntil : now + limits.queueWait.wholeNanoseconds
        request.effort.shortUntil = until
        guard now < until, pool.queue.count < limits.queueMax, !request.isCopy else {
            giveUp(.shortage)
            return
        }
        request.asking.tried.removeAll()
        request.asking.isLast = false
        request.phase = .queued
        pool.awaitRoom(self, hadTurn: hadTurn)
        if !hadTurn { pool.counters.add(.queued) }
        pool.counters.add(.queueLength)
        deadlineNanoseconds = min(until, request.endsBy)
    }

    /// There is room, or a backend: sends the request to the one in `pick`.
    func leaveQueue(to pick: Pick) {
        guard let client, let pool else { return }
        dequeue(pool)
        deadlineNanoseconds = .max
        tryNext(client, pool, pick)
    }

    /// Leaves the queue that it is in, if any.
    func dequeue(_ pool: BackendPool) {
        guard queueTicket != 0 else { return }
        if request.phase == .awaiting {
            pool.awaiting.remove(self)
        } else {
            pool.queue.remove(self)
        }
        request.phase = .choosing
        pool.counters.add(.queueLength, -1)
    }

    // MARK: - The pause before a try

    /// Begins another try, at once or after its pause.
    func tryAgain(_ client: ClientStream, _ pool: BackendPool) {
        pool.counters.add(.retries)
        let pause = pool.retryPolicy.pause(beforeTry: request.tries.count, random: worker.random())
        guard pause > 0 else {
            tryNext(client, pool)
            return
        }
        if pauseTimer == nil {
            pauseTimer = Timer(on: worker.loop) { [unowned self] in pauseEnded() }
        }
        request.phase = .pausing
        pauseTimer?.schedule(after: .nanoseconds(pause))
    }

    private func pauseEnded() {
        guard let client, let pool else { return }
        tryNext(client, pool)
    }

    // MARK: - The first byte

    /// The backend has all of the request: the first byte of a response is due.
    func awaitFirstByte(_ stream: BackendStream) {
        request.tries[stream.slot].awaitedSince = worker.loop.nowNanoseconds
        stream.deadlineNanoseconds = min(
            request.tries[stream.slot].awaitedSince &+ stream.pool.firstLook, request.endsBy
        )
        if request.hedgeAfter != nil { scheduleHedge() }
    }

    /// Decides what becomes of a try whose first byte has not come in time.
    func firstByteIsLate(_ stream: BackendStream) {
        waitAsStreamIfEvents(stream)
        let pool = stream.pool
        let now = worker.loop.nowNanoseconds
        let waited = now - request.tries[stream.slot].awaitedSince
        guard now < request.endsBy else {
            runOutOfTime(stream)
            return
        }
        guard !stream.isCongested, waited < pool.firstByteTimeout else {
            if request.tries[stream.slot].hold == .request {
                pool.recordFailure(
                    of: stream.backend, status: 0,
                    sentAt: request.tries[stream.slot].sentAt, worker)
            }
            failTry(.timeout, stream.slot)
            return
        }
        if let limit = pool.tryTimeout, waited >= limit, moves(after: .tryTimeout, stream) {
            return
        }
        let since = request.tries[stream.slot].awaitedSince
        if request.tries[stream.slot].hold == .request,
            pool.isCutOff(stream, since: since, worker)
                || pool.isSilent(stream.backend, since: since, worker)
                    && SilenceWatch.mayLeave(
                        stream.backend.record, moves: request.effort.silentMoves,
                        witnesses: request.tries[stream.slot].witnesses)
        {
            request.effort.silentMoves += 1
            if moves(after: .silent, stream) { return }
            request.effort.silentMoves -= 1
        }
        stream.deadlineNanoseconds = min(
            pool.evidence.silence.nextLook(
                at: stream.backend.record, firstLook: pool.firstLook, now: now),
            since &+ pool.firstByteTimeout, request.endsBy)
    }

    /// A request for a stream of events may wait until there is one, where the backend sends the
    /// head with the first event: it is a stream by now, and its wait says nothing of the backend.
    private func waitAsStreamIfEvents(_ stream: BackendStream) {
        guard request.tries[stream.slot].hold == .request,
            requestHead.withBytes({ EventStream.isAsked(by: $0) })
        else { return }
        request.tries[stream.slot].hold = .stream
        stream.pool.becameStream(stream.backend, owes: false)
    }

    /// The time of the whole request is over before a response has begun. That counts against the
    /// backend of `stream` where it had the request, or did not take it, for most of that time.
    private func runOutOfTime(_ stream: BackendStream) {
        let since =
            stream.isCongested
            ? request.tries[stream.slot].movedAt : request.tries[stream.slot].awaitedSince
        let isBackendLate =
            !request.isEndOfClient && request.tries[stream.slot].hold == .request
            && worker.loop.nowNanoseconds - since >= (request.endsBy - request.startedAt) / 2
        if isBackendLate {
            stream.backend.counters.add(.failures)
            stream.pool.recordFailure(
                of: stream.backend, status: 0, sentAt: request.tries[stream.slot].sentAt,
                worker)
        }
        lead(with: stream.slot)
        abortTries()
        giveUp(isBackendLate ? .backendTimeout : .requestExpired)
    }

    // MARK: - More of a body

    /// No more of the response's body has come for a while: decides whether to go on waiting. A
    /// pause is evidence against the backend where bytes are owed; and where the client has left,
    /// the exchange does not wait.
    func bodyIsLate(_ stream: BackendStream) {
        guard let client else { return }
        let pool = stream.pool
        let now = worker.loop.nowNanoseconds
        let stall = request.tries[stream.slot].movedAt &+ client.context.listener.stallTimeout
        guard now < stall, now < request.endsBy else {
            // If bytes came until now, it is the request's own time that is over.
            if now < stall { cutInTime() } else { cutShort(.bodyTimeout) }
            return
        }
        if isLeft(by: client, stream),
            now >= request.tries[stream.slot].movedAt &+ pool.evidence.silence.bodyLook
        {
            clientGone()
            return
        }
        if request.tries[stream.slot].hold == .owed {
            // This reports a silent backend; a response that has begun can't go elsewhere.
            _ = pool.isSilent(
                stream.backend, since: request.tries[stream.slot].movedAt,
                isWithinBody: true, worker)
        }
        stream.deadlineNanoseconds = min(
            stall, request.endsBy, now &+ pool.evidence.silence.bodyLook, request.responseEndsAt)
    }

    /// Whether the exchange ends once the response on `stream` pauses: the client has closed its
    /// sending side, and most clients that do so are gone.
    func isLeft(by client: ClientStream, _ stream: BackendStream) -> Bool {
        request.tries[stream.slot].hasClientLeft
            && client.context.listener.options.policy.cancelsAtHalfClose
    }

    /// Moves the request to another backend if that is allowed; else it goes on waiting where it
    /// is.
    private func moves(after failure: TryFailure, _ stream: BackendStream) -> Bool {
        guard let client, let pool,
            request.tries.isUnderWay(stream.slot.other)
                || pool.hasOther(than: request.asking.tried) && mayRetry(after: failure, pool)
        else { return false }
        stream.backend.counters.add(.failures)
        let slot = stream.slot
        abortTry(slot)
        if !fallBack(from: slot) { tryAgain(client, pool) }
        return true
    }
}
