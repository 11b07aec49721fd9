// What becomes of certificates in use when their source is read again: a broken new one leaves the
// old one in force, and only what was removed goes.

internal import TLS

extension CertificateReading {
    /// This reading, with what `old` has, which is in use, where it has no good successor for that.
    /// A certificate of it goes when its files are gone, as `exists` says of a path, while the
    /// source still has others.
    ///
    /// The troubles say of each that is kept why.
    package func keeping(
        _ old: CertificateReading, exists: (String) -> Bool
    ) -> CertificateReading {
        var merged = self
        merged.clients = clients ?? old.clients
        guard !found.isEmpty else {
            merged.found = old.found
            return merged
        }
        let chainPlaces = Set(found.map(\.chainPlace))
        let keyPlaces = Set(found.map(\.keyPlace))
        let fingerprints = Set(found.map(\.certificate.fingerprint))
        let named = Set(troubles.map(\.place))
        for certificate in old.found
        where !chainPlaces.contains(certificate.chainPlace)
            && !fingerprints.contains(certificate.certificate.fingerprint)
        {
            let isOldKeyLeft =
                exists(certificate.keyPlace) && !keyPlaces.contains(certificate.keyPlace)
            guard exists(certificate.chainPlace) || isOldKeyLeft else { continue }
            merged.found.append(certificate)
            guard !named.contains(certificate.chainPlace), !named.contains(certificate.keyPlace)
            else { continue }
            merged.troubles.append(
                CertificateTrouble(
                    place: certificate.chainPlace,
                    reason: "the certificate \(certificate.certificate.subject) has no key in "
                        + "\(certificate.keyPlace) any more; put it there, or remove both"))
        }
        merged.found.sort { $0.chainPlace < $1.chainPlace }
        return merged
    }
}
