// Files with certificates: whatever a file has, it is read or refused with a reason, and what is
// made of a part of it has nothing that the part has not.

internal import CertificateFiles
internal import TLS

/// One input as a file with a certificate and its key.
@Sendable func fuzzCertificate(_ input: Span<UInt8>) {
    do throws(TLSUnavailable) {
        try OpenSSL.load()
    } catch {
        fatalError("no OpenSSL: \(error)")
    }
    let bytes = input.copy(0..<input.count)
    let labels = PEMLabels(bytes)
    do throws(CertificateProblem) {
        let chain = try CertificateChain(bytes)
        require(labels.hasCertificate, "a certificate without its beginning")
        requireGood(chain)
        // Behind the chain stands the key, most often: a file of both.
        let key = try PrivateKey(bytes)
        require(labels.hasKey, "a key without its beginning")
        let certificate = try TLSCertificate(chain, key)
        require(chain.publicKey == key.publicKey, "a key of another certificate")
        require(certificate.notAfter >= certificate.notBefore, "it ends before it begins")
        require(certificate.chain == bytes, "other bytes")
    } catch {
        require(!"\(error)".isEmpty, "no reason")
    }
    // A file that is being written.
    let cut = Int((input.digest >> 8) % UInt64(input.count + 1))
    if let part = try? CertificateChain(Array(bytes[..<cut])) {
        require(labels.hasCertificate, "a part has what the whole has not")
        requireGood(part)
    }
}

private func requireGood(_ chain: CertificateChain) {
    require(chain.count >= 1, "no certificate")
    require(chain.fingerprint.utf8.count == 64, "the digest \(chain.fingerprint)")
    require(chain.subject.utf8.count <= 1024 && chain.issuer.utf8.count <= 1024, "a long name")
    for name in chain.names { require(name == name.lowercased(), "the name \(name)") }
    _ = (chain.isSelfSigned, chain.isBareAuthority, chain.notAfter)
}
