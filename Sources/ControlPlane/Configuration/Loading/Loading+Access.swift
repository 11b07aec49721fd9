// The rules for who may come, and how much: what an option can't say beside the others.

internal import Access
internal import Documents
internal import Endpoints
internal import RateLimits
internal import Traffic
internal import Wording

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
        checkRates()
    }

    private mutating func checkRates() {
        var bytes = 0
        var last = Origin.nowhere
        for listener in listeners {
            let own = listener.value.policy.rates
            if listener.value.mode == .tcp {
                if !own.isEmpty, let origin = listener.given["rate"] {
                    errors.add(
                        "found rate on a listener of mode tcp, expected mode http", at: origin)
                }
                continue
            }
            let rules = own + listener.value.routes.flatMap(\.rates)
            guard !rules.isEmpty else { continue }
            // A listener of a name is one for each of its addresses.
            bytes += listener.listeners.count * rules.reduce(0) { $0 + $1.bytesMax }
            last = listener.given["rate"] ?? given["defaults.rate"] ?? listener.origin
        }
        guard bytes > ConfigurationLimits.rateBytesMax else { return }
        let most = Units.write(size: ConfigurationLimits.rateBytesMax)
        errors.add(
            "found limits of requests that take \((bytes + (1 << 20) - 1) >> 20)MiB of memory, "
                + "expected at most \(most): fewer of them, or fewer clients in each", at: last)
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
