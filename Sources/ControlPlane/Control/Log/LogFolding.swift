// LogFolding: a warning that is said again and again is said once, and then how often. A registry
// that is away, or a descriptor limit that is reached, must not fill a disk.

internal import Configuration

/// What was said of late. Pure: the caller owns the clock.
struct LogFolding {
    /// One event.
    struct Event {
        let severity: LogLevel
        let name: String
        var values: [(key: String, value: String)]

        /// Two events of one key say the same.
        fileprivate var key: String {
            values.reduce("\(severity.rawValue) \(name)") { "\($0)\0\($1.key)\0\($1.value)" }
        }
    }

    private struct Said {
        let event: Event
        let since: ContinuousClock.Instant
        var repeated = 0
    }

    /// An event that is said again within this time is counted instead; then, with the next line of
    /// any kind, it is said how often.
    static let window = Duration.seconds(10)
    /// Different events that are remembered.
    private static let eventsMax = 64

    private var said: [String: Said] = [:]

    /// Returns what is to be written now that `event` happens.
    mutating func take(_ event: Event, now: ContinuousClock.Instant) -> [Event] {
        var out = takeOld(now: now)
        let key = event.key
        if said[key] != nil {
            said[key]?.repeated += 1
            return out
        }
        if said.count >= Self.eventsMax,
            let oldest = said.min(by: { $0.value.since < $1.value.since })
        {
            out += Self.summary(of: [oldest.value])
            said[oldest.key] = nil
        }
        said[key] = Said(event: event, since: now)
        return out + [event]
    }

    /// Returns what was counted and not said yet, and forgets all.
    mutating func takeAll() -> [Event] {
        defer { said = [:] }
        return Self.summary(of: Array(said.values))
    }

    private mutating func takeOld(now: ContinuousClock.Instant) -> [Event] {
        let old = said.filter { $0.value.since + Self.window <= now }
        for key in old.keys { said[key] = nil }
        return Self.summary(of: Array(old.values))
    }

    private static func summary(of said: [Said]) -> [Event] {
        said.filter { $0.repeated > 0 }.sorted { $0.since < $1.since }.map { said in
            var event = said.event
            event.values.append(("repeated", "\(said.repeated)"))
            return event
        }
    }
}
