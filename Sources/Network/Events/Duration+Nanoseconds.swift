// Durations as deadlines need them: whole nanoseconds that can be added to the loop's clock.

extension Duration {
    /// Whole nanoseconds: 0 for a negative duration, and at most a million seconds, which is beyond
    /// any time-out and far below the clock's range. Any thread.
    package var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = min(max(self, .zero), .seconds(1_000_000)).components
        return UInt64(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
