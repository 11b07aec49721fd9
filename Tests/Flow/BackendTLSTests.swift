// Backends that speak TLS, of other makes: Python's ssl, nginx and OpenSSL's s_server.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: a backend that proves who it is gets requests, streams and checks by TLS; one that
    // does not gets none, and everybody learns why. Method: the program over servers with
    // certificates that `openssl` has made, right and wrong ones.
    @Suite struct BackendTLS {
        /// Fairlead over a service `web` at `localhost`, with `tls` and other options of it.
        private func fairlead(
            _ stage: Stage, _ folder: TemporaryFolder, over ports: [UInt16], tls: String,
            _ more: String = "", mode: String = "http", isUp: Bool = true
        ) throws -> Fairlead {
            let backends = ports.map { "\"localhost:\($0)\"" }.joined(separator: ", ")
            let file = try folder.write(
                """
                workers: 1
                admin: 127.0.0.1:\(try FreePort.take())
                access-log: {to: \(folder.path("access.log"))}
                services:
                  web:
                    backends: [\(backends)]
                    addresses: ipv4
                    tls: \(tls)
                    \(more)
                listeners:
                  - {listen: "127.0.0.1:\(try FreePort.take())", mode: \(mode), service: web}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
            if isUp { try fairlead.waitForBackends(up: ports.count) }
            return fairlead
        }

        private func failures(_ fairlead: Fairlead, _ reason: String) throws -> Double {
            try fairlead.metric("fairlead_backend_tls_failures_total", "reason=\"\(reason)\"")
        }

        private func handshakes(_ fairlead: Fairlead, _ type: String) throws -> Double {
            try fairlead.metric("fairlead_backend_tls_handshakes_total", "type=\"\(type)\"")
        }

        @Test("requests, bodies and upgrades go by TLS", arguments: ["1.2", "1.3"])
        func requests(version: String) throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:localhost")
                let server = stage.hold(
                    try SecureServer(pair, of: authority, "--max \(version)"))
                let fairlead = try fairlead(
                    stage, folder, over: [server.port], tls: "{ca-file: \(authority.file)}",
                    "check: {path: /health}")
                for number in 1...3 {
                    let said = try get(port: fairlead.port).body
                    #expect(
                        said.contains("version=TLSv\(version) name=localhost protocol=http/1.1"))
                    #expect(said.hasSuffix("request=\(number)"), "\(said)")
                }
                let large = try get("/bytes/3000000", port: fairlead.port)
                #expect(large.status == 200 && large.body.utf8.count == 3_000_000)
                let body = String(repeating: "y", count: 2_000_000)
                let file = try folder.write(body, to: "body")
                let back = try curl(
                    "--data-binary", "@\(file)", "http://127.0.0.1:\(fairlead.port)/")
                #expect(back.exit == .status(0) && back.said == body)
                #expect(try handshakes(fairlead, "full") == 1)

                let socket = try RawSocket(port: fairlead.port)
                try socket.send(
                    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
                var got = ""
                while !got.contains("\r\n\r\n") {
                    got += String(decoding: try socket.receive(), as: UTF8.self)
                }
                #expect(got.hasPrefix("HTTP/1.1 101"))
                try socket.send("over there")
                socket.endSending()
                got = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
                #expect(got == "over there")
            }
        }

        @Test func `sessions are resumed by those that come later, and tickets end nothing`()
            throws
        {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:localhost")
                // The connection ends after two requests, as it may at any time.
                let server = stage.hold(try SecureServer(pair, of: authority, "--requests 2"))
                let fairlead = try fairlead(
                    stage, folder, over: [server.port], tls: "{ca-file: \(authority.file)}")
                for _ in 0..<10 {
                    // It may meet the connection of before, and is sent again then.
                    let first = try get(port: fairlead.port).body
                    #expect(first.contains("request=1"), "\(first)")
                    // It may not be sent twice: a connection with a ticket on it is still used.
                    let second = try curl("-d", "", "-X", "PATCH", "127.0.0.1:\(fairlead.port)")
                    #expect(second.said.contains("request=2"), "\(second.said)")
                }
                try expectSoon([1, 9]) {
                    try ["full", "resumed"].map { try handshakes(fairlead, $0) }
                }
                #expect(try fairlead.metric("fairlead_failed_requests_total") == 0)
            }
        }

        @Test func `a certificate that does not verify is answered 502, with rule and name`()
            throws
        {
            try withStage { stage in
                let authority = try TestAuthority()
                let stranger = try TestAuthority()
                let web = try authority.issue("web", for: "DNS:localhost")
                let old = try authority.issue("old", for: "DNS:localhost", days: -1)
                let own = try authority.selfSigned("own", for: "DNS:localhost")
                for (pair, file, name, reason, words) in [
                    (old, authority.file, "", "outdated", "/CN=old has expired, on 20"),
                    (own, authority.file, "", "unknown_issuer", "/CN=own is self-signed"),
                    (web, stranger.file, "", "unknown_issuer", "from no trusted authority"),
                    (
                        web, authority.file, ", name: b.test", "wrong_name",
                        "is for localhost; expected one for b.test"
                    ),
                ] {
                    let folder = stage.hold(try TemporaryFolder())
                    let server = stage.hold(try SecureServer(pair, of: authority))
                    let fairlead = try fairlead(
                        stage, folder, over: [server.port], tls: "{ca-file: \(file)\(name)}",
                        "check: {type: 'off'}")
                    let answer = try get(port: fairlead.port)
                    #expect(answer.status == 502)
                    #expect(answer.body.contains("A backend of service web can't be trusted: "))
                    #expect(answer.body.contains(words), "\(answer.body)")
                    try expectSoon(1) { try failures(fairlead, reason) }
                    #expect(try handshakes(fairlead, "full") == 0)
                    try waitFor("the log") { () -> Void? in
                        (readFile(folder.path("access.log")) ?? "").contains("\"BV\"") ? () : nil
                    }
                    try waitFor("the page") { () -> Void? in
                        try fairlead.page("/backends").body.contains(words) ? () : nil
                    }
                }
            }
        }

        @Test func `a check fails as a request would, and says why`() throws {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("old", for: "DNS:localhost", days: -1)
                let server = stage.hold(try SecureServer(pair, of: authority))
                for check in ["check: {path: /health}", "check: {type: tcp}"] {
                    let folder = stage.hold(try TemporaryFolder())
                    let fairlead = try fairlead(
                        stage, folder, over: [server.port], tls: "{ca-file: \(authority.file)}",
                        check, isUp: false)
                    let words = "no secure connection: the certificate /CN=old has expired"
                    try waitFor("the check's failure") { () -> Void? in
                        try fairlead.page("/backends").body.contains(words) ? () : nil
                    }
                    // A backend that only checks speak against is tried when there is no other.
                    #expect([502, 503].contains(try get(port: fairlead.port).status))
                }
            }
        }

        @Test func `a certificate is shown where one is wanted, and its lack is told`() throws {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:localhost")
                let owner = try authority.issue("owner", for: "DNS:owner.test")
                for version in ["1.2", "1.3"] {
                    let folder = stage.hold(try TemporaryFolder())
                    let server = stage.hold(
                        try SecureServer(
                            pair, of: authority,
                            "--client-ca \(authority.file) --max \(version)"))
                    let shown = "certificate: {cert: \(owner.cert), key: \(owner.key)}"
                    let good = try fairlead(
                        stage, folder, over: [server.port],
                        tls: "{ca-file: \(authority.file), \(shown)}", "check: {path: /}")
                    #expect(try get(port: good.port).body.contains("client=owner"))
                    let bare = try fairlead(
                        stage, folder, over: [server.port], tls: "{ca-file: \(authority.file)}",
                        "check: {type: 'off'}")
                    // No method may be sent twice in doubt; here there is none.
                    let answer = try curl("-d", "x", "-i", "http://127.0.0.1:\(bare.port)/")
                    #expect(answer.said.contains(" 502 "), "\(answer.said)")
                    #expect(answer.said.contains("localhost refused the connection: "))
                    let reason = version == "1.3" ? "certificate_wanted" : "refused"
                    try expectSoon(1) { try failures(bare, reason) }
                }
            }
        }

        @Test(
            "nginx gets requests and checks, and sees who asks", arguments: ["TLSv1.2", "TLSv1.3"])
        func nginx(version: String) throws {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:localhost")
                let owner = try authority.issue("owner", for: "DNS:owner.test")
                let server = stage.hold(
                    try Nginx(
                        "$ssl_protocol $ssl_server_name $ssl_client_s_dn $connection_requests",
                        securedBy: pair,
                        "ssl_protocols \(version); ssl_client_certificate \(authority.file); "
                            + "ssl_verify_client on;"))
                let folder = stage.hold(try TemporaryFolder())
                let shown = "certificate: {cert: \(owner.cert), key: \(owner.key)}"
                let good = try fairlead(
                    stage, folder, over: [server.port],
                    tls: "{ca-file: \(authority.file), \(shown)}", "check: {path: /health}")
                for number in 1...3 {
                    #expect(
                        try get(port: good.port).body == "\(version) localhost CN=owner \(number)")
                }
                #expect(try handshakes(good, "full") == 1)
                // A new process at the same port: kept connections and sessions are worth nothing.
                try server.kill()
                try server.start()
                try good.waitForBackends(up: 1)
                #expect(try get(port: good.port).body.contains("CN=owner"))
                // nginx refuses by an answer: a check sees it, and so does a client.
                let bare = try fairlead(
                    stage, folder, over: [server.port], tls: "{ca-file: \(authority.file)}",
                    "check: {path: /health}", isUp: false)
                try waitFor("the check's failure") { () -> Void? in
                    try bare.page("/backends").body.contains("400") ? () : nil
                }
                #expect(try get(port: bare.port).body.contains("No required SSL certificate"))
            }
        }

        @Test("OpenSSL's own server is a backend", arguments: ["1_2", "1_3"])
        func openssl(version: String) throws {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:localhost")
                let owner = try authority.issue("owner", for: "DNS:owner.test")
                let port = try FreePort.take()
                let server = stage.hold(
                    try RunningProcess([
                        "openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-www",
                        "-tls\(version)", "-cert", pair.cert, "-key", pair.key, "-Verify", "1",
                        "-verify_return_error", "-CAfile", authority.file,
                    ]))
                try server.waitForOutput(containing: "ACCEPT")
                let folder = stage.hold(try TemporaryFolder())
                let shown = "certificate: {cert: \(owner.cert), key: \(owner.key)}"
                let good = try fairlead(
                    stage, folder, over: [port],
                    tls: "{ca-file: \(authority.file), \(shown)}", "check: {path: /}")
                // It ends each connection with its answer, so every request has a handshake.
                for _ in 1...3 {
                    let said = try get(port: good.port).body
                    #expect(said.contains("Protocol  : TLSv1.\(version.suffix(1))"), "\(said)")
                    #expect(said.contains("Subject: CN=owner"), "\(said)")
                }
                #expect(try handshakes(good, "resumed") > 0)
                let bare = try fairlead(
                    stage, folder, over: [port], tls: "{ca-file: \(authority.file)}",
                    "check: {type: 'off'}")
                let answer = try curl("-d", "x", "-i", "http://127.0.0.1:\(bare.port)/")
                #expect(answer.said.contains(" 502 "), "\(answer.said)")
                #expect(answer.said.contains("localhost refused the connection: "))
            }
        }

        @Test func `TCP goes by TLS, whichever side speaks first, and each side may end its own`()
            throws
        {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:localhost")
                let server = stage.hold(
                    try SecureServer(pair, of: authority, "--mode greet --proxy"))
                let folder = stage.hold(try TemporaryFolder())
                let fairlead = try fairlead(
                    stage, folder, over: [server.port], tls: "{ca-file: \(authority.file)}",
                    "send-proxy: v1", mode: "tcp")
                let socket = try RawSocket(port: fairlead.port)
                var got: [UInt8] = []
                while got.count < 6 { got += try socket.receive() }
                #expect(String(decoding: got, as: UTF8.self) == "hello\n")
                let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
                for _ in 0..<20 {
                    try socket.send(bytes)
                    got = []
                    while got.count < bytes.count { got += try socket.receive() }
                    #expect(got == bytes)
                }
                try socket.send("last")
                socket.endSending()
                #expect(String(decoding: try socket.receiveToEnd(), as: UTF8.self) == "last")
                #expect(try handshakes(fairlead, "full") + handshakes(fairlead, "resumed") == 1)

                let bad = try self.fairlead(
                    stage, folder, over: [server.port],
                    tls: "{ca-file: \(authority.file), name: b.test}", "send-proxy: v1",
                    mode: "tcp", isUp: false)
                try waitFor("the check's failure") { () -> Void? in
                    try bad.page("/backends").body.contains("expected one for b.test") ? () : nil
                }
            }
        }

        @Test func `a reload takes up other options and files, and verification can be off`() throws
        {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:localhost")
                let server = stage.hold(try SecureServer(pair, of: authority))
                let folder = stage.hold(try TemporaryFolder())
                let fairlead = try fairlead(
                    stage, folder, over: [server.port], tls: "{ca-file: \(authority.file)}")
                #expect(try get(port: fairlead.port).status == 200)
                let path = folder.path("fairlead.yaml")
                let text = try #require(readFile(path))
                func reload(_ tls: String) throws {
                    _ = try folder.write(
                        text.replacing("{ca-file: \(authority.file)}", with: tls),
                        to: "fairlead.yaml")
                    let before = fairlead.process.errors.count(of: "configuration.applied")
                    fairlead.process.signal(SIGHUP)
                    try waitFor("the reload:\n\(fairlead.process.errors)") { () -> Void? in
                        fairlead.process.errors.count(of: "configuration.applied") > before
                            ? () : nil
                    }
                }
                // Kept connections were made by what held before.
                try reload("{ca-file: \(authority.file), name: b.test}")
                try waitFor("the name") { () -> Void? in
                    try get(port: fairlead.port).status == 200 ? nil : ()
                }
                try reload("{verify: off}")
                try fairlead.waitForBackends(up: 1)
                try waitFor("a connection without verification") { () -> Void? in
                    try get(port: fairlead.port).body.contains("name=localhost") ? () : nil
                }
                let check = try Fairlead.start(["check", "--config", path])
                #expect(try check.waitForExit() == .status(0))
                #expect(check.transcript.contains("anybody on the way can be a backend of web"))
                try fairlead.process.waitForErrors(
                    containing: "anybody on the way can be a backend")
            }
        }

        @Test func `the name is that of the SRV record`() throws {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:one.flow.example")
                let server = stage.hold(try SecureServer(pair, of: authority))
                let named = try stage.named([
                    SRVRecord(host: "one", port: server.port)
                ])
                let fairlead = try stage.fairlead(
                    ["--service", SRVRecord.service, "--dns", "127.0.0.1:\(named.port)"],
                    environment: ["FAIRLEAD_BACKEND_TLS_CA_FILE": authority.file])
                try fairlead.waitForBackends(up: 1)
                #expect(
                    try get(port: fairlead.port).body.contains("name=one.flow.example "))
            }
        }

        @Test func `this machine's list is what SSL_CERT_FILE names, and is needed`() throws {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "IP:127.0.0.1")
                let server = stage.hold(try SecureServer(pair, of: authority))
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(server.port)"],
                    environment: [
                        "FAIRLEAD_BACKEND_TLS_USE": "on", "SSL_CERT_FILE": authority.file,
                        "SSL_CERT_DIR": "",
                    ])
                try fairlead.waitForBackends(up: 1)
                #expect(try get(port: fairlead.port).body.contains("name=None"))
                let lost = try Fairlead.start(
                    ["check", "--listen", ":0", "--backend", "127.0.0.1:1"],
                    environment: [
                        "FAIRLEAD_BACKEND_TLS_USE": "on", "SSL_CERT_FILE": "/nowhere.pem",
                        "SSL_CERT_DIR": "",
                    ])
                #expect(try lost.waitForExit() != .status(0))
                #expect(lost.transcript.contains("no list of trusted authorities"))
            }
        }

        @Test(
            "what can't be used is refused with its place",
            arguments: [
                ("{ca-file: /nowhere}", "services.web.tls.ca-file: \"/nowhere\": "),
                ("{ca-file: /etc/hosts}", "it has no certificate; expected PEM"),
                ("{certificate: {cert: /etc/hosts}}", "found \"/etc/hosts\" alone, expected {cert"),
                ("{name: 'a b'}", "tls.name: found \"a b\", expected a host name or an address"),
                ("{verify: maybe}", "tls.verify: found \"maybe\", expected on or off"),
                ("{cafile: x}", "services.web.tls.cafile: unknown key, expected ca-file?"),
                ("yes", "services.web.tls: found \"yes\", expected on or off"),
            ])
        func refused(tls: String, words: String) throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let file = try folder.write(
                    """
                    services: {web: {backends: ["localhost:1"], tls: \(tls)}}
                    listeners: [{listen: ":0", service: web}]
                    """, to: "fairlead.yaml")
                let check = try Fairlead.start(["check", "--config", file])
                #expect(try check.waitForExit() != .status(0))
                #expect(check.transcript.contains(words), "\(check.transcript)")
            }
        }
    }
}

extension String {
    /// How often `text` is in it.
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}
