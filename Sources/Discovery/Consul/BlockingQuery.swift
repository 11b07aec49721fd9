// BlockingQuery: when to ask Consul again, and from which index on. Pure: it is told what came and
// what time it is, and says how long to wait and what to send.
//
// | what came                          | the next index          | the wait before it is asked    |
// |------------------------------------|-------------------------|--------------------------------|
// | a good answer with index n         | n                       | none while there are turns     |
// |  … n is 0, missing or no number    | 1                       | left, else until there is one  |
// |  … n is lower than the last        | none: asked again        |                                |
// |  … from another agent than before  | n                       |                                |
// | a failure, or what can't be read   | none: asked again        | 0.5 s * 2^(n-1), at most 10 s, |
// |                                    |                         | of which a random half to all  |
//
// Without an index Consul answers at once; with one it answers when its own is higher, or when the
// wait is over. Indexes fall when servers are restored from a snapshot, when an agent was restarted
// with nothing, and for keys once tombstones are reaped: a client that kept the high one would wait
// forever. After a failure it is not known who will answer next, so nothing is assumed.
//
// Turns are a token bucket of 8 that gains one a second. A return is not a change: any write to the
// same table may end a wait, and a broken agent returns at once whatever it is asked. So a watch
// costs an agent one question a second in the long run, as an SRV lookup with its floor does; but
// eight returns may follow each other without a pause, which is what a rolling deploy makes of one
// service within a few seconds, and each of those reaches traffic at once. An answer takes one turn
// more for each MiB that it has: reading a MiB of JSON takes the control thread 0.1 s (1000
// instances with two checks each, measured), which in the long run must not become all that it
// does.

/// The schedule of one blocking query. Value type.
package struct BlockingQuery: Sendable {
    /// How many returns may follow each other at once.
    package static let burst = 8
    /// How many bytes of an answer take one turn more.
    package static let bytesPerTurn = 1024 * 1024
    /// How long it takes until one more may.
    package static let refill = Duration.seconds(1)
    /// The longest wait after failures: within this a registry that is back is asked.
    package static let failureWaitMax = Duration.seconds(10)
    /// The first wait after a failure, before the random part is taken off.
    package static let failureWaitMin = Duration.milliseconds(500)

    /// The index to send; 0 for none.
    package private(set) var index: UInt64 = 0
    /// Which agent the index is of; nil without an index.
    package private(set) var agent: Int?
    private var failures = 0
    /// When the bucket is full again: each turn that is missing is a refill in the future.
    private var isFullAt: ContinuousClock.Instant?

    /// A query that is asked at once and without an index.
    package init() {}

    /// The index that the field `X-Consul-Index` says: 1 when it is 0, missing or no number, since
    /// 0 would not block (Consul's documentation, "Blocking queries").
    package static func index(of field: String?) -> UInt64 {
        guard let field, let index = UInt64(field), index > 0 else { return 1 }
        return index
    }

    /// How long an agent may hold back an answer that was asked for within `wait`: it adds up to a
    /// sixteenth, so that not all of them end together. The client grants some time beyond that
    /// (`ConsulPolicy.answerTimeout`).
    package static func longest(_ wait: Duration) -> Duration {
        wait * 17 / 16
    }

    /// A good answer of `bytes` came from `agent` with `field` in X-Consul-Index.
    ///
    /// - Returns: How long to wait before asking again; zero for no wait.
    package mutating func answered(
        field: String?, by agent: Int, bytes: Int, now: ContinuousClock.Instant
    ) -> Duration {
        failures = 0
        let new = Self.index(of: field)
        let wentBack = self.agent == agent && new < index
        index = wentBack ? 0 : new
        self.agent = wentBack ? nil : agent
        return spend(turns: 1 + bytes / Self.bytesPerTurn, now: now)
    }

    /// Records that the query failed, or that its answer can't be read.
    ///
    /// - Returns: How long to wait before asking again; more than zero.
    package mutating func failed(using random: inout some RandomNumberGenerator) -> Duration {
        index = 0
        agent = nil
        failures += 1
        // 2^8 times the first wait exceeds the longest; the shift stays small whatever happens.
        let wait = min(Self.failureWaitMin * (1 << min(failures - 1, 8)), Self.failureWaitMax)
        return wait * Int.random(in: 50...100, using: &random) / 100
    }

    private mutating func spend(turns: Int, now: ContinuousClock.Instant) -> Duration {
        let full = max(isFullAt ?? now, now) + Self.refill * turns
        isFullAt = full
        // What is missing beyond a bucket's worth has to be waited for.
        return max(.zero, now.duration(to: full) - Self.refill * Self.burst)
    }
}
