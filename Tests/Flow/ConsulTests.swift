// Consul by its API, end to end: what is registered there, written to its keys or said in tags, and
// what becomes of requests. The agent is a stand-in that follows Consul's documented behaviour.

internal import DNSWire
internal import Endpoints
import TestSupport
import Testing

extension Following {
    // Goal: a change in Consul reaches requests at once, and nothing that Consul does or fails to
    // do costs one. Method: a stand-in for an agent, nginx as instances, requests on kept
    // connections.
    @Suite struct ConsulAPI {
        /// What one test needs of an agent.
        private func withAgent(_ test: (Stage, ConsulStandIn) throws -> Void) throws {
            let agent = try ConsulStandIn()
            defer { agent.stop() }
            try withStage { try test($0, agent) }
        }

        private func instance(
            _ web: Nginx, of service: String = "web", tags: [String] = []
        ) -> ConsulWorld.Instance {
            var instance = ConsulWorld.Instance(
                service, id: "\(service)-\(web.port)", address: "127.0.0.1", port: Int(web.port))
            instance.tags = tags
            return instance
        }

        private func register(_ web: [Nginx], with agent: ConsulStandIn) {
            agent.change { world in
                for web in web { world.register(instance(web)) }
            }
        }

        private func fairlead(
            _ stage: Stage, _ agent: ConsulStandIn, _ flags: [String] = ["--consul", "web"],
            environment: [String: String] = [:]
        ) throws -> Fairlead {
            var environment = environment
            environment["FAIRLEAD_CONSUL_AGENTS"] = "\(agent.target)"
            environment["FAIRLEAD_CHECK_INTERVAL"] = "500ms"
            return try stage.fairlead(flags, environment: environment)
        }

        // MARK: Instances

        @Test
        func `an instance that is registered gets its first request within a tenth of a second`()
            throws
        {
            try withAgent { stage, agent in
                let web = try stage.web("one")
                register(web, with: agent)
                // The same server on ten addresses: instances that were never there before.
                let port = try FreePort.take()
                let other = try Fairlead.start(["backend", "--listen", ":\(port)", "--name", "two"])
                _ = stage.hold(other)
                try waitFor("the other server") { (try? get(port: port)) == nil ? nil : () }
                let fairlead = try fairlead(stage, agent)
                try fairlead.waitForBackends(up: 1)
                let clock = ContinuousClock()
                var times: [Duration] = []
                for number in 2...6 {
                    var new = ConsulWorld.Instance(
                        "web", id: "two-\(number)", address: "127.0.0.\(number)", port: Int(port))
                    new.tags = ["new"]
                    let connection = try HTTPConnection(port: fairlead.port)
                    #expect(try connection.request().body == "one")
                    let begin = clock.now
                    agent.change { $0.register(new) }
                    try waitFor("traffic to the new instance") {
                        try connection.request().body.hasPrefix("two") ? () : nil
                    }
                    times.append(begin.duration(to: clock.now))
                    agent.change { $0.deregister(new.id) }
                    try fairlead.waitForTraffic("the instance to be left out") { $0 == ["one": 12] }
                    // Changes in quick succession are paced; these are to be seen one by one.
                    pause(milliseconds: 2_000)
                }
                times.sort()
                print(
                    "measured: by a blocking query, from registration to the first request: "
                        + "\(times)"
                )
            }
        }

        @Test func `weights are those of the health, and a critical instance is left out`() throws {
            try withAgent { stage, agent in
                let web = try stage.web("one", "two", "three")
                agent.change { world in
                    for (web, weight) in zip(web, [4, 2, 1]) {
                        var instance = instance(web)
                        instance.passingWeight = weight
                        world.register(instance)
                    }
                }
                let fairlead = try fairlead(stage, agent)
                try fairlead.waitForBackends(up: 3)
                #expect(try fairlead.bodies(of: 14) == ["one": 8, "two": 4, "three": 2])
                agent.change { $0.setStatus("warning", of: "web-\(web[0].port)") }
                try fairlead.waitForTraffic("the weight of a warning") {
                    $0 == ["one": 3, "two": 6, "three": 3]
                }
                agent.change { $0.setStatus("critical", of: "web-\(web[1].port)") }
                try fairlead.waitForTraffic("the critical instance to be left out") {
                    $0 == ["one": 6, "three": 6]
                }
            }
        }

