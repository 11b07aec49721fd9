// FreeMemory: what malloc has free and the kernel could have.

internal import CLinux

/// Any thread.
package enum FreeMemory {
    /// Gives the kernel the whole pages that are free in malloc's heaps, those of all threads.
    /// malloc itself gives back the end of a heap alone: a few blocks that live on there keep all
    /// that a crowd has needed. Takes 0.1 ms for each megabyte, in which a thread that needs more
    /// from the same heap waits.
    package static func release() {
        // Whether there was any does not matter.
        _ = malloc_trim(0)
    }
}
