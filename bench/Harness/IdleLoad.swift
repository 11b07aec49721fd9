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
    guard !running.setup.speaksHTTP2 else {
        guard let connection = askedByFrames(connection, running) else {
            throw BenchError("the request after \(count) idle connections of HTTP/2 failed")
        }
        return connection
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

/// The connection, once it has had one request of HTTP/2 answered with 200; nil if it has not.
private func askedByFrames(_ connection: Connection, _ running: Running) -> Connection? {
    // SETTINGS and its ACK, then HEADERS of stream 1 with END_STREAM and END_HEADERS: GET, scheme,
    // path and authority (RFC 9113, section 6; RFC 7541, appendix A).
    let fields: [UInt8] =
        [0x82, running.isSecure ? 0x87 : 0x86, 0x84, 0x41, 5] + Array("bench".utf8)
    let frames: [UInt8] =
        Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        + [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]
        + [0, 0, UInt8(fields.count), 1, 5, 0, 0, 0, 1] + fields
    guard connection.send(frames) else { return nil }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    var isGood = false
    while true {
        while bytes.count >= 9 {
            let length = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
            guard bytes.count >= 9 + length else { break }
            // Of a head of theirs the status stands first, after updates of the table's size.
            let isHead = bytes[3] == 1
            if isHead { isGood = bytes[9..<9 + length].first { $0 & 0xE0 != 0x20 } == 0x88 }
            let endsStream = bytes[3] <= 1 && bytes[4] & 1 == 1
            bytes.removeFirst(9 + length)
            if endsStream { return isGood ? connection : nil }
        }
        let count = connection.receive(into: &chunk)
        guard count > 0 else { return nil }
        bytes += chunk[..<count]
    }
}