        @Test func `an agent that lies, stops or starts empty costs no request`() throws {
            try withAgent { stage, agent in
                let web = try stage.web("one", "two", "three")
                register(web, with: agent)
                let fairlead = try fairlead(stage, agent)
                try fairlead.waitForBackends(up: 3)
                agent.change { $0.lie = .garbage }
                agent.closeConnections()
                try waitFor("what was malformed to be counted") {
                    try fairlead.metric("fairlead_registry_malformed_total", "Consul agent") > 0
                        ? () : nil
                }
                #expect(try fairlead.page("/stats").body.contains("\"lastMalformedAt\""))
                let lies: [ConsulWorld.Lie] = [
                    .noLeader, .truncated, .reset, .fallingIndex, .noIndex, .hidden,
                ]
                for lie in lies {
                    agent.change { $0.lie = lie }
                    agent.closeConnections()
                    for _ in 0..<20 {
                        #expect(try fairlead.bodies(of: 3).values.reduce(0, +) == 3, "\(lie)")
                    }
                    agent.change { $0.lie = nil }
                }
                agent.change { $0.restart() }
                agent.closeConnections()
                for _ in 0..<50 { #expect(try fairlead.bodies(of: 3).count == 3) }
                try waitFor("the empty answer to be heard") {
                    try fairlead.metric("fairlead_discovery_answers_total", "nodata") > 0 ? () : nil
                }
                #expect(try fairlead.bodies(of: 9) == ["one": 3, "two": 3, "three": 3])
            }
        }

        @Test func `DNS is there when the API fails, and the API when it is back`() throws {
            try withAgent { stage, agent in
                let web = try stage.web("one", "two")
                let dns = stage.hold(try LyingNameServer())
                dns.say(LyingNameServer.ports([web[0].port, web[1].port]), of: "web.test.")
                agent.change { $0.lie = .noLeader }
                let fairlead = try fairlead(
                    stage, agent,
                    ["--consul", "web", "--service", "web.test", "--dns", "127.0.0.1:\(dns.port)"])
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 12) == ["one": 6, "two": 6])
                register([web[0]], with: agent)
                agent.change { $0.lie = nil }
                try fairlead.waitForTraffic("the API's word to count") { $0 == ["one": 12] }
            }
        }

