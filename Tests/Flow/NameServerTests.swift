// Name servers of four makes, and what `fairlead explain` says of them.

internal import FoundationEssentials
import Testing

extension Following {
    // Goal: whatever server stands between, the same instances are found, and explained truly.
    // Method: named, knotd, dnsmasq, and unbound as a cache before named.
    @Suite struct NameServers {
        @Test func `knotd is followed by weight and tier`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let knotd = stage.hold(
                    try Knotd([
                        SRVRecord(web[0], weight: 2), SRVRecord(web[1], weight: 1),
                        SRVRecord(web[2], priority: 2),
                    ]))
                let fairlead = try stage.fairlead(following: knotd.port, up: 3)
                #expect(try fairlead.bodies(of: 30) == ["one": 20, "two": 10])
            }
        }

        @Test func `behind a cache a change is seen when the time to live has run down`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = stage.hold(try Named([SRVRecord(web[0])], timeToLive: 4))
                let unbound = stage.hold(try Unbound(before: named.port))
                let fairlead = try stage.fairlead(following: unbound.port, up: 1)
                try named.add(SRVRecord(web[1]))
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 10) == ["one": 5, "two": 5])
            }
        }

        /// What `fairlead explain --json` says; only what the tests look at.
        struct Explanation: Decodable {
            struct Record: Decodable {
                var type: String
                var ttlSeconds: Int
            }
            struct Answer: Decodable {
                var transport: String?
                var code: String?
                var answer: [Record]
            }
            struct Server: Decodable {
                var server: String
                var answers: [Answer]
                var instances: Int
                var failure: String?
                var keepsCase: Bool?
                var knowsEDNS: Bool?
            }
            struct Backend: Decodable {
                var backend: String
                var tier: Int
                var percent: Double
            }
            struct Remark: Decodable {
                var kind: String
            }

            var good: Bool
            var failure: String?
            var servers: [Server]
            var backends: [Backend]
            var remarks: [Remark]
        }

        private func explain(_ arguments: [String], exit: Int32 = 0) throws -> Explanation {
            let process = try Fairlead.start(["explain", "--json"] + arguments)
            #expect(try process.waitForExit() == .status(exit), "\(process.transcript)")
            return try JSONDecoder().decode(Explanation.self, from: Data(process.output.utf8))
        }

        @Test func `explain finds the same with every make of server, and every one keeps case`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let records = [
                    SRVRecord(web[0], weight: 3), SRVRecord(web[1], priority: 2),
                ]
                let named = try stage.named(records)
                let ports = [
                    named.port, stage.hold(try Knotd(records)).port,
                    stage.hold(try Dnsmasq(records)).port,
                    stage.hold(try Unbound(before: named.port)).port,
                ]
                let found = try explain(
                    [SRVRecord.service] + ports.flatMap { ["--dns", "127.0.0.1:\($0)"] })
                #expect(found.servers.map(\.server) == ports.map { "127.0.0.1:\($0)" })
                #expect(found.servers.allSatisfy { $0.instances == 2 && $0.keepsCase == true })
                #expect(found.servers.allSatisfy { $0.knowsEDNS == true })
                #expect(found.backends.map(\.backend) == web.map { "127.0.0.1:\($0.port)" })
                #expect(found.backends.map(\.tier) == [1, 2])
                #expect(!found.remarks.contains { $0.kind == "disagreement" })
            }
        }

        @Test func `explain shows the time to live that a cache counts down`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let named = stage.hold(try Named([SRVRecord(web[0])], timeToLive: 600))
                let unbound = stage.hold(try Unbound(before: named.port))
                let arguments = [SRVRecord.service, "--dns", "127.0.0.1:\(unbound.port)"]
                func timeToLive() throws -> Int {
                    let answers = try explain(arguments).servers.first?.answers
                    return try #require(answers?.first?.answer.first?.ttlSeconds)
                }
                let first = try timeToLive()
                #expect((1...600).contains(first))
                try waitFor("the time to live to count down") {
                    try timeToLive() < first ? () : nil
                }
            }
        }

        @Test func `more records than fit a datagram come over TCP`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let records = (1...80).map { number in
                    var record = SRVRecord(web[0])
                    record.port = UInt16(30_000 + number)
                    return record
                }
                let named = try stage.named(records)
                let found = try explain([SRVRecord.service, "--dns", "127.0.0.1:\(named.port)"])
                #expect(found.servers.first?.answers.first?.transport == "TCP")
                #expect(found.backends.count == 80)
                let sum = found.backends.reduce(0) { $0 + $1.percent }
                #expect(abs(sum - 100) < 0.1)
                #expect(found.remarks.contains { $0.kind == "truncated" })
            }
        }

        @Test func `explain exits 1 without instances and 2 for what is not valid`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let named = try stage.named([SRVRecord(web[0])])
                let dns = ["--dns", "127.0.0.1:\(named.port)"]
                let gone = try explain(["nothing.flow.example"] + dns, exit: 1)
                #expect(!gone.good && gone.failure == "nxdomain")
                let silent = try FreePort.take()
                let away = try explain(
                    [SRVRecord.service, "--dns", "127.0.0.1:\(silent)"], exit: 1)
                #expect(away.failure == "unreachable")
                let variable = try Fairlead.start(
                    ["explain", "a.example"], environment: ["FAIRLEAD_DNS": "no sense"])
                #expect(try variable.waitForExit() == .status(2))
                for arguments in [
                    ["a..b"] + dns, ["a", "--dns", "x y"], ["a", "--type", "MX"], [],
                ] {
                    let process = try Fairlead.start(["explain"] + arguments)
                    #expect(try process.waitForExit() == .status(2), "\(arguments)")
                }
            }
        }

        @Test func `explain knows the services of a configuration`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let named = try stage.named([SRVRecord(web[0])])
                let folder = stage.hold(try TemporaryFolder())
                let file = try folder.write(
                    """
                    dns: {servers: ["127.0.0.1:\(named.port)"]}
                    services:
                      web: {srv: \(SRVRecord.service)}
                      list: {backends: ["one.flow.example:80", "127.0.0.1:81"]}
                    listeners:
                      - {listen: ":8080", service: web}
                      - {listen: ":8081", service: list}
                    """, to: "fairlead.yaml")
                let web1 = try explain(["web", "--config", file])
                #expect(web1.backends.map(\.backend) == ["127.0.0.1:\(web[0].port)"])
                let list = try explain(["list", "--config", file])
                #expect(list.backends.map(\.backend) == ["127.0.0.1:80", "127.0.0.1:81"])
                let process = try Fairlead.start(["explain", "web", "--config", file])
                #expect(try process.waitForExit() == .status(0))
                #expect(process.output.contains("service web: SRV \(SRVRecord.service)"))
            }
        }
    }
}
