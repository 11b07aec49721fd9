// HealthPort: the servers of the address for health and metrics alone. Unlike the admin port it
// needs no token and shows nothing that a change could follow from, so a reload may move it.

internal import Admin
internal import Configuration
internal import Endpoints
internal import Events
internal import TLS

/// The address for health and metrics alone. Control thread only.
final class HealthPort {
    private let handler: AdminHandler
    private let loop: EventLoop
    private let log: () -> Log
    private let isShared: Bool
    /// One for each address; empty for none.
    private(set) var servers: [ControlServer] = []
    /// What clients are shown; nil where TLS is not spoken.
    private var certificates: ServerNames?

    /// Opens the addresses of the configuration, on inherited sockets if there are any.
    ///
    /// - Parameters:
    ///   - certificates: what clients are shown; nil where TLS is not spoken.
    ///   - inherited: the socket of an address; nil for none.
    /// - Throws: `StartFailure`: an address can't be had.
    init(
        _ configuration: Configuration, _ controls: AdminControls, _ certificates: ServerNames?,
        inherited: (Endpoint) -> Descriptor?, on loop: EventLoop, log: @escaping () -> Log
    ) throws {
        handler = AdminHandler(healthBy: controls, on: loop)
        self.certificates = certificates
        self.loop = loop
        self.log = log
        isShared = configuration.shareAddresses
        for endpoint in configuration.health.listen {
            do throws(Errno) {
                servers.append(try serve(endpoint, inherited(endpoint)))
            } catch {
                throw StartFailure(listeningOn: endpoint, error)
            }
        }
    }

    /// Shows new clients these certificates from now on; nil speaks no TLS.
    func show(_ certificates: ServerNames?) {
        self.certificates = certificates
        for server in servers { server.certificates = certificates }
    }

    // MARK: - Another address

    /// A move to other addresses that has been prepared: new ones are open, old ones still are.
    struct Move {
        fileprivate let next: [ControlServer]
        fileprivate let opened: [ControlServer]
        /// Closed already, since a new address is a part of them or has them as a part.
        fileprivate let closed: [ControlServer]
    }

    /// Opens the addresses of `settings` that are not open yet. Call `make` or `takeBack` next.
    ///
    /// - Throws: why one can't be had; nothing has changed then.
    func prepare(_ settings: HealthSettings) throws(ChangeRefusal) -> Move {
        let kept = servers.filter { settings.listen.contains($0.listening) }
        let left = servers.filter { !settings.listen.contains($0.listening) }
        var (opened, closed): ([ControlServer], [ControlServer]) = ([], [])
        for endpoint in settings.listen where !kept.contains(where: { $0.listening == endpoint }) {
            for old in left where old.listening.overlaps(endpoint) {
                guard !closed.contains(where: { $0 === old }) else { continue }
                old.drain()
                closed.append(old)
            }
            do throws(Errno) {
                opened.append(try serve(endpoint, nil))
            } catch {
                takeBack(Move(next: [], opened: opened, closed: closed))
                let why = "\(StartFailure(listeningOn: endpoint, error))"
                throw ChangeRefusal(
                    reasons: [.init(key: "health.listen", why: why, needsStart: false)])
            }
        }
        return Move(next: kept + opened, opened: opened, closed: closed)
    }

    /// Serves at the new addresses alone.
    func make(_ move: Move) {
        for old in servers where !move.next.contains(where: { $0 === old }) {
            log().write(.info, "health.closed", ["listen": "\(old.listening)"])
            old.drain()
        }
        servers = move.next
        for server in move.opened { server.start() }
    }

    /// Serves at the old addresses, as before.
    func takeBack(_ move: Move) {
        for server in move.opened { server.drain() }
        for old in move.closed {
            guard let place = servers.firstIndex(where: { $0 === old }) else { continue }
            do throws(Errno) {
                servers[place] = try serve(old.listening, nil)
            } catch {
                // Between two calls another process has taken it.
                servers.remove(at: place)
                log().write(
                    .error, "health.failed",
                    ["cause": "\(StartFailure(listeningOn: old.listening, error))"])
            }
        }
    }

    private func serve(
        _ endpoint: Endpoint, _ inherited: Descriptor?
    ) throws(Errno) -> ControlServer {
        try ControlServer(
            .health, on: endpoint, inherited: inherited, isShared: isShared, loop: loop,
            certificates: certificates, options: AdminHandler.serverOptions, log: log
        ) { [handler] in handler.answer($0, $1) }
    }
}
