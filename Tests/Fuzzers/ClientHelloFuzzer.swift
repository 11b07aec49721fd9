// ClientHellos: what is read does not depend on where the bytes are cut into segments, nor the
// message into records, and keeps to its bounds.

internal import TLSWire

/// One input as the first bytes of a connection, and as the message in them.
@Sendable func fuzzClientHello(_ input: Span<UInt8>) {
    let bytes = input.copy(0..<input.count)
    let whole = ClientHello.read(bytes.span)
    let cut = Int((input.digest >> 8) % UInt64(input.count + 1))
    let part = ClientHello.read(bytes.span.extracting(0..<cut))
    if case .needMore(let count) = part {
        require(count > cut && count <= ClientHello.wireBytesMax, "needs \(count) after \(cut)")
        // Fewer would have told nothing new.
        let next = min(count - 1, bytes.count)
        require(
            ClientHello.read(bytes.span.extracting(0..<next)) == .needMore(count),
            "needs other than \(count)")
    } else {
        require(part == whole, "\(part) of a part, \(whole) of the whole")
    }
    requireGood(whole)

    // The input as a message, in one record and in several.
    guard bytes.count > 1, bytes.count <= 1 << 14 else { return }
    let one = ClientHello.read(record(bytes[...]).span)
    let middle = 1 + Int((input.digest >> 24) % UInt64(bytes.count - 1))
    let two = record(bytes[..<middle]) + record(bytes[middle...])
    let both = ClientHello.read(two.span)
    switch (one, both) {
    case (.needMore, .needMore): break
    default: require(both == one, "another hello in two records")
    }
    requireGood(one)
}

private func record(_ fragment: ArraySlice<UInt8>) -> [UInt8] {
    [0x16, 3, 1, UInt8(fragment.count >> 8), UInt8(fragment.count & 0xFF)] + fragment
}

private func requireGood(_ reading: ClientHelloReading) {
    guard case .hello(let hello) = reading else { return }
    if let name = hello.serverName {
        require((1...253).contains(name.count), "a name of \(name.count) bytes")
        require(
            name.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
                    || [0x2D, 0x2E, 0x5F].contains(byte)
            }, "the name \(name)")
        require(name.first != 0x2E && name.last != 0x2E, "a dot at an end")
    }
    require(hello.protocols.count <= 32, "\(hello.protocols.count) protocols")
    require(hello.protocols.allSatisfy { (1...255).contains($0.count) }, "a protocol's length")
}
