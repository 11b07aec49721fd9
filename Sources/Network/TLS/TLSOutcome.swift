// TLSOutcome: what became of a handshake, as values for logs and metrics.

internal import COpenSSL

/// What client and server have agreed on. Value type, any thread.
package struct TLSOutcome: Equatable, Sendable {
    /// The protocol, as it is written: `TLSv1.3`.
    package let version: String
    /// The cipher suite by its name in OpenSSL: `TLS_AES_128_GCM_SHA256`.
    package let cipher: String
    /// The name that the client asked for (SNI, RFC 6066, section 3), in lower case; nil for none.
    package let serverName: String?
    /// The protocol that both agreed to speak over it (ALPN, RFC 7301): `http/1.1`; nil where the
    /// client told none, or is not asked.
    package let application: String?
    /// Whether an earlier session was resumed: no certificate was shown.
    package let isResumed: Bool
    /// The client by its certificate, which is verified; nil when it showed none.
    package let client: ClientIdentity?

    /// An agreement on these.
    package init(
        version: String, cipher: String, serverName: String?, application: String? = nil,
        isResumed: Bool, client: ClientIdentity? = nil
    ) {
        self.version = version
        self.cipher = cipher
        self.serverName = serverName
        self.application = application
        self.isResumed = isResumed
        self.client = client
    }

    /// Whether HTTP/2 was agreed on.
    package var speaksHTTP2: Bool { application == "h2" }
}

/// Why a handshake, or a connection after it, failed. Value type, any thread.
package enum TLSFailure: UInt8, CaseIterable, Sendable {
    /// The first bytes are a request of HTTP without TLS.
    case plainHTTP
    /// The first bytes are no TLS.
    case notTLS
    /// No protocol version that both know.
    case version
    /// No cipher suite, group or signature that both know.
    case cipher
    /// The client speaks none of the protocols that are spoken here (ALPN, RFC 7301).
    case application
    /// No certificate for the name that the client asks for, and such clients are refused.
    case name
    /// The peer said that it does not go on: it does not trust the certificate, most often.
    case refused
    /// The peer's certificate does not verify, for another reason than those below.
    case certificate
    /// A client has shown no certificate where one is required.
    case noCertificate
    /// A client's certificate has expired, or is not valid yet.
    case expiredCertificate
    /// A client's certificate is revoked.
    case revokedCertificate
    /// A client's certificate may be revoked: there is no list for one of its authorities, or that
    /// has ended.
    case unknownRevocation
    /// Anything else that breaks the protocol.
    case malformed
    /// The peer has sent much that is no content, such as changes of its key.
    case flood
}

extension TLSFailure {
    /// What the reasons that OpenSSL gives, the oldest first, come to.
    init(reasons: [Int32]) {
        self = .malformed
        for reason in reasons {
            switch reason {
            case SSL_R_HTTP_REQUEST: self = .plainHTTP
            case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTPS_PROXY_REQUEST: self = .notTLS
            case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
                SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE:
                self = .version
            case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE,
                SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
                SSL_R_NO_SHARED_GROUPS:
                self = .cipher
            case SSL_R_NO_APPLICATION_PROTOCOL: self = .application
            case SSL_R_CERTIFICATE_VERIFY_FAILED: self = .certificate
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: self = .noCertificate
            // Alerts of the peer.
            case SSL_AD_REASON_OFFSET...(SSL_AD_REASON_OFFSET + 255): self = .refused
            default: continue
            }
            return
        }
    }
}

extension TLSFailure {
    /// What it comes to that a client's certificate does not verify, by what OpenSSL found.
    init(verifying result: Int32) {
        self =
            switch result {
            case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: .expiredCertificate
            case X509_V_ERR_CERT_REVOKED: .revokedCertificate
            case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_CRL_HAS_EXPIRED,
                X509_V_ERR_CRL_NOT_YET_VALID, X509_V_ERR_CRL_SIGNATURE_FAILURE,
                X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
                .unknownRevocation
            default: .certificate
            }
    }
}
