// RetryPolicy: whether a request that failed may be sent to another backend.
//
// The rule is that nothing runs twice that must not: a dial that failed has sent nothing and is
// always repeated; a connection that broke before the first byte of a response may have run the
// request, so only an idempotent one is repeated (RFC 9110, section 9.2.2). The budget keeps a sick
// service from getting its load multiplied by its own failures.

internal import Balancing
package import HTTP1

/// What went wrong with a try.
package enum TryFailure: Equatable, Sendable {
    /// No connection was made: nothing was sent.
    case dial
    /// The connection broke or closed before the first byte of a response.
    case noResponse
    /// No response in time: the backend may still be at work on it.
    case timeout
}

/// One worker's retry decisions for one service. Value type.
package struct RetryPolicy {
    private var options: RetryOptions
    /// Retries in hand, in hundredths.
    private var hundredths: Int
    private var lastRefill: UInt64 = 0
    /// Retries that can be saved up: the connections of one dead backend break at once, and its
    /// share of a busy worker's requests has to fit.
    private static let hundredthsMax = 100_000

    /// Starts with a tenth of what can be saved up.
    package init(_ options: RetryOptions) {
        self.options = options
        hundredths = Self.hundredthsMax / 10
    }

    /// Decides by `options` from now on; what was saved up stays.
    package mutating func update(to options: RetryOptions) {
        self.options = options
    }

    /// Notes a request, which earns its share of the budget.
    package mutating func noteRequest() {
        hundredths = min(hundredths + options.budgetPercent, Self.hundredthsMax)
    }

    /// Whether one more try may be made, after `tries` of them. Takes from the budget when so.
    ///
    /// - Parameters:
    ///   - canReplay: everything that was sent is still at hand.
    ///   - now: the loop's clock, in nanoseconds.
    package mutating func allows(
        after failure: TryFailure, tries: Int, method: Method, canReplay: Bool, now: UInt64
    ) -> RetryDecision {
        guard tries < options.attempts, tries < TriedBackends.capacity else { return .no }
        switch failure {
        case .dial: return .yes
        case .timeout: return .no
        case .noResponse:
            guard canReplay, method.isIdempotent else { return .no }
            refill(now)
            guard hundredths >= 100 else { return .overBudget }
            hundredths -= 100
            return .yes
        }
    }

    private mutating func refill(_ now: UInt64) {
        guard lastRefill != 0 else {
            lastRefill = now
            return
        }
        // Nanoseconds for a hundredth of a retry; what does not make a whole one is left for later.
        guard now > lastRefill, options.budgetFloorPerSecond > 0 else { return }
        let price = max(10_000_000 / UInt64(options.budgetFloorPerSecond), 1)
        let earned = (now - lastRefill) / price
        lastRefill += earned * price
        hundredths += Int(min(earned, UInt64(Self.hundredthsMax - hundredths)))
    }
}

/// What `RetryPolicy` says.
package enum RetryDecision: Equatable, Sendable {
    /// One more try may be made; it is taken from the budget.
    case yes
    /// The request is not of a kind that may be repeated, or was tried often enough.
    case no
    /// It could be repeated, but the budget is spent.
    case overBudget
}
