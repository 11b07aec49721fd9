// HealthCounters: what checks came to, so that an operator sees how many there are, how they end,
// and whether the budget is enough for them.

/// What checks came to. A copy is a snapshot. Value type, any thread.
package struct HealthCounters: Sendable, Equatable {
    /// Begun; those that have not ended in another way below were stopped, or are under way.
    package private(set) var started: UInt64 = 0
    /// The backend is as it should be.
    package private(set) var passed: UInt64 = 0
    /// Checks that a backend did not pass.
    package private(set) var failed: UInt64 = 0
    /// Could not be tried for lack of descriptors or memory; the roster is not told of these.
    package private(set) var inconclusive: UInt64 = 0
    /// Due, and not made, since live traffic had told what they would; not among `started`.
    package private(set) var skipped: UInt64 = 0
    /// Of those begun, how many had to wait for the budget (`checks.rate`).
    package private(set) var late: UInt64 = 0
    /// How long those waited in all.
    package private(set) var lateness: Duration = .zero
    /// Under way now.
    package internal(set) var underWay = 0

    /// Nothing yet.
    package init() {}

    /// A check began, so long after it was due for lack of budget.
    mutating func began(lateness: Duration) {
        started += 1
        underWay += 1
        guard lateness > .zero else { return }
        late += 1
        self.lateness += lateness
    }

    /// Counts a check that has ended.
    mutating func ended(_ result: ProbeResult) {
        underWay -= 1
        switch result {
        case .passed: passed += 1
        case .failed: failed += 1
        case .inconclusive: inconclusive += 1
        }
    }

    /// Counts a check that was due, and was not made.
    mutating func wasSkipped() {
        skipped += 1
    }
}
