// TLSSettings: how a listener's clients are answered by TLS.

package import TLS

/// The TLS of a listener; without certificates it speaks none.
package struct TLSSettings: Equatable, Sendable {
    /// The files of the certificates, as they were written: each with its key.
    var files: [CertificatePart] = []
    /// Whether clients are refused that ask for a name of no certificate, or for none.
    package internal(set) var isStrict = false
    /// The oldest version that is spoken. Every client of the last ten years knows 1.2.
    package internal(set) var minVersion = TLSVersion.tls12
    /// What was in `files` when the configuration was read; the first is the default. Part of the
    /// settings, so that a reload takes up files that have changed.
    package internal(set) var certificates: [TLSCertificate] = []
}

/// A line of a certificate's entry.
enum CertificatePart: Equatable, Sendable {
    /// The file with the certificate and those that lead to its issuer.
    case chain(String)
    /// The file with its key.
    case key(String)

    /// The line as it is written.
    var text: String {
        switch self {
        case .chain(let path): "cert: \(path)"
        case .key(let path): "key: \(path)"
        }
    }
}
