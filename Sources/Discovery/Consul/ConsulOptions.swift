// How Consul is asked: one value for everything that a process wants of it.

package import Endpoints
package import Lookups

/// The agents and the manner of asking them. Any thread.
package struct ConsulOptions: Sendable, Equatable {
    /// In the order of preference; the first is the local one, where we register. Empty while it is
    /// not known where they are.
    package var agents: [Target]
    /// Sent as X-Consul-Token; nil for the agent's default token.
    package var token: ConsulToken?
    /// How they are asked.
    package var policy: ConsulPolicy

    /// Asks `agents` by `policy`.
    package init(agents: [Target], token: ConsulToken?, _ policy: ConsulPolicy) {
        self.agents = agents
        self.token = token
        self.policy = policy
    }
}
