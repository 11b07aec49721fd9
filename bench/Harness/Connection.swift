// Connection: a blocking connection of the harness's own, by TCP or TLS, for what no load generator
// does.

internal import Glibc

/// A connection to a port of 127.0.0.1. One task at a time; the holder closes it.
struct Connection: Sendable {
    let descriptor: Int32
    /// What it speaks TLS by; nil: it does not.
    private var channel: SecureChannel?

    /// Nil when it is refused, or TLS can't be agreed on. By TLS it asks for `name`; nil: for none;
    /// and offers HTTP/2 if it `speaksHTTP2`.
    init?(
        to port: UInt16, isSecure: Bool = false, for name: String? = nil, speaksHTTP2: Bool = false
    ) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var on: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(4))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
            // Every socket address begins with the members of `sockaddr`; the length says which.
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            Glibc.close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        guard isSecure else { return }
        let channel = SecureChannel(descriptor, for: name, speaksHTTP2: speaksHTTP2)
        guard channel.connect() == .done(0) else {
            Glibc.close(descriptor)
            return nil
        }
        self.channel = channel
    }

    func close() {
        Glibc.close(descriptor)
    }

    /// Closes it with a reset. Its port is free at once, and not after a minute: there are fewer
    /// ports than thousands of connections to each of many proxies in turn need.
    func reset() {
        var limit = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &limit, socklen_t(MemoryLayout<linger>.size))
        Glibc.close(descriptor)
    }

    /// Sends all of a small request; false when the connection is broken.
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Sends a few bytes; false when the connection is broken.
    func send(_ bytes: [UInt8]) -> Bool {
        if let channel { return channel.send(bytes) == .done(bytes.count) }
        // The array lives across the call.
        return unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Receives into `chunk`: how many bytes; 0 at the end, negative when it is broken. Of TLS one
    /// record, for which there has to be room: what is left of it would not wake who polls.
    func receive(into chunk: inout [UInt8]) -> Int {
        if let channel {
            return switch channel.receive(into: &chunk) {
            case .done(let count): count
            case .ended: 0
            case .needsInput, .failed: -1
            }
        }
        // The kernel writes at most `count` bytes into the array, which lives across the call.
        return unsafe recv(descriptor, &chunk, chunk.count, 0)
    }

    /// Everything up to the end of the connection, at most 1 MiB of it.
    func receiveToEnd() -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while all.count < 1 << 20 {
            let count = receive(into: &chunk)
            guard count > 0 else { break }
            all += chunk[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }
}
