// Emergency: what a service is in while no backend is up. An empty rotation is right when
// everything is dead and wrong when only the checks are broken, and those look alike from the
// checks' side; live answers tell them apart.
//
//              no live evidence against some        live requests fail, not one is good
//   none up ──────────────────────────────▶ serving ──────────────────────────────────▶ refusing
//      ╲                                       ▲                                           │ ▲
//       ╲                                      └────────────── refuseTime ─────────────────┘ │
//        ╲──────────────────────────── live evidence against all ────────────────────────────┘
//
//   refusing ends with the first passed check; serving when half of the backends are up, or some
//   `lossWindow` after the first: it would have all of the traffic until then.

/// The state of a service without a backend that is up. Value type, any thread.
package struct Emergency: Sendable, Equatable {
    /// What becomes of requests.
    package enum Conduct: String, Sendable, Hashable, CustomStringConvertible {
        /// Requests go to backends that are not up.
        case serving
        /// Requests are refused.
        case refusing

        /// A clause: `requests are refused until a check passes`.
        package var description: String {
            switch self {
            case .serving: "requests go to backends that are not up"
            case .refusing: "requests are refused until a check passes"
            }
        }
    }

    /// When it began.
    package let since: ContinuousClock.Instant
    /// What becomes of requests now.
    package internal(set) var conduct: Conduct
    /// Since when.
    package internal(set) var conductSince: ContinuousClock.Instant

    /// When it ends though fewer than half of the backends are up; nil while none is.
    package internal(set) var recoveryEnd: ContinuousClock.Instant?

    /// Whether requests were refused in it at any time.
    var hasRefused: Bool

    init(_ conduct: Conduct, since: ContinuousClock.Instant) {
        self.since = since
        self.conduct = conduct
        conductSince = since
        hasRefused = conduct == .refusing
    }
}
