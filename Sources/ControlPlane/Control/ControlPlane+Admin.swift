// ControlPlane+Admin: what the admin port shows, and what it does when an operator wants something.

internal import Admin
internal import Backends
internal import Configuration
internal import Endpoints
internal import Events

extension ControlPlane {
    /// What the admin port shows and does.
    var adminControls: AdminControls {
        var controls = AdminControls { [unowned self] in snapshot() }
        controls.figures = { [unowned self] in snapshot(.figures) }
        controls.verdict = { [unowned self] in snapshot(.verdict) }
        controls.outline = { [unowned self] in snapshot(.outline) }
        controls.backendCount = { [unowned self] in
            services.all.reduce(0) { $0 + $1.roster.count }
        }
        controls.backends = { [unowned self] in backendSlices(of: $0) }
        controls.metrics.hasBackendHistograms = running.current.admin.backendHistograms
        controls.configuration = { [unowned self] in follower?.text ?? "# built in\n" }
        controls.entries = { [unowned self] first in
            let clock = DisplayClock()
            return journal.entries(from: first).map { show($0, clock) }
        }
        controls.journalEnd = { [unowned self] in journal.nextNumber }
        controls.change = { [unowned self] in change($0, $1, isForced: $2, from: $3) }
        controls.reload = { [unowned self] in reload(from: $0) }
        controls.setLogLevel = { [unowned self] in setLogLevel($0, from: $1) }
        return controls
    }

    // MARK: - What an operator wants

    private func change(
        _ key: BackendKey, _ change: AdminChange, isForced: Bool, from address: IPAddress
    ) -> AdminOutcome {
        guard let service = services[key.service],
            let backend = service.roster.backend(at: key.endpoint)
        else { return .unknown }
        let outcome = service.change(
            backend, change, isForced: isForced, by: .adminPort(from: address))
        if case .done(let what) = outcome {
            noteAdmin("\(key): \(what)", from: address)
        }
        return outcome
    }

    private func reload(from address: IPAddress) -> AdminReload {
        guard let follower else {
            return .unavailable(
                "This Fairlead's configuration is built in, and there is none to read.")
        }
        noteAdmin("reload", from: address)
        switch follower.reload() {
        case .unchanged: return .applied("Nothing is different.")
        case .applied(let lines): return .applied(lines.joined(separator: "\n"))
        case .refused(let lines): return .refused(lines)
        }
    }

    private func setLogLevel(_ name: String, from address: IPAddress) {
        guard let level = LogLevel(rawValue: name) else { return }
        let old = log.current().level
        log.setLevel(level)
        guard level != old else { return }
        journal.write(
            note:
                "log level \(old.rawValue) to \(name), set by the admin port from \(address)",
            at: .now)
        noteAdmin("log level \(name)", from: address)
        journalLog.write()
    }

    /// In the log whatever its level: who changed something is asked for later.
    private func noteAdmin(_ what: String, from address: IPAddress) {
        Log(level: .info, format: log.current().format).write(
            .info, "admin.changed", ["what": what, "client": "\(address)"])
    }
}
