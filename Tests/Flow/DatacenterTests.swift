// Two datacentres, by DNS and by Consul's API: fail-over, return, and what a cut cable costs.

internal import DNSWire
internal import Endpoints
internal import Locking
internal import TestSupport
internal import Testing

extension Following {
    // Goal: `web` of the first datacentre serves, that of the second while the first is out, and no
    // GET fails when a datacentre loses its network, nor when it is back. Method: three networks of
    // the test's own with cables that can be cut, a stand-in for Consul's agent or a nameserver on
    // the edge, and 200 requests a second, of which each tenth is a POST.
    @Suite(.enabled(if: OwnMachine.isPossible, "namespaces can't be made here"), .serialized)
    struct TwoDatacenters {
        /// How the instances are found.
        enum Way: String, CaseIterable, Sendable {
            case dns, api
        }

        /// What is known of `web`, for either way.
        private final class Registry {
            let agent: ConsulStandIn
            let dns: LyingNameServer

            init() throws {
                agent = try ConsulStandIn()
                dns = try LyingNameServer()
            }

            deinit { agent.stop() }

            func announce(_ count: Int, in number: Int) {
                let addresses = (1...count).map { Datacenters.address(number, $0) }
                agent.change { world in
                    for (index, address) in addresses.enumerated() {
                        var instance = ConsulWorld.Instance(
                            "web", id: "web-\(index)", address: address,
                            port: Int(Datacenters.port))
                        instance.datacenter = "dc\(number)"
                        instance.node = "node-\(number)-\(index)"
                        world.register(instance)
                    }
                }
                dns.say(
                    { query, _ in
                        var reply = query.reply()
                        guard let question = query.question, question.type == .srv else {
                            return reply
                        }
                        for text in addresses {
                            guard case .v4(let bits)? = IPAddress(text),
                                let target = try? DomainName(
                                    String(bits, radix: 16).leftPadded(to: 8)
                                        + ".addr.dc\(number).consul")
                            else { continue }
                            reply.answers.append(
                                ResourceRecord(
                                    question.name, ttlSeconds: 0,
                                    .srv(
                                        .init(
                                            priority: 1, weight: 1, port: Datacenters.port,
                                            target: target))))
                        }
                        return reply
                    }, of: "web.service.dc\(number).consul.")
            }

            /// The servers are in the datacentre that is cut off, and nobody can say anything.
            func isCutOff(_ isCut: Bool) {
                agent.change { $0.lie = isCut ? .noLeader : nil }
                if isCut {
                    for number in 1...2 {
                        dns.say(
                            LyingNameServer.code(.serverFailure),
                            of: "web.service.dc\(number).consul.")
                    }
                } else {
                    announce(3, in: 1)
                    announce(2, in: 2)
                }
            }

            func flags(_ way: Way) -> [String] {
                switch way {
                case .api: ["--consul", "web", "--consul", "web?dc=dc2"]
                case .dns:
                    [
                        "--service", "web.service.dc1.consul",
                        "--service", "web.service.dc2.consul", "--dns", "127.0.0.1:\(dns.port)",
                    ]
                }
            }
        }

        /// Requests at a steady rate, and what became of them.
        private final class Clients {
            /// Of requests that began since the last `take`; failures are of all that ended since.
            struct Tally {
                let begin = ContinuousClock.now
                var requests = 0
                var failedGETs: [String] = []
                var failedPOSTs: [String] = []
                var slowest = Duration.zero
                var bodies: [String: Int] = [:]
            }

            private let load: Load
            private let tally: Locked<Tally>

            /// Twenty clients, ten requests a second each; the tenth of each is a POST.
            init(port: UInt16) throws {
                let tally = Locked(Tally())
                self.tally = tally
                load = Load { client in
                    var connection: HTTPConnection?
                    var number = client
                    return {
                        number += 1
                        let isPOST = number % 10 == 0
                        let begin = ContinuousClock.now
                        var problem: String?
                        var body = ""
                        do {
                            let open = try connection ?? HTTPConnection(port: port)
                            connection = open
                            let response = try open.request(
                                isPOST ? "POST" : "GET", "/",
                                headers: isPOST ? ["Content-Length: 2"] : [],
                                body: isPOST ? "ab" : "")
                            body = String(response.body.prefix { $0 != "\n" })
                            if response.status != 200 { problem = "\(response.status)" }
                        } catch {
                            connection = nil
                            problem = "\(error)"
                        }
                        let time = begin.duration(to: .now)
                        tally.withLock {
                            $0.requests += 1
                            if begin >= $0.begin { $0.slowest = max($0.slowest, time) }
                            if let problem {
                                if isPOST {
                                    $0.failedPOSTs.append(problem)
                                } else {
                                    $0.failedGETs.append(problem)
                                }
                            } else if begin >= $0.begin {
                                $0.bodies[body, default: 0] += 1
                            }
                        }
                        pause(milliseconds: 100)
                        return nil
                    }
                }
                try load.start(clients: 20)
            }

