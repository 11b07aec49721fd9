// Reading of certificates. They are read and checked with the configuration, so that a start or a
// reload that names a broken one is refused, and what runs keeps what it has.

internal import CertificateFiles
internal import Documents
internal import TLS

extension Loading {
    /// Reads the certificates of all listeners and of this process's own addresses, but for those
    /// that are known; adds to errors.
    mutating func readCertificates() {
        // This process's own addresses.
        let ports = [
            (draft.configuration.admin.tls.sources, given["admin.tls.certificates"] ?? .nowhere),
            (draft.configuration.health.tls.sources, given["health.tls.certificates"] ?? .nowhere),
        ].filter { !$0.0.isEmpty }
        guard purpose == .serving,
            !ports.isEmpty || listeners.contains(where: { $0.value.tls.isOn })
        else { return }
        do throws(TLSUnavailable) {
            try OpenSSL.load()
        } catch {
            errors.add(
                "found no OpenSSL (\(error)), expected its libraries: install libssl3",
                at: listeners.first { $0.value.tls.isOn }.map { origin(of: $0) } ?? ports[0].1)
            return
        }
        for index in listeners.indices {
            listeners[index].value.tls.sources = listeners[index].value.tls.sources.map(handedOver)
        }
        // Listeners may share sources, by `defaults` or one by one.
        var readings: [CertificateSource: CertificateReading] = [:]
        let all = listeners.map { ($0.value.tls.sources, origin(of: $0)) }
        for (sources, origin) in all + ports {
            for source in sources where readings[source] == nil {
                if let known = knownCertificates[source] {
                    // It is in use, whatever its files say by now.
                    readings[source] = known
                    continue
                }
                let reading = CertificateReader.read(source)
                readings[source] = reading
                for trouble in reading.troubles {
                    let text = "\(quoted(trouble.place)): \(trouble.reason)"
                    if trouble.isMinor {
                        warnings.add(text, at: origin)
                    } else {
                        errors.add(text, at: origin)
                    }
                }
            }
        }
        draft.configuration.certificates = readings
    }

    /// The source of that name which was handed over, where `source` is written as a path; else
    /// itself.
    private func handedOver(_ source: CertificateSource) -> CertificateSource {
        guard case .path(let name) = source, knownCertificates[.named(name)] != nil else {
            return source
        }
        return .named(name)
    }

    private func origin(of listener: Entry<Listener>?) -> Origin {
        listener?.given["tls.certificates"] ?? given["defaults.tls.certificates"]
            ?? listener?.origin ?? .nowhere
    }
}
