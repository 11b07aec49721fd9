// Pacer: something that follows from changes, which may come by the thousand, is done at once after
// the first of them, and then once for all that come within a time.

internal import Events

/// Does one thing at most once within a time. Control thread only.
final class Pacer {
    private let action: () -> Void
    private var timer: Timer?
    private var last: ContinuousClock.Instant?

    /// Does `action`, which may ask for it again.
    init(on loop: EventLoop, _ action: @escaping () -> Void) {
        self.action = action
        timer = Timer(on: loop) { [unowned self] in doNow() }
    }

    /// Does it now if it was not done within `interval`, which zero always is; else when that is
    /// over.
    func ask(every interval: Duration) {
        guard timer?.isScheduled == false else { return }
        let now = ContinuousClock.now
        if interval > .zero, let last, last.duration(to: now) < interval {
            timer?.schedule(after: interval - last.duration(to: now))
        } else {
            doNow()
        }
    }

    /// Does it now, whatever waits.
    func doNow() {
        timer?.cancel()
        last = .now
        action()
    }

    /// Does not do what waits.
    func cancel() {
        timer?.cancel()
    }
}
