// CurrentLog: the log with its current level, which the configuration sets, or an operator until
// the configuration changes it.

internal import Configuration

/// The log of the running process. Control thread only.
final class CurrentLog {
    private var log: Log

    /// Starts with the log of the configuration.
    init(_ settings: LogSettings) { log = Log(settings) }

    /// The log with its current level and format.
    func current() -> Log { log }

    /// Applies the log settings of a configuration.
    func set(_ settings: LogSettings) { log = Log(settings) }

    /// Sets the least severe level that is written, until the configuration changes its own.
    func setLevel(_ level: LogLevel) {
        guard level != log.level else { return }
        let before = log.level
        log = Log(level: level, format: log.format)
        // Written at any level, since from here on fewer or more lines follow.
        Log(level: .info, format: log.format).write(
            .info, "log.level_changed", ["from": before.rawValue, "to": level.rawValue])
    }
}
