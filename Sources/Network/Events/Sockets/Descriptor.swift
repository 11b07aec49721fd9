// Descriptor: the system calls on one open file descriptor, each wrapped once.
//
// A call that would block, the end of the stream and an error are three answers, and every caller
// has to tell them apart, so they are an enum and not a number with errno beside it.

internal import CLinux
internal import Glibc

/// What a read or write came to.
package enum IOResult: Equatable, Sendable {
    /// So many bytes were moved; at least one.
    case bytes(Int)
    /// Nothing now; wait for readiness.
    case wouldBlock
    /// The peer has sent all it will send. Reads only.
    case endOfStream
    /// The connection is broken.
    case failed(Errno)
}

/// An open descriptor, always non-blocking and closed on exec. Does not close itself: its Channel
/// closes it, or its maker when no Channel took it over.
package struct Descriptor: Equatable, Sendable {
    /// The kernel's number.
    package let number: Int32

    /// Wraps `number`, which is open, non-blocking and closed on exec already.
    package init(number: Int32) {
        self.number = number
    }

    /// Closes it. An error of close(2) loses nothing that a proxy could still save.
    package func close() {
        _ = Glibc.close(number)
    }

    /// Receives into `buffer`, at most `limit` bytes (at least 1).
    @inline(__always)
    package func receive(into buffer: ReceiveBuffer, atMost limit: Int = .max) -> IOResult {
        let room = min(buffer.capacity, limit)
        while true {
            // At most `room` bytes are written to the buffer, which has as many or more.
            let count = unsafe recv_uncancelled(number, buffer.base, room, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .endOfStream }
            let error = Errno.current
            if error.rawValue == EINTR { continue }
            return error.isWouldBlock ? .wouldBlock : .failed(error)
        }
    }

    /// Whether nothing has come that was not received yet: no byte, no end and no error. Takes
    /// nothing away.
    package var isQuiet: Bool {
        var byte: UInt8 = 0
        // The kernel writes one byte at most, which lives across the call.
        guard unsafe recv_uncancelled(number, &byte, 1, Int32(MSG_PEEK)) < 0 else { return false }
        return Errno.current.isWouldBlock
    }

    /// Sends as much of `bytes`, which is not empty, as the kernel takes.
    package func send(_ bytes: Span<UInt8>) -> IOResult {
        // The span keeps the bytes alive during the call.
        unsafe bytes.withUnsafeBufferPointer { buffer in
            repeatUntilUninterrupted {
                unsafe send_uncancelled(
                    number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    /// Sends as much of `first` followed by `second`, together not empty, as the kernel takes, in
    /// one call.
    package func send(_ first: Span<UInt8>, _ second: Span<UInt8>) -> IOResult {
        // Both spans keep their bytes alive during the call; sendmsg writes to neither.
        unsafe first.withUnsafeBufferPointer { first in
            unsafe second.withUnsafeBufferPointer { second in
                var parts = unsafe (
                    iovec(iov_base: .init(mutating: first.baseAddress), iov_len: first.count),
                    iovec(iov_base: .init(mutating: second.baseAddress), iov_len: second.count)
                )
                return unsafe withUnsafeMutablePointer(to: &parts) { parts in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = UnsafeMutableRawPointer(parts).assumingMemoryBound(
                        to: iovec.self)
                    unsafe message.msg_iovlen = 2
                    return repeatUntilUninterrupted {
                        unsafe sendmsg(number, &message, Int32(MSG_NOSIGNAL))
                    }
                }
            }
        }
    }

    private func repeatUntilUninterrupted(_ call: () -> Int) -> IOResult {
        while true {
            let count = call()
            if count >= 0 { return .bytes(count) }
            let error = Errno.current
            if error.rawValue == EINTR { continue }
            return error.isWouldBlock ? .wouldBlock : .failed(error)
        }
    }

    /// Tells the peer that nothing more will be sent (TCP FIN); reading goes on.
    package func shutdownWriting() {
        _ = shutdown(number, Int32(SHUT_WR))
    }

    /// Bytes sent that the peer's kernel has not acknowledged, as far as this one knows, and one
    /// more for a FIN; 0 when the connection is gone.
    package var unacknowledgedCount: Int { Int(unacknowledged_bytes(number)) }

    /// Makes `close()` drop the connection with RST, so that the peer can tell a body cut short
    /// from one that ended.
    package func resetOnClose() {
        var value = linger(l_onoff: 1, l_linger: 0)
        unsafe _ = setsockopt(
            number, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// How a connect that was in progress has ended: nil is connected.
    package func connectError() -> Errno? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &value, &length) == 0 else {
            return .current
        }
        return value == 0 ? nil : Errno(rawValue: value)
    }

    /// Sets an integer socket option; an error is of no consequence to the caller.
    func setOption(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        unsafe _ = setsockopt(number, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

extension Errno {
    /// EAGAIN, by either name.
    var isWouldBlock: Bool { rawValue == EAGAIN || rawValue == EWOULDBLOCK }
}
