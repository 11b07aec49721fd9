// Goal: what real clients ask for is read however their hello is cut, and bytes that are none are
// refused as soon as they show it.
// Method: hellos of real clients and made ones, each cut at every byte and into records of many
// sizes, and a malformed twin per rule; all input lies flush against an unmapped page.

import TLSWire
import TestSupport
import Testing

private func read(_ bytes: [UInt8]) -> ClientHelloReading {
    let buffer = GuardedBuffer(capacity: max(bytes.count, 1))
    return buffer.withBytes(bytes) { ClientHello.read($0) }
}

private func length(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
}

private func part(_ type: Int, _ value: [UInt8]) -> [UInt8] {
    [UInt8(type >> 8), UInt8(type & 0xFF)] + length(value, 2)
}

private func serverName(_ name: [UInt8], kind: UInt8 = 0) -> [UInt8] {
    part(0, length([kind] + length(name, 2), 2))
}

private func serverName(_ name: String) -> [UInt8] { serverName(Array(name.utf8)) }

private func protocols(_ names: [String]) -> [UInt8] {
    part(16, length(names.flatMap { length(Array($0.utf8), 1) }, 2))
}

/// The message of a hello with these extensions; nil for none.
private func message(
    _ extensions: [UInt8]?, version: [UInt8] = [3, 3], session: Int = 32,
    suites: [UInt8] = [0x13, 1], compression: [UInt8] = [0], behind: [UInt8] = []
) -> [UInt8] {
    let body =
        version + [UInt8](repeating: 7, count: 32)
        + length([UInt8](repeating: 1, count: session), 1) + length(suites, 2)
        + length(compression, 1) + (extensions.map { length($0, 2) } ?? []) + behind
    return [1] + length(body, 3)
}

/// The message in records of `size` bytes each.
private func records(_ message: [UInt8], of size: Int = 1 << 14) -> [UInt8] {
    stride(from: 0, to: message.count, by: size).flatMap { start in
        [0x16, 3, 1] + length(Array(message[start..<min(start + size, message.count)]), 2)
    }
}

private func hello(_ name: String?, _ protocols: [String] = []) -> ClientHelloReading {
    var hello = ClientHello()
    hello.serverName = name.map { Array($0.utf8) }
    hello.protocols = protocols.map { Array($0.utf8) }
    return .hello(hello)
}

/// Whether more than `count` bytes are needed, and no more than `all`.
private func needsMore(_ reading: ClientHelloReading, than count: Int, of all: Int) -> Bool {
    guard case .needMore(let needed) = reading else { return false }
    return needed > count && needed <= all
}

@Suite struct ClientHelloTests {
    @Test("what a real client asks for is read", arguments: CapturedHello.all)
    func captured(client: CapturedHello) {
        #expect(client.bytes.count > 100)
        let expected = hello(client.serverName, client.protocols)
        #expect(read(client.bytes) == expected)
        // What comes behind does not matter, nor where the bytes are cut.
        #expect(read(client.bytes + [0x17, 3, 3]) == expected)
        for end in 0..<client.bytes.count {
            let reading = read(Array(client.bytes[..<end]))
            #expect(needsMore(reading, than: end, of: client.bytes.count), "to \(end)")
        }
    }

    @Test("a hello may come in many records", arguments: CapturedHello.all)
    func capturedInRecords(client: CapturedHello) {
        let message = Array(client.bytes[5...])
        let expected = hello(client.serverName, client.protocols)
        for size in (message.count + 63) / 64...message.count {
            #expect(read(records(message, of: size)) == expected, "records of \(size)")
        }
        let bytes = records(message, of: 100)
        for end in 0..<bytes.count {
            #expect(needsMore(read(Array(bytes[..<end])), than: end, of: bytes.count))
        }
    }

    @Test("a hello may have 16 KiB, in one record or several, and no more")
    func large() {
        func padded(to count: Int) -> [UInt8] {
            let name = serverName("a.example")
            let rest = count - (message(name).count - 4) - 4
            return message(part(21, [UInt8](repeating: 0, count: rest)) + name)
        }
        let most = padded(to: 16_384)
        for size in [300, 1_400, 16_384] {
            #expect(read(records(most, of: size)) == hello("a.example"), "records of \(size)")
        }
        #expect(read(records(padded(to: 16_385))) == .bad(.tooLong))
        #expect(read(records(most, of: 255)) == .bad(.tooLong))
        #expect(read(records(most, of: 1)) == .bad(.tooLong))
    }

    static let hellos: [([UInt8], ClientHelloReading)] = [
        (message(nil), hello(nil)),
        (message([]), hello(nil)),
        (message(serverName("A.EXAMPLE-1.test")), hello("a.example-1.test")),
        (message(serverName("a.example.")), hello("a.example")),
        (message(serverName("_x.a")), hello("_x.a")),
        (message(serverName("a"), version: [3, 1]), hello("a")),
        (message(serverName("a"), version: [3, 4]), hello("a")),
        (message(serverName("a"), session: 0), hello("a")),
        (message(protocols(["h2"]) + serverName("a")), hello("a", ["h2"])),
        (message(protocols(["acme-tls/1"])), hello(nil, ["acme-tls/1"])),
        (message(part(0x0A0A, []) + serverName("a") + part(0xFE0D, [1])), hello("a")),
        (
            message(serverName([String](repeating: "a", count: 127).joined(separator: "."))),
            hello([String](repeating: "a", count: 127).joined(separator: "."))
        ),
        (
            message(protocols((0..<40).map(String.init))),
            hello(nil, (0..<32).map(String.init))
        ),
    ]

