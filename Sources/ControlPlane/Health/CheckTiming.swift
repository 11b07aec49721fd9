// CheckTiming: how soon the next check follows. Checks come fast as long as the next one may change
// the backend's state, so that two or three in a row do not take as many intervals; and at the
// usual interval when nothing is expected to change.

internal import Backends
internal import Traffic

extension CheckSchedule {
    /// `duration`, or the nearest one that is safe for a timer: above zero, and so far below the
    /// limits of its type that no sum overflows.
    static func bounded(_ duration: Duration) -> Duration {
        min(max(duration, .milliseconds(1)), .seconds(86_400))
    }

    /// How soon the next check is wanted.
    package enum Pace: Sendable, Equatable {
        /// All is well, or the backend is leaving: nothing is expected to change.
        case usual
        /// The next check may change the backend's state.
        case fast
        /// The backend is new and was never up: it may begin to listen at any moment, as a
        /// container does a while after its start.
        case new
        /// The backend is down, and did not pass the last check.
        case down
    }

    /// How often one service's backends are checked. Value type, any thread.
    package struct Timing: Sendable, Equatable {
        private let usual: Duration
        private let fast: Duration
        private let down: Duration
        private let jitterPercent: Int

        /// Takes the nearest values that are possible: intervals of 1 ms to a day, the fast one at
        /// most the usual one, a jitter of 0 to 90 percent of them. So every delay is above zero,
        /// and far from overflowing. `down` nil means the usual interval.
        package init(
            interval: Duration, fast: Duration = .milliseconds(500), down: Duration? = nil,
            jitterPercent: Int
        ) {
            usual = bounded(interval)
            self.fast = min(bounded(fast), usual)
            self.down = down.map(bounded) ?? usual
            self.jitterPercent = min(max(jitterPercent, 0), 90)
        }

        /// The timing that `options` describe.
        init(_ options: CheckOptions) {
            self.init(
                interval: options.interval, fast: options.fastInterval, down: options.downInterval,
                jitterPercent: options.jitterPercent)
        }

        /// From the start of one check to the start of the next, before jitter.
        func interval(_ pace: Pace) -> Duration {
            switch pace {
            case .usual: usual
            case .fast: fast
            case .new: bounded(fast * 2 / 5)
            case .down: down
            }
        }

        /// The delay until the next check, with jitter.
        func delay(_ pace: Pace, using generator: inout some RandomNumberGenerator) -> Duration {
            let base = interval(pace)
            guard jitterPercent > 0 else { return base }
            // In millionths of the base, which itself is at most a day: no overflow.
            let jitter = jitterPercent * 10_000
            let millionths = 1_000_000 + Int.random(in: -jitter...jitter, using: &generator)
            return base * millionths / 1_000_000
        }

        /// Within which time the first checks of `count` backends start.
        func spread(over count: Int) -> Duration {
            let few = min(.milliseconds(20), usual * jitterPercent / 100)
            return min(usual, max(few, CheckSchedule.spreadPerCheck * count))
        }
    }
}

extension Backend {
    /// Failed checks until a backend that has never been up counts as any that is down: those of
    /// the first 30 s by default.
    private static let newFailuresMax = 150

    /// How soon its next check should follow.
    var checkPace: CheckSchedule.Pace {
        switch state.phase {
        case .discovered, .checking: .new
        case .ejected: .fast
        case .up: lastCheck?.failure == nil ? .usual : .fast
        case .down: isAwaited ? .new : state.consecutivePasses > 0 ? .fast : .down
        // It is leaving: nothing depends on its checks.
        case .draining, .gone: .usual
        }
    }

    /// Whether it has never been up, and not for long.
    private var isAwaited: Bool {
        state.upSince == nil && state.consecutiveFailures < Self.newFailuresMax
    }
}
