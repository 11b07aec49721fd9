// AtomicWords: the memory of tables that workers share and change without a lock.

internal import Glibc
internal import Synchronization

/// Words that begin as zero, at the beginning of a cache line. Any thread.
@safe struct AtomicWords: ~Copyable, Sendable {
    typealias Word = Atomic<UInt64>

    /// Lives as long as the value.
    private nonisolated(unsafe) let words: UnsafeMutablePointer<Word>
    /// What was allocated; the words begin at its first cache line.
    private nonisolated(unsafe) let memory: UnsafeMutableRawPointer
    private let count: Int

    /// So many words, 1 or more.
    init(count: Int) {
        self.count = count
        // Zeroed by the kernel as it is touched: clients that do not come take nothing.
        guard let memory = unsafe calloc(count * 8 + 64, 1) else {
            preconditionFailure("no memory for a limit")
        }
        unsafe self.memory = memory
        // A word that is zero is an `Atomic` of zero: it has nothing besides its value.
        unsafe words = memory.alignedUp(toMultipleOf: 64)
            .bindMemory(to: Word.self, capacity: count)
    }

    deinit {
        unsafe words.deinitialize(count: count)
        unsafe free(memory)
    }

    /// Passes the word at `index`, which is less than `count`, to `body`.
    @inline(__always)
    func with<Result>(_ index: Int, _ body: (borrowing Word) -> Result) -> Result {
        // The caller computes it from a number of sets, of which all words are there.
        unsafe body(words[index])
    }
}
