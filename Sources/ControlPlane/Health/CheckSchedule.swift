// CheckSchedule: which check starts when, for all services of the process. Pure: the time and the
// random numbers are passed in.
//
// | when                                        | the next check starts                           |
// |---------------------------------------------|-------------------------------------------------|
// | an endpoint is new                          | within 20 ms; with many of them, 2 ms for each  |
// | another service begins to watch it          | the same, but 100 ms after the last one         |
// | a check has ended, or was skipped           | an interval after its start, by pace            |
// | one is requested (a dial failed)            | at once, but 100 ms after the last one          |
// | too many checks are under way               | when one of them ends, the longest due first    |
// | too many have begun within this second      | when the budget allows, the longest due first   |
//
// There is no second queue: a check that is due and can't start stays where it is. The next check
// of an endpoint is timed from the start of the last one, so a budget that is too small makes all
// intervals longer by the same time, and no endpoint is left out.

internal import Backends

/// A check's number in this process. It is never reused, so that the late end of one check can't be
/// taken for the end of another. Any thread.
package struct CheckID: Hashable, Sendable {
    /// Counts from 0.
    package let rawValue: UInt64

    /// The check with this number.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// When to start which check. Control thread.
package struct CheckSchedule {
    /// An endpoint is not checked more often than this, however often a check is requested.
    private static let requestedInterval: Duration = .milliseconds(100)
    /// First checks come at 500 a second: what 1,000 backends cost anyway, at the default interval.
    static let spreadPerCheck: Duration = .milliseconds(2)

    /// A check that is to start.
    package struct Start: Sendable, Equatable {
        /// Which.
        package let id: CheckID
        /// How long it waited for the budget alone: it was due, and not too many were under way.
        package let lateness: Duration
        /// Whether it was requested (`request`) since the last one started.
        package let isRequested: Bool
    }

    private struct Entry {
        /// When its next check may start; nil while one is under way.
        var due: ContinuousClock.Instant?
        /// When its last check started; nil before the first.
        var startedAt: ContinuousClock.Instant?
        /// Whether a check was requested since the last one started.
        var isRequested = false
    }

    /// The most checks under way at a time.
    package let underWayMax: Int
    /// The most checks that start a second; at least 1.
    package var rate: Int {
        get { budget.rate }
        set { budget.rate = newValue }
    }
    /// Checks under way.
    package private(set) var underWayCount = 0

    private var budget: CheckBudget
    /// Since when the budget alone has held up a check that is due; nil: it holds up none.
    private var heldSince: ContinuousClock.Instant?
    private var entries: [CheckID: Entry] = [:]
    /// Checks that never started.
    private var newCount = 0
    /// One element for each entry that is due some time, and stale ones.
    private var heap = DueHeap()

    /// A schedule without checks.
    /// - Precondition: `underWayMax` and `rate` are at least 1.
    package init(underWayMax: Int, rate: Int) {
        precondition(underWayMax >= 1)
        self.underWayMax = underWayMax
        budget = CheckBudget(rate: rate)
    }

    /// How many checks it has.
    package var count: Int { entries.count }

    // MARK: Checks come and go

    /// Plans a first check of each of these for a service that watches them from now on. One that
    /// is on the schedule already may come sooner because of it, but not later.
    package mutating func add(
        _ ids: [CheckID], _ timing: Timing, now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        guard !ids.isEmpty else { return }
        // Those of other services count as well: a start with many small services is a burst too.
        // The spread is cut into a slice for each, since pure chance would make clusters.
        let slice = timing.spread(over: newCount + ids.count - 1) / ids.count
        for (index, id) in ids.enumerated() {
            let within = slice * Int.random(in: 0...1_000_000, using: &generator) / 1_000_000
            let first = now + slice * index + within
            if entries[id] == nil {
                entries[id] = Entry()
                newCount += 1
                put(id, at: first)
            } else {
                // The one under way, if there is one, reports to the new watcher as well.
                bringForward(id, to: first)
            }
        }
    }

    /// Ends a check, even one that is under way. Does nothing if there is none.
    package mutating func remove(_ id: CheckID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        if entry.due == nil { underWayCount -= 1 }
        if entry.startedAt == nil { newCount -= 1 }
    }

    // MARK: Checks start and end

    /// A check that is due: start it now, or `skip` it. Nil when none is due, when `underWayMax`
    /// are under way, or when the budget is spent. Call it until it returns nil: only then is a
    /// spent budget noticed.
    /// - Complexity: O(log n), amortised.
    package mutating func start(now: ContinuousClock.Instant) -> Start? {
        guard let next = nextStart(), let first = heap.first, first.due <= now else {
            heldSince = nil
            return nil
        }
        guard next <= now else {
            heldSince = heldSince ?? now
            return nil
        }
        if budget.isFull(now: now) { heldSince = nil }
        heap.removeFirst()
        budget.spend(now: now)
        let lateness = heldSince.map { max(first.due, $0).duration(to: now) } ?? .zero
        let id = CheckID(rawValue: first.number)
        let old = entries.updateValue(Entry(startedAt: now), forKey: id)
        if old?.startedAt == nil { newCount -= 1 }
        underWayCount += 1
        return Start(
            id: id, lateness: lateness, isRequested: old?.isRequested ?? false)
    }

    /// The check that `start` returned last is not needed. It costs no budget, and the next one
    /// follows as if it had been made.
    package mutating func skip(
        _ id: CheckID, _ timing: Timing, next pace: Pace, now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        budget.refund()
        end(id, timing, next: pace, now: now, using: &generator)
    }

    /// The check has ended. Ignored unless it is under way: the report may come late.
    package mutating func end(
        _ id: CheckID, _ timing: Timing, next pace: Pace, now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let entry = entries[id], entry.due == nil, let startedAt = entry.startedAt else {
            return
        }
        underWayCount -= 1
        var delay = timing.delay(pace, using: &generator)
        if entry.isRequested { delay = min(delay, Self.requestedInterval) }
        put(id, at: max(now, startedAt + delay))
    }

    /// Requests a check as soon as possible. Does nothing if there is no such check.
    package mutating func request(_ id: CheckID, now: ContinuousClock.Instant) {
        // One that is under way may have seen the endpoint as it was before: another follows it.
        entries[id]?.isRequested = true
        bringForward(id, to: now)
    }

    /// When `start` will return a check; nil: not before something else happens.
    /// - Complexity: O(log n), amortised.
    package mutating func nextStart() -> ContinuousClock.Instant? {
        guard underWayCount < underWayMax else { return nil }
        while let first = heap.first {
            if entries[CheckID(rawValue: first.number)]?.due == first.due {
                return max(first.due, budget.opensAt ?? first.due)
            }
            heap.removeFirst()
        }
        return nil
    }

    /// Makes a check due at `time`, but 100 ms after its last start. Does nothing if it is due
    /// before, or under way.
    private mutating func bringForward(_ id: CheckID, to time: ContinuousClock.Instant) {
        guard let entry = entries[id], let due = entry.due else { return }
        let soon = entry.startedAt.map { max(time, $0 + Self.requestedInterval) } ?? time
        if soon < due { put(id, at: soon) }
    }

    private mutating func put(_ id: CheckID, at due: ContinuousClock.Instant) {
        entries[id]?.due = due
        heap.insert(.init(due: due, number: id.rawValue))
        // Stale elements are dropped when they come up, which may take a day with long intervals.
        guard heap.count > 2 * entries.count + 64 else { return }
        heap = DueHeap(
            entries.compactMap { id, entry in
                entry.due.map { .init(due: $0, number: id.rawValue) }
            })
    }
}
