// StandardOutput: the access log may go to standard output, and the program's own log goes to
// standard error. In many containers both are one pipe, and a line of one must not stand inside a
// line of the other. A pipe takes up to PIPE_BUF (4096) bytes at once or not at all; so both write
// whole lines of no more than that, and only when there is room.

internal import Events
internal import Glibc
internal import Locking

/// The process' standard output, and its standard error. Any thread.
package enum StandardOutput {
    /// Held from the test for room to the write, so that no other write comes between.
    private static let turn = Locked(())

    /// What became of a write.
    package enum Outcome: Equatable, Sendable {
        /// Everything was written.
        case written
        /// There is no room now.
        case full
        /// The output can't be written at all.
        case failed(Int32)
    }

    /// Writes `lines`, whole lines of at most 4096 bytes, if there is room for them; to standard
    /// error with `toError`.
    package static func write(_ lines: Span<UInt8>, toError: Bool = false) -> Outcome {
        let number = toError ? STDERR_FILENO : STDOUT_FILENO
        return turn.withLock { _ in
            guard isReady(number, waiting: 0) else { return .full }
            // The span keeps the bytes alive during the call.
            let count = unsafe lines.withUnsafeBufferPointer {
                unsafe Glibc.write(number, $0.baseAddress, $0.count)
            }
            if count == lines.count { return .written }
            if count < 0, errno == EAGAIN || errno == EINTR { return .full }
            return .failed(count < 0 ? errno : ENOSPC)
        }
    }

    /// Writes `lines` to standard output, and waits for room. Nil means success.
    static func writeWaiting(_ lines: Span<UInt8>) -> Errno? {
        while true {
            switch write(lines) {
            case .written: return nil
            case .full: _ = isReady(STDOUT_FILENO, waiting: -1)
            case .failed(let number): return Errno(rawValue: number)
            }
        }
    }

    private static func isReady(_ number: Int32, waiting milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        // The kernel writes one record.
        return unsafe poll(&entry, 1, milliseconds) == 1 && entry.revents & Int16(POLLOUT) != 0
    }
}

extension Descriptor {
    /// Writes all of `bytes`, and waits for room. Nil means success.
    func writeAll(_ bytes: Span<UInt8>) -> Errno? {
        var start = 0
        while start < bytes.count {
            let rest = bytes.extracting(start..<bytes.count)
            // The span keeps the bytes alive during the call.
            let count = unsafe rest.withUnsafeBufferPointer {
                unsafe Glibc.write(number, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                start += count
            } else if errno == EAGAIN {
                var entry = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                unsafe _ = poll(&entry, 1, -1)
            } else if errno != EINTR {
                return Errno(rawValue: errno)
            }
        }
        return nil
    }
}
