// PrivateKey: the key of a certificate, read from PEM. Its pointer is its own.

internal import COpenSSL

/// A private key of OpenSSL's. One thread at a time.
@safe package final class PrivateKey {
    // Never nil, and freed in deinit.
    let pointer: OpaquePointer
    /// The PEM that it was read from.
    package let text: [UInt8]

    /// Reads `text`, in PEM. The library is loaded by now.
    package init(_ text: [UInt8]) throws(CertificateProblem) {
        unsafe pointer = try Self.read(text)
        self.text = text
    }

    /// The private key in `text`, in PEM; the caller frees it.
    static func read(_ text: [UInt8]) throws(CertificateProblem) -> OpaquePointer {
        var wantsPassphrase = false
        let key = try unsafe PEMSource.lend(text, or: .noKey) { source in
            // Without a function of one's own OpenSSL asks at the terminal. Its argument lives as
            // long as the call.
            unsafe withUnsafeMutablePointer(to: &wantsPassphrase) { wanted in
                unsafe openssl().pointee.PEM_read_bio_PrivateKey(
                    source, nil,
                    { _, _, _, wanted in
                        unsafe wanted?.assumingMemoryBound(to: Bool.self).pointee = true
                        return -1
                    }, wanted)
            }
        }
        guard let key = unsafe key else {
            let said = OpenSSL.takeErrorText() ?? "for no reason that OpenSSL gives"
            if wantsPassphrase { throw .keyIsProtected }
            // What OpenSSL says of a text without a key differs from version to version.
            let hasKey = String(decoding: text, as: UTF8.self).contains("PRIVATE KEY-----")
            throw hasKey ? .badKey(said) : .noKey
        }
        return unsafe key
    }

    deinit {
        unsafe openssl().pointee.EVP_PKEY_free(pointer)
    }

    /// Its kind.
    var kind: Int32 { unsafe openssl().pointee.EVP_PKEY_get_base_id(pointer) }

    /// The public part, which the certificate has as well.
    package var publicKey: PublicKey { unsafe PublicKey(of: pointer) }

    /// What people call it: `P-256`, `RSA 2048`.
    var name: String {
        let bits = unsafe openssl().pointee.EVP_PKEY_get_bits(pointer)
        switch kind {
        case EVP_PKEY_RSA: return "RSA \(bits)"
        case EVP_PKEY_RSA_PSS: return "RSA-PSS \(bits)"
        case EVP_PKEY_ED25519: return "Ed25519"
        case EVP_PKEY_ED448: return "Ed448"
        case EVP_PKEY_EC:
            return switch group {
            case "prime256v1": "P-256"
            case "secp384r1": "P-384"
            case "secp521r1": "P-521"
            case let name: name.isEmpty ? "EC \(bits)" : name
            }
        case let kind: return "key \(kind)"
        }
    }

    /// The group of a key of elliptic curves, by its name in OpenSSL.
    private var group: String {
        var text = [CChar](repeating: 0, count: 64)
        // OpenSSL ends the text with a zero within the room it is given.
        let isKnown = unsafe text.withUnsafeMutableBufferPointer { room in
            unsafe openssl().pointee.EVP_PKEY_get_group_name(
                pointer, room.baseAddress, room.count, nil)
        }
        return isKnown == 1 ? OpenSSL.text(in: text) : ""
    }
}

/// The public part of a key: that of a certificate and of its private key are equal. Value type,
/// any thread.
package struct PublicKey: Hashable, Sendable {
    /// SubjectPublicKeyInfo (RFC 5280, section 4.1), in DER.
    private let bytes: [UInt8]

    /// That of `key`; nil is that of a certificate whose key can't be read, and equals no other.
    init(of key: OpaquePointer?) {
        var text: UnsafeMutablePointer<UInt8>?
        // OpenSSL allocates the text, which is copied and freed.
        let count = unsafe openssl().pointee.i2d_PUBKEY(key, &text)
        guard count > 0, let start = unsafe text else {
            bytes = []
            return
        }
        bytes = unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
        unsafe openssl().pointee.CRYPTO_free(start, nil, 0)
    }
}
