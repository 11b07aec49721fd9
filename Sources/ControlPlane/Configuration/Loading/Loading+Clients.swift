// Reading of what verifies clients' certificates, with the configuration, as the certificates are.

internal import CertificateFiles
internal import Documents
internal import HTTP1
internal import TLS
internal import Traffic

extension Loading {
    /// Reads the files that verify clients' certificates, of all listeners and of this process's
    /// own addresses; adds to errors. The library is loaded by now, where one of them has
    /// certificates.
    mutating func readClientRules() {
        guard purpose == .serving else { return }
        let given = given
        for index in listeners.indices {
            let listener = listeners[index]
            let key = "tls.client-certificates"
            func origin(_ part: String) -> Origin {
                listener.given["\(key).\(part)"] ?? given["defaults.\(key).\(part)"]
                    ?? listener.origin
            }
            if listener.value.tls.clients.mode != .off,
                listener.value.policy.forwarding.clientCertificate == .off
            {
                errors.add(
                    "found forwarding.client-cert: off beside client certificates, expected append "
                        + "or replace: a client without one could say that it has one",
                    at: listener.given["forwarding.client-cert"]
                        ?? given["defaults.forwarding.client-cert"] ?? origin("mode"))
            }
            readRules(of: listener.value.tls, at: origin)
        }
        let (admin, health) = (draft.configuration.admin, draft.configuration.health)
        for (key, tls, isThere) in [
            ("admin", admin.tls, admin.place != nil), ("health", health.tls, health.place != nil),
        ] where isThere {
            readRules(of: tls) { part in
                given["\(key).tls.client-certificates.\(part)"] ?? .nowhere
            }
        }
    }

    /// Reads what `tls` asks of clients' certificates, but where it is known; adds to errors.
    /// `origin` says where a part of it was given.
    private mutating func readRules(of tls: TLSSettings, at origin: (String) -> Origin) {
        let clients = tls.clients
        guard clients.mode != .off else {
            for (part, file) in [
                ("ca-file", clients.authorityFile), ("crl-file", clients.revocationFile),
            ] where file != nil {
                warnings.add(
                    "no effect without mode: clients are not asked for certificates",
                    at: origin(part))
            }
            return
        }
        guard tls.isOn else {
            errors.add(
                "found client certificates without TLS, expected tls.certificates as well",
                at: origin("mode"))
            return
        }
        guard let source = clients.source else {
            errors.add(
                "found client certificates without ca-file, expected the certificates of the "
                    + "authorities that they have to lead to", at: origin("mode"))
            return
        }
        // Without the library nothing can be read, which has been said.
        guard hasOpenSSL, draft.configuration.certificates[source] == nil else { return }
        // What is known is in use, whatever its files say by now.
        let reading = knownCertificates[source] ?? CertificateReader.read(source)
        draft.configuration.certificates[source] = reading
        guard reading.clients == nil else { return }
        for trouble in reading.troubles {
            errors.add(
                "\(quoted(trouble.place)): \(trouble.reason)",
                at: origin(trouble.place == clients.authorityFile ? "ca-file" : "crl-file"))
        }
    }

    private var hasOpenSSL: Bool {
        do throws(TLSUnavailable) {
            try OpenSSL.load()
            return true
        } catch {
            return false
        }
    }
}
