// SRV and address records as other homes of containers have them: Kubernetes, SkyDNS, Nomad, AWS
// Cloud Map, Docker Swarm. Each by a zone of its shape.

internal import DNSWire
internal import Endpoints
internal import Glibc
internal import Locking
internal import TestSupport
internal import Testing

extension Following {
    // Goal: each registry is followed as it means what it says, and what it is known to say wrongly
    // costs no request. Method: a nameserver that answers in that registry's shape, backends that
    // say their addresses, and requests all the while.
    @Suite struct Homes {
        /// Backends that say on which of these addresses, and at one port, they are asked.
        private func pods(_ stage: Stage, at addresses: [String]) throws -> UInt16 {
            let port = try FreePort.take()
            for address in addresses {
                let listen = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
                _ = stage.hold(
                    try Fairlead.start(["backend", "--listen", listen, "--name", address]))
            }
            return port
        }

        /// Requests one after another, each of which has to get 200.
        private func load(_ fairlead: Fairlead) throws -> Load {
            let port = fairlead.port
            let load = Load { _ in
                let connection = try HTTPConnection(port: port)
                return {
                    let response = try connection.request()
                    return response.status == 200 ? nil : "\(response.status): \(response.body)"
                }
            }
            try load.start(clients: 2)
            return load
        }

        /// How often each backend answers, by the first line that it says.
        private func shares(_ fairlead: Fairlead, of requests: Int) throws -> [String: Int] {
            var shares: [String: Int] = [:]
            for (body, count) in try fairlead.bodies(of: requests) {
                shares[String(body.prefix { $0 != "\n" }), default: 0] += count
            }
            return shares
        }

        private func waitForShares(
            _ fairlead: Fairlead, _ expected: [String: Int]
        ) throws {
            let requests = expected.values.reduce(0, +)
            var last: [String: Int] = [:]
            try waitFor("\(expected) of \(requests) requests, and not \(last)") { () -> Void? in
                last = try shares(fairlead, of: requests)
                return last == expected ? () : nil
            }
        }

        // MARK: Kubernetes

        /// A headless Service as CoreDNS answers for it, over UDP alone: weights are 100 divided by
        /// the number of pods that are ready, and the name is not there while none is.
        private static func headless(
            _ ready: Locked<[String]>, port: UInt16
        ) -> LyingNameServer.Answer {
            { query, overTCP in
                guard !overTCP, let question = query.question else { return nil }
                let pods = ready.withLock { $0 }
                guard !pods.isEmpty else { return query.reply(.nameError) }
                var reply = query.reply()
                guard question.type == .srv else { return reply }
                for pod in pods {
                    let label = pod.split(separator: ".").joined(separator: "-")
                    guard let address = IPAddress(pod),
                        let target = try? DomainName("\(label).web.ns.svc.cluster.local")
                    else { continue }
                    reply.answers.append(
                        ResourceRecord(
                            question.name, ttlSeconds: 5,
                            .srv(
                                .init(
                                    priority: 0, weight: UInt16(max(1, 100 / pods.count)),
                                    port: port, target: target))))
                    reply.additionals.append(
                        ResourceRecord(target, ttlSeconds: 5, .address(address)))
                }
                return reply
            }
        }

