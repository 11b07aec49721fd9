// TLSCertificate: a certificate's chain with its key, read from PEM and checked as a pair.
//
// The texts are kept, not what OpenSSL makes of them: each worker reads them again, so that no two
// threads count references of one key.

/// Why a certificate and a key can't be used together; the text says what to do. Value type, any
/// thread.
package enum CertificateProblem: Error, Equatable, Sendable {
    /// There is no certificate in the text.
    case noCertificate
    /// This certificate of the text, from 1, can't be read, as the library says.
    case badCertificate(Int, String)
    /// There is no private key in the text.
    case noKey
    /// The key is protected by a passphrase.
    case keyIsProtected
    /// The key can't be read, as the library says.
    case badKey(String)
    /// The key is not the one of the certificate.
    case keyMismatch(subject: String)
    /// The certificate is not valid any more.
    case expired(subject: String)
    /// The certificate is not valid yet.
    case notYetValid(subject: String)
    /// This certificate of the text, from 2, did not issue the one before it.
    case wrongIssuer(Int, subject: String)
    /// The authority that issued it is no root, and its certificate is not there.
    case noChain(subject: String, issuer: String)
    /// The library refuses it, for a weak key most often.
    case refused(subject: String, String)
}

extension CertificateProblem {
    /// Whether the file with the key has to be looked at, and not that with the certificate.
    package var isOfKey: Bool {
        switch self {
        case .noKey, .keyIsProtected, .badKey, .keyMismatch: true
        case .noCertificate, .badCertificate, .expired, .notYetValid, .wrongIssuer, .noChain,
            .refused:
            false
        }
    }
}

extension CertificateProblem: CustomStringConvertible {
    /// The reason, and what to do about it.
    package var description: String {
        switch self {
        case .noCertificate:
            "it has no certificate; expected PEM, which begins with -----BEGIN CERTIFICATE-----"
        case .badCertificate(let number, let text):
            "certificate \(number) can't be read (\(text)); write the file again"
        case .noKey:
            "it has no private key; expected PEM, which begins with -----BEGIN PRIVATE KEY-----"
        case .keyIsProtected:
            "the key needs a passphrase; write it without one: openssl pkey -in KEY -out NEW"
        case .badKey(let text): "the key can't be read (\(text)); write the file again"
        case .keyMismatch(let subject):
            "the key is not that of the certificate \(subject); name the two that belong together"
        case .expired(let subject): "the certificate \(subject) has expired; renew it"
        case .notYetValid(let subject):
            "the certificate \(subject) is not valid yet; look at this machine's clock"
        case .wrongIssuer(let number, let subject):
            """
            certificate \(number) did not issue the one before it (the first is \(subject)); \
            expected the certificate itself, then the one that issued it, and so on
            """
        case .noChain(let subject, let issuer):
            """
            the certificate \(subject) stands alone, and clients can't verify it without that of \
            its issuer \(issuer); name the file with the whole chain (certbot's is fullchain.pem)
            """
        case .refused(let subject, let text):
            "OpenSSL refuses the certificate \(subject) (\(text)); make one with a stronger key"
        }
    }
}

/// A certificate's chain with its key, which belong together. Value type, any thread.
package struct TLSCertificate: Equatable, Sendable {
    /// The name of the one that it was issued to: `/CN=example.com`.
    package let subject: String
    /// The host names that it is for, in lower case: `example.com`, `*.example.com`.
    package let names: [String]
    /// The name of the one that issued it.
    package let issuer: String
    /// When it begins, in seconds of Unix time.
    package let notBefore: Int
    /// When it ends, in seconds of Unix time.
    package let notAfter: Int
    /// The key as people call it: `P-256`, `RSA 2048`.
    package let keyName: String
    /// Its SHA-256, in 64 hexadecimal digits.
    package let fingerprint: String
    /// How many certificates clients are shown: itself and those that lead to its issuer.
    package let chainCount: Int
    /// The kind of the key, as the library numbers them: of one kind a context has one.
    let keyKind: Int32
    /// What its authority says of it, to be sent along; nil for nothing.
    package var staple: Staple?
    /// The public key that it is for.
    package let publicKey: PublicKey
    /// The certificate and those that lead to its issuer, in PEM.
    package let chain: [UInt8]
    /// Its private key, in PEM.
    package let key: [UInt8]

    /// Reads and checks `chain`, the certificate and those that lead to its issuer, and `key`, both
    /// in PEM. The library is loaded by now.
    package init(chain: [UInt8], key: [UInt8]) throws(CertificateProblem) {
        try self.init(CertificateChain(chain), PrivateKey(key))
    }

    /// Checks `chain` and `key` as a pair.
    package init(_ chain: CertificateChain, _ key: PrivateKey) throws(CertificateProblem) {
        subject = chain.subject
        issuer = chain.issuer
        names = chain.names
        notBefore = chain.notBefore
        notAfter = chain.notAfter
        keyName = key.name
        keyKind = key.kind
        publicKey = chain.publicKey
        fingerprint = chain.fingerprint
        chainCount = chain.count
        self.chain = chain.text
        self.key = key.text
        let parsed = ParsedCertificate(chain: chain, key: key)
        try parsed.check()
        try TLSContext.tryOut(parsed)
    }
}
