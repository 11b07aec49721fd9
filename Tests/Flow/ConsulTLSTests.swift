// Consul's agents by TLS.

internal import Glibc
internal import TestSupport
internal import Testing

/// An agent by TLS: what ends TLS before a stand-in. One thread.
private final class SecureAgent {
    let port: UInt16
    let agent: ConsulStandIn
    private let authority: TestAuthority
    private let seenFile: String
    private var server: SecureServer?

    /// Returns when it listens, with this certificate.
    init(
        _ pair: TestAuthority.Pair, of authority: TestAuthority, before agent: ConsulStandIn,
        _ options: String = ""
    ) throws {
        port = try FreePort.take()
        self.agent = agent
        self.authority = authority
        seenFile = "\(authority.folder)/seen-\(port)"
        try start(pair, options)
    }

    /// Starts it again on its port, after `stop`.
    func start(_ pair: TestAuthority.Pair, _ options: String = "") throws {
        server = try SecureServer(
            pair, of: authority,
            "--mode pass --to \(agent.target) --port \(port) --seen \(seenFile) \(options)")
    }

    /// Ends it with its connections.
    func stop() { server = nil }

    /// A line for each connection.
    var seen: [String] {
        String(decoding: TestAuthority.bytes(of: seenFile), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }
}

extension Following {
    // Goal: everything that is asked of Consul goes by TLS where that is said, changes come as fast
    // as without, and an agent that does not prove who it is is not believed, with the reason and
    // what to do. Method: a stand-in for an agent behind Python's ssl, with certificates that
    // `openssl` has made, right and wrong ones; nginx as instances.
    @Suite struct ConsulTLS {
        private func withAgent(
            _ test: (Stage, ConsulStandIn, TestAuthority, TemporaryFolder) throws -> Void
        ) throws {
            let agent = try ConsulStandIn()
            defer { agent.stop() }
            try withStage { stage in
                try test(
                    stage, agent, stage.hold(try TestAuthority()), stage.hold(TemporaryFolder()))
            }
        }

        private func register(_ web: Nginx, with agent: ConsulStandIn) {
            agent.change { world in
                world.register(
                    ConsulWorld.Instance(
                        "web", id: "web-\(web.port)", address: "127.0.0.1", port: Int(web.port)))
            }
        }

        /// A file for a service `web` of Consul.
        private func file(
            _ folder: TemporaryFolder, agents: String, _ more: String, admin: UInt16? = nil
        ) throws -> String {
            try folder.write(
                """
                workers: 1
                admin: 127.0.0.1:\(admin ?? (try FreePort.take()))
                consul:
                  agents: [\(agents)]
                  \(more)
                services: {web: {consul: web, check: {interval: 500ms}}}
                listeners: [{listen: "127.0.0.1:\(try FreePort.take())", service: web}]
                """, to: "fairlead.yaml")
        }

        private func run(
            _ arguments: [String], _ environment: [String: String] = [:], exit: Int32
        ) throws -> String {
            let process = try Fairlead.start(arguments, environment: environment)
            let ended = try process.waitForExit()
            #expect(ended == .status(exit), "\(process.transcript)")
            return process.transcript
        }

