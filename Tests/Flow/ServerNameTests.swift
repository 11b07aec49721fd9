// TLS passed on by the name that the client asks for, between OpenSSL and curl.

internal import FoundationEssentials
internal import Glibc
import Testing

extension Flow {
    // Goal: a real client gets the server that it asks for, whose certificate is the proof, and
    // none where there is none. Method: two servers of OpenSSL's behind one port.
    @Suite struct ServerNames {
        /// A server with a certificate of its own, for `name`.
        private func server(_ name: String, _ stage: Stage) throws -> UInt16 {
            let folder = stage.hold(try TemporaryFolder())
            let (key, certificate) = (folder.path("key.pem"), folder.path("cert.pem"))
            let request = try RunningProcess([
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
                "-keyout", key, "-out", certificate,
            ])
            #expect(try request.waitForExit() == .status(0))
            let port = try FreePort.take()
            let server = stage.hold(
                try RunningProcess([
                    "openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-www", "-alpn",
                    "http/1.1", "-key", key, "-cert", certificate,
                ]))
            try server.waitForOutput(containing: "ACCEPT")
            return port
        }

        private func subject(_ port: UInt16, _ name: [String]) throws -> String {
            let client = try RunningProcess(
                ["openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + name)
            _ = try client.waitForExit()
            return client.transcript
        }

        @Test func `clients of TLS get the server that they ask for`() throws {
            try withStage { stage in
                let (one, two) = (try server("one", stage), try server("two", stage))
                let folder = stage.hold(try TemporaryFolder())
                let file = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    services:
                      one: {backends: ["127.0.0.1:\(one)"]}
                      two: {backends: ["127.0.0.1:\(two)"]}
                    listeners:
                      - listen: "127.0.0.1:\(try FreePort.take())"
                        mode: tcp
                        routes:
                          - {sni: one.example, service: one}
                          - {sni: "*.example", service: two}
                          - {alpn: acme-tls/1, service: one}
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                try fairlead.waitForBackends(up: 2)
                let port = fairlead.port
                for version in ["-tls1_2", "-tls1_3"] {
                    #expect(
                        try subject(port, ["-servername", "one.example", version])
                            .contains("CN = one"))
                    #expect(
                        try subject(port, ["-servername", "x.Example", version])
                            .contains("CN = two"))
                }
                #expect(
                    try subject(port, ["-servername", "c.test", "-alpn", "acme-tls/1,http/1.1"])
                        .contains("CN = one"))
                let unknown = try subject(port, ["-servername", "c.test"])
                #expect(unknown.contains("unrecognized name"))
                #expect(!unknown.contains("CN ="))
                #expect(try !subject(port, ["-noservername"]).contains("CN ="))
                let curl = try RunningProcess([
                    "curl", "-skv", "--connect-to", "y.example:443:127.0.0.1:\(port)",
                    "https://y.example/",
                ])
                #expect(try curl.waitForExit() == .status(0))
                #expect(curl.transcript.contains("CN=two"))
                #expect(curl.output.contains("s_server"))
                // A client that speaks no TLS is told apart from one that asks for another name.
                let plain = try RunningProcess(["curl", "-s", "http://127.0.0.1:\(port)/"])
                #expect(try plain.waitForExit() != .status(0))
                try fairlead.expectMetric(
                    "fairlead_listener_failed_arrivals_total", "reason=\"malformed\"", is: 1)
                try fairlead.expectMetric("fairlead_listener_unrouted_requests_total", is: 2)
            }
        }
    }
}
