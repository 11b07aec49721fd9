// ResolverOptions: whom to ask, and every limit of the resolver with its unit, default and reason.

package import Endpoints

/// How a `Resolver` asks. Value type, any thread.
package struct ResolverOptions: Sendable {
    /// The servers in order of preference, port included. With none every question ends at once
    /// with `.noServers`.
    package var servers: [Endpoint]
    /// How long one server may take to answer before it is asked again; over TCP the connect is
    /// included. More than 0. 2 s: above what a recursor needs in practice.
    package var timeout: Duration = .seconds(2)
    /// How often each server is asked at most, 1 or more. A server that answered, if only with an
    /// error, isn't asked again for the same question.
    package var attempts = 2
    /// When a question ends whatever happens, counted from its first packet. More than 0.
    package var deadline: Duration = .seconds(5)
    /// How long the server asked last may be silent before the next one is asked too, and how long
    /// one that can't be reached is left alone before its next attempt.
    package var stagger: Duration = .milliseconds(200)
    /// The largest UDP answer, announced by EDNS; 512 or more. 1232 octets pass every IPv6 path
    /// without fragments (DNS flag day 2020).
    package var udpPayloadSize: UInt16 = 1232
    /// Whether questions go over TCP from the start: for servers that leave records out of UDP
    /// answers without saying so.
    package var tcpFirst = false
    /// Whether the case of the letters in each query is drawn at random, so that a forger has to
    /// guess it as well as id and port ("0x20"). A server that is found not to repeat it, over TCP
    /// too, is asked in the given spelling from then on.
    package var mixesCase = true
    /// Whether queries carry an OPT record (RFC 6891), without which answers over UDP have 512
    /// octets at most. A server that fails because of it is asked without even so.
    package var usesEDNS = true
    /// How many queries may be sent in a second, over all names; 1 to 1,000,000. Questions wait for
    /// their turn; what one needs besides its first query (again, over TCP, to another server) is
    /// sent at once and counts against those that wait. 1000: a nameserver answers tens of
    /// thousands, and 10,000 names are fresh every 10 s.
    package var queriesPerSecond = 1000
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

    /// The defaults, for `servers`.
    package init(servers: [Endpoint]) {
        self.servers = servers
    }
}
