// HTTPExchange+Auth: how an exchange waits for another one: a service is asked whether the request
// may go on, before anything of it goes to a backend. Meanwhile the exchange is `asking`. What came
// of the body waits in `bodyInHand`, at most one receive buffer, and the client with the rest. The
// fields that the answer may set were left out of the head when that was written. In the same way
// an exchange waits for the check of a password (HTTPExchange+Passwords.swift).

internal import Balancing
internal import Events
internal import HTTP1
internal import Routing
internal import Stats

extension HTTPExchange {
    // MARK: - The exchange of a question

    /// Begins with the question `question` about a request whose `head` was parsed from `bytes`, of
    /// a client known by `context`; `start` follows.
    func begin(
        _ question: borrowing AuthQuestion, about head: borrowing RequestHead,
        _ bytes: Span<UInt8>, from client: ClientStream, _ context: ClientContext,
        to pool: BackendPool, requestID: RequestID?, trace: RequestTrace?
    ) {
        attach(client, pool)
        request.hedgeAfter = pool.hedgeAfter
        request.retriesLoss = pool.retryPolicy.retriesLoss
        request.startedAt = worker.loop.nowNanoseconds
        request.method = question.method(of: head.method)
        // A question changes nothing, whatever its method.
        request.asking.isRepeatable = true
        request.authenticatesConnection = head.authenticatesConnection
        pool.counters.add(.requests)
        pool.counters.add(.inFlight)
        pool.retryPolicy.countRequest()
        if pool.affinity.isAsked {
            request.asking.key = pool.affinity.key(
                of: head, bytes, from: context.address, random: worker.random())
            request.stickyToken = pool.affinity.token(of: head, bytes)
        }
        if let trace { beginTrace(ofQuestionAbout: trace) }
        context.listener.writeQuestion(
            question, about: head, from: bytes, of: context, requestID: requestID,
            trace: trace?.outgoing, into: requestHead)
        if isTraced { placeSpan(nil) }
    }

    // MARK: - The exchange that waits

    /// Has `rule` decide whether the request goes on, whose head was parsed from `bytes`.
    func beginAuth(
        _ rule: RouteAuth, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ client: ClientStream, _ context: ClientContext, requestID: RequestID?
    ) {
        let auth = worker.authRequests.take(for: worker)
        held.auth = auth
        request.isAsked = true
        auth.begin(
            rule, about: head, bytes, of: client, context, for: self, requestID: requestID)
    }

    /// Sends the question, and waits for the answer, which may be here when this returns; or waits
    /// for the check of a password.
    func ask(_ client: ClientStream, _ pool: BackendPool) {
        guard let auth = held.auth, let rule = auth.rule else {
            if let rule = held.route?.passwords { askForPassword(rule, client, pool) }
            return
        }
        request.phase = .asking
        request.hasAsked = true
        let endsBy = min(
            worker.loop.nowNanoseconds &+ rule.timeout.wholeNanoseconds, request.endsBy)
        // The question's own end knows more of it, and comes first: deadlines are a tick late.
        deadlineNanoseconds = endsBy &+ Self.authGrace
        auth.send(endsBy: endsBy)
    }

    /// How much later than a question's own end the exchange stops waiting, in nanoseconds: two
    /// ticks of the deadlines.
    private static var authGrace: UInt64 { 200_000_000 }

    /// No answer has come in time.
    func authIsLate() {
        if held.check != nil { giveUp(.passwordsUnchecked) } else { held.auth?.expire() }
    }

    /// What was waited for has come, or will not come.
    func endAsking() {
        request.phase = .choosing
        request.figures.authNanoseconds = worker.loop.nowNanoseconds - request.startedAt
        deadlineNanoseconds = .max
    }

    /// There is an answer to the question, which `held.auth` has, or will be none.
    func authEnded() {
        guard request.phase == .asking, let client, let pool, let auth = held.auth.take(),
            let rule = auth.rule
        else { return }
        endAsking()
        switch auth.outcome {
        case .allowed:
            pool.counters.add(.authAllowed)
            add(auth.lines)
            worker.authRequests.takeBack(auth)
            proceed(client, pool)
        case .refused(let status):
            let reply = auth.refusal(status: status, held.route?.responseEdits)
            worker.authRequests.recycle(auth)
            giveUp(.authRefused, reply, client, pool)
        case .failed where rule.isOpen:
            pool.counters.add(.authSkipped)
            worker.authRequests.recycle(auth)
            proceed(client, pool)
        case .failed:
            let reply = LocalReply(.authFailed, service: auth.pool?.options.name ?? "")
            worker.authRequests.recycle(auth)
            giveUp(.authFailed, withPage(reply, client), client, pool)
        }
    }

    /// Adds whole field lines to the head, which is written.
    private func add(_ lines: [UInt8]) {
        guard !lines.isEmpty else { return }
        requestHead.removeLast(2)
        requestHead.append(lines.span)
        requestHead.append(Self.endOfHead.span)
    }

    private static let endOfHead: [UInt8] = [0x0D, 0x0A]

    /// Nobody waits for an answer any more, since the request is over.
    func cancelAuth() {
        leavePasswordCheck()
        guard let auth = held.auth.take() else { return }
        auth.cancel()
        worker.authRequests.recycle(auth)
    }
}
