// Timer: one call in the future, for the control plane. Channels have deadlines instead.

internal import CLibevent
internal import Glibc

/// Calls its action once, some time after `schedule(after:)`. Loop thread only.
@safe package final class Timer {
    private let event: UnsafeMutablePointer<event>
    private let action: () -> Void
    // Kept, so that libevent's base outlives the event.
    private let loop: EventLoop
    /// Whether a call is due.
    package private(set) var isScheduled = false

    /// A timer that is not yet scheduled.
    package init(on loop: EventLoop, action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
        // The context is set below, once `self` is whole; the event is not added before.
        guard let event = unsafe event_new(loop.base, -1, 0, nil, nil) else {
            preconditionFailure("out of memory")
        }
        unsafe self.event = event
        // Unretained: deinit deletes the event, so the pointer is never used afterwards.
        unsafe event_assign(
            event, loop.base, -1, 0,
            { _, _, context in
                guard let context = unsafe context else { return }
                let timer = unsafe Unmanaged<Timer>.fromOpaque(context).takeUnretainedValue()
                timer.isScheduled = false
                timer.action()
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        unsafe event_free(event)
    }

    /// Calls the action after `delay` (not negative; 0 is the next batch), in place of any call
    /// that is still due.
    package func schedule(after delay: Duration) {
        let (seconds, attoseconds) = max(delay, .zero).components
        var time = timeval(
            tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        isScheduled = true
        unsafe event_add(event, &time)
    }

    /// Drops the call that is due, if any.
    package func cancel() {
        isScheduled = false
        unsafe event_del(event)
    }
}
