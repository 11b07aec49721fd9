// FloodLoad: handshakes of TLS that are begun and left, as an attacker does it: each costs the
// server its public keys, and the client next to nothing.

internal import BenchSupport
internal import Glibc

/// Sends the same hello on `connections` at once until `end`, by `monotonic`, and resets each as
/// soon as it is answered; returns how many were. Blocks the thread.
func floodHandshakes(_ port: UInt16, connections: Int, until end: UInt64) throws -> Int {
    let hello = SecureChannel.hello()
    func begin() throws -> Connection {
        guard let connection = Connection(to: port), connection.send(hello) else {
            throw BenchError("the proxy does not accept")
        }
        return connection
    }
    var open: [Connection] = []
    defer { for connection in open { connection.reset() } }
    for _ in 0..<connections { try open.append(begin()) }
    var entries = open.map {
        pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
    }
    var answered = 0
    while monotonic() < end {
        // The kernel writes into the array's records, which live across the call.
        guard unsafe poll(&entries, nfds_t(entries.count), 5_000) > 0 else {
            throw BenchError("nothing came for 5 s")
        }
        for index in entries.indices where entries[index].revents != 0 {
            answered += 1
            open[index].reset()
            open[index] = try begin()
            entries[index].fd = open[index].descriptor
        }
    }
    return answered
}
