// RetryPolicy: whether a request that failed may be sent to another backend.
//
// The rule is that nothing runs twice that must not: a dial that failed has sent nothing and goes
// on to as many backends as there are, within a time that the attempts bound; a connection that
// broke, or was silent, may have run the request, so only an idempotent one is repeated (RFC 9110,
// section 9.2.2); after an answer, only a safe one is, except a call of gRPC that got UNAVAILABLE
// where a rule names that. The budget keeps a sick service from getting
// its load multiplied by its own failures.

internal import Balancing
internal import Events
package import HTTP1
package import Routing
package import Traffic

/// One worker's retry decisions for one service. Value type.
package struct RetryPolicy {
    private var options: RetryOptions
    /// Retries in hand, in hundredths.
    private var hundredths: Int
    private var lastRefill: UInt64 = 0
    /// Whether a request that may run twice is sent again after its connection broke.
    package private(set) var retriesLoss: Bool
    /// Retries that can be saved up: the connections of one dead backend break at once, and its
    /// share of a busy worker's requests has to fit.
    private static let hundredthsMax = 100_000

    /// Starts with a tenth of what can be saved up.
    package init(_ options: RetryOptions) {
        self.options = options
        hundredths = Self.hundredthsMax / 10
        retriesLoss = Self.retriesLoss(options.rule)
    }

    /// Applies `options` from now on; the budget that was saved up stays.
    package mutating func update(to options: RetryOptions) {
        self.options = options
        retriesLoss = Self.retriesLoss(options.rule)
    }

    /// `retriesLoss` for a route that says `override`.
    package func retriesLoss(by override: RetryRule.Override) -> Bool {
        Self.retriesLoss(options.rule.overridden(by: override))
    }

    private static func retriesLoss(_ rule: RetryRule) -> Bool {
        rule.attempts > 1 && rule.failures.conditions.contains(.reset)
    }

    /// Counts a request, which earns its share of the budget.
    package mutating func countRequest() {
        hundredths = min(hundredths + options.budgetPercent, Self.hundredthsMax)
    }

    /// Whether one more try may be made, after `tries` of them. Takes from the budget when so.
    ///
    /// - Parameters:
    ///   - override: the route's rule, which replaces parts of the service's.
    ///   - tries: tries that sent the request, or a part of it. Dials that failed are not among
    ///     them; `dials` bounds those.
    ///   - dials: the request's dials so far.
    ///   - canReplay: whether everything that was sent is still at hand.
    ///   - now: the loop's clock, in nanoseconds.
    package mutating func allows(
        after failure: TryFailure, by override: RetryRule.Override? = nil, tries: Int,
        dials: DialEffort = DialEffort(), method: Method, canReplay: Bool, now: UInt64
    ) -> RetryDecision {
        let rule = options.rule.overridden(by: override)
        guard rule.attempts > 1, failure.isAmong(rule.failures),
            dials.backends < TriedBackends.capacity
        else { return .no }
        let mayRun: Bool
        switch failure.exposure {
        case .nothingSent: return dials.isWithin(attempts: rule.attempts) ? .yes : .no
        case .mayHaveRun: mayRun = method.isIdempotent
        case .answered: mayRun = method.isSafe
        case .refused: mayRun = true
        }
        guard tries < rule.attempts, canReplay, mayRun else { return .no }
        refill(now)
        guard hundredths >= 100 else { return .overBudget }
        hundredths -= 100
        return .yes
    }

    /// Whether there will be no other try after the next one: it is the last that may send the
    /// request, or its dial may use up the time that dials have.
    package func isLast(
        by override: RetryRule.Override? = nil, tries: Int, dials: DialEffort = DialEffort()
    ) -> Bool {
        let attempts = options.rule.overridden(by: override).attempts
        return tries + 1 >= attempts || !dials.isWithin(attempts: attempts - 1)
    }

    /// Whether the rule names `failure` as one after which a request is tried again; `allows`
    /// decides the rest.
    package func asks(after failure: TryFailure, by override: RetryRule.Override?) -> Bool {
        failure.isAmong(options.rule.overridden(by: override).failures)
    }

    /// How long the try after `tries` of them waits, in nanoseconds. The second begins at once,
    /// since it goes elsewhere; each further one waits twice as long as the one before, since by
    /// then more than one backend has failed. Half of the pause depends on `random`, so that many
    /// requests that failed together do not come back together.
    package func pause(beforeTry tries: Int, random: UInt64) -> UInt64 {
        guard tries > 1, options.backOff > .zero else { return 0 }
        let doubled = options.backOff * (1 << min(tries - 2, 10))
        let full = min(doubled, options.backOffMax).wholeNanoseconds
        return full / 2 + random % (full / 2 + 1)
    }

    private mutating func refill(_ now: UInt64) {
        guard lastRefill != 0 else {
            lastRefill = now
            return
        }
        // Nanoseconds for a hundredth of a retry; a remainder is kept for later.
        guard now > lastRefill, options.budgetFloorPerSecond > 0 else { return }
        let price = max(10_000_000 / UInt64(options.budgetFloorPerSecond), 1)
        let earned = (now - lastRefill) / price
        lastRefill += earned * price
        hundredths += Int(min(earned, UInt64(Self.hundredthsMax - hundredths)))
    }
}

/// The dials that a request has had. Value type.
package struct DialEffort: Equatable, Sendable {
    /// Backends that were tried, however that ended.
    package var backends: Int
    /// How long failed dials took together, in nanoseconds.
    package var failedFor: UInt64
    /// How long one dial may take, in nanoseconds.
    package var limit: UInt64

    /// By default no dials so far.
    package init(backends: Int = 0, failedFor: UInt64 = 0, limit: UInt64 = .max) {
        self.backends = backends
        self.failedFor = failedFor
        self.limit = limit
    }

    /// Whether the failed dials together took less time than `attempts` dials may: a host that does
    /// not answer takes all of its time, one that refuses takes nearly none.
    func isWithin(attempts: Int) -> Bool {
        let (limit, isHuge) = limit.multipliedReportingOverflow(by: UInt64(max(attempts, 0)))
        return isHuge || failedFor < limit
    }
}

/// What `RetryPolicy` decides.
package enum RetryDecision: Equatable, Sendable {
    /// One more try may be made; it is taken from the budget.
    case yes
    /// The request is not of a kind that may be repeated, or was tried often enough.
    case no
    /// The request could be repeated, but the budget is spent.
    case overBudget
}
