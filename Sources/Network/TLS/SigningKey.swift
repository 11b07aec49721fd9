// SigningKey: a P-256 key that Fairlead makes itself, what it signs, and the certificates and
// requests for certificates that are made with it.

internal import COpenSSL

/// Why a key can't be used to sign. Value type, any thread.
package enum SigningKeyProblem: Error, Equatable, Sendable {
    /// The text has no private key, or one that can't be read, as the library says.
    case unreadable(String)
    /// The key is not for the curve P-256.
    case wrongKind
}

extension SigningKeyProblem: CustomStringConvertible {
    /// The reason.
    package var description: String {
        switch self {
        case .unreadable(let text): "the key can't be read (\(text))"
        case .wrongKind: "the key is not for the curve P-256"
        }
    }
}

/// A private key for the curve P-256, with its public part. The library is loaded by now. One
/// thread at a time.
@safe package final class SigningKey {
    // OpenSSL's own; never nil, freed in deinit.
    let pointer: OpaquePointer

    /// A new key.
    package init() {
        guard let made = unsafe openssl_make_key() else {
            preconditionFailure("no memory or no random bytes for a key")
        }
        unsafe pointer = made
    }

    /// The key in `pem`.
    package init(pem: [UInt8]) throws(SigningKeyProblem) {
        do throws(CertificateProblem) {
            unsafe pointer = try PrivateKey.read(pem)
        } catch {
            throw .unreadable("\(error)")
        }
        guard isP256 else { throw .wrongKind }
    }

    deinit {
        unsafe openssl().pointee.EVP_PKEY_free(pointer)
    }

    private var isP256: Bool {
        var name = [CChar](repeating: 0, count: 32)
        var count = 0
        // The room is the array's own, for the time of the call.
        let isKnown = unsafe name.withUnsafeMutableBufferPointer { room in
            unsafe openssl().pointee.EVP_PKEY_get_group_name(
                pointer, room.baseAddress, room.count, &count)
        }
        let text = name.prefix(count).map(UInt8.init(bitPattern:))
        return isKnown == 1
            && ["prime256v1", "P-256"].contains(String(decoding: text, as: UTF8.self))
    }

    /// The private key in PEM, without a passphrase.
    package var pem: [UInt8] {
        unsafe OpenSSL.written { sink in
            unsafe openssl().pointee.PEM_write_bio_PrivateKey(sink, pointer, nil, nil, 0, nil, nil)
        }
    }

    /// The public key's coordinates, 32 bytes each, the most significant first.
    package var coordinates: (x: [UInt8], y: [UInt8]) {
        (coordinate(OSSL_PKEY_PARAM_EC_PUB_X), coordinate(OSSL_PKEY_PARAM_EC_PUB_Y))
    }

    private func coordinate(_ name: String) -> [UInt8] {
        var number: OpaquePointer?
        unsafe _ = openssl().pointee.EVP_PKEY_get_bn_param(pointer, name, &number)
        guard let number = unsafe number else { preconditionFailure("a key of P-256 has it") }
        defer { unsafe openssl().pointee.BN_free(number) }
        return unsafe OpenSSL.bytes(of: number, count: 32)
    }

    /// The signature of `content` by ECDSA with SHA-256, as JOSE has it: both numbers with 32 bytes
    /// each (RFC 7518, section 3.4).
    package func signature(of content: [UInt8]) -> [UInt8] {
        guard let context = unsafe openssl().pointee.EVP_MD_CTX_new() else {
            preconditionFailure("out of memory")
        }
        defer { unsafe openssl().pointee.EVP_MD_CTX_free(context) }
        // The largest in DER: two numbers of 33 bytes, and what names them.
        var der = [UInt8](repeating: 0, count: 80)
        var count = der.count
        // The arrays' own memory, for the time of the call.
        let isSigned = unsafe der.withUnsafeMutableBufferPointer { room in
            unsafe openssl().pointee.EVP_DigestSignInit(
                context, nil, openssl().pointee.EVP_sha256(), nil, pointer) == 1
                && openssl().pointee.EVP_DigestSign(
                    context, room.baseAddress, &count, content, content.count) == 1
        }
        precondition(isSigned, "no memory or no random bytes for a signature")
        let parsed = unsafe der.withUnsafeBufferPointer { bytes in
            var place = bytes.baseAddress
            return unsafe openssl().pointee.d2i_ECDSA_SIG(nil, &place, count)
        }
        guard let parsed = unsafe parsed else { preconditionFailure("OpenSSL reads its own") }
        defer { unsafe openssl().pointee.ECDSA_SIG_free(parsed) }
        return unsafe OpenSSL.bytes(of: openssl().pointee.ECDSA_SIG_get0_r(parsed), count: 32)
            + OpenSSL.bytes(of: openssl().pointee.ECDSA_SIG_get0_s(parsed), count: 32)
    }
}

extension OpenSSL {
    /// A number as `count` bytes, which are enough for it, the most significant first.
    fileprivate static func bytes(of number: OpaquePointer?, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // The array's own memory, for the time of the call.
        let written = unsafe bytes.withUnsafeMutableBufferPointer { room in
            unsafe openssl().pointee.BN_bn2binpad(number, room.baseAddress, Int32(count))
        }
        precondition(written == count, "the number has as many bytes")
        return bytes
    }

    /// What `body` writes to a sink, and returns 1 for.
    static func written(_ body: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let sink = unsafe openssl().pointee.BIO_new(openssl().pointee.BIO_s_mem()) else {
            preconditionFailure("out of memory")
        }
        defer { unsafe _ = openssl().pointee.BIO_free(sink) }
        let result = unsafe body(sink)
        precondition(result == 1, "out of memory")
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            var count = 0
            // The array's own memory, for the time of the call.
            unsafe part.withUnsafeMutableBufferPointer { room in
                unsafe _ = openssl().pointee.BIO_read_ex(
                    sink, room.baseAddress, room.count, &count)
            }
            guard count > 0 else { return all }
            all += part.prefix(count)
        }
    }
}
