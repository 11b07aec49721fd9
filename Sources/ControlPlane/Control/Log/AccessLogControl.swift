// AccessLogControl: the access log on the control thread: opened at the start, opened again when a
// tool has moved the file away, stopped at the end.

internal import AccessLog
internal import Configuration
internal import Events
internal import Stats

/// The access log of this process. Control thread only.
final class AccessLogControl {
    /// What workers write to.
    let accessLog: AccessLog
    /// Nil when the log is no file.
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

    /// Lines by what became of them.
    var lines: [String: Int] {
        let totals = registry.accessLogTotals
        let lost = accessLog.lostLines
        return ["written": max(0, totals.lines - lost), "dropped": totals.dropped, "lost": lost]
    }

    /// Opens the file again, which a tool may have moved away; writes what came of it.
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

    /// Writes what waits, and ends.
    func stop() { accessLog.stop(within: Self.stopLimit) }
}
