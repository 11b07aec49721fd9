// What a certificate says of itself.

internal import COpenSSL
internal import Glibc

extension CertificateChain {
    /// How many certificates there are.
    package var count: Int { 1 + others.count }

    /// The name of the one that the first was issued to.
    package var subject: String {
        unsafe Self.text(of: openssl().pointee.X509_get_subject_name(first))
    }

    /// The public key that the first is for.
    package var publicKey: PublicKey {
        unsafe PublicKey(of: openssl().pointee.X509_get0_pubkey(first))
    }

    /// The name of the one that issued the first.
    package var issuer: String {
        unsafe Self.text(of: openssl().pointee.X509_get_issuer_name(first))
    }

    private static func text(of name: OpaquePointer?) -> String {
        var text = [CChar](repeating: 0, count: 256)
        // OpenSSL ends the text with a zero within the room it is given.
        unsafe text.withUnsafeMutableBufferPointer { room in
            unsafe _ = openssl().pointee.X509_NAME_oneline(
                name, room.baseAddress, Int32(room.count))
        }
        return OpenSSL.text(in: text)
    }

    /// When the first begins, in seconds of Unix time; 0 when that can't be read.
    var notBefore: Int {
        unsafe Self.seconds(openssl().pointee.X509_get0_notBefore(first))
    }

    /// When the first ends, in seconds of Unix time; 0 when that can't be read.
    package var notAfter: Int { unsafe Self.seconds(openssl().pointee.X509_get0_notAfter(first)) }

    static func seconds(_ moment: UnsafePointer<ASN1_TIME>?) -> Int {
        var time = unsafe tm()
        guard unsafe openssl().pointee.ASN1_TIME_to_tm(moment, &time) == 1 else { return 0 }
        return unsafe timegm(&time)
    }

    /// Whether the first is its own issuer, by name and key.
    package var isSelfSigned: Bool {
        unsafe openssl().pointee.X509_get_extension_flags(first) & UInt32(EXFLAG_SS) != 0
    }

    /// Whether the first is an authority's, and for no host.
    package var isBareAuthority: Bool {
        unsafe openssl().pointee.X509_get_extension_flags(first) & UInt32(EXFLAG_CA) != 0
            && names.isEmpty
    }

    /// Whether the first has proofs that public logs know it (RFC 6962, section 3.3).
    var isLogged: Bool {
        unsafe openssl().pointee.X509_get_ext_by_NID(first, NID_ct_precert_scts, -1) >= 0
    }

    /// The first's SHA-256, in hexadecimal digits, as `openssl x509 -fingerprint` has it but for
    /// the colons.
    package var fingerprint: String {
        var digest = [UInt8](repeating: 0, count: 32)
        // SHA-256 has 32 bytes.
        unsafe digest.withUnsafeMutableBufferPointer { room in
            unsafe _ = openssl().pointee.X509_digest(
                first, openssl().pointee.EVP_sha256(), room.baseAddress, nil)
        }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The DNS names of the extension subjectAltName (RFC 5280, section 4.2.1.6), in lower case.
    /// The common name is not looked at: no client has done that for years.
    package var names: [String] {
        unsafe AlternativeName.all(of: first).filter { $0.kind == GEN_DNS }
            .map { String(decoding: $0.value, as: UTF8.self).lowercased() }
    }

    /// The IP addresses of that extension, of 4 or 16 bytes each unless it is malformed.
    var addresses: [[UInt8]] {
        unsafe AlternativeName.all(of: first).filter { $0.kind == GEN_IPADD }.map(\.value)
    }
}
