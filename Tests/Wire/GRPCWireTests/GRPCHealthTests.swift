// Goal: a health service is asked as gRPC has it, and of its answer nothing is believed that it
// does not say. Method: messages byte by byte, as protobuf writes them, and broken ones.

import GRPCWire
import Testing

@Suite struct GRPCHealthTests {
    @Test("the whole server is asked about by an empty message")
    func wholeServer() {
        #expect(GRPCHealth.question(about: "") == [0, 0, 0, 0, 0])
    }

    @Test("a service is the first field of the message")
    func service() {
        #expect(
            GRPCHealth.question(about: "a.B") == [0, 0, 0, 0, 5, 0x0A, 3] + Array("a.B".utf8))
        let long = String(repeating: "x", count: 200)
        #expect(
            GRPCHealth.question(about: long)
                == [0, 0, 0, 0, 203, 0x0A, 0xC8, 0x01] + Array(long.utf8))
    }

    private static func framed(_ message: [UInt8]) -> [UInt8] { GRPCMessage.framed(message) }

    @Test(
        "an answer says what its last status says",
        arguments: [
            ([0x08, 1], .serving), ([0x08, 2], .notServing), ([0x08, 0], .unknown), ([], .unknown),
            ([0x08, 3], .serviceUnknown), ([0x08, 4], .other(4)), ([0x08, 2, 0x08, 1], .serving),
            // Numbers may be longer than they need to be.
            ([0x08, 0x81, 0x00], .serving), ([0x88, 0x00, 1], .serving),
            ([0x08] + [UInt8](repeating: 0xFF, count: 9) + [1], .other(.max)),
            // Fields of a later version of the protocol, of each type.
            ([0x12, 2, 7, 7, 0x08, 1, 0x18, 9], .serving),
            ([0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2D, 1, 2, 3, 4, 0x08, 1], .serving),
        ] as [([UInt8], GRPCHealth.Answer)])
    func statuses(message: [UInt8], answer: GRPCHealth.Answer) {
        #expect(GRPCHealth.answer(in: Self.framed(message).span) == answer)
    }

    @Test(
        "what is no message of the protocol says nothing",
        arguments: [
            [], [0], [0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 3, 0x08, 1],
            // Compressed; more behind it; a length beyond all that there can be.
            [1, 0, 0, 0, 2, 0x08, 1], [0, 0, 0, 0, 2, 0x08, 1, 0],
            [0, 0xFF, 0xFF, 0xFF, 0xFF, 0x08, 1],
            framed([0x08]), framed([0x08, 0x81]), framed([0x12, 3, 7, 7]), framed([0x21, 1]),
            framed([0x2D, 1, 2, 3]), framed([0x12]), framed([0x80]), framed([0x00, 1]),
            // A group, a type that there is not, and a number of eleven bytes.
            framed([0x0B, 0x0C]), framed([0x0E]),
            framed([0x08] + [UInt8](repeating: 0x80, count: 10) + [1]),
            framed([0x08] + [UInt8](repeating: 0xFF, count: 9) + [2]),
            framed([0x12] + [UInt8](repeating: 0xFF, count: 9) + [1]),
        ] as [[UInt8]])
    func malformed(body: [UInt8]) {
        #expect(GRPCHealth.answer(in: body.span) == .malformed)
    }
}
