// BackendOverrides: an operator's decisions about single backends, which go before discovery's.
// They are kept by endpoint and not by number: they are written down somewhere, and hold for every
// life of an endpoint.

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

    /// The override of the backend at this endpoint; nil for none, and for an empty one.
    package subscript(_ endpoint: Endpoint) -> BackendOverride? {
        get { overrides[endpoint] }
        set { overrides[endpoint] = newValue?.isEmpty == false ? newValue : nil }
    }

    /// How many endpoints have an override.
    package var count: Int { overrides.count }

    /// The endpoints with an override, in their order: one without a backend is most likely
    /// misspelt.
    /// - Complexity: O(n log n).
    package var endpoints: [Endpoint] { overrides.keys.sorted() }
}
