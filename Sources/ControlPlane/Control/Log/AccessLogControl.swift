// AccessLogControl: opens the access log at the start, reopens it when a tool has moved the file
// away, and stops it at the end.

internal import AccessLog
internal import Configuration
internal import Events
internal import Stats

/// The access log of this process. Control thread only.
final class AccessLogControl {
    /// The log that workers write to.
    let accessLog: AccessLog
    /// Where the file is; nil when the log is not a file.
    private let path: String?
    private let registry: StatsRegistry
    private let log: () -> Log

    /// A pipe that nobody reads must not keep a process from ending.
    private static let stopLimit = Duration.seconds(5)

    /// Opens the access log that `configuration` asks for; nil when that is none.
    ///
    /// - Throws: `StartFailure` when it can't be opened.
    init?(
        _ configuration: Configuration, _ registry: StatsRegistry, log: @escaping () -> Log
    ) throws {
        guard let accessLog = try AccessLog(configuration) else { return nil }
        self.accessLog = accessLog
        path = if case .file(let path) = configuration.accessLog.to { path } else { nil }
        self.registry = registry
        self.log = log
    }

    /// Counts of lines: written, dropped and lost.
    var lines: [String: Int] {
        let totals = registry.accessLogTotals
        let lost = accessLog.lostLines
        return ["written": max(0, totals.lines - lost), "dropped": totals.dropped, "lost": lost]
    }

    /// Reopens the file, which a tool may have moved away, and logs whether that worked.
    func reopen() {
        guard let path else { return }
        do throws(Errno) {
            try accessLog.reopen()
            log().write(.info, "access_log.reopened", ["file": path])
        } catch {
            log().write(
                .warning, "access_log.not_reopened",
                ["file": path, "cause": "\(error)", "effect": "the old file stays in use"])
        }
    }

    /// Writes what is buffered, and stops.
    func stop() { accessLog.stop(within: Self.stopLimit) }
}
