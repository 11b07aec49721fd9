// Following a body through a stream of bytes: `PayloadReader` for those who want what is in it,
// `BodyTracker` for a relay, which only has to know where it ends.

/// Finds the payload of a body in the bytes that carry it; allocates nothing, copies nothing.
package struct PayloadReader: Sendable {
    private enum State { case length(UInt64), chunked, untilClose, done }

    private var state: State
    private var chunks: ChunkScanner

    /// At the start of a body; `trailers` says what its trailers may be.
    package init(_ framing: BodyFraming, trailers: TrailerRule = .refuse) {
        chunks = ChunkScanner(trailers)
        switch framing {
        case .none, .length(0): state = .done
        case .length(let length): state = .length(length)
        case .chunked: state = .chunked
        case .untilClose: state = .untilClose
        }
    }

    /// Whether the whole body has been seen. Never true for `untilClose`: there the end of the
    /// connection is the end of the body; anywhere else it is a body cut short.
    package var isComplete: Bool {
        if case .done = state { return true }
        return false
    }

    /// Whether the end of the connection ends the body properly.
    package var endsAtClose: Bool {
        if case .untilClose = state { return true }
        return false
    }

    /// Where the first trailer field began, in the bytes that it came in; nil before that.
    var trailersStart: Int? { chunks.trailersStart }

    /// Bytes still to come of a body of known length; 0 when complete, nil when not known.
    package var remaining: UInt64? {
        switch state {
        case .length(let remaining): remaining
        case .done: 0
        case .chunked, .untilClose: nil
        }
    }

    /// The next thing in `bytes` from `offset` on. Call until it is not `data`, each time from the
    /// end of the data; then, after `needMore`, with the bytes that come next.
    /// - Precondition: `offset` is at most `bytes.count`.
    /// - Complexity: O(1) for data, O(n) for chunk sizes, extensions and trailers.
    package mutating func next(_ bytes: Span<UInt8>, from offset: Int) -> PayloadStep {
        precondition((0...bytes.count).contains(offset), "offset outside the bytes")
        switch state {
        case .done:
            return .end(consumed: offset)
        case .untilClose:
            return offset < bytes.count ? .data(offset..<bytes.count) : .needMore
        case .length(let remaining):
            let count = Int(min(remaining, UInt64(bytes.count - offset)))
            if count == 0 { return .needMore }
            let left = remaining - UInt64(count)
            state = left == 0 ? .done : .length(left)
            return .data(offset..<offset + count)
        case .chunked:
            let step = chunks.next(bytes, from: offset)
            if chunks.isDone { state = .done }
            return step
        }
    }

    /// Counts `count` bytes of a body of known length that went past without being seen, as by
    /// `splice`.
    /// - Precondition: `remaining` is not nil and not less than `count`.
    package mutating func skip(_ count: UInt64) {
        guard case .length(let remaining) = state, count <= remaining else {
            preconditionFailure("more bytes skipped than the body has")
        }
        state = remaining == count ? .done : .length(remaining - count)
    }
}

/// What the bytes given to `BodyTracker.advance` came to.
package enum BodyProgress: Equatable, Sendable {
    /// All of them belong to the body, which goes on.
    case more
    /// The body ends after so many of them.
    case end(consumed: Int)
    /// The framing is broken; the connection must be closed.
    case bad(BodyError)
}

/// Follows a body through a stream of bytes and says where it ends; allocates nothing.
package struct BodyTracker: Sendable {
    private var reader: PayloadReader
    /// Where trailer fields, or what follows them of their section, begin in the bytes that
    /// `advance` was given last; nil when there are none in them. A section without fields is none.
    package private(set) var trailersStart: Int?
    /// Bytes of payload that have come: without chunk sizes and trailers, and without what went
    /// past unseen (`skip`).
    package private(set) var payloadBytes: UInt64 = 0

    /// At the start of a body; `trailers` says what its trailers may be.
    package init(_ framing: BodyFraming, trailers: TrailerRule = .refuse) {
        reader = PayloadReader(framing, trailers: trailers)
    }

    /// Whether the whole body has been seen; see `PayloadReader.isComplete`.
    package var isComplete: Bool { reader.isComplete }
    /// Whether the end of the connection ends the body properly.
    package var endsAtClose: Bool { reader.endsAtClose }
    /// Bytes still to come of a body of known length; 0 when complete, nil when not known.
    package var remaining: UInt64? { reader.remaining }

    /// Takes the next bytes of the stream. After `bad` the value is of no more use.
    /// - Complexity: O(number of chunks that begin in `bytes`, and their size lines).
    package mutating func advance(_ bytes: Span<UInt8>) -> BodyProgress {
        let isInTrailers = reader.trailersStart != nil
        defer { trailersStart = isInTrailers ? 0 : reader.trailersStart }
        var at = 0
        while !reader.isComplete {
            switch reader.next(bytes, from: at) {
            case .data(let range):
                // A body of 2^64 bytes takes centuries.
                payloadBytes &+= UInt64(range.count)
                at = range.upperBound
            case .needMore: return .more
            case .end(let consumed): return .end(consumed: consumed)
            case .bad(let error): return .bad(error)
            }
        }
        return .end(consumed: at)
    }

    /// The next thing in `bytes` from `offset` on, for a relay that passes on the payload alone;
    /// see `PayloadReader.next`. A body is followed either by this or by `advance`.
    mutating func next(_ bytes: Span<UInt8>, from offset: Int) -> PayloadStep {
        // They can't have begun in these bytes yet: `next` reads to the end of them.
        let isInTrailers = reader.trailersStart != nil
        defer { trailersStart = isInTrailers ? 0 : reader.trailersStart }
        let step = reader.next(bytes, from: offset)
        if case .data(let range) = step { payloadBytes &+= UInt64(range.count) }
        return step
    }

    /// Counts bytes that went past unseen; see `PayloadReader.skip`.
    package mutating func skip(_ count: UInt64) { reader.skip(count) }
}
