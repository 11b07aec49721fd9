// DemoControlServer: a few URLs on a port of their own, by which people who try the demo make
// things happen.

internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTPServer

/// Turns HTTP requests into commands for a stage. Loop thread only; `close()` before release.
final class DemoControlServer {
    private let server: HTTPServer
    /// Where it listens.
    let endpoint: Endpoint

    private static let help = """
        POST /add              a new instance starts and is announced
        POST /remove/NAME      its record goes, then the instance after a grace
        POST /crash/NAME       it is gone at once, its record stays
        POST /fail/NAME        its /health says 503
        POST /recover/NAME     its /health says 200 again
        POST /start/NAME       a crashed or removed instance comes back
        POST /churn            something happens by itself every four seconds
        POST /calm             nothing happens by itself any more
        """

    /// Listens on `endpoint`; `list` names the instances and how they are, `perform` carries out.
    ///
    /// - Throws: `Errno`: the address is in use or not local.
    init(
        on endpoint: Endpoint, _ loop: EventLoop, list: @escaping () -> String,
        perform: @escaping (DemoCommand) -> Void
    ) throws(Errno) {
        server = try HTTPServer(on: endpoint, loop: loop) { request in
            if request.path == "/", request.method == .get || request.method == .head {
                return HTTPServerResponse(status: 200, text: "\(list())\n\n\(Self.help)")
            }
            guard let command = Self.command(request.path) else {
                return HTTPServerResponse(
                    status: 404, text: "Found \(request.path), expected:\n\(Self.help)")
            }
            guard request.method == .post else {
                return HTTPServerResponse(
                    status: 405, text: "Use POST: this changes something.",
                    fields: [("Allow", "POST")])
            }
            perform(command)
            return HTTPServerResponse(status: 200, text: list())
        }
        self.endpoint = server.endpoint
    }

    /// Stops listening and drops all connections. Harmless when repeated.
    func close() {
        server.close()
    }

    private static func command(_ path: String) -> DemoCommand? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        switch (parts.first, parts.count) {
        case ("add", 1): return .add
        case ("churn", 1):
            return .churn(every: .seconds(4), seed: UInt64.random(in: .min ... .max))
        case ("calm", 1): return .calm
        case ("remove", 2): return .remove(parts[1])
        case ("crash", 2): return .crash(parts[1])
        case ("fail", 2): return .fail(parts[1])
        case ("recover", 2): return .recover(parts[1])
        case ("start", 2): return .start(parts[1])
        default: return nil
        }
    }
}
