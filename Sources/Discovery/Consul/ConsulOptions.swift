// How Consul is asked: one value for everything that a process wants of it.

package import Lookups
package import TLS

/// The agents and the manner of asking them. Any thread.
package struct ConsulOptions: Sendable, Equatable {
    /// In the order of preference; the first is the local one, where we register. Empty while it is
    /// not known where they are.
    package var agents: [ConsulAgentPlace]
    /// Sent as X-Consul-Token; nil for the agent's default token.
    package var token: ConsulToken?
    /// How those are asked that are asked by TLS; nil while there are none. A client was made with
    /// it before.
    package var tls: TLSClientOptions?
    /// How they are asked.
    package var policy: ConsulPolicy

    /// Asks `agents` by `policy`.
    package init(
        agents: [ConsulAgentPlace], token: ConsulToken?, tls: TLSClientOptions? = nil,
        _ policy: ConsulPolicy
    ) {
        self.agents = agents
        self.token = token
        self.tls = tls
        self.policy = policy
    }
}
