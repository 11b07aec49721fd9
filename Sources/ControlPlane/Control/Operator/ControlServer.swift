// ControlServer: one of the control plane's own servers, at one address. A process that shares its
// addresses with this one may have the address; then the server opens as soon as that process has
// gone.

internal import Configuration
internal import Endpoints
internal import Events
internal import HTTPServer
internal import TLS

/// A server at an address, which may have to wait for it. Control thread only.
final class ControlServer {
    /// What the server is for.
    enum Kind {
        /// Everything, for operators.
        case admin
        /// Health and metrics alone.
        case health

        /// The server as people call it.
        var text: String { self == .admin ? "the admin port" : "the address for health" }

        /// The events of the log: it is open, waits for another process, could not be opened.
        var events: (open: StaticString, waiting: StaticString, failed: StaticString) {
            switch self {
            case .admin: ("admin.open", "admin.waiting", "admin.failed")
            case .health: ("health.open", "health.waiting", "health.failed")
            }
        }
    }

    /// The address as the configuration has it.
    let listening: Endpoint
    private let kind: Kind
    private let handler: HTTPServer.Handler
    private let options: HTTPServerOptions
    private let loop: EventLoop
    private let log: () -> Log
    /// Called when the server opens after a wait.
    var onOpen: () -> Void = {}
    /// What clients are shown; nil where TLS is not spoken.
    var certificates: ServerNames? {
        didSet { server?.certificates = certificates }
    }
    /// Nil while another process has the address.
    private var server: HTTPServer?
    /// Tries the address again; nil unless another process has it.
    private var timer: Timer?

    /// How often the address is tried again: the kernel does not say when it is free.
    private static let retryInterval = Duration.milliseconds(200)

    /// Listens on `endpoint`, by the `inherited` socket if there is one. Where addresses are
    /// shared, one that another process has is left to it, and `start` opens it later.
    ///
    /// - Throws: `Errno` when the address can't be had.
    init(
        _ kind: Kind, on endpoint: Endpoint, inherited: Descriptor? = nil, isShared: Bool,
        loop: EventLoop, certificates: ServerNames? = nil, options: HTTPServerOptions,
        log: @escaping () -> Log, handler: @escaping HTTPServer.Handler
    ) throws(Errno) {
        self.certificates = certificates
        self.kind = kind
        listening = endpoint
        self.handler = handler
        self.options = options
        self.loop = loop
        self.log = log
        do throws(Errno) {
            server = try serve(inherited)
        } catch .addressInUse where isShared {
            server = nil
        }
    }

    /// Where it is; nil while another process has the address.
    var endpoint: Endpoint? { server?.endpoint }

    /// Where it is, as the configuration has it while another process has the address.
    var place: Endpoint { endpoint ?? listening }

    /// The listening socket; nil while another process has the address.
    var descriptor: Descriptor? { server?.descriptor }

    /// Whether it still waits for another process to leave the address.
    var isAwaited: Bool { timer != nil }

    /// Logs where it is. If another process still has the address, logs that and opens it as soon
    /// as that process has gone; everything else goes on meanwhile.
    func start() {
        if let endpoint {
            log().write(.info, kind.events.open, ["listen": "\(endpoint)"])
            return
        }
        log().write(
            .warning, kind.events.waiting,
            [
                "listen": "\(listening)",
                "cause": "another process listens there",
                "effect": "\(kind.text) opens as soon as that process has gone",
            ])
        // The error may change when the other process goes: this user may not open ports below
        // 1024.
        var last = Errno.addressInUse
        timer = Timer(on: loop) { [unowned self] in
            do throws(Errno) {
                server = try serve(nil)
                timer = nil
                onOpen()
                log().write(.info, kind.events.open, ["listen": "\(listening)"])
            } catch {
                if error != last {
                    log().write(
                        .error, kind.events.failed,
                        ["cause": "\(StartFailure(listeningOn: listening, error))"])
                }
                last = error
                timer?.schedule(after: Self.retryInterval)
            }
        }
        timer?.schedule(after: Self.retryInterval)
    }

    /// Stops waiting for another process.
    func stopWaiting() { timer?.cancel() }

    /// Accepts no more connections.
    func drain() {
        stopWaiting()
        server?.drain()
    }

    /// Accepts no more connections, and calls `completion` once when none is open, after `limit` at
    /// the latest.
    func end(within limit: Duration, then completion: @escaping () -> Void) {
        stopWaiting()
        guard let server else { return completion() }
        server.end(within: limit, then: completion)
    }

    private func serve(_ inherited: Descriptor?) throws(Errno) -> HTTPServer {
        try HTTPServer(
            on: listening, inherited: inherited, loop: loop, certificates: certificates,
            options: options, handler: handler)
    }
}
