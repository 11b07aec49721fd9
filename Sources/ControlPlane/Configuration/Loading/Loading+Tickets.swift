// Reading of the keys of session tickets, with the configuration, so that a start or a reload that
// names a file without any is refused.

internal import Documents
internal import TLS

extension Loading {
    /// Reads the file with keys of session tickets, or checks the key in Consul that has them; adds
    /// to errors.
    mutating func readTicketKeys() {
        let settings = draft.configuration.ticketKeys
        guard purpose == .serving, settings.file ?? settings.consul != nil else { return }
        let key = settings.file == nil ? "ticket-keys.consul" : "ticket-keys.file"
        let origin = given[key] ?? .nowhere
        if settings.file != nil, settings.consul != nil {
            errors.add(
                "found both ticket-keys.file and ticket-keys.consul, expected one", at: origin)
            return
        }
        if let path = settings.file {
            do throws(FileTextError) {
                draft.configuration.ticketKeys.keys = try TicketKeySettings.read(path: path)
            } catch {
                errors.add("\(quoted(path)): \(error.text)", at: origin)
                return
            }
        }
        if settings.consul != nil {
            do throws(TLSUnavailable) {
                try OpenSSL.load()
            } catch {
                errors.add(
                    "found no OpenSSL (\(error)), expected its libraries: install libssl3",
                    at: origin)
                return
            }
        }
        checkSecret(settings.consul, "such as fairlead-secrets/ticket-keys", at: origin)
        if listeners.allSatisfy({ !$0.value.tls.isOn }) {
            warnings.add("no effect, as no listener speaks TLS", at: origin)
        }
    }

    /// Refuses to keep secrets at `key`, a key of Consul or a prefix, where `consul.kv` reads the
    /// configuration from: what stands there is shown, and others may write it.
    mutating func checkSecret(_ key: String?, _ example: String, at origin: Origin) {
        guard let key, let shown = draft.configuration.consul.kv,
            key.hasPrefix(shown) || shown.hasPrefix(key)
        else { return }
        errors.add(
            "found \(quoted(key)), which has to do with \(quoted(shown)) of consul.kv: what is "
                + "there is read as configuration, and shown; expected a place of its own, "
                + example,
            at: origin)
    }
}