        @Test(arguments: ["1.2", "1.3"])
        func `everything goes by TLS, and changes come at once`(version: String) throws {
            try withAgent { stage, agent, authority, folder in
                let pair = try authority.issue("agent", for: "DNS:localhost")
                let client = try authority.issue("fairlead", for: "DNS:fairlead.test")
                let secure = try SecureAgent(
                    pair, of: authority, before: agent,
                    "--client-ca \(authority.file) --max \(version)")
                let web = try stage.web("one", "two")
                register(web[0], with: agent)
                agent.change { $0.put("config/web/db/user", Array("ada".utf8)) }
                let file = try file(
                    folder, agents: "\"https://localhost:\(secure.port)\"",
                    """
                    kv: fairlead/
                      register: {name: edge, port: 80}
                      tls:
                        ca-file: \(authority.file)
                        certificate: {cert: \(client.cert), key: \(client.key)}
                    """)
                _ = try run(["check", "--config", file], exit: 0)
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                try fairlead.waitForBackends(up: 1)
                try waitFor("the registration") {
                    agent.known.instances.values.contains { $0.service == "edge" } ? () : nil
                }
                // Instances and keys, by questions that the agent holds back.
                let clock = ContinuousClock()
                var begin = clock.now
                register(web[1], with: agent)
                try fairlead.waitForTraffic("the second") { $0["two"] != nil }
                let byInstance = begin.duration(to: clock.now)
                begin = clock.now
                agent.change {
                    $0.put(
                        "fairlead/backends/web/127.0.0.1:\(web[0].port)", Array("drain: on".utf8))
                }
                try fairlead.waitForTraffic("the drain") { $0["one"] == nil }
                print(
                    "measured: TLS \(version): an instance after \(byInstance), a key after",
                    begin.duration(to: clock.now))
                #expect(byInstance < .seconds(5))

                let told = try run(["explain", "web", "--config", file], exit: 0)
                #expect(told.contains("https://127.0.0.1:\(secure.port)"), "\(told)")
                #expect(told.contains("127.0.0.1:\(web[1].port)"), "\(told)")
                let variables = [
                    "CONSUL_HTTP_ADDR": "localhost:\(secure.port)", "CONSUL_HTTP_SSL": "true",
                    "CONSUL_CACERT": authority.file, "CONSUL_CLIENT_CERT": client.cert,
                    "CONSUL_CLIENT_KEY": client.key,
                ]
                let said = try run(
                    ["env", "--once", "config/web", "--", "sh", "-c", "echo user=$DB_USER"],
                    variables, exit: 0)
                #expect(said.contains("user=ada"), "\(said)")

                // Other connections need no whole handshake.
                agent.closeConnections()
                try waitFor("a session that is resumed: \(secure.seen)") {
                    secure.seen.contains { $0.hasPrefix("resumed=true") } ? () : nil
                }
                let seen = secure.seen
                #expect(
                    seen.allSatisfy {
                        $0.hasSuffix("version=TLSv\(version) name=localhost client=fairlead")
                    }, "\(seen)")
                let stats = try fairlead.page("/stats").body
                #expect(stats.contains("\"https://127.0.0.1:\(secure.port)\""), "\(stats)")
            }
        }

