// AdminHost: the host names under which the admin port answers.
//
// A web page can have a name of its own resolve to 127.0.0.1, and then read what this port says: to
// the browser it comes from the page's own server (DNS rebinding). The Host field gives it away: it
// has that name.

package import Endpoints

/// The hosts that a request may name. Any thread.
package struct AdminHost: Sendable {
    private let address: IPAddress
    private let names: Set<String>

    /// The names of a server that listens on `endpoint`, and is also called `names` (without
    /// ports).
    package init(listeningOn endpoint: Endpoint, names: [String] = []) {
        address = endpoint.address
        self.names = Set(names.map { $0.lowercased() })
    }

    /// Whether a request with `host`, a Host field with or without a port, may be answered: one
    /// with a loopback name or address, the address listened on, or one of the names. On a wildcard
    /// address any address will do, since rebinding needs a name. An empty host comes from a client
    /// of HTTP/1.0, which is no browser.
    package func accepts(_ host: String) -> Bool {
        var name = host.lowercased()
        if name.isEmpty { return true }
        if name.hasPrefix("[") {
            guard let end = name.firstIndex(of: "]") else { return false }
            name = String(name[name.index(after: name.startIndex)..<end])
        } else if let colon = name.firstIndex(of: ":") {
            name = String(name[..<colon])
        }
        if name.hasSuffix(".") { name.removeLast() }
        if name == "localhost" || name.hasSuffix(".localhost") || names.contains(name) {
            return true
        }
        guard let named = IPAddress(name) else { return false }
        return named.isLoopback || named == address || address.isWildcard
    }
}
