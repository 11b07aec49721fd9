// Moment: what a worker's clock says, by which its evidence is judged.

/// A time on a worker's clock, which never goes back. Value type.
package struct Moment {
    /// Now, in nanoseconds.
    package let now: UInt64
    /// When the worker last went on after it, or its machine, had stood still; 0 for never. What
    /// did not come before that may lie in the kernel's buffers, so no wait is counted from before.
    package let resumedAt: UInt64

    /// This moment; both times in nanoseconds of one clock.
    package init(now: UInt64, resumedAt: UInt64 = 0) {
        self.now = now
        self.resumedAt = resumedAt
    }
}
