// HTTPExchange+Trace: the spans of a request whose trace is recorded: one for each try, with which
// its backend goes on, and one for all of it.

internal import AccessLog
internal import Events
internal import GRPCWire
internal import HTTP1
internal import Routing
internal import Stats
internal import Traces
internal import Traffic

extension HTTPExchange {
    /// Begins the trace of a request whose `head` was parsed from `bytes`.
    func beginTrace(
        _ tracer: Tracer, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ context: ClientContext
    ) {
        let trace = tracer.trace(head, bytes, context, at: request.startedAt)
        self.trace = trace
        isTraced = true
        // The access log has copied it otherwise.
        if worker.log == nil, tracer.mayRecord(trace) { text.copy(head, from: bytes) }
    }

    /// Goes on with the trace of the request that this question is about, which is `trace`.
    func beginTrace(ofQuestionAbout trace: RequestTrace) {
        self.trace = trace.ofQuestion
        isTraced = true
    }

    /// Forgets the trace; its spans are written.
    func endTrace() {
        trace = nil
        isTraced = false
    }

    /// Remembers where the span stands in the head that was just written for a request by `route`,
    /// or for a question.
    func placeSpan(_ route: Route?) {
        guard trace?.isRecorded == true, route?.requestEdits?.removesTraceparent != true else {
            return
        }
        trace?.place = requestHead.count - TraceContext.spanBeforeEnd
    }

    // MARK: - Tries

    /// Begins the span of the try in `slot`.
    func beginSpan(_ slot: Tries.Slot) {
        guard trace?.isRecorded == true, let tracer = worker.tracer else { return }
        trace?.tries[Int(slot.rawValue)] = TryTrace(
            span: tracer.nextSpan(), resends: request.tries.count - 1)
    }

    /// Has the head that is about to be sent name the span of the try in `slot`.
    func nameSpan(_ slot: Tries.Slot) {
        guard let trace, trace.isRecorded, trace.place > 0 else { return }
        requestHead.replace(
            from: trace.place, hexadecimal: trace.tries[Int(slot.rawValue)].span)
    }

    /// The head of a response with `status` has come in the try in `slot`.
    func recordStatus(_ status: Int, _ slot: Tries.Slot) {
        trace?.tries[Int(slot.rawValue)].status = status
    }

    /// The backend has said in the try in `slot` how the call has ended.
    func recordCall(_ status: GRPCStatus, _ slot: Tries.Slot) {
        trace?.tries[Int(slot.rawValue)].callStatus = status
    }

    /// The try in `slot` is about to end because of `ending`.
    func recordFault(_ ending: Ending, _ slot: Tries.Slot) {
        trace?.tries[Int(slot.rawValue)].ending = ending
    }

    /// Writes the span of the try in `slot`, which is over.
    func writeSpan(_ slot: Tries.Slot, at backend: PooledBackend, _ pool: BackendPool) {
        guard let trace, trace.isRecorded, let spans = worker.tracer?.spans else { return }
        let state = trace.tries[Int(slot.rawValue)]
        guard state.span != 0 else { return }
        var context = trace.outgoing.context
        context.span = state.span
        let ending = state.ending
        let isCancelled = ending?.side == .client || ending == nil && state.status == 0
        let span = ClientSpan(
            context, parent: trace.outgoing.context.span,
            start: trace.wallTime(request.tries[slot].begunAt ?? 0),
            end: trace.wallTime(worker.loop.nowNanoseconds), method: request.method,
            isSecure: pool.options.tls != nil, resends: state.resends, status: state.status,
            errorType: isCancelled ? nil : ending?.failureType, isCancelled: isCancelled,
            call: request.isCall ? CallSpan(state.callStatus, byBackend: true) : nil)
        requestHead.withBytes {
            spans.write(span, head: $0, backend: backend.nameBytes, service: pool.nameBytes)
        }
    }

    /// Whether the request, which ends as `ending`, has failed for a reason that is not its
    /// client's.
    private func hasFailed(_ ending: Ending) -> Bool {
        ending.isFailure || request.phase == .responding && request.figures.status >= 500
    }

