// AdminCommands: what the admin port does when an operator wants something. Each command that is
// carried out is logged with the client's address, whatever the log's level.

internal import Admin
internal import Backends
internal import Configuration
internal import Endpoints

/// Carries out operators' commands. Control thread only.
final class AdminCommands {
    private let services: ServiceSet
    private let follower: ConfigurationFollower?
    private let journal: Journal
    private let journalLog: JournalLog
    private let log: CurrentLog

    /// Commands on these. `follower` reads the configuration again; nil when there is none to read.
    init(
        _ services: ServiceSet, _ follower: ConfigurationFollower?, _ journal: Journal,
        _ journalLog: JournalLog, _ log: CurrentLog
    ) {
        self.services = services
        self.follower = follower
        self.journal = journal
        self.journalLog = journalLog
        self.log = log
    }

    /// Does something to a backend; see `ServiceControl.change`.
    func change(
        _ key: BackendKey, _ change: AdminChange, isForced: Bool, from address: IPAddress
    ) -> AdminOutcome {
        guard let service = services[key.service],
            let backend = service.roster.backend(at: key.endpoint)
        else { return .unknown }
        let outcome = service.change(
            backend, change, isForced: isForced, by: .adminPort(from: address))
        if case .done(let what) = outcome {
            logChange("\(key): \(what)", from: address)
        }
        return outcome
    }

    /// Reads the configuration again.
    func reload(from address: IPAddress) -> AdminReload {
        guard let follower else {
            return .unavailable(
                "This Fairlead's configuration is built in, and there is none to read.")
        }
        logChange("reload", from: address)
        switch follower.reload() {
        case .unchanged: return .applied("Nothing is different.")
        case .applied(let lines): return .applied(lines.joined(separator: "\n"))
        case .refused(let lines): return .refused(lines)
        }
    }

    /// Sets the log's level until the configuration says something else than now; a name that is
    /// none changes nothing.
    func setLogLevel(_ name: String, from address: IPAddress) {
        guard let level = LogLevel(rawValue: name) else { return }
        let old = log.current().level
        log.setLevel(level)
        guard level != old else { return }
        journal.write(
            note:
                "log level \(old.rawValue) to \(name), set by the admin port from \(address)",
            at: .now)
        logChange("log level \(name)", from: address)
        journalLog.write()
    }

    /// In the log whatever its level: who changed something is asked for later.
    private func logChange(_ what: String, from address: IPAddress) {
        Log(level: .info, format: log.current().format).write(
            .info, "admin.changed", ["what": what, "client": "\(address)"])
    }
}
