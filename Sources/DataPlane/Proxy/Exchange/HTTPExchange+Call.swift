// HTTPExchange+Call: what an exchange does beyond HTTP where its request is a call of gRPC: the
// status that decides, which mostly comes behind the body, and the time that is left.
//
// | the status comes            | what follows                                                   |
// |-----------------------------|----------------------------------------------------------------|
// | in the head ("Trailers-     | evidence, and another try where the rule has grpc-unavailable: |
// | Only")                      | the client has nothing of the answer yet                       |
// | in the trailers             | evidence. What the head said waits for it: a backend that      |
// |                             | fails all calls would else have a good answer for each         |
// | never: the answer ends      | evidence by the status of HTTP                                 |
// | a second or more behind the | a part of the body that comes by then shows that the backend   |
// | head, as that of a stream   | works; a status that fails is a failure all the same           |

internal import Events
internal import Evidence
internal import GRPCWire
internal import HTTP1
internal import Stats

extension HTTPExchange {
    // MARK: - The time that is left

    /// Notes that the client of the call waits for `nanoseconds`, and finds the place in the head
    /// where each try writes what is left of them.
    func limitCall(to nanoseconds: UInt64) {
        let (end, isNever) = request.startedAt.addingReportingOverflow(nanoseconds)
        guard !isNever else { return }
        request.callEndsAt = end
        limit(until: end.addingReportingOverflow(GRPC.grace))
        placeTimeout()
    }

    /// Makes room for the longest value. Edits may have removed the field, or set it: what it says
    /// is what is shortened.
    private func placeTimeout() {
        guard
            let (place, time) = requestHead.withBytes({ head in
                GRPC.timeoutValue(in: head).flatMap { place in
                    GRPCTimeout.nanoseconds(head.extracting(place)).map { (place, $0) }
                }
            })
        else { return }
        let (end, isNever) = request.startedAt.addingReportingOverflow(time)
        guard !isNever else { return }
        // What stands before the value are blanks as well (RFC 9112, section 5.1).
        let added = GRPCTimeout.bytesMax - place.count
        requestHead.insertSpaces(added, at: place.lowerBound)
        // The span stands behind it.
        if isTraced, let span = trace?.place, span > 0 { trace?.place = span + added }
        request.timeoutPlace = place.lowerBound
        request.timeoutEndsAt = end
    }

    /// Has the head that is about to be sent say how long the client still waits, or the listener
    /// lets it.
    func nameTimeLeft() {
        guard request.timeoutPlace > 0 else { return }
        let end = min(request.timeoutEndsAt, request.endsBy)
        let now = worker.loop.nowNanoseconds
        // Zero would be no time at all.
        let value = GRPCTimeout.padded(end > now ? end - now : 1)
        requestHead.replace(from: request.timeoutPlace, with: value.span)
    }

    /// Whether as much of the client's time is over that a deadline may be its own.
    var isTimeOver: Bool {
        guard request.callEndsAt != .max else { return false }
        let time = request.callEndsAt - request.startedAt
        return worker.loop.nowNanoseconds - request.startedAt >= time / 10 * 9
    }

    // MARK: - The status

    /// Whether the status of calls is looked for in what comes by `stream`.
    func isOfCalls(_ stream: BackendStream) -> Bool {
        if case .http2 = stream { true } else { false }
    }

    /// The status in the head of a response, the text of which is in `bytes`; nil when it comes
    /// later, if at all.
    func callStatus(in head: borrowing ResponseHead, _ bytes: Span<UInt8>) -> GRPCStatus? {
        head.status == 200 ? GRPC.status(in: bytes) : nil
    }

    /// The trailers of the response have come in `lines`, behind all of its body.
    func callEnded(_ lines: Span<UInt8>, _ stream: BackendStream) {
        guard request.phase == .responding, let status = GRPC.status(in: lines) else { return }
        record(status, stream)
    }

    /// Records the status with which the call has ended.
    func record(_ status: GRPCStatus, _ stream: BackendStream) {
        request.figures.grpcStatus = status
        request.figures.likeStatus = 0
        let wasAwaited = request.awaitsStatus
        request.awaitsStatus = false
        stream.withPlace { slot, backend, pool in
            if isTraced { recordCall(status, slot) }
            switch CallVerdict(status, isTimeOver: isTimeOver) {
            case .good: if wasAwaited { recordGood(slot, backend, pool) }
            case .failed(let likeStatus):
                request.figures.likeStatus = likeStatus
                backend.counters.add(.responses5xx)
                pool.recordFailure(
                    of: backend, status: -status.code, sentAt: request.tries[slot].sentAt, worker)
            case .neutral: break
            }
        }
    }

    /// A part of the call's body has come. That of an answer that goes on for a while is a good
    /// one: who streams for hours is not to stay on probation for as long. The answers of other
    /// calls have their status at once.
    func streamWentOn(_ stream: BackendStream) {
        guard let begunAt = request.figures.firstByteAt,
            worker.loop.nowNanoseconds - begunAt >= 1_000_000_000
        else { return }
        recordGood(stream)
    }

    /// The answer of the call is a good one as far as it goes: a part of a stream has come, or it
    /// has ended without a status.
    func recordGood(_ stream: BackendStream) {
        request.awaitsStatus = false
        stream.withPlace { slot, backend, pool in recordGood(slot, backend, pool) }
    }

    private func recordGood(_ slot: Tries.Slot, _ backend: PooledBackend, _ pool: BackendPool) {
        let sentAt = request.tries[slot].sentAt
        pool.recordGood(
            backend, after: (request.figures.firstByteAt ?? sentAt) - sentAt, worker)
    }

    /// Counts the call, which has ended as `ending`, by the status that its client got. A client
    /// that left has got none, and has one of its own: by libraries of gRPC it is told that the
    /// deadline was exceeded, or that the call was cancelled.
    func countCall(_ pool: BackendPool, _ ending: Ending) {
        let isOver = isTimeOver
        guard let status = request.figures.grpcStatus else {
            guard ending.side == .client else { return }
            let status = isOver ? GRPCStatus.deadlineExceeded : .cancelled
            pool.counters.calls.count(code: status.code, isLate: isOver)
            return
        }
        pool.counters.calls.count(
            code: status.code, isLate: isOver && status == .deadlineExceeded)
        if status == .ok {
            pool.counters.add(.callsOK)
        } else {
            pool.counters.add(status.isServerFailure ? .callsFailed : .callsRefused)
        }
    }
}
