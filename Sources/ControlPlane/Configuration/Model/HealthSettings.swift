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
