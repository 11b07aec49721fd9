// Reading of what verifies clients' certificates, with the configuration, as the certificates are.

internal import Documents
internal import HTTP1
internal import TLS
internal import Traffic

extension Loading {
    /// Reads the files that verify clients' certificates, of all listeners; adds to errors. The
    /// library is loaded by now, where a listener has certificates.
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
            listeners[index].value.tls.clients.rules = readRules(
                of: listener.value.tls, at: origin)
        }
        let admin = draft.configuration.admin
        guard admin.place != nil else { return }
        draft.configuration.admin.tls.clients.rules = readRules(of: admin.tls) { part in
            given["admin.tls.client-certificates.\(part)"] ?? .nowhere
        }
    }

    /// What `tls` asks of clients' certificates; nil for nothing, or for what is wrong, which is
    /// added to errors. `origin` says where a part of it was given.
    mutating func readRules(
        of tls: TLSSettings, at origin: (String) -> Origin
    ) -> TLSClientRules? {
        let clients = tls.clients
        guard clients.mode != .off else {
            for (part, file) in [
                ("ca-file", clients.authorityFile), ("crl-file", clients.revocationFile),
            ] where file != nil {
                warnings.add(
                    "no effect without mode: clients are not asked for certificates",
                    at: origin(part))
            }
            return nil
        }
        guard tls.isOn else {
            errors.add(
                "found client certificates without TLS, expected tls.certificates as well",
                at: origin("mode"))
            return nil
        }
        guard let path = clients.authorityFile else {
            errors.add(
                "found client certificates without ca-file, expected the certificates of the "
                    + "authorities that they have to lead to", at: origin("mode"))
            return nil
        }
        // Without the library nothing can be read, which has been said.
        guard hasOpenSSL, let authorities = bytes(of: path, at: origin("ca-file")) else {
            return nil
        }
        var rules: TLSClientRules
        do throws(CertificateProblem) {
            rules = try TLSClientRules(
                isRequired: clients.mode == .required, authorities: authorities)
        } catch {
            errors.add("\(quoted(path)): \(error)", at: origin("ca-file"))
            return nil
        }
        guard let path = clients.revocationFile else { return rules }
        guard let lists = bytes(of: path, at: origin("crl-file")) else { return nil }
        do throws(RevocationProblem) {
            try rules.refuse(lists)
        } catch {
            errors.add("\(quoted(path)): \(error)", at: origin("crl-file"))
            return nil
        }
        return rules
    }

    private var hasOpenSSL: Bool {
        do throws(TLSUnavailable) {
            try OpenSSL.load()
            return true
        } catch {
            return false
        }
    }

    private mutating func bytes(of path: String, at origin: Origin) -> [UInt8]? {
        do throws(FileTextError) {
            return try NamedText.readBytes(path: path)
        } catch {
            errors.add("\(quoted(path)): \(error.text)", at: origin)
            return nil
        }
    }
}
