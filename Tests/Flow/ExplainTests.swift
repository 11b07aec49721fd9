// `fairlead explain` of what is no name of DNS, or not the one that was meant.

internal import DNSWire
internal import TestSupport
internal import Testing

extension Flow {
    // Goal: a name that finds nothing, or a service that DNS does not know, leaves nobody guessing.
    // Method: the whole program on a configuration with each kind of service; what it prints.
    @Suite struct Explain {
        private func explain(_ arguments: [String], exit: Int32) throws -> RunningProcess {
            let process = try Fairlead.start(["explain"] + arguments)
            #expect(try process.waitForExit() == .status(exit), "\(process.transcript)")
            return process
        }

        private func configuration(
            _ stage: Stage, dns: UInt16, agent: String, targets: String
        ) throws -> String {
            let folder = stage.hold(try TemporaryFolder())
            let path = try folder.write(targets, to: "targets.json")
            return try folder.write(
                """
                dns: {servers: ["127.0.0.1:\(dns)"]}
                consul: {agents: ["\(agent)"]}
                services:
                  registered: {consul: web}
                  listed: {file: \(path)}
                  named: {srv: \(SRVRecord.service)}
                listeners:
                  - {listen: ":8080", service: registered}
                  - {listen: ":8081", service: listed}
                  - {listen: ":8082", service: named}
                """, to: "fairlead.yaml")
        }

        @Test func `services of Consul and of a file are looked up`() throws {
            let agent = try ConsulStandIn()
            defer { agent.stop() }
            agent.change {
                $0.register(.init("web", id: "web-1", address: "127.0.0.1", port: 7001))
            }
            try withStage { stage in
                let named = try stage.named([])
                let file = try configuration(
                    stage, dns: named.port, agent: "\(agent.target)",
                    targets: "[{\"targets\": [\"127.0.0.1:7002\"]}]")
                let registered = try explain(["registered", "--config", file], exit: 0).output
                #expect(registered.contains("127.0.0.1:7001"), "\(registered)")
                #expect(registered.contains("\(agent.target)"), "\(registered)")
                let listed = try explain(["listed", "--config", file], exit: 0).output
                #expect(listed.contains("127.0.0.1:7002"), "\(listed)")
                #expect(listed.contains("targets.json"), "\(listed)")
                agent.change { $0.deregister("web-1") }
                let empty = try explain(["registered", "--config", file], exit: 1).output
                #expect(!empty.contains("127.0.0.1:7001"), "\(empty)")
            }
        }

        @Test func `an agent that is away and a file that is none say so, and what to do`() throws {
            try withStage { stage in
                let named = try stage.named([])
                let silent = "127.0.0.1:\(try FreePort.take())"
                let file = try configuration(
                    stage, dns: named.port, agent: silent, targets: "{\"no\": \"list\"}")
                let registered = try explain(["registered", "--config", file], exit: 1)
                #expect(registered.output.contains(silent), "\(registered.transcript)")
                #expect(
                    registered.output.contains("is the agent running there?"),
                    "\(registered.transcript)")
                let listed = try explain(["listed", "--config", file], exit: 1)
                #expect(listed.output.contains("targets.json"), "\(listed.transcript)")
                #expect(listed.output.contains("expected"), "\(listed.transcript)")
            }
        }

        @Test func `the Fairlead that runs says whom it holds, and that discovery fails`() throws {
            try withStage { stage in
                let ports = try stage.web("one", "two", "three", "four").map(\.port)
                let dns = stage.hold(try LyingNameServer())
                dns.say(LyingNameServer.ports(ports), of: "web.test.")
                let file = try stage.hold(TemporaryFolder()).write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    dns: {servers: ["127.0.0.1:\(dns.port)"]}
                    services:
                      web: {srv: web.test, check: {interval: 500ms}}
                    listeners:
                      - {listen: "127.0.0.1:\(try FreePort.take())", service: web}
                    workers: 1
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                try fairlead.waitForBackends(up: 4)
                dns.say(LyingNameServer.ports([ports[0]]), of: "web.test.")
                try waitFor("the loss to be held") {
                    try fairlead.page("/services/web").body.contains("\"hold\":") ? () : nil
                }
                let held = try explain(["web", "--config", file], exit: 0).output
                #expect(held.contains(" serve beside the 1 named by the answer until "), "\(held)")
                #expect(held.contains("  3 lost at "), "\(held)")
                dns.say(LyingNameServer.code(.nameError), of: "web.test.")
                try waitFor("the failure to be seen") {
                    try fairlead.page("/services/web").body.contains("\"failing\":true") ? () : nil
                }
                let failing = try explain(["web", "--config", file], exit: 1).output
                #expect(failing.contains("  SRV web.test. fails: "), "\(failing)")
                #expect(failing.contains("; the last good answer is "), "\(failing)")
                #expect(failing.contains("  4 backends held (nxdomain) for "), "\(failing)")
            }
        }

        @Test func `a misspelt service is told its name`() throws {
            try withStage { stage in
                let named = try stage.named([])
                let file = try configuration(
                    stage, dns: named.port, agent: "127.0.0.1:1", targets: "[]")
                for misspelt in ["regstered", "Registered", "registerd"] {
                    let process = try explain([misspelt, "--config", file], exit: 2)
                    #expect(
                        process.errors.contains(
                            "no service is called \(misspelt), expected registered?"),
                        "\(process.transcript)")
                }
                let other = try explain(["something", "--config", file], exit: 2)
                #expect(
                    other.errors.contains("expected one of: registered, listed, named"),
                    "\(other.transcript)")
            }
        }

        @Test func `a name with addresses alone is told what to write`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let named = try stage.named([SRVRecord(web[0])])
                let unbound = stage.hold(try Unbound(before: named.port))
                let dnsmasq = stage.hold(try Dnsmasq([SRVRecord(web[0])]))
                for port in [named.port, unbound.port, dnsmasq.port] {
                    let process = try explain(
                        ["one.flow.example", "--dns", "127.0.0.1:\(port)"], exit: 1)
                    #expect(
                        process.output.replacing("\n", with: " ").contains("fallback-port"),
                        "\(process.transcript)")
                    #expect(process.output.contains("127.0.0.1"))
                }
            }
        }
    }
}
