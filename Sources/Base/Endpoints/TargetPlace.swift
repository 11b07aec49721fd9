// TargetPlace: where the server of an API listens as an operator writes it: what can be connected
// to at once, or a name that is still to be looked up.

/// A target, or a name with a port. Value type, any thread.
package enum TargetPlace: Hashable, Sendable {
    case target(Target)
    /// The host is a name.
    case name(HostAndPort)

    /// Its name and port; nil for what needs no lookup.
    package var name: HostAndPort? {
        if case .name(let name) = self { name } else { nil }
    }
}

extension TargetPlace: CustomStringConvertible {
    /// `127.0.0.1:8500`, `consul:8500` or `unix:/run/agent.sock`.
    package var description: String {
        switch self {
        case .target(let target): "\(target)"
        case .name(let name): "\(name)"
        }
    }
}
