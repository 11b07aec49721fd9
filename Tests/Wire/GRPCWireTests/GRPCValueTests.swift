// Goal: the values of gRPC's fields mean what the protocol says, and any other means nothing.
// Method: tables.

import GRPCWire
import Testing

@Suite struct GRPCValueTests {
    @Test(
        "a status has one to three digits",
        arguments: [
            ("0", 0), ("14", 14), ("999", 999), ("007", 7), ("", nil), ("1000", nil), ("-1", nil),
            ("1a", nil), (" 1", nil), ("1 ", nil),
        ] as [(String, Int?)])
    func status(value: String, code: Int?) {
        #expect(GRPCStatus(Array(value.utf8).span)?.code == code)
    }

    @Test("a status is told by its number, and by its name if it has one")
    func names() {
        #expect("\(GRPCStatus.unavailable)" == "14 (UNAVAILABLE)")
        #expect("\(GRPCStatus(code: 16))" == "16 (UNAUTHENTICATED)")
        #expect("\(GRPCStatus(code: 17))" == "17")
        #expect(GRPCStatus.unimplemented.name == "UNIMPLEMENTED")
        #expect(GRPCStatus.internal.name == "INTERNAL")
        #expect(GRPCStatus.resourceExhausted.name == "RESOURCE_EXHAUSTED")
    }

    @Test(
        "a time has up to eight digits and a unit",
        arguments: [
            ("1n", 1), ("1u", 1000), ("10m", 10_000_000), ("2S", 2_000_000_000),
            ("1M", 60_000_000_000), ("2H", 7_200_000_000_000), ("6n", 6),
            ("99999999S", 99_999_999_000_000_000), ("99999999M", 5_999_999_940_000_000_000),
            // Hours can be more than 64 bits of nanoseconds.
            ("5124095H", 18_446_742_000_000_000_000), ("5124096H", .max), ("99999999H", .max),
            ("1", nil), ("S", nil), ("123456789S", nil), ("1s", nil), ("-1S", nil), ("1.5S", nil),
            ("", nil),
        ] as [(String, UInt64?)])
    func parsing(value: String, expected: UInt64?) {
        #expect(GRPCTimeout.nanoseconds(Array(value.utf8).span) == expected)
    }

    private func text(_ nanoseconds: UInt64) -> String {
        let bytes = [UInt8](capacity: GRPCTimeout.bytesMax) {
            GRPCTimeout.append(nanoseconds, to: &$0)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "a time is written as exactly as eight digits allow, and never as a longer one",
        arguments: [
            (0, "0n"), (7, "7n"), (99_999_999, "99999999n"), (100_000_000, "100000u"),
            (1_999_999_999, "1999999u"), (99_999_999_999, "99999999u"),
            (100_000_000_000, "100000m"), (100_000_000_000_000, "100000S"),
            (100_000_000_000_000_000, "1666666M"), (.max, "5124095H"),
        ] as [(UInt64, String)])
    func writing(nanoseconds: UInt64, expected: String) {
        #expect(text(nanoseconds) == expected)
    }

    @Test("what is written reads as no more than what it was, and hardly less")
    func roundTrip() throws {
        for shift in 0..<64 {
            for value in [UInt64(1) << UInt64(shift), .max >> UInt64(shift)] {
                let text = Array(text(value).utf8)
                let found = GRPCTimeout.nanoseconds(text.span)
                let read = try #require(found)
                #expect(read <= value && value - read <= value / 100_000)
            }
        }
    }
}
