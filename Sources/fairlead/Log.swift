// Log: one line per event on standard output, for whatever collects the container's streams:
// `2026-11-22T22:10:00.123Z info backend.state service=web backend=10.0.0.1:80 …`.

import AccessLog
import Configuration
import Glibc
import Synchronization

/// Writes log lines. Any thread.
struct Log: Sendable {
    /// Events less severe than this are not written.
    let level: LogLevel
    /// Lines dropped since the last one written, because the reader of the pipe is too slow: a log
    /// must never stop the program that writes it.
    private static let dropped = Atomic<Int>(0)
    /// What a pipe takes at once if it takes anything (PIPE_BUF); longer lines are cut.
    private static let lineBytesMax = 4096

    /// Writes one event: a lower-case name and what belongs to it.
    func write(_ severity: LogLevel, _ event: StaticString, _ values: KeyValuePairs<String, String>)
    {
        guard Self.rank(severity) <= Self.rank(level) else { return }
        var line = "\(Self.timestamp()) \(severity.rawValue) \(event)"
        for (key, value) in values { line += " \(key)=\(Self.quoted(value))" }
        let lost = Self.dropped.exchange(0, ordering: .relaxed)
        if lost > 0 { line += " log_lines_dropped=\(lost)" }
        if !Self.put(line) { Self.dropped.add(lost + 1, ordering: .relaxed) }
    }

    private static func put(_ line: String) -> Bool {
        var bytes = Array(line.utf8.prefix(lineBytesMax - 1))
        bytes.append(0x0a)
        return StandardOutput.write(bytes.span) == .written
    }

    private static func rank(_ level: LogLevel) -> Int {
        switch level {
        case .error: 0
        case .warning: 1
        case .info: 2
        case .debug: 3
        }
    }

    /// Values with spaces, quotes or control characters are quoted, so that a line stays one line.
    private static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3d }
        return isPlain ? value : value.debugDescription
    }

    /// Now in UTC, to the millisecond (RFC 3339).
    private static func timestamp() -> String {
        var now = timespec()
        var parts = unsafe tm()
        var text = [CChar](repeating: 0, count: 32)
        // gmtime_r fills `parts`; strftime writes at most 32 bytes and says how many.
        unsafe _ = clock_gettime(CLOCK_REALTIME, &now)
        unsafe _ = gmtime_r(&now.tv_sec, &parts)
        let count = unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let seconds = String(
            decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(seconds).\(milliseconds)Z"
    }
}
