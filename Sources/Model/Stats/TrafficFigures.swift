// TrafficFigures: what the control thread looks at every second for every service, to tell whether
// its requests fail: a dozen sums in place of a service's whole totals.

/// Why requests fail, as far as counters tell it apart.
package enum FailureCause: Int, Sendable, CaseIterable {
    /// A backend answered 500.
    case status500
    /// A backend answered 502.
    case status502
    /// A backend answered 503.
    case status503
    /// A backend answered 504.
    case status504
    /// A backend answered with another status of 500 or above.
    case otherStatus
    /// No backend was in the rotation, or none could be connected to.
    case noBackend
    /// The limits allowed no more requests in flight and waiting.
    case overLimit
    /// This machine had no descriptor, local port or memory left for a connection to a backend.
    case shortage
    /// The backend broke off before it had answered, or did not speak HTTP.
    case noAnswer
    /// The backend was silent until its time was over.
    case timeout
    /// The backend broke off in the middle of its answer.
    case cutShort
    /// Fairlead cut the answer, whose time, or that of its backend's drain, was over.
    case outOfTime

    /// The cause of a backend's answer with `status`, 500 or above.
    package init(status: Int) {
        switch status {
        case 500: self = .status500
        case 502: self = .status502
        case 503: self = .status503
        case 504: self = .status504
        default: self = .otherStatus
        }
    }
}

/// How many failed requests backends have answered, by status. One writing thread, as `Counter`.
package struct FailedStatuses: ~Copyable, Sendable {
    // The first five causes.
    private let counts = InlineArray<5, Counter> { _ in Counter() }

    /// None.
    package init() {}

    /// Counts an answer with `status`, 500 or above. The one writing thread only.
    package func count(status: Int) { counts[FailureCause(status: status).rawValue].add() }

    /// How many there were for `cause`, which is one of those with a status. Any thread.
    fileprivate func current(_ cause: FailureCause) -> Int { counts[cause.rawValue].current }
}

/// What came of one service's requests so far, over all workers: totals that only grow. Value type,
/// any thread.
package struct TrafficFigures: Sendable {
    /// Requests that are over; for TCP, connections.
    package var ended = 0
    /// Of these, the ones that failed, each once.
    package var failed = 0
    /// Requests whose clients went away unanswered, after a second or more; `failed` has none of
    /// them.
    package var gaveUp = 0
    /// Calls of gRPC that are over.
    package var calls = 0
    /// Of these, the ones that ended since the time was over that their clients give them.
    package var lateCalls = 0
    /// Retries not made because the budget was spent.
    package var retriesDenied = 0
    private var causes = InlineArray<12, Int>(repeating: 0)

    /// Nothing yet.
    package init() {}

    /// How many failed for a cause. Some fail for two, so that the sum may be above `failed`.
    package subscript(_ cause: FailureCause) -> Int {
        get { causes[cause.rawValue] }
        set { causes[cause.rawValue] = newValue }
    }

    mutating func add(_ counters: ServiceCounters) {
        // Failures first: they are counted behind the ends, and must not be more.
        failed += counters[.failed]
        ended += counters.duration.count
        gaveUp += counters[.gaveUp]
        retriesDenied += counters[.retriesDenied]
        let (over, late) = counters.calls.figures
        calls += over
        lateCalls += late
        for cause in FailureCause.allCases {
            self[cause] += counters.failed(for: cause)
        }
    }
}

extension ServiceCounters {
    fileprivate func failed(for cause: FailureCause) -> Int {
        switch cause {
        case .status500, .status502, .status503, .status504, .otherStatus:
            failedStatuses.current(cause)
        case .noBackend: self[.noBackend]
        case .overLimit: self[.overLimit]
        case .shortage: self[.shortages]
        case .noAnswer: self[.backendErrors]
        case .timeout: self[.timeouts]
        // Its own are counted later, and may be ahead by the time that they are read.
        case .cutShort: max(0, self[.cutShort] - self[.ownCuts])
        case .outOfTime: self[.ownCuts]
        }
    }
}
