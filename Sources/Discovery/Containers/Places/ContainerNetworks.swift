// The networks of a container, as everybody who looks for its address reads them. Pure.

package import DockerAPI
package import Endpoints

extension ContainerSummary {
    private static let ownerPrefix = "container:"

    /// The id of the container whose network it is in; nil when it has its own, or the host's.
    package var ownerID: String? {
        networkMode.hasPrefix(Self.ownerPrefix)
            ? String(networkMode.dropFirst(Self.ownerPrefix.count)) : nil
    }

    /// Whether it is in the network of the engine's host.
    package var isOnHostNetwork: Bool { networkMode == "host" }

    /// The network that `name` means, by its whole name or by the one that it has in a Compose
    /// file: Compose puts the project's name before that. Nil when the container is not on it.
    package func network(named name: String) -> Network? {
        networks.first { $0.name == name } ?? networks.first { $0.name.hasSuffix("_\(name)") }
    }
}

extension ContainerSummary.Network {
    /// The container's address there, of the preferred family if it has one; nil when it has none.
    package func address(prefersV6: Bool) -> IPAddress? { prefersV6 ? v6 ?? v4 : v4 ?? v6 }
}
