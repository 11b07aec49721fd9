// What a worker concludes from the answers of live requests. It tells the control thread, which
// decides: a backend is out when the next rotation comes without it.

internal import Backends
internal import Balancing
internal import Events
internal import Stats

extension BackendPool {
    // MARK: Answers

    /// The head of a response came from `backend`, so many nanoseconds after its request was sent.
    func noteAnswer(
        status: Int, from backend: PooledBackend, after nanoseconds: UInt64, _ worker: Worker
    ) {
        let now = worker.loop.nowNanoseconds
        backend.counters.firstByte.record(microseconds: Int(nanoseconds / 1000))
        noteHeard(backend, now)
        usualWait += (Int(nanoseconds) - usualWait) / 64
        guard status < 500 else {
            backend.counters.responses5xx.add()
            // That something is not implemented (501, 505) says nothing about health, nor does a
            // status that no standard knows.
            if status != 501, status != 505, status < 600 {
                noteFailure(of: backend, status: status, sentAt: now - nanoseconds, worker)
            }
            return
        }
        // Good ones alone: to fail quickly is no reason to be asked more often.
        if let place = backend.place { balancer.answered(place, after: nanoseconds, now: now) }
        backend.record.noteGood()
        endProbation(of: backend, worker)
    }

    /// An answer of `backend` to a request sent at `sentAt` failed, or broke off (status 0).
    func noteFailure(
        of backend: PooledBackend, status: Int, sentAt: UInt64, _ worker: Worker
    ) {
        backend.record.noteFailed()
        // A late failure from before its ejection is not what its probation is about.
        if backend.record.isOnProbation, sentAt < backend.record.probationSince { return }
        guard let runMin = options.ejection.failures,
            backend.record.isOutlier(
                othersFailureShare: failureShare(besides: backend), runMin: runMin)
        else { return }
        worker.reportFailure(
            .answers(consecutive: backend.record.failures, last: status), of: backend,
            service: options.id)
    }

    /// The share of failed answers of other backends, in 65536ths: of up to 16 of those next to it.
    private func failureShare(besides backend: PooledBackend) -> Int {
        let place = backend.place ?? 0
        let count = min(members.count - 1, 16)
        guard count > 0 else { return BackendRecord.one }
        var sum = 0
        for step in 1...count {
            sum += members[(place + step) % members.count].record.failureShare
        }
        return sum / count
    }

    /// `backend` has accepted a connection, which is all that can be said of a stream.
    func noteConnected(_ backend: PooledBackend, _ worker: Worker) {
        endProbation(of: backend, worker)
    }

    /// `backend` has shown that it answers, if it had to.
    private func endProbation(of backend: PooledBackend, _ worker: Worker) {
        guard backend.record.isOnProbation else { return }
        backend.record.isOnProbation = false
        worker.report(.proven(options.id, backend.id))
    }

    // MARK: Silence

    /// A wait is no silence before it is so many times as long as is usual for the service.
    private static let usualWaits: UInt64 = 4
    /// For so long a failed dial speaks against a backend on this worker, in nanoseconds: the
    /// control thread has decided by then.
    private static let dialDoubt: UInt64 = 1_000_000_000

    /// A shorter wait is no reason to send a request that can't be sent again elsewhere, in
    /// nanoseconds.
    private static let doubtMin: UInt64 = 20_000_000

    /// Whether a request is better not sent to `backend`: it is silent, could not be dialled just
    /// now, or others wait there and nothing has come from it for a while. For one that
    /// `isRepeatable`, which has failed elsewhere, a while is half of what makes it silent; for any
    /// other, which stays where it goes, four times what is usual.
    func isDoubtful(_ backend: PooledBackend, isRepeatable: Bool) -> Bool {
        let record = backend.record
        let now = loop.nowNanoseconds
        if record.isSilent { return true }
        if record.dialFailedAt > record.heardAt, now < record.dialFailedAt &+ Self.dialDoubt {
            return true
        }
        guard let limit = silenceLimit, backend.waiting > 0 else { return false }
        let quiet = now - min(now, max(record.heardAt, record.busySince, loop.resumedAt))
        let usual = UInt64(max(usualWait, 0))
        return isRepeatable
            ? quiet >= limit / 2 && quiet >= usual * 2
            : quiet >= min(limit / 2, Self.doubtMin) && quiet >= usual * Self.usualWaits
    }

    /// A body of a response went on after a pause of so many nanoseconds.
    func notePause(_ pause: UInt64) {
        guard let limit = silenceLimit, pause >= limit else { return }
        usualPause = pause > usualPause ? pause : usualPause - (usualPause - pause) / 16
    }

    /// A byte of a response came from `backend`.
    private func noteHeard(_ backend: PooledBackend, _ now: UInt64) {
        if lastHeard.id != backend.id {
            heardBefore = lastHeard.at
            lastHeard.id = backend.id
        }
        lastHeard.at = now
        backend.record.isSilent = false
    }

    /// Whether `backend`, on which a request has waited since `sentAt`, for its response or, with
    /// `isWithinBody`, for more of it, is silent: nothing at all has come from it for as long as
    /// may be, other requests wait as well, and another backend of the service has answered
    /// meanwhile. A slow page alone is none of this, and neither is a database that makes all
    /// backends wait. Tells the control thread if so.
    func isSilent(
        _ backend: PooledBackend, since sentAt: UInt64, isWithinBody: Bool = false, _ worker: Worker
    ) -> Bool {
        guard let limit = silenceLimit else { return false }
        let now = worker.loop.nowNanoseconds
        // What was outrun by a second try has waited as well, though it is gone.
        let outrun = backend.record.outrun
        let quietSince = max(
            backend.record.heardAt, min(sentAt, outrun?.since ?? .max), worker.loop.resumedAt)
        let quiet = now - quietSince
        // Where answers take long, as long polls do, there is more to put up with.
        let usual = max(UInt64(max(usualWait, 0)), isWithinBody ? usualPause : 0)
        guard quiet >= limit, quiet >= Self.usualWaits * usual else { return false }
        let waiting = backend.waiting + (outrun?.count ?? 0)
        if !backend.record.isSilent {
            let othersHeardAt = lastHeard.id == backend.id ? heardBefore : lastHeard.at
            // One that is out of the rotation gets no more requests that would tell: another worker
            // may have found it silent.
            let isProbed =
                backend.record.isOnProbation && sentAt >= backend.record.probationSince
            let isDoubted = isProbed || !backend.isInRotation
            let waitingMin = isDoubted ? 1 : Loads.smallLoad
            guard waiting >= waitingMin, othersHeardAt > quietSince else { return false }
            backend.record.isSilent = true
        }
        worker.reportFailure(
            .silent(waiting: waiting), of: backend, service: options.id)
        return true
    }

    /// A request has waited on `backend` since `sentAt`, and another backend, asked later, answered
    /// it.
    func noteOutrun(_ backend: PooledBackend, since sentAt: UInt64, _ worker: Worker) {
        let now = worker.loop.nowNanoseconds
        // It would have taken this long at least.
        if let place = backend.place { balancer.answered(place, after: now - sentAt, now: now) }
        backend.record.noteOutrun(sentAt: sentAt)
        _ = isSilent(backend, since: sentAt, worker)
    }

    /// When a request that waits on `backend` is looked at again, in the loop's nanoseconds.
    func nextLook(at backend: PooledBackend, now: UInt64) -> UInt64 {
        guard let limit = silenceLimit else { return now &+ firstLook }
        let quietEnd = backend.record.heardAt &+ limit
        return quietEnd > now ? min(quietEnd, now &+ firstLook) : now &+ firstLook
    }
}
