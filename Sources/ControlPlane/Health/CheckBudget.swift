// CheckBudget: the most checks that may begin a second, over the whole process.
//
// Checks are let through evenly. Budget that was not used is kept for 50 ms and then lost: a
// handful of checks that happen to be due together start together, a thread that was busy meanwhile
// loses nothing, and a long pause does not end in a flood. So the worst second has a twentieth more
// checks than the rate.

/// When checks may begin. Value type; the time is passed in.
struct CheckBudget {
    /// The most checks that begin a second, on average over more than `memory`.
    var rate: Int {
        didSet { precondition(rate >= 1) }
    }

    private static let memory: Duration = .milliseconds(50)
    /// When the next check would begin if they came evenly; nil before the first.
    private var evenly: ContinuousClock.Instant?

    /// - Precondition: `rate` is at least 1.
    init(rate: Int) {
        precondition(rate >= 1)
        self.rate = rate
    }

    /// When the next check may begin; nil: at any time.
    var opensAt: ContinuousClock.Instant? { evenly.map { $0 - Self.memory } }

    /// Whether none of the budget was spent lately: a check that has not begun by now was held up
    /// by something else.
    func isFull(now: ContinuousClock.Instant) -> Bool {
        evenly.map { $0 <= now } ?? true
    }

    /// A check begins.
    mutating func spend(now: ContinuousClock.Instant) {
        evenly = max(evenly ?? now, now) + spacing
    }

    /// Takes back the last `spend`: the check turned out not to be needed.
    mutating func refund() {
        evenly = evenly.map { $0 - spacing }
    }

    private var spacing: Duration { .seconds(1) / rate }
}
