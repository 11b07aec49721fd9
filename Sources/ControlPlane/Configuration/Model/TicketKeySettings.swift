// TicketKeySettings: the keys of session tickets, where several processes share them.

package import Documents
package import TLS

/// Where the keys of session tickets are from. Without a place to share them each process makes its
/// own, which an upgrade passes on.
package struct TicketKeySettings: Equatable, Sendable {
    /// A file with keys, the first of which seals; nil for none.
    package internal(set) var file: String?
    /// A key of Consul's K/V store that has them; nil for none. Never beside `file`.
    package internal(set) var consul: String?
    /// What was in `file` when the configuration was read; empty without one. Secrets: never shown.
    package internal(set) var keys: [TicketKey] = []

    /// The keys in the file at `path`.
    ///
    /// - Throws: why there are none, and what to do.
    package static func read(path: String) throws(FileTextError) -> [TicketKey] {
        let bytes = try NamedText.readBytes(path: path)
        do throws(TicketKeyProblem) {
            return try TicketKey.read(bytes)
        } catch {
            throw FileTextError(text: error.description)
        }
    }
}
