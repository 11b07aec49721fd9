// The certificates of listeners, for the admin port.

internal import Admin
internal import CertificateFiles
internal import Configuration
internal import TLS

extension CertificateStore {
    /// What `listeners` show, what they know of their clients' certificates, and what is wrong with
    /// it. A certificate, list or trouble that several of them share is there once.
    func shown(for listeners: [Listener]) -> ShownCertificates {
        var shown = ShownCertificates()
        var places: [String: Int] = [:]
        var refusals: [CertificateTrouble: Int] = [:]
        for listener in listeners {
            for source in listener.tls.allSources {
                guard let reading = readings[source] else { continue }
                for found in reading.found {
                    let id = found.chainPlace + "\0" + found.certificate.fingerprint
                    if let place = places[id] {
                        shown.inUse[place].listeners.append(listener.name)
                    } else {
                        places[id] = shown.inUse.count
                        shown.inUse.append(.init(found, of: listener.name))
                    }
                }
                if let lists = ShownCertificates.Revocations(source, reading, of: listener.name) {
                    shown.add(lists)
                }
                for trouble in reading.troubles {
                    if let place = refusals[trouble] {
                        shown.refused[place].listeners.append(listener.name)
                    } else {
                        refusals[trouble] = shown.refused.count
                        shown.refused.append(
                            .init(
                                place: trouble.place, reason: trouble.reason,
                                effect: trouble.effect,
                                listeners: [listener.name]))
                    }
                }
            }
        }
        return shown
    }
}

extension ShownCertificates {
    fileprivate mutating func add(_ lists: Revocations) {
        if let place = revocations.firstIndex(where: { $0.place == lists.place }) {
            revocations[place].listeners += lists.listeners
        } else {
            revocations.append(lists)
        }
    }
}

extension ShownCertificates.Revocations {
    /// The lists of a source; nil where it has none.
    fileprivate init?(
        _ source: CertificateSource, _ reading: CertificateReading, of listener: String
    ) {
        guard case .clients(_, let file?, _) = source, let end = reading.clients?.revocationsEnd
        else { return nil }
        self.init(place: file, listeners: [listener], ends: Double(end))
    }
}

extension ShownCertificates.Certificate {
    fileprivate init(_ found: FoundCertificate, of listener: String) {
        let certificate = found.certificate
        self.init(
            place: found.chainPlace, listeners: [listener], subject: certificate.subject,
            issuer: certificate.issuer, names: certificate.names, key: certificate.keyName,
            fingerprint: certificate.fingerprint, begins: Double(certificate.notBefore),
            ends: Double(certificate.notAfter))
    }
}
