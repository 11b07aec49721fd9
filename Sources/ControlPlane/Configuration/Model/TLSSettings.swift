// TLSSettings: how a listener's clients are answered by TLS.

package import CertificateFiles
package import TLS

/// The TLS of a listener; without certificates it speaks none.
package struct TLSSettings: Equatable, Sendable {
    /// Where the certificates come from; the first one's first is the default. What they have is in
    /// `Configuration.certificates` at first, and changes while the program runs.
    package internal(set) var sources: [CertificateSource] = []
    /// Hosts whose certificates this process gets by itself, in lower case.
    package internal(set) var acmeHosts: [String] = []
    /// Whether clients are refused that ask for a name of no certificate, or for none.
    package internal(set) var isStrict = false
    /// The oldest version that is spoken. Every client of the last ten years knows 1.2.
    package internal(set) var minVersion = TLSVersion.tls12
    /// What is asked of clients' certificates.
    package internal(set) var clients = ClientCertificateSettings()

    /// Whether TLS is spoken.
    package var isOn: Bool { !sources.isEmpty || !acmeHosts.isEmpty }

    /// Where all certificates come from: files first, then those that this process gets by itself,
    /// and then those of clients' authorities.
    package var allSources: [CertificateSource] {
        sources + acmeHosts.map { .named(Self.issuedName($0)) }
            + [clients.source].compactMap(\.self)
    }

    /// The name of the source that has the certificate which this process gets for `host`.
    package static func issuedName(_ host: String) -> String { "acme \(host)" }
}

/// What is asked of clients' certificates.
package struct ClientCertificateSettings: Equatable, Sendable {
    /// Whether any is asked for.
    var mode = Mode.off
    /// A file with the certificates of the authorities that issue them; nil for none.
    var authorityFile: String?
    /// A file with lists of revoked ones; nil for none.
    var revocationFile: String?

    /// Where it is said whose certificates clients may show; nil where none is asked for. What the
    /// files have is in `Configuration.certificates` at first.
    package var source: CertificateSource? {
        guard mode != .off, let authorityFile else { return nil }
        return .clients(
            authorities: authorityFile, revocations: revocationFile,
            isRequired: mode == .required)
    }

    /// Whether clients are asked for certificates.
    enum Mode: String, CaseIterable, Sendable {
        /// No client is asked.
        case off
        /// A client may show one, which then has to verify.
        case optional
        /// A client has to.
        case required
    }
}
