// IdleTime: for how long a backend keeps a connection on which nothing happens.
//
// A request that goes on a kept connection just when the backend closes it is lost, and one that
// can't be repeated fails. So connections are given up earlier than the backend does. Some say how
// long they wait (`Keep-Alive: timeout=5`); of the others it shows when they close one.

/// What is known of the time after which a backend closes an idle connection. In nanoseconds of the
/// loop's clock. Value type, worker thread only.
struct IdleTime {
    /// For how long a connection may be idle; `.max` while nothing is known.
    private(set) var limit = UInt64.max
    /// When that was learned.
    private var learnedAt: UInt64 = 0
    /// How old the last connection was that the backend closed, and when it did.
    private var closed: (age: UInt64, at: UInt64)?

    /// A younger connection was not closed for its age.
    private static let ageMin: UInt64 = 100_000_000
    /// What was learned is doubted after this: the backend may be another by then.
    private static let learnedFor: UInt64 = 600_000_000_000

    /// The part of a backend's time for which a connection is kept: what is left is for the way
    /// that a request takes, and for clocks that tick by the tenth of a second.
    static func safe(_ time: UInt64) -> UInt64 { time / 4 * 3 }

    /// What may be relied on at `now`.
    mutating func limit(at now: UInt64) -> UInt64 {
        if limit != .max, now &- learnedAt > Self.learnedFor { limit = .max }
        return limit
    }

    /// The backend closed, at `now`, a connection that had been idle since `idleSince`. It takes
    /// two to learn from, of about the same age, and one after the other: a backend that stops
    /// closes all of its connections, of any age, but at once.
    mutating func noteClosed(idleSince: UInt64, at now: UInt64) {
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
