// ProcessTime: when the process began.

internal import WallClock

/// A moment on both clocks. Value type.
struct ProcessTime {
    /// Seconds since 1970, as the wall clock had it then.
    let wall = UTCTime.now.secondsSince1970
    /// For measuring the time since, which setting the wall clock does not change.
    let instant = ContinuousClock.now
}
