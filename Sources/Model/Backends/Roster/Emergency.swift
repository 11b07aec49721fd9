// Emergency: what a service is in while no backend is up; other proxies have a part of it as their
// "panic mode". An empty rotation is right when everything is dead and wrong when only the checks
// are broken, and those look alike from the checks' side; live answers tell them apart.
//
// | from                 | when                                           | to                   |
// |----------------------|------------------------------------------------|----------------------|
// | none up              | there is no live evidence against some         | routing to unhealthy |
// | none up              | there is live evidence against all             | failing fast         |
// | routing to unhealthy | live requests fail, and not one is good        | failing fast         |
// | routing to unhealthy | half of the backends are up, or some have been | its end              |
// |                      | for `lossWindow`: they would have all of the   |                      |
// |                      | traffic                                        |                      |
// | failing fast         | `refuseTime` is over                           | routing to unhealthy |
// | failing fast         | a check passes                                 | its end              |

/// The state of a service without a backend that is up. Value type, any thread.
package struct Emergency: Sendable, Equatable {
    /// What becomes of requests.
    package enum Mode: String, Sendable, Hashable, CustomStringConvertible {
        /// Requests go to backends that are not up.
        case routingToUnhealthy
        /// Requests are refused.
        case failingFast

        /// A clause: `requests go to none until a check passes`.
        package var description: String {
            switch self {
            case .routingToUnhealthy: "requests go to backends that are not up"
            case .failingFast: "requests go to none until a check passes"
            }
        }
    }

    /// When it began.
    package let since: ContinuousClock.Instant
    /// What becomes of requests now.
    package internal(set) var mode: Mode
    /// Since when.
    package internal(set) var modeSince: ContinuousClock.Instant

    /// When it ends though fewer than half of the backends are up; nil while none is.
    package internal(set) var recoveryEnd: ContinuousClock.Instant?

    /// Whether requests were refused in it at any time.
    var hasRefused: Bool

    /// Whether live requests were weighed since it began.
    private var isWeighed = false
    /// When live requests showed last that backends serve; nil when they have not in it.
    private var provenAt: ContinuousClock.Instant?

    /// How long a good answer shows that backends serve though none is up.
    static let proofTime = Duration.seconds(10)

    init(_ mode: Mode, since: ContinuousClock.Instant) {
        self.since = since
        self.mode = mode
        modeSince = since
        hasRefused = mode == .failingFast
    }

    /// Live requests were weighed, about once a second; `isGood` if they show that backends serve.
    mutating func weigh(isGood: Bool, now: ContinuousClock.Instant) {
        isWeighed = true
        if isGood { provenAt = now }
    }

    /// Whether live requests show that backends serve though none is up: checks that fail may be
    /// what is broken. Without requests nothing shows it, and the checks are believed. True within
    /// the first second, before requests were weighed.
    package func isProven(now: ContinuousClock.Instant) -> Bool {
        guard isWeighed else { return true }
        return provenAt.map { now < $0 + Self.proofTime } ?? false
    }
}
