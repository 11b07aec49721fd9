// WorkThreads: threads for work that takes long by itself, and would hold up everything else of a
// loop meanwhile. What waits for them is bounded.

internal import CLinux
internal import Glibc
internal import Locking

/// A few threads that do one piece of work after the other. Any thread.
package final class WorkThreads: Sendable {
    private struct Shared {
        /// What waits, the oldest first.
        var waiting: [@Sendable () -> Void] = []
        var threads: [LoopThread] = []
        /// Counts what waits; each thread that reads it takes one. Nil before the first work.
        var wakeup: Descriptor?
        var isStopping = false
    }

    private let name: String
    private let count: Int
    private let waitingMax: Int
    private let shared = Locked(Shared())

    /// How much less the threads are worth to the scheduler than those that move traffic: where
    /// processors are short, work of theirs is what waits (setpriority(2)).
    private static let niceness: Int32 = 5

    /// So many threads, called `name` and a number, which begin with `start`, or the first work.
    /// Besides what they do, at most `waitingMax` pieces of work wait.
    package init(name: String, count: Int, waitingMax: Int) {
        precondition(count > 0 && waitingMax > 0)
        self.name = name
        self.count = count
        self.waitingMax = waitingMax
    }

    deinit {
        shared.withLock { shared in
            if let wakeup = shared.wakeup { wakeup.close() }
        }
    }

    /// Begins the threads, unless they have begun. They may use the processors that the caller may:
    /// a thread that stays on one would keep them there as well.
    package func start() {
        shared.withLock { shared in
            if !shared.isStopping { _ = begin(&shared) }
        }
    }

    /// Has a thread do `work` when those before it are done. False when it never will be: as many
    /// wait as may, the threads are stopping, or the system has none to give.
    package func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        let wakeup: Descriptor? = shared.withLock { shared in
            guard !shared.isStopping, shared.waiting.count < waitingMax, begin(&shared) else {
                return nil
            }
            shared.waiting.append(work)
            return shared.wakeup
        }
        guard let wakeup else { return false }
        _ = eventfd_write(wakeup.number, 1)
        return true
    }

    /// Begins the threads, unless they have begun. False when there is none.
    private func begin(_ shared: inout Shared) -> Bool {
        guard shared.threads.isEmpty else { return true }
        let wakeup: Descriptor
        if let made = shared.wakeup {
            wakeup = made
        } else {
            let number = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_SEMAPHORE))
            guard number >= 0 else { return false }
            wakeup = Descriptor(number: number)
            shared.wakeup = wakeup
        }
        for number in 0..<count {
            // Fewer than were meant do the same, if there is one.
            let thread = try? LoopThread(name: "\(name)-\(number)") { self.run(wakeup) }
            guard let thread else { break }
            shared.threads.append(thread)
        }
        return !shared.threads.isEmpty
    }

    private func run(_ wakeup: Descriptor) {
        _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceness)
        while true {
            var count: eventfd_t = 0
            unsafe _ = eventfd_read(wakeup.number, &count)
            var work: (@Sendable () -> Void)?
            let isStopping = shared.withLock { shared in
                if !shared.waiting.isEmpty { work = shared.waiting.removeFirst() }
                return shared.isStopping
            }
            if isStopping { return }
            work?()
        }
    }

    /// Ends the threads, once each has done what it is at; what waits is dropped.
    package func stop() {
        let (threads, wakeup) = shared.withLock { shared in
            shared.isStopping = true
            shared.waiting = []
            defer { shared.threads = [] }
            return (shared.threads, shared.wakeup)
        }
        if let wakeup, !threads.isEmpty {
            _ = eventfd_write(wakeup.number, eventfd_t(threads.count))
        }
        for thread in threads { thread.join() }
    }
}