        @Test func `pods of Kubernetes come and go with weights that all change, over UDP alone`()
            throws
        {
            try withStage { stage in
                let all = (41...45).map { "127.0.0.\($0)" }
                let port = try pods(stage, at: all)
                let dns = stage.hold(try LyingNameServer())
                let ready = Locked(Array(all[0..<3]))
                dns.say(
                    Self.headless(ready, port: port), of: "_http._tcp.web.ns.svc.cluster.local.")
                let fairlead = try stage.fairlead(
                    [
                        "--service", "_http._tcp.web.ns.svc.cluster.local",
                        "--dns", "127.0.0.1:\(dns.port)",
                    ],
                    environment: [
                        "FAIRLEAD_REFRESH_EVERY": "200ms", "FAIRLEAD_CHECK_INTERVAL": "500ms",
                        "FAIRLEAD_DNS_TIMEOUT": "100ms",
                    ])
                try fairlead.waitForBackends(up: 3)
                let load = try load(fairlead)
                for pods in [Array(all[0..<4]), Array(all[0..<5]), Array(all[1..<5])] {
                    ready.withLock { $0 = pods }
                    try waitForShares(
                        fairlead, Dictionary(uniqueKeysWithValues: pods.map { ($0, 4) }))
                }
                // Nobody's share changed with the number of pods, so the journal says nothing.
                #expect(!fairlead.process.errors.contains("backend.share"))
                ready.withLock { $0 = Array(all[2..<5]) }
                try waitForShares(
                    fairlead, Dictionary(uniqueKeysWithValues: all[2..<5].map { ($0, 4) }))
                // None is ready, says the cluster; they answer all the same.
                ready.withLock { $0 = [] }
                try waitFor("the denial to be heard") {
                    try fairlead.metric("fairlead_discovery_answers_total", "nxdomain") > 0
                        ? () : nil
                }
                try load.awaitMore(200)
                // Others of the same number: an answer of three that looks cut, and is not.
                ready.withLock { $0 = Array(all[0..<3]) }
                try waitForShares(
                    fairlead, Dictionary(uniqueKeysWithValues: all[0..<3].map { ($0, 4) }))
                try load.stop()
                #expect(load.failures == [])
            }
        }

        // MARK: SkyDNS

        @Test func `hosts of SkyDNS are found by our own questions, IPv6 ones too`() throws {
            try withStage { stage in
                let port = try pods(stage, at: ["127.0.0.51", "127.0.0.52", "::1"])
                let dns = stage.hold(try LyingNameServer())
                let hosts: [(String, IPAddress)] = [
                    ("a.web.skydns.test.", .v4(0x7f00_0033)),
                    ("b.web.skydns.test.", .v4(0x7f00_0034)),
                    ("c.web.skydns.test.", try #require(IPAddress("::1"))),
                ]
                dns.say(
                    { query, _ in
                        var reply = query.reply()
                        guard let question = query.question, question.type == .srv else {
                            return reply
                        }
                        for (host, address) in hosts {
                            guard let target = try? DomainName(host) else { continue }
                            reply.answers.append(
                                ResourceRecord(
                                    question.name, ttlSeconds: 3600,
                                    .srv(
                                        .init(
                                            priority: 10, weight: 33, port: port, target: target))))
                            // It adds IPv4 addresses alone.
                            guard case .v4 = address else { continue }
                            reply.additionals.append(
                                ResourceRecord(target, ttlSeconds: 3600, .address(address)))
                        }
                        return reply
                    }, of: "web.skydns.test.")
                for (host, address) in hosts {
                    dns.say(
                        { query, _ in
                            var reply = query.reply()
                            guard let question = query.question else { return reply }
                            switch (question.type, address) {
                            case (.a, .v4), (.aaaa, .v6):
                                reply.answers = [
                                    ResourceRecord(
                                        question.name, ttlSeconds: 3600, .address(address))
                                ]
                            default: break
                            }
                            return reply
                        }, of: host)
                }
                let fairlead = try stage.fairlead(
                    ["--service", "web.skydns.test", "--dns", "127.0.0.1:\(dns.port)"],
                    environment: ["FAIRLEAD_ADDRESSES": "both"])
                try fairlead.waitForBackends(up: 3)
                #expect(
                    try shares(fairlead, of: 12) == ["127.0.0.51": 4, "127.0.0.52": 4, "::1": 4])
                #expect(try fairlead.backends().map(\.priority) == [10, 10, 10])
            }
        }

        // MARK: Nomad

