// Log: one line per event on standard error, for whatever collects the container's streams:
// `2026-11-22T22:10:00.123Z info backend.state service=web backend=10.0.0.1:80 …`, or the same as
// JSON. Warnings and errors that repeat themselves are folded (LogFolding.swift).
//
// Names are those of the table in conf/README.md. Fields: `cause` says why, `effect` what
// follows, `from` and `to` what changed; times and numbers are written as people say them.

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
    /// What a line looks like.
    var format = LogSettings.Format.text
    /// Lines dropped since the last one written, because the reader of the pipe is too slow: a log
    /// must never stop the program that writes it.
    private static let dropped = Atomic<Int>(0)
    private static let folding = Locked(LogFolding())
    /// What a pipe takes at once if it takes anything (PIPE_BUF); longer lines are cut.
    private static let lineBytesMax = 4096

    /// Writes what is as severe as `level`, or more.
    package init(level: LogLevel, format: LogSettings.Format = .text) {
        self.level = level
        self.format = format
    }

    /// Writes one event: a lower-case name and what belongs to it.
    package func write(
        _ severity: LogLevel, _ event: StaticString, _ values: KeyValuePairs<String, String>
    ) {
        guard Self.rank(severity) <= Self.rank(level) else { return }
        write(
            LogFolding.Event(
                severity: severity, name: "\(event)", values: values.map { ($0.key, $0.value) }))
    }

    /// Writes one event that is at hand as a value.
    func write(_ event: LogFolding.Event) {
        let severity = event.severity
        guard Self.rank(severity) <= Self.rank(level) else { return }
        // Everything else is written once: a change that comes again is another change.
        guard severity == .warning || severity == .error else { return put(event) }
        for event in Self.folding.withLock({ $0.fold(event, now: .now) }) { put(event) }
    }

    /// Writes what was folded and not written yet: the program ends.
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

    /// One event as a line of at most `lineBytesMax` bytes with its end: the longest values are
    /// cut, so that it is still JSON, or text with its quotes closed.
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
