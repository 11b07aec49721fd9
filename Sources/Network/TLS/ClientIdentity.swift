// ClientIdentity: who a client is by its certificate, which has been verified.

internal import COpenSSL

/// What a client's certificate says. Any thread.
package final class ClientIdentity: Sendable {
    /// The name of the one that it was issued to, as RFC 4514 writes it: `CN=web,O=Example`. It has
    /// visible ASCII and spaces alone.
    package let subject: String
    /// The first common name of the subject, in UTF-8, 1 to 255 bytes; nil where there is none, or
    /// it is longer, or has a control character, at which some readers would cut it off.
    package let commonName: String?
    /// The names of the extension subjectAltName (RFC 5280, section 4.2.1.6), each behind its kind:
    /// `DNS:web.example.com`, `URI:spiffe://a/b`, `email:a@b.example`, `IP:192.0.2.1`. They have
    /// visible ASCII alone: a name with anything else in it is left out.
    package let alternativeNames: [String]
    /// The serial number, in hexadecimal.
    package let serial: String
    /// The SHA-256 of the certificate, in hexadecimal, 64 digits.
    package let fingerprint: String
    /// The certificate in DER.
    package let certificate: [UInt8]

    /// What `certificate`, which OpenSSL owns, says.
    init(_ certificate: OpaquePointer) {
        subject = unsafe Self.subject(of: certificate)
        commonName = unsafe Self.commonName(of: certificate)
        alternativeNames = unsafe AlternativeName.all(of: certificate).compactMap(\.text)
        serial = unsafe Self.serial(of: certificate)
        self.certificate = unsafe Self.encoded(certificate)
        fingerprint = SHA256.digest(of: self.certificate).hexadecimal
    }
}

extension ClientIdentity {
    private static func subject(of certificate: OpaquePointer) -> String {
        let text = unsafe OpenSSL.written { sink in
            unsafe openssl_print_subject(sink, certificate)
            return 1
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func commonName(of certificate: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<UInt8>?
        let count = unsafe Int(openssl_copy_common_name(certificate, &text))
        guard count >= 0, let start = unsafe text else { return nil }
        defer { unsafe openssl().pointee.CRYPTO_free(start, nil, 0) }
        // As many bytes as OpenSSL has just said, which are ours until they are freed.
        let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
        guard (1...255).contains(count), unsafe !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { return nil }
        return unsafe String(validating: bytes, as: UTF8.self)
    }

    private static func serial(of certificate: OpaquePointer) -> String {
        guard let number = unsafe openssl().pointee.X509_get0_serialNumber(certificate) else {
            return ""
        }
        // RFC 5280 has none that is negative; certificates may.
        let isNegative = unsafe openssl().pointee.ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER
        return unsafe (isNegative ? "-" : "") + OpenSSL.bytes(of: number).hexadecimal
    }

    /// The certificate in DER.
    private static func encoded(_ certificate: OpaquePointer) -> [UInt8] {
        let count = unsafe Int(openssl().pointee.i2d_X509(certificate, nil))
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        // OpenSSL writes as many bytes as it has just said, and moves the pointer, which is a copy.
        unsafe bytes.withUnsafeMutableBufferPointer { room in
            var place = room.baseAddress
            unsafe _ = openssl().pointee.i2d_X509(certificate, &place)
        }
        return bytes
    }
}

extension ClientIdentity: Equatable {
    /// Whether both are of one certificate.
    package static func == (one: ClientIdentity, other: ClientIdentity) -> Bool {
        one.certificate == other.certificate
    }
}

extension [UInt8] {
    /// Two digits for each byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        let text = flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
