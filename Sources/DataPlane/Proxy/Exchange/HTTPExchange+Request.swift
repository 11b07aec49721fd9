// HTTPExchange+Request: the request's side of an exchange. The head is rewritten once, and the body
// streamed behind it.

internal import AccessLog
internal import Balancing
internal import Events
internal import Evidence
internal import HTTP1
internal import Routing
internal import Stats
internal import Traffic

extension HTTPExchange {
    /// Begins with a whole head, which was parsed from `bytes`, for the service of `pool`; `start`
    /// follows, or `bodyMalformed`.
    func begin(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, from client: ClientStream,
        _ context: ClientContext, to pool: BackendPool, by route: Route?
    ) {
        attach(client, pool)
        request.hedgeAfter = pool.hedgeAfter
        request.retriesLoss = pool.retryPolicy.retriesLoss
        if let route {
            held.route = route
            if let retry = route.retry {
                if let hedging = retry.hedging { request.hedgeAfter = hedging.delay }
                request.retriesLoss = pool.retryPolicy.retriesLoss(by: retry)
            }
        }
        request.startedAt = worker.loop.nowNanoseconds
        if let limit = context.listener.requestTimeout {
            request.endsBy = request.startedAt &+ limit
        }
        request.method = head.method
        if case .chunked = head.body { request.isChunked = true }
        if context.listener.limitsBodies {
            request.bodyLimits = route?.bodyLimits ?? context.listener.bodyLimits
        }
        request.version = head.version
        pool.counters.add(.requests)
        pool.counters.add(.inFlight)
        countReceived(bytes.count, pool)
        if worker.log != nil { text.copy(head, from: bytes) }
        if context.listener.mayCompress { offerCoding(head, bytes, context, route) }
        pool.retryPolicy.countRequest()
        request.asking.isRepeatable = request.method.isIdempotent
        if pool.affinity.isAsked {
            request.asking.key = pool.affinity.key(
                of: head, bytes, from: context.address, random: worker.random())
            request.stickyToken = pool.affinity.token(of: head, bytes)
        }

        request.authenticatesConnection = head.authenticatesConnection
        if let backend = client.boundBackend(of: pool) { held.boundTo = backend }
        keepUpgradeOffer(head, bytes, context)
        if case .connect = request.method { request.asking.isStream = true }
        if held.upgradeOffer != nil { request.asking.isStream = true }
        if let tracer = worker.tracer { beginTrace(tracer, head, bytes, context) }
        let requestID =
            context.listener.options.policy.forwarding.addsRequestID
            ? worker.nextRequestID() : nil
        context.listener.writeHead(
            head, from: bytes, of: context, requestID: requestID,
            trace: isTraced ? trace?.outgoing : nil, route: route,
            passingUpgrade: held.upgradeOffer != nil, into: requestHead)
        if isTraced { placeSpan(route) }
        if let auth = route?.auth {
            beginAuth(auth, head, bytes, client, context, requestID: requestID)
        } else if let passwords = route?.passwords {
            beginPasswords(passwords, head, bytes, pool)
        }
        if let mirror = route?.mirror { beginMirror(mirror, head, bytes, client, context) }
    }

    /// Ends the request at `end`, in the loop's nanoseconds, since its client waits no longer; not
    /// if that is behind the end of the clock, or it ends before.
    func limit(until end: (partialValue: UInt64, overflow: Bool)) {
        let (end, isNever) = end
        guard !isNever, end < request.endsBy else { return }
        request.endsBy = end
        request.isEndOfClient = true
    }

    /// Sends the request to a backend; `body` is what has come of its body, which is all of it if
    /// `isLast`.
    func start(
        with body: Span<UInt8>, isLast: Bool, _ client: ClientStream, _ pool: BackendPool
    ) {
        request.isWhole = isLast
        if !body.isEmpty {
            bodyInHand.append(body)
            countReceived(body.count, pool)
        }
        if request.isAsked { ask(client, pool) } else { proceed(client, pool) }
    }

    /// Sends the request to a backend with what has come of its body since it began, which is all
    /// of it if `isLast`.
    func start(isLast: Bool) {
        guard let client, let pool else { return }
        start(with: Span(), isLast: isLast, client, pool)
    }

    /// Keeps the protocols that the client offers to switch to, if they may be passed on. The
    /// request may have a body, as with `docker exec`: the new protocol begins behind it.
    private func keepUpgradeOffer(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ context: ClientContext
    ) {
        guard head.asksForUpgrade, context.listener.options.policy.allowsUpgrade,
            head.method != .connect
        else { return }
        held.upgradeOffer = head.upgradeOffer(bytes)
    }

    /// More of the body has come from the client; `isLast` says that this is the end of it. The
    /// client keeps what comes behind it: a new protocol may begin there at once.
    func receivedBody(_ body: Span<UInt8>, isLast: Bool) {
        guard let client, let pool else { return }
        request.isWhole = isLast
        countReceived(body.count, pool)
        guard request.isMirrored else {
            passBody(body, isLast: isLast, client)
            return
        }
        let copy = copyBody(body, isLast: isLast)
        passBody(body, isLast: isLast, client)
        copy?.send()
    }

