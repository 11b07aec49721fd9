// What nobody must read: secrets, and what clients send.

internal import Glibc
internal import TestSupport
internal import Testing

extension Flow {
    // Goal: no secret and no body of a request is ever written or shown. Method: a configuration
    // full of them, requests that carry some, reloads that are good and bad, and all that the
    // program says in any way.
    @Suite struct Secrets {
        private static let token = "Authorization: Bearer verysecret-admin-token"

        private func text(port: UInt16, admin: UInt16, backend: UInt16) -> String {
            """
            workers: 1
            log: {level: debug}
            admin: {listen: "127.0.0.1:\(admin)", token: verysecret-admin-token}
            consul: {token: verysecret-consul-token}
            access-log: {to: stdout}
            services:
              web:
                backends: ["127.0.0.1:\(backend)"]
                check: {path: /, headers: {Authorization: "Bearer verysecret-check"}}
                sticky: {cookie: at, secret: verysecret-sticky}
            listeners:
              - listen: "127.0.0.1:\(port)"
                routes:
                  - path-prefix: /
                    service: web
                    request-headers: {set: {Authorization: "Basic verysecret-route"}}

            """
        }

        private func sendSecrets(to port: UInt16) throws {
            let client = try HTTPConnection(port: port)
            for path in ["/", "/?a=b", "/x"] {
                _ = try client.request(
                    "POST", path,
                    headers: [
                        "Authorization: Bearer verysecret-client", "Cookie: s=verysecret-cookie",
                        "Content-Length: 15",
                    ], body: "verysecret-body")
            }
            let malformed = try RawSocket(port: port)
            try malformed.send("GET verysecret-line\r\nX-Y verysecret-field\r\n\r\n")
            _ = try malformed.receiveToEnd()
        }

        private func page(
            _ path: String, at admin: UInt16, method: String = "GET", token: String = token
        ) throws -> String {
            try HTTPConnection(port: admin, host: "127.0.0.1:\(admin)")
                .request(method, path, headers: [token, "Connection: close"]).body
        }

        @Test func `no secret and no body is logged or shown`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let web = try stage.web("one")
                let (port, admin) = (try FreePort.take(), try FreePort.take())
                let text = text(port: port, admin: admin, backend: web[0].port)
                let file = try folder.write(text, to: "fairlead.yaml")
                let process = stage.hold(try Fairlead.start(["run", "--config", file]))
                try waitFor("traffic; \(process.transcript)") { () -> Void? in
                    (try? get(port: port))?.status == 200 ? () : nil
                }
                try sendSecrets(to: port)
                _ = try page("/stats", at: admin, token: "Authorization: Bearer verysecret-wrong")

                func reload() throws -> String { try page("/reload", at: admin, method: "POST") }
                #expect(try reload().contains("Nothing is different"))
                try folder.write(text + "consul: {token: verysecret-twice}\n", to: "fairlead.yaml")
                var shown = try reload()
                #expect(shown.contains("refused"))
                let other = text.replacing("verysecret-sticky", with: "verysecret-other")
                try folder.write(other, to: "fairlead.yaml")
                shown += try reload()
                #expect(shown.contains("web"))
                for path in [
                    "/", "/stats", "/services", "/backends", "/discovery", "/config", "/metrics",
                ] {
                    shown += try page(path, at: admin)
                }
                #expect(shown.contains("backends:"), "the configuration is among it")
                process.signal(SIGTERM)
                #expect(try process.waitForExit() == .status(0))
                #expect(process.output.contains("POST"), "the access log is among it")
                for said in [process.output, process.errors, shown] {
                    let lines = said.split(separator: "\n").filter { $0.contains("verysecret") }
                    #expect(lines.isEmpty, "\(lines)")
                }
            }
        }
    }
}
