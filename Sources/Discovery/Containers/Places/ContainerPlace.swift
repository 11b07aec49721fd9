// ContainerPlace: by which address a container is reached from here. Each answer that is none has
// its reason, and so has one that was a choice among several.
//
// | the container                    | we run                       | the address                    |
// |----------------------------------|------------------------------|--------------------------------|
// | on the network that is asked for | with the engine              | its address there              |
// | on networks that are ours too    | in a container of the engine | the first of these by name,    |
// |                                  |                              |  and a remark if there are more|
// | on bridges                       | on the engine's host         | the first of these by name     |
// | on no bridge, but published      | on the engine's host         | loopback, or what it names     |
// | in the host's network            | on the engine's host         | loopback                       |
// | in the network of another        | anywhere                     | that of the other              |
// | published                        | elsewhere                    | the engine's host              |
//
// A process on the host has no way to containers on overlay, macvlan and ipvlan networks: the
// kernel keeps it from its own macvlan's.

package import DockerAPI
package import Endpoints

/// Where this process runs, as far as containers are concerned. Value type, any thread.
package enum Vantage: Hashable, Sendable {
    /// On the host of the engine.
    case host
    /// In a container of the engine, on these networks.
    case container(networks: Set<String>)
    /// Elsewhere: the engine is asked over TCP, at this address.
    case remote(IPAddress)
}

/// Where a container can be reached.
package enum ContainerPlace: Hashable, Sendable {
    /// There; with a remark when it was a choice that the operator may want to make.
    case at(Endpoint, remark: String?)
    /// Nowhere, and why: a clause.
    case nowhere(reason: String)

    /// What is known besides the container.
    package struct Surroundings: Sendable {
        /// Where we are.
        package var vantage: Vantage
        /// The driver of each network by its name; a network that is not there is a bridge.
        package var drivers: [String: String]
        /// Whether IPv6 addresses go before those of IPv4.
        package var prefersV6: Bool

        /// Surroundings that are known.
        package init(
            _ vantage: Vantage, drivers: [String: String] = [:], prefersV6: Bool = false
        ) {
            self.vantage = vantage
            self.drivers = drivers
            self.prefersV6 = prefersV6
        }
    }

    /// Finds where `port` of `container` is reached.
    ///
    /// - Parameters:
    ///   - network: the network that the container or its service asks for; nil for none.
    ///   - owner: the container whose network this one is in, where it is in another's.
    package init(
        of container: ContainerSummary, port: UInt16, network: String?,
        owner: ContainerSummary? = nil, in surroundings: Surroundings
    ) {
        if container.ownerID != nil {
            guard let owner, owner.ownerID == nil else {
                self = .nowhere(
                    reason: "it is in the network of another container, which is not there")
                return
            }
            self.init(of: owner, port: port, network: network, in: surroundings)
            return
        }
        if case .remote(let host) = surroundings.vantage {
            self = Self.published(container, port, by: host)
            return
        }
        if container.isOnHostNetwork {
            self =
                surroundings.vantage == .host
                ? .at(Endpoint(.loopback, port), remark: nil)
                : .nowhere(
                    reason: "it is in the network of the host, and this process is not")
            return
        }
        if let network {
            self = Self.on(network, container, port, surroundings)
            return
        }
        let reachable = container.networks.filter { surroundings.reaches($0) }
        guard let address = reachable.first?.address(prefersV6: surroundings.prefersV6) else {
            self = Self.published(container, port, in: surroundings)
            return
        }
        let remark =
            reachable.count == 1
            ? nil
            : "it is on the networks \(reachable.map(\.name).joined(separator: ", ")): the first "
                + "is taken, name one with the label fairlead.network"
        self = .at(Endpoint(address, port), remark: remark)
    }

    private static func on(
        _ network: String, _ container: ContainerSummary, _ port: UInt16,
        _ surroundings: Surroundings
    ) -> ContainerPlace {
        guard let found = container.network(named: network) else {
            let names = container.networks.map(\.name).joined(separator: ", ")
            return .nowhere(
                reason: "it is not on the network \(network.shown), but on "
                    + (names.isEmpty ? "none" : names))
        }
        guard let address = found.address(prefersV6: surroundings.prefersV6) else {
            return .nowhere(reason: "it has no address on the network \(network.shown)")
        }
        return .at(Endpoint(address, port), remark: nil)
    }

    private static func published(
        _ container: ContainerSummary, _ port: UInt16, in surroundings: Surroundings
    ) -> ContainerPlace {
        switch surroundings.vantage {
        case .remote(let host): return published(container, port, by: host)
        case .host: return published(container, port, by: .loopback)
        case .container:
            let names = container.networks.map(\.name).joined(separator: ", ")
            return .nowhere(
                reason: "it shares no network with this process: it is on "
                    + (names.isEmpty ? "none" : names))
        }
    }

    private static func published(
        _ container: ContainerSummary, _ port: UInt16, by host: IPAddress
    ) -> ContainerPlace {
        let places = container.ports.filter { $0.isTCP && $0.inside == port }
            .compactMap(\.published)
        // A wildcard is any of the host's addresses; a port that is bound to another one than
        // loopback is not found there.
        let isNear = host.isLoopback
        for place in places {
            if place.address.isWildcard { return .at(Endpoint(host, place.port), remark: nil) }
            if isNear || place.address == host { return .at(place, remark: nil) }
        }
        if let other = places.first {
            return .nowhere(
                reason: "port \(port) is published on \(other) alone, and not on \(host)")
        }
        return .nowhere(
            reason: isNear
                ? "it is on no network that this host reaches, and port \(port) is not published"
                : "port \(port) is not published, and its engine is another machine's")
    }
}

extension ContainerPlace.Surroundings {
    /// Whether a container is reached by an address that it has on that network.
    fileprivate func reaches(_ network: ContainerSummary.Network) -> Bool {
        guard network.address(prefersV6: prefersV6) != nil else { return false }
        switch vantage {
        case .container(let ours): return ours.contains(network.name)
        case .host: return ["bridge", "nat"].contains(drivers[network.name] ?? "bridge")
        case .remote: return false
        }
    }
}
