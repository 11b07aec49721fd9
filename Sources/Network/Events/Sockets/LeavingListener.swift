// LeavingListener: how a listening socket goes while others still listen on its address. The kernel
// gives each new connection to one of them (SO_REUSEPORT), and when that one is closed it resets
// what has not been accepted, and whose handshake is under way. However quickly one closes after
// the last accept(), some connection comes in between. So the socket first takes no new handshakes:
// their clients ask again after a second (RFC 6298, section 2), and are given to those that stay.
// What had begun before is accepted meanwhile.

internal import CLinux
internal import Glibc

extension Descriptor {
    /// How long a handshake that has begun may take: most round trips, and far less than the
    /// second after which clients ask again.
    package static let handshakeNanoseconds: UInt64 = 100_000_000

    /// Drops each SYN that is for this listening socket from now on. Handshakes that have begun go
    /// on; accept what they lead to for `handshakeNanoseconds`, then close. False when the kernel
    /// has none of it. Any thread.
    package func dropNewHandshakes() -> Bool {
        // bpf(4), the classic form; it sees the TCP header. Its flags are byte 13 (RFC 9293, 3.1),
        // of which SYN is 0x02 and ACK is 0x10: a SYN alone is cut to no bytes, all else is kept
        // whole.
        let load = UInt16(BPF_LD | BPF_B | BPF_ABS)
        let mask = UInt16(BPF_ALU | BPF_AND | BPF_K)
        let compare = UInt16(BPF_JMP | BPF_JEQ | BPF_K)
        let end = UInt16(BPF_RET | BPF_K)
        var program = [
            sock_filter(code: load, jt: 0, jf: 0, k: 13),
            sock_filter(code: mask, jt: 0, jf: 0, k: 0x12),
            sock_filter(code: compare, jt: 0, jf: 1, k: 0x02),
            sock_filter(code: end, jt: 0, jf: 0, k: 0),
            sock_filter(code: end, jt: 0, jf: 0, k: .max),
        ]
        // The kernel copies the program before setsockopt returns.
        return unsafe program.withUnsafeMutableBufferPointer { buffer in
            var whole = unsafe sock_fprog(len: UInt16(buffer.count), filter: buffer.baseAddress)
            return unsafe setsockopt(
                number, SOL_SOCKET, SO_ATTACH_FILTER, &whole,
                socklen_t(MemoryLayout<sock_fprog>.size)) == 0
        }
    }

    /// Whether the kernel gives what waits at a socket that is closed to others on its address by
    /// itself (net.ipv4.tcp_migrate_req, Linux 5.14). Reads a file: not for a worker's thread.
    package static var kernelMovesConnections: Bool {
        // A constant path.
        let file = unsafe open("/proc/sys/net/ipv4/tcp_migrate_req", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { _ = Glibc.close(file) }
        var first: UInt8 = 0
        // One byte, into a variable of one byte.
        return unsafe read(file, &first, 1) == 1 && first == UInt8(ascii: "1")
    }
}
