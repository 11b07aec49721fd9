// Wire: a blocking TCP connection, byte by byte as a test wants it: the client that does what no
// client should, and the backend's end.

internal import Endpoints
package import Events
internal import Glibc

/// How a connection ended.
package enum Ending: Equatable, Sendable {
    /// By the other side's last byte.
    case end
    /// By a reset: it was cut short.
    case reset
}

/// One connection on the loopback. One thread at a time.
package final class Wire: BlockingReader {
    private let descriptor: Descriptor
    private var isOpen = true
    /// Received, and not yet asked for.
    package var buffered: [UInt8] = []
    private var chunk = [UInt8](repeating: 0, count: 65_536)

    /// Connects; `receiveBytes` makes the kernel's buffer small, for one who reads slowly.
    package init(to port: UInt16, receiveBytes: Int32? = nil) throws {
        descriptor = try Socket.connectStream(to: Endpoint(.loopback, port))
        if let receiveBytes { set(SOL_SOCKET, SO_RCVBUF, receiveBytes) }
        var entry = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
        unsafe _ = poll(&entry, 1, Int32(safetyLimit.components.seconds) * 1000)
        // Nothing to close here: deinit runs even so.
        if let error = descriptor.connectError() { throw error }
        becomeBlocking()
    }

    /// Takes over an accepted connection.
    package init(accepted: Descriptor) {
        descriptor = accepted
        becomeBlocking()
    }

    deinit {
        close()
    }

    private func becomeBlocking() {
        _ = fcntl(descriptor.number, F_SETFL, 0)
        // A timeval, which is two of them; its own name belongs to whichever C module was read
        // first.
        var limit = [Int(safetyLimit.components.seconds), 0]
        let size = socklen_t(2 * MemoryLayout<Int>.stride)
        unsafe _ = setsockopt(descriptor.number, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        unsafe _ = setsockopt(descriptor.number, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    private func set(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        unsafe _ = setsockopt(descriptor.number, level, name, &value, 4)
    }

    // MARK: - Ending

    /// Closes it; harmless when repeated.
    package func close() {
        guard isOpen else { return }
        isOpen = false
        descriptor.close()
    }

    /// Closes it with RST.
    package func reset() {
        descriptor.resetOnClose()
        close()
    }

    /// Says that nothing more will be sent, and keeps receiving.
    package func endSending() {
        descriptor.shutdownWriting()
    }

    /// Makes this end's host vanish: its kernel drops what comes in, unseen and unacknowledged, and
    /// this end must send nothing more.
    package func vanish() {
        // A filter of one instruction: keep 0 bytes (sock_filter: code 6, BPF_RET | BPF_K, and k
        // 0).
        var instruction: UInt64 = 6
        // The kernel copies the program during the call; sock_fprog is a length and a pointer.
        unsafe withUnsafeMutablePointer(to: &instruction) { instruction in
            var program = (UInt(1), UInt(bitPattern: instruction))
            unsafe _ = setsockopt(descriptor.number, SOL_SOCKET, SO_ATTACH_FILTER, &program, 16)
        }
    }

    /// A second hold on the same connection, for another thread to send by. Close both.
    package func sender() -> Sender { Sender(Descriptor(number: dup(descriptor.number))) }

    // MARK: - Sending

    /// Sends all of it.
    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            // The array lives across the call.
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestSupportError.system("send") }
            sent += count
        }
    }

    /// Sends all of it.
    package func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    // MARK: - Receiving

    /// Whether something has come, or the end.
    package var hasInput: Bool {
        var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) > 0
    }

    /// What has arrived, at least one byte; empty when the other side has ended.
    package func receive() throws -> [UInt8] {
        if !buffered.isEmpty {
            defer { buffered = [] }
            return buffered
        }
        // The kernel writes at most `count` bytes into the array, which lives across the call.
        var count: Int
        // A process that was stopped and goes on is interrupted: a call with a time-out then ends
        // (signal(7)).
        repeat {
            count = unsafe recv(descriptor.number, &chunk, chunk.count, 0)
        } while count < 0 && errno == EINTR
        guard count >= 0 else {
            throw errno == ECONNRESET ? Errno.connectionReset : Errno.current
        }
        return Array(chunk[..<count])
    }

    /// Everything up to the end, and which end that was.
    package func receiveToEnd() throws -> (bytes: [UInt8], ending: Ending) {
        var all: [UInt8] = []
        do {
            while true {
                let more = try receive()
                if more.isEmpty { return (all, .end) }
                all += more
            }
        } catch let error as Errno where error == .connectionReset {
            return (all, .reset)
        }
    }

    /// Sends back what comes, up to the other side's end.
    package func echo() throws {
        while true {
            let more = try receive()
            if more.isEmpty { return }
            try send(more)
        }
    }

    /// Reads bytes of `Pattern` from `offset` on, and says at what offset they ended: `total`, or
    /// where the stream ended or left the pattern.
    package func receivePattern(from start: Int = 0, to total: Int) throws -> Int {
        var offset = start
        while offset < total {
            let more = try receive()
            let expected = min(more.count, total - offset)
            guard expected > 0, Pattern.matches(more, from: offset, count: expected) else { break }
            offset += expected
            if expected < more.count { buffered = Array(more[expected...]) }
        }
        return offset
    }

    /// Sends bytes of `Pattern` from offset 0 to `total`.
    package func sendPattern(to total: Int) throws {
        var offset = 0
        while offset < total {
            let count = min(Pattern.period, total - offset)
            try send(Pattern.bytes(from: offset, count: count))
            offset += count
        }
    }
}

/// The sending side of a wire, for a thread of its own.
package final class Sender: Sendable {
    private let descriptor: Descriptor

    fileprivate init(_ descriptor: Descriptor) {
        self.descriptor = descriptor
    }

    deinit {
        descriptor.close()
    }

    /// Sends bytes of `Pattern` from offset 0 to `total`.
    package func sendPattern(to total: Int) throws {
        // A wire would close the descriptor, which stays this object's.
        try Wire(accepted: Descriptor(number: dup(descriptor.number))).sendPattern(to: total)
    }

    /// Sends all of it.
    package func send(_ text: String) throws {
        try Wire(accepted: Descriptor(number: dup(descriptor.number))).send(text)
    }

    /// Says that nothing more will be sent.
    package func endSending() {
        descriptor.shutdownWriting()
    }
}

/// A stream in which a byte lost, doubled or swapped shows: its period is a prime.
package enum Pattern {
    /// Bytes after which it repeats.
    package static let period = 65_521
    private static let twice: [UInt8] = (0..<2 * period).map { index in
        let place = index % period
        return UInt8(truncatingIfNeeded: place &* 167 >> 3)
    }

    /// `count` bytes, at most a period, of the stream.
    package static func bytes(from offset: Int, count: Int) -> [UInt8] {
        Array(twice[offset % period..<offset % period + count])
    }

    /// Whether the first `count` of `bytes` are those of the stream from `offset` on.
    package static func matches(_ bytes: [UInt8], from offset: Int, count: Int) -> Bool {
        var done = 0
        while done < count {
            let step: Int = min(period, count - done)
            let start: Int = (offset + done) % period
            // Both arrays live across the call, and hold `step` bytes from where they are compared.
            let isSame = unsafe bytes.withUnsafeBytes { left in
                unsafe twice.withUnsafeBytes { right in
                    guard let left = left.baseAddress, let right = right.baseAddress else {
                        return false
                    }
                    return unsafe memcmp(left + done, right + start, step) == 0
                }
            }
            guard isSame else { return false }
            done += step
        }
        return true
    }
}
