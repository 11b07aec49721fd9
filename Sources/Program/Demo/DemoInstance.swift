// DemoInstance: a tiny web server to balance over. It says its name, so that a client of the proxy
// sees who answered, and it can be made to fail in the ways that real instances do.

package import Endpoints
package import Events
internal import HTTPServer

/// One web instance. Loop thread only; `crash()` or `leave()` before it is released.
package final class DemoInstance {
    /// What it says of itself, such as `web-1`.
    package let name: String
    /// Where it serves; the same after a restart.
    package let endpoint: Endpoint
    /// Whether `/health` says 200 or 503. Other requests are answered all the same: an instance
    /// that is unwell says so before it breaks.
    package var isHealthy = true
    /// Requests answered, health checks apart, since it was made.
    package private(set) var requestCount = 0

    private unowned let loop: EventLoop
    private var server: HTTPServer?

    /// An instance that serves on `endpoint`; port 0 lets the kernel choose.
    ///
    /// - Throws: `Errno`, as when the port is in use.
    package init(_ name: String, on endpoint: Endpoint, _ loop: EventLoop) throws(Errno) {
        self.name = name
        self.loop = loop
        let answer = Answer()
        let server = try HTTPServer(on: endpoint, loop: loop) { answer($0) }
        self.server = server
        self.endpoint = server.endpoint
        answer.instance = self
    }

    /// Whether its port is open.
    package var isRunning: Bool { server != nil }

    /// Serves again on the same port; nothing happens while it is running.
    ///
    /// - Throws: `Errno` when somebody else has taken the port meanwhile.
    package func start() throws(Errno) {
        guard server == nil else { return }
        let answer = Answer()
        server = try HTTPServer(on: endpoint, loop: loop) { answer($0) }
        answer.instance = self
    }

    /// Closes everything at once, as a killed process does.
    package func crash() {
        server?.close()
        server = nil
    }

    /// Closes its port and ends after the requests that are under way.
    package func leave() {
        server?.drain()
        server = nil
    }

    /// Connects the server with the instance, since the server is made before the instance is
    /// initialized.
    private final class Answer {
        weak var instance: DemoInstance?

        func callAsFunction(_ request: HTTPServerRequest) -> HTTPServerResponse {
            instance?.respond(to: request) ?? HTTPServerResponse(status: 503, text: "gone")
        }
    }

    private func respond(to request: HTTPServerRequest) -> HTTPServerResponse {
        if request.path == "/health" {
            return isHealthy
                ? HTTPServerResponse(status: 200, text: "\(name) is well")
                : HTTPServerResponse(status: 503, text: "\(name) is unwell")
        }
        requestCount += 1
        return HTTPServerResponse(status: 200, text: "\(name), request \(requestCount)")
    }
}
