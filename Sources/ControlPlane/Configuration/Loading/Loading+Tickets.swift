// Reading of the keys of session tickets, with the configuration, so that a start or a reload that
// names a file without any is refused.

internal import Documents

extension Loading {
    /// Reads the file with keys of session tickets; adds to errors.
    mutating func readTicketKeys() {
        guard purpose == .serving, let path = draft.configuration.ticketKeys.file else { return }
        let origin = given["ticket-keys.file"] ?? .nowhere
        do throws(FileTextError) {
            draft.configuration.ticketKeys.keys = try TicketKeySettings.read(path: path)
        } catch {
            errors.add("\(quoted(path)): \(error.text)", at: origin)
            return
        }
        if listeners.allSatisfy({ !$0.value.tls.isOn }) {
            warnings.add("no effect, as no listener speaks TLS", at: origin)
        }
    }
}
