// LogFolding: writes a repeated warning once, and later how often it was repeated. A registry that
// is down, or a descriptor limit that is reached, must not fill a disk.

internal import Configuration

/// The events logged recently. Pure: the caller owns the clock.
struct LogFolding {
    /// One event.
    struct Event {
        let severity: LogLevel
        let name: String
        var values: [(key: String, value: String)]

        /// Events with equal keys are repetitions.
        fileprivate var key: String {
            values.reduce("\(severity.rawValue) \(name)") { "\($0)\0\($1.key)\0\($1.value)" }
        }
    }

    private struct Logged {
        let event: Event
        let since: ContinuousClock.Instant
        var repeated = 0
    }

    /// An event that repeats within this time is counted instead of written. The count is written
    /// with the next line of any kind after this time.
    static let window = Duration.seconds(10)
    /// Different events that are remembered.
    private static let eventsMax = 64

    private var logged: [String: Logged] = [:]

    /// Returns what to write now that `event` has happened.
    mutating func fold(_ event: Event, now: ContinuousClock.Instant) -> [Event] {
        var out = flushOld(now: now)
        let key = event.key
        if logged[key] != nil {
            logged[key]?.repeated += 1
            return out
        }
        if logged.count >= Self.eventsMax,
            let oldest = logged.min(by: { $0.value.since < $1.value.since })
        {
            out += Self.summary(of: [oldest.value])
            logged[oldest.key] = nil
        }
        logged[key] = Logged(event: event, since: now)
        return out + [event]
    }

    /// Returns the counts that are not written yet, and forgets all events.
    mutating func flush() -> [Event] {
        defer { logged = [:] }
        return Self.summary(of: Array(logged.values))
    }

    private mutating func flushOld(now: ContinuousClock.Instant) -> [Event] {
        let old = logged.filter { $0.value.since + Self.window <= now }
        for key in old.keys { logged[key] = nil }
        return Self.summary(of: Array(old.values))
    }

    private static func summary(of logged: [Logged]) -> [Event] {
        logged.filter { $0.repeated > 0 }.sorted { $0.since < $1.since }.map { entry in
            var event = entry.event
            event.values.append(("repeated", "\(entry.repeated)"))
            return event
        }
    }
}
