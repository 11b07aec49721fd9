// SignalWatch: a POSIX signal as a callback on the loop.

internal import CLibevent
internal import Glibc

/// Calls its action on the loop's thread each time the process gets the signal. One loop of a
/// process may have signal watches (libevent's rule): the control thread's.
@safe package final class SignalWatch {
    private let event: UnsafeMutablePointer<event>
    private let action: () -> Void
    // Kept, so that libevent's base outlives the event.
    private let loop: EventLoop

    /// Watches `signal` (such as SIGTERM) from now until the object is released.
    package init(_ signal: Int32, on loop: EventLoop, action: @escaping () -> Void) {
        self.action = action
        self.loop = loop
        guard let event = unsafe event_new(loop.base, -1, 0, nil, nil) else {
            preconditionFailure("out of memory")
        }
        unsafe self.event = event
        // Unretained: deinit deletes the event, so the pointer is never used afterwards.
        unsafe event_assign(
            event, loop.base, signal, Int16(EV_SIGNAL | EV_PERSIST),
            { _, _, context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<SignalWatch>.fromOpaque(context).takeUnretainedValue().action()
            }, Unmanaged.passUnretained(self).toOpaque())
        unsafe event_add(event, nil)
    }

    deinit {
        unsafe event_free(event)
    }
}
