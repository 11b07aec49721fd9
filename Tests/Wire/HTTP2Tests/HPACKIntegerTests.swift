// Goal: integers are read as RFC 7541 section 5.1 has them, and nothing is read past the block.
// Method: the examples of its appendix C.1, every boundary there and back, and cut ones.

import HTTP2
import TestSupport
import Testing

private func read(_ bytes: [UInt8], prefix: Int) -> (value: Int?, end: Int) {
    let buffer = GuardedBuffer(capacity: bytes.count)
    return buffer.withBytes(bytes) { block in
        var offset = 0
        let value = HPACKInteger.read(block, at: &offset, prefix: prefix)
        return (value, offset)
    }
}

private func written(_ number: Int, prefix: Int, flags: UInt8) -> [UInt8] {
    [UInt8](capacity: HPACKInteger.bytesMax) { out in
        HPACKInteger.append(number, prefix: prefix, flags: flags, to: &out)
    }
}

@Suite struct HPACKIntegerTests {
    @Test(
        "the examples of RFC 7541 appendix C.1 are read and written",
        arguments: [
            (10, 5, [0x0A]), (1337, 5, [0x1F, 0x9A, 0x0A]), (42, 8, [0x2A]),
        ] as [(Int, Int, [UInt8])])
    func examples(number: Int, prefix: Int, bytes: [UInt8]) {
        #expect(read(bytes, prefix: prefix) == (number, bytes.count))
        #expect(written(number, prefix: prefix, flags: 0) == bytes)
    }

    @Test("what is written is read again, whatever stands in the other bits", arguments: 4...7)
    func roundTrip(prefix: Int) {
        let limit = (1 << prefix) - 1
        let around = [limit - 1, limit, limit + 1, limit + 127, limit + 128]
        for number in [0, 1, 16_384, 1 << 27] + around {
            for flags in [0, UInt8(0xFF) << UInt8(prefix)] {
                let bytes = written(number, prefix: prefix, flags: flags)
                #expect(bytes[0] & flags == flags)
                #expect(read(bytes, prefix: prefix) == (number, bytes.count))
            }
        }
    }

    @Test("a longer form than is needed is read up to five bytes behind the first")
    func padded() {
        #expect(read([0x1F, 0x80, 0x80, 0x80, 0x80, 0x00], prefix: 5) == (31, 6))
        #expect(read([0x1F, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], prefix: 5).value == nil)
    }

    @Test("an integer that the block cuts short is none")
    func cut() {
        let whole = written(1 << 27, prefix: 4, flags: 0)
        for count in 1..<whole.count {
            #expect(read(Array(whole.prefix(count)), prefix: 4).value == nil)
        }
    }
}