    @Test("a hello says what it says", arguments: hellos)
    func good(message: [UInt8], expected: ClientHelloReading) {
        #expect(read(records(message)) == expected)
    }

    static let badMessages: [([UInt8], ClientHelloError)] = [
        (message(nil, version: [3, 0]), .version),
        (message(nil, version: [2, 0]), .version),
        (message(nil, session: 33), .length),
        (message(nil, suites: []), .length),
        (message(nil, suites: [0x13]), .length),
        (message(nil, compression: []), .length),
        (message(nil, behind: [0]), .length),
        (message([], behind: [0]), .length),
        (message([0]), .length),
        (message([0, 0]), .length),
        (message([0, 21, 0, 1]), .length),
        (message(part(0, [0])), .length),
        (message(part(0, [0, 0, 0])), .length),
        (message(part(0, [0, 0])), .serverName),
        (message(serverName("")), .serverName),
        (message(serverName(".")), .serverName),
        (message(serverName(".a")), .serverName),
        (message(serverName("a..b")), .serverName),
        (message(serverName("a..")), .serverName),
        (message(serverName("a b")), .serverName),
        (message(serverName("a\u{0}.b")), .serverName),
        (message(serverName("a/b")), .serverName),
        (message(serverName("[::1]")), .serverName),
        (message(serverName("é.example")), .serverName),
        (message(serverName(String(repeating: "a", count: 64))), .serverName),
        (
            message(serverName([String](repeating: "aa", count: 85).joined(separator: "."))),
            .serverName
        ),
        (message(serverName(Array("a".utf8), kind: 1)), .serverName),
        (
            message(
                part(0, length([0] + length([0x61], 2) + [0] + length([0x62], 2), 2))), .serverName
        ),
        (message(serverName("a") + serverName("a")), .repeatedExtension),
        (message(part(21, []) + part(21, [])), .repeatedExtension),
        (message(protocols([])), .protocols),
        (message(protocols([""])), .protocols),
        (message(part(16, [0, 2, 1])), .length),
        (message(part(16, [0, 2, 2, 0x61])), .length),
        (message(part(16, length([1, 0x61], 2) + [0])), .protocols),
        ([2, 0, 0, 0], .messageType),
        ([1, 0, 0x40, 1], .tooLong),
    ]

    @Test("a message that is no good hello is refused", arguments: badMessages)
    func badMessage(message: [UInt8], error: ClientHelloError) {
        #expect(read(records(message)) == .bad(error))
        #expect(read(records(message, of: 3)) == .bad(message.count > 3 * 64 ? .tooLong : error))
    }

    static let badRecords: [([UInt8], ClientHelloError)] = [
        (Array("GET / HTTP/1.1\r\n\r\n".utf8), .notTLS),
        (Array("SSH-2.0-x\r\n".utf8), .notTLS),
        (Array("PROXY TCP4 ".utf8), .notTLS),
        // A hello of SSL 2.
        ([0x80, 0x2E, 1, 3, 1], .notTLS),
        ([0x15, 3, 1, 0, 2, 2, 40], .notTLS),
        ([0x16, 2, 0], .record),
        ([0x16, 3, 1, 0, 0], .record),
        ([0x16, 3, 1, 0x40, 1], .record),
        (records([1, 0, 0, 40]) + [0x15, 3, 1, 0, 2, 2, 40], .recordType),
        (records([1, 0, 0, 40]) + [0x17], .recordType),
    ]

    @Test("what is no handshake record is refused", arguments: badRecords)
    func badRecord(bytes: [UInt8], error: ClientHelloError) {
        #expect(read(bytes) == .bad(error))
    }

    @Test("what can't become a hello is not waited for")
    func early() {
        #expect(read([]) == .needMore(1))
        // All of a record is waited for at once, or the message where that is shorter.
        #expect(read([0x16, 3, 1, 2, 0, 1, 0, 1, 0]) == .needMore(5 + 4 + 256))
        #expect(read([0x16, 3, 1, 0, 9, 1, 0, 1, 0]) == .needMore(5 + 9))
        #expect(read([0x47]) == .bad(.notTLS))
        #expect(read([0x16, 2]) == .bad(.record))
        #expect(read([0x16, 3, 1, 1, 0, 2]) == .bad(.messageType))
        #expect(read([0x16, 3, 1, 1, 0, 1, 0xFF, 0xFF, 0xFF]) == .bad(.tooLong))
    }

    @Test("each kind of error has bytes that show it, and a sentence of its own")
    func errors() {
        let shown = Set((Self.badMessages.map(\.1) + Self.badRecords.map(\.1)).map(\.sentence))
        #expect(shown == Set(ClientHelloError.allCases.map(\.sentence)))
        #expect(shown.count == ClientHelloError.allCases.count)
    }
}
