// HTTPExchange+Bulk: the middle of a large body, either way. Nothing in it has to be read, so it is
// spliced from socket to socket inside the kernel, if client and backend each have one of their
// own.

internal import Events
internal import Evidence
internal import HTTP1
internal import Stats

/// When a body is spliced, and how much of it.
enum Bulk {
    /// The fewest bytes worth splicing: to copy fewer is cheaper than two more calls.
    private static let smallest: UInt64 = 65_536
    /// The part at the end of a body that is received anyway: bytes that a connection sends behind
    /// it show in the same step, and can't be taken for the next message.
    private static let receivedLast: UInt64 = 16_384
    /// The most bytes that one step may move: a pipe can be large, and other connections wait.
    private static let stepMax: UInt64 = 1 << 20

    /// Whether to splice when `remaining` bytes are still to come; nil when that is not known.
    static func isWorthwhile(_ remaining: UInt64?) -> Bool {
        guard let remaining else { return false }
        return remaining >= smallest
    }

    /// How much the next step may move of `remaining` bytes, which are worth splicing.
    static func limit(of remaining: UInt64) -> Int {
        Int(min(remaining - receivedLast, stepMax))
    }
}

extension HTTPExchange {
    /// Splices a part of the response's body, not close to its end: at most `limit` bytes. Nil when
    /// that part has to be received.
    func spliceResponse(limit: Int, _ stream: BackendStream) -> SpliceOutcome? {
        guard let client, !request.isCoded, let source = stream.spliceEnd else { return nil }
        let outcome = client.splice(from: source, limit: limit)
        switch outcome {
        case .sent(let count), .kept(let count):
            countSent(count, stream.pool)
            recordMoved(stream)
            if client.isCongested { stream.pauseResponse() }
            renewDeadlines(client, stream)
        case .failed: clientGone()
        case .wouldBlock, .endOfStream, .sourceFailed, .unavailable: break
        }
        return outcome
    }

    /// Splices a part of the request's body, not close to its end: at most `limit` bytes. Nil when
    /// that part has to be received.
    func spliceRequest(limit: Int) -> SpliceOutcome? {
        guard let client, let pool, !request.isMirrored, let source = client.spliceEnd,
            let stream = request.tries.leading.stream, !stream.isCongested, !stream.isBroken
        else { return nil }
        let outcome = stream.splice(from: source, limit: limit)
        switch outcome {
        case .sent(let count), .kept(let count):
            request.canReplay = false
            if !bodyInHand.isEmpty { bodyInHand = [] }
            countReceived(count, pool)
            if stream.isCongested { client.pauseBody() }
            renewDeadlines(client, stream)
        case .failed: client.pauseBody()
        case .wouldBlock, .endOfStream, .sourceFailed, .unavailable: break
        }
        return outcome
    }
}
