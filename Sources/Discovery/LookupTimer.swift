// LookupTimer: the clockwork that sources share: look up, wait as the schedule says, look up again.

internal import Events

/// Repeats a source's lookup. Control thread only.
final class LookupTimer {
    private var schedule: RefreshSchedule
    private var random = SystemRandomNumberGenerator()
    private var timer: Timer?
    private var begunAt = ContinuousClock.now

    /// Calls `lookUp` whenever a lookup is due; the first is the source's own to make, after
    /// `lookupBegins`.
    init(
        _ refresh: RefreshSchedule.Options, on loop: EventLoop, lookUp: @escaping () -> Void
    ) {
        schedule = RefreshSchedule(refresh)
        timer = Timer(on: loop) { [unowned self] in
            lookupBegins()
            lookUp()
        }
    }

    /// One begins that the timer has not called for.
    func lookupBegins() {
        begunAt = .now
    }

    /// It gave records that hold for `timeToLive`; nil when nothing was said of it.
    func lookupAnswered(timeToLive: Duration?) {
        timer?.schedule(
            after: schedule.waitAfterAnswer(
                timeToLive: timeToLive, elapsed: begunAt.duration(to: .now), using: &random))
    }

    /// It failed or named no instance.
    func lookupFailed() {
        timer?.schedule(after: schedule.waitAfterFailure(using: &random))
    }

    /// There will be no more.
    func stop() {
        timer?.cancel()
    }
}
