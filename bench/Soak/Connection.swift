// Connection: a socket that writes and reads at once, by a script's pace. What is unsafe in the
// soak is here, but for the bytes of Content.

internal import BenchSupport
internal import Glibc

/// One end of a connection. One thread only.
final class Connection {
    /// How an exchange of bytes ended.
    enum Ending: Equatable {
        /// What was waited for has come, and all is written.
        case done
        /// FIN from the peer.
        case ended
        /// RST, or another error.
        case broken
        /// Nothing moved for half a minute.
        case stalled
    }

    private static let stallMilliseconds: Int32 = 40_000
    private let descriptor: Int32
    /// Whether a write has failed.
    private(set) var isWriteBroken = false

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var on: Int32 = 1
        // The option is copied in the call, and so is every other one below.
        unsafe _ = setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    }

    /// Connects to a port of 127.0.0.1; nil when that fails.
    convenience init?(port: UInt16, receiveBuffer: Int32?) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        if var size = receiveBuffer {
            unsafe _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var address = loopback(port)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        self.init(descriptor)
    }

    deinit { Glibc.close(descriptor) }

    /// Ends with RST when it is destroyed.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        unsafe _ = setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    /// FIN; reading goes on.
    func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Waits for a moment, or until the connection has something to read.
    func isReadable(within milliseconds: Int32) -> Bool {
        var place = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&place, 1, milliseconds) > 0
    }

    /// Writes `output`, hands what comes to `onBytes`, both at `pace`, until `isDone` and, unless
    /// `needsAllWritten` is false, all is written; with `halfCloses`, FIN follows the output.
    func exchange(
        _ output: [UInt8], _ pace: Pace, halfCloses: Bool = false, needsAllWritten: Bool = true,
        isDone: () -> Bool, onBytes: ([UInt8]) throws(Fault) -> Void
    ) throws(Fault) -> Ending {
        var written = 0
        var pieces = 0
        var isOpen = true
        var pauseRead = pace.readPause
        let pauseEvery = pace.pauses > 0 ? max(1, output.count / (pace.pauses + 1)) : Int.max
        var pauseAt = pauseEvery
        var hasFinished = false
        while true {
            let wantsWrite = written < output.count && !isWriteBroken
            if !wantsWrite, halfCloses, !hasFinished {
                finishWriting()
                hasFinished = true
            }
            if isDone(), !needsAllWritten || !wantsWrite { return .done }
            if !isOpen, !wantsWrite || !halfCloses { return .ended }
            var place = pollfd(
                fd: descriptor, events: Int16((isOpen ? POLLIN : 0) | (wantsWrite ? POLLOUT : 0)),
                revents: 0)
            guard unsafe poll(&place, 1, Self.stallMilliseconds) > 0 else { return .stalled }
            let came = Int32(place.revents)
            if wantsWrite, came & POLLOUT != 0 {
                let size = pieces < 64 ? pace.pieceMax : max(pace.pieceMax, 1 << 16)
                pieces += 1
                let piece = min(size, output.count - written, pauseAt - written)
                written += write(output, from: written, count: piece)
                if written == pauseAt {
                    pauseAt += pauseEvery
                    _ = poll(nil, 0, pace.pauseMilliseconds)
                }
            }
            if isOpen, came & (POLLIN | POLLHUP | POLLERR) != 0 {
                guard let bytes = read(upTo: pace.readMax) else { return .broken }
                // The kernel tells of an RST once: a write may have had it.
                if bytes.isEmpty, isWriteBroken { return .broken }
                if bytes.isEmpty { isOpen = false } else { try onBytes(bytes) }
                if pauseRead > 0 {
                    _ = poll(nil, 0, pauseRead)
                    pauseRead = 0
                }
            }
        }
    }

    private func write(_ output: [UInt8], from start: Int, count: Int) -> Int {
        let (sent, error) = unsafe output[start..<start + count].withUnsafeBytes { bytes in
            let sent = unsafe send(
                descriptor, bytes.baseAddress, count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            return (sent, sent < 0 ? errno : 0)
        }
        if sent >= 0 { return sent }
        // Anything else passes: the next poll says when.
        if error == EPIPE || error == ECONNRESET { isWriteBroken = true }
        return 0
    }

    /// Empty at the end; nil when it broke.
    private func read(upTo count: Int) -> [UInt8]? {
        var result = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            result = unsafe recv(descriptor, buffer.baseAddress, count, 0)
            length = max(0, result)
        }
        return result < 0 ? nil : bytes
    }
}

/// A listening socket on a free port of 127.0.0.1.
struct Listener {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                unsafe bind(descriptor, place, length) == 0 && listen(descriptor, 4_096) == 0
                    && getsockname(descriptor, place, &length) == 0
            }
        }
        guard result else { throw BenchError("can't listen on 127.0.0.1: \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Blocks until there is one.
    func accept() -> Connection { Connection(Glibc.accept(descriptor, nil, nil)) }
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}