        @Test func `an agent that does not prove who it is is not believed, and told`() throws {
            try withAgent { stage, agent, authority, folder in
                register(try stage.web("one")[0], with: agent)
                let other = try TestAuthority()
                let good = try authority.issue("good", for: "DNS:localhost")
                let wanted = "--client-ca \(authority.file)"
                let cases: [(TestAuthority.Pair, String, [String])] = [
                    (
                        try other.issue("strange", for: "DNS:localhost"), "",
                        [
                            "the certificate /CN=strange comes from no trusted authority; expected "
                                + "one for localhost",
                            "name the file of the authority that issues its certificates with "
                                + "consul.tls.ca-file or CONSUL_CACERT",
                        ]
                    ),
                    (
                        try authority.issue("server.dc1.consul", for: "DNS:server.dc1.consul"), "",
                        [
                            "is for server.dc1.consul; expected one for localhost",
                            "or that name with consul.tls.name or CONSUL_TLS_SERVER_NAME",
                        ]
                    ),
                    (
                        try authority.issue("old", for: "DNS:localhost", days: -1), "",
                        ["the certificate /CN=old has expired, on ", "renew its certificate"]
                    ),
                    (
                        try authority.selfSigned("self", for: "DNS:localhost"), "",
                        ["/CN=self is self-signed, and not among the trusted ones"]
                    ),
                    (
                        good, wanted,
                        [
                            "localhost refused the connection: certificate required",
                            "it may want to see a certificate: name one with "
                                + "consul.tls.certificate, or CONSUL_CLIENT_CERT",
                        ]
                    ),
                    (
                        good, "\(wanted) --max 1.2",
                        ["localhost refused the connection: ", "it may want to see a certificate"]
                    ),
                ]
                for (pair, options, words) in cases {
                    let secure = try SecureAgent(pair, of: authority, before: agent, options)
                    let tls = "tls: {ca-file: \(authority.file)}"
                    let file = try file(
                        folder, agents: "\"https://localhost:\(secure.port)\"", tls)
                    let told = try run(["explain", "web", "--config", file], exit: 1)
                    for word in words { #expect(told.contains(word), "\(told)") }
                    // What runs says it on the page and in the log.
                    let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                    try waitFor("the failure") {
                        try fairlead.metric(
                            "fairlead_registry_answers_total", "outcome=\"tls\"") > 0 ? () : nil
                    }
                    let stats = try fairlead.page("/stats").body
                    for word in words {
                        #expect(stats.contains(word), "\(stats)")
                        try fairlead.process.waitForErrors(containing: word)
                    }
                    fairlead.process.signal(SIGKILL)
                }
                #expect(agent.seen.isEmpty, "nothing was asked")
            }
        }

        @Test func `what speaks no TLS, or nothing else, says which scheme to write`() throws {
            try withAgent { stage, agent, authority, folder in
                let pair = try authority.issue("agent", for: "DNS:localhost,IP:127.0.0.1")
                let tls = "tls: {ca-file: \(authority.file)}"
                let bare = try stage.web("plain")[0]
                let plain = try run(
                    [
                        "explain", "web", "--config",
                        file(folder, agents: "\"https://127.0.0.1:\(bare.port)\"", tls),
                    ], exit: 1)
                for word in [
                    "127.0.0.1 does not speak TLS on this port",
                    "or write http:// before its address in consul.agents",
                ] {
                    #expect(plain.contains(word), "\(plain)")
                }
                // nginx says that it wants TLS as Go's servers do, by a 400.
                let nginx = stage.hold(try Nginx("secure", securedBy: pair))
                let secure = try run(
                    [
                        "explain", "web", "--config",
                        file(folder, agents: "\"127.0.0.1:\(nginx.port)\"", "stale: on"),
                    ], exit: 1)
                #expect(
                    secure.contains(
                        "that is its port for TLS: write https:// before its address in "
                            + "consul.agents"), "\(secure)")
            }
        }

        @Test func `an agent restarts, with another certificate, and a reload takes up files`()
            throws
        {
            try withAgent { stage, agent, authority, folder in
                let pair = try authority.issue("agent", for: "DNS:localhost")
                let secure = try SecureAgent(pair, of: authority, before: agent)
                let web = try stage.web("one", "two", "three")
                register(web[0], with: agent)
                let trusted = try folder.write(
                    String(decoding: TestAuthority.bytes(of: authority.file), as: UTF8.self),
                    to: "ca.pem")
                let file = try file(
                    folder, agents: "\"https://localhost:\(secure.port)\"",
                    "tls: {ca-file: \(trusted)}")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                try fairlead.waitForBackends(up: 1)
                // Away, and back: what was served is served, and what is new comes.
                secure.stop()
                #expect(try get(port: fairlead.port).body == "one")
                register(web[1], with: agent)
                try secure.start(pair)
                try fairlead.waitForTraffic("the second") { $0["two"] != nil }
                // Back with a certificate of an authority that is not trusted yet.
                let other = try TestAuthority()
                secure.stop()
                register(web[2], with: agent)
                try secure.start(try other.issue("moved", for: "DNS:localhost"))
                let words = "the certificate /CN=moved comes from no trusted authority"
                try waitFor("the failure") {
                    try fairlead.page("/stats").body.contains(words) ? () : nil
                }
                #expect(Set(try fairlead.bodies(of: 12).keys) == ["one", "two"])
                // A file that can't be used changes nothing.
                _ = try folder.write("none", to: "ca.pem")
                fairlead.process.signal(SIGHUP)
                let refusal = "it has no certificate; expected PEM"
                try waitFor("the refusal") {
                    fairlead.process.errors.contains(refusal) ? () : nil
                }
                _ = try folder.write(
                    String(decoding: TestAuthority.bytes(of: other.file), as: UTF8.self),
                    to: "ca.pem")
                fairlead.process.signal(SIGHUP)
                try fairlead.waitForTraffic("the third") { $0["three"] != nil }
                try fairlead.process.waitForErrors(containing: "configuration.applied")
            }
        }