    // MARK: - The request

    /// Keeps the request, which is over after `elapsed` nanoseconds, as an example of those that
    /// take as long, if its trace is recorded.
    func keepExemplar(_ elapsed: UInt64, _ pool: BackendPool) {
        guard let context = trace?.outgoing.context, context.isSampled,
            let time = trace?.wallTime(worker.loop.nowNanoseconds)
        else { return }
        pool.counters.keep(
            Exemplar(
                high: context.high, low: context.low, span: context.span,
                microseconds: Int(elapsed / 1000), time: time))
    }

    /// Writes the span of the request, which has ended as `ending`, if it is recorded.
    func writeSpan(_ client: ClientStream, _ pool: BackendPool, _ ending: Ending) {
        guard let trace, let tracer = worker.tracer, let spans = tracer.spans else { return }
        guard trace.isRecorded || tracer.policy.errors && hasFailed(ending) else { return }
        let span = ServerSpan(
            trace.outgoing.context, parent: trace.parent, link: trace.link,
            start: trace.wallTime(request.startedAt),
            end: trace.wallTime(worker.loop.nowNanoseconds), method: request.method,
            version: request.version, isSecure: client.context.isSecure,
            status: request.figures.status, cause: ending.code,
            errorType: ending.failureType,
            call: request.isCall
                ? CallSpan(request.figures.grpcStatus, byBackend: request.phase == .responding)
                : nil)
        spans.write(
            span, text, client: client.context.address, route: held.route?.pattern ?? [],
            service: pool.nameBytes)
    }
}

extension LocalReply {
    /// Writes the span of a request that got this answer, and whose head has this text, if it is
    /// recorded.
    func writeSpan(
        _ trace: RequestTrace, _ method: Method, _ version: HTTPVersion, _ text: LoggedText,
        _ client: ClientStream, _ worker: Worker
    ) {
        guard let tracer = worker.tracer, let spans = tracer.spans else { return }
        guard trace.isRecorded || tracer.policy.errors && status >= 500 else { return }
        let now = trace.wallTime(worker.loop.nowNanoseconds)
        let span = ServerSpan(
            trace.outgoing.context, parent: trace.parent, link: trace.link, start: now, end: now,
            method: method, version: version, isSecure: client.context.isSecure, status: status,
            cause: ending.code, errorType: ending.failureType,
            call: client.isCall
                ? CallSpan(GRPCStatus(code: GRPC.status(of: status)), byBackend: false) : nil)
        spans.write(span, text, client: client.context.address, route: route, service: [])
    }
}

extension Ending {
    /// What a span says of a failure, as its `error.type`: one of few words, which never change.
    /// Nil for what is none, and for what the client did.
    var failureType: StaticString? {
        switch self {
        case .backendCut: "backend_cut"
        case .badBody: "backend_bad_body"
        case .bodyTimeout: "backend_body_timeout"
        case .responseExpired: "response_expired"
        case .noBackend: "no_backend"
        case .authFailed, .passwordsUnchecked: "auth_failed"
        case .notConnected: "backend_not_connected"
        case .untrusted: "backend_untrusted"
        case .insecure: "backend_tls_failed"
        case .overLimit: "over_limit"
        case .noResponse: "backend_no_response"
        case .badResponse: "backend_bad_response"
        case .tooManyInterim: "backend_too_many_interim"
        case .responseTooLarge, .responseOverflow: "response_too_large"
        case .backendTimeout: "backend_timeout"
        case .shortage: "shortage"
        case .requestExpired: "request_expired"
        case .encoderFailed: "encoder_failed"
        case .complete, .streamExpired, .clientGone, .clientTimeout, .notArrived, .refused,
            .tooManyConnections,
            .ambiguousPath, .malformedBody, .requestTooLarge, .deniedByListener, .deniedByRoute,
            .deniedUnknown, .authRefused,
            .answered, .optionsAtLastHop, .traceAtLastHop,
            .maintenance, .noRoute, .limitedByListener, .limitedByRoute, .idle, .stopped:
            nil
        }
    }
}
