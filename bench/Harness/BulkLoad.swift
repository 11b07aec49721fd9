// BulkLoad: downloads as fast as they come, 256 KiB at a time: wrk and h2load receive 8 KiB at a
// time, and would be what is measured.

internal import BenchSupport
internal import Glibc

/// Downloads `path`, of `size` bytes, again and again on `connections`, for `seconds`; returns how
/// many bytes of bodies came. Blocks the thread, which it moves to the load's processor.
func download(
    _ running: Running, _ path: String, size: UInt64, connections: Int, seconds: Double
) throws -> UInt64 {
    let request = "GET \(path) HTTP/1.1\r\nHost: bench\r\n\r\n"
    var downloads: [Download] = []
    defer { for download in downloads { download.connection.close() } }
    for _ in 0..<connections {
        guard let connection = running.connect(), connection.send(request) else {
            throw BenchError("the proxy does not accept")
        }
        downloads.append(Download(connection: connection))
    }
    var chunk = [UInt8](repeating: 0, count: 262_144)
    var total: UInt64 = 0
    var entries = downloads.map {
        pollfd(fd: $0.connection.descriptor, events: Int16(POLLIN), revents: 0)
    }
    let end = monotonic() + UInt64(seconds * 1e9)
    while monotonic() < end {
        // The kernel writes into the array's records, which live across the call.
        guard unsafe poll(&entries, nfds_t(entries.count), 5_000) > 0 else {
            throw BenchError("nothing came for 5 s")
        }
        for index in entries.indices where entries[index].revents != 0 {
            let count = downloads[index].connection.receive(into: &chunk)
            guard count > 0 else { throw BenchError("a download was cut short") }
            let body = try downloads[index].take(chunk[..<count], size: size)
            total += UInt64(body)
            if downloads[index].isComplete(size) {
                downloads[index].begin()
                guard downloads[index].connection.send(request) else {
                    throw BenchError("a connection was not kept")
                }
            }
        }
    }
    return total
}

/// One connection's download.
private struct Download {
    let connection: Connection
    private var head: [UInt8] = []
    /// Of the body; nil within the head.
    private var received: UInt64?

    init(connection: Connection) { self.connection = connection }

    func isComplete(_ size: UInt64) -> Bool { received == size }

    mutating func begin() {
        head = []
        received = nil
    }

    /// Takes what came and returns how much of it was body.
    mutating func take(_ bytes: ArraySlice<UInt8>, size: UInt64) throws -> Int {
        if let received {
            self.received = received + UInt64(bytes.count)
            guard received + UInt64(bytes.count) <= size else {
                throw BenchError("a body is longer than asked for")
            }
            return bytes.count
        }
        head += bytes
        guard let end = endOfHead() else { return 0 }
        guard String(decoding: head.prefix(12), as: UTF8.self) == "HTTP/1.1 200" else {
            throw BenchError("a download failed: \(String(decoding: head, as: UTF8.self))")
        }
        received = UInt64(head.count - end)
        return head.count - end
    }

    private func endOfHead() -> Int? {
        guard head.count >= 4 else { return nil }
        for index in 3..<head.count
        where head[index] == 10 && head[index - 1] == 13 && head[index - 2] == 10 {
            return index + 1
        }
        return nil
    }
}
