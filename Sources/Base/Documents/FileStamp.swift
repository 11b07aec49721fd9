// FileStamp: whether a file is still the one that was read.

internal import Glibc

/// What tells two states of a file apart. Value type, any thread.
package struct FileStamp: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let bytes: Int64
    private let seconds: Int
    private let nanoseconds: Int

    /// The stamp of the file at `path`, links followed; nil when there is none. One system call.
    package init?(path: String) {
        var status = stat()
        // The kernel fills the record, or says that it did not.
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}
