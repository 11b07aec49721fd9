// RefreshSchedule: when to ask again. By a timer, never by traffic, so that an idle service is as
// up to date as a busy one.
//
// | the last lookup              | the next one after                                   |
// |------------------------------|------------------------------------------------------|
// | gave records                 | `every`, or else their smallest TTL, within floor    |
// |                              | and ceiling                                          |
// | failed n times in a row      | floor * 2^(n-1), at most 10 s and the ceiling; with  |
// |                              | `every` that * 2^(n-1), at most 10 s and no less     |
//
// each varied by the jitter, so that names and processes don't ask in step: names that were all
// asked at the start, or when their server came back, are spread over the whole of the first wait,
// which ends anywhere between 0 and its length; and failures, which come to all names at one
// moment, are varied five times as much. The floor is what keeps a TTL of 0 (Consul's default) from
// becoming a busy loop; the back-off keeps a name that does not exist from costing its server a
// thousand questions a second.

/// The waits of one source. Value type; takes its random numbers from the caller.
package struct RefreshSchedule: Sendable {
    /// How waits are bounded and varied.
    package struct Options: Sendable, Equatable {
        /// The shortest wait before jitter; more than zero.
        package var floor: Duration = .seconds(1)
        /// The longest wait before jitter, at least the floor: how late a change may be noticed.
        package var ceiling: Duration = .seconds(60)
        /// The wait before jitter whatever the time to live, in place of floor and ceiling; nil
        /// for these. For servers whose times to live say nothing: Docker's says 600 s of what
        /// changes within one.
        package var every: Duration?
        /// How much a wait is shortened or lengthened at most, in percent; 0 to 90. 0 is no jitter
        /// at all, not even in the first wait.
        package var jitterPercent = 10

        /// The jitter of the wait after a failure, in percent: names that failed together shall not
        /// ask together.
        package var failureJitterPercent: Int { min(jitterPercent * 5, 90) }

        /// The defaults.
        package init() {}

        /// The wait before jitter after an answer that holds for `timeToLive`; nil means that
        /// nothing was said of it.
        package func wait(timeToLive: Duration?) -> Duration {
            every ?? min(max(timeToLive ?? floor, floor), ceiling)
        }

        /// The wait after so many failures in a row, 1 or more.
        package func wait(failures: Int) -> Duration {
            // 2^16 floors exceed any ceiling; the shift stays small whatever happens.
            let least = every ?? floor
            let doubled = least * (1 << min(failures - 1, 16))
            let most = max(RefreshSchedule.failureWaitMax, least)
            return every == nil ? min(doubled, most, ceiling) : min(doubled, most)
        }
    }

    /// The longest wait after failures: within this the registry is back in sight.
    private static let failureWaitMax = Duration.seconds(10)

    /// How finely waits are varied: finer than the turns of a loop.
    private static let parts = 100_000

    private let options: Options
    private var failures = 0
    /// Whether the wait after the next answer is spread over its whole length.
    private var isSpread = true

    /// A schedule whose first lookup is due at once.
    ///
    /// - Precondition: the options are within their ranges.
    package init(_ options: Options) {
        precondition(options.floor > .zero && options.ceiling >= options.floor)
        precondition(options.every ?? options.floor > .zero)
        precondition((0...90).contains(options.jitterPercent))
        self.options = options
    }

    /// The wait after a lookup that gave records which hold for `timeToLive`; nil means that
    /// nothing was said of it.
    /// - Parameter elapsed: How long the lookup took. The wait is counted from its begin: names
    ///   that had to stand in line for each other would otherwise go on coming together.
    package mutating func waitAfterAnswer(
        timeToLive: Duration?, elapsed: Duration = .zero,
        using random: inout some RandomNumberGenerator
    ) -> Duration {
        failures = 0
        let wait = options.wait(timeToLive: timeToLive)
        let isSpread = isSpread && options.jitterPercent > 0
        self.isSpread = false
        var rest =
            (isSpread
                ? wait * Int.random(in: 0...Self.parts, using: &random) / Self.parts
                : jittered(wait, by: options.jitterPercent, using: &random)) - elapsed
        // A lookup that took longer is not made up for: the next one keeps its place in time.
        if rest < .zero { rest += wait * Int64((.zero - rest) / wait + 1) }
        return rest
    }

    /// The wait after a lookup that failed or named no instance.
    package mutating func waitAfterFailure(
        using random: inout some RandomNumberGenerator
    ) -> Duration {
        failures += 1
        isSpread = true
        return jittered(
            options.wait(failures: failures), by: options.failureJitterPercent, using: &random
        )
    }

    private func jittered(
        _ wait: Duration, by percent: Int, using random: inout some RandomNumberGenerator
    ) -> Duration {
        let reach = Self.parts / 100 * percent
        return wait * Int.random(in: Self.parts - reach...Self.parts + reach, using: &random)
            / Self.parts
    }
}
