// Answers that are odd in one respect: from servers that don't take some questions, with a part
// that makes no sense, or with never more than a part.

internal import DNSWire
internal import Glibc
internal import Synchronization
internal import TestSupport
internal import Testing

extension Following {
    // Goal: what is odd about a server or a part of its answer costs no backend that it names
    // otherwise, and is told. Method: a name server that takes offence at one thing, named and a
    // file with one entry that makes no sense, a stand-in for Consul's agent; what is up, and what
    // the admin port says.
    @Suite struct OddAnswers {
        private static let name = "web.test."

        private func fairlead(
            _ stage: Stage, _ dns: LyingNameServer, environment: [String: String] = [:]
        ) throws -> Fairlead {
            try stage.fairlead(
                ["--service", "web.test", "--dns", "127.0.0.1:\(dns.port)"],
                environment: environment)
        }

        /// What `fairlead explain` says of the name.
        private func explanation(_ dns: LyingNameServer) throws -> String {
            let process = try Fairlead.start(
                ["explain", "web.test", "--dns", "127.0.0.1:\(dns.port)"])
            #expect(try process.waitForExit() == .status(0), "\(process.transcript)")
            return process.output
        }

        // MARK: Servers that don't take some questions

        @Test(arguments: [ResponseCode.nameError, .serverFailure, .refused, .formatError])
        func `a server that compares names byte by byte is asked as spelled`(code: ResponseCode)
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let dns = stage.hold(try LyingNameServer())
                let ports = web.map(\.port)
                dns.say(
                    { query, overTCP in
                        query.question?.name.description == Self.name
                            ? LyingNameServer.ports(ports)(query, overTCP) : query.reply(code)
                    }, of: Self.name)
                let fairlead = try fairlead(stage, dns)
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 10) == ["one": 5, "two": 5])
                #expect(
                    try explanation(dns).contains(
                        "takes a name in another case of letters for another name"))
            }
        }

        @Test(arguments: [nil, ResponseCode.serverFailure, .refused, .formatError, .notImplemented])
        func `a server that fails at EDNS, or whose firewall drops it, is asked without`(
            code: ResponseCode?
        ) throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let dns = stage.hold(try LyingNameServer())
                let ports = web.map(\.port)
                dns.say(
                    { query, overTCP in
                        query.edns == nil
                            ? LyingNameServer.ports(ports)(query, overTCP)
                            : code.map { query.reply($0) }
                    }, of: Self.name)
                let fairlead = try fairlead(stage, dns)
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 10) == ["one": 5, "two": 5])
                // It is remembered: no question of the last ones has EDNS.
                let known = dns.seen(of: Self.name).count
                try waitFor("more questions") {
                    dns.seen(of: Self.name).count >= known + 3 ? () : nil
                }
                #expect(dns.seen(of: Self.name)[known...].allSatisfy { $0.payload == nil })
                #expect(try explanation(dns).contains("EDNS"))
            }
        }

        @Test func `without EDNS large answers of named come over TCP`() throws {
            try withStage { stage in
                let web = stage.hold(try Nginx("one", ports: 40))
                let named = try stage.named(SRVRecord.all(of: web))
                let fairlead = try stage.fairlead(
                    ["--service", SRVRecord.service, "--dns", "127.0.0.1:\(named.port)"],
                    environment: ["FAIRLEAD_DNS_EDNS": "off"])
                try fairlead.waitForBackends(up: 40)
                #expect(try fairlead.bodies(of: 40).count == 40)
            }
        }

        // MARK: One part that makes no sense

        @Test func `a record that can't be is left out of what named says, and told`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                var odd = SRVRecord(web[0])
                odd.port = 0
                odd.host = "odd"
                let named = try stage.named([SRVRecord(web[0]), odd])
                let fairlead = try stage.fairlead(following: named.port, up: 1)
                try named.add(SRVRecord(web[1]))
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 10) == ["one": 5, "two": 5])
                #expect(try fairlead.page("/stats").body.contains("odd.flow.example"))
                try expectOneLeftOut(fairlead)
            }
        }

        @Test(arguments: ["status", "port"])
        func `an entry of Consul that can't be read freezes nothing`(part: String) throws {
            let agent = try ConsulStandIn()
            defer { agent.stop() }
            try withStage { stage in
                let web = try stage.web("one", "two")
                agent.change { world in
                    world.register(Self.entry(web[0].port))
                    var odd = Self.entry(1)
                    if part == "port" { odd.port = 99_999 }
                    world.register(odd)
                    if part == "status" { world.setStatus("on-fire", of: odd.id) }
                }
                let fairlead = try stage.fairlead(
                    ["--consul", "web"], environment: ["FAIRLEAD_CONSUL_AGENTS": "\(agent.target)"])
                try fairlead.waitForBackends(up: 1)
                agent.change { $0.register(Self.entry(web[1].port)) }
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 10) == ["one": 5, "two": 5])
                try expectOneLeftOut(fairlead)
            }
        }

        private static func entry(_ port: UInt16) -> ConsulWorld.Instance {
            .init("web", id: "web-\(port)", address: "127.0.0.1", port: Int(port))
        }

        @Test(arguments: ["127.0.0.1:99999", "no:sense:at:all", "127.0.0.1:0"])
        func `a target of a file that makes no sense leaves the others`(odd: String) throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let folder = stage.hold(try TemporaryFolder())
                let targets = web.map { "\"127.0.0.1:\($0.port)\"" } + ["\"\(odd)\""]
                let path = try folder.write(
                    "[{\"targets\": [\(targets.joined(separator: ", "))]}]", to: "web.json")
                let file = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    workers: 1
                    listeners: [{listen: "127.0.0.1:\(try FreePort.take())", file: \(path)}]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 10) == ["one": 5, "two": 5])
                try expectOneLeftOut(fairlead)
            }
        }

        private func expectOneLeftOut(_ fairlead: Fairlead) throws {
            let stats = try fairlead.page("/stats").body
            #expect(stats.contains("\"leftOut\":1"), "\(stats)")
            try fairlead.expectMetric("fairlead_discovery_left_out", is: 1)
        }

        // MARK: Never more than a part

        @Test func `what is named eight at a time is gathered, and told`() throws {
            try withStage { stage in
                let web = stage.hold(try Nginx("one", ports: 12))
                let dns = stage.hold(try LyingNameServer())
                let ports = web.ports
                let turn = Atomic(0)
                dns.say(
                    { query, overTCP in
                        // Eight of twelve, UDP and TCP alike.
                        let first = turn.wrappingAdd(5, ordering: .relaxed).oldValue
                        let named = (first..<first + 8).map { ports[$0 % ports.count] }
                        return LyingNameServer.ports(named)(query, overTCP)
                    }, of: Self.name)
                let fairlead = try fairlead(stage, dns)
                try fairlead.waitForBackends(up: 12)
                try waitFor("it to be told") {
                    try fairlead.page("/stats").body.contains("they are gathered") ? () : nil
                }
                // From here on answers change nothing.
                let known = dns.seen(of: Self.name).count
                try waitFor("more answers") {
                    let up = try fairlead.backends().count { $0.state == "up" }
                    #expect(up == 12)
                    return dns.seen(of: Self.name).count >= known + 4 ? () : nil
                }
                #expect(try fairlead.bodies(of: 24).count == 12)
            }
        }
    }
}
