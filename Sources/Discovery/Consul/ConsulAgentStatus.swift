// What happened with each agent, as a value for the admin port.

/// One agent's counters and state. A copy does not follow the agent. Any thread.
package struct ConsulAgentStatus: Sendable {
    /// Where it is.
    package let place: ConsulAgentPlace
    /// False while it is left for the next one after a failure.
    package internal(set) var isAvailable = true
    /// Requests sent to it.
    package internal(set) var requests: UInt64 = 0
    /// Answers of 2xx, and 404s.
    package internal(set) var answers: UInt64 = 0
    /// Requests that failed, by kind.
    package internal(set) var failures: [ConsulFailureKind: UInt64] = [:]
    /// The last failure; nil for none yet.
    package internal(set) var lastFailure: Event?
    /// Answers whose JSON can't be read or has fields that make no sense; among `answers`.
    package internal(set) var malformedJSON: UInt64 = 0
    /// The last of those; nil for none yet.
    package internal(set) var lastMalformedJSON: Event?
    /// Answers that said that the cluster has no leader (X-Consul-KnownLeader: false).
    package internal(set) var answersWithoutLeader: UInt64 = 0
    /// Answers from which ACLs filtered something (X-Consul-Results-Filtered-By-ACLs: true).
    package internal(set) var answersFiltered: UInt64 = 0

    /// Something that happened, and when.
    package struct Event: Sendable, Equatable {
        /// When it happened.
        package let at: ContinuousClock.Instant
        /// What happened; no secret in it.
        package let text: String
    }

    init(_ place: ConsulAgentPlace) {
        self.place = place
    }
}
