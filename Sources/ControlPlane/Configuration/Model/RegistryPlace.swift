// RegistryPlace: where the API of a registry listens, and whether it is asked by TLS.

package import Endpoints

/// A server of Consul's or Docker's API. Value type, any thread.
package struct RegistryPlace: Sendable {
    /// What stands before an address.
    enum Scheme: String, Sendable {
        case http
        case https
    }

    /// Where it listens.
    package internal(set) var place: TargetPlace
    /// Whether it is asked by TLS; never over a socket of this machine, which needs none.
    package internal(set) var isSecure = false
    /// What it begins with; nil for anything else, which says nothing of TLS.
    let scheme: Scheme?
    /// Whether its port was written.
    let hasPort: Bool

    /// A server at `place`, whose scheme nobody wrote, nor its port unless `hasPort`.
    init(_ place: TargetPlace, hasPort: Bool = true) {
        self.place = place
        scheme = nil
        self.hasPort = hasPort
    }

    /// What `text` spells: an address or a host name, on `port` unless told, with a scheme or
    /// `prefix` before it. Nil for anything else.
    init?(_ text: String, port: UInt16, prefix: String? = nil) {
        var host = text
        var scheme: Scheme?
        for (beginning, meaning) in [("http://", Scheme.http), ("https://", .https), (prefix, nil)]
        {
            guard let beginning, text.lowercased().hasPrefix(beginning) else { continue }
            host = String(text.dropFirst(beginning.count))
            if host.last == "/" { host.removeLast() }
            scheme = meaning
        }
        // A URL has brackets around an IPv6 address even without a port.
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        switch Place(host, port: port, endpoint: { $0.endpoint }) {
        case .endpoint(let endpoint): place = .target(.endpoint(endpoint))
        case .name(let name): place = .name(name)
        case nil: return nil
        }
        self.scheme = scheme
        hasPort = Place(host, port: nil, endpoint: { $0.endpoint }) != nil
        isSecure = scheme == .https
    }

    /// Decides whether it is asked by TLS: `https://` says so, and `isOn` does for one that has no
    /// scheme, or for any if it `overrules` schemes. Such a server listens on `port` unless told.
    mutating func settle(isOn: Bool, overrules: Bool = false, port: UInt16) {
        if case .target(.unix) = place { return }
        isSecure = scheme == .https || (isOn && (scheme == nil || overrules))
        guard isSecure, !hasPort else { return }
        switch place {
        case .target(.endpoint(let endpoint)):
            place = .target(.endpoint(Endpoint(endpoint.address, port, zone: endpoint.zone)))
        case .name(let name): place = .name(HostAndPort(host: name.host, port: port))
        case .target(.unix): break
        }
    }
}

extension RegistryPlace: Hashable {
    /// Whether both are asked at one place in one way, however that is written.
    package static func == (one: RegistryPlace, other: RegistryPlace) -> Bool {
        one.place == other.place && one.isSecure == other.isSecure
    }

    /// Hashes what `==` compares.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(place)
        hasher.combine(isSecure)
    }
}

extension RegistryPlace: CustomStringConvertible {
    /// `127.0.0.1:8500`, `https://consul:8501` or `unix:/run/agent.sock`.
    package var description: String { isSecure ? "https://\(place)" : "\(place)" }
}
