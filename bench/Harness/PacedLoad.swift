// PacedLoad: requests at fixed times, whatever becomes of those before, and the time of each
// counted from when it was due: a proxy that stalls is charged for those who waited (no coordinated
// omission).

internal import BenchSupport
internal import CPolling
internal import Glibc

/// What came of paced requests.
struct Pace: Sendable {
    /// Microseconds from due to answered, in order of size.
    var latencies: [Double]

    /// The latency that `share` of the requests stay below.
    func percentile(_ share: Double) -> Double {
        latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
    }
}

/// Sends `rate` requests a second for `seconds`, on as many of `connections` as are busy.
/// Blocks the thread.
func paced(_ running: Running, rate: Int, connections: Int, seconds: Double) throws -> Pace {
    let request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
    var clients: [PacedClient] = []
    defer { for client in clients { client.connection.close() } }
    for _ in 0..<connections {
        guard let connection = running.connect() else {
            throw BenchError("the proxy does not accept")
        }
        clients.append(PacedClient(connection: connection))
        // What a server of TLS sends by itself, its tickets, comes before the first answer.
        try clients[clients.count - 1].askOnce(request)
    }
    // The kernel may else be 50 µs late with every wake-up (prctl(2), PR_SET_TIMERSLACK).
    set_timer_slack(1)
    var entries = clients.map {
        pollfd(fd: $0.connection.descriptor, events: Int16(POLLIN), revents: 0)
    }
    var free = Array(clients.indices)
    var chunk = [UInt8](repeating: 0, count: 65_536)
    var latencies: [Double] = []
    let total = Int(Double(rate) * seconds)
    let interval = 1_000_000_000 / UInt64(rate)
    var (due, sent) = (monotonic() + interval, 0)
    while latencies.count < total {
        var now = monotonic()
        while sent < total, due <= now, let index = free.popLast() {
            clients[index].due = due
            guard clients[index].connection.send(request) else {
                throw BenchError("a connection was not kept")
            }
            sent += 1
            due += interval
            now = monotonic()
        }
        let wait = sent < total && due > now ? due - now : sent < total ? 0 : 5_000_000_000
        // With no connection free, only an answer can change that.
        let limit = free.isEmpty ? 5_000_000_000 : wait
        var time = timespec(tv_sec: Int(limit / 1_000_000_000), tv_nsec: Int(limit % 1_000_000_000))
        // The kernel writes into the array's records, which live across the call.
        let ready = unsafe ppoll(&entries, nfds_t(entries.count), &time, nil)
        guard ready > 0 else {
            if limit >= 5_000_000_000 { throw BenchError("nothing came for 5 s") }
            continue
        }
        for index in entries.indices where entries[index].revents != 0 {
            let count = clients[index].connection.receive(into: &chunk)
            guard count > 0 else { throw BenchError("a connection was not kept") }
            guard try clients[index].take(chunk[..<count]) else { continue }
            latencies.append(Double(monotonic() - clients[index].due) / 1_000)
            free.append(index)
        }
    }
    return Pace(latencies: latencies.sorted())
}

/// One connection of a paced load.
private struct PacedClient {
    let connection: Connection
    var due: UInt64 = 0
    private var received: [UInt8] = []

    init(connection: Connection) { self.connection = connection }

    /// Makes one request, and waits for its answer.
    mutating func askOnce(_ request: String) throws {
        guard connection.send(request) else { throw BenchError("a connection was not kept") }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = connection.receive(into: &chunk)
            guard count > 0 else { throw BenchError("a connection was not kept") }
            if try take(chunk[..<count]) { return }
        }
    }

    /// Takes what came; true when the response is complete. All are alike: a status of 200 and a
    /// body that ends with the only line end not followed by a header, the origin's name.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws -> Bool {
        received += bytes
        guard
            received.suffix(BenchOrigin.name.utf8.count + 1).elementsEqual(
                Array("\(BenchOrigin.name)\n".utf8))
        else { return false }
        guard received.starts(with: Array("HTTP/1.1 200".utf8)) else {
            throw BenchError("a request failed: \(String(decoding: received, as: UTF8.self))")
        }
        received.removeAll(keepingCapacity: true)
        return true
    }
}
