// Reading of certificates. They are read and checked with the configuration, so that a start or a
// reload that names a broken one is refused, and what runs keeps what it has.

internal import CertificateFiles
internal import Documents
internal import TLS

extension Loading {
    /// Reads the certificates of all listeners, but for those that are known; adds to errors.
    mutating func readCertificates() {
        guard purpose == .serving, listeners.contains(where: { $0.value.tls.isOn }) else { return }
        do throws(TLSUnavailable) {
            try OpenSSL.load()
        } catch {
            errors.add(
                "found no OpenSSL (\(error)), expected its libraries: install libssl3",
                at: origin(of: listeners.first { $0.value.tls.isOn }))
            return
        }
        // Listeners may share sources, by `defaults` or one by one.
        var readings: [CertificateSource: CertificateReading] = [:]
        for listener in listeners {
            for source in listener.value.tls.sources where readings[source] == nil {
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
                        warnings.add(text, at: origin(of: listener))
                    } else {
                        errors.add(text, at: origin(of: listener))
                    }
                }
            }
        }
        draft.configuration.certificates = readings
    }

    private func origin(of listener: Entry<Listener>?) -> Origin {
        listener?.given["tls.certificates"] ?? given["defaults.tls.certificates"]
            ?? listener?.origin ?? .nowhere
    }
}
