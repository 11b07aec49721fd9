// LoopThread: a POSIX thread. Swift's own concurrency schedules tasks on threads of its choice, a
// loop needs one thread for itself.

internal import CLinux
internal import Glibc

/// A running thread.
@safe package struct LoopThread: Sendable {
    private let thread: pthread_t

    /// Runs `body` on a new thread called `name` (at most 15 bytes are shown by the system). With
    /// `processor` it stays on that one, counted from 0 and round again, of those that the process
    /// may use: caches stay warm, and two such threads are not put on one processor while another
    /// idles.
    ///
    /// - Throws: `Errno` when the system has no thread to give.
    package init(
        name: String, processor: Int? = nil, body: @escaping @Sendable () -> Void
    ) throws(Errno) {
        final class Start: Sendable {
            let name: String
            let processor: Int?
            let body: @Sendable () -> Void
            init(name: String, processor: Int?, body: @escaping @Sendable () -> Void) {
                self.name = name
                self.processor = processor
                self.body = body
            }
        }
        var thread = pthread_t()
        let start = Start(name: name, processor: processor, body: body)
        // The new thread takes the retained reference over.
        let context = unsafe Unmanaged.passRetained(start)
        let error = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                unsafe _ = pthread_setname_np(pthread_self(), String(start.name.prefix(15)))
                // Where the system does not let it, it runs where it may.
                if let processor = start.processor { _ = pin_thread(Int32(processor)) }
                start.body()
                return nil
            }, context.toOpaque())
        guard error == 0 else {
            unsafe context.release()
            throw Errno(rawValue: error)
        }
        self.thread = thread
    }

    /// Waits until the thread has ended. Call it once, from another thread, or `detach`.
    package func join() {
        _ = pthread_join(thread, nil)
    }

    /// Leaves the thread to end when it will. Call it once in the place of `join`.
    package func detach() {
        _ = pthread_detach(thread)
    }
}
