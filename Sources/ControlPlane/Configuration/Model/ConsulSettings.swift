// Options for Consul's agents, apart from the services that are asked of them.

package import Endpoints
package import Lookups

/// Where Consul's agents are, and what is asked of them.
package struct ConsulSettings: Equatable, Sendable {
    /// Agents in the order of preference, at most eight.
    package internal(set) var agents = [
        RegistryPlace(.target(.endpoint(Endpoint(.loopback, 8500))), hasPort: false)
    ]
    /// How those are asked that are asked by TLS.
    package internal(set) var tls = TLSClientSettings()
    /// Sent as X-Consul-Token; nil for none. A secret: never shown.
    package internal(set) var token: String?
    /// A file whose first line is the token; read at the start.
    package internal(set) var tokenFile: String?
    /// How they are asked.
    package internal(set) var policy = ConsulPolicy()
    /// The prefix of the K/V store that routes, services and weights are read from; nil for none.
    package internal(set) var kv: String?
    /// Whether tags such as `urlprefix-example.com/api` of services in Consul become routes.
    package internal(set) var tags = false
    /// How this process registers itself.
    package internal(set) var register = Registration()

    /// Whether anything is asked of Consul's API, by these settings or by one of `services`.
    fileprivate func areUsed(by services: [Service]) -> Bool {
        kv != nil || tags || register.name != nil
            || services.contains { service in
                service.sources.contains { if case .consul = $0 { true } else { false } }
            }
    }

    /// Whether `other` differs at most in how agents are asked by TLS.
    package func isLike(_ other: ConsulSettings) -> Bool {
        var same = other
        same.tls = tls
        return self == same
    }

    /// How this process registers itself with the first agent that answers.
    package struct Registration: Equatable, Sendable {
        /// The service's name; nil: it does not register.
        package internal(set) var name: String?
        /// Its address, as others reach it; nil leaves the agent's own.
        package internal(set) var address: IPAddress?
        /// Its port; nil is that of the first listener.
        package internal(set) var port: UInt16?
        /// Its tags.
        package internal(set) var tags: [String] = []
        /// How the agent checks it: the path of an HTTP check on its port; nil is a TCP check.
        package internal(set) var checkPath: String?
    }
}

extension Configuration {
    /// Whether anything is asked of Consul's API.
    package var usesConsul: Bool { usesConsul(by: services) }

    /// Whether anything is asked of Consul's API, where `services` are those of the configuration.
    func usesConsul(by services: [Service]) -> Bool {
        ticketKeys.consul != nil || acme.consul != nil || consul.areUsed(by: services)
    }
}
