// CheckSchedule: which check starts when, for all services of the process. Pure: the time and the
// random numbers are passed in.
//
// | when                                        | the next check starts                           |
// |---------------------------------------------|-------------------------------------------------|
// | a backend is new                            | within 20 ms; with many of them, 2 ms for each  |
// | its last check told nothing to worry about  | an interval after the start of the last one     |
// | it is under suspicion                       | the same, but 500 ms at most                    |
// | somebody asks (a request could not connect) | at once, but 100 ms after the last one          |
// | too many checks are under way               | when one of them ends, the longest due first    |
//
// There is no queue besides: a check that is due and can't start stays where it is.

package import Backends

/// When to start which check. Control thread.
package struct CheckSchedule {
    /// How soon the next check follows.
    package enum Pace: Sendable, Equatable {
        /// Nothing is expected to change.
        case usual
        /// The next check may change the backend's state.
        case fast
    }

    /// How often one service is checked.
    package struct Timing: Sendable, Equatable {
        let interval: Duration
        let jitterPercent: Int

        /// The nearest possible values: an interval of 1 ms to a day, a jitter of 0 to 90 percent
        /// of it, so that every delay is above zero and far from overflowing.
        package init(interval: Duration, jitterPercent: Int) {
            self.interval = HealthOptions.bounded(interval)
            self.jitterPercent = min(max(jitterPercent, 0), 90)
        }

        /// From the start of one check to the start of the next.
        func delay(_ pace: Pace, using generator: inout some RandomNumberGenerator) -> Duration {
            let base =
                switch pace {
                case .usual: interval
                case .fast: min(interval, CheckSchedule.fastInterval)
                }
            guard jitterPercent > 0 else { return base }
            // In millionths of the base, which itself is at most a day: no overflow.
            let jitter = jitterPercent * 10_000
            let millionths = 1_000_000 + Int.random(in: -jitter...jitter, using: &generator)
            return base * millionths / 1_000_000
        }

        /// Within which time the first checks of `count` backends start.
        func spread(over count: Int) -> Duration {
            let few = min(.milliseconds(20), interval * jitterPercent / 100)
            return min(interval, max(few, CheckSchedule.spreadPerBackend * count))
        }
    }

    /// The pace of a suspect, if the interval is not shorter.
    private static let fastInterval: Duration = .milliseconds(500)
    /// However often somebody asks, a backend is not checked more often than this.
    private static let askedInterval: Duration = .milliseconds(100)
    /// First checks come at 500 a second: what 1,000 backends cost anyway, at the default interval.
    private static let spreadPerBackend: Duration = .milliseconds(2)

    private struct Entry {
        let timing: Timing
        /// When its next check may start; nil while one is under way.
        var due: ContinuousClock.Instant?
        /// When its last check started; nil before the first.
        var startedAt: ContinuousClock.Instant?
        /// Somebody asked for a check while one was under way.
        var isAskedFor = false
    }

    /// The most checks under way at a time.
    package let underWayMax: Int
    /// Checks under way.
    package private(set) var underWayCount = 0

    private var entries: [BackendID: Entry] = [:]
    /// Backends whose first check has not begun.
    private var newCount = 0
    /// One element for each entry that is due some time, and stale ones.
    private var heap = DueHeap()

    /// A schedule without backends.
    /// - Precondition: `underWayMax` is at least 1.
    package init(underWayMax: Int) {
        precondition(underWayMax >= 1)
        self.underWayMax = underWayMax
    }

    /// How many backends it has.
    package var count: Int { entries.count }

    // MARK: Backends come and go

    /// Begins to check these backends; those that it has already are left alone.
    package mutating func add(
        _ ids: [BackendID], _ timing: Timing, now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        let new = ids.filter { entries[$0] == nil }
        guard !new.isEmpty else { return }
        // Counting those of other services as well: a start with many small ones is a burst too.
        // The spread is cut into a slice for each, since pure chance would make clusters.
        let slice = timing.spread(over: newCount + new.count - 1) / new.count
        for (index, id) in new.enumerated() {
            let within = slice * Int.random(in: 0...1_000_000, using: &generator) / 1_000_000
            entries[id] = Entry(timing: timing)
            newCount += 1
            put(id, at: now + slice * index + within)
        }
    }

    /// Ends the checks of a backend, the one under way included; nothing if it has none.
    package mutating func remove(_ id: BackendID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        if entry.due == nil { underWayCount -= 1 }
        if entry.startedAt == nil { newCount -= 1 }
    }

    // MARK: Checks start and end

    /// A backend whose check is due: start it now. Nil when there is none, or `underWayMax` checks
    /// are under way.
    /// - Complexity: O(log n), amortised.
    package mutating func start(now: ContinuousClock.Instant) -> BackendID? {
        guard let due = nextStart(), due <= now, let id = heap.first?.id else { return nil }
        heap.removeFirst()
        if entries[id]?.startedAt == nil { newCount -= 1 }
        entries[id]?.startedAt = now
        entries[id]?.due = nil
        underWayCount += 1
        return id
    }

    /// The check of this backend has ended. Ignored unless one is under way: it may be late.
    package mutating func end(
        _ id: BackendID, next pace: Pace, now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let entry = entries[id], entry.due == nil, let startedAt = entry.startedAt else {
            return
        }
        underWayCount -= 1
        var delay = entry.timing.delay(pace, using: &generator)
        if entry.isAskedFor { delay = min(delay, Self.askedInterval) }
        entries[id]?.isAskedFor = false
        put(id, at: max(now, startedAt + delay))
    }

    /// Asks for a check as soon as may be; nothing if the backend has no checks.
    package mutating func ask(for id: BackendID, now: ContinuousClock.Instant) {
        guard let entry = entries[id] else { return }
        guard let due = entry.due else {
            // The one under way may have seen the backend as it was before.
            entries[id]?.isAskedFor = true
            return
        }
        let soon = entry.startedAt.map { max(now, $0 + Self.askedInterval) } ?? now
        if soon < due { put(id, at: soon) }
    }

    /// When `start` will have something; nil for not before something else happens.
    /// - Complexity: O(log n), amortised.
    package mutating func nextStart() -> ContinuousClock.Instant? {
        guard underWayCount < underWayMax else { return nil }
        while let first = heap.first {
            if entries[first.id]?.due == first.due { return first.due }
            heap.removeFirst()
        }
        return nil
    }

    private mutating func put(_ id: BackendID, at due: ContinuousClock.Instant) {
        entries[id]?.due = due
        heap.insert(.init(due: due, id: id))
        // Stale elements go when they come up, which long intervals may put off for a day.
        guard heap.count > 2 * entries.count + 64 else { return }
        heap = DueHeap(
            entries.compactMap { id, entry in entry.due.map { .init(due: $0, id: id) } })
    }
}
