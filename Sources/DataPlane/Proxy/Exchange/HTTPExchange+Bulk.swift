// The middle of a large body, either way: nothing in it has to be looked at, so it is spliced from
// connection to connection inside the kernel.

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
    /// Moves on a part of the response's body, whose end is far.
    func spliceResponse(from connection: BackendConnection) {
        guard let client, let remaining = request.responseBody.remaining else { return }
        let outcome = connection.spliceEnd.map {
            client.splice(from: $0, limit: Bulk.limit(of: remaining))
        }
        switch outcome {
        case .sent(let count), .kept(let count):
            request.responseBody.skip(UInt64(count))
            connection.isBulk = Bulk.isWorthwhile(request.responseBody.remaining)
            connection.backend.counters.add(.bytesReceived, count)
            connection.backend.record.heardAt = worker.loop.nowNanoseconds
            noteSent(count, connection.pool)
            noteMoved(connection)
            if client.isCongested { connection.stopReading() }
            renewDeadlines(client, connection)
        case .wouldBlock: break
        case .endOfStream: connection.ended()
        case .sourceFailed: backendBroken(connection)
        case .failed: clientGone()
        case .unavailable, nil:
            connection.isBulk = false
            connection.receive()
        }
    }

    /// Moves on a part of the request's body, whose end is far, from `source`: at most `limit`
    /// bytes. Returns what came of it; nil when that part must be received.
    func spliceRequest(from source: Descriptor, limit: Int) -> SpliceOutcome? {
        guard request.tries.leading.stage != .dialing, let connection, let pool, let client,
            !connection.isCongested, !connection.isBroken
        else { return nil }
        let outcome = connection.splice(from: source, limit: limit)
        switch outcome {
        case .sent(let count), .kept(let count):
            request.canReplay = false
            if !bodyInHand.isEmpty { bodyInHand = [] }
            noteReceived(count, pool)
            connection.backend.counters.add(.bytesSent, count)
            if connection.isCongested { client.pauseBody() }
            renewDeadlines(client, connection)
        case .failed:
            connection.isBroken = true
            client.pauseBody()
        case .wouldBlock, .endOfStream, .sourceFailed, .unavailable: break
        }
        return outcome
    }
}
