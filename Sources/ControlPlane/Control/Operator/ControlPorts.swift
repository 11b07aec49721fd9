// ControlPorts: the addresses at which this process is asked about itself: the admin port, and the
// one for health and metrics alone. They open, pass to a successor and close together.

internal import Admin
internal import Configuration
internal import Events
internal import Processes
internal import TLS

/// The addresses for operators and for what watches the process. Control thread only.
final class ControlPorts {
    /// Nil when the configuration has no admin port.
    let admin: AdminPort?
    let health: HealthPort

    /// How long a process waits at its end for connections to ports of this kind: longer than an
    /// answer takes that is asked for at once, shorter than supervisors notice.
    static let endLimit = Duration.seconds(2)

    /// Opens what the configuration has, on inherited sockets if there are any.
    ///
    /// - Parameters:
    ///   - certificates: has what clients are shown where they speak TLS.
    ///   - inherited: sockets that were open before the process was; those that are used are taken.
    ///   - onOpen: called when the admin port is open after a wait.
    /// - Throws: `StartFailure`: an address or the token's file can't be had.
    init(
        _ configuration: Configuration, _ controls: AdminControls,
        _ certificates: CertificateStore, _ inherited: inout InheritedSockets, on loop: EventLoop,
        log: @escaping () -> Log,
        onOpen: @escaping () -> Void
    ) throws {
        admin = try AdminPort(
            configuration, controls, certificates.names(of: .admin),
            inherited: { inherited.take($0).first }, on: loop, log: log, onOpen: onOpen)
        health = try HealthPort(
            configuration, controls, certificates.names(of: .health),
            inherited: { inherited.take($0).first }, on: loop, log: log)
    }

    /// Shows new clients of `port` these certificates from now on; nil speaks no TLS.
    func show(_ certificates: ServerNames?, at port: CertificateStore.OwnPort) {
        switch port {
        case .admin: admin?.show(certificates)
        case .health: health.show(certificates)
        }
    }

    /// Whether the admin port is still waiting for another process to leave it.
    var isAdminAwaited: Bool { admin?.isAwaited ?? false }

    /// The listening sockets.
    var descriptors: [Descriptor] { servers.compactMap(\.descriptor) }

    /// Logs where they are, or that they wait for another process.
    func start() {
        for server in servers { server.start() }
    }

    /// Stops waiting for another process.
    func stopWaiting() {
        for server in servers { server.stopWaiting() }
    }

    /// Accepts no more connections.
    func drain() {
        for server in servers { server.drain() }
    }

    /// Accepts no more connections, and calls `completion` once when none is open: what a probe or
    /// an operator has begun to ask is answered.
    func end(then completion: @escaping () -> Void) {
        var left = servers.count
        guard left > 0 else { return completion() }
        for server in servers {
            server.end(within: Self.endLimit) {
                left -= 1
                if left == 0 { completion() }
            }
        }
    }

    private var servers: [ControlServer] { (admin?.servers ?? []) + health.servers }
}
