// Ports that nobody listens on. They are taken from below the kernel's ephemeral range (32768 and
// up), so that no outgoing connection can take one between its choice and its use.

internal import Glibc
internal import Synchronization

/// Ports of 127.0.0.1 for servers under test.
enum FreePort {
    private static let range = 20_000..<32_000
    /// Begins at a different place in each process, so that two test runs rarely meet.
    private static let next = Atomic(Int(getpid()) &* 97)

    /// A port that is free for TCP and for UDP (a DNS server needs both) and that no earlier call
    /// in this process has returned, the last few thousand aside.
    static func take() throws -> UInt16 {
        for _ in range {
            let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
            let port = UInt16(range.lowerBound + abs(turn % range.count))
            if isFree(port, SOCK_STREAM), isFree(port, SOCK_DGRAM) { return port }
        }
        throw FlowError("no port of \(range) is free on 127.0.0.1")
    }

    private static func isFree(_ port: UInt16, _ kind: __socket_type) -> Bool {
        let descriptor = socket(AF_INET, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return unsafe withLoopback(port) { address, length in
            unsafe bind(descriptor, address, length) == 0
        }
    }
}

/// Calls `body` with 127.0.0.1 and `port` as the socket calls want them.
func withLoopback<Result>(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
    return unsafe withUnsafePointer(to: &address) { pointer in
        // Every socket address begins with the members of `sockaddr`; the length says which it is.
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
