// A service: the backends that share its requests, how they are found, checked and retried.

package import ConsulQuery
package import Endpoints

/// A named group of backends that requests are balanced over.
package struct Service: Equatable, Sendable {
    /// Distinct; the operator's, or for one that a listener carries the SRV name or the listener's.
    package internal(set) var name = ""
    /// Where its instances come from, in the order of fail-over; 1 to 16.
    package internal(set) var sources: [Source] = []
    /// How the answers of DNS become instances.
    package internal(set) var records = Records()
    /// When its sources are asked again; of no effect on a list of addresses.
    package internal(set) var refresh = Refresh()
    /// How long what discovery says against its backends has no effect.
    package internal(set) var hold = Hold()
    /// How much of a tier has to be up for it to serve alone, 0 to 100 percent; below that the next
    /// tier serves with it. 0: as long as one of it is up.
    package internal(set) var failoverPercent = 0
    /// How a backend is chosen for a request.
    package internal(set) var balance = Balance.roundRobin
    /// What a consistent hash is made of.
    package internal(set) var hashBy = HashBy.client
    /// What happens when no backend is up.
    package internal(set) var whenNoneUp = WhenNoneUp.evidence
    /// What becomes of streams to a backend that is evicted.
    package internal(set) var whenDown = WhenDown.keep
    /// How long the share of a backend that comes up grows to its full size; nil: it has it at
    /// once.
    package internal(set) var slowStart: Duration?
    /// Which backends are preferred for where they are.
    package internal(set) var zone = Zone()
    /// Whether a client stays with a backend.
    package internal(set) var sticky = Sticky()
    /// How much it is given to do.
    package internal(set) var limits = Limits()
    /// How long requests and streams on a backend that drains may go on, 0 to a day.
    package internal(set) var drainLimit = Duration.seconds(60)
    /// How its backends are probed.
    package internal(set) var check = Check()
    /// When live traffic ejects a backend.
    package internal(set) var eject = Eject()
    /// When its requests are tried again.
    package internal(set) var retry = Retry()
    /// How long its backends may take.
    package internal(set) var timeouts = Timeouts()

    /// What an operator decides about single backends, whatever discovery says.
    package internal(set) var overrides: [Endpoint: Override] = [:]

    /// What an operator decides about one backend.
    package struct Override: Equatable, Sendable {
        /// Its weight, 0 to 65535 (RFC 2782); nil leaves what discovery says.
        package internal(set) var weight: UInt16?
        /// Whether it gets no new requests.
        package internal(set) var drain = Switch.off

        init() {}
    }

    /// Where instances come from.
    package enum Source: Equatable, Sendable {
        /// A DNS name with SRV records (RFC 2782), without trailing dot.
        case srv(String)
        /// A query of Consul's HTTP API; while that fails, the SRV records of a DNS name, if there
        /// is one.
        case consul(ConsulServiceQuery, fallback: String?)
        /// A file that lists instances, as Prometheus' file_sd has them.
        case file(String)
        /// A fixed list, never empty, without doubles.
        case backends([StaticBackend])
    }

    /// A backend that the operator wrote down.
    package struct StaticBackend: Hashable, Sendable {
        /// A name (to be resolved by A and AAAA) or an address; the port is 1 to 65535.
        package internal(set) var address: HostAndPort
        /// Share of the requests within its priority, 0 to 65535 (RFC 2782).
        package internal(set) var weight: UInt16 = 1
        /// Tier, 0 to 65535: the lowest with a healthy backend gets the requests (RFC 2782).
        package internal(set) var priority: UInt16 = 0

        init(_ address: HostAndPort) {
            self.address = address
        }
    }

    /// How the answers of DNS become instances.
    package struct Records: Equatable, Sendable {
        /// Which addresses of a host are used.
        package internal(set) var families = Families.ipv4First
        /// In place of the port of every SRV record; nil leaves it.
        package internal(set) var port: UInt16?
        /// Where a name without SRV records has its instances, one for each address; nil: a name
        /// without SRV records has none.
        package internal(set) var fallbackPort: UInt16?

        /// Which addresses of a host are used.
        package enum Families: String, CaseIterable, Equatable, Sendable {
            /// The IPv4 address, or the IPv6 one of a host without.
            case ipv4First = "ipv4-first"
            /// The IPv6 address, or the IPv4 one of a host without.
            case ipv6First = "ipv6-first"
            /// IPv4 alone.
            case ipv4
            /// IPv6 alone.
            case ipv6
            /// Both, as two instances.
            case both
        }
    }

    /// How long nothing leaves, by what went wrong; the reasons stand in `RosterOptions.Holds`.
    package struct Hold: Equatable, Sendable {
        /// The name does not exist.
        package internal(set) var nxdomain = Duration.seconds(900)
        /// It names no instance.
        package internal(set) var nodata = Duration.seconds(900)
        /// The registry could not find out.
        package internal(set) var servfail = Duration.seconds(86400)
        /// It refuses to say.
        package internal(set) var refused = Duration.seconds(86400)
        /// It answers in a way that is not known.
        package internal(set) var otherCode = Duration.seconds(86400)
        /// It does not answer.
        package internal(set) var timeout = Duration.seconds(86400)
        /// What it answers can't be read.
        package internal(set) var malformed = Duration.seconds(86400)
        /// It can't be reached.
        package internal(set) var unreachable = Duration.seconds(86400)
        /// Answers lost more than half of the backends.
        package internal(set) var massLoss = Duration.seconds(60)
        /// It names no instance, and those of a source further down are up.
        package internal(set) var withFailover = Duration.seconds(10)
        /// Whether backends that pass their checks stay when a hold ends.
        package internal(set) var keepPassing = Switch.off
    }

    /// When an answer is asked for again: after its time to live, within these bounds.
    package struct Refresh: Equatable, Sendable {
        /// The shortest wait. Consul's time to live is 0 by default, so this is the usual wait.
        package internal(set) var floor = Duration.seconds(1)
        /// The longest wait, at least the floor: how late a change may be noticed.
        package internal(set) var ceiling = Duration.seconds(60)
        /// How much a wait is varied at random, in percent, so that processes do not ask in step.
        package internal(set) var jitterPercent = 10
    }

    /// How long a backend may take, and how long a connection to it is kept.
    package struct Timeouts: Equatable, Sendable {
        /// For one dial. A backend is near: one second leaves room for a lost SYN to go out twice.
        package internal(set) var connect = Duration.seconds(1)
        /// From the end of the request to the response head. Long, since slow pages are the
        /// service's business, but never forever.
        package internal(set) var responseHead = Duration.seconds(60)
        /// The same for one try, as long as another may follow it; nil: no time of its own.
        package internal(set) var perTry: Duration?
        /// How long an unused backend connection is kept. Shorter than the 5 s after which common
        /// application servers close it, so that few are found closed.
        package internal(set) var backendIdle = Duration.seconds(4)
    }
}
