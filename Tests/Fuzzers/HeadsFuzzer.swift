// Heads of HTTP/2 as text of HTTP/1.1, and back. Whatever a peer sends, the text has one meaning,
// and what says the same in both forms says it after each translation.

internal import HTTP1
internal import HTTP2
internal import HeadWriting

private let limits = HeadLimits(bytesMax: 1 << 20, fieldsMax: 10_000, requestLineBytesMax: 1 << 16)

/// One input to the translators: a header block, and the text of a head.
@Sendable func fuzzHeads(_ input: Span<UInt8>) {
    let digest = input.digest
    readRequestBlock(input, endsStream: digest & 1 == 0, offersWebSocket: digest & 2 == 0)
    for method in [Method.get, .head, .connect] {
        readResponseBlock(input, endsStream: digest & 1 == 0, method)
        translateResponse(input, method)
    }
    for rule in [TrailerRule.refuse, .leaveOut] { readTrailers(input, rule) }
    translateRequest(input)
}

// MARK: From blocks

private func readRequestBlock(_ block: Span<UInt8>, endsStream: Bool, offersWebSocket: Bool) {
    var text = RequestText()
    var decoder = HPACKDecoder()
    let outcome = text.read(
        block, endsStream: endsStream, limits: limits, allowsWebSocket: offersWebSocket,
        decoder: &decoder)
    let bytes = text.withText { $0.copy(0..<$0.count) }
    guard outcome == .complete else { return require(bytes.isEmpty, "a text of no request") }

    let written = WrittenHead(bytes)
    require(written.first.count { $0 == 0x20 } == 2, "spaces in the request line")
    require(written.count("transfer-encoding") <= 1, "two Transfer-Encoding")
    require(written.count("cookie") <= 1, "two Cookie fields")
    let isWebSocket = text.tunnel == .webSocket
    require(written.count("upgrade", "connection") == (isWebSocket ? 2 : 0), "Upgrade")
    var head = RequestHead(limits: limits)
    switch head.parse(bytes.span) {
    case .needMore:
        fatalError("a head without an end")
    case .bad:
        return
    case .complete(let length):
        require(length == bytes.count, "\(length) bytes of \(bytes.count)")
    }
    written.requireOneFraming()
    require(written.count("host") == 1, "Host")
    require((text.tunnel == .connect) == (head.method == .connect), "a tunnel that is none")
    if isWebSocket {
        require(head.body == .none && head.asksForUpgrade, "a WebSocket with content")
    } else {
        require(endsStream || head.body != .none || head.method == .connect, "no framing")
        requireSameAgain(bytes, text.scheme, text.acceptsTrailers, endsStream: endsStream)
    }
}

/// The text of a request says the same after it was a block.
private func requireSameAgain(
    _ bytes: [UInt8], _ scheme: Scheme, _ acceptsTrailers: Bool, endsStream: Bool
) {
    let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: bytes.count)) { out in
        HeaderBlock.append(
            requestText: bytes.span, scheme: scheme, acceptsTrailers: acceptsTrailers, into: &out)
    }
    var text = RequestText()
    var decoder = HPACKDecoder()
    let outcome = text.read(
        block.span, endsStream: endsStream, limits: limits, decoder: &decoder)
    require(outcome == .complete, "written, and refused: \(outcome)")
    require(text.acceptsTrailers == acceptsTrailers && decoder.memory == 0, "trailers, table")
    let again = text.withText { WrittenHead($0.copy(0..<$0.count)) }
    let once = WrittenHead(bytes)
    require(again.first == once.first, "another request line")
    require(again.count("te") == (acceptsTrailers ? 1 : 0), "TE")
    let fields = again.sorted.filter { !$0.hasPrefix("te:") }
    let expected = once.sorted.filter { !$0.hasPrefix("te:") }
    require(fields == expected, "\(fields), not \(expected)")
}

private func readResponseBlock(_ block: Span<UInt8>, endsStream: Bool, _ method: Method) {
    var text = ResponseText()
    var decoder = HPACKDecoder()
    let outcome = text.read(
        block, endsStream: endsStream, answering: method, limits: limits, decoder: &decoder)
    let bytes = text.withText { $0.copy(0..<$0.count) }
    guard outcome == .complete else { return require(bytes.isEmpty, "a text of no response") }

    let written = WrittenHead(bytes)
    require(written.count("connection", "upgrade", "keep-alive", "te") == 0, "hop-by-hop")
    var head = ResponseHead(limits: limits)
    let parsed = head.parse(bytes.span, answering: method)
    if case .bad = parsed { return }
    require(parsed == .complete(length: bytes.count), "\(parsed) of \(bytes.count)")
    require(head.status == text.status, "another status")
    require(head.body != .untilClose, "a body without an end")
    if endsStream, case .length(let length) = head.body { require(length == 0, "no content") }
    written.requireOneFraming()
}

