// CertificateSource: where certificates come from, those of clients' authorities among them, and
// what a source had when it was last read.

package import TLS

/// Where certificates of a listener come from. Listeners with equal sources share what is read.
/// Value type, any thread.
package enum CertificateSource: Hashable, Sendable {
    /// A file with a certificate and those that lead to its issuer, one with its key, and perhaps
    /// one with an OCSP response about it (RFC 6960), in DER.
    case files(chain: String, key: String, staple: String?)
    /// A file with a certificate and its key, or a folder with certificates and their keys.
    case path(String)
    /// A file with the certificates of the authorities that clients' certificates have to lead to,
    /// and perhaps one with lists of those that are revoked; and whether clients have to show one.
    /// It has no certificate to be shown.
    case clients(authorities: String, revocations: String?, isRequired: Bool)
    /// What is read from no file: another part of the program hands it over under this name.
    case named(String)
}

/// A certificate and where it is from. Value type, any thread.
package struct FoundCertificate: Equatable, Sendable {
    /// The certificate, which was checked.
    package let certificate: TLSCertificate
    /// The file with the chain, or what people call another place.
    package let chainPlace: String
    /// The file with the key, or what people call another place.
    package let keyPlace: String

    /// A certificate from these places.
    package init(_ certificate: TLSCertificate, chainPlace: String, keyPlace: String) {
        self.certificate = certificate
        self.chainPlace = chainPlace
        self.keyPlace = keyPlace
    }
}

/// Why a certificate of a source, or what belongs to it, is not in use. Value type, any thread.
package struct CertificateTrouble: Error, Hashable, Sendable {
    /// The file, or what people call another place.
    package let place: String
    /// What is wrong, and what to do about it.
    package let reason: String
    /// Whether it is about what belongs to a certificate that is used all the same.
    package let isMinor: Bool

    /// A trouble at `place`.
    package init(place: String, reason: String, isMinor: Bool = false) {
        self.place = place
        self.reason = reason
        self.isMinor = isMinor
    }
}

/// What a source had when it was read. Value type, any thread.
package struct CertificateReading: Equatable, Sendable {
    /// The certificates that can be used.
    package var found: [FoundCertificate]
    /// Whose certificates clients may show; nil where the source does not say, or can't be used.
    package var clients: TLSClientRules?
    /// Why others can't be used.
    package var troubles: [CertificateTrouble]

    /// What was found, and what is wrong.
    package init(
        found: [FoundCertificate] = [], clients: TLSClientRules? = nil,
        troubles: [CertificateTrouble] = []
    ) {
        self.found = found
        self.clients = clients
        self.troubles = troubles
    }
}
