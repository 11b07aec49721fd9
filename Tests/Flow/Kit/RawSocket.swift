// A blocking TCP connection, byte by byte as the test wants it. Both ends of a flow use it: the
// client that sends what no client should, and the scripted backend behind the proxy.

internal import Glibc
internal import TestSupport

/// One TCP connection on 127.0.0.1. Used by one thread at a time. Every wait ends at the safety
/// limit.
final class RawSocket: BlockingReader {
    private let descriptor: Int32
    /// Received, and not yet asked for.
    var buffered: [UInt8] = []

    /// Connects to 127.0.0.1.
    /// - Throws: `FlowError` when refused.
    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw FlowError.system("socket") }
        setOptions()
        guard unsafe withLoopback(port, { unsafe connect(descriptor, $0, $1) }) == 0 else {
            // Every member has its value: `deinit` runs, and closes it. Closed here as well, its
            // number may be another thread's by then.
            throw FlowError.system("connect to 127.0.0.1:\(port)")
        }
    }

    /// Takes over an accepted connection.
    init(accepted descriptor: Int32) {
        self.descriptor = descriptor
        setOptions()
    }

    deinit {
        close(descriptor)
    }

    private func setOptions() {
        var limit = timeval(tv_sec: Int(safetyLimit.components.seconds), tv_usec: 0)
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(4))
    }

    /// Sends all of it.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw FlowError.system("send") }
            sent += count
        }
    }

    /// Sends all of it.
    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// Says that nothing more will be sent, and keeps receiving.
    func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// What has arrived, at least one byte; empty when the other side has ended.
    func receive() throws -> [UInt8] {
        if !buffered.isEmpty {
            defer { buffered = [] }
            return buffered
        }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
        guard count >= 0 else { throw FlowError.system("receive") }
        return Array(chunk[..<count])
    }

    /// Whether there is something to receive, the end among it, within so many milliseconds.
    func hasMore(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if !buffered.isEmpty { return true }
        return unsafe poll(&entry, 1, milliseconds) > 0
    }

    /// Everything up to the other side's end.
    func receiveToEnd() throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let more = try receive()
            if more.isEmpty { return all }
            all += more
        }
    }
}
