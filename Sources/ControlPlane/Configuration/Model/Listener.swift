// A listener: where clients connect, and what they may do there.

package import Endpoints
package import Traffic

/// Where clients connect, and the service their requests go to.
package struct Listener: Equatable, Sendable {
    /// Distinct; the operator's, or the address as it was written.
    package internal(set) var name = ""
    /// Where it listens as it was written.
    var place = Place.endpoint(Endpoint(.any, 0))
    /// Where it listens. `[::]` stands for every address, IPv4 too; port 0 asks for any free one.
    /// A name that has several addresses is a listener for each.
    package internal(set) var listen = Endpoint(.any, 0)
    /// What is spoken.
    package internal(set) var mode = ListenerMode.http
    /// The name of a service in `Configuration.services`; empty only with `routes`.
    package internal(set) var service = ""
    /// Where requests go by what they ask for; `service` gets the rest, or nobody when that is
    /// empty.
    package internal(set) var routes: [RouteSettings] = []
    /// Where the clients are sent whose requests no route is for, in the place of `service`.
    package internal(set) var redirect = RouteSettings.Redirect()
    /// How it speaks TLS, if it does.
    package internal(set) var tls = TLSSettings()
    /// The service of the program that answers challenges by tls-alpn-01; empty for none.
    package internal(set) var challengeService = ""
    /// What lets its requests go to a backend, unless their route says otherwise.
    package internal(set) var auth = AuthSettings()
    /// How its clients are treated.
    package internal(set) var policy = ClientPolicy()

    /// The names of all services that it has to do with, each once: those that it needs, and those
    /// that get copies of its requests.
    package var serviceNames: [String] {
        var seen: Set<String> = []
        return (neededServiceNames + mirrorServiceNames).filter { seen.insert($0).inserted }
    }

    /// The names of all services without which clients get no answers, each once: those that its
    /// requests can go to, and those that are asked about them.
    package var neededServiceNames: [String] {
        var seen: Set<String> = []
        return (routedServiceNames + authServiceNames).filter { seen.insert($0).inserted }
    }

    /// The names of the services that get copies of its requests, each once.
    package var mirrorServiceNames: [String] {
        var seen: Set<String> = []
        return routes.compactMap(\.mirror.service).filter { seen.insert($0).inserted }
    }

    /// The names of all services that its requests can go to, each once.
    package var routedServiceNames: [String] {
        var seen: Set<String> = []
        return ([service] + routes.flatMap(\.serviceNames) + [challengeService]).filter {
            !$0.isEmpty && seen.insert($0).inserted
        }
    }

    /// The names of the services that are asked about its requests.
    private var authServiceNames: [String] {
        guard mode == .http else { return [] }
        return ([auth] + routes.map(\.auth)).compactMap(\.serviceName)
    }
}
