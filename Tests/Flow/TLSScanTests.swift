// A listener that speaks TLS, as a scanner and a browser see it.

import Testing

extension Flow {
    // Goal: what TLS is spoken is what the manual says and nothing else, and a browser likes it.
    // Method: sslscan, which tries all that there is, and chromium.
    @Suite struct TLSScans {
        @Test func `a scanner finds the versions, ciphers and groups that are meant, and no more`()
            throws
        {
            try withStage { stage in
                let port = try listener(stage)
                let scan = stage.hold(
                    try RunningProcess([
                        "sslscan", "--no-colour", "--no-check-certificate", "127.0.0.1:\(port)",
                    ]))
                #expect(try scan.waitForExit() == .status(0), "\(scan.transcript)")
                let found = scan.output.split(separator: "\n").map { line in
                    line.split(separator: " ").joined(separator: " ")
                }
                func lines(with part: String) -> [String] { found.filter { $0.contains(part) } }
                #expect(
                    lines(with: "abled") == [
                        "SSLv2 disabled", "SSLv3 disabled", "TLSv1.0 disabled", "TLSv1.1 disabled",
                        "TLSv1.2 enabled", "TLSv1.3 enabled",
                    ])
                #expect(lines(with: "renegotiation not") == ["Session renegotiation not supported"])
                #expect(lines(with: "vulnerable").allSatisfy { $0.contains("not vulnerable") })
                #expect(
                    lines(with: " bits ").map { line in
                        let words = line.split(separator: " ")
                        return words[0] == "Preferred" || words[0] == "Accepted"
                            ? "\(words[0]) \(words[1]) \(words[4])" : "\(words[0]) \(words[3])"
                    } == [
                        "Preferred TLSv1.3 TLS_AES_128_GCM_SHA256",
                        "Accepted TLSv1.3 TLS_AES_256_GCM_SHA384",
                        "Accepted TLSv1.3 TLS_CHACHA20_POLY1305_SHA256",
                        "Preferred TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256",
                        "Accepted TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256",
                        "Accepted TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384",
                        "Accepted TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384",
                        "Accepted TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305",
                        "Accepted TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305",
                        "TLSv1.3 secp256r1", "TLSv1.3 secp384r1", "TLSv1.3 x25519",
                        "TLSv1.2 secp256r1", "TLSv1.2 secp384r1", "TLSv1.2 x25519",
                    ])
            }
        }

        @Test func `a browser gets a page`() throws {
            try withStage { stage in
                let port = try listener(stage)
                let profile = stage.hold(try TemporaryFolder())
                let browser = stage.hold(
                    try RunningProcess([
                        "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                        "--no-first-run", "--user-data-dir=\(profile.path("profile"))",
                        "--ignore-certificate-errors", "--dump-dom",
                        "https://127.0.0.1:\(port)/page",
                    ]))
                #expect(try browser.waitForExit() == .status(0))
                #expect(browser.output.contains("GET /page"), "\(browser.transcript)")
            }
        }

        /// The port of a listener with a certificate of each kind, over a backend that shows what
        /// it was asked.
        private func listener(_ stage: Stage) throws -> UInt16 {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("ecdsa", for: ["web.test"])
            try files.make("rsa", for: ["web.test"], rsa: true)
            let backend = stage.hold(try ScriptedBackend.echoingHeads())
            let path = try folder.write(
                """
                admin: 127.0.0.1:\(try FreePort.take())
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    backends: ["127.0.0.1:\(backend.port)"]
                    tls: {certificates: [\(files.entry("ecdsa")), \(files.entry("rsa"))]}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
            try fairlead.waitForBackends(up: 1)
            return fairlead.port
        }
    }
}
