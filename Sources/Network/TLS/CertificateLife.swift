// CertificateLife: from when to when a certificate is valid, and how its issuer knows it again.

internal import COpenSSL

/// What a renewal has to know of a certificate. Value type, any thread.
package struct CertificateLife: Equatable, Sendable {
    /// When it begins, in seconds of Unix time; 0 when that can't be read.
    package let begins: Int
    /// When it ends, in seconds of Unix time; 0 when that can't be read.
    package let ends: Int
    /// The identifier of its issuer's key, as the certificate has it; nil without one.
    package let authorityKeyID: [UInt8]?
    /// The bytes of its serial number as DER has them, without tag and length.
    package let serialNumber: [UInt8]

    /// What the first certificate of `chain` says, in PEM. The library is loaded by now.
    package init(chain: [UInt8]) throws(CertificateProblem) {
        let chain = try CertificateChain(chain)
        begins = chain.notBefore
        ends = chain.notAfter
        authorityKeyID = chain.authorityKeyID
        serialNumber = chain.serialNumber
    }
}

extension CertificateChain {
    /// The identifier of the issuer's key (RFC 5280, section 4.2.1.1); nil without one.
    var authorityKeyID: [UInt8]? {
        let identifier = unsafe openssl().pointee.X509_get0_authority_key_id(first)
        return unsafe identifier.map { unsafe Self.bytes(of: $0) }
    }

    /// The bytes of the serial number as DER has them, without tag and length.
    var serialNumber: [UInt8] {
        let serial = unsafe openssl().pointee.X509_get0_serialNumber(first)
        let number = unsafe serial.map { unsafe Self.bytes(of: $0) } ?? []
        // OpenSSL leaves out the zero by which DER tells that a number is not below it.
        return number.first.map { $0 >= 0x80 } == true ? [0] + number : number
    }

    private static func bytes(of text: UnsafePointer<ASN1_STRING>) -> [UInt8] {
        // The certificate's own, copied at once.
        unsafe Array(
            UnsafeBufferPointer(
                start: openssl().pointee.ASN1_STRING_get0_data(text),
                count: Int(openssl().pointee.ASN1_STRING_length(text))))
    }
}
