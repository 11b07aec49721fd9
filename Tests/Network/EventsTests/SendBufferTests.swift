// Goal: a send buffer holds what was put into it, in order, however it grows, and releases memory
// that it was told not to keep. Method: pieces of every size around its capacity, read back.

import Events
import Testing

@Suite struct SendBufferTests {
    private func contents(_ buffer: SendBuffer) -> [UInt8] {
        buffer.withBytes { bytes in bytes.indices.map { bytes[$0] } }
    }

    @Test(
        "what is appended is there in order, before and after it grows",
        arguments: [0, 1, 7, 8, 9, 64])
    func appends(size: Int) {
        let buffer = SendBuffer(capacity: 8, keeping: 16)
        let piece = (0..<UInt8(size)).map { $0 }
        for round in 1...3 {
            var expected: [UInt8] = []
            for _ in 0..<round {
                buffer.append(piece.span)
                buffer.append(room: size + 3) { out in
                    for byte in piece.reversed() { out.append(byte) }
                }
                expected += piece + piece.reversed()
            }
            #expect(contents(buffer) == expected)
            #expect(buffer.count == expected.count && buffer.isEmpty == expected.isEmpty)
            buffer.removeAll()
            #expect(buffer.isEmpty && contents(buffer).isEmpty)
        }
    }

    @Test("spaces are put before what is there, and bytes in the place of others")
    func changes() {
        let buffer = SendBuffer(capacity: 8, keeping: 16)
        buffer.append(Array("abcdefgh".utf8).span)
        buffer.insertSpaces(3, at: 5)
        #expect(String(decoding: contents(buffer), as: UTF8.self) == "abcde   fgh")
        buffer.replace(from: 4, with: Array("12".utf8).span)
        #expect(String(decoding: contents(buffer), as: UTF8.self) == "abcd12  fgh")
        buffer.insertSpaces(0, at: 11)
        buffer.insertSpaces(2, at: 11)
        buffer.replace(from: 12, with: Array("z".utf8).span)
        #expect(String(decoding: contents(buffer), as: UTF8.self) == "abcd12  fgh z")
    }

    @Test("room is what was asked for, and no more")
    func room() async {
        await #expect(processExitsWith: .failure) {
            SendBuffer(capacity: 64, keeping: 64).append(room: 2) { out in
                for byte in 0..<3 as Range<UInt8> { out.append(byte) }
            }
        }
    }
}
