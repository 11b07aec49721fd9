// AccessLog: where the lines of all workers go, and the thread that writes them.
//
// A worker formats into a buffer of its own. Once that is full, or old, it is exchanged for an
// empty one, so that a line costs no lock and no system call. Only the writer's thread waits for a
// disk or a pipe. If that is too slow the buffers run out, and lines are dropped and counted: the
// log never stops a worker.

internal import CLinux
package import Events
internal import Glibc
internal import Locking
internal import Stats
package import Traffic

/// An access log. Any thread, unless a member says otherwise.
package final class AccessLog: Sendable {
    /// Where lines go.
    package enum Destination: Equatable, Sendable {
        /// The program's standard output, which its own log may use as well; their lines never mix.
        case standardOutput
        /// A file that is appended to, or a named pipe.
        case file(String)
    }

    /// State shared with the writer's thread.
    private struct Shared {
        /// Buffers to be written, the oldest first.
        var full: [[UInt8]] = []
        var free: [[UInt8]] = []
        /// The file to use from now on; nil: no change.
        var reopened: Descriptor?
        var isStopping = false
    }

    /// What the lines look like.
    package let format: AccessLogFormat
    private let destination: Destination
    private let shared: Locked<Shared>
    private let wakeup: Descriptor
    /// Readable once everything is written and the thread is ending.
    private let finished: Descriptor
    /// The writer's thread; nil once it was stopped.
    private let thread = Locked<LoopThread?>(nil)
    private let counters = Counters()

    /// The size of a buffer in bytes, many times that of the longest line.
    static let bufferBytes = 65_536
    /// Buffers for each worker: half a MiB of lines before any is dropped.
    private static let buffersPerWorker = 8

    /// What the writer has counted. Only the writer's thread adds to them.
    private final class Counters: Sendable {
        let writeErrors = Counter()
        let lostLines = Counter()
    }

    /// Opens `destination` for the lines of so many workers and starts the writer.
    ///
    /// - Throws: `Errno` when the file can't be opened, or there is no thread or descriptor left.
    package init(
        _ destination: Destination, _ format: AccessLogFormat, workers: Int
    ) throws(Errno) {
        self.destination = destination
        self.format = format
        var buffers: [[UInt8]] = []
        for _ in 0..<workers * Self.buffersPerWorker {
            var buffer: [UInt8] = []
            buffer.reserveCapacity(Self.bufferBytes)
            buffers.append(buffer)
        }
        var shared = Shared(free: buffers)
        shared.full.reserveCapacity(buffers.count + workers)
        self.shared = Locked(shared)
        let output = try Self.open(destination)
        do throws(Errno) {
            wakeup = try Self.makeEvent()
        } catch {
            if destination != .standardOutput { output.close() }
            throw error
        }
        do throws(Errno) {
            finished = try Self.makeEvent()
        } catch {
            wakeup.close()
            if destination != .standardOutput { output.close() }
            throw error
        }
        // The thread keeps the object until it has written everything.
        let started = try LoopThread(name: "access-log") { self.run(output) }
        thread.withLock { $0 = started }
    }

    deinit {
        wakeup.close()
        finished.close()
    }

    private static func makeEvent() throws(Errno) -> Descriptor {
        let number = eventfd(0, Int32(EFD_CLOEXEC))
        guard number >= 0 else { throw .current }
        return Descriptor(number: number)
    }

    private static func open(_ destination: Destination) throws(Errno) -> Descriptor {
        guard case .file(let path) = destination else {
            return Descriptor(number: STDOUT_FILENO)
        }
        // Non-blocking, since opening a pipe would wait for a reader.
        let number = unsafe Glibc.open(
            path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
        guard number >= 0 else { throw .current }
        return Descriptor(number: number)
    }

    // MARK: - Control thread

    /// Opens the file again, after it was renamed. No line is lost; those that were handed over
    /// before may still go to the old file.
    ///
    /// - Throws: `Errno` when it can't be opened; the old file stays in use then.
    package func reopen() throws(Errno) {
        guard destination != .standardOutput else { return }
        let output = try Self.open(destination)
        let unused = shared.withLock { shared in
            defer { shared.reopened = output }
            return shared.reopened
        }
        unused?.close()
        wake()
    }

    /// Writes what was handed over and ends the thread; waits for that for at most `limit`. Call it
    /// when the workers have ended.
    package func stop(within limit: Duration) {
        shared.withLock { $0.isStopping = true }
        wake()
        let milliseconds = limit.components.seconds * 1000
        var entry = pollfd(fd: finished.number, events: Int16(POLLIN), revents: 0)
        // The kernel writes one record. A reader that takes nothing gets no more time.
        let isFinished = unsafe poll(&entry, 1, Int32(clamping: milliseconds)) > 0
        let ending = thread.withLock { $0.take() }
        if isFinished { ending?.join() } else { ending?.detach() }
    }

    /// How often a write failed.
    package var writeErrors: Int { counters.writeErrors.current }
    /// Lines lost to failed writes.
    package var lostLines: Int { counters.lostLines.current }

    // MARK: - Workers

    /// Exchanges a full buffer for an empty one. False when there is none: the lines stay in
    /// `buffer`.
    func exchange(_ buffer: inout [UInt8]) -> Bool {
        let isTaken = shared.withLock { shared in
            guard let empty = shared.free.popLast() else { return false }
            shared.full.append(buffer)
            buffer = empty
            return true
        }
        if isTaken { wake() }
        return isTaken
    }

    /// Adds a worker's last buffer.
    func append(last buffer: consuming [UInt8]) {
        let last = buffer
        shared.withLock { $0.full.append(last) }
        wake()
    }

    private func wake() {
        _ = eventfd_write(wakeup.number, 1)
    }

    // MARK: - The writer's thread

    private func run(_ first: Descriptor) {
        var output = first
        while true {
            var count: eventfd_t = 0
            unsafe _ = eventfd_read(wakeup.number, &count)
            var isStopping = false
            while true {
                var chunk: [UInt8]?
                var reopened: Descriptor?
                shared.withLock { shared in
                    isStopping = shared.isStopping
                    reopened = shared.reopened
                    shared.reopened = nil
                    if !shared.full.isEmpty { chunk = shared.full.removeFirst() }
                }
                if let reopened {
                    output.close()
                    output = reopened
                }
                guard var chunk else { break }
                write(chunk, to: output)
                chunk.removeAll(keepingCapacity: true)
                let empty = chunk
                shared.withLock { $0.free.append(empty) }
            }
            if isStopping { break }
        }
        if destination != .standardOutput { output.close() }
        _ = eventfd_write(finished.number, 1)
    }

    private func write(_ chunk: [UInt8], to output: Descriptor) {
        let isShared = destination == .standardOutput
        var start = 0
        while start < chunk.count {
            let end = isShared ? Self.endOfLines(chunk, from: start) : chunk.count
            let error: Errno?
            if isShared {
                error = StandardOutput.writeWaiting(chunk.span.extracting(start..<end))
            } else {
                error = output.writeAll(chunk.span.extracting(start..<end))
            }
            if error != nil {
                // In this order, so that a reader who sees the error sees what it cost.
                counters.lostLines.add(chunk[start...].count { $0 == 0x0A })
                counters.writeErrors.add()
                return
            }
            start = end
        }
    }

    /// The end of the whole lines from `start` on that fit into what a pipe takes at once.
    private static func endOfLines(_ chunk: [UInt8], from start: Int) -> Int {
        guard chunk.count - start > AccessLogFormat.lineMax else { return chunk.count }
        let window = chunk[start..<start + AccessLogFormat.lineMax]
        return (window.lastIndex(of: 0x0A) ?? window.endIndex - 1) + 1
    }
}
