// RegistrarPolicy: how containers are registered with Consul. Each default stands here and nowhere
// else: Configuration's option table points at these fields, and the registrar reads them.

package import Endpoints

/// How a registrar works. Value type, any thread.
package struct RegistrarPolicy: Sendable, Equatable {
    /// Under which address containers are registered; nil: that of the agent's node, or what a port
    /// is published on.
    package var address: IPAddress?
    /// The label of a container that has its address; nil for none.
    package var addressLabel: String?
    /// Whether containers are registered by their own addresses and ports, published or not.
    package var isInternal = false
    /// The network by which they are reached then; nil: the one that they are on.
    package var network: String?
    /// Whether IPv6 addresses go before those of IPv4.
    package var prefersV6 = false
    /// Tags of every service, besides its own.
    package var tags: [String] = []
    /// Whether only containers are registered that name their service.
    package var isExplicit = false
    /// What is reported to the agent.
    package var reports = Reports.health
    /// How long the agent believes a report, at least 10 s: it is renewed three times within, and a
    /// registrar that is started again must be back before it is over.
    package var reportLife = Duration.seconds(60)
    /// How long nobody may have reported on a service until the agent removes it; Consul takes one
    /// minute at least. Nil for never.
    package var deregisterAfter: Duration? = .seconds(60)
    /// Whether a container that failed stays registered, as critical, until it is removed.
    package var keepsFailed = false
    /// Whether registrations that a Registrator of this machine has left are ours.
    package var adoptsRegistrator = false
    /// Whether a variable of a container may have the agent run a program on its machine. Off,
    /// since that makes every image a way to the agent's user.
    package var allowsPrograms = false
    /// How often all that the agent holds is compared with all that is wanted.
    package var resync = Duration.seconds(60)
    /// Requests to the agent a second at most, 1 to 10,000: it writes each registration to its disk
    /// and to the servers.
    package var rate = 100
    /// What becomes of the registrations when the process is told to stop. They stay: a registrar
    /// is stopped to be upgraded far more often than with its containers, and an engine that stops
    /// tells of each container that it kills.
    package var ending = Ending.leave

    /// What is reported to the agent, again and again: where a report fails to come, the agent
    /// makes the service critical.
    package enum Reports: String, Sendable, CaseIterable {
        /// What the HEALTHCHECK says of containers that have one.
        case health
        /// That, and of all others that they run.
        case all
        /// Nothing.
        case off
    }

    /// What becomes of the registrations when the process ends.
    package enum Ending: String, Sendable, CaseIterable {
        /// The registrations stay: the containers serve on.
        case leave
        /// The registrations are removed.
        case deregister
    }

    /// The defaults.
    package init() {}

    /// How often a report is renewed.
    package var reportInterval: Duration { reportLife / 3 }
}
