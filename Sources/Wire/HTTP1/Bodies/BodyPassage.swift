// BodyPassage: a body on its way through a relay: where it ends, and which of its bytes go on. That
// is all of them but the trailers, which are looked at first; or, for a receiver that knows no
// chunks, what is in them.

/// Follows a body through a relay and says what of it goes on; allocates nothing.
package struct BodyPassage: Sendable {
    private var tracker: BodyTracker
    private let isDecoded: Bool

    /// At the start of a body. `keepsChunks` says whether a chunked one goes on in its chunks; when
    /// not, its data goes on without them.
    package init(_ framing: BodyFraming, keepsChunks: Bool) {
        tracker = BodyTracker(framing, trailers: .leaveOut)
        isDecoded = !keepsChunks && framing == .chunked
    }

    /// Whether the end of the connection ends the body properly.
    package var endsAtClose: Bool { tracker.endsAtClose }

    /// Bytes still to come of a body of known length; 0 when complete, nil when not known.
    package var remaining: UInt64? { tracker.remaining }

    /// Bytes of payload that have come; see `BodyTracker.payloadBytes`.
    package var payloadBytes: UInt64 { tracker.payloadBytes }

    /// The next thing in `bytes` from `offset` on, which is 0 for bytes that are new. Call until it
    /// is not `part`, each time from the end of the part. After `bad` the value is of no more use.
    /// - Complexity: O(number of chunks that begin in `bytes`, and their size lines).
    package mutating func next(_ bytes: Span<UInt8>, from offset: Int) -> PassageStep {
        if isDecoded { return nextData(bytes, from: offset) }
        switch tracker.advance(bytes) {
        case .more:
            let end = tracker.trailersStart ?? bytes.count
            return .more(0..<end, trailers: end..<bytes.count)
        case .end(let consumed):
            let end = tracker.trailersStart ?? consumed
            return .end(0..<end, trailers: end..<consumed)
        case .bad(let error): return .bad(error)
        }
    }

    private mutating func nextData(_ bytes: Span<UInt8>, from offset: Int) -> PassageStep {
        let step = tracker.next(bytes, from: offset)
        switch step {
        case .data(let range): return .part(range)
        case .needMore:
            let end = tracker.trailersStart ?? bytes.count
            return .more(end..<end, trailers: end..<bytes.count)
        case .end(let consumed):
            let end = tracker.trailersStart ?? consumed
            return .end(end..<end, trailers: end..<consumed)
        case .bad(let error): return .bad(error)
        }
    }

    /// Counts bytes that went past unseen; see `PayloadReader.skip`.
    package mutating func skip(_ count: UInt64) { tracker.skip(count) }
}

/// What one step of a `BodyPassage` came to. Offsets are into the bytes given.
package enum PassageStep: Equatable, Sendable {
    /// These bytes go on; there may be more behind them.
    case part(Range<Int>)
    /// The first of these go on, and all bytes are used up: the body goes on. `trailers` is what
    /// there is of its trailer section, which follows them; empty for none.
    case more(Range<Int>, trailers: Range<Int>)
    /// The first of these go on, and the body is whole. It ends where `trailers` end, what there is
    /// of its trailer section; that is empty for none.
    case end(Range<Int>, trailers: Range<Int>)
    /// The framing is broken; the connection must be closed.
    case bad(BodyError)
}
