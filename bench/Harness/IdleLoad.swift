// IdleLoad: connections that have made one request each and wait for their next.

internal import BenchSupport
internal import Glibc

/// How many connections may be asked for: what the limit of descriptors leaves, which the proxy has
/// as well.
func idleConnections(wanted: Int) -> Int {
    var limit = rlimit()
    unsafe _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return min(wanted, Int(limit.rlim_cur) - 200)
}

/// Resident bytes that each of `count` idle connections costs `process`, once they have rested for
/// `rest`.
func idleBytes(
    _ running: Running, count: Int, rest: Duration = .milliseconds(300)
) async throws -> Double {
    // What only the start needed may be released a moment after it.
    try await Task.sleep(for: .seconds(1))
    // The first ones bring what a worker needs once: they are not counted, and stay.
    let first = try openIdle(64, running)
    defer { for connection in first { connection.reset() } }
    try await Task.sleep(for: rest)
    let before = residentBytes(ofTreeAt: running.process)
    let others = try openIdle(count, running)
    defer { for connection in others { connection.reset() } }
    try await Task.sleep(for: rest)
    return Double(residentBytes(ofTreeAt: running.process) - before) / Double(count)
}

private func openIdle(_ count: Int, _ running: Running) throws -> [Connection] {
    var open: [Connection] = []
    do {
        while open.count < count { try open.append(openIdle(running, after: open.count)) }
    } catch {
        for connection in open { connection.reset() }
        throw error
    }
    return open
}

private func openIdle(_ running: Running, after count: Int) throws -> Connection {
    guard let connection = running.connect() else {
        throw BenchError("the connection after \(count) others was refused")
    }
    var chunk = [UInt8](repeating: 0, count: 16_384)
    // One segment on the loopback.
    guard connection.send("GET / HTTP/1.1\r\nHost: bench\r\n\r\n"),
        case let received = connection.receive(into: &chunk), received > 12,
        String(decoding: chunk[..<12], as: UTF8.self) == "HTTP/1.1 200"
    else {
        connection.reset()
        throw BenchError("the request after \(count) idle connections failed")
    }
    return connection
}
