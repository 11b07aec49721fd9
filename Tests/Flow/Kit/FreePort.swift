// Ports that nobody listens on. They are taken from below the kernel's ephemeral range (32768 and
// up), so that no outgoing connection can take one between its choice and its use; and each test
// run has its own, so that no other run can.

internal import Glibc
internal import Synchronization

/// Ports of 127.0.0.1 for servers under test.
enum FreePort {
    private static let range = 20_000..<32_000
    private static let blocks = Mutex(Blocks())

    /// The parts of the range that are this process's. Each is a byte of one file, locked until the
    /// process ends: names of sockets would do as well, but not for a thread in another network.
    private struct Blocks: ~Copyable {
        static let size = 500
        /// The most that one process has, so that several find room.
        static let countMax = 6

        /// Nil where the file is another user's: runs of both may meet, and begin apart.
        private let file: Int32?
        /// Their numbers in the range.
        private var own: [Int] = []
        /// How many ports have been given out of them.
        private var turn = 0

        init() {
            let path = "/tmp/fairlead-test-ports"
            let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
            file = descriptor >= 0 ? descriptor : nil
        }

        /// The next port, free or not.
        mutating func next() -> UInt16 {
            if turn == own.count * Self.size {
                if own.count == Self.countMax || !lockAnother() { turn = 0 }
            }
            defer { turn += 1 }
            let first = own[turn / Self.size] * Self.size
            return UInt16(FreePort.range.lowerBound + first + turn % Self.size)
        }

        /// False when the other runs have all that is left; the first block is always had.
        private mutating func lockAnother() -> Bool {
            let count = FreePort.range.count / Self.size
            let start = Int(getpid()) % count
            for number in (0..<count).map({ (start + $0) % count }) where !own.contains(number) {
                var lock = flock()
                (lock.l_type, lock.l_whence) = (Int16(F_WRLCK), Int16(SEEK_SET))
                (lock.l_start, lock.l_len) = (number, 1)
                // The lock is read within the call.
                if let file, unsafe fcntl(file, F_SETLK, &lock) != 0 { continue }
                own.append(number)
                return true
            }
            if own.isEmpty { own.append(start) }
            return false
        }
    }

    /// A port that is free for TCP and for UDP (a DNS server needs both) and that no earlier call
    /// in this process has returned, the last few thousand aside.
    static func take() throws -> UInt16 {
        for _ in range {
            let port = blocks.withLock { $0.next() }
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
