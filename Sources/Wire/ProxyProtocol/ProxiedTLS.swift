// ProxiedTLS: what a proxy says of its client's TLS in a PROXY header of version 2
// (proxy-protocol.txt, section 2.2.6).

/// What is said of a client that speaks TLS with the proxy. Value type, any thread.
package struct ProxiedTLS: Equatable, Sendable {
    /// Whether the client showed a certificate on this connection.
    package var showedCertificate = false
    /// Whether the client showed a certificate on this connection, or on the one whose session it
    /// resumed.
    package var hasCertificate = false
    /// Whether that certificate was verified.
    package var isVerified = false
    /// The protocol, as it is written: `TLSv1.3`; 1 to 255 bytes. Nil when nothing is said.
    package var version: [UInt8]?
    /// The cipher suite by its name in OpenSSL, 1 to 255 bytes; nil when nothing is said.
    package var cipher: [UInt8]?
    /// The common name of the subject of the client's certificate, 1 to 255 bytes, in UTF-8 if the
    /// proxy keeps to the rules; nil when nothing is said.
    package var commonName: [UInt8]?

    /// TLS of which nothing more is known.
    package init() {}

    /// The longest of the texts, in bytes; X.509 has no common names above 64 characters.
    package static let textBytesMax = 255

    /// The bits that say what the client has done (`client`).
    private enum Flag {
        static let tls: UInt8 = 1
        static let showedCertificate: UInt8 = 2
        static let hasCertificate: UInt8 = 4
    }

    /// The types of the vectors within the vector.
    private enum VectorType {
        static let version: UInt8 = 0x21
        static let commonName: UInt8 = 0x22
        static let cipher: UInt8 = 0x23
    }

    // MARK: - Reading

    /// What the value of the vector in `bytes` says; nil where the client speaks no TLS. A text
    /// that is too long is left out.
    static func read(_ bytes: Span<UInt8>) throws(ProxyHeaderError) -> ProxiedTLS? {
        guard bytes.count >= 5 else { throw .vectorValue }
        var tls = ProxiedTLS()
        tls.showedCertificate = bytes[0] & Flag.showedCertificate != 0
        tls.hasCertificate = bytes[0] & Flag.hasCertificate != 0
        let hasCertificate = tls.showedCertificate || tls.hasCertificate
        tls.isVerified = hasCertificate && (1..<5).allSatisfy { bytes[$0] == 0 }
        try ProxyHeader.readVectors(bytes, from: 5) { type, value throws(ProxyHeaderError) in
            guard let field = field(type) else { return }
            guard tls[keyPath: field] == nil else { throw .repeatedVector }
            guard !value.isEmpty, value.count <= textBytesMax else { return }
            tls[keyPath: field] = value.map { bytes[$0] }
        }
        return bytes[0] & Flag.tls == 0 ? nil : tls
    }

    private static func field(_ type: UInt8) -> WritableKeyPath<ProxiedTLS, [UInt8]?>? {
        switch type {
        case VectorType.version: \.version
        case VectorType.commonName: \.commonName
        case VectorType.cipher: \.cipher
        default: nil
        }
    }

    // MARK: - Writing

    /// The value of the vector. A client without a verified certificate is not verified.
    ///
    /// - Precondition: the texts keep to their lengths.
    var value: [UInt8] {
        var out = [Flag.tls]
        if showedCertificate { out[0] |= Flag.showedCertificate }
        if hasCertificate { out[0] |= Flag.hasCertificate }
        out += [0, 0, 0, isVerified ? 0 : 1]
        for type in [VectorType.version, VectorType.commonName, VectorType.cipher] {
            guard let field = Self.field(type), let text = self[keyPath: field] else { continue }
            ProxyHeader.append(type, text, Self.textBytesMax, to: &out)
        }
        return out
    }
}
