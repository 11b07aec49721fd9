// RecentPeak: the most instances that a source named within the last seconds. A loss is measured
// against it and not against the last answer: checks in a registry fail one by one, so that each
// answer has only a little less than the one before.

/// The highest of the counts that were in force within a time. Value type, control thread.
struct RecentPeak: Sendable, Equatable {
    /// The count in force; 0 before the first.
    private var current = 0
    /// Earlier, higher counts and until when they were in force, the highest and oldest first.
    private var past: [Past] = []

    private struct Past: Equatable {
        let count: Int
        let until: ContinuousClock.Instant
    }

    /// Puts a count in force.
    /// - Complexity: O(1) amortised, and no more entries than distinct counts.
    mutating func add(_ count: Int, now: ContinuousClock.Instant, window: Duration) {
        while let last = past.last, last.count <= current { past.removeLast() }
        past.append(Past(count: current, until: now))
        current = count
        past.removeAll { $0.until + window <= now }
    }

    /// Forgets all but the count in force.
    mutating func forget() { past = [] }

    /// The highest count that was in force within `window` before `now`.
    func count(now: ContinuousClock.Instant, window: Duration) -> Int {
        let recent = past.first { $0.until + window > now }
        return max(current, recent?.count ?? 0)
    }
}
