// The admin port by TLS, as curl, an operator's commands and clients with certificates see it.

import Glibc
import TestSupport
import Testing

extension Flow {
    // Goal: the admin port speaks TLS and nothing else, lets in a token or a client's certificate,
    // and takes up new certificates. Method: an authority made for the test, curl, and Fairlead's
    // own commands.
    @Suite struct AdminSecurity {
        private struct Site {
            let folder: TemporaryFolder
            let files: CertificateFiles
            let authority: CertificateAuthority
            let process: RunningProcess
            let config: String
            let port: UInt16
        }

        private func site(_ stage: Stage, _ admin: (CertificateAuthority) -> String) throws -> Site
        {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("admin", for: ["localhost", "admin.test"])
            let authority = stage.hold(try CertificateAuthority())
            try authority.issue("operator", to: "/CN=operator")
            let web = try stage.web("one")
            let port = try FreePort.take()
            let config = try folder.write(
                """
                workers: 1
                admin:
                  listen: "127.0.0.1:\(port)"
                  hosts: [admin.test]
                  tls: {certificates: \(files.path("admin"))\(admin(authority))}
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    backends: ["127.0.0.1:\(web[0].port)"]
                """, to: "f.yaml")
            let process = stage.hold(
                try RunningProcess([try Fairlead.program(), "run", "--config", config]))
            try process.waitForOutput(containing: "admin.open")
            return Site(
                folder: folder, files: files, authority: authority, process: process,
                config: config, port: port)
        }

        private func said(_ arguments: [String]) throws -> (RunningProcess.Exit, String) {
            let process = try RunningProcess(arguments)
            return (try process.waitForExit(), process.transcript)
        }

        private func status(_ site: Site, _ path: String, _ more: String...) throws -> String {
            try said(
                ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20"]
                    + ["--cacert", site.files.path("admin"), "--resolve"]
                    + ["admin.test:\(site.port):127.0.0.1"] + more
                    + ["https://admin.test:\(site.port)\(path)"]
            ).1
        }

        @Test func `the port speaks TLS alone, and follows its certificate`() throws {
            try withStage { stage in
                let site = try site(stage) { _ in "" }
                #expect(try status(site, "/stats") == "200")
                let plain = try get("/stats", port: site.port)
                #expect(plain.status == 400)
                #expect(plain.body.contains("write https:// in place of http://"))
                // By the configuration, and by hand.
                #expect(
                    try said([Fairlead.program(), "ready", "--config", site.config]).0
                        == .status(0))
                let top = [try Fairlead.program(), "top", "--once"]
                let trusted = ["--ca-file", site.files.path("admin")]
                let shown = try said(
                    top + trusted + ["--admin", "https://localhost:\(site.port)"])
                #expect(shown.0 == .status(0), "\(shown.1)")
                let stranger = try said(top + ["--admin", "https://localhost:\(site.port)"])
                #expect(stranger.0 == .status(1))
                #expect(stranger.1.contains("certificate"), "\(stranger.1)")
                let wrong = try said(top + trusted + ["--admin", "https://127.0.0.1:\(site.port)"])
                #expect(wrong.0 == .status(1), "\(wrong.1)")
                // Another certificate, by a reload.
                let before = try openSSL(port: site.port, "-servername admin.test")
                try site.files.make("admin", for: ["localhost", "admin.test"])
                site.process.signal(SIGHUP)
                try waitFor("the new certificate") { () -> Bool? in
                    let now = try openSSL(port: site.port, "-servername admin.test")
                    let line = { (text: String) in
                        text.split(separator: "\n").first { $0.hasPrefix("MII") }
                    }
                    return line(now) != line(before) && line(now) != nil ? true : nil
                }
                #expect(try status(site, "/stats") == "200")
            }
        }

        @Test func `a certificate lets in as a token does, and nobody else comes in`() throws {
            try withStage { stage in
                let site = try site(stage) {
                    ", client-certificates: {mode: optional, ca-file: \($0.path)}"
                }
                let certificate = site.authority.path("operator")
                // What needs no token needs no certificate.
                #expect(try status(site, "/health/live") == "200")
                #expect(try status(site, "/stats") == "401")
                #expect(try status(site, "/stats", "--cert", certificate) == "200")
                #expect(try status(site, "/reload", "-X", "POST") == "401")
                #expect(
                    try status(site, "/reload", "-X", "POST", "--cert", certificate) == "200")
                let top = try said([
                    Fairlead.program(), "top", "--once", "--admin",
                    "https://localhost:\(site.port)", "--ca-file", site.files.path("admin"),
                    "--cert", certificate,
                ])
                #expect(top.0 == .status(0), "\(top.1)")
            }
        }

        @Test func `a certificate may be required, beside the token or alone`() throws {
            try withStage { stage in
                let site = try site(stage) {
                    ", client-certificates: {mode: required, ca-file: \($0.path)}"
                }
                let certificate = site.authority.path("operator")
                #expect(try status(site, "/health/live").contains("alert certificate required"))
                #expect(try status(site, "/stats", "--cert", certificate) == "200")
            }
        }
    }
}
