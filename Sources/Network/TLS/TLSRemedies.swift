// TLSRemedies: what an operator can do about a server that can't be asked securely.

/// The options that say how servers of one kind are asked by TLS, by the names that a sentence
/// gives them. Value type, any thread.
package struct TLSRemedies: Sendable {
    /// What names the authorities that are trusted: `consul.tls.ca-file or CONSUL_CACERT`.
    private let authorities: String
    /// What names the name that certificates are for.
    private let name: String
    /// What names the certificate to show.
    private let certificate: String
    /// What to do about a server that speaks no TLS on its port.
    private let plain: String

    /// The options called so.
    package init(authorities: String, name: String, certificate: String, plain: String) {
        self.authorities = authorities
        self.name = name
        self.certificate = certificate
        self.plain = plain
    }

    /// What to do about `fault`, as a part of a sentence; empty where there is nothing to say.
    /// `showsCertificate`: whether servers are shown one.
    package func text(for fault: TLSFault, showsCertificate: Bool) -> String {
        switch fault.reason {
        case .unknownIssuer, .selfSigned:
            return "name the file of the authority that issues its certificates with "
                + authorities
        case .wrongName:
            return "write its address as the certificate has it, or that name with \(name)"
        case .expired, .notYetValid:
            return "renew its certificate, or set the clock of this machine right"
        case .certificateWanted, .refused:
            return showsCertificate
                ? "is the certificate of \(certificate) one that it trusts, and still valid?"
                : "it may want to see a certificate: name one with \(certificate)"
        case .notTLS: return plain
        case .closed, .timedOut: return "is it well, and is that its port for TLS?"
        case .badCertificate, .version, .cipher, .malformed: return ""
        }
    }
}
