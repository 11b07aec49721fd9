// AddressRules: which addresses may come, as an operator writes it.

package import Endpoints

/// Networks that may come, and networks that may not. Value type, any thread.
///
/// Of the networks that an address is in, the one with the longest prefix decides, as the most
/// specific route does: so `allow: 10.0.0.0/8`, `deny: 10.1.0.0/16` and `allow: 10.1.2.3` mean what
/// they say in any order, and `deny: 0.0.0.0/0` beside them changes nothing for 10.0.0.0/8.
package struct AddressRules: Sendable, Equatable {
    /// Networks whose addresses may come. As soon as there is one, an address in no network of
    /// either list may not.
    package var allowed: [IPNetwork] = []
    /// Networks whose addresses may not.
    package var denied: [IPNetwork] = []

    /// Everybody may come.
    package init() {}

    /// Whether everybody may come.
    package var isEmpty: Bool { allowed.isEmpty && denied.isEmpty }

    /// Networks that both lists have: nothing says which of them counts.
    package var contradictions: [IPNetwork] {
        let denied = Set(denied)
        return allowed.filter { denied.contains($0) }
    }
}
