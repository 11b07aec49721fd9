// ControlPlane+Admin: the admin port on the control thread: who may use it, what it shows, and what
// it does when an operator wants something.

internal import Admin
internal import Backends
package import Configuration
internal import Documents
internal import Endpoints
internal import Events
internal import HTTPServer

extension ControlPlane {
    /// Opens the admin port, on `inherited` if another process has opened it before; nil when there
    /// is to be none, and when another process has it that shares its addresses with this one: then
    /// `awaitAdmin` takes it.
    ///
    /// - Throws: `StartFailure`: its address or its token's file can't be had.
    func openAdmin(_ settings: AdminSettings, _ inherited: Descriptor?) throws -> HTTPServer? {
        guard let endpoint = settings.listen else { return nil }
        let access = AdminAccess(
            host: AdminHost(listeningOn: endpoint, names: settings.hosts),
            token: try settings.readToken(), isReadOnly: settings.readOnly == .on,
            isBehindProxy: settings.behindProxy == .on)
        let handler = AdminHandler(access: access, controls: adminControls, on: loop)
        adminHandler = handler
        do throws(Errno) {
            return try Self.serve(handler, on: endpoint, inherited, loop)
        } catch .addressInUse where configuration.shareAddresses == .on {
            return nil
        } catch {
            throw StartFailure(listeningOn: endpoint, error)
        }
    }

    /// Opens the admin port at the other addresses of its name; one that another process has is
    /// left to it where addresses are shared.
    ///
    /// - Throws: `StartFailure`: an address can't be had.
    func openMoreAdmin(
        _ settings: AdminSettings, _ inherited: [Descriptor?]
    ) throws -> [HTTPServer] {
        guard let handler = adminHandler else { return [] }
        var servers: [HTTPServer] = []
        for (endpoint, socket) in zip(settings.alsoListen, inherited) {
            do throws(Errno) {
                servers.append(try Self.serve(handler, on: endpoint, socket, loop))
            } catch .addressInUse where configuration.shareAddresses == .on {
                continue
            } catch {
                throw StartFailure(listeningOn: endpoint, error)
            }
        }
        return servers
    }

    private static func serve(
        _ handler: AdminHandler, on endpoint: Endpoint, _ inherited: Descriptor?,
        _ loop: EventLoop
    ) throws(Errno) -> HTTPServer {
        try HTTPServer(
            on: endpoint, inherited: inherited, loop: loop, options: AdminHandler.serverOptions
        ) { handler.answer($0, $1) }
    }

    /// How often it is tried whether the admin port is free by now: the kernel tells nobody.
    private static let adminRetry = Duration.milliseconds(200)

    /// Says where the admin port is; when another process still has it, says so, and takes it as
    /// soon as that is gone. Until then there is none, and everything else goes on.
    func awaitAdmin() {
        if let adminEndpoint {
            log.write(.info, "admin.open", ["listen": "\(adminEndpoint)"])
            return
        }
        guard let endpoint = configuration.admin.listen, let handler = adminHandler else { return }
        log.write(
            .warning, "admin.waiting",
            [
                "listen": "\(endpoint)",
                "cause": "another process listens there",
                "effect": "the admin port opens as soon as that process has gone",
            ])
        // What is wrong changes when the other one goes, and a port below 1024 is not this user's.
        var last = Errno.addressInUse
        adminTimer = Timer(on: loop) { [unowned self] in
            do throws(Errno) {
                admin = try Self.serve(handler, on: endpoint, nil, loop)
                adminTimer = nil
                supervision.statusMayDiffer()
                log.write(.info, "admin.open", ["listen": "\(endpoint)"])
            } catch {
                if error != last {
                    log.write(
                        .error, "admin.failed",
                        ["cause": "\(StartFailure(listeningOn: endpoint, error))"])
                }
                last = error
                adminTimer?.schedule(after: Self.adminRetry)
            }
        }
        adminTimer?.schedule(after: Self.adminRetry)
    }

    private var adminControls: AdminControls {
        var controls = AdminControls { [unowned self] in snapshot() }
        controls.figures = { [unowned self] in snapshot(.figures) }
        controls.verdict = { [unowned self] in snapshot(.verdict) }
        controls.outline = { [unowned self] in snapshot(.outline) }
        controls.backendCount = { [unowned self] in
            services.all.reduce(0) { $0 + $1.roster.count }
        }
        controls.backends = { [unowned self] in backendSlices(of: $0) }
        controls.metrics.hasBackendHistograms = configuration.admin.backendHistograms == .on
        controls.configuration = { [unowned self] in configurationText ?? "# built in\n" }
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
        guard live != nil else {
            return .unavailable(
                "This Fairlead's configuration is built in, and there is none to read.")
        }
        noteAdmin("reload", from: address)
        switch reload() {
        case .unchanged: return .applied("Nothing is different.")
        case .applied(let lines): return .applied(lines.joined(separator: "\n"))
        case .refused(let lines): return .refused(lines)
        }
    }

    private func setLogLevel(_ name: String, from address: IPAddress) {
        guard let level = LogLevel(rawValue: name) else { return }
        let old = log.level
        setLogLevel(level)
        guard level != old else { return }
        journal.write(
            note:
                "log level \(old.rawValue) to \(name), set by the admin port from \(address)",
            at: .now)
        noteAdmin("log level \(name)", from: address)
        journalLog?.write()
    }

    /// In the log whatever its level: who changed something is asked for later.
    private func noteAdmin(_ what: String, from address: IPAddress) {
        Log(level: .info, format: log.format).write(
            .info, "admin.changed", ["what": what, "client": "\(address)"])
    }
}

extension AdminSettings {
    /// The token that clients have to send; nil for none. Reads its file, if it has one.
    ///
    /// - Throws: `StartFailure` when that can't be read or holds no token.
    package func readToken() throws -> String? {
        guard let path = tokenFile else { return token }
        let line: String
        do throws(FileTextError) {
            line = try NamedText.read(path: path).firstLine
        } catch {
            throw StartFailure(description: "admin.token-file: \(path) \(error.text)")
        }
        guard Self.isToken(line) else {
            throw StartFailure(
                description: "admin.token-file: \(path) holds no token: a line of "
                    + "\(Self.tokenBytesMin) visible ASCII characters at least")
        }
        return line
    }
}
