// ServerNameTable: where TLS connections go that are passed on as they are, by what their clients
// ask for. The rules are those of RouteTable: an exact name goes before a wildcard, a longer
// wildcard before a shorter one, all before routes of any name. Within a name a route for some
// protocols goes before one for all. When no route of the best name is for the connection, those of
// the next are looked at.

package import Backends

/// A route of TLS connections. Value type, any thread.
package struct ServerNameRule: Sendable {
    /// The names it is for: letters in any case.
    package var host: HostPattern
    /// The protocols (ALPN) of which a client has to offer one; empty for any client.
    package var protocols: [[UInt8]]
    /// Where its connections go.
    package var service: ServiceID

    /// A route to `service`.
    package init(_ host: HostPattern, protocols: [[UInt8]] = [], to service: ServiceID) {
        self.host = host
        self.protocols = protocols
        self.service = service
    }
}

/// Compiled routes. Immutable, any thread.
package final class ServerNameTable: Sendable {
    /// The services that routes forward to, each once.
    package let services: [ServiceID]

    private struct Choice {
        let protocols: Set<[UInt8]>
        let place: Int
    }

    private let exact: [[UInt8]: [Choice]]
    /// By what follows the asterisk: `.example.com`.
    private let wildcards: [[UInt8]: [Choice]]
    private let anyName: [Choice]

    /// Compiles `rules`, in the order in which they were written.
    package init(_ rules: [ServerNameRule]) {
        var services: [ServiceID] = []
        var exact: [[UInt8]: [Choice]] = [:]
        var wildcards: [[UInt8]: [Choice]] = [:]
        var anyName: [Choice] = []
        // Rules for some protocols go first; among each kind the order stays.
        let sorted = rules.filter { !$0.protocols.isEmpty } + rules.filter(\.protocols.isEmpty)
        for rule in sorted {
            let place = services.firstIndex(of: rule.service) ?? services.count
            if place == services.count { services.append(rule.service) }
            let choice = Choice(protocols: Set(rule.protocols), place: place)
            switch rule.host.folded {
            case .any: anyName.append(choice)
            case .exact(let name): exact[Array(name.utf8), default: []].append(choice)
            case .under(let name): wildcards[Array(".\(name)".utf8), default: []].append(choice)
            }
        }
        self.services = services
        self.exact = exact
        self.wildcards = wildcards
        self.anyName = anyName
    }

    /// The place in `services` of the one that gets a connection whose client asks for `name`, in
    /// small letters, and offers `protocols`; nil when no route is for it.
    package func place(of name: [UInt8]?, offering protocols: [[UInt8]]) -> Int? {
        func first(_ choices: [Choice]?) -> Int? {
            choices?.first { choice in
                choice.protocols.isEmpty || protocols.contains { choice.protocols.contains($0) }
            }?.place
        }
        if let name {
            if let place = first(exact[name]) { return place }
            if !wildcards.isEmpty {
                for index in name.indices where name[index] == 0x2E {
                    if let place = first(wildcards[Array(name[index...])]) { return place }
                }
            }
        }
        return first(anyName)
    }
}
