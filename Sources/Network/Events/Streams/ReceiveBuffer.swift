// ReceiveBuffer: the memory that recv writes to. One serves all connections of a loop, so that an
// idle connection owns none.

internal import Glibc

/// A fixed piece of memory to receive into. Loop thread only.
///
/// `public` for the reason that `EventLoop` is.
@safe public final class ReceiveBuffer {
    @usableFromInline let base: UnsafeMutableRawPointer
    /// Its size in bytes.
    @usableFromInline package let capacity: Int

    /// A buffer of `capacity` bytes (at least 1). 64 KiB halve the cost of bulk against 16 KiB.
    package init(capacity: Int = 65536) {
        precondition(capacity > 0)
        self.capacity = capacity
        // Zeroed, so that no byte of it is ever uninitialised; freed in deinit.
        unsafe base = .allocate(byteCount: capacity, alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: capacity)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// Puts what `write` appends in the place of what was there, and returns how many bytes that
    /// is; there is room for `capacity` bytes.
    package func fill(_ write: (inout OutputSpan<UInt8>) -> Void) -> Int {
        // All of the memory, which outlives the call; `finalize` says how much was written.
        let room = unsafe UnsafeMutableBufferPointer(
            start: base.assumingMemoryBound(to: UInt8.self), count: capacity)
        var out = unsafe OutputSpan(buffer: room, initializedCount: 0)
        write(&out)
        return unsafe out.finalize(for: room)
    }

    /// Passes the first `count` bytes, as the last receive left them, to `body`. Inlinable, since a
    /// closure that crosses a module unspecialised costs more than most of what is done in it.
    @inlinable package func withBytes<R>(_ count: Int, _ body: (Span<UInt8>) -> R) -> R {
        precondition(count <= capacity)
        // The memory is initialised, and lives as long as the call, during which `self` does.
        let buffer = unsafe UnsafeBufferPointer(
            start: base.assumingMemoryBound(to: UInt8.self), count: count)
        return unsafe body(buffer.span)
    }
}
