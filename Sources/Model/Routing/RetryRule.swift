// RetryRule: after which failures a request may be tried again. A service has one; a route may say
// otherwise.

/// When a request is sent again. Value type, any thread.
package struct RetryRule: Sendable, Equatable {
    /// Tries in all, the first included; at least 1, which means no retry.
    package var attempts = 3
    /// After which failures.
    package var failures = Failures()
    /// Whether a safe request is sent to another backend as well when an answer takes long.
    package var hedging = Hedging.never

    /// The defaults.
    package init() {}

    /// The rule for a route that says otherwise; nil says nothing.
    package func overridden(by override: Override?) -> RetryRule {
        guard let override else { return self }
        var rule = self
        rule.attempts = override.attempts ?? attempts
        rule.failures = override.failures ?? failures
        rule.hedging = override.hedging ?? hedging
        return rule
    }

    /// What a route says in the place of its service.
    package struct Override: Sendable, Equatable {
        /// Nil leaves what the service says.
        package var attempts: Int?
        /// Nil leaves what the service says.
        package var failures: Failures?
        /// Nil leaves what the service says.
        package var hedging: Hedging?

        /// Nothing.
        package init() {}
    }

    /// When a GET, HEAD or OPTIONS goes to a second backend while the first is still asked; the
    /// first answer counts.
    package enum Hedging: Sendable, Equatable {
        /// Never.
        case never
        /// After this time, more than zero, without the head of a response.
        case after(Duration)

        /// How long the first backend has; nil: for as long as it takes.
        package var delay: Duration? {
            switch self {
            case .never: nil
            case .after(let delay): delay
            }
        }
    }

    /// Failures of a try after which there may be another.
    package struct Failures: Sendable, Equatable {
        /// The tries without an answer that count as failed.
        package var conditions: Conditions
        /// Answers, 400 to 599; for safe methods only (RFC 9110 section 9.2.1), since an answer,
        /// other than a broken connection, may come from a server that has done half of it.
        package var statuses: [Int]

        /// The defaults, unless told otherwise.
        package init(
            _ conditions: Conditions = [.connect, .reset, .silence],
            _ statuses: [Int] = [500, 502, 503, 504]
        ) {
            self.conditions = conditions
            self.statuses = statuses
        }
    }

    /// Failures of a try that brought no answer, or none that is one.
    package struct Conditions: OptionSet, Sendable {
        /// A bit for each.
        package let rawValue: UInt8

        /// The set of these bits.
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// No connection was made, so nothing was sent: any request.
        package static let connect = Conditions(rawValue: 1)
        /// The connection broke before the first byte of an answer: idempotent requests.
        package static let reset = Conditions(rawValue: 2)
        /// The backend was found silent while others answer: idempotent requests.
        package static let silence = Conditions(rawValue: 4)
        /// No answer in time: idempotent requests.
        package static let timeout = Conditions(rawValue: 8)
        /// A call of gRPC has got UNAVAILABLE, and nothing else: any call, since an operator who
        /// names it says that calls may be made again.
        package static let grpcUnavailable = Conditions(rawValue: 16)
    }
}
