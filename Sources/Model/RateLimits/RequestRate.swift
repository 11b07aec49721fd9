// RequestRate: so many requests in so much time, as the generic cell rate algorithm (GCRA, ITU-T
// I.371) counts them. It lets through what a token bucket does, and needs one number for it: the
// time at which the bucket is full again. A bucket needs two, its tokens and when they were
// counted, and two threads can't change those together without a lock; one number they can
// (RateTable.swift). A bucket that is full is one whose time is past, so that forgetting it forgets
// nothing.

/// A rate with a burst, in nanoseconds. Value type.
package struct RequestRate: Sendable, Equatable {
    /// How long one request takes to come back into the bucket; at least 1.
    package let interval: UInt64
    /// How long an empty bucket takes to be full; at least `interval`.
    package let depth: UInt64

    /// The longest time that is counted, some 73 years: sums of two can't overflow.
    private static let longest = UInt64.max / 8

    /// `requests` in `time` on average, and `burst` at once; each is at least 1.
    package init(requests: Int, per time: Duration, burst: Int) {
        precondition(requests > 0 && burst > 0 && time > .zero, "counts from 1 on")
        let (seconds, fraction) = time.components
        let whole = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let nanoseconds =
            whole.overflow ? Self.longest : whole.partialValue + UInt64(fraction / 1_000_000_000)
        interval = max(1, nanoseconds / UInt64(requests))
        depth = Self.times(interval, burst)
    }

    private init(interval: UInt64, depth: UInt64) {
        self.interval = interval
        self.depth = depth
    }

    private static func times(_ one: UInt64, _ other: Int) -> UInt64 {
        let product = one.multipliedReportingOverflow(by: UInt64(other))
        return product.overflow ? longest : min(product.partialValue, longest)
    }

    /// The part of one process where `sharers` of them, at least 1, let requests through under this
    /// rate. The burst is divided as well, rounded down, and at least 1 request: the parts are no
    /// more than the whole, unless there are more processes than requests in the burst.
    ///
    /// In time, a part of the burst at a part of the rate is as deep as the whole. So a bucket that
    /// was half full before the number changed is half full afterwards.
    package func divided(among sharers: Int) -> RequestRate {
        let interval = Self.times(interval, sharers)
        return RequestRate(interval: interval, depth: max(depth, interval))
    }

    /// What becomes of one request.
    package enum Verdict: Sendable, Equatable {
        /// The request may go on; so many more could come at once.
        case admitted(remaining: Int)
        /// The request has to wait for this long, in nanoseconds; at least 1.
        case refused(wait: UInt64)
    }

    /// When a bucket that is full at `due` is full again after one more request at `now`, all in
    /// nanoseconds of one clock; nil when it has no request left.
    package func charged(_ due: UInt64, at now: UInt64) -> UInt64? {
        let next = max(due, now) + interval
        return next > now + depth ? nil : next
    }

    /// The verdict on a request that made a bucket full at `due`, or found it so (`isAdmitted`).
    package func verdict(isAdmitted: Bool, _ due: UInt64, at now: UInt64) -> Verdict {
        isAdmitted
            ? .admitted(remaining: Int((now + depth - due) / interval))
            : .refused(wait: max(due, now) + interval - (now + depth))
    }
}
