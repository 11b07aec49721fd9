// RegisteredPlace: under which address and port others reach what listens on a port of a container.
// Pure.
//
// | registered by       | the container                      | address and port                     |
// |---------------------|------------------------------------|--------------------------------------|
// | published ports     | publishes it on every address      | the agent's node's, the host's port  |
// |                     | publishes it on one address        | that one, the host's port            |
// |                     | publishes it on loopback alone     | none: others would reach themselves  |
// |                     | is in the host's network           | the agent's node's, its own port     |
// | its own (internal)  | is on one network                  | its address there, its own port      |
// |                     | is on several                      | the one that is asked for, or the    |
// |                     |                                    |  first by name, and a remark         |
// |                     | is in the network of another       | that of the other                    |
//
// An address that the operator gives, or a label, goes before all of these.

internal import Containers
internal import DockerAPI
internal import Endpoints
internal import Lookups

/// Where a port of a container is.
enum RegisteredPlace: Equatable {
    /// There; the address nil is that of the agent's node. With a remark when it was a choice that
    /// the operator may want to make.
    case at(IPAddress?, port: UInt16, remark: String?)
    /// Nowhere, and why: a clause.
    case nowhere(String)

    /// Where `port` of `container` is; nil for a container without a port. `owner` is the container
    /// whose network this one is in, where it is in another's.
    init(
        of port: ContainerSummary.Port?, in container: ContainerSummary, network: String?,
        owner: ContainerSummary?, _ options: RegistrarOptions
    ) {
        if let label = options.policy.addressLabel, let text = container.labels[label] {
            guard let address = IPAddress(text) else {
                self = .nowhere("its label \(label) is no address: \"\(text.prefix(60))\"")
                return
            }
            self = .init(of: port, in: container, network, owner, options).moved(to: address)
            return
        }
        let place = RegisteredPlace(of: port, in: container, network, owner, options)
        if let address = options.policy.address, !options.policy.isInternal {
            self = place.moved(to: address)
        } else {
            self = place
        }
    }

    private init(
        of port: ContainerSummary.Port?, in container: ContainerSummary, _ network: String?,
        _ owner: ContainerSummary?, _ options: RegistrarOptions
    ) {
        if container.ownerID != nil {
            guard let owner, owner.ownerID == nil else {
                self = .nowhere("it is in the network of a container that is not there")
                return
            }
            // What it exposes may be published by the container whose network it is.
            let same = owner.ports.first { $0.inside == port?.inside && $0.isTCP == port?.isTCP }
            self.init(of: same ?? port, in: owner, network, nil, options)
        } else if container.isOnHostNetwork {
            self = .at(nil, port: port?.inside ?? 0, remark: nil)
        } else if options.policy.isInternal {
            self = Self.own(port, container, network, options)
        } else {
            self = Self.published(port, container, options)
        }
    }

    private func moved(to address: IPAddress) -> RegisteredPlace {
        switch self {
        case .at(_, let port, _): .at(address, port: port, remark: nil)
        case .nowhere: self
        }
    }

    private static func published(
        _ port: ContainerSummary.Port?, _ container: ContainerSummary, _ options: RegistrarOptions
    ) -> RegisteredPlace {
        guard let port else { return .at(nil, port: 0, remark: nil) }
        let places = container.ports.filter { $0.inside == port.inside && $0.isTCP == port.isTCP }
            .compactMap(\.published)
        guard let first = places.first else {
            return .nowhere("its port \(port.inside) is not published")
        }
        if let wide = places.first(where: { $0.address.isWildcard }) {
            return .at(nil, port: wide.port, remark: nil)
        }
        let reachable = places.filter { !$0.address.isLoopback }
        let preferred = reachable.first { ($0.address.bitWidth == 128) == options.policy.prefersV6 }
        if let chosen = preferred ?? reachable.first {
            return .at(chosen.address, port: chosen.port, remark: nil)
        }
        let hasLabel = options.policy.addressLabel.flatMap { container.labels[$0] } != nil
        if options.policy.address != nil || hasLabel {
            return .at(first.address, port: first.port, remark: nil)
        }
        return .nowhere(
            "its port \(port.inside) is published on \(first.address) alone, where other machines "
                + "reach themselves: publish it on another address, or give one with registrar.ip")
    }

    private static func own(
        _ port: ContainerSummary.Port?, _ container: ContainerSummary, _ network: String?,
        _ options: RegistrarOptions
    ) -> RegisteredPlace {
        let prefersV6 = options.policy.prefersV6
        let inside = port?.inside ?? 0
        let names = container.networks.map(\.name).joined(separator: ", ")
        if let network {
            let found = container.network(named: network)
            guard let address = found?.address(prefersV6: prefersV6) else {
                return .nowhere(
                    "it has no address on the network \(network); it is on "
                        + (names.isEmpty ? "none" : names))
            }
            return .at(address, port: inside, remark: nil)
        }
        let usable = container.networks.filter { $0.address(prefersV6: prefersV6) != nil }
        guard let chosen = usable.first?.address(prefersV6: prefersV6) else {
            return .nowhere("it has no address on any network")
        }
        let remark =
            "it is on the networks \(names): the first is taken, name one with the label "
            + "fairlead.network or with registrar.network"
        return .at(chosen, port: inside, remark: usable.count == 1 ? nil : remark)
    }
}
