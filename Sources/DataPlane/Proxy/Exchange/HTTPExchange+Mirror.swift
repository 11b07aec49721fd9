// HTTPExchange+Mirror: requests that are copied to another service. The copy is begun with the
// head, gets what the backend gets once the request goes there (so that what is refused is never
// copied), and is sent behind the original when that is whole. The exchange of the original only
// adds to the copy: it waits for nothing of it.

internal import Balancing
internal import Events
internal import HTTP1
internal import Routing
internal import Stats

extension HTTPExchange {
    // MARK: - The exchange of a copy

    /// Begins with a copy of a request, whose `head` and `body` are here, for the service of
    /// `pool`; `start` follows. The memory of `body` is exchanged for other memory.
    func begin(
        _ traits: MirrorRequest.Traits, head: [UInt8], body: inout [UInt8],
        from client: ClientStream, to pool: BackendPool
    ) {
        attach(client, pool)
        request.isCopy = true
        request.retriesLoss = false
        request.startedAt = worker.loop.nowNanoseconds
        request.method = traits.method
        request.isChunked = traits.isChunked
        request.asking.isRepeatable = traits.method.isIdempotent
        request.asking.key = traits.key
        request.stickyToken = traits.stickyToken
        pool.counters.add(.requests)
        pool.counters.add(.inFlight)
        requestHead.append(head.span)
        swap(&bodyInHand, &body)
    }

    // MARK: - The exchange that is copied

    /// Begins a copy of the request, whose `head` was parsed from `bytes`, if `rule` takes it. What
    /// becomes a tunnel, or authenticates its connection, means nothing a second time.
    func beginMirror(
        _ rule: RouteMirror, _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        _ client: ClientStream, _ context: ClientContext
    ) {
        guard !request.asking.isStream, !request.authenticatesConnection,
            rule.takes(worker.random())
        else { return }
        let pool = context.listener.destinations.pool(at: rule.place)
        var isTooLarge = false
        if case .length(let count) = head.body { isTooLarge = count > UInt64(rule.bodyMax) }
        guard !isTooLarge, let copy = worker.mirrors.take(for: worker) else {
            pool.counters.add(.mirrorsLeftOut)
            return
        }
        copy.begin(rule, of: head, bytes, from: client, context, to: pool)
        held.mirror = copy
        request.isMirrored = true
    }

    /// Sends the request, which may go on, to a backend; and behind it its copy, if there is one
    /// and all of it is here.
    func proceed(_ client: ClientStream, _ pool: BackendPool) {
        guard request.isMirrored else {
            tryNext(client, pool)
            return
        }
        let copy = copyHead()
        // The exchange may be another request's when this returns.
        tryNext(client, pool)
        copy?.send()
    }

    /// Copies the head, and what has come of the body. Returns the copy if that is all.
    private func copyHead() -> MirrorRequest? {
        // Calls are streams of messages, whose two sides wait for each other.
        guard let copy = held.mirror, !request.isCall else {
            endMirror()
            return nil
        }
        requestHead.withBytes { copy.copy(head: $0) }
        let body = bodyInHand
        return copied(copy, body.span, isLast: request.isWhole)
    }

    /// Copies a part of the body, with which it ends if `isLast`. Returns the copy if all of it is
    /// here.
    func copyBody(_ body: Span<UInt8>, isLast: Bool) -> MirrorRequest? {
        // It may not have been let through yet: then all of this is in hand.
        guard let copy = held.mirror, copy.isCopying else { return nil }
        return copied(copy, body, isLast: isLast)
    }

    private func copied(
        _ copy: MirrorRequest, _ body: Span<UInt8>, isLast: Bool
    ) -> MirrorRequest? {
        guard copy.copy(body: body) else {
            endMirror()
            return nil
        }
        guard isLast else { return nil }
        held.mirror = nil
        request.isMirrored = false
        return copy
    }

    /// Drops the copy, of which not all was here: the request is over, or too large.
    func endMirror() {
        request.isMirrored = false
        guard let copy = held.mirror.take() else { return }
        if copy.isCopying { copy.pool?.counters.add(.mirrorsLeftOut) }
        worker.mirrors.recycle(copy)
    }
}
