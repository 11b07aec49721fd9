// Response heads, as answers to methods with and without a body: a backend, or whoever can put
// bytes into its answers, must not make one response into two.

internal import HTTP1
internal import HeadWriting

/// One input to the response head's parser and writer.
@Sendable func fuzzResponse(_ input: Span<UInt8>) {
    let digest = input.digest
    let limits =
        digest & 1 == 0
        ? HeadLimits() : HeadLimits(bytesMax: 256, fieldsMax: 6, requestLineBytesMax: 64)
    let cut = Int((digest >> 8) % UInt64(input.count + 1))
    for method in [Method.get, .head, .connect] {
        var head = ResponseHead(limits: limits)
        let outcome = head.parse(input, answering: method)
        requireSameInPieces(input, method, cut, head, outcome, limits)
        guard case .complete(let length) = outcome else { continue }
        require(length == head.length && length <= input.count, "length \(length)")
        require((100...999).contains(head.status), "status \(head.status)")
        let hasNoBody =
            method == .head || head.status < 200 || head.status == 204 || head.status == 304
        require(!hasNoBody || head.body == .none, "a body where there can be none")
        for version in [HTTPVersion.http10, .http11] where version == .http11 || !head.isInterim {
            requireGoodCopy(head, input, method, version, keepsAlive: digest & 2 == 0)
        }
    }
}

private func requireSameInPieces(
    _ input: Span<UInt8>, _ method: Method, _ cut: Int, _ head: borrowing ResponseHead,
    _ whole: HeadOutcome, _ limits: HeadLimits
) {
    var cutHead = ResponseHead(limits: limits)
    let first = cutHead.parse(input.copy(0..<cut).span, answering: method)
    let second =
        first == .needMore ? cutHead.parse(input, answering: method, alreadySeen: cut) : first
    switch whole {
    case .complete(let length):
        require(first == (cut < length ? .needMore : whole), "\(first) after \(cut) bytes")
        require(second == whole, "\(second) in pieces, \(whole) in one")
        require(
            cutHead.fields == head.fields && cutHead.status == head.status
                && cutHead.reason == head.reason && cutHead.body == head.body
                && cutHead.keepsAlive == head.keepsAlive && cutHead.upgrade == head.upgrade
                && cutHead.declaredLength == head.declaredLength,
            "another head in pieces")
    case .needMore:
        require(first == .needMore && second == .needMore, "\(second) in pieces")
    case .bad:
        if case .complete = second { fatalError("refused in one piece, complete in two") }
    }
}

/// What a client of this version gets says the same, in one way only.
private func requireGoodCopy(
    _ head: borrowing ResponseHead, _ input: Span<UInt8>, _ method: Method, _ version: HTTPVersion,
    keepsAlive: Bool
) {
    let framing =
        head.body == .chunked && version == .http10 ? BodyFraming.untilClose : head.body
    var out: [UInt8] = []
    head.write(
        from: input, to: ClientCapabilities(version: version, keepsAlive: keepsAlive),
        framing: framing, into: &out)

    var again = ResponseHead(limits: HeadLimits(bytesMax: 1 << 20, fieldsMax: 1_000))
    let outcome = again.parse(out.span, answering: method)
    require(outcome == .complete(length: out.count), "written, and refused: \(outcome)")
    require(again.status == head.status, "status \(again.status), not \(head.status)")
    require(again.body == framing, "\(again.body), not \(framing)")
    require(
        out[again.reason.bounds].elementsEqual(input.copy(head.reason.bounds)), "another reason")
    require(!again.keepsAlive || keepsAlive || head.status < 200, "kept, though it is closed")

    let written = WrittenHead(out)
    written.requireOneFraming()
    if head.status < 200 || head.status == 204 {
        require(written.count("content-length", "transfer-encoding") == 0, "framing of no body")
    }
    require(
        written.count(
            "keep-alive", "proxy-connection", "te", "proxy-authenticate", "proxy-authorization",
            "proxy-authentication-info") == 0, "hop-by-hop: \(written.fields)")
    require(written.count("connection") <= 1, "two Connection fields")
    let upgrades =
        head.status == 426
        ? head.fields.count { $0.known == .upgrade } : head.upgrade == nil ? 0 : 1
    require(written.count("upgrade") == upgrades, "Upgrade")
}
