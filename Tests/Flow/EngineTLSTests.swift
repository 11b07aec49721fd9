// Docker's engine by TLS, as docker:dind has it.

internal import TestSupport
internal import Testing

extension Following {
    // Goal: an engine that listens by TLS, as docker:dind does, is followed as by its socket, by
    // the variables that Docker's own client reads; one that does not prove who it is, or wants to
    // know who asks, is told with what to do. Method: Docker's engine with `--tlsverify` on a
    // machine of the test's own, certificates by `openssl`.
    @Suite(.enabled(if: OwnMachine.isPossible, "namespaces are refused, or this is not root"))
    struct EngineTLS {
        private static let label = ["--label", "fairlead.host=shop.test"]

        /// A folder as Docker's client has it.
        private func folder(
            _ authority: TestAuthority, _ client: TestAuthority.Pair?
        ) throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            let files = [
                ("ca.pem", authority.file), ("cert.pem", client?.cert), ("key.pem", client?.key),
            ]
            for (name, file) in files {
                guard let file else { continue }
                let text = String(decoding: TestAuthority.bytes(of: file), as: UTF8.self)
                _ = try folder.write(text, to: name)
            }
            return folder
        }

        @Test func `containers are followed by TLS, and so does the registrar`() throws {
            let authority = try TestAuthority()
            let pair = try authority.issue("engine", for: "DNS:localhost,IP:127.0.0.1")
            let client = try authority.issue("client", for: "DNS:client.test")
            try withEngine(pair, of: authority) { stage, engine in
                let folder = stage.hold(try folder(authority, client))
                // Without DOCKER_HOST it is where Docker's client looks for it.
                let variables = [
                    "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": folder.path(""),
                ]
                let fairlead = try stage.fairlead(
                    [], environment: variables.merging(["FAIRLEAD_DOCKER": "on"]) { $1 })
                let a = try engine.run("aa", Self.label)
                try fairlead.waitForAnswers(to: "shop.test", by: [a])
                let b = try engine.run("bb", Self.label + ["--label", "fairlead.service=aa"])
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b])
                try engine.docker("stop", "bb")
                try fairlead.waitForAnswers(to: "shop.test", by: [a])
                #expect(try fairlead.page("/stats").body.contains("\"https://localhost:2376\""))
                // The engine restarts; its containers go on.
                try engine.kill()
                try engine.start()
                let c = try engine.run("cc", Self.label + ["--label", "fairlead.service=aa"])
                try fairlead.waitForAnswers(to: "shop.test", by: [a, c])

                let agent = try ConsulStandIn()
                defer { agent.stop() }
                _ = try engine.run("pub", ["--publish", "18080:8080"])
                let place = [
                    "DOCKER_HOST": "tcp://127.0.0.1:2376", "CONSUL_HTTP_ADDR": "\(agent.target)",
                    "FAIRLEAD_REGISTRAR_LISTEN": "127.0.0.1:\(try FreePort.take())",
                ]
                let registrar = stage.hold(
                    try Fairlead.start(
                        ["registrar", "--node", "host-1"],
                        environment: variables.merging(place) { $1 }))
                try waitFor("the registration; it said \(registrar.transcript)") {
                    agent.known.instances["node-1/host-1:pub:8080"] != nil ? () : nil
                }
            }
        }

        /// What `fairlead explain` says of containers called `app`, of the engine at `host`, with a
        /// folder as Docker's client has it.
        private func explain(
            _ stage: Stage, _ host: String, _ folder: TemporaryFolder?, exit: Int32 = 1
        ) throws -> String {
            var environment: [String: String] = [:]
            if let folder {
                environment = ["DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": folder.path("")]
            }
            let place = stage.hold(try TemporaryFolder())
            let file = try place.write(
                "docker: {host: \"\(host)\"}\nservices: {app: {docker: app}}\n"
                    + "listeners: [{listen: \":8080\", service: app}]\n",
                to: "fairlead.yaml")
            let process = try Fairlead.start(
                ["explain", "app", "--config", file], environment: environment)
            let ended = try process.waitForExit()
            #expect(ended == .status(exit), "\(process.transcript)")
            return process.transcript
        }

        @Test func `an engine that can't be trusted is told with what to do`() throws {
            let authority = try TestAuthority()
            let pair = try authority.issue("engine", for: "DNS:engine.test,IP:127.0.0.1")
            let client = try authority.issue("client", for: "DNS:client.test")
            try withEngine(pair, of: authority) { stage, engine in
                _ = try engine.run("app", ["--publish", "18080:8080"])
                let good = try folder(authority, client)
                let strange = try folder(try TestAuthority(), client)
                let here = "tcp://127.0.0.1:2376"
                #expect(try explain(stage, here, good, exit: 0).contains(":8080"))
                let cases: [(String, TemporaryFolder, [String])] = [
                    (
                        "tcp://localhost:2376", good,
                        [
                            "the certificate /CN=engine is for engine.test, 127.0.0.1; expected "
                                + "one for localhost", "or that name with docker.tls.name",
                        ]
                    ),
                    (
                        here, strange,
                        [
                            "the certificate /CN=engine comes from no trusted authority",
                            "with docker.tls.ca-file, or as ca.pem in DOCKER_CERT_PATH",
                        ]
                    ),
                ]
                for (host, folder, words) in cases {
                    let told = try explain(stage, host, folder)
                    for word in words { #expect(told.contains(word), "\(told)") }
                }
            }
        }

        @Test func `an engine that trusts nobody without a certificate is told with what to do`()
            throws
        {
            let authority = try TestAuthority()
            let pair = try authority.issue("engine", for: "IP:127.0.0.1")
            let other = try TestAuthority()
            try withEngine(pair, of: authority) { stage, engine in
                let bare = try folder(authority, nil)
                let foreign = try folder(authority, try other.issue("x", for: "DNS:x.test"))
                let cases: [(TemporaryFolder?, [String])] = [
                    (
                        bare,
                        [
                            "127.0.0.1 refused the connection: ",
                            "name one with docker.tls.certificate, or cert.pem and key.pem in "
                                + "DOCKER_CERT_PATH",
                        ]
                    ),
                    (
                        foreign,
                        [
                            "127.0.0.1 refused the connection: ",
                            "DOCKER_CERT_PATH one that it trusts, and still valid?",
                        ]
                    ),
                    (
                        nil,
                        [
                            "expects TLS there: name its authority with docker.tls.ca-file, or set "
                                + "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
                        ]
                    ),
                ]
                for (folder, words) in cases {
                    let told = try explain(stage, "tcp://127.0.0.1:2376", folder)
                    for word in words { #expect(told.contains(word), "\(told)") }
                }
            }
        }
    }
}
