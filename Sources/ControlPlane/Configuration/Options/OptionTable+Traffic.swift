// The options that say how a service's requests are spread, limited and tried again.

internal import Backends
internal import Balancing
internal import Routing
internal import Traffic

extension OptionTable {
    static let balancing: [Option<Service>] =
        choice + Option.group("zone", \.roster.zone, zone)
        + Option.group("sticky", \.policy.balancing.sticky, sticky)
        + Option.group("limits", \.policy.limits, limits)
        + Option.group("when-empty", \.policy.limits, whenEmpty)

    private static let choice: [Option<Service>] = [
        Option("balance", \.policy.balancing.policy, .balance, "How a backend is chosen."),
        Option(
            "hash", \.policy.balancing.hashBy, .hashBy,
            "What `balance: consistent-hash` makes its hash of."),
        Option(
            "when-none-up", \.roster.whenNoneUp, .word,
            "What happens when no backend is up: with `evidence`, those that only checks or the "
                + "registry speak against are used as long as live requests succeed."),
        Option(
            "when-down", \.roster.endsStreamsWhenDown,
            .words([("keep", false), ("end", true)]),
            "What becomes of TCP connections, tunnels and event streams to a backend that is "
                + "evicted: they go on, or end."),
        Option(
            "drain-limit", \.roster.drainLimit, .duration(.zero ... .seconds(86400)),
            "How long what is under way on a backend that drains may go on; then it is ended."),
        Option(
            "slow-start", \.roster.slowStart,
            .optional(.duration(.seconds(1) ... .seconds(3600)), "off"),
            "How long the share of a backend that comes up grows to its full size."),
        Option(
            "failover-below", \.roster.failoverPercent, .percent(0...100),
            "A tier with less of its backends up is joined by the next; at 0% when none is "
                + "up."),
        Option(
            "failover-return", \.roster.failoverReturn,
            .optional(.duration(.seconds(1) ... .seconds(3600)), "off"),
            "How long a name that had no backend up must have had one again before it gets "
                + "requests back from the name behind it; `off` is at once."),
    ]

    private static let zone: [Option<RosterOptions.Zone>] = [
        Option(
            "prefer", \.preferred, .optional(.metadataText, "off"),
            "The zone whose backends go before those of others with the same priority."),
        Option(
            "key", \.key, .metadataText, "The key of an instance's metadata that names its zone."),
    ]

    private static let sticky: [Option<BalancerOptions.Sticky>] = [
        Option(
            "cookie", \.cookie, .optional(.cookieName, "off"),
            "The cookie that keeps a client with the backend that answered it first."),
        Option(
            "secret", \.secret, .optional(.secret),
            "Keeps what the cookie says from being read; the same wherever clients may come."),
    ]

    private static let limits: [Option<RequestLimits>] = [
        Option(
            "backend-requests", \.backendRequestsMax, .optional(.count(1...1_000_000), "off"),
            "Requests in flight, or TCP connections, on one backend."),
        Option(
            "requests", \.requestsMax, .optional(.count(1...10_000_000), "off"),
            "The same on the whole service."),
        Option(
            "queue", \.queueMax, .count(0...100_000),
            "Requests that wait when a limit is reached; beyond them 503."),
        Option(
            "queue-wait", \.queueWait, .duration(.milliseconds(100) ... .seconds(60)),
            "How long one waits, then it gets 503."),
    ]

    private static let whenEmpty: [Option<RequestLimits>] = [
        Option(
            "wait", \.emptyWait, .optional(.duration(RequestLimits.emptyWaits), "off"),
            "How long a request waits while no backend may get it, then it gets 503; `off` is not "
                + "at all. A service made of containers' labels waits for 10s unless this is "
                + "given."),
        Option(
            "queue", \.emptyQueueMax, .count(1...100_000),
            "Requests that wait for that; beyond them 503."),
    ]

    static let retry: [Option<RetryOptions>] = [
        Option("attempts", \.rule.attempts, .count(1...8), "Tries in all; 1 means no retry."),
        Option(
            "on", \.rule.failures, .retryFailures,
            "After what a request is tried again, when it is of a kind that may be."),
        Option(
            "budget", \.budgetPercent, .percent(0...100),
            "Retries allowed, as a share of the requests."),
        Option(
            "budget-floor", \.budgetFloorPerSecond, .count(0...100_000),
            "Retries per second that are allowed whatever the budget."),
        Option(
            "back-off", \.backOff, .duration(.zero ... .seconds(10)),
            "The pause before the third try; each further one is twice as long, half of it by "
                + "chance."
        ),
        Option(
            "back-off-max", \.backOffMax, .duration(.zero ... .seconds(10)), "The longest pause."),
        Option(
            "hedge", \.rule.hedging, .hedging,
            "Without an answer after this, a GET, HEAD or OPTIONS is sent to a second backend as "
                + "well; the first answer counts."),
        Option(
            "attempts-header", \.isReported, .onOff,
            "Whether responses say in X-Fairlead-Attempts how many tries they took."),
    ]

    /// What a route may say about it.
    static let routeRetry: [Option<RetryRule.Override>] = [
        Option(
            "attempts", \.attempts, .optional(.count(1...8), "auto"),
            "Tries in all; `auto`: as the service says."),
        Option(
            "on", \.failures, .optional(.retryFailures, "auto"),
            "After what its requests are tried again; `auto`: as the service says."),
        Option(
            "hedge", \.hedging, .optional(.hedging, "auto"),
            "After what time a second backend is asked as well; `auto`: as the service says."),
    ]
}
