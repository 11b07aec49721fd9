// Where health and metrics alone are served. By default nowhere: the admin port serves them as
// well. A kubelet or a Prometheus can't reach loopback, and shall not get the admin port's token:
// what this address serves changes nothing, so that anyone who reaches it may have it.

package import Endpoints

/// The address for health and metrics alone.
package struct HealthSettings: Equatable, Sendable {
    /// Where it listens as it was written; nil means there is none.
    var place: Place?
    /// Where it listens: each address of a name, or the one that was written; empty for none.
    package internal(set) var listen: [Endpoint] = []
}

extension Configuration {
    /// Where a program on this machine asks for the health of the process, in the order in which to
    /// try: the admin port, which gives reasons too, then the address for health alone. Empty when
    /// nothing listens for that. A wildcard stands for this machine's loopback addresses.
    package var healthPlaces: [Endpoint] {
        let listened = [admin.listen].compactMap(\.self) + admin.alsoListen + health.listen
        return listened.flatMap { endpoint -> [Endpoint] in
            guard endpoint.address.isWildcard else { return [endpoint] }
            let local = Endpoint(.loopback, endpoint.port)
            // The wildcard of IPv6 takes IPv4 as well, where the kernel has both.
            return endpoint.address == .any
                ? [local, Endpoint(.v6(0, 1), endpoint.port)] : [local]
        }
    }
}

extension OptionTable {
    /// `health: HOST:PORT` is short for `health: {listen: HOST:PORT}`.
    static let health: [Option<HealthSettings>] = [
        Option(
            "listen", \.place, .optional(.listenAddress, "off"), variable: "FAIRLEAD_HEALTH",
            flag: .health,
            "Where `/health/live`, `/health/ready` and `/metrics` are served to everybody who "
                + "reaches it, and nothing else is.")
    ]
}