        @Test func `another datacentre is for when the first has nothing left`() throws {
            try withAgent { stage, agent in
                let web = try stage.web("one", "two")
                agent.change { world in
                    world.register(instance(web[0]))
                    world.register(instance(web[1], of: "spare"))
                }
                let fairlead = try fairlead(
                    stage, agent, ["--consul", "web", "--consul", "spare"])
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 12) == ["one": 12])
                try web[0].kill()
                try fairlead.waitForTraffic("the second to take over") { $0 == ["two": 12] }
                try web[0].start()
                try fairlead.waitForTraffic("the first to be back") { $0 == ["one": 12] }
            }
        }

        @Test func `a prepared query that fails over brings the other datacentre, and back`()
            throws
        {
            try withAgent { stage, agent in
                let web = try stage.web("one", "two")
                var other = instance(web[1])
                other.datacenter = "dc2"
                other.node = "node-2"
                agent.change { world in
                    world.register(instance(web[0]))
                    world.register(other)
                    world.failovers["web"] = ["dc2"]
                }
                let fairlead = try fairlead(
                    stage, agent, ["--consul", "query/web"],
                    environment: ["FAIRLEAD_REFRESH_EVERY": "200ms"])
                try fairlead.waitForBackends(up: 1)
                #expect(try fairlead.bodies(of: 12) == ["one": 12])
                agent.change { $0.setStatus("critical", of: "web-\(web[0].port)") }
                try fairlead.waitForTraffic("the other datacentre") { $0 == ["two": 12] }
                agent.change { $0.setStatus("passing", of: "web-\(web[0].port)") }
                try fairlead.waitForTraffic("the first to be back") { $0 == ["one": 12] }
            }
        }

        // MARK: Configuration from Consul

        @Test func `routes, services and drains come from keys, and nonsense changes nothing`()
            throws
        {
            try withAgent { stage, agent in
                let web = try stage.web("one", "two")
                agent.change { world in
                    world.register(instance(web[0], of: "a"))
                    world.register(instance(web[1], of: "b"))
                    world.put("fairlead/services/a", Array("consul: a".utf8))
                    world.put("fairlead/services/b", Array("consul: b".utf8))
                    world.put("fairlead/routes/all", Array("{path-prefix: /, service: a}".utf8))
                }
                let fairlead = try fairlead(
                    stage, agent, [], environment: ["FAIRLEAD_CONSUL_KV": "fairlead/"])
                let connection = try HTTPConnection(port: fairlead.port)
                try waitFor("the first routes") {
                    try connection.request().body == "one" ? () : nil
                }
                agent.change {
                    $0.put("fairlead/routes/api", Array("{path-prefix: /api, service: b}".utf8))
                }
                try waitFor("the new route, on a kept connection") {
                    try connection.request("GET", "/api/").body == "two" ? () : nil
                }
                #expect(try connection.request().body == "one")

                agent.change {
                    $0.put("fairlead/routes/api", Array("{path-prefix: /api, servce: b}".utf8))
                }
                try waitFor("the refusal") {
                    try fairlead.metric("fairlead_configurations_total", "refused") > 0 ? () : nil
                }
                #expect(try fairlead.page("/stats").body.contains("unknown key, expected service?"))
                #expect(
                    try connection.request("GET", "/api/").body == "two", "the last good one stays")

                let backend = "127.0.0.1:\(web[1].port)"
                agent.change { world in
                    world.put("fairlead/routes/api", Array("{path-prefix: /api, service: b}".utf8))
                    world.put("fairlead/backends/b/\(backend)", Array("drain: on".utf8))
                }
                try waitFor("the drain") {
                    try connection.request("GET", "/api/").status == 503 ? () : nil
                }
                agent.change { $0.delete("fairlead/backends/b/\(backend)") }
                try waitFor("its end") {
                    try connection.request("GET", "/api/").body == "two" ? () : nil
                }
                agent.change { $0.delete("fairlead/routes/api") }
                try waitFor("the route to be gone") {
                    try connection.request("GET", "/api/").body == "one" ? () : nil
                }
            }
        }

        @Test
        func `tags become routes without any configuration, and a wrong one is left out alone`()
            throws
        {
            try withAgent { stage, agent in
                let web = try stage.web("one", "two")
                agent.change { world in
                    world.register(
                        instance(
                            web[0], of: "shop", tags: ["urlprefix-/", "urlprefix-/tcp proto=tcp"]))
                    world.register(
                        instance(web[1], of: "api", tags: ["v2", "urlprefix-/api strip=/api"]))
                }
                let fairlead = try fairlead(
                    stage, agent, [], environment: ["FAIRLEAD_CONSUL_TAGS": "on"])
                let connection = try HTTPConnection(port: fairlead.port)
                try waitFor("the routes") {
                    try connection.request("GET", "/api/").body == "two" ? () : nil
                }
                #expect(try connection.request().body == "one")
                #expect(try fairlead.page("/stats").body.contains("proto=tcp"))
                agent.change { $0.deregister("api-\(web[1].port)") }
                try waitFor("the route to go with its service") {
                    try connection.request("GET", "/api/").body == "one" ? () : nil
                }
            }
        }

        @Test
        func `it registers itself, shares limits, and is gone from the agent before it is gone`()
            throws
        {
            try withAgent { stage, agent in
                let web = try stage.web("one")
                register(web, with: agent)
                agent.change { $0.register(.init("edge", id: "another", port: 80)) }
                let fairlead = try fairlead(
                    stage, agent,
                    environment: [
                        "FAIRLEAD_CONSUL_REGISTER_NAME": "edge",
                        "FAIRLEAD_CONSUL_REGISTER_TAGS": "v1",
                        "FAIRLEAD_RATE": "limit: 8/h by: all share: on",
                    ])
                try waitFor("the registration") {
                    agent.known.agentServices.values.contains { $0.contains("\"edge\"") } ? () : nil
                }
                try waitFor("two that share") {
                    try fairlead.metric("fairlead_rate_shares") == 2 ? () : nil
                }
                let statuses = try (0..<8).map { _ in try get(port: fairlead.port).status }
                #expect(statuses == [200, 200, 200, 200, 429, 429, 429, 429])
                fairlead.process.signal(15)
                #expect(try fairlead.process.waitForExit() == .status(0))
                #expect(agent.known.agentServices.isEmpty)
            }
        }

        // MARK: A file

        @Test func `a file of instances is followed`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let folder = stage.hold(try TemporaryFolder())
                let targets = { (ports: [UInt16]) in
                    let list = ports.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
                    return "[{\"targets\": [\(list)], \"labels\": {\"zone\": \"a\"}}]"
                }
                let path = try folder.write(targets([web[0].port]), to: "web.json")
                let configuration = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    workers: 1
                    listeners: [{listen: "127.0.0.1:\(try FreePort.take())", file: \(path)}]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", configuration]))
                try fairlead.waitForBackends(up: 1)
                try folder.write(targets(web.map(\.port)), to: "web.json")
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 6) == ["one": 3, "two": 3])
                try folder.write("[{\"targets\": [", to: "web.json")
                try waitFor("the half-written file to be counted") {
                    try fairlead.metric("fairlead_discovery_answers_total", "malformed") > 0
                        ? () : nil
                }
                #expect(try fairlead.bodies(of: 6) == ["one": 3, "two": 3])
                // Somebody wrote it: that nothing is left is meant so.
                try folder.write(targets([]), to: "web.json")
                try waitFor("the refusal") {
                    try HTTPConnection(port: fairlead.port).request().status == 503 ? () : nil
                }
                try folder.write(targets([web[1].port]), to: "web.json")
                try waitFor("the one that is back") {
                    (try? fairlead.bodies(of: 4)) == ["two": 4] ? () : nil
                }
            }
        }
    }
}