            func take() -> Tally {
                tally.withLock { tally in
                    defer { tally = Tally() }
                    return tally
                }
            }

            /// Blocks until a quarter of a second's requests all went to `name`; returns how long
            /// that took.
            func waitForTraffic(to name: String) throws -> Duration {
                let begin = ContinuousClock.now
                try waitFor("all requests to go to \(name)", limit: .seconds(40)) { () -> Void? in
                    let before = tally.withLock { $0.bodies }
                    pause(milliseconds: 250)
                    let after = tally.withLock { $0.bodies }
                    let others = after.keys.filter { $0 != name }
                    let isDone =
                        others.allSatisfy { after[$0] == before[$0] }
                        && after[name, default: 0] > before[name, default: 0] + 20
                    return isDone ? () : nil
                }
                return begin.duration(to: .now)
            }

            func stop() throws { try load.stop() }
        }

        /// Fairlead on the edge, with three instances in the first and two in the second.
        private func scene(
            _ way: Way, _ environment: [String: String] = [:],
            _ test: (Datacenters, Registry, Fairlead, Clients) throws -> Void
        ) throws {
            try withStage { stage in
                let centers = stage.hold(try Datacenters())
                try centers.startInstances(3, in: 1, on: stage)
                try centers.startInstances(2, in: 2, on: stage)
                try centers.edge.inside {
                    let registry = stage.hold(try Registry())
                    registry.announce(3, in: 1)
                    registry.announce(2, in: 2)
                    let all = ["FAIRLEAD_CONSUL_AGENTS": "\(registry.agent.target)"]
                    let fairlead = try stage.fairlead(
                        registry.flags(way), environment: all.merging(environment) { $1 })
                    try fairlead.waitForBackends(up: 5)
                    let clients = try Clients(port: fairlead.port)
                    _ = try clients.waitForTraffic(to: "dc1")
                    let start = clients.take()
                    #expect(start.failedGETs == [] && start.failedPOSTs == [])
                    try test(centers, registry, fairlead, clients)
                    try clients.stop()
                }
            }
        }

        @Test(arguments: Way.allCases)
        func `a datacentre that loses its network costs no GET, nor does its return`(way: Way)
            throws
        {
            try scene(way, ["FAIRLEAD_FAILOVER_RETURN": "3s"]) {
                centers, registry, fairlead, clients in
                try cutAndMend(centers, fairlead, clients, "\(way)") { registry.isCutOff($0) }
            }
        }

        @Test(
            .enabled(
                if: ConsulServers.program != nil,
                "there is no consul on PATH nor by CONSUL_BIN: no real servers joined by WAN"),
            arguments: Way.allCases)
        func `real servers joined by WAN, of which one loses its network, cost no GET`(way: Way)
            throws
        {
            try withStage { stage in
                let centers = stage.hold(try Datacenters())
                try centers.startInstances(3, in: 1, on: stage)
                try centers.startInstances(2, in: 2, on: stage)
                try centers.edge.inside {
                    _ = stage.hold(try ConsulServers(centers, instances: [3, 2]))
                    let source =
                        way == .api
                        ? ["--consul", "web", "--consul", "web?dc=dc2"]
                        : [
                            "--service", "web.service.dc1.consul",
                            "--service", "web.service.dc2.consul", "--dns", "127.0.0.1:8600",
                        ]
                    let fairlead = try stage.fairlead(
                        source, environment: ["FAIRLEAD_FAILOVER_RETURN": "3s"])
                    try fairlead.waitForBackends(up: 5)
                    let clients = try Clients(port: fairlead.port)
                    _ = try clients.waitForTraffic(to: "dc1")
                    _ = clients.take()
                    try cutAndMend(centers, fairlead, clients, "\(way), real Consul") { _ in }
                    try clients.stop()
                }
            }
        }

        /// Cuts the first datacentre off and mends it; `tell` says so to whatever stands for its
        /// servers.
        private func cutAndMend(
            _ centers: Datacenters, _ fairlead: Fairlead, _ clients: Clients, _ way: String,
            tell: (Bool) -> Void
        ) throws {
            try centers.cut(1)
            tell(true)
            let gone = try clients.waitForTraffic(to: "dc2")
            pause(milliseconds: 3_000)
            let cut = clients.take()
            print(
                "measured: by \(way), dc1 cut off for \(gone) + 3 s: \(cut.requests) requests, "
                    + "failed GETs \(cut.failedGETs.count), POSTs \(cut.failedPOSTs.count), "
                    + "slowest \(cut.slowest); all at dc2 after \(gone)")
            #expect(cut.failedGETs == [])
            try fairlead.process.waitForErrors(containing: "discovery.failed_over")

            try centers.mend(1)
            tell(false)
            let back = try clients.waitForTraffic(to: "dc1")
            let mended = clients.take()
            print(
                "measured: by \(way), dc1 back: \(mended.requests) requests, failed GETs "
                    + "\(mended.failedGETs.count), POSTs \(mended.failedPOSTs.count), slowest "
                    + "\(mended.slowest); all at dc1 after \(back)")
            #expect(mended.failedGETs == [] && mended.failedPOSTs == [])
            try fairlead.process.waitForErrors(containing: "discovery.returning")
            try fairlead.process.waitForErrors(containing: "discovery.failed_back")
        }

