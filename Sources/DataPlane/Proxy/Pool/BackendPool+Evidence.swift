// What live requests show of a backend: it is counted, passed to the balancer, and judged by
// Model's LiveEvidence. Reports go to the control thread, which decides.

internal import Backends
internal import Balancing
internal import Events
internal import Evidence
internal import Stats
internal import TLS
internal import Traffic

extension BackendPool {
    /// The current moment, as LiveEvidence needs it.
    var moment: Moment { Moment(now: loop.nowNanoseconds, resumedAt: loop.resumedAt) }

    // MARK: Answers

    /// Records that the head of a response came from `backend`, so many `nanoseconds` after its
    /// request was sent.
    func recordAnswer(
        status: Int, from backend: PooledBackend, after nanoseconds: UInt64, _ worker: Worker
    ) {
        let now = worker.loop.nowNanoseconds
        backend.counters.firstByte.record(microseconds: Int(nanoseconds / 1000))
        if status >= 500 { backend.counters.add(.responses5xx) }
        switch evidence.answered(
            status: status, by: &backend.record, after: nanoseconds, now: now)
        {
        case .good(let endsProbation):
            answeredWell(backend, after: nanoseconds, endsProbation: endsProbation, worker)
        case .failed: recordFailure(of: backend, status: status, sentAt: now - nanoseconds, worker)
        case .neutral: break
        }
    }

    private func answeredWell(
        _ backend: PooledBackend, after nanoseconds: UInt64, endsProbation: Bool, _ worker: Worker
    ) {
        let now = worker.loop.nowNanoseconds
        // Good answers only: a backend that fails fast must not get more requests for it.
        if let place = backend.record.place {
            balancerLink.use { $0.answered(place, after: nanoseconds, now: now) }
        }
        if endsProbation { worker.report(.proven(options.id, backend.id)) }
    }

    /// Records that the head of a response came from `backend`, as `recordAnswer` does, that does
    /// not say yet whether it is a good one.
    func recordHeard(from backend: PooledBackend, after nanoseconds: UInt64, _ worker: Worker) {
        backend.counters.firstByte.record(microseconds: Int(nanoseconds / 1000))
        evidence.heard(
            from: &backend.record, after: nanoseconds, now: worker.loop.nowNanoseconds)
    }

    /// Records that a response of `backend`, whose head came so many `nanoseconds` after its
    /// request was sent, and is recorded, is a good one.
    func recordGood(_ backend: PooledBackend, after nanoseconds: UInt64, _ worker: Worker) {
        guard case .good(let endsProbation) = evidence.succeeded(&backend.record) else { return }
        answeredWell(backend, after: nanoseconds, endsProbation: endsProbation, worker)
    }

    /// Records that an answer of `backend` to a request sent at `sentAt` failed with `status`, as
    /// `LiveFailure` has it.
    func recordFailure(
        of backend: PooledBackend, status: Int, sentAt: UInt64, _ worker: Worker
    ) {
        let report = evidence.failed(
            status: status, of: &backend.record, sentAt: sentAt, now: worker.loop.nowNanoseconds,
            count: members.count, share: { members[$0].record.answers.share })
        if let report { worker.report(.liveFailed(options.id, backend.id, report)) }
    }

    // MARK: Connections

    /// Records that `backend` has accepted a connection, which is all that is known of a stream.
    func recordConnected(_ backend: PooledBackend, _ worker: Worker) {
        if backend.record.prove() { worker.report(.proven(options.id, backend.id)) }
    }

    /// Records that a dial of `backend` failed. A shortage of this machine says nothing of the
    /// backend.
    func recordDialFailure(of backend: PooledBackend, _ error: DialError, _ worker: Worker) {
        switch error {
        case .system(let error) where error.isShortage:
            worker.recordShortage(error)
            return
        case .system: break
        case .tls(let fault):
            counters.add(ServiceCounter(fault.reason))
            lastFault = fault
        case .notHTTP2: counters.add(.http2Faults)
        }
        backend.counters.add(.dialFailures)
        if backend.record.dialFailed(now: worker.loop.nowNanoseconds) {
            worker.report(.dialFailed(options.id, backend.id, error))
        }
    }

    // MARK: Silence

    /// Whether `backend` is silent, on which a request has waited since `sentAt`: for its response
    /// or, with `isWithinBody`, for more of it. If so, the control thread gets a report.
    func isSilent(
        _ backend: PooledBackend, since sentAt: UInt64, isWithinBody: Bool = false, _ worker: Worker
    ) -> Bool {
        switch evidence.silence.look(
            at: &backend.record, since: sentAt, isWithinBody: isWithinBody, moment)
        {
        case .patient: return false
        case .silent(let report):
            if let report { worker.report(.liveFailed(options.id, backend.id, report)) }
            return true
        }
    }

    /// Whether the network to the backend of `stream` is cut, so that its host has not acknowledged
    /// the request that was sent at `sentAt`. If so, the control thread gets a report. Up to two
    /// system calls, after the wait that makes a backend silent.
    func isCutOff(_ stream: BackendStream, since sentAt: UInt64, _ worker: Worker) -> Bool {
        let now = worker.loop.nowNanoseconds
        guard let limit = evidence.silence.limit, now - min(now, sentAt) >= limit else {
            return false
        }
        let backend = stream.backend
        let since = max(sentAt, moment.resumedAt)
        switch evidence.silence.cutOff(
            &backend.record, unacknowledged: stream.unacknowledgedTime(since: since, now: now),
            now: now)
        {
        case .patient: return false
        case .silent(let report):
            if let report { worker.report(.liveFailed(options.id, backend.id, report)) }
            return true
        }
    }

    /// Records that a request has waited on `backend` since `sentAt`, and another backend answered
    /// it that was asked later.
    func recordOutrun(_ backend: PooledBackend, since sentAt: UInt64, _ worker: Worker) {
        let moment = moment
        // Its answer would have taken at least this long.
        if let place = backend.record.place {
            balancer.answered(place, after: moment.now - sentAt, now: moment.now)
        }
        if let report = evidence.overtaken(&backend.record, since: sentAt, moment) {
            worker.report(.liveFailed(options.id, backend.id, report))
        }
    }
}
