// ClientRules: what a server asks of its clients' certificates, read and checked once.

internal import COpenSSL

/// Whose certificates a server's clients may show. Value type, any thread.
package struct TLSClientRules: Equatable, Sendable {
    /// Whether a client without a certificate is refused. One whose certificate does not verify is
    /// refused in either case.
    package let isRequired: Bool
    let authorities: [UInt8]
    private(set) var revocations: [UInt8]?
    /// When the first of the lists of revoked certificates ends, in seconds of Unix time, from when
    /// on nobody verifies; nil without any.
    package private(set) var revocationsEnd: Int?

    /// Clients with certificates that lead to one of `authorities`, in PEM. The library is loaded
    /// by now.
    package init(isRequired: Bool, authorities: [UInt8]) throws(CertificateProblem) {
        self.isRequired = isRequired
        self.authorities = authorities
        guard try CertificateStack(reading: authorities).count > 0 else { throw .noCertificate }
    }

    /// Refuses the certificates that `lists`, in PEM, name as revoked (RFC 5280, section 5). For
    /// each authority of a chain there has to be one.
    package mutating func refuse(_ lists: [UInt8]) throws(RevocationProblem) {
        let all = try RevocationLists(lists)
        revocations = lists
        revocationsEnd = all.end
    }
}

/// Why a file has no lists of revoked certificates. Value type, any thread.
package struct RevocationProblem: Error, Equatable, CustomStringConvertible, Sendable {
    /// What is wrong, and what to do about it.
    package let description: String
}

/// Lists of revoked certificates, as OpenSSL has them. One thread at a time.
@safe final class RevocationLists {
    // Each is OpenSSL's own and freed in deinit.
    private var lists: [OpaquePointer] = unsafe []

    /// Reads `text`, in PEM; there is one list at least.
    init(_ text: [UInt8]) throws(RevocationProblem) {
        unsafe openssl().pointee.ERR_clear_error()
        // The bytes stay where they are until the closure has returned; then the source is freed.
        let code = unsafe text.span.withUnsafeBytes { bytes in
            guard
                let source = unsafe openssl().pointee.BIO_new_mem_buf(
                    bytes.baseAddress, Int32(bytes.count))
            else { preconditionFailure("out of memory") }
            defer { unsafe _ = openssl().pointee.BIO_free(source) }
            while let list = unsafe openssl().pointee.PEM_read_bio_X509_CRL(source, nil, nil, nil) {
                unsafe lists.append(list)
            }
            return unsafe openssl().pointee.ERR_peek_last_error()
        }
        let said = OpenSSL.takeErrorText() ?? "for no reason that OpenSSL gives"
        // The end of the text is an error as well: no other list begins.
        guard OpenSSL.reason(of: code) == PEM_R_NO_START_LINE else {
            throw RevocationProblem(
                description: unsafe "list \(lists.count + 1) can't be read (\(said)); write the "
                    + "file again")
        }
        guard unsafe !lists.isEmpty else {
            throw RevocationProblem(
                description: "it has no list of revoked certificates; expected PEM, which begins "
                    + "with -----BEGIN X509 CRL-----")
        }
        for place in unsafe lists.indices {
            let end = unsafe openssl().pointee.X509_CRL_get0_nextUpdate(lists[place])
            guard let end = unsafe end, unsafe openssl().pointee.X509_cmp_current_time(end) < 0
            else { continue }
            throw RevocationProblem(
                description: "its list of revoked certificates has expired, so that no client "
                    + "would verify; get the authority's new one")
        }
    }

    deinit {
        for place in unsafe lists.indices {
            unsafe openssl().pointee.X509_CRL_free(lists[place])
        }
    }

    /// When the first of them ends, in seconds of Unix time; nil when none does.
    var end: Int? {
        var ends: [Int] = []
        for place in unsafe lists.indices {
            let time = unsafe openssl().pointee.X509_CRL_get0_nextUpdate(lists[place])
            guard let time = unsafe time else { continue }
            ends.append(unsafe CertificateChain.seconds(time))
        }
        return ends.min()
    }

    /// Adds them to `store`, which counts references to them.
    func add(to store: OpaquePointer) {
        for place in unsafe lists.indices {
            unsafe _ = openssl().pointee.X509_STORE_add_crl(store, lists[place])
        }
    }
}

/// What verifies the certificates of clients, for all contexts of one address on one thread. One
/// thread at a time.
@safe final class ClientTrust {
    // Never nil, freed in deinit.
    private let store: OpaquePointer
    private let authorities: CertificateStack
    private let isRequired: Bool
    /// What a session must have begun under to be resumed: these rules, to the last byte. So no
    /// session goes on that other rules let in, or none.
    private let sessionContext: [UInt8]

    /// Bytes of a client's certificates, its intermediate ones with it.
    private static let certificatesBytesMax = 32 << 10

    init(_ rules: TLSClientRules) throws(CertificateProblem) {
        isRequired = rules.isRequired
        authorities = try CertificateStack(reading: rules.authorities)
        guard let store = unsafe openssl().pointee.X509_STORE_new() else {
            preconditionFailure("out of memory")
        }
        unsafe self.store = store
        for place in 0..<authorities.count {
            unsafe _ = openssl().pointee.X509_STORE_add_cert(store, authorities[place])
        }
        if let lists = rules.revocations {
            do throws(RevocationProblem) {
                unsafe try RevocationLists(lists).add(to: store)
            } catch {
                // It has ended since it was checked: then nobody verifies.
            }
            unsafe _ = openssl().pointee.X509_STORE_set_flags(
                store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
        }
        sessionContext = SHA256.digest(
            of: [isRequired ? 1 : 0] + rules.authorities + [0] + (rules.revocations ?? []))
    }

    deinit {
        unsafe openssl().pointee.X509_STORE_free(store)
    }

    /// Has `context` ask its clients for certificates.
    func use(in context: OpaquePointer) {
        let mode = SSL_VERIFY_PEER | (isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        unsafe openssl().pointee.SSL_CTX_set_verify(context, mode, nil)
        unsafe openssl_set_max_certificates(context, Self.certificatesBytesMax)
        let isSet = unsafe openssl_set_verify_store(context, store)
        precondition(isSet, "out of memory")
        // Their names are told to clients, which choose by them.
        for place in 0..<authorities.count {
            unsafe _ = openssl().pointee.SSL_CTX_add_client_CA(context, authorities[place])
        }
        unsafe _ = openssl().pointee.SSL_CTX_set_session_id_context(
            context, sessionContext, UInt32(sessionContext.count))
        // A session does not outlast its client's certificate.
        unsafe _ = openssl().pointee.SSL_CTX_set_session_ticket_cb(
            context, nil,
            { _, session, _, _, status, _ in
                switch status {
                case SSL_TICKET_SUCCESS, SSL_TICKET_SUCCESS_RENEW: break
                case SSL_TICKET_EMPTY, SSL_TICKET_NO_DECRYPT: return SSL_TICKET_RETURN_IGNORE_RENEW
                default: return SSL_TICKET_RETURN_ABORT
                }
                if let shown = unsafe openssl().pointee.SSL_SESSION_get0_peer(session),
                    unsafe openssl().pointee.X509_cmp_current_time(
                        openssl().pointee.X509_get0_notAfter(shown)) < 0
                {
                    return SSL_TICKET_RETURN_IGNORE_RENEW
                }
                return status == SSL_TICKET_SUCCESS
                    ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
            }, nil)
    }
}
