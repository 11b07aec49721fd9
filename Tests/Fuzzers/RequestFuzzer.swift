// Request heads. What is read must not depend on where it was cut; what is written for the backend
// must mean the same to every reader.

internal import HTTP1
internal import HeadWriting

/// One input to the request head's parser and writer.
@Sendable func fuzzRequest(_ input: Span<UInt8>) {
    let digest = input.digest
    let limits =
        digest & 1 == 0
        ? HeadLimits() : HeadLimits(bytesMax: 256, fieldsMax: 6, requestLineBytesMax: 64)
    var head = RequestHead(limits: limits)
    let outcome = head.parse(input)
    let cut = Int((digest >> 8) % UInt64(input.count + 1))
    requireSameInPieces(input, cut, head, outcome, limits)
    guard case .complete(let length) = outcome else { return }
    require(length == head.length && length <= input.count, "length \(length)")
    require(head.body != .untilClose, "a request until close")

    var policy = ForwardingPolicy()
    if digest & 2 == 0 { policy.forwarded = .append }
    if digest & 4 == 0 { policy.addsRequestID = true }
    if digest & 8 == 0 { policy.xForwarded = .off }
    var forwarding = Forwarding(policy: policy, port: 80, defaultHost: Array("d.example".utf8))
    forwarding.setClient(isTrusted: digest & 16 == 0) { $0.append(contentsOf: "::1".utf8) }
    let rewrite = digest & 64 == 0 ? PathRewrite(dropping: 0, prefix: Array("/p".utf8)) : nil
    var edits = FieldEdits()
    edits.remove("Via")
    edits.set("X-Tenant", "acme")
    var out: [UInt8] = []
    head.write(
        from: input, forwarding: forwarding, requestID: RequestID(high: 1, low: 2),
        rewrite: rewrite, edits: edits, passingUpgrade: digest & 32 == 0, into: &out)
    requireSameMeaning(head, input, out, isRewritten: rewrite != nil)
    requireClean(head, input, out, passingUpgrade: digest & 32 == 0)
}

/// The two calls of a connection whose first segment ends at `cut`.
private func requireSameInPieces(
    _ input: Span<UInt8>, _ cut: Int, _ head: borrowing RequestHead, _ whole: HeadOutcome,
    _ limits: HeadLimits
) {
    var cutHead = RequestHead(limits: limits)
    let first = cutHead.parse(input.copy(0..<cut).span)
    let second = first == .needMore ? cutHead.parse(input, alreadySeen: cut) : first
    switch whole {
    case .complete(let length):
        require(first == (cut < length ? .needMore : whole), "\(first) after \(cut) bytes")
        require(second == whole, "\(second) in pieces, \(whole) in one")
        require(
            cutHead.fields == head.fields && cutHead.target == head.target
                && cutHead.method == head.method && cutHead.host == head.host
                && cutHead.body == head.body && cutHead.keepsAlive == head.keepsAlive
                && cutHead.expectsContinue == head.expectsContinue
                && cutHead.upgradeOffer(input) == head.upgradeOffer(input)
                && cutHead.length == head.length,
            "another head in pieces")
    case .needMore:
        require(first == .needMore && second == .needMore, "\(second) in pieces")
    case .bad:
        // A head that comes slowly is looked at again only when it may have ended.
        if case .complete = second { fatalError("refused in one piece, complete in two") }
    }
}

/// The backend's parser, if it is Fairlead's own, reads what the client's bytes were read as.
private func requireSameMeaning(
    _ head: borrowing RequestHead, _ input: Span<UInt8>, _ out: [UInt8], isRewritten: Bool
) {
    var again = RequestHead(limits: HeadLimits(bytesMax: 1 << 20, fieldsMax: 1_000))
    require(again.parse(out.span) == .complete(length: out.count), "written, and refused")
    require(
        again.method == head.method
            && out[again.methodRange.bounds].elementsEqual(input.copy(head.methodRange.bounds)),
        "another method")
    require(again.body == head.body, "\(again.body), not \(head.body)")
    require(again.targetForm != .absolute, "absolute-form for a backend")
    var target = input.copy(
        head.targetForm == .absolute ? head.pathAndQuery.bounds : head.target.bounds)
    if isRewritten, head.targetForm == .origin || head.targetForm == .absolute {
        target = Array("/p".utf8) + target
    } else if target.isEmpty {
        target = Array((head.method == .options ? "*" : "/").utf8)
    } else if target.first == 0x3F {
        target.insert(0x2F, at: 0)
    }
    require(out[again.target.bounds].elementsEqual(target), "another target")
    if !head.host.isEmpty {
        require(
            out[again.host.bounds].elementsEqual(input.copy(head.host.bounds)), "another host")
    }
}

/// Nothing in what is written can be read in two ways, and nothing of this hop goes to the next.
private func requireClean(
    _ head: borrowing RequestHead, _ input: Span<UInt8>, _ out: [UInt8], passingUpgrade: Bool
) {
    let written = WrittenHead(out)
    written.requireOneFraming()
    require(written.first.count { $0 == 0x20 } == 2, "spaces in the request line")
    require(written.count("host") == 1 && written.fields[0].name == "host", "Host")
    require(
        written.count(
            "keep-alive", "proxy-connection", "te", "proxy-authenticate", "proxy-authorization",
            "proxy-authentication-info") == 0, "hop-by-hop: \(written.fields)")
    require(written.count("x-tenant") == 1, "a field that an edit sets")
    require(written.count("via") == 1, "a field that an edit removes, and this hop adds")
    for field in written.fields where field.name.contains("_") {
        let twin = String(field.name.map { $0 == "_" ? "-" : $0 })
        require(
            !["content-length", "transfer-encoding", "proxy-connection", "x-tenant"].contains(twin),
            "\(field.name), which some take for \(twin)")
    }
    let switches = passingUpgrade && !head.upgradeOffer(input).isEmpty
    require(written.count("connection") == (switches ? 1 : 0), "Connection")
    require(written.count("upgrade") == (switches ? 1 : 0), "Upgrade")
    for field in head.fields where field.isNominated && field.known == .other {
        let name = String(decoding: input.copy(field.name.bounds), as: UTF8.self).lowercased()
        require(written.count(name) == 0, "\(name), which Connection names")
    }
}