private func readTrailers(_ block: Span<UInt8>, _ rule: TrailerRule) {
    var text = TrailerText()
    var decoder = HPACKDecoder()
    let outcome = text.read(block, rule: rule, limits: limits, decoder: &decoder)
    let lines = text.withText { $0.copy(0..<$0.count) }
    guard outcome == .complete else { return require(lines.isEmpty, "lines of no trailers") }
    let written = WrittenHead(Array("first\r\n".utf8) + lines + Array("\r\n".utf8))
    require(written.count("content-length", "host", "set-cookie", "connection") == 0, "trailers")
    let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: lines.count)) { out in
        HeaderBlock.append(trailers: lines.span, into: &out)
    }
    var again = TrailerText()
    require(
        again.read(block.span, rule: .refuse, limits: limits, decoder: &decoder) == .complete,
        "written, and refused")
    require(again.withText { $0.copy(0..<$0.count) } == lines, "other trailers")
}

// MARK: From texts

private func translateRequest(_ input: Span<UInt8>) {
    var head = RequestHead(limits: limits)
    guard case .complete = head.parse(input) else { return }
    var forwarding = Forwarding(
        policy: ForwardingPolicy(), port: 80, defaultHost: Array("d.example".utf8))
    forwarding.setClient(isTrusted: false) { $0.append(contentsOf: "::1".utf8) }
    var out: [UInt8] = []
    head.write(from: input, forwarding: forwarding, into: &out)
    let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: out.count)) {
        HeaderBlock.append(requestText: out.span, scheme: .https, into: &$0)
    }
    var text = RequestText()
    var decoder = HPACKDecoder()
    let hasContent = head.body != .none && head.body != .length(0)
    let outcome = text.read(
        block.span, endsStream: !hasContent, limits: limits, decoder: &decoder)
    require(outcome == .complete, "written, and refused: \(outcome)")
    require(text.scheme == (head.method == .connect ? .http : .https), "another scheme")
    let bytes = text.withText { $0.copy(0..<$0.count) }
    var again = RequestHead(limits: limits)
    require(again.parse(bytes.span) == .complete(length: bytes.count), "translated, and refused")
    let (once, twice) = (WrittenHead(out), WrittenHead(bytes))
    require(once.first == twice.first, "another request line")
    require(again.body == head.body || again.body == .length(0) && head.body == .none, "body")
    requireSameFields(once, twice)
}

private func translateResponse(_ input: Span<UInt8>, _ method: Method) {
    var head = ResponseHead(limits: limits)
    guard case .complete = head.parse(input, answering: method), head.status != 101 else { return }
    var out: [UInt8] = []
    head.write(
        from: input, to: ClientCapabilities(version: .http11, keepsAlive: true),
        framing: head.body, into: &out)
    let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: out.count)) {
        HeaderBlock.append(responseText: out.span, into: &$0)
    }
    var text = ResponseText()
    var decoder = HPACKDecoder()
    let hasContent = head.body != .none && head.body != .length(0)
    let endsStream = !hasContent && !head.isInterim && !head.opensTunnel
    let outcome = text.read(
        block.span, endsStream: endsStream, answering: method, limits: limits, decoder: &decoder)
    require(outcome == .complete, "written, and refused: \(outcome)")
    let bytes = text.withText { $0.copy(0..<$0.count) }
    var again = ResponseHead(limits: limits)
    require(
        again.parse(bytes.span, answering: method) == .complete(length: bytes.count),
        "translated, and refused")
    require(again.status == head.status, "another status")
    let isSame = again.body == head.body || again.body == .chunked && head.body == .untilClose
    require(isSame, "\(again.body), not \(head.body)")
    requireSameFields(WrittenHead(out), WrittenHead(bytes))
}

/// All but framing and connection; cookies as one field.
private func requireSameFields(_ once: WrittenHead, _ twice: WrittenHead) {
    func rest(_ head: WrittenHead) -> [String] {
        let left: Set = ["content-length", "transfer-encoding", "connection", "upgrade"]
        let cookies = head.fields.filter { $0.name == "cookie" }
            .map { trimmed($0.value) }.filter { !$0.isEmpty }
        return head.sorted.filter { line in
            !left.contains { line.hasPrefix($0 + ":") } && !line.hasPrefix("cookie:")
        } + [cookies.joined(separator: "; ")]
    }
    require(rest(once) == rest(twice), "\(rest(twice)), not \(rest(once))")
}

extension WrittenHead {
    /// The fields in the order of the alphabet, each a line with one blank before its value.
    fileprivate var sorted: [String] {
        fields.map { "\($0.name): \(trimmed($0.value))" }.sorted()
    }
}

/// A value without the blanks around it.
private func trimmed(_ value: String) -> String {
    var bytes = Array(value.utf8)[...]
    while bytes.first == 0x20 || bytes.first == 0x09 { bytes = bytes.dropFirst() }
    while bytes.last == 0x20 || bytes.last == 0x09 { bytes = bytes.dropLast() }
    return String(decoding: bytes, as: UTF8.self)
}
