// GuardedBuffer: input whose last byte is the last one of a readable page. A parser that reads one
// byte too far does not read luck's leftovers: it faults, in release builds too.

internal import Glibc

/// Memory of whole pages followed by one that cannot be touched. One thread at a time.
///
/// Safe to use: the pointer stays private, and what is handed out does not outlive its closure.
@safe package final class GuardedBuffer {
    /// The readable pages; the page after them has no access rights.
    private let readable: UnsafeMutableRawBufferPointer
    private let mappedOctets: Int

    /// - Parameter capacity: The most bytes that one input has, at least 1.
    package init(capacity: Int) {
        precondition(capacity > 0, "a guarded buffer has room for one byte at least")
        let page = Int(getpagesize())
        let readableOctets = (capacity + page - 1) / page * page
        mappedOctets = readableOctets + page
        // No file, no fixed address: nothing of the process's can be replaced by the mapping.
        let mapping = unsafe mmap(
            nil, mappedOctets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let base = unsafe mapping, unsafe base != MAP_FAILED else {
            preconditionFailure("mmap of \(mappedOctets) bytes failed: errno \(errno)")
        }
        let result = unsafe mprotect(base + readableOctets, page, PROT_NONE)
        precondition(result == 0, "mprotect of the guard page failed: errno \(errno)")
        unsafe readable = UnsafeMutableRawBufferPointer(start: base, count: readableOctets)
    }

    deinit {
        // Spans of it do not outlive `withBytes`, so nobody can look at it any more.
        unsafe _ = munmap(readable.baseAddress, mappedOctets)
    }

    /// Copies `bytes` to the end of the readable pages and hands them to `body`.
    /// - Precondition: `bytes` has at most `capacity` bytes.
    package func withBytes<Result, Failure: Error>(
        _ bytes: some Collection<UInt8>, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let count = bytes.count
        let start = unsafe readable.count - count
        precondition(start >= 0, "\(count) bytes are \(-start) more than the buffer holds")
        let end = unsafe UnsafeMutableRawBufferPointer(rebasing: readable[start...])
        unsafe end.copyBytes(from: bytes)
        // The memory is mapped until deinit, and `self` lives until `body` has returned.
        let typed = unsafe UnsafeBufferPointer(end.bindMemory(to: UInt8.self))
        defer { extendLifetime(self) }
        return try body(unsafe Span(_unsafeElements: typed))
    }
}
