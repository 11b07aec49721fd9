// BackendOverrides: an operator's word on single backends, which goes before discovery's. By
// endpoint and not by number: it is written down somewhere, and holds for every life of an
// endpoint.

package import Endpoints

/// What an operator says of one backend. Value type, any thread.
package struct BackendOverride: Sendable, Hashable, CustomStringConvertible {
    /// Takes the place of the SRV weight, 0 included (RFC 2782: a very small share); nil leaves it.
    package var weight: UInt16?
    /// Whether the backend gets no new requests.
    package var isDrained: Bool
    /// Whether what is under way on a drained backend is ended at once, not within the drain limit.
    package var isCutOff: Bool

    /// An override; without arguments it overrides nothing.
    package init(weight: UInt16? = nil, isDrained: Bool = false, isCutOff: Bool = false) {
        self.weight = weight
        self.isDrained = isDrained
        self.isCutOff = isCutOff
    }

    /// Whether it changes nothing.
    package var isEmpty: Bool { weight == nil && !isDrained }

    /// A phrase: `weight 5, drained`.
    package var description: String {
        let drain = isCutOff ? "disabled" : "drained"
        let parts = [weight.map { "weight \($0)" }, isDrained ? drain : nil]
        return isEmpty ? "nothing" : parts.compactMap(\.self).joined(separator: ", ")
    }
}

/// The overrides of one service, by endpoint. Immutable but by its owner; value type, any thread.
package struct BackendOverrides: Sendable, Equatable {
    private var overrides: [Endpoint: BackendOverride] = [:]

    /// None.
    package init() {}

    /// What is said of the backend at this endpoint; nil for nothing, which an empty one is too.
    package subscript(_ endpoint: Endpoint) -> BackendOverride? {
        get { overrides[endpoint] }
        set { overrides[endpoint] = newValue?.isEmpty == false ? newValue : nil }
    }

    /// How many endpoints something is said of.
    package var count: Int { overrides.count }

    /// The endpoints that something is said of, in their order: those without a backend are most
    /// likely misspelt.
    /// - Complexity: O(n log n).
    package var endpoints: [Endpoint] { overrides.keys.sorted() }
}
