// The rules for who may come: what a list can't say beside the other.

internal import Access
internal import Documents
internal import Endpoints
internal import Traffic

extension Loading {
    /// Checks the lists of all listeners, where those of `defaults` count as well; adds to errors.
    /// Those of routes are checked as they are read.
    mutating func checkAccess() {
        for listener in listeners {
            let origin =
                listener.given["deny"] ?? listener.given["allow"] ?? given["defaults.deny"]
                ?? listener.origin
            checkAccess(listener.value.policy.access, at: origin)
        }
    }

    /// Checks the two lists of one listener or route; adds to errors.
    mutating func checkAccess(_ access: AddressRules, at origin: Origin) {
        let both = access.contradictions
        guard let network = both.first else { return }
        let others = both.count > 1 ? " and \(both.count - 1) more" : ""
        errors.add(
            "found \(network)\(others) in allow and in deny, expected it in one of them",
            at: origin)
    }
}
