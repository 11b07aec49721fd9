// AlternativeName: the names of a certificate's extension subjectAltName.

internal import COpenSSL

/// A name of the extension subjectAltName (RFC 5280, section 4.2.1.6): a text or an address. Value
/// type, any thread.
struct AlternativeName {
    /// The kind, as OpenSSL numbers them.
    let kind: Int32
    let value: [UInt8]

    /// The names of `certificate`, those alone that are texts or addresses.
    static func all(of certificate: OpaquePointer) -> [AlternativeName] {
        let found = unsafe openssl().pointee.X509_get_ext_d2i(
            certificate, NID_subject_alt_name, nil, nil)
        guard let found = unsafe found else { return [] }
        let list = OpaquePointer(found)
        var names: [AlternativeName] = []
        for place in 0..<(unsafe openssl().pointee.OPENSSL_sk_num(list)) {
            let item = unsafe openssl().pointee.OPENSSL_sk_value(list, place)
            guard let name = unsafe item?.assumingMemoryBound(to: GENERAL_NAME.self) else {
                continue
            }
            if let found = unsafe Self.read(name) { names.append(found) }
            unsafe openssl().pointee.GENERAL_NAME_free(name)
        }
        unsafe openssl().pointee.OPENSSL_sk_free(list)
        return names
    }

    private static func read(_ name: UnsafeMutablePointer<GENERAL_NAME>) -> AlternativeName? {
        var kind: Int32 = 0
        let value = unsafe openssl().pointee.GENERAL_NAME_get0_value(name, &kind)
        guard [GEN_DNS, GEN_URI, GEN_EMAIL, GEN_IPADD].contains(kind), let value = unsafe value
        else { return nil }
        return unsafe AlternativeName(
            kind: kind, value: OpenSSL.bytes(of: value.assumingMemoryBound(to: ASN1_STRING.self)))
    }

    /// The name behind its kind; nil for bytes that no name of its kind has.
    var text: String? {
        guard kind == GEN_IPADD || value.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        let written = String(decoding: value, as: UTF8.self)
        return switch kind {
        case GEN_DNS: "DNS:\(written)"
        case GEN_URI: "URI:\(written)"
        case GEN_EMAIL: "email:\(written)"
        case GEN_IPADD: address.map { "IP:\($0)" }
        default: nil
        }
    }

    private var address: String? {
        switch value.count {
        case 4: value.map { "\($0)" }.joined(separator: ".")
        case 16:
            stride(from: 0, to: 16, by: 2).map {
                String(UInt16(value[$0]) << 8 | UInt16(value[$0 + 1]), radix: 16)
            }.joined(separator: ":")
        default: nil
        }
    }
}

extension OpenSSL {
    /// A copy of a string's bytes.
    static func bytes(of text: UnsafePointer<ASN1_STRING>) -> [UInt8] {
        unsafe Array(
            UnsafeBufferPointer(
                start: openssl().pointee.ASN1_STRING_get0_data(text),
                count: Int(openssl().pointee.ASN1_STRING_length(text))))
    }
}