        @Test(arguments: [true, false])
        func `allocations of Nomad share an address, and a new one takes over at its own port`(
            byAPI: Bool
        ) throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let agent = try ConsulStandIn()
                defer { agent.stop() }
                let dns = stage.hold(try LyingNameServer())
                let announce = { (running: [Nginx]) in
                    let ports = running.map(\.port)
                    dns.say(LyingNameServer.ports(ports), of: "_web._tcp.service.consul.")
                    agent.change { world in
                        for id in world.instances.values.map(\.id) { world.deregister(id) }
                        for port in ports {
                            world.register(
                                .init(
                                    "web", id: "_nomad-task-\(port)-web-http",
                                    address: "127.0.0.1", port: Int(port)))
                        }
                    }
                }
                announce([web[0], web[1]])
                let source =
                    byAPI
                    ? ["--consul", "web"]
                    : [
                        "--service", "_web._tcp.service.consul", "--dns", "127.0.0.1:\(dns.port)",
                    ]
                let fairlead = try stage.fairlead(
                    source, environment: ["FAIRLEAD_CONSUL_AGENTS": "\(agent.target)"])
                try fairlead.waitForBackends(up: 2)
                let load = try load(fairlead)
                announce([web[1], web[2]])
                try fairlead.waitForTraffic("the new allocation") { $0 == ["two": 6, "three": 6] }
                try load.stop()
                #expect(load.failures == [])
            }
        }

        // MARK: AWS Cloud Map

        @Test func `eight at random of twenty of Cloud Map are all used, and dead ones are not`()
            throws
        {
            try withStage { stage in
                let web = stage.hold(try Nginx("web", ports: 20))
                let dead = try (0..<2).map { _ in try FreePort.take() }
                let ports = web.ports + dead
                let dns = stage.hold(try LyingNameServer())
                // While no instance is healthy by its own checks, all are named, dead ones too.
                dns.say(
                    { query, overTCP in
                        let named = Array(ports.shuffled().prefix(8))
                        return LyingNameServer.ports(named)(query, overTCP)
                    }, of: "web.cloudmap.test.")
                let fairlead = try stage.fairlead(
                    ["--service", "web.cloudmap.test", "--dns", "127.0.0.1:\(dns.port)"],
                    environment: ["FAIRLEAD_REFRESH_EVERY": "100ms"])
                try fairlead.waitForBackends(up: 20)
                let load = try load(fairlead)
                let asked = dns.seen(of: "web.cloudmap.test.").count
                try waitFor("thirty more answers") { () -> Void? in
                    let up = try fairlead.backends().count { $0.state == "up" }
                    #expect(up == 20)
                    return dns.seen(of: "web.cloudmap.test.").count >= asked + 30 ? () : nil
                }
                try load.stop()
                #expect(load.failures == [])
            }
        }

        // MARK: Docker Swarm

        @Test(.enabled(if: OwnNames.isPossible))
        func `tasks of Swarm are followed within seconds, whatever their time to live says`()
            throws
        {
            try withStage { stage in
                let all = (61...65).map { "127.0.0.\($0)" }
                let port = try pods(stage, at: all)
                let names = try OwnNames(
                    hosts: "", resolvConf: "nameserver NS\noptions ndots:0\n")
                let dns = stage.hold(try LyingNameServer(at: names.nameServer))
                let tasks = Locked(Array(all[0..<3]))
                dns.say(
                    { query, _ in
                        var reply = query.reply()
                        guard let question = query.question, question.type == .a else {
                            return reply
                        }
                        // Docker's own server says 600 s of everything.
                        reply.answers = tasks.withLock { $0 }.compactMap(IPAddress.init).map {
                            ResourceRecord(question.name, ttlSeconds: 600, .address($0))
                        }
                        return reply
                    }, of: "tasks.web.")
                let fairlead = stage.hold(
                    try Fairlead(
                        command: names.command([
                            Fairlead.program(), "run", "--workers", "1",
                            "--listen", "127.0.0.1:\(try FreePort.take())",
                            "--admin", "127.0.0.1:\(try FreePort.take())",
                            "--backend", "tasks.web:\(port)",
                        ]), environment: ["FAIRLEAD_REFRESH_EVERY": "500ms"]))
                try fairlead.waitForBackends(up: 3)
                let load = try load(fairlead)
                for now in [Array(all[0..<5]), Array(all[3..<5])] {
                    tasks.withLock { $0 = now }
                    try waitForShares(
                        fairlead, Dictionary(uniqueKeysWithValues: now.map { ($0, 4) }))
                }
                try load.stop()
                #expect(load.failures == [])
            }
        }
    }
}
