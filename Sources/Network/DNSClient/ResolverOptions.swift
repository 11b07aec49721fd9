// ResolverOptions: whom to ask, and every limit of the resolver with its unit and reason. What an
// operator decides has its default in QueryPolicy.

package import DNSWire
package import Endpoints

/// How a `Resolver` asks. Value type, any thread.
package struct ResolverOptions: Sendable {
    /// The servers in order of preference, port included. With none every question ends at once
    /// with `.noServers`.
    package var servers: [Endpoint]
    /// How long one server may take to answer before it is asked again; over TCP the connect is
    /// included. More than 0.
    package var timeout: Duration
    /// How often each server is asked at most, 1 or more.
    package var attempts: Int
    /// When a question ends whatever happens, counted from its first packet. More than 0.
    package var deadline: Duration
    /// How long the server asked last may be silent before the next one is asked too, and how long
    /// one that can't be reached is left alone before its next attempt.
    package var stagger: Duration = .milliseconds(200)
    /// The largest UDP answer, announced by EDNS; 512 or more. 1232 octets pass every IPv6 path
    /// without fragments (DNS flag day 2020).
    package var udpPayloadSize: UInt16 = 1232
    /// Whether questions go over TCP from the start.
    package var tcpFirst: Bool
    /// Whether the case of the letters in each query is drawn at random (`QueryPolicy.mixesCase`).
    package var mixesCase: Bool
    /// Whether queries carry an OPT record (`QueryPolicy.usesEDNS`).
    package var usesEDNS: Bool
    /// How many queries may be sent in a second, over all names; 1 to 1,000,000.
    package var queriesPerSecond: Int
    /// How many questions may be under way at once, 1 or more. Each holds a descriptor for every
    /// query that it waits for, at most `attempts` per server: while all are silent 128 questions
    /// to one server hold 256, of the 1024 that a process has where nobody raised the limit.
    package var underWayMax = 128
    /// How many more may wait, 0 or more; beyond that a question ends with `.overloaded`. It bounds
    /// memory (about 300 bytes a question) against a mistake, not against the configuration, whose
    /// names are asked once at a time: 10,000 names, or 500 of 100 targets that have to be resolved
    /// in both families, all at once at the start.
    package var waitingMax = 100_000
    /// Draws the 16-bit id of each query. The default is the system's secure generator, since a
    /// forger has to guess the id (RFC 5452, section 9.2).
    package var nextID: @Sendable () -> UInt16 = { UInt16.random(in: .min ... .max) }

    /// Asks `servers` by `policy`; for those that `system` names itself, what it says of them
    /// counts where the policy leaves it open.
    package init(
        servers: [Endpoint], _ policy: QueryPolicy = QueryPolicy(), system: ResolvConf? = nil
    ) {
        self.servers = servers
        timeout = policy.timeout ?? system?.timeout ?? QueryPolicy.timeoutDefault
        attempts = policy.attempts ?? system?.attempts ?? QueryPolicy.attemptsDefault
        // Every try of one server may take its time, and a last answer has a second to be read.
        deadline = timeout * attempts + .seconds(1)
        tcpFirst = policy.transport == .tcp || system?.usesTCP == true
        usesEDNS = policy.usesEDNS
        mixesCase = policy.mixesCase
        queriesPerSecond = policy.queriesPerSecond
    }
}
