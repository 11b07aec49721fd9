// CertificateMaker: certificates that their own key signs, and requests for certificates of a
// certificate authority.

internal import COpenSSL

extension SigningKey {
    /// A certificate of this key for `names` that the key signs itself, in PEM. It begins an hour
    /// ago, since clocks differ, and ends `days` (1 to 825) from now.
    ///
    /// A client that does not know it refuses it: it is for tests and demonstrations, for a
    /// listener whose certificate is still to come, and, with `acmeIdentifier`, for a certificate
    /// authority that checks who answers for a name (RFC 8737, section 3).
    ///
    /// - Parameters:
    ///   - names: host names, `*.example.com` among them, or IP addresses, as text; one at least.
    ///   - acmeIdentifier: the digest of a challenge's key authorization, with 32 bytes; nil for
    ///     other certificates.
    package func selfSigned(
        for names: [String], subject: String = "Fairlead", days: Int,
        acmeIdentifier: [UInt8]? = nil
    ) -> [UInt8] {
        precondition((1...825).contains(days), "days of a certificate that browsers accept")
        guard let certificate = unsafe openssl().pointee.X509_new() else {
            preconditionFailure("out of memory")
        }
        defer { unsafe openssl().pointee.X509_free(certificate) }
        let name = unsafe openssl().pointee.X509_get_subject_name(certificate)
        let common = Array(subject.utf8.prefix(64))
        // Version 3 is the number 2 (RFC 5280, section 4.1.2.1); a serial number is at most 20
        // bytes, and no other has it.
        let isSet =
            unsafe openssl().pointee.X509_set_version(certificate, 2) == 1
            && openssl().pointee.ASN1_INTEGER_set_uint64(
                openssl().pointee.X509_get_serialNumber(certificate), .random(in: 1 ... .max)) == 1
            && openssl().pointee.X509_gmtime_adj(
                openssl().pointee.X509_getm_notBefore(certificate), -3600) != nil
            && openssl().pointee.X509_gmtime_adj(
                openssl().pointee.X509_getm_notAfter(certificate), days * 86400) != nil
            && openssl().pointee.X509_NAME_add_entry_by_txt(
                name, "CN", MBSTRING_UTF8, common, Int32(common.count), -1, 0) == 1
            && openssl().pointee.X509_set_issuer_name(certificate, name) == 1
            && openssl().pointee.X509_set_pubkey(certificate, pointer) == 1
        precondition(isSet, OpenSSL.takeErrorText() ?? "out of memory")
        var extensions = [
            ("subjectAltName", Self.alternatives(names)),
            ("basicConstraints", "critical,CA:FALSE"),
            ("keyUsage", "critical,digitalSignature"),
            ("extendedKeyUsage", "serverAuth"),
        ]
        if let acmeIdentifier {
            precondition(acmeIdentifier.count == SHA256.byteCount, "a digest of SHA-256")
            // An octet string of 32 bytes.
            let text = ([4, 32] + acmeIdentifier).map(Self.hexadecimal).joined(separator: ":")
            extensions.append(("1.3.6.1.5.5.7.1.31", "critical,DER:" + text))
        }
        for (name, value) in extensions {
            let made = unsafe Self.made(name, value)
            unsafe _ = openssl().pointee.X509_add_ext(certificate, made, -1)
            unsafe openssl().pointee.X509_EXTENSION_free(made)
        }
        let size = unsafe openssl().pointee.X509_sign(
            certificate, pointer, openssl().pointee.EVP_sha256())
        precondition(size > 0, "no memory or no random bytes for a signature")
        return unsafe OpenSSL.written { sink in
            unsafe openssl().pointee.PEM_write_bio_X509(sink, certificate)
        }
    }

    /// A request for a certificate of this key for `names`, in DER (PKCS #10, RFC 2986): host names
    /// or IP addresses, as text; one at least. It has no subject, since names alone matter.
    package func certificateRequest(for names: [String]) -> [UInt8] {
        guard let request = unsafe openssl().pointee.X509_REQ_new(),
            let list = unsafe openssl().pointee.OPENSSL_sk_new_null()
        else { preconditionFailure("out of memory") }
        let alternatives = unsafe Self.made("subjectAltName", Self.alternatives(names))
        defer {
            unsafe openssl().pointee.X509_REQ_free(request)
            unsafe openssl().pointee.X509_EXTENSION_free(alternatives)
            unsafe openssl().pointee.OPENSSL_sk_free(list)
        }
        let isMade =
            unsafe openssl().pointee.X509_REQ_set_pubkey(request, pointer) == 1
            && openssl().pointee.OPENSSL_sk_push(list, UnsafeRawPointer(alternatives)) > 0
            && openssl().pointee.X509_REQ_add_extensions(request, list) == 1
            && openssl().pointee.X509_REQ_sign(
                request, pointer, openssl().pointee.EVP_sha256()) > 0
        precondition(isMade, "no memory or no random bytes for a request")
        let count = unsafe openssl().pointee.i2d_X509_REQ(request, nil)
        var der = [UInt8](repeating: 0, count: Int(count))
        // OpenSSL writes as many bytes as it has just said.
        unsafe der.withUnsafeMutableBufferPointer { room in
            var place = room.baseAddress
            unsafe _ = openssl().pointee.i2d_X509_REQ(request, &place)
        }
        return der
    }

    /// The extension's value for `names`, as OpenSSL's configuration files write it.
    private static func alternatives(_ names: [String]) -> String {
        precondition(!names.isEmpty, "a certificate is for a name")
        return names.map { name in
            let isPlain = name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"), UInt8(ascii: "*"), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
            // Another character could begin another entry.
            precondition(isPlain && !name.isEmpty, "a name or address is checked before")
            return (isAddress(name) ? "IP:" : "DNS:") + name
        }.joined(separator: ",")
    }

    /// Whether `name` is an IP address: it has a colon, or ends in a number, as no host name does.
    private static func isAddress(_ name: String) -> Bool {
        name.contains(":")
            || name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
                .last?.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } == true
    }

    /// The extension; the caller frees it.
    private static func made(_ name: String, _ value: String) -> OpaquePointer {
        unsafe openssl().pointee.ERR_clear_error()
        guard let made = unsafe openssl_make_extension(name, value) else {
            preconditionFailure("\(name): \(OpenSSL.takeErrorText() ?? "out of memory")")
        }
        return unsafe made
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }
}
