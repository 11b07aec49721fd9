// WebSockets as real clients and a real server speak them (WebSocket/peer.py).

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: a WebSocket works through Fairlead by HTTP/1.1 and in a stream of HTTP/2, in the clear
    // and by TLS. Method: the program before a server of `websockets`, with clients of
    // `websockets` and `h2`.
    @Suite struct WebSockets {
        private static let script = PackageFolder.path + "/Tests/Flow/WebSocket/peer.py"

        /// Python, with the modules of Debian.
        private func peer(_ arguments: String...) throws -> RunningProcess {
            try RunningProcess(["/usr/bin/python3", Self.script] + arguments)
        }

        @Test func `messages go there and back by HTTP/1 and HTTP/2, in the clear and by TLS`()
            throws
        {
            try withStage { stage in
                let backend = try FreePort.take()
                let server = stage.hold(try peer("server", "\(backend)"))
                try server.waitForOutput(containing: "ready\n")
                let folder = stage.hold(try TemporaryFolder())
                let files = stage.hold(try CertificateFiles())
                try files.make("web", for: ["web.test"])
                let secure = try FreePort.take()
                let path = try folder.write(
                    """
                    workers: 1
                    admin: 127.0.0.1:\(try FreePort.take())
                    services:
                      web: {backends: ["127.0.0.1:\(backend)"], check: {type: tcp}}
                    listeners:
                      - listen: "127.0.0.1:\(try FreePort.take())"
                        service: web
                      - listen: "127.0.0.1:\(secure)"
                        service: web
                        tls: {certificates: [\(files.entry("web"))]}
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", path], listeners: 2))
                try fairlead.waitForBackends(up: 1)
                for client in ["http1", "http2"] {
                    for url in [
                        "ws://127.0.0.1:\(fairlead.port)/", "wss://127.0.0.1:\(secure)/",
                    ] {
                        let asked = try peer(client, url, "one", "a longer one")
                        #expect(
                            try asked.waitForExit() == .status(0), "\(client) \(url)")
                        #expect(asked.output == "one\na longer one\necho 1000\n")
                    }
                }
                try fairlead.expectMetric("fairlead_upgrades_total", is: 4)
                try fairlead.expectMetric("fairlead_failed_requests_total", is: 0)
            }
        }
    }
}
