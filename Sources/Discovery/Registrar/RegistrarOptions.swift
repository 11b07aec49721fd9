// RegistrarOptions: who registers containers, and how.

package import Endpoints
package import Lookups

/// How a registrar works. Any thread.
package struct RegistrarOptions: Sendable, Equatable {
    /// The name of this machine among those that register with the same agent: it owns what it
    /// registers under it, and touches nothing else. Not empty.
    package var node: String
    /// The address by which the agent's checks reach ports that are published on every address of
    /// this machine.
    package var publishedAddress = IPAddress.loopback
    /// How containers are registered.
    package var policy: RegistrarPolicy

    /// A registrar of `node`.
    package init(node: String, _ policy: RegistrarPolicy) {
        self.node = node
        self.policy = policy
    }

    /// The options for an engine whose machine has the address `engine`; nil for the machine that
    /// we are on. The ports of a distant engine are those of its machine, and not of the agent's.
    func forEngine(at engine: IPAddress?) -> RegistrarOptions {
        guard let engine, policy.address == nil else { return self }
        var options = self
        options.policy.address = engine
        options.publishedAddress = engine
        return options
    }

    /// The key of a service's metadata that has its owner's name.
    package static let ownerKey = "fairlead-registrar"
    /// The key that has the id of its container, 12 digits.
    package static let containerKey = "fairlead-container"
    /// The key that has the fingerprint of the rest.
    package static let fingerprintKey = "fairlead-registration"
}
