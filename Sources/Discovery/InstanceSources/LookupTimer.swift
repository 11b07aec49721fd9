// LookupTimer: the clockwork that sources share: look up, wait as the schedule says, look up again.

internal import DNSClient
internal import Events
internal import Lookups

/// Repeats a source's lookup. Control thread only.
final class LookupTimer {
    private var schedule: RefreshSchedule
    private var random = SystemRandomNumberGenerator()
    private var timer: Timer?
    private var begunAt = ContinuousClock.now
    private var isAwaitingServers = false
    private var dueAt = ContinuousClock.now

    /// Calls `lookUp` whenever a lookup is due; the source makes the first one itself, after
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

    /// A lookup begins that the timer has not called for.
    func lookupBegins() {
        begunAt = .now
    }

    /// Records that the lookup gave records, which hold for `timeToLive`; nil when no time was
    /// given.
    func lookupAnswered(timeToLive: Duration?) {
        schedule(
            after: schedule.waitAfterAnswer(
                timeToLive: timeToLive, elapsed: begunAt.duration(to: .now), using: &random))
    }

    /// Records that the lookup failed or named no instance.
    func lookupFailed() {
        schedule(after: schedule.waitAfterFailure(using: &random))
    }

    /// Records that the lookup was given up, since every server of `resolver` is away. The next is
    /// due as soon as one is back, within a second.
    func lookupGivenUp(by resolver: Resolver) {
        guard !isAwaitingServers else { return }
        isAwaitingServers = true
        resolver.callWhenBack { [weak self] in
            guard let self else { return }
            isAwaitingServers = false
            // Otherwise a lookup is under way, or there will be no more.
            guard timer?.isScheduled == true else { return }
            schedule(after: .milliseconds(Int.random(in: 0...1000, using: &random)))
        }
    }

    /// When the timer calls; nil while a lookup is under way, or there will be none.
    var nextLookup: ContinuousClock.Instant? { timer?.isScheduled == true ? dueAt : nil }

    private func schedule(after wait: Duration) {
        dueAt = .now + wait
        timer?.schedule(after: wait)
    }

    /// There will be no more.
    func stop() {
        timer?.cancel()
    }
}
