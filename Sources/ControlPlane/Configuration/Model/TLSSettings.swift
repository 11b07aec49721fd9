// TLSSettings: how a listener's clients are answered by TLS.

package import CertificateFiles
package import TLS

/// The TLS of a listener; without certificates it speaks none.
package struct TLSSettings: Equatable, Sendable {
    /// Where the certificates come from; the first one's first is the default. What they have is in
    /// `Configuration.certificates` at first, and changes while the program runs.
    package internal(set) var sources: [CertificateSource] = []
    /// Whether clients are refused that ask for a name of no certificate, or for none.
    package internal(set) var isStrict = false
    /// The oldest version that is spoken. Every client of the last ten years knows 1.2.
    package internal(set) var minVersion = TLSVersion.tls12

    /// Whether TLS is spoken.
    package var isOn: Bool { !sources.isEmpty }
}
