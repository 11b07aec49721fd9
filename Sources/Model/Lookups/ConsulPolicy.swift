// ConsulPolicy: how Consul's agents are asked, whichever they are. Each default stands here and
// nowhere else: Configuration's option table points at these fields, and the agents' client reads
// them.

/// How Consul's agents are asked. Value type, any thread.
package struct ConsulPolicy: Sendable, Equatable {
    /// How long an agent may hold an answer back while nothing changes: 1 s to 10 min (Consul's own
    /// bound), sent in whole seconds. Also how late a change is noticed on a connection that died
    /// without a word.
    package var wait = Duration.seconds(60)
    /// How long an agent may take to answer what it does not hold back, and for the last part of
    /// what it does. More than zero.
    package var answerTimeout = Duration.seconds(10)
    /// Whether any server may answer, and not only the leader (`stale`): what DNS does by default.
    package var isStale = true
    /// Connections to one agent at a time, 2 to 10,000. An agent allows 200 for each client address
    /// (`http_max_conns_per_client`), and we may not be alone on ours.
    package var connectionsPerAgentMax = 100
    /// Bytes that an answer may have; a larger one is malformed. At least 1.
    package var bodyBytesMax = 16 * 1024 * 1024

    /// The defaults.
    package init() {}
}
