// IdleTime: how long a backend keeps an idle connection.
//
// A request that is sent on a kept connection just as the backend closes it is lost, and one that
// can't be repeated fails. So connections are given up before the backend closes them. Some
// backends say how long they wait (`Keep-Alive: timeout=5`); others show it when they close one.

/// What is known of the time after which a backend closes an idle connection, in nanoseconds of the
/// loop's clock. Value type, worker thread only.
struct IdleTime {
    /// How long a connection may be idle; `.max` while nothing is known.
    private(set) var limit = UInt64.max
    /// When that was learned.
    private var learnedAt: UInt64 = 0
    /// The age of the last connection that the backend closed, and when it did.
    private var closed: (age: UInt64, at: UInt64)?

    /// A connection younger than this was not closed for its age.
    private static let ageMin: UInt64 = 100_000_000
    /// After this time the limit no longer counts: the backend may have changed.
    private static let learnedFor: UInt64 = 600_000_000_000

    /// The part of a backend's time for which a connection is kept. The rest is a margin for the
    /// way of a request, and for clocks that tick in tenths of a second.
    static func safe(_ time: UInt64) -> UInt64 { time / 4 * 3 }

    /// How long a connection may be idle, as far as is known at `now`.
    mutating func limit(at now: UInt64) -> UInt64 {
        if limit != .max, now &- learnedAt > Self.learnedFor { limit = .max }
        return limit
    }

    /// The backend closed, at `now`, a connection that had been idle since `idleSince`. It takes
    /// two of about the same age, at different times, to learn from: a backend that stops closes
    /// all of its connections, of any age, but at once.
    mutating func recordClose(idleSince: UInt64, at now: UInt64) {
        let age = now - idleSince
        guard age >= Self.ageMin else { return }
        if let before = closed, idleSince >= before.at {
            let (lesser, greater) = (min(age, before.age), max(age, before.age))
            if greater - lesser <= lesser / 4 {
                limit = Self.safe(lesser)
                learnedAt = now
            }
            closed = (age, now)
        } else if closed == nil {
            closed = (age, now)
        }
    }
}
