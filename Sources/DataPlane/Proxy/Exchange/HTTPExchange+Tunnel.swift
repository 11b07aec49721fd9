// HTTPExchange+Tunnel: a stream of an HTTP/2 client as a tunnel, for a WebSocket (RFC 8441) or by
// CONNECT (RFC 9113, section 8.5). The backend has a connection of HTTP/1.1 for it. The exchange
// goes on: what comes from the client is passed on as the body of a request, what comes from the
// backend as the body of a response, and each ends with its stream or its connection. A client that
// has a connection of its own gets a relay (HTTPExchange+Upgrade.swift).

internal import Events
internal import HTTP1
internal import Routing
internal import Stats

extension HTTPExchange {
    /// Makes the client's stream a tunnel, into which the backend has sent `following` already. Its
    /// connection knows that what comes has no end but its own.
    func openTunnel(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, following: Span<UInt8>,
        _ client: ClientStream, _ stream: BackendStream
    ) {
        let pool = stream.pool
        request.phase = .responding
        request.isTunnel = true
        request.isOpenEnded = true
        request.isWhole = false
        request.canReplay = false
        // A tunnel has limits of its own.
        request.endsBy = .max
        if let limit = client.context.listener.tunnelMax {
            request.responseEndsAt = worker.loop.nowNanoseconds &+ worker.jittered(limit)
        }
        if Self.isWebSocket(head, bytes) { held.frames = WebSocketFrames() }
        recordFirstByte(of: head.status, stream)
        endOther(than: stream)
        if request.isAdmitted {
            request.isAdmitted = false
            pool.release()
        }
        if head.opensTunnel { pool.countResponse(status: head.status) }
        pool.counters.add(.upgrades)
        let count = client.openTunnel(head, bytes, edits: held.route?.responseEdits)
        countSent(count, pool)
        request.figures.headBytesOut += count
        bodyContinues(behind: true, stream)
        passThroughTunnel(following, isLast: false, client, stream)
        // The exchange may be over: the client may be gone.
        self.client?.resumeBody()
    }

    /// More has come from the backend of a tunnel, and its end if `isLast`.
    func passThroughTunnel(
        _ bytes: Span<UInt8>, isLast: Bool, _ client: ClientStream, _ stream: BackendStream
    ) {
        // Once its time is over, nothing follows the current frame.
        let count = held.frames?.advance(bytes, stops: request.isParting) ?? bytes.count
        countSent(count, stream.pool)
        switch client.send(bytes.extracting(0..<count), isLast: isLast) {
        case .sent: break
        case .kept: if !isLast { stream.pauseResponse() }
        case .failed:
            clientGone()
            return
        }
        if isLast {
            complete(client, stream)
        } else if !request.isParting || !sendsCloseFrame(client, stream) {
            renewTunnel(client, stream)
        }
    }

    /// Renews the deadline of a tunnel, since bytes have moved in it.
    func renewTunnel(_ client: ClientStream, _ stream: BackendStream) {
        let now = worker.loop.nowNanoseconds
        request.tries[stream.slot].movedAt = now
        deadlineNanoseconds = .max
        stream.deadlineNanoseconds = min(
            now + client.context.listener.tunnelTimeout, request.responseEndsAt)
    }

    /// Nothing has moved in a tunnel for as long as it may stand still; unless one side takes what
    /// is kept for it, though too slowly for an event.
    func tunnelIsIdle(_ stream: BackendStream) {
        guard let client, let pool else { return }
        if stream.isCongested && stream.hasAcknowledgedMore()
            || client.isCongested && client.hasAcknowledgedMore()
        {
            renewTunnel(client, stream)
            return
        }
        end(.idle, pool)
        client.cut(isOver: false)
    }

    // MARK: - The end of its time

    /// Ends a WebSocket whose time is over by a close frame, or gives it a moment for the rest of a
    /// frame. False where neither is possible.
    func parts(_ client: ClientStream, _ stream: BackendStream) -> Bool {
        guard held.frames?.isLost == false else { return false }
        if sendsCloseFrame(client, stream) { return true }
        guard !request.isParting else { return false }
        request.isParting = true
        request.responseEndsAt = worker.loop.nowNanoseconds + WebSocketFrames.partingNanoseconds
        stream.deadlineNanoseconds = request.responseEndsAt
        return true
    }

    /// Ends a WebSocket between two frames of its backend by a close frame, unless the backend has
    /// sent one. False within a frame.
    private func sendsCloseFrame(_ client: ClientStream, _ stream: BackendStream) -> Bool {
        guard let frames = held.frames, frames.isAtBoundary else { return false }
        let last = frames.hasClosed ? [] : WebSocketFrames.goingAway
        countSent(last.count, stream.pool)
        switch client.send(last.span, isLast: true) {
        case .sent, .kept:
            stream.pool.counters.count(.streamExpired)
            end(.streamExpired, client, stream)
        case .failed: clientGone()
        }
        return true
    }
}
