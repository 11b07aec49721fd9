// Goal: no bytes trap the decoder, and whatever it accepts survives a round trip.
// Method: a seeded generator makes messages, and flips bits in vectors; the seed is in every
// failure.

import DNSWire
import Random
import TestSupport
import Testing

extension SplitMix64 {
    mutating func bytes(_ range: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: range, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self)
        }
    }

    /// Few different labels, so that names share suffixes and compression has work to do.
    mutating func name() throws -> DomainName {
        let labels = ["consul", "service", "WEB", "web", #"a\.b"#, #"\000"#, "_tcp", "i17"]
        let count = Int.random(in: 0...6, using: &self)
        guard count > 0 else { return .root }
        var text: [String] = []
        for _ in 0..<count { text.append(labels.randomElement(using: &self) ?? "x") }
        return try DomainName(text.joined(separator: "."))
    }

    mutating func data() throws -> RecordData {
        switch Int.random(in: 0...8, using: &self) {
        case 0: .a(UInt32.random(in: 0...UInt32.max, using: &self))
        case 1: .aaaa(high: next(), low: next())
        case 2:
            .srv(
                .init(
                    priority: .random(in: 0...65_535, using: &self), weight: 1, port: 2,
                    target: try name()))
        case 3: .cname(try name())
        case 4: .ns(try name())
        case 5: .ptr(try name())
        case 6: .txt([bytes(0...255), bytes(0...3)])
        case 7:
            .soa(
                .init(
                    primaryServer: try name(), mailbox: try name(), serial: 1, refreshSeconds: 2,
                    retrySeconds: 3, expireSeconds: 4, minimumSeconds: UInt32.max))
        default:
            .other(RecordType(rawValue: .random(in: 256...65_535, using: &self)), bytes(0...40))
        }
    }

    mutating func records() throws -> [ResourceRecord] {
        var records: [ResourceRecord] = []
        for _ in 0..<Int.random(in: 0...12, using: &self) {
            let ttl = UInt32.random(in: 0...0x7fff_ffff, using: &self)
            records.append(ResourceRecord(try name(), ttlSeconds: ttl, try data()))
        }
        return records
    }

    mutating func message() throws -> Message {
        let edns = Message.EDNS(
            udpPayloadOctetsMax: .random(in: 512...65_535, using: &self),
            version: UInt8.random(in: 0...255, using: &self),
            isDNSSECWanted: Bool.random(using: &self),
            options: [.init(code: 10, data: bytes(0...40))])
        let hasEDNS = Bool.random(using: &self)
        return Message(
            id: .random(in: 0...65_535, using: &self), flags: [.response, .authenticData],
            opcode: Opcode(rawValue: .random(in: 0...15, using: &self)),
            responseCode: ResponseCode(
                rawValue: .random(in: 0...(hasEDNS ? 4_095 : 15), using: &self)),
            question: Bool.random(using: &self) ? Question(try name(), .any) : nil,
            answers: try records(), authorities: try records(), additionals: try records(),
            edns: hasEDNS ? edns : nil)
    }
}

@Suite struct PropertyTests {
    @Test("any message decodes to what was encoded", arguments: 0..<400 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let message = try generator.message()
        var bytes: [UInt8] = []
        #expect(message.encode(into: &bytes, maximumSize: Message.octetsMax))
        #expect(try Message(decoding: bytes) == message)
    }

    @Test(
        "flipped bits are an error or a message, and that message survives a round trip",
        arguments: vectors)
    func bitFlips(vector: Vector) throws {
        var generator = SplitMix64(seed: 20_26)
        let buffer = GuardedBuffer(capacity: vector.bytes.count)
        var accepted = 0
        var refused = 0
        for round in 0..<2_000 {
            var bytes = vector.bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            }
            guard let message = buffer.withBytes(bytes, { try? Message(decoding: $0) }) else {
                refused += 1
                continue
            }
            accepted += 1
            var again: [UInt8] = []
            message.encode(into: &again, maximumSize: Message.octetsMax)
            let read = try Message(decoding: again)
            // The reason why data can't be read names their place, which may be another now.
            let records = message.answers + message.authorities + message.additionals
            let isReadable = records.allSatisfy { record in
                if case .unreadable = record.data { false } else { true }
            }
            if isReadable { try #require(read == message, "round \(round)") }
        }
        // The loop has seen both sides, or it has tested nothing.
        #expect(accepted > 0)
        #expect(refused > 0)
    }

    @Test("names that all lead through the longest chain are read in one pass")
    func pointerBomb() throws {
        // A question name of 126 labels of one octet; then records whose owner points to it.
        let name = [UInt8](repeatElement([1, 97], count: 126).joined()) + [0]
        let count = 5_000
        var bytes: [UInt8] = [
            0, 0, 0x80, 0, 0, 1, UInt8(count >> 8), UInt8(count & 255), 0, 0, 0, 0,
        ]
        bytes += name + [0, 1, 0, 1]
        for _ in 0..<count { bytes += [0xc0, 12, 0, 99, 0, 1, 0, 0, 0, 0, 0, 0] }
        let message = try Message(decoding: bytes)
        #expect(message.answers.count == count)
        #expect(message.answers[count - 1].name.wireOctets == name)
    }
}
