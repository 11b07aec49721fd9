// AddressTable: AddressRules in the form in which requests meet them: for each length of prefix
// that occurs, the networks of that length in order, the longest first. An address is looked for by
// bisection, so that ten thousand networks of a few lengths cost a few dozen comparisons.

package import Endpoints

/// Which addresses may come. Immutable, any thread; a look-up allocates nothing.
package struct AddressTable: Sendable {
    /// The networks of one length.
    private struct Layer {
        let prefix: Int
        /// Their first addresses, in order, each once.
        var networks: [IPAddress] = []
        /// Whether each of them may not come.
        var denies: [Bool] = []

        /// Whether the network that `address` is in may not come; nil when it is in none.
        func denies(_ address: IPAddress) -> Bool? {
            guard let wanted = IPNetwork(containing: address, prefix: prefix)?.address else {
                return nil
            }
            var low = 0
            var high = networks.count
            while low < high {
                let middle = (low + high) / 2
                if networks[middle] < wanted { low = middle + 1 } else { high = middle }
            }
            return low < networks.count && networks[low] == wanted ? denies[low] : nil
        }
    }

    /// The longest prefix first.
    private let ofIPv4: [Layer]
    private let ofIPv6: [Layer]
    /// Whether an address in none of the networks may come.
    private let admitsOthers: Bool

    /// Compiles `rules`; nil when everybody may come. A network that both lists have may not come.
    package init?(_ rules: AddressRules) {
        guard !rules.isEmpty else { return nil }
        ofIPv4 = Self.layers(rules, bitWidth: 32)
        ofIPv6 = Self.layers(rules, bitWidth: 128)
        admitsOthers = rules.allowed.isEmpty
    }

    private static func layers(_ rules: AddressRules, bitWidth: Int) -> [Layer] {
        var verdicts: [IPNetwork: Bool] = [:]
        for network in rules.allowed { verdicts[network] = false }
        for network in rules.denied { verdicts[network] = true }
        var layers: [Int: Layer] = [:]
        let own = verdicts.filter { $0.key.address.bitWidth == bitWidth }
        for (network, denies) in own.sorted(by: { $0.key.address < $1.key.address }) {
            var layer = layers[network.prefix] ?? Layer(prefix: network.prefix)
            layer.networks.append(network.address)
            layer.denies.append(denies)
            layers[network.prefix] = layer
        }
        return layers.values.sorted { $0.prefix > $1.prefix }
    }

    /// Whether a client at `address` may come.
    /// - Complexity: O(l log n) for n networks of l lengths.
    package func admits(_ address: IPAddress) -> Bool {
        switch address {
        case .v4: Self.admits(address, ofIPv4) ?? admitsOthers
        case .v6: Self.admits(address, ofIPv6) ?? admitsOthers
        }
    }

    private static func admits(_ address: IPAddress, _ layers: [Layer]) -> Bool? {
        for layer in layers {
            if let denies = layer.denies(address) { return !denies }
        }
        return nil
    }
}
