// DisplayClock: instants of the monotonic clock as wall-clock time, for people.

internal import WallClock

/// Turns instants of the monotonic clock into wall-clock time for display, in seconds since 1970:
/// correct at the moment of display, even if the wall clock was set since. Value type.
struct DisplayClock {
    let wallNow = UTCTime.now.secondsSince1970
    let now = ContinuousClock.now

    /// The time of day, in UTC: `12:03:04`.
    func time(_ instant: ContinuousClock.Instant) -> String {
        String(UTCTime(secondsSince1970: wall(instant)).iso8601.dropFirst(11).prefix(8))
    }

    /// Seconds since 1970.
    func wall(_ instant: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = (now - instant).components
        return wallNow - Double(seconds) - Double(attoseconds) / 1e18
    }
}
