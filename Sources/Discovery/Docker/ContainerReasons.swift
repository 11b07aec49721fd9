// ContainerReasons: why a container is reached where it is, in words: which port, which network,
// whose labels. Pure; the choice itself is ContainerPort's and ContainerPlace's.

internal import Backends
internal import Containers
internal import DockerAPI
internal import Endpoints
internal import InstanceSources

extension Vantage {
    /// How containers are reached from here, a clause.
    var sentence: String {
        switch self {
        case .host: "asked from the engine's own host: containers are reached by their addresses"
        case .container(let networks):
            "asked from a container of the engine on \(networks.sorted().joined(separator: ", ")): "
                + "containers are reached by the networks they share with it"
        case .remote(let host):
            "asked from another host: containers are reached by ports that they publish on \(host)"
        }
    }
}

extension DockerQuery {
    /// What `container` comes to for this query and why, a clause; nil when it is not wanted.
    func explanation(
        of container: Container, in inventory: ContainerInventory,
        _ surroundings: ContainerPlace.Surroundings
    ) -> String? {
        guard let offer = offer(of: container),
            let selected = SelectedContainer(container, for: self, of: inventory, surroundings)
        else { return nil }
        let labels = container.wishes.convention.map { "by \($0.rawValue)'s convention" }
        var parts = [labels ?? "no labels or variables of any convention"]
        if let idle = selected.idle {
            parts.insert("no requests: \(idle.reason)", at: 0)
        } else if let instance = selected.instance {
            parts.insert("\(instance.endpoint)", at: 0)
            parts.append("port \(portReason(offer, container))")
            parts.append(networkReason(instance.endpoint, container, surroundings.vantage))
        }
        if container.summary.health != .none {
            parts.append(
                "HEALTHCHECK \(container.summary.health.rawValue), as \(container.wishes.health)")
        }
        return parts.joined(separator: "; ")
    }

    private func portReason(_ offer: ContainerOffer, _ container: Container) -> String {
        if offer.port != nil { return "by its labels or variables" }
        if port != nil { return "by the service" }
        return container.summary.exposedPorts.count == 1
            ? "the only one that it exposes" : "the first usual one that it exposes"
    }

    private func networkReason(
        _ endpoint: Endpoint, _ container: Container, _ vantage: Vantage
    ) -> String {
        let networks = container.summary.networks
        let found = networks.first { network in
            network.address(prefersV6: false) == endpoint.address
                || network.address(prefersV6: true) == endpoint.address
        }
        guard let found else {
            return container.summary.isOnHostNetwork
                ? "it is in the host's network"
                : container.summary.ownerID != nil
                    ? "it is in the network of another container" : "published there"
        }
        if container.wishes.network != nil { return "network \(found.name), by its label" }
        if network != nil { return "network \(found.name), by the service" }
        let name = networks.count == 1 ? "its only network" : "the first by name that is reached"
        return "network \(found.name), \(name)"
    }
}
