// Pacer: does what follows from changes at once for the first, and then once for all changes within
// an interval, since they may come by the thousand.

internal import Events

/// Does an action at most once within an interval. Control thread only.
final class Pacer {
    private let action: () -> Void
    private var timer: Timer?
    private var last: ContinuousClock.Instant?

    /// Paces `action`, which may ask for itself again.
    init(on loop: EventLoop, _ action: @escaping () -> Void) {
        self.action = action
        timer = Timer(on: loop) { [unowned self] in doNow() }
    }

    /// Does the action now if it was not done within `interval`, else when that is over. With an
    /// interval of zero it is always done now.
    func ask(every interval: Duration) {
        guard timer?.isScheduled == false else { return }
        let now = ContinuousClock.now
        if interval > .zero, let last, last.duration(to: now) < interval {
            timer?.schedule(after: interval - last.duration(to: now))
        } else {
            doNow()
        }
    }

    /// Does the action now, in place of one that waits.
    func doNow() {
        timer?.cancel()
        last = .now
        action()
    }

    /// Drops an action that waits.
    func cancel() {
        timer?.cancel()
    }
}
