// Locked: a value that threads share, for the few places where they do: mail, and the making of
// counters. Not Synchronization.Mutex, whose lock the thread sanitizer cannot see (Swift 6.3 on
// Linux: it reports every contended access as a race); this one stands on POSIX, which it can.

internal import Glibc

/// A value behind a lock. Any thread.
@safe package final class Locked<Value: Sendable>: @unchecked Sendable {
    // Sendable by hand: `value` is touched only while `mutex` is held.
    private var value: Value
    // At an address of its own, since a mutex may not move; lives as long as the object.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// Begins with `value`.
    package init(_ value: Value) {
        self.value = value
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        let result = unsafe pthread_mutex_init(mutex, nil)
        precondition(result == 0, "a default mutex needs no resource that could be missing")
    }

    deinit {
        unsafe _ = pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Runs `body` on the value while no other thread can. It must not block, nor lock this again.
    package func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe _ = pthread_mutex_lock(mutex)
        defer { unsafe _ = pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
