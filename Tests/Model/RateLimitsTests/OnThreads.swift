// OnThreads: threads at once, as workers are, for what they share.

import Glibc
import Synchronization

/// Runs `body` on so many threads at once, each with its number. Returns the sum.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Int) -> Int {
    final class Work: Sendable {
        let sum = Atomic<Int>(0)
        let next = Atomic<Int>(0)
        let body: @Sendable (Int) -> Int
        init(_ body: @escaping @Sendable (Int) -> Int) { self.body = body }
    }
    let work = Work(body)
    var threads: [pthread_t] = []
    for _ in 0..<count {
        var thread = pthread_t()
        unsafe pthread_create(
            &thread, nil,
            { pointer in
                // Alive until all threads have been joined.
                guard let pointer = unsafe pointer else { return nil }
                let work = unsafe Unmanaged<Work>.fromOpaque(pointer).takeUnretainedValue()
                let number = work.next.add(1, ordering: .relaxed).oldValue
                work.sum.add(work.body(number), ordering: .relaxed)
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
    return withExtendedLifetime(work) { work.sum.load(ordering: .relaxed) }
}
