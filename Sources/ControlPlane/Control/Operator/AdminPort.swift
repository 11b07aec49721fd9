// AdminPort: the servers of the admin port, at one address or several.

internal import Admin
internal import Configuration
internal import Endpoints
internal import Events
internal import TLS

/// The admin port of this process. Control thread only.
final class AdminPort {
    private let handler: AdminHandler
    /// One for each address of its name, the first address first; never empty.
    private(set) var servers: [ControlServer] = []

    /// Opens the port of the configuration, on inherited sockets if there are any; nil when the
    /// configuration has none. Where addresses are shared, a port that another process has is left
    /// to it, and `start` opens it later.
    ///
    /// - Parameters:
    ///   - inherited: the socket of an address; nil for none.
    ///   - onOpen: called when the port is open after a wait.
    /// - Throws: `StartFailure`: an address or the token's file can't be had.
    init?(
        _ configuration: Configuration, _ controls: AdminControls, _ certificates: ServerNames?,
        inherited: (Endpoint) -> Descriptor?, on loop: EventLoop, log: @escaping () -> Log,
        onOpen: @escaping () -> Void
    ) throws {
        let settings = configuration.admin
        guard let endpoint = settings.listen else { return nil }
        let access = AdminAccess(
            host: AdminHost(listeningOn: endpoint, names: settings.hosts),
            token: try settings.readToken(),
            asksForCertificates: settings.tls.clients.source != nil, isReadOnly: settings.readOnly,
            isBehindProxy: settings.behindProxy)
        handler = AdminHandler(access: access, controls: controls, on: loop)
        for endpoint in [endpoint] + settings.alsoListen {
            do throws(Errno) {
                servers.append(
                    try ControlServer(
                        .admin, on: endpoint, inherited: inherited(endpoint),
                        isShared: configuration.shareAddresses, loop: loop,
                        certificates: certificates, options: AdminHandler.serverOptions, log: log
                    ) { [handler] in handler.answer($0, $1) })
            } catch {
                throw StartFailure(listeningOn: endpoint, error)
            }
        }
        for server in servers { server.onOpen = onOpen }
    }

    /// Where it is; nil while another process has it.
    var endpoint: Endpoint? { servers.first?.endpoint }

    /// Whether the port is still waiting for another process to leave it.
    var isAwaited: Bool { servers.contains(where: \.isAwaited) }

    /// Shows new clients these certificates from now on.
    func show(_ certificates: ServerNames?) {
        for server in servers { server.certificates = certificates }
    }

    /// Sends new journal entries to clients that follow the journal.
    func journalChanged() { handler.journalChanged() }
}
