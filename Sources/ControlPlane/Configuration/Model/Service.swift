// A service: the backends that share its requests, how they are found, checked and retried.

package import Backends
package import ConsulQuery
package import DockerAPI
package import Endpoints
package import Evidence
package import Lookups
internal import ProxyProtocol
package import Traffic

/// A named group of backends that requests are balanced over.
package struct Service: Equatable, Sendable {
    /// Distinct; the operator's, or for one that a listener carries the SRV name or the listener's.
    package internal(set) var name = ""
    /// Where its instances come from, in the order of fail-over; 1 to 16.
    package internal(set) var sources: [Source] = []
    /// How their names are looked up; all but the family of addresses has no effect on a list of
    /// addresses.
    package internal(set) var lookup = LookupOptions()
    /// How answers and evidence are judged, apart from what follows from its checks.
    var roster = RosterOptions()
    /// Checks in a row that count.
    var checkCounts = RosterOptions.Checks()
    /// How its backends are treated, over all workers.
    package internal(set) var policy = BackendPolicy()
    /// How its backends are probed.
    package internal(set) var check = CheckOptions()
    /// The PROXY header with which connections begin, those of checks as well; nil for none.
    var sendsHeader: ProxyHeader.Version? {
        get { policy.sendsHeader }
        set { (policy.sendsHeader, check.sendsHeader) = (newValue, newValue) }
    }
    /// How connections to its backends are made secure.
    package internal(set) var tls = TLSClientSettings()
    /// When a backend stands out from the others.
    package internal(set) var outliers = OutlierWatch.Rules()

    /// What an operator decides about single backends, whatever discovery says.
    package internal(set) var overrides = BackendOverrides()

    /// How answers and evidence are judged.
    package var rosterOptions: RosterOptions {
        var options = roster
        options.checks = check.type == .off ? nil : checkCounts
        options.checksWhatIsServed = check.port == nil
        return options
    }

    /// Where instances come from.
    package enum Source: Equatable, Sendable {
        /// A DNS name with SRV records (RFC 2782), without trailing dot.
        case srv(String)
        /// A query of Consul's HTTP API; while that fails, the SRV records of a DNS name, if there
        /// is one.
        case consul(ConsulServiceQuery, fallback: String?)
        /// Containers of Docker's engine.
        case docker(DockerQuery)
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
}
