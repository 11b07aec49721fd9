// StrictTransport: what browsers are told of using HTTPS alone (HSTS, RFC 6797).

package import HTTP1

/// For how long browsers are to use HTTPS alone. Value type, any thread.
package struct StrictTransport: Sendable, Equatable {
    /// From each answer on; zero takes back what was said before. Nil says nothing: a browser that
    /// was told so once can't come back to plain HTTP, so that nobody is told by default.
    package var maxAge: Duration?
    /// Whether that holds for all names below the host's as well.
    package var includesSubdomains = false
    /// Whether the host may be put on the list that browsers come with.
    package var preloads = false
    /// Whether it goes before what a backend says itself.
    package var overrides = false

    private static let name = "Strict-Transport-Security"

    /// The defaults.
    package init() {}

    /// The field's value; nil for no field.
    package var value: String? {
        guard let maxAge else { return nil }
        return "max-age=\(maxAge.components.seconds)"
            + (includesSubdomains ? "; includeSubDomains" : "") + (preloads ? "; preload" : "")
    }

    /// Has `edits`, of a response's head, say it.
    package func add(to edits: inout FieldEdits) {
        guard let value else { return }
        if overrides {
            edits.set(Self.name, value)
        } else {
            edits.supplement(Self.name, value)
        }
    }
}