        @Test(arguments: Way.allCases)
        func `a single client whose datacentre is cut off is answered by the other one`(way: Way)
            throws
        {
            try scene(way) { centers, _, fairlead, clients in
                try clients.stop()
                // Nobody else asks: no other answer shows that these backends are silent.
                let connection = try HTTPConnection(port: fairlead.port)
                for _ in 0..<3 { #expect(try connection.request().body.hasPrefix("dc1")) }
                try centers.cut(1)
                let begin = ContinuousClock.now
                let response = try connection.request()
                let time = begin.duration(to: .now)
                print("measured: by \(way), a single client was answered by dc2 after \(time)")
                #expect(response.status == 200)
                #expect(response.body.hasPrefix("dc2"))
                #expect(time < .seconds(10))
            }
        }

        @Test func `the other datacentre may come and go, and nobody notices`() throws {
            try scene(.api) { centers, _, _, clients in
                try centers.cut(2)
                pause(milliseconds: 6_000)
                try centers.mend(2)
                pause(milliseconds: 2_000)
                let all = clients.take()
                #expect(all.failedGETs == [] && all.failedPOSTs == [])
                #expect(all.bodies.keys.sorted() == ["dc1"])
                print("measured: dc2 away for 6 s and back: slowest \(all.slowest)")
            }
        }

        @Test func `a link that flaps takes no requests along, and the reason is told`() throws {
            try scene(.api, ["FAIRLEAD_FAILOVER_RETURN": "30s"]) {
                centers, _, fairlead, clients in
                try centers.cut(1)
                _ = try clients.waitForTraffic(to: "dc2")
                try fairlead.waitForBackends(up: 2)
                _ = clients.take()
                for _ in 0..<2 {
                    try centers.mend(1)
                    try waitFor("dc1 to be up again") {
                        try fairlead.backends().count { $0.state == "up" } == 5 ? () : nil
                    }
                    pause(milliseconds: 500)
                    try centers.cut(1)
                    try waitFor("dc1 to be out again", limit: .seconds(30)) {
                        try fairlead.backends().count { $0.state == "up" } == 2 ? () : nil
                    }
                }
                try centers.mend(1)
                try fairlead.waitForBackends(up: 5)
                let all = clients.take()
                #expect(all.failedGETs == [] && all.failedPOSTs == [])
                #expect(all.bodies.keys.sorted() == ["dc2"])
                try waitFor("the reason to be told") {
                    try fairlead.page("/backends").body.contains("\"reason\":\"returning\"")
                        ? () : nil
                }
                // Its instances are what is lost now: those that wait are at hand.
                try centers.cut(2)
                _ = try clients.waitForTraffic(to: "dc1")
                #expect(clients.take().failedGETs == [])
            }
        }

        @Test(arguments: Way.allCases)
        func `instances that are all unhealthy, or gone, are replaced by the others and return`(
            way: Way
        ) throws {
            try scene(way) { _, registry, fairlead, clients in
                registry.agent.change { world in
                    for index in 0..<3 {
                        world.setStatus("critical", of: "web-\(index)", node: "node-1-\(index)")
                    }
                }
                // What Consul has nothing of, its DNS denies.
                registry.dns.say(
                    LyingNameServer.code(.nameError), of: "web.service.dc1.consul.")
                _ = try clients.waitForTraffic(to: "dc2")
                registry.agent.change { world in
                    for index in 0..<3 {
                        world.setStatus("passing", of: "web-\(index)", node: "node-1-\(index)")
                    }
                }
                registry.announce(3, in: 1)
                _ = try clients.waitForTraffic(to: "dc1")
                let all = clients.take()
                #expect(all.failedGETs == [] && all.failedPOSTs == [], "\(all)")
                #expect(try fairlead.metric("fairlead_failed_requests_total") == 0)
            }
        }
    }
}

extension String {
    /// With zeroes before it, up to so many characters.
    fileprivate func leftPadded(to count: Int) -> String {
        String(repeating: "0", count: max(0, count - self.count)) + self
    }
}
