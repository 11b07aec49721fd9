// DNS messages: whatever is accepted is a value that can be encoded and read again, with names that
// keep to their limits.

internal import DNSWire

/// One input to the decoder, as a datagram and as a stream.
@Sendable func fuzzDNS(_ input: Span<UInt8>) {
    let cut = Int((input.digest >> 8) % UInt64(input.count + 1))
    requireSameFrames(input, cut)
    let message: Message
    do { message = try Message(decoding: input) } catch {
        require(!"\(error)".isEmpty, "an error without words")
        return
    }
    if cut < input.count, (try? Message(decoding: input.copy(0..<cut))) != nil {
        fatalError("\(cut) of \(input.count) octets are a message as well")
    }
    for name in names(of: message) { requireGood(name) }

    var octets: [UInt8] = []
    // What was compressed in a target may take more room in full: then some of it is left out.
    let isWhole = message.encode(into: &octets, maximumSize: Message.octetsMax)
    guard let again = try? Message(decoding: octets) else { fatalError("encoded, and refused") }
    require(again.id == message.id && again.question == message.question, "another question")
    // The reason why data can't be read names their place, which may be another now.
    if isWhole, !hasUnreadable(message) {
        require(again == message, "decoded to \(again), not \(message)")
    }

    var short: [UInt8] = []
    message.encode(into: &short, maximumSize: Message.plainUDPOctetsMax)
    require(short.count <= Message.plainUDPOctetsMax, "\(short.count) octets of 512")
    require((try? Message(decoding: short)) != nil, "cut short, and refused")
}

private func hasUnreadable(_ message: Message) -> Bool {
    (message.answers + message.authorities + message.additionals).contains { record in
        if case .unreadable = record.data { true } else { false }
    }
}

private func requireGood(_ name: DomainName) {
    require(name.wireOctets.count <= DomainName.octetsMax, "a long name")
    require(
        name.labels.allSatisfy { (1...DomainName.labelOctetsMax).contains($0.count) },
        "a label of no or too many octets")
    guard let again = try? DomainName("\(name)") else { fatalError("\(name) is no name") }
    require(again.isSpelled(like: name), "\(name) is read as \(again)")
}

private func names(of message: Message) -> [DomainName] {
    let records = message.answers + message.authorities + message.additionals
    let owners = records.map(\.name) + (message.question.map { [$0.name] } ?? [])
    return owners
        + records.flatMap { record in
            switch record.data {
            case .srv(let srv): [srv.target]
            case .cname(let name), .ns(let name), .ptr(let name): [name]
            case .soa(let soa): [soa.primaryServer, soa.mailbox]
            case .a, .aaaa, .txt, .other, .unreadable: [DomainName]()
            }
        }
}

/// The messages of a TCP stream do not depend on where its segments end.
private func requireSameFrames(_ input: Span<UInt8>, _ cut: Int) {
    func frames(_ pieces: [Range<Int>]) -> ([[UInt8]], Int) {
        var splitter = TCPFrameSplitter()
        var frames: [[UInt8]] = []
        for piece in pieces {
            splitter.append(input.copy(piece).span)
            while let frame = splitter.next() { frames.append(frame) }
        }
        return (frames, splitter.pendingOctets)
    }
    let whole = frames([0..<input.count])
    require(whole == frames([0..<cut, cut..<input.count]), "other frames in pieces")
}
