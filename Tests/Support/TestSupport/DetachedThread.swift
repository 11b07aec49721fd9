// Threads for what must block: a server's connection, a child's end. The tests' own pool has as
// many threads as the machine has processors, and must not be held by them.

internal import Glibc

/// Runs `body` on a detached thread of its own.
///
/// - Throws: `TestSupportError` when the system has no thread to give.
package func startThread(_ body: @escaping @Sendable () -> Void) throws {
    let box = unsafe Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    let failure = unsafe pthread_create(
        &thread, nil,
        { argument in
            // `argument` is the box retained above, handed over to this thread alone.
            if let argument = unsafe argument {
                unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
            }
            return nil
        }, box.toOpaque())
    guard failure == 0 else {
        unsafe box.release()
        throw TestSupportError("pthread_create: \(unsafe String(cString: strerror(failure)))")
    }
    pthread_detach(thread)
}

private final class Box: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}
