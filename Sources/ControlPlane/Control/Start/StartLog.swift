// StartLog: what a start has to say before its log is there. Whoever asked for JSON gets nothing
// else, from the first line on, since a line that is none stops many a collector; a person at a
// terminal gets plain sentences.

package import Configuration

/// Tells why a start fails, and what is odd about its configuration. Start of the process.
package struct StartLog {
    /// What the log is to look like, as far as it is known by now.
    package var format: LogSettings.Format

    /// Before the configuration is read: the variable alone tells.
    package init(environment: [String: String]) {
        format =
            environment["FAIRLEAD_LOG_FORMAT"].flatMap { LogSettings.Format(rawValue: $0) } ?? .text
    }

    /// What is likely not meant.
    package func warn(_ warnings: [ConfigurationProblem], _ log: Log) {
        for warning in warnings {
            log.write(.warning, "configuration.warning", ["cause": "\(warning)"])
        }
    }

    /// Why the configuration is not valid.
    package func refuse(_ errors: ConfigurationErrors) {
        guard format == .json else { return printError("\(errors)") }
        for line in "\(errors)".split(separator: "\n") {
            json.write(.error, "configuration.invalid", ["cause": "\(line)"])
        }
    }

    /// Why the process ends, as a sentence.
    package func fail(_ why: String) {
        guard format == .json else { return printError("fairlead: \(why)") }
        json.write(.error, "process.failed", ["cause": why])
    }

    /// A command line that can't be understood, which the parser has put into words.
    package func failUsage(_ message: String) {
        guard format == .json else { return printError(message) }
        json.write(.error, "process.failed", ["cause": message])
    }

    private var json: Log { Log(level: .error, format: .json) }
}
