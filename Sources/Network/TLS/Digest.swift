// Digests: SHA-256, and what is built on it.

internal import COpenSSL

/// SHA-256 (FIPS 180-4). The library is loaded by now. Any thread.
package enum SHA256 {
    /// Bytes of a digest.
    package static let byteCount = 32

    /// The digest of `content`.
    package static func digest(of content: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        var count = 0
        // The arrays' own memory, for the time of the call.
        let result = unsafe digest.withUnsafeMutableBufferPointer { room in
            unsafe openssl().pointee.EVP_Q_digest(
                nil, "SHA256", nil, content, content.count, room.baseAddress, &count)
        }
        precondition(result == 1 && count == byteCount, "out of memory")
        return digest
    }

    /// The code by which one who has `key` knows `content` again (HMAC, RFC 2104).
    package static func authenticationCode(of content: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: byteCount)
        var count = 0
        // The arrays' own memory, for the time of the call.
        let result = unsafe code.withUnsafeMutableBufferPointer { room in
            unsafe openssl().pointee.EVP_Q_mac(
                nil, "HMAC", nil, "SHA256", nil, key, key.count, content, content.count,
                room.baseAddress, room.count, &count)
        }
        precondition(unsafe result != nil && count == byteCount, "out of memory")
        return code
    }
}
