// Log: one line per event on standard error, for whatever collects the container's streams:
// `2026-11-22T22:10:00.123Z info backend.state service=web backend=10.0.0.1:80 …`, or as JSON.
// Repeated warnings and errors are folded (LogFolding.swift).
//
// The table in conf/README.md lists the names. Fields: `cause` says why, `effect` what follows,
// `from` and `to` what changed. Durations and numbers are written for people.

internal import AccessLog
package import Configuration
internal import Documents
internal import JSON
internal import Locking
internal import Synchronization
internal import WallClock

/// Writes log lines. Any thread.
package struct Log: Sendable {
    /// Events less severe than this are not written.
    let level: LogLevel
    /// The format of a line.
    var format = LogSettings.Format.text
    /// Lines dropped since the last one written, because the pipe's reader is too slow: logging
    /// must never block the program.
    private static let dropped = Atomic<Int>(0)
    private static let folding = Locked(LogFolding())
    /// What a pipe accepts as a whole or not at all (PIPE_BUF); longer lines are cut.
    private static let lineBytesMax = 4096

    /// Writes events of `level` and more severe ones.
    package init(level: LogLevel, format: LogSettings.Format = .text) {
        self.level = level
        self.format = format
    }

    /// Writes an event: a lower-case name and its fields.
    package func write(
        _ severity: LogLevel, _ event: StaticString, _ values: KeyValuePairs<String, String>
    ) {
        guard Self.rank(severity) <= Self.rank(level) else { return }
        write(
            LogFolding.Event(
                severity: severity, name: "\(event)", values: values.map { ($0.key, $0.value) }))
    }

    /// Writes an event that is given as a value.
    func write(_ event: LogFolding.Event) {
        let severity = event.severity
        guard Self.rank(severity) <= Self.rank(level) else { return }
        // Only these are folded: a change that happens again is another change.
        guard severity == .warning || severity == .error else { return put(event) }
        for event in Self.folding.withLock({ $0.fold(event, now: .now) }) { put(event) }
    }

    /// Writes what was folded and is not written yet: the program ends.
    func finish() {
        for event in Self.folding.withLock({ $0.flush() }) { put(event) }
    }

    private func put(_ event: LogFolding.Event) {
        var event = event
        let lost = Self.dropped.exchange(0, ordering: .relaxed)
        if lost > 0 { event.values.append(("log_lines_dropped", "\(lost)")) }
        let line = Self.shortLine(event, format, at: UTCTime.now.iso8601)
        let bytes = Array(line.utf8) + [0x0a]
        if StandardOutput.write(bytes.span, toError: true) != .written {
            Self.dropped.add(lost + 1, ordering: .relaxed)
        }
    }

    /// One event as a line of at most `lineBytesMax` bytes with its end: cuts the longest values,
    /// so that it stays valid JSON, or text with its quotes closed.
    static func shortLine(
        _ event: LogFolding.Event, _ format: LogSettings.Format, at time: String
    ) -> String {
        var event = event
        while true {
            let line = line(event, format, at: time)
            guard line.utf8.count >= lineBytesMax,
                let longest = event.values.indices.max(by: {
                    event.values[$0].value.utf8.count < event.values[$1].value.utf8.count
                })
            else { return line }
            let value = event.values[longest].value
            event.values[longest].value = value.prefix(value.count / 2) + "…"
        }
    }

    /// One event as a line, without its end.
    static func line(
        _ event: LogFolding.Event, _ format: LogSettings.Format, at time: String
    ) -> String {
        switch format {
        case .text:
            event.values.reduce("\(time) \(event.severity.rawValue) \(event.name)") {
                "\($0) \($1.key)=\(quoted($1.value))"
            }
        case .json:
            "{"
                + ([
                    ("time", time), ("level", event.severity.rawValue), ("event", event.name),
                ] + event.values)
                .map { "\(JSON.quoted($0.0)):\(JSON.quoted($0.1))" }.joined(separator: ",") + "}"
        }
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
        guard !isPlain else { return value }
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension Log {
    /// A log with the level and format of the configuration.
    package init(_ settings: LogSettings) {
        self.init(level: settings.level, format: settings.format)
    }
}
