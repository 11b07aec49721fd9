// QueryPolicy: how nameservers are asked, whichever they are. Each default stands here and nowhere
// else: Configuration's option table points at these fields, and DNSClient reads them.

/// How a message travels. The raw value is the name in the configuration.
package enum DNSTransport: String, CaseIterable, Hashable, Sendable {
    case udp, tcp

    /// Its name as people write it.
    package var name: String { rawValue.uppercased() }
}

/// How nameservers are asked. Value type, any thread.
package struct QueryPolicy: Sendable, Equatable {
    /// How long one server has for one answer, more than 0; over TCP the connect is included. Nil
    /// is what the system says for its own nameservers, else `timeoutDefault`.
    package var timeout: Duration?
    /// How often each server is asked at most before a question counts as failed, 1 to 10. A server
    /// that answered, if only with an error, isn't asked again for the same question. Nil is what
    /// the system says for its own nameservers, else `attemptsDefault`.
    package var attempts: Int?
    /// How questions travel at first. TCP is for servers that leave records out of UDP answers
    /// without saying so.
    package var transport = DNSTransport.udp
    /// Whether queries carry an OPT record (RFC 6891), without which answers over UDP have 512
    /// octets at most. A server that fails because of it is asked without even so.
    package var usesEDNS = true
    /// Whether the case of the letters in each query is drawn at random, so that a forger has to
    /// guess it as well as id and port ("0x20"). A server that is found not to repeat it, over TCP
    /// too, is asked in the given spelling from then on.
    package var mixesCase = true
    /// How many queries may be sent in a second, over all names; 1 to 1,000,000. Questions wait for
    /// their turn; what one needs besides its first query (again, over TCP, to another server) is
    /// sent at once and counts against those that wait. 1000: a thousand names at Consul's TTL of 0
    /// need so many, a nameserver answers tens of thousands, and 10,000 names are fresh every 10 s.
    package var queriesPerSecond = 1000

    /// 2 s is Consul's own limit for asking upstream, so a slow answer is not given up just before
    /// it arrives.
    package static let timeoutDefault = Duration.seconds(2)
    /// A lost packet, and one more.
    package static let attemptsDefault = 3

    /// The defaults.
    package init() {}
}
