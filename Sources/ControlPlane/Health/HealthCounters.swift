// HealthCounters: how many checks there are, how they end, and whether the budget is enough for
// them.

/// What became of checks. A copy is a snapshot. Value type, any thread.
package struct HealthCounters: Sendable, Equatable {
    /// Checks that began. Those that none of the ends below has were stopped, or are under way.
    package private(set) var started: UInt64 = 0
    /// Checks that a backend passed.
    package private(set) var passed: UInt64 = 0
    /// Checks that a backend failed.
    package private(set) var failed: UInt64 = 0
    /// Checks that could not be made for lack of descriptors or memory; the roster gets no result
    /// of them.
    package private(set) var inconclusive: UInt64 = 0
    /// Checks that were due and not made, since live traffic had shown as much; not in `started`.
    package private(set) var skipped: UInt64 = 0
    /// How many of those that began had to wait for the budget (`checks.rate`).
    package private(set) var late: UInt64 = 0
    /// How long those waited in total.
    package private(set) var lateness: Duration = .zero
    /// Checks under way now.
    package internal(set) var underWay = 0

    /// All zero.
    package init() {}

    /// Counts a check that begins, `lateness` after it was due for lack of budget.
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
