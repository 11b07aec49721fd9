// How clients are brought to HTTPS, and told to stay there.

import Glibc
import TestSupport
import Testing

extension Flow {
    // Goal: every plain request is sent to HTTPS by one line, and answers by TLS, and those alone,
    // say how long that holds. Method: `curl` at a plain listener and at one with TLS, before
    // backends that say something themselves or nothing.
    @Suite struct HTTPSOnly {
        private struct Site {
            let fairlead: Fairlead
            let plain: UInt16
            var secure: UInt16 { fairlead.port }
        }

        private func site(
            _ stage: Stage, secure: String, plain: String = "", target: String = "https"
        ) throws -> Site {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            let backend = stage.hold(
                try ScriptedBackend { socket, _ in
                    while let head = try socket.receive(through: "\r\n\r\n") {
                        let own =
                            head.contains("/own")
                            ? "Strict-Transport-Security: max-age=7\r\n" : ""
                        try socket.send(
                            "HTTP/1.1 200 OK\r\n\(own)Content-Length: 2\r\n\r\nok")
                    }
                })
            let port = try FreePort.take()
            let path = try folder.write(
                """
                workers: 1
                admin: 127.0.0.1:\(try FreePort.take())
                services: {web: {backends: ["127.0.0.1:\(backend.port)"]}}
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    service: web
                    tls: {certificates: [\(files.entry("web"))]}
                    \(secure)
                  - {listen: "127.0.0.1:\(port)", redirect: \(target)\(plain)}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(
                try Fairlead(arguments: ["run", "--config", path], listeners: 2))
            try fairlead.waitForBackends(up: 1)
            return Site(fairlead: fairlead, plain: port)
        }

        /// The head of the answer to a request.
        private func head(_ url: String, _ more: String...) throws -> String {
            let process = try RunningProcess(
                ["curl", "-sSk", "-o", "/dev/null", "-D", "-", "--max-time", "20"] + more + [url])
            _ = try process.waitForExit()
            return process.transcript.lowercased()
        }

        @Test(arguments: [
            ("https", "https://web.test", 308), ("https:8443", "https://web.test:8443", 308),
            ("{to: https, status: 301}", "https://web.test", 301),
            (#""https://other.test{path}""#, "https://other.test", 302),
        ])
        func `a plain listener sends everything on by one line`(
            target: String, location: String, status: Int
        ) throws {
            try withStage { stage in
                let site = try site(
                    stage, secure: "",
                    plain: ", routes: [{path: /here, respond: {status: 204}}], hsts: 24h",
                    target: target)
                let base = "http://127.0.0.1:\(site.plain)"
                for method in ["GET", "POST"] {
                    let said = try head(
                        "\(base)/a%20b?c=d", "-X", method, "-H", "Host: Web.test:8080")
                    #expect(said.hasPrefix("http/1.1 \(status) "), "\(said)")
                    let query = target.contains("{path}") ? "" : "?c=d"
                    #expect(said.contains("\r\nlocation: \(location)/a%20b\(query)\r\n"), "\(said)")
                    // Not without TLS.
                    #expect(!said.contains("strict-transport"))
                }
                #expect(try head("\(base)/here").hasPrefix("http/1.1 204 "))
            }
        }

        @Test func `answers by TLS say how long it holds, each once, and leave a backend's own`()
            throws
        {
            try withStage { stage in
                let site = try site(
                    stage,
                    secure: """
                        hsts: {max-age: 8760h, include-subdomains: on, preload: on}
                            routes:
                              - {path: /short, hsts: 60s, service: web}
                              - {path: /over/own, hsts: {max-age: 0s, override: on}, service: web}
                              - {path: /reply, respond: {status: 200}}
                              - path: /edited
                                response-headers: {add: {X-A: b}}
                                service: web
                        """)
                let full = "max-age=31536000; includesubdomains; preload"
                for (path, value) in [
                    ("/", full), ("/own", "max-age=7"), ("/short", "max-age=60"),
                    ("/over/own", "max-age=0"), ("/reply", full), ("/edited", full),
                ] {
                    for version in ["1.1", "2"] {
                        let said = try head(
                            "https://127.0.0.1:\(site.secure)\(path)", "--http\(version)")
                        #expect(said.hasPrefix("http/\(version) 200 "), "\(path): \(said)")
                        let lines = said.split(separator: "\r\n").filter {
                            $0.hasPrefix("strict-transport-security: ")
                        }
                        #expect(
                            lines == ["strict-transport-security: \(value)"], "\(path): \(said)")
                    }
                }
                // Fairlead's own errors too.
                let refused = try head(
                    "https://127.0.0.1:\(site.secure)/a%2e%2e", "-X", "CONNECT", "--http1.1")
                #expect(refused.contains("strict-transport-security: max-age=31536000"))
            }
        }
    }
}