        @Test func `the last service of Consul leaves, and another comes`() throws {
            try withAgent { stage, agent, authority, folder in
                let pair = try authority.issue("agent", for: "DNS:localhost")
                let secure = try SecureAgent(pair, of: authority, before: agent)
                let web = try stage.web("one", "two")
                register(web[0], with: agent)
                let path = try file(
                    folder, agents: "\"https://localhost:\(secure.port)\"",
                    "tls: {ca-file: \(authority.file)}")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 1)
                let text = try #require(readFile(path))
                // A new name, so that the old service leaves while the new one is waited for.
                _ = try folder.write(
                    text.replacing(
                        "web: {consul: web, check: {interval: 500ms}}",
                        with: "list: {backends: [\"127.0.0.1:\(web[1].port)\"]}"
                    ).replacing("service: web", with: "service: list"), to: "fairlead.yaml")
                // What it asks meanwhile is asked by TLS.
                agent.closeConnections()
                fairlead.process.signal(SIGHUP)
                agent.closeConnections()
                try fairlead.waitForTraffic("the list") { $0 == ["two": 12] }
                _ = try folder.write(text, to: "fairlead.yaml")
                fairlead.process.signal(SIGHUP)
                try fairlead.waitForTraffic("Consul's again") { $0 == ["one": 12] }
                #expect(secure.seen.allSatisfy { $0.contains("name=localhost") })
            }
        }

        @Test func `the next agent is asked, and each by what its address says`() throws {
            try withAgent { stage, agent, authority, folder in
                let other = try TestAuthority()
                let bad = try SecureAgent(
                    try other.issue("bad", for: "DNS:localhost"), of: authority, before: agent)
                register(try stage.web("one")[0], with: agent)
                let file = try file(
                    folder,
                    agents: "\"https://localhost:\(bad.port)\", \"http://\(agent.target)\"",
                    "tls: {ca-file: \(authority.file)}")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                try fairlead.waitForBackends(up: 1)
                #expect(try get(port: fairlead.port).body == "one")
                #expect(
                    try fairlead.metric("fairlead_registry_answers_total", "outcome=\"tls\"") > 0)
                #expect(bad.seen.isEmpty)
            }
        }

        @Test func `OpenSSL is loaded where an agent is asked by TLS, and nowhere else`() throws {
            try withAgent { stage, agent, authority, folder in
                let pair = try authority.issue("agent", for: "DNS:localhost")
                let secure = try SecureAgent(pair, of: authority, before: agent)
                register(try stage.web("one")[0], with: agent)
                for (agents, tls, isLoaded) in [
                    ("\"\(agent.target)\"", "stale: on", false),
                    (
                        "\"https://localhost:\(secure.port)\"",
                        "tls: {ca-file: \(authority.file)}", true
                    ),
                ] {
                    let file = try file(folder, agents: agents, tls)
                    let fairlead = stage.hold(
                        try Fairlead(
                            arguments: ["run", "--config", file],
                            // Variables of TLS alone switch nothing on.
                            environment: [
                                "CONSUL_CACERT": authority.file, "DOCKER_TLS_VERIFY": "1",
                            ]))
                    try fairlead.waitForBackends(up: 1)
                    let id = try #require(fairlead.process.id)
                    let maps = readFile("/proc/\(id)/maps") ?? ""
                    #expect(maps.contains("libssl") == isLoaded, "\(agents)")
                }
            }
        }
    }
}
