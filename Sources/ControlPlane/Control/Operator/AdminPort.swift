// AdminPort: the servers of the admin port, at one address or several. A process that shares its
// addresses with this one may have the port; then it is opened as soon as that process has gone.

internal import Admin
internal import Configuration
internal import Endpoints
internal import Events
internal import HTTPServer

/// The admin port of this process. Control thread only.
final class AdminPort {
    private let listening: Endpoint
    private let handler: AdminHandler
    private let loop: EventLoop
    private let log: () -> Log
    private let onOpen: () -> Void
    /// Nil while another process has the port.
    private var server: HTTPServer?
    /// The servers at further addresses of its name.
    private var more: [HTTPServer] = []
    /// Tries the port again; nil unless another process has it.
    private var timer: Timer?

    /// How often the port is tried again: the kernel does not say when it is free.
    private static let retryInterval = Duration.milliseconds(200)

    /// Opens the port of the configuration, on inherited sockets if there are any; nil when the
    /// configuration has none. Where addresses are shared, a port that another process has is left
    /// to it, and `start` opens it later.
    ///
    /// - Parameters:
    ///   - inherited: the socket of an address; nil for none.
    ///   - onOpen: called when the port is open after a wait.
    /// - Throws: `StartFailure`: an address or the token's file can't be had.
    init?(
        _ configuration: Configuration, _ controls: AdminControls,
        inherited: (Endpoint) -> Descriptor?, on loop: EventLoop, log: @escaping () -> Log,
        onOpen: @escaping () -> Void
    ) throws {
        let settings = configuration.admin
        guard let endpoint = settings.listen else { return nil }
        let access = AdminAccess(
            host: AdminHost(listeningOn: endpoint, names: settings.hosts),
            token: try settings.readToken(), isReadOnly: settings.readOnly,
            isBehindProxy: settings.behindProxy)
        listening = endpoint
        handler = AdminHandler(access: access, controls: controls, on: loop)
        self.loop = loop
        self.log = log
        self.onOpen = onOpen
        let isShared = configuration.shareAddresses
        server = try openOrLeave(endpoint, inherited(endpoint), isShared)
        for endpoint in settings.alsoListen {
            if let server = try openOrLeave(endpoint, inherited(endpoint), isShared) {
                more.append(server)
            }
        }
    }

    /// Where it is; nil while another process has it.
    var endpoint: Endpoint? { server?.endpoint }

    /// Whether the port is still waiting for another process to leave it.
    var isAwaited: Bool { timer != nil }

    /// The listening sockets.
    var descriptors: [Descriptor] { ([server].compactMap(\.self) + more).map(\.descriptor) }

    /// Logs where the port is. If another process still has it, logs that and opens it as soon as
    /// that process has gone; everything else goes on meanwhile.
    func start() {
        if let endpoint {
            log().write(.info, "admin.open", ["listen": "\(endpoint)"])
            return
        }
        log().write(
            .warning, "admin.waiting",
            [
                "listen": "\(listening)",
                "cause": "another process listens there",
                "effect": "the admin port opens as soon as that process has gone",
            ])
        // The error may change when the other process goes: this user may not open ports below
        // 1024.
        var last = Errno.addressInUse
        timer = Timer(on: loop) { [unowned self] in
            do throws(Errno) {
                server = try serve(listening, nil)
                timer = nil
                onOpen()
                log().write(.info, "admin.open", ["listen": "\(listening)"])
            } catch {
                if error != last {
                    log().write(
                        .error, "admin.failed",
                        ["cause": "\(StartFailure(listeningOn: listening, error))"])
                }
                last = error
                timer?.schedule(after: Self.retryInterval)
            }
        }
        timer?.schedule(after: Self.retryInterval)
    }

    /// Sends new journal entries to clients that follow the journal.
    func journalChanged() { handler.journalChanged() }

    /// Stops waiting for another process.
    func stopWaiting() { timer?.cancel() }

    /// Accepts no more connections.
    func drain() {
        server?.drain()
        for server in more { server.drain() }
    }

    private func openOrLeave(
        _ endpoint: Endpoint, _ inherited: Descriptor?, _ isShared: Bool
    ) throws -> HTTPServer? {
        do throws(Errno) {
            return try serve(endpoint, inherited)
        } catch .addressInUse where isShared {
            return nil
        } catch {
            throw StartFailure(listeningOn: endpoint, error)
        }
    }

    private func serve(
        _ endpoint: Endpoint, _ inherited: Descriptor?
    ) throws(Errno) -> HTTPServer {
        try HTTPServer(
            on: endpoint, inherited: inherited, loop: loop, options: AdminHandler.serverOptions
        ) { [handler] in handler.answer($0, $1) }
    }
}
