// Place: where something listens as an operator writes it, by address or by a name that is still to
// be looked up.

/// An address, or a name, with a port. Value type, any thread.
package enum Place: Hashable, Sendable {
    case endpoint(Endpoint)
    /// The host is a name.
    case name(HostAndPort)

    /// Its name and port; nil for an address.
    package var name: HostAndPort? {
        if case .name(let name) = self { name } else { nil }
    }
}

extension Place: CustomStringConvertible {
    /// `127.0.0.1:8600` or `consul:8600`.
    package var description: String {
        switch self {
        case .endpoint(let endpoint): "\(endpoint)"
        case .name(let name): "\(name)"
        }
    }
}

extension HostAndPort: CustomStringConvertible {
    /// `web:80`, or `[::1]:80` when the host is an IPv6 address.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
