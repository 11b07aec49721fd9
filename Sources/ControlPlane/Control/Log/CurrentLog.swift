// CurrentLog: the log as it is set at the moment: by the configuration, or by hand until that says
// something else.

internal import Configuration

/// The log of the running process. Control thread only.
final class CurrentLog {
    private var log: Log

    /// The log that the configuration says.
    init(_ settings: LogSettings) { log = Log(settings) }

    /// The log as it is now.
    func current() -> Log { log }

    /// Makes it what the configuration says.
    func set(_ settings: LogSettings) { log = Log(settings) }

    /// Writes what is as severe as `level` or more from now on, until the configuration says
    /// something else than it does now.
    func setLevel(_ level: LogLevel) {
        guard level != log.level else { return }
        let before = log.level
        log = Log(level: level, format: log.format)
        // At whatever level: from here on lines are missing, or more.
        Log(level: .info, format: log.format).write(
            .info, "log.level_changed", ["from": before.rawValue, "to": level.rawValue])
    }
}