    private func passBody(_ body: Span<UInt8>, isLast: Bool, _ client: ClientStream) {
        guard let stream = request.tries.leading.stream else {
            // There is no connection yet: keep this much, and stop the client.
            bodyInHand.append(body)
            client.pauseBody()
            return
        }
        keepForReplay(body, stream)
        switch stream.send(body, isLast: isLast) {
        case .sent:
            requestSent(client, stream)
        case .kept:
            client.pauseBody()
            renewDeadlines(client, stream)
        case .failed:
            client.pauseBody()
        }
    }

    /// The body from the client is not what its framing says, or larger than it may be.
    func bodyMalformed() {
        failRequest(request.isTooLarge ? .requestTooLarge : .malformedBody)
    }

    /// Keeps body bytes that are being sent, in case they have to be sent again: as long as that is
    /// possible, and up to a limit; a larger request is sent only once.
    private func keepForReplay(_ body: Span<UInt8>, _ stream: BackendStream) {
        guard request.canReplay else { return }
        if request.method.isIdempotent || stream.mayBeRefused,
            bodyInHand.count + body.count <= Self.replayMax
        {
            bodyInHand.append(body)
        } else {
            request.canReplay = false
            bodyInHand = []
        }
    }

    /// The most bytes of a request's body that are kept to be sent again.
    private static var replayMax: Int { 65_536 }

    /// Sends the head and what there is of the body on `stream`, which is there for this try.
    func sendRequest(_ client: ClientStream, _ stream: BackendStream) {
        let slot = stream.slot
        request.tries[slot].place = .sent(stream)
        request.effort.sent += 1
        request.tries[slot].sentAt = worker.loop.nowNanoseconds
        if request.authenticatesConnection { stream.bind() }
        if isTraced { nameSpan(slot) }
        if request.isCall { nameTimeLeft() }
        let expected = ExpectedResponse(
            method: request.method, answersChunks: request.isChunked,
            acceptsTrailers: request.acceptsTrailers, keepsChunks: client.takesChunks,
            takesTrailers: client.takesTrailers, isOfCall: request.isCall,
            limits: client.answerLimits)
        let isWhole = request.isWhole
        // The array of the exchange would be counted.
        let outcome =
            bodyInHand.isEmpty
            ? stream.send(requestHead, [], isLast: isWhole, expecting: expected)
            : stream.send(requestHead, bodyInHand, isLast: isWhole, expecting: expected)
        switch outcome {
        case .sent:
            requestSent(client, stream)
        case .kept:
            client.pauseBody()
            renewDeadlines(client, stream)
        case .failed:
            stream.sendFailed()
        }
    }

    /// The backend has all that came of the request so far. Goes on reading: for the rest of the
    /// body, or to notice a client that goes away.
    private func requestSent(_ client: ClientStream, _ stream: BackendStream) {
        if request.isWhole, request.phase != .responding {
            // The first byte of a response has a limit of its own.
            awaitFirstByte(stream)
            deadlineNanoseconds = .max
            if request.tries[stream.slot].isSwitchGranted {
                // The backend has all of the request, and had granted the switch before.
                request.tries[stream.slot].isSwitchGranted = false
                stream.readAgain()
                return
            }
        } else {
            if request.isTunnel, request.isWhole { stream.endWriting() }
            renewDeadlines(client, stream)
        }
        client.resumeBody()
    }

    /// Renews the deadlines, since bytes have moved: of a side that owes bytes, or has not taken
    /// those kept for it. The first byte of a response has a limit of its own, which runs from the
    /// end of the request (`awaitFirstByte`).
    func renewDeadlines(_ client: ClientStream, _ stream: BackendStream) {
        guard !request.isTunnel else {
            renewTunnel(client, stream)
            return
        }
        let now = worker.loop.nowNanoseconds
        let stall = min(now + client.context.listener.stallTimeout, request.endsBy)
        request.tries[stream.slot].movedAt = now
        let owesBody = !request.isWhole && !stream.isCongested
        deadlineNanoseconds = client.isCongested || owesBody ? stall : .max
        if stream.isCongested {
            stream.deadlineNanoseconds = min(stall, request.responseEndsAt)
        } else if client.isCongested {
            // It is not read from, so it can't be late.
            stream.deadlineNanoseconds = request.responseEndsAt
        } else if request.phase == .responding {
            let isLookedAt =
                request.tries[stream.slot].hold == .owed || isLeft(by: client, stream)
            let until =
                isLookedAt ? min(stall, now &+ stream.pool.evidence.silence.bodyLook) : stall
            stream.deadlineNanoseconds = min(until, request.responseEndsAt)
        } else if owesBody {
            stream.deadlineNanoseconds = .max
        }
    }

    // MARK: - From the backend's side

    /// The dial succeeded, and `stream` has come of it.
    func connected(_ stream: BackendStream) {
        guard let client else { return }
        request.tries[stream.slot].connectedAt = worker.loop.nowNanoseconds
        sendRequest(client, stream)
    }

    /// A write of the request failed. The backend may have answered before it closed: its answer,
    /// or its end, is read next.
    func backendTakesNoMore() {
        client?.pauseBody()
    }

    /// The backend has taken some of what was kept for it.
    func backendProgressed(_ stream: BackendStream) {
        guard let client else { return }
        renewDeadlines(client, stream)
    }

    /// The backend has taken everything that was kept for it.
    func backendDrained(_ stream: BackendStream) {
        guard let client else { return }
        requestSent(client, stream)
    }
}
