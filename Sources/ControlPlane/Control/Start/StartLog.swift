// StartLog: what a start writes before its log is set up. If JSON is asked for, every line is JSON
// from the first one on, since one that is not stops many collectors. People at a terminal get
// plain sentences.

package import Configuration

/// Writes why a start fails, and what is odd about its configuration. Start of the process.
package struct StartLog {
    /// The log's format, as far as it is known.
    package var format: LogSettings.Format

    /// The format before the configuration is read: only the environment's variable can set it.
    package init(environment: [String: String]) {
        format =
            environment["FAIRLEAD_LOG_FORMAT"].flatMap { LogSettings.Format(rawValue: $0) } ?? .text
    }

    /// Writes warnings: what is probably a mistake.
    package func warn(_ warnings: [ConfigurationProblem], _ log: Log) {
        for warning in warnings {
            log.write(.warning, "configuration.warning", ["cause": "\(warning)"])
        }
    }

    /// Writes why the configuration is not valid.
    package func refuse(_ errors: ConfigurationErrors) {
        guard format == .json else { return printError("\(errors)") }
        for line in "\(errors)".split(separator: "\n") {
            json.write(.error, "configuration.invalid", ["cause": "\(line)"])
        }
    }

    /// Writes why the process ends, as a sentence.
    package func fail(_ why: String) {
        guard format == .json else { return printError("fairlead: \(why)") }
        json.write(.error, "process.failed", ["cause": why])
    }

    /// Writes that the command line is not valid, in the parser's words.
    package func failUsage(_ message: String) {
        guard format == .json else { return printError(message) }
        json.write(.error, "process.failed", ["cause": message])
    }

    private var json: Log { Log(level: .error, format: .json) }
}
