// What `fairlead registrar` does: how it registers containers, and where it shows what it did.

internal import Documents
package import Endpoints
package import Lookups

/// The registrar.
package struct RegistrarSettings: Equatable, Sendable {
    /// The name of this machine among those that register; nil is its host name.
    package internal(set) var node: String?
    /// Where it shows what it did; nil: nowhere. It has no secrets and changes nothing, but should
    /// not be shown to everybody.
    package internal(set) var listen: Endpoint? = Endpoint(.loopback, 9092)
    /// How containers are registered.
    package internal(set) var policy = RegistrarPolicy()
}

extension OptionTable {
    static let registrar: [Option<RegistrarSettings>] =
        [
            Option(
                "node", \.node, .optional(.name, "auto"), flag: .node,
                "The name of this machine, which owns what it registers; `auto` is its host name."),
            Option(
                "listen", \.listen, .optional(.statusAddress, "off"),
                "Where it serves /health/ready, /health/live, /metrics and /services."),
        ] + Option.group("", \.policy, registering)

    private static let registering: [Option<RegistrarPolicy>] = [
        Option(
            "ip", \.address, .optional(.address, "auto"), flag: .ip,
            "The address of published ports; `auto` is the agent's node's."),
        Option(
            "ip-label", \.addressLabel, .optional(.label, "off"),
            "The label of a container that has its address."),
        Option(
            "internal", \.isInternal, .onOff,
            "Whether containers are registered by their own addresses and ports, published or "
                + "not."),
        Option(
            "network", \.network, .optional(.label, "auto"),
            "With `internal`, the network of their addresses; `auto` is the first that they are "
                + "on."),
        Option("ipv6", \.prefersV6, .onOff, "Whether their IPv6 addresses go first."),
        Option(
            "tags", \.tags, .list(of: .tag, countMax: 64), "Tags of every service, besides its own."
        ),
        Option(
            "explicit", \.isExplicit, .onOff,
            "Whether only containers with SERVICE_NAME are registered."),
        Option(
            "reports", \.reports, .word,
            "What it reports to the agent: how the HEALTHCHECK of those that have one stands, or "
                + "of `all` that they run."),
        Option(
            "ttl", \.reportLife, .duration(.seconds(10) ... .seconds(86400)),
            "How long the agent believes a report."),
        Option(
            "deregister-after", \.deregisterAfter,
            .optional(.duration(.seconds(60) ... .seconds(30 * 86400)), "off"),
            "How long nobody may have reported on a service until the agent removes it."),
        Option(
            "deregister", \.keepsFailed, .words([("always", false), ("on-success", true)]),
            "Whether a container that failed stays registered, as critical, until it is removed."),
        Option(
            "adopt", \.adoptsRegistrator, .onOff,
            "Whether what a Registrator of this machine has left is taken over or removed."),
        Option(
            "scripts", \.allowsPrograms, .onOff,
            "Whether SERVICE_CHECK_SCRIPT may have the agent run a command on its machine."),
        Option(
            "resync", \.resync, .duration(.seconds(1) ... .seconds(86400)),
            "How often all that the agent holds is compared."),
        Option("rate", \.rate, .count(1...10_000), "Requests to the agent a second at most."),
        Option(
            "on-stop", \.ending, .word, "What becomes of its registrations when it is stopped."),
    ]
}

extension ValueKind where Value == Endpoint {
    /// Where status is shown. Not `:PORT`: an operator should say who may see it.
    static var statusAddress: Self {
        Self("address with a port", write: { "\($0)" }) { (text) throws(Unexpected) in
            guard text.first != ":", let endpoint = Endpoint(text), endpoint.port != 0 else {
                throw Unexpected(
                    expected: "an address with a port, such as 127.0.0.1:9092 or 0.0.0.0:9092")
            }
            return endpoint
        }
    }
}

extension ValueKind where Value == String {
    /// The name of a label or network of Docker.
    static var label: Self {
        Self("name", write: { $0 }) { (text) throws(Unexpected) in
            guard (1...255).contains(text.utf8.count),
                text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw Unexpected(expected: "a name without spaces") }
            return text
        }
    }
}
