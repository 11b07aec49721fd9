// The middle of a large body, either way: nothing in it has to be looked at, so it is spliced from
// socket to socket inside the kernel, if client and backend both have one of their own.

internal import Events
internal import Evidence
internal import HTTP1
internal import Stats

/// When a body is spliced, and how much of it.
enum Bulk {
    /// Fewer bytes are copied for less than the two extra calls cost.
    private static let smallest: UInt64 = 65_536
    /// The end of a body is received all the same, so that what a connection sends beyond it shows
    /// in the same step, and can't be taken for the next message.
    private static let receivedLast: UInt64 = 16_384
    /// The most bytes that one step may move: a pipe's pieces can be large, and others wait.
    private static let stepMax: UInt64 = 1 << 20

    /// Whether so many bytes to come, nil when that is not known, are better spliced.
    static func isWorthwhile(_ remaining: UInt64?) -> Bool {
        guard let remaining else { return false }
        return remaining >= smallest
    }

    /// How much the next step may move of `remaining` bytes that are worth it.
    static func limit(of remaining: UInt64) -> Int {
        Int(min(remaining - receivedLast, stepMax))
    }
}

extension HTTPExchange {
    /// Moves on a part of the response's body, whose end is far: at most `limit` bytes. Returns
    /// what came of it; nil when that part must be received.
    func spliceResponse(limit: Int, _ stream: BackendStream) -> SpliceOutcome? {
        guard let client, let source = stream.spliceEnd else { return nil }
        let outcome = client.splice(from: source, limit: limit)
        switch outcome {
        case .sent(let count), .kept(let count):
            noteSent(count, stream.pool)
            noteMoved(stream)
            if client.isCongested { stream.pauseResponse() }
            renewDeadlines(client, stream)
        case .failed: clientGone()
        case .wouldBlock, .endOfStream, .sourceFailed, .unavailable: break
        }
        return outcome
    }

    /// Moves on a part of the request's body, whose end is far: at most `limit` bytes. Returns what
    /// came of it; nil when that part must be received.
    func spliceRequest(limit: Int) -> SpliceOutcome? {
        guard let client, let pool, let source = client.spliceEnd,
            let stream = request.tries.leading.stream, !stream.isCongested, !stream.isBroken
        else { return nil }
        let outcome = stream.splice(from: source, limit: limit)
        switch outcome {
        case .sent(let count), .kept(let count):
            request.canReplay = false
            if !bodyInHand.isEmpty { bodyInHand = [] }
            noteReceived(count, pool)
            if stream.isCongested { client.pauseBody() }
            renewDeadlines(client, stream)
        case .failed: client.pauseBody()
        case .wouldBlock, .endOfStream, .sourceFailed, .unavailable: break
        }
        return outcome
    }
}
