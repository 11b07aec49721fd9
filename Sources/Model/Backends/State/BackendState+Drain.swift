// BackendState+Drain: the drain of a backend that discovery no longer wants.

extension BackendState {
    /// A drain under way: no new requests, those in flight finish. Value type, any thread.
    struct Drain: Equatable {
        private(set) var endsAt: ContinuousClock.Instant
        /// A drain that is over waits until then: the loss may still turn out to be a mistake.
        let keptUntil: ContinuousClock.Instant
        var isConfirmed = false
        var isIdle = false
        /// When its streams begin to be ended; nil once they are.
        var endsStreamsAt: ContinuousClock.Instant?

        /// A drain that begins now and may take `limit`, not negative.
        init(
            within limit: Duration, keptUntil: ContinuousClock.Instant,
            now: ContinuousClock.Instant
        ) {
            endsAt = now
            self.keptUntil = keptUntil
            end(within: limit, now: now)
        }

        /// From now on it may take `limit`, not negative.
        mutating func end(within limit: Duration, now: ContinuousClock.Instant) {
            endsAt = now + limit
            endsStreamsAt = endsAt - StreamEnds.lead(of: limit)
        }

        var isOver: Bool { isConfirmed && isIdle }
        var deadline: ContinuousClock.Instant { isOver ? keptUntil : endsStreamsAt ?? endsAt }
    }
}
