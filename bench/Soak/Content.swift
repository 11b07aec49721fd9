// Content: bytes that both ends of a transfer compute from its number, so that neither has to
// tell the other.

internal import Random

/// A run of bytes that look compressed, mixed with what a careless parser takes for a body's end.
/// Value type.
struct Content {
    /// What the bytes depend on.
    let key: UInt64
    /// How many there are.
    let length: Int

    /// "0\r\n\r\n", a last chunk, in the middle of eight bytes.
    private static let decoy: UInt64 = 0x4820_0a0d_0a0d_300a

    /// The bytes from `start` to `end`, which is at most `length`.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            var word: UInt64 = 0
            var wordIndex = -1
            for offset in range {
                if offset >> 3 != wordIndex {
                    wordIndex = offset >> 3
                    word = self.word(wordIndex)
                }
                unsafe buffer[offset - range.lowerBound] = UInt8(
                    truncatingIfNeeded: word >> UInt64((offset & 7) * 8))
            }
            count = range.count
        }
    }

    /// The first place where `bytes`, which begin at `offset`, are not these; nil when all are
    /// right.
    func firstDifference(_ bytes: ArraySlice<UInt8>, at offset: Int) -> Int? {
        guard offset + bytes.count <= length else { return length }
        let expected = self.bytes(offset..<offset + bytes.count)
        if expected.elementsEqual(bytes) { return nil }
        return zip(expected, bytes).enumerated().first { $0.element.0 != $0.element.1 }
            .map { offset + $0.offset }
    }

    private func word(_ index: Int) -> UInt64 {
        if index & 15 == 7 { return Self.decoy }
        var numbers = SplitMix64(seed: key &+ UInt64(index))
        return numbers.next()
    }
}
