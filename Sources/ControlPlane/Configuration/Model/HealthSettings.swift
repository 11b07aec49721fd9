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
    /// How it speaks TLS, if it does.
    package internal(set) var tls = TLSSettings()
}

extension Configuration {
    /// Where a program on this machine asks for the health of the process, in the order in which to
    /// try: the admin port, which gives reasons too, then the address for health alone; only the
    /// former may get the admin port's token. Empty where nothing listens for that.
    package var healthPlaces: (admin: [Endpoint], health: [Endpoint]) {
        let listened = [admin.listen].compactMap(\.self) + admin.alsoListen
        return (listened.flatMap(\.localPlaces), health.listen.flatMap(\.localPlaces))
    }
}

extension Endpoint {
    /// Where something that listens here is reached from this machine. A wildcard stands for the
    /// loopback addresses: that of IPv6 takes IPv4 as well, where the kernel has both.
    fileprivate var localPlaces: [Endpoint] {
        guard address.isWildcard else { return [self] }
        let local = Endpoint(.loopback, port)
        return address == .any ? [local, Endpoint(.v6(0, 1), port)] : [local]
    }
}

extension OptionTable {
    /// `health: HOST:PORT` is short for `health: {listen: HOST:PORT}`.
    static let health = healthPort + Option.group("tls", \.tls, portTLS)

    private static let healthPort: [Option<HealthSettings>] = [
        Option(
            "listen", \.place, .optional(.listenAddress, "off"), variable: "FAIRLEAD_HEALTH",
            flag: .health,
            "Where `/health/live`, `/health/ready` and `/metrics` are served to everybody who "
                + "reaches it, and nothing else is.")
    ]
}

extension Loading {
    /// TLS needs an address where it is spoken.
    mutating func checkHealth() {
        guard draft.configuration.health.place == nil,
            let origin = given["health.tls.certificates"]
        else { return }
        warnings.add("no effect without health.listen, the address for health", at: origin)
    }
}
