// How Consul is asked: one value for everything that a process wants of it.

package import Endpoints

/// The agents and the manner of asking them. Any thread.
package struct ConsulOptions: Sendable, Equatable {
    /// In the order of preference; the first is the local one, where we register. Not empty.
    package var agents: [Target] = [.endpoint(Endpoint(.loopback, 8500))]
    /// Sent as X-Consul-Token; nil for the agent's default token.
    package var token: ConsulToken?
    /// The datacentre to ask when a query names none; nil for the agent's own.
    package var datacenter: String?
    /// How long an agent may hold an answer back while nothing changes: 1 s to 10 min (Consul's own
    /// bound), sent in whole seconds. Also how late a change is noticed on a connection that died
    /// without a word.
    package var wait: Duration = .seconds(60)
    /// How long an agent may take to answer what it does not hold back, and for the last part of
    /// what it does. More than zero.
    package var answerTimeout: Duration = .seconds(10)
    /// Whether any server may answer, and not only the leader (`stale`): what DNS does by default.
    package var isStale = true
    /// Connections to one agent at a time, 2 to 10,000. An agent allows 200 for each client address
    /// (`http_max_conns_per_client`), and we may not be alone on ours.
    package var connectionsPerAgentMax = 100
    /// Bytes that an answer may have; a larger one is malformed. At least 1.
    package var bodyBytesMax = 16 * 1024 * 1024

    /// The defaults: an agent on this machine, without a token.
    package init() {}
}
