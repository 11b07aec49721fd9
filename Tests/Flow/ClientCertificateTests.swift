// Listeners that ask their clients for certificates, as clients and backends see them.

import Glibc
import TestSupport
import Testing

extension Flow {
    // Goal: backends are told who a client is by its certificate, no client can say so itself, and
    // everybody else is refused with a reason. Method: an authority made for the test, `curl` and
    // `openssl s_client`, and a backend that answers with the head that it got.
    @Suite struct ClientCertificates {
        private struct Site {
            let folder: TemporaryFolder
            let authority: CertificateAuthority
            let fairlead: Fairlead
            /// The port of a listener with TLS that asks for no certificate.
            let open: UInt16
            var port: UInt16 { fairlead.port }
        }

        /// Fairlead with a listener that asks for certificates as `clients` says, and with another
        /// one that does not.
        private func site(
            _ stage: Stage, _ clients: (CertificateAuthority) -> String, mode: String = "http"
        ) throws -> Site {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            try files.make("other", for: ["other.test"])
            let authority = stage.hold(try CertificateAuthority())
            try authority.issue(
                "client", to: "/O=Ac, me/CN=client \u{e9}", "DNS:client.test,URI:spiffe://a/b")
            try authority.issue("revoked", to: "/CN=revoked")
            try authority.issue("expired", to: "/CN=expired", days: -1)
            try authority.revoke("revoked")
            let backend = stage.hold(
                mode == "http"
                    ? try ScriptedBackend.echoingHeads()
                    : try ScriptedBackend { socket, _ in
                        while let line = try socket.receive(through: "\n") {
                            try socket.send(line)
                        }
                    })
            let open = try FreePort.take()
            let certificates = "certificates: [\(files.entry("web")), \(files.entry("other"))]"
            let path = try folder.write(
                """
                workers: 2
                admin: 127.0.0.1:\(try FreePort.take())
                access-log: {to: \(folder.path("access.log"))}
                services: {web: {backends: ["127.0.0.1:\(backend.port)"]}}
                listeners:
                  - name: closed
                    listen: "127.0.0.1:\(try FreePort.take())"
                    service: web
                    mode: \(mode)
                    tls: {\(certificates), client-certificates: {\(clients(authority))}}
                  - name: open
                    listen: "127.0.0.1:\(open)"
                    service: web
                    mode: \(mode)
                    tls: {\(certificates)}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(
                try Fairlead(arguments: ["run", "--config", path], listeners: 2))
            try fairlead.waitForBackends(up: 1)
            return Site(folder: folder, authority: authority, fairlead: fairlead, open: open)
        }

        private func rules(_ mode: String, lists: Bool = true) -> (CertificateAuthority) -> String {
            { authority in
                "mode: \(mode), ca-file: \(authority.path)"
                    + (lists ? ", crl-file: \(authority.list)" : "")
            }
        }

        /// What a client gets at `port`, with the certificate at `path` if there is one.
        private func ask(_ port: UInt16, _ path: String?, _ more: String...) throws -> String {
            let shown = path.map { ["--cert", $0] } ?? []
            let process = try RunningProcess(
                ["curl", "-sSk", "--max-time", "20"] + shown + more
                    + ["https://127.0.0.1:\(port)/"])
            _ = try process.waitForExit()
            return process.transcript
        }

        @Test func `a backend is told who the client is, and no client can say so itself`() throws {
            try withStage { stage in
                let site = try site(stage, rules("required"))
                let authority = site.authority
                let forged = [
                    "Client-Cert: :YQ==:", "client-cert-subject: CN=root", "Client_Cert_SAN: x",
                    "CLIENT-CERT-CHAIN: y", "Client-Cert-Anything: z",
                    "Connection: Client-Cert-Subject",
                ].flatMap { ["-H", $0] }
                let process = try RunningProcess(
                    ["curl", "-sSk", "--cert", authority.path("client")] + forged
                        + ["https://127.0.0.1:\(site.port)/"])
                _ = try process.waitForExit()
                let head = process.output.split(separator: "\r\n").map(String.init)
                let told = head.filter { $0.lowercased().hasPrefix("client") }
                let serial = try authority.said(of: "client", "-serial")
                let print = try authority.said(of: "client", "-fingerprint -sha256")
                let encoded = try RunningProcess.run([
                    "sh", "-c",
                    "openssl x509 -in \(authority.path("client")) -outform DER | base64 -w0",
                ])
                #expect(
                    told == [
                        "Client-Cert: :\(encoded):",
                        #"Client-Cert-Subject: CN=client \C3\A9,O=Ac\, me"#,
                        #"Client-Cert-SAN: "DNS:client.test", "URI:spiffe://a/b""#,
                        "Client-Cert-Serial: "
                            + serial.dropFirst("serial=".count).lowercased().dropLast(),
                        "Client-Cert-Fingerprint: "
                            + print.drop { $0 != "=" }.dropFirst().filter { $0.isHexDigit }
                            .lowercased(),
                    ], "\(process.transcript)")
                // Not by a listener that asks for none, either.
                let open = try RunningProcess(
                    ["curl", "-sSk", "--cert", authority.path("client")] + forged
                        + ["https://127.0.0.1:\(site.open)/"])
                _ = try open.waitForExit()
                #expect(open.output.contains("Host: "), "\(open.transcript)")
                #expect(!open.output.lowercased().contains("client-cert"))
                #expect(!open.output.lowercased().contains("client_cert"))
                try waitFor("the log") { () -> Bool? in
                    readFile(site.folder.path("access.log"))?.contains(
                        #""resumed":false,"certificate":"CN=client \\C3\\A9,O=Ac\\, me""#)
                        == true ? true : nil
                }
            }
        }

        @Test func `everybody else is refused, by each version, and counted by reason`() throws {
            try withStage { stage in
                let site = try site(stage, rules("required"))
                let authority = site.authority
                let stranger = stage.hold(try CertificateAuthority("stranger"))
                try stranger.issue("client", to: "/CN=client")
                let cases = [
                    ("no_client_certificate", nil, "certificate required"),
                    ("client_certificate_expired", authority.path("expired"), "expired"),
                    ("client_certificate_revoked", authority.path("revoked"), "revoked"),
                    ("client_certificate_untrusted", stranger.path("client"), "unknown ca"),
                ]
                for (reason, path, alert) in cases {
                    for version in ["1_2", "1_3"] {
                        let shown = path.map { "-cert \($0) -key \($0)" } ?? ""
                        let said = try openSSL(
                            port: site.port, "-ign_eof -tls\(version)", shown, input: "GET / \\r\\n"
                        )
                        // By 1.2 the alert for none is another one.
                        let isNamed = path != nil || version == "1_3"
                        #expect(
                            said.contains(isNamed ? alert : "alert"), "\(reason) \(version) \(said)"
                        )
                    }
                    let label = "listener=\"closed\",reason=\"\(reason)\""
                    try waitFor("the count of \(reason)") {
                        try site.fairlead.metric("fairlead_tls_failures_total", label) == 2
                            ? true : nil
                    }
                }
                // Whatever the name is that they ask for.
                for name in ["web.test", "other.test"] {
                    let options = ["--connect-to", "\(name)::127.0.0.1:\(site.port)"]
                    for (certificate, isServed) in [
                        ([], false), (["--cert", authority.path("client")], true),
                    ] {
                        let process = try RunningProcess(
                            ["curl", "-sSk"] + certificate + options
                                + ["https://\(name):\(site.port)/"])
                        _ = try process.waitForExit()
                        #expect(process.output.contains("Host: ") == isServed)
                    }
                }
            }
        }

        @Test(arguments: ["-tls1_3", "-tls1_2"])
        func `a session that is resumed keeps its client, and opens no other listener`(
            version: String
        ) throws {
            try withStage { stage in
                let site = try site(stage, rules("required"))
                let authority = site.authority
                let session = site.folder.path("session")
                let request =
                    "GET / HTTP/1.1\\r\\nHost: web.test\\r\\nConnection: close\\r\\n\\r\\n"
                func ask(_ port: UInt16, _ options: String) throws -> String {
                    try openSSL(
                        port: port, "-ign_eof -servername web.test", version, options,
                        input: request)
                }
                let certificate =
                    "-cert \(authority.path("client")) -key \(authority.path("client"))"
                let first = try ask(site.port, "\(certificate) -sess_out \(session)")
                #expect(first.contains("Client-Cert-Subject: CN=client"), "\(first)")
                // The session alone says who it is.
                let second = try ask(site.port, "-sess_in \(session)")
                #expect(second.contains("Reused, TLSv1"), "\(second)")
                #expect(second.contains("Client-Cert-Subject: CN=client"), "\(second)")
                #expect(second.contains("Client-Cert: :"), "\(second)")
                // Elsewhere it is none, and nobody's there is one here.
                let elsewhere = try ask(site.open, "-sess_in \(session)")
                #expect(elsewhere.contains("New, TLSv1") && elsewhere.contains("200 OK"))
                #expect(!elsewhere.contains("Client-Cert"))
                _ = try ask(site.open, "-sess_out \(session)")
                let brought = try ask(site.port, "-sess_in \(session)")
                #expect(!brought.contains("200 OK"), "\(brought)")
                // A new list of revoked ones ends the sessions of before.
                _ = try ask(site.port, "\(certificate) -sess_out \(session)")
                try authority.revoke("client")
                site.fairlead.process.signal(SIGHUP)
                try waitFor("the list") {
                    try ask(site.port, "-sess_in \(session)").contains("200 OK") ? nil : true
                }
            }
        }

        @Test func `new authorities and lists are taken up by themselves, and no broken ones`()
            throws
        {
            try withStage { stage in
                let site = try site(stage, rules("required"))
                let (authority, fairlead) = (site.authority, site.fairlead)
                func isLetIn(_ path: String) throws -> Bool {
                    try ask(site.port, path).contains("Host: ")
                }
                let client = authority.path("client")
                #expect(try isLetIn(client))
                let ends = try fairlead.metric("fairlead_crl_expiry_timestamp_seconds")
                #expect(abs(ends - Double(time(nil)) - 5 * 86_400) < 3600)

                // Half of a list: what it says is not known.
                _ = try RunningProcess.run(["truncate", "-s", "200", authority.list])
                try fairlead.process.waitForOutput(containing: "certificate.refused")
                try fairlead.expectMetric("fairlead_certificate_files_refused", is: 1)
                let stats = try fairlead.page("/stats").body
                #expect(stats.contains(#""level":"warning""#))
                #expect(stats.contains("crl.pem: list 1 can't be read"), "\(stats)")
                #expect(try isLetIn(client))
                #expect(try !isLetIn(authority.path("revoked")))

                // Another client is revoked, by a file that is put in the place of the broken one.
                try authority.revoke("client")
                try fairlead.process.waitForOutput(containing: "certificate.mended")
                try fairlead.process.waitForErrors(containing: "certificate.authorities")
                #expect(try fairlead.metric("fairlead_certificate_files_refused") == 0)
                #expect(try fairlead.page("/stats").body.contains(#""level":"good""#))
                // Workers hear of it after the log.
                try waitFor("the new list to count") { try isLetIn(client) ? nil : () }

                // Another authority beside the first one, whose list there has to be as well.
                let other = stage.hold(try CertificateAuthority("other"))
                try other.issue("other", to: "/CN=other")
                try other.revoke()
                #expect(try !isLetIn(other.path("other")))
                _ = try RunningProcess.run([
                    "sh", "-c",
                    """
                    cat \(other.list) >>\(authority.list)
                    cat \(authority.path) \(other.path) >\(authority.path).new
                    mv \(authority.path).new \(authority.path)
                    """,
                ])
                try waitFor("the other authority") {
                    try isLetIn(other.path("other")) ? true : nil
                }
                #expect(!fairlead.process.errors.contains("process.reloading"))
            }
        }

        @Test func `where it may be left out, a client without one is nobody`() throws {
            try withStage { stage in
                let site = try site(stage, rules("optional", lists: false))
                let authority = site.authority
                let none = try ask(site.port, nil, "-H", "Client-Cert-Subject: CN=root")
                #expect(none.contains("Host: ") && !none.contains("Client-Cert"), "\(none)")
                let one = try ask(site.port, authority.path("client"))
                #expect(one.contains("Client-Cert-Subject: CN=client"), "\(one)")
                // What is shown has to verify.
                #expect(try !ask(site.port, authority.path("expired")).contains("Host: "))
            }
        }

        @Test func `TCP is relayed for those with a certificate alone`() throws {
            try withStage { stage in
                let site = try site(stage, rules("required"), mode: "tcp")
                let path = site.authority.path("client")
                let said = try openSSL(
                    port: site.port, "-quiet -no_ign_eof -cert \(path) -key \(path)",
                    input: "hello\\n")
                let none = try openSSL(port: site.port, "-quiet", input: "hello\\n")
                #expect(none.contains("alert"), "\(none)")
                _ = said
                try waitFor("the log") { () -> Bool? in
                    let lines = readFile(site.folder.path("access.log"))?.split(separator: "\n")
                    return lines?.contains { $0.contains("\"certificate\":\"CN=client") } == true
                        ? true : nil
                }
                try site.fairlead.expectMetric(
                    "fairlead_tls_failures_total",
                    "listener=\"closed\",reason=\"no_client_certificate\"", is: 1)
            }
        }
    }
}
