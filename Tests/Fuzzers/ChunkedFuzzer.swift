// Bodies: where one ends must not depend on how its bytes arrive, since the byte after it is the
// first of another message.

internal import HTTP1

/// One input to the chunked decoder, to the tracker over it, and to a body of known length.
@Sendable func fuzzChunked(_ input: Span<UInt8>) {
    let strict = fuzzChunked(input, .refuse)
    let lenient = fuzzChunked(input, .leaveOut)
    if case .end = strict { require(strict == lenient, "another end: \(strict), \(lenient)") }
    checkLength(input, UInt64((input.digest >> 8) % UInt64(input.count + 8)))
}

private func fuzzChunked(_ input: Span<UInt8>, _ rule: TrailerRule) -> BodyProgress {
    let whole = read(input, rule, pieces: { _ in input.count })
    var digest = input.digest
    let pieces = read(input, rule) { left in
        digest = digest &* 6_364_136_223_846_793_005 &+ 1
        return min(left, 1 + Int(digest >> 60))
    }
    require(whole == pieces, "\(whole) in one piece, \(pieces) in many")
    require(whole == read(input, rule, pieces: { _ in 1 }), "another body byte by byte")

    switch whole.end {
    case .end(let consumed):
        require(consumed > 0 && consumed <= input.count, "\(consumed) of \(input.count) bytes")
        require(whole.payload == plainPayload(input.copy(0..<consumed)), "another payload")
        let shorter = read(input.extracting(0..<consumed - 1), rule, pieces: { $0 })
        require(shorter.end == .more, "it ended before its end: \(shorter.end)")
    case .more, .bad: break
    }
    return whole.end
}

/// What came of a body.
private struct Reading: Equatable {
    var payload: [UInt8] = []
    var end = BodyProgress.more
    /// What a proxy would hold back as trailers.
    var trailers: [UInt8] = []
}

/// Feeds `input` to a tracker and to a reader in pieces, whose sizes `pieces` gives from what is
/// left, and has them agree.
private func read(
    _ input: Span<UInt8>, _ rule: TrailerRule, pieces: (Int) -> Int
) -> Reading {
    var tracker = BodyTracker(.chunked, trailers: rule)
    var reader = PayloadReader(.chunked, trailers: rule)
    var reading = Reading()
    var start = 0
    while start < input.count {
        let size = pieces(input.count - start)
        let piece = input.copy(start..<start + size)
        let progress = tracker.advance(piece.span)
        let step = payload(of: &reader, piece, into: &reading.payload)
        if let begin = tracker.trailersStart {
            var end = size
            if case .end(let consumed) = progress { end = consumed }
            if case .bad = progress { end = begin }
            reading.trailers += piece[begin..<end]
        }
        switch (progress, step) {
        case (.more, .needMore):
            require(!tracker.isComplete && !reader.isComplete, "complete without an end")
        case (.end(let consumed), .end(let same)):
            require(consumed == same && consumed <= size, "\(consumed), \(same) of \(size)")
            require(tracker.isComplete && reader.isComplete, "an end that is not complete")
            requireClean(reading.trailers)
            // What follows belongs to another message, and is left alone.
            require(tracker.advance(input) == .end(consumed: 0), "it went on after its end")
            reading.end = .end(consumed: start + consumed)
            return reading
        case (.bad(let error), .bad(let same)) where error == same:
            reading.end = .bad(error)
            reading.trailers = []
            return reading
        default: fatalError("the tracker says \(progress), the reader \(step)")
        }
        start += size
    }
    return reading
}

/// What is left of the trailers is a section that the strictest reader takes.
private func requireClean(_ trailers: [UInt8]) {
    guard !trailers.isEmpty else { return }
    var body = Array("0\r\n".utf8)
    TrailerSection.append(allowedOf: trailers.span, to: &body)
    var strict = BodyTracker(.chunked)
    require(strict.advance(body.span) == .end(consumed: body.count), "trailers that are refused")
}

/// The reader's last step in a piece; appends the payload before it.
private func payload(
    of reader: inout PayloadReader, _ piece: [UInt8], into payload: inout [UInt8]
) -> PayloadStep {
    var at = 0
    while true {
        let step = reader.next(piece.span, from: at)
        guard case .data(let range) = step else { return step }
        require(range.lowerBound >= at && !range.isEmpty, "data \(range) from \(at)")
        payload += piece[range]
        at = range.upperBound
    }
}

/// The payload as the simplest of decoders finds it, which checks nothing.
private func plainPayload(_ bytes: [UInt8]) -> [UInt8] {
    var payload: [UInt8] = []
    var at = 0
    while true {
        let digits = bytes[at...].prefix { Character(Unicode.Scalar($0)).isHexDigit }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
            let lineEnd = bytes[at...].firstIndex(of: 0x0A)
        else { fatalError("a chunk without a size") }
        if size == 0 { return payload }
        payload += bytes[lineEnd + 1..<lineEnd + 1 + size]
        at = lineEnd + 1 + size + 2
    }
}

/// A body of known length takes so many bytes and no more.
private func checkLength(_ input: Span<UInt8>, _ length: UInt64) {
    var tracker = BodyTracker(.length(length))
    let expected: BodyProgress =
        length <= UInt64(input.count) ? .end(consumed: Int(length)) : .more
    require(tracker.advance(input) == expected, "a body of \(length) in \(input.count) bytes")
    require(tracker.isComplete == (expected != .more), "complete or not")
}
