// AdminCommands: carries out what operators ask of the admin port. Each command that is carried out
// is logged with the client's address, whatever the log level.

internal import Admin
internal import Backends
internal import Configuration
internal import Endpoints

/// Carries out operators' commands. Control thread only.
final class AdminCommands {
    private let services: ServiceSet
    /// Deploys of services.
    let deploys: Deploys
    private let follower: ConfigurationFollower?
    private let journal: Journal
    private let journalLog: JournalLog
    private let log: CurrentLog

    /// Commands for these owners. `follower` reads the configuration again; nil for a configuration
    /// that is not to change.
    init(
        _ services: ServiceSet, _ deploys: Deploys, _ follower: ConfigurationFollower?,
        _ journal: Journal, _ journalLog: JournalLog, _ log: CurrentLog
    ) {
        self.services = services
        self.deploys = deploys
        self.follower = follower
        self.journal = journal
        self.journalLog = journalLog
        self.log = log
    }

    /// Changes a backend; see `ServiceControl.change`.
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

    /// Begins a deploy; see `Deploys.begin`.
    func deploy(
        _ request: AdminDeployRequest, of service: String, from address: IPAddress
    ) -> AdminDeployOutcome {
        let outcome = deploys.begin(request, of: service, from: address)
        if case .shown(let deploy) = outcome, !deploy.isTrial, !deploy.phase.isEnd {
            logChange(
                "\(service): deploy to \(deploy.to.map(\.description).joined(separator: ","))",
                from: address)
        }
        return outcome
    }

    /// Calls off a deploy, or takes back the last one; see `Deploys.undo`.
    func undoDeploy(of service: String, from address: IPAddress) -> AdminDeployOutcome {
        let outcome = deploys.undo(service, from: address)
        if case .shown = outcome { logChange("\(service): deploy undone", from: address) }
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

    /// Sets the log level until the configuration changes its own. An unknown name changes nothing.
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

    /// Logged at any level, since somebody will ask later who changed what.
    private func logChange(_ what: String, from address: IPAddress) {
        Log(level: .info, format: log.current().format).write(
            .info, "admin.changed", ["what": what, "client": "\(address)"])
    }
}
