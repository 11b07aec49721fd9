// CRC32C: the checksum that a header of version 2 may carry (RFC 4960, appendix B).

/// The checksum of Castagnoli, bit by bit: few headers have one, and they are short.
enum CRC32C {
    /// The checksum of `bytes` with zeros in place of what is at `zeros`.
    static func checksum(of bytes: Span<UInt8>, withZerosAt zeros: Range<Int>) -> UInt32 {
        var register = UInt32.max
        for index in bytes.indices {
            register ^= zeros.contains(index) ? 0 : UInt32(bytes[index])
            for _ in 0..<8 {
                register = register >> 1 ^ (register & 1 == 1 ? 0x82F6_3B78 : 0)
            }
        }
        return ~register
    }
}
