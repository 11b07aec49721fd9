// WholeFile: files that are there as a whole or not at all, for every reader at any moment.

internal import Glibc

/// Writes files. Any thread.
package enum WholeFile {
    /// Writes `bytes` beside `path`, has the disk take them, and puts them in its place. For the
    /// owner alone to read. Nil when that is done, else why not, with the path.
    package static func write(_ bytes: [UInt8], to path: String) -> String? {
        // A name of its own for each process: two may share a folder.
        let part = "\(path).\(getpid()).new"
        let descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return reason(part) }
        var rest = bytes[...]
        while !rest.isEmpty {
            // The kernel reads as many bytes as the slice has.
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 || errno == EINTR else {
                let failure = reason(part)
                _ = close(descriptor)
                _ = unsafe unlink(part)
                return failure
            }
            if count > 0 { rest = rest.dropFirst(count) }
        }
        // Else a machine that crashes could have the new name and none of the bytes.
        _ = fsync(descriptor)
        _ = close(descriptor)
        return unsafe rename(part, path) == 0 ? nil : reason(path)
    }

    /// Why the system call about `path` that has just failed did so, on this thread, as
    /// `PATH: No such file or directory`.
    package static func reason(_ path: String) -> String {
        // glibc's strerror never returns null and, since 2.32, is safe to call from any thread.
        unsafe "\(path): \(String(cString: strerror(errno)))"
    }
}
