// ParsedCertificate: a certificate's chain and its key as OpenSSL has them, checked and used as a
// pair.

internal import COpenSSL

/// A chain and a key. One thread at a time.
struct ParsedCertificate {
    let chain: CertificateChain
    let key: PrivateKey

    /// Checks that the parts belong together, and are valid now.
    func check() throws(CertificateProblem) {
        unsafe openssl().pointee.ERR_clear_error()
        defer { unsafe openssl().pointee.ERR_clear_error() }
        let subject = chain.subject
        guard unsafe openssl().pointee.X509_check_private_key(chain.first, key.pointer) == 1 else {
            throw .keyMismatch(subject: subject)
        }
        let end = unsafe openssl().pointee.X509_cmp_current_time(
            openssl().pointee.X509_get0_notAfter(chain.first))
        let begin = unsafe openssl().pointee.X509_cmp_current_time(
            openssl().pointee.X509_get0_notBefore(chain.first))
        // 0 stands for what is no date.
        guard end != 0, begin != 0, chain.notAfter != 0, chain.notBefore != 0 else {
            throw .badCertificate(1, "its dates are malformed")
        }
        if end < 0 { throw .expired(subject: subject) }
        if begin > 0 { throw .notYetValid(subject: subject) }
        try chain.checkOrder()
        // A certificate in public logs (RFC 6962) is of an authority that never issues by its root,
        // so a client needs what stands between. Of others no one can tell: a root of one's own
        // may well have issued it.
        if chain.count == 1, chain.isLogged, !chain.isSelfSigned {
            throw .noChain(subject: subject, issuer: chain.issuer)
        }
    }

    /// Gives certificate, key and chain to `context`, which counts references to them.
    func use(in context: OpaquePointer) throws(CertificateProblem) {
        unsafe openssl().pointee.ERR_clear_error()
        guard
            unsafe openssl().pointee.SSL_CTX_use_cert_and_key(
                context, chain.first, key.pointer, chain.others.pointer, 1) == 1
        else {
            throw .refused(
                subject: chain.subject, OpenSSL.takeErrorText() ?? "for no reason it gives")
        }
    }
}
