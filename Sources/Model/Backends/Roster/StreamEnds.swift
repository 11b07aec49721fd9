// StreamEnds: when the streams on a backend have to end because it drains or is down.

/// The streams on one backend, and the time within which they end. Value type, any thread.
package struct StreamEnds: Sendable, Equatable {
    /// The backend whose streams end.
    package let backend: BackendID
    /// The time from now on in which they end, each at a random moment: so their clients do not all
    /// come back at once.
    package let within: Duration

    /// The time for the streams of a backend that is down: short, but not zero.
    static let whenDown = Duration.seconds(1)

    /// How long before the end of a drain that may take `limit` streams begin to end: a third of
    /// it. Until then they may end by themselves.
    package static func lead(of limit: Duration) -> Duration { limit / 3 }

    /// The time in which they end then: nine tenths of the lead, so that the last of them have a
    /// moment to say goodbye.
    package static func time(of limit: Duration) -> Duration { time(withLeft: lead(of: limit)) }

    /// The time in which they end when `left` of the drain is left.
    static func time(withLeft left: Duration) -> Duration { left * 9 / 10 }
}
