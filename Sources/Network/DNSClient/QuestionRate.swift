// QuestionRate: how many queries go out in a second, kept by when questions may begin. With the
// jitter of each name's own timer it is what keeps ten thousand names from asking in step, and from
// hitting a nameserver together when it comes back.

/// A token bucket. Value type; takes `now`.
///
/// At most `perSecond` questions begin in any second, wherever it begins: what the bucket holds and
/// what flows into it within a second are together no more than that. The further queries of a
/// question that is under way are never held up, but are paid for by those that begin next.
package struct QuestionRate: Sendable, Equatable {
    /// The control plane's clock, which this type never reads.
    package typealias Instant = ContinuousClock.Instant

    /// The bucket holds a hundredth of a second's questions: enough that one name's A and AAAA, and
    /// what else a turn of the loop brings, needn't wait for each other.
    private static let burstShare = 100

    private let interval: Duration
    private let burst: Int
    /// When the bucket will be, or was, full.
    private var fullAt: Instant?

    /// A full bucket.
    ///
    /// - Precondition: `perSecond` is 1 to 1,000,000.
    package init(perSecond: Int) {
        precondition((1...1_000_000).contains(perSecond))
        burst = max(1, perSecond / Self.burstShare)
        // Rounded up, or the last token of a second would come just within it.
        interval = .seconds(1) / (perSecond - burst + 1) + .nanoseconds(1)
    }

    /// Takes a token if there is one.
    package mutating func take(now: Instant) -> Bool {
        let fullAt = max(fullAt ?? now, now)
        guard now.duration(to: fullAt) <= interval * (burst - 1) else { return false }
        self.fullAt = fullAt + interval
        return true
    }

    /// Takes a token that need not be there yet: questions wait until the debt is paid.
    package mutating func charge(now: Instant) {
        fullAt = max(fullAt ?? now, now) + interval
    }

    /// When there will be a token; `now` or earlier when there is one.
    package func nextAt(now: Instant) -> Instant {
        (fullAt ?? now) - interval * (burst - 1)
    }
}
