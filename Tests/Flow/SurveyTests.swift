// What becomes of SRV answers that other proxies stumble over. discovery.md is what this test has
// seen, for people to read; FAIRLEAD_WRITE_DISCOVERY=1 writes it again.

internal import DNSWire
internal import FoundationEssentials
internal import Glibc
internal import Locking
import Testing

// Goal: every row of the table of what proxies do with SRV answers is right for Fairlead. Method:
// one Fairlead with a service for each row, before a name server that says of each name what its
// row is about; what is seen is put into words and compared with what the table says.
@Suite struct Survey {
    private static let path = "\(#filePath.dropLast("SurveyTests.swift".count))discovery.md"

    /// A service of the test: its name, and the listener that leads to it alone.
    private static let names = [
        "weights", "heavy", "zero", "tiers", "four", "additional", "truncated", "subset", "silent",
        "servfail", "nxdomain", "nodata", "pace", "alias", "replaced", "shrunk", "lone",
    ]

    /// The instances.
    private static let instances = ["one", "two", "three", "four", "five"]

    /// The stage after everything is up.
    private struct World {
        let dns: LyingNameServer
        let fairlead: Fairlead
        let web: [Nginx]

        func port(_ name: String) -> UInt16 {
            fairlead.ports[names.firstIndex(of: name) ?? 0]
        }

        /// Requests on one connection, counted by the instance that answered, or by status.
        func ask(_ name: String, _ count: Int) throws -> [String: Int] {
            let connection = try HTTPConnection(port: port(name))
            var counts: [String: Int] = [:]
            for _ in 0..<count {
                let response = try connection.request()
                counts[response.status == 200 ? response.body : "\(response.status)", default: 0] +=
                    1
            }
            return counts
        }

        /// `60:6`: how many each instance got, in their order.
        func shares(_ name: String, of instances: Int) throws -> String {
            let counts = try ask(name, 66)
            #expect(counts.values.reduce(0, +) == 66)
            let shares = Survey.instances.prefix(instances).map { counts[$0] ?? 0 }
            // Of four alike, who gets one more is up to whom the server named first.
            return (instances == 4 ? shares.sorted(by: >) : shares)
                .map { "\($0)" }.joined(separator: ":")
        }
    }

    @Test func `the table of SRV answers is as it says`() async throws {
        try await withStage { stage in
            let world = try prepare(stage)
            try expectEqualShares(world)
            var rows = try rightAnswers(world)
            rows += try losses(world)
            rows += try await outages(world)
            let table = Self.markdown(rows)
            if unsafe getenv("FAIRLEAD_WRITE_DISCOVERY") != nil {
                try Data(table.utf8).write(to: URL(filePath: Self.path))
            }
            #expect(
                readFile(Self.path) == table,
                "discovery.md is not what was seen: FAIRLEAD_WRITE_DISCOVERY=1 writes it")
        }
    }

    // MARK: The stage

    private func prepare(_ stage: Stage) throws -> World {
        let web = try Self.instances.map { try stage.web($0)[0] }
        let dns = stage.hold(try LyingNameServer())
        let ports = web.map(\.port)
        for name in ["silent", "servfail", "nxdomain", "nodata", "pace"] {
            dns.say(LyingNameServer.ports(Array(ports[..<2])), of: "\(name).test.")
        }
        dns.say(
            LyingNameServer.records([(ports[0], 1, 10), (ports[1], 1, 1)]), of: "weights.test.")
        dns.say(
            LyingNameServer.records([(ports[0], 1, 2560), (ports[1], 1, 256)]), of: "heavy.test.")
        dns.say(LyingNameServer.records([(ports[0], 1, 0), (ports[1], 1, 1)]), of: "zero.test.")
        dns.say(LyingNameServer.records([(ports[0], 1, 1), (ports[1], 2, 1)]), of: "tiers.test.")
        dns.say(LyingNameServer.ports(Array(ports[..<4])), of: "four.test.")
        dns.say(LyingNameServer.ports(Array(ports[2..<4])), of: "replaced.test.")
        dns.say(LyingNameServer.ports(ports), of: "shrunk.test.")
        dns.say(LyingNameServer.ports(Array(ports[..<4])), of: "lone.test.")
        dns.say(Self.additional(Array(ports[..<2])), of: "additional.test.")
        dns.say(Self.truncated(Array(ports[..<2])), of: "truncated.test.")
        dns.say(Self.subset(Array(ports[..<4])), of: "subset.test.")
        dns.say(Self.alias(to: "real.test"), of: "alias.test.")
        dns.say(LyingNameServer.ports(Array(ports[..<2])), of: "real.test.")
        let services = Self.names.map { "  \($0): {srv: \($0).test, check: {interval: 500ms}}\n" }
        let listeners = try Self.names.map {
            "  - {name: \($0), listen: \"127.0.0.1:\(try FreePort.take())\", service: \($0)}\n"
        }
        let folder = stage.hold(try TemporaryFolder())
        let file = try folder.write(
            """
            workers: 1
            admin: 127.0.0.1:\(try FreePort.take())
            dns: {servers: ["127.0.0.1:\(dns.port)"]}
            services:
            \(services.joined())listeners:
            \(listeners.joined())
            """, to: "survey.yaml")
        let fairlead = stage.hold(
            try Fairlead(arguments: ["run", "--config", file], listeners: Self.names.count))
        // Two each, and those of the four that have more.
        try fairlead.waitForBackends(up: 2 * Self.names.count + 2 + 2 + 3 + 2)
        return World(dns: dns, fairlead: fairlead, web: web)
    }

    /// Addresses come in the additional section, and are found nowhere else.
    private static func additional(_ ports: [UInt16]) -> LyingNameServer.Answer {
        { query, _ in
            var reply = query.reply()
            guard let question = query.question, question.type == .srv,
                let target = try? DomainName("host.test")
            else { return reply }
            reply.answers = ports.map {
                ResourceRecord(
                    question.name, ttlSeconds: 0,
                    .srv(.init(priority: 1, weight: 1, port: $0, target: target)))
            }
            reply.additionals = [ResourceRecord(target, ttlSeconds: 0, .a(0x7f00_0001))]
            return reply
        }
    }

    /// Over UDP one record and the TC bit.
    private static func truncated(_ ports: [UInt16]) -> LyingNameServer.Answer {
        { query, overTCP in
            let all = LyingNameServer.ports(ports)(query, overTCP)
            guard !overTCP, var reply = all else { return all }
            reply.answers = Array(reply.answers.prefix(1))
            reply.flags.insert(.truncated)
            return reply
        }
    }

    /// An alias, and nothing of what it leads to.
    private static func alias(to target: String) -> LyingNameServer.Answer {
        { query, _ in
            var reply = query.reply()
            guard let question = query.question, let target = try? DomainName(target) else {
                return reply
            }
            reply.answers = [ResourceRecord(question.name, ttlSeconds: 0, .cname(target))]
            return reply
        }
    }

    /// Consul's agent without EDNS, as it comes: over UDP three of all, drawn at random, and no TC
    /// bit.
    private static func subset(_ ports: [UInt16]) -> LyingNameServer.Answer {
        { query, overTCP in
            guard var reply = LyingNameServer.ports(ports)(query, overTCP) else { return nil }
            guard !overTCP else { return reply }
            reply.answers = Array(reply.answers.shuffled().prefix(3))
            reply.edns = nil
            return reply
        }
    }

    // MARK: The rows

    private struct Row {
        let situation: String
        let peers: [String]
        let fairlead: String
    }

    private func expectEqualShares(_ world: World) throws {
        #expect(try world.shares("pace", of: 2) == "33:33")
    }

    private func rightAnswers(_ world: World) throws -> [Row] {
        func row(_ situation: String, _ peers: [String], _ expected: String, _ seen: String) -> Row
        {
            #expect(seen == expected, "\(situation)")
            return Row(situation: situation, peers: peers, fairlead: seen)
        }
        let questions = world.dns.seen(of: "host.test.").count
        let payload = world.dns.seen(of: "weights.test.").first?.payload
        return [
            row(
                "weights 10:1, 66 requests", ["60:6", "33:33", "weighted, at random"], "60:6",
                try world.shares("weights", of: 2)),
            row(
                "weights 2560:256", ["60:6", "60:6", "weighted, at random"], "60:6",
                try world.shares("heavy", of: 2)),
            row(
                "weight 0 beside 1 (RFC 2782: a very small chance)",
                ["33:33", "0:66", "never picked"], "1 of 66 at most", try smallShare(world)),
            row(
                "priority 1 before 2", ["66:0", "32:34, ignored", "only with one policy"], "66:0",
                try world.shares("tiers", of: 2)),
            row(
                "a 4th record where there were 3", ["used", "dropped without a word", "used"],
                "17:17:16:16", try world.shares("four", of: 4)),
            row(
                "addresses in the additional section",
                ["ignored: a question per target", "used", "used"], "used: no further question",
                questions == 0 ? "used: no further question" : "\(questions) questions"),
            row(
                "EDNS0 payload that is announced", ["none", "512, an option", "4096 with DO"],
                "1232", payload.map { "\($0)" } ?? "none"),
            row(
                "cut, with TC, over UDP",
                ["asks over TCP", "uses the part", "uses the part"], "asks over TCP: 33:33",
                "asks over TCP: \(try world.shares("truncated", of: 2))"),
            row(
                "3 random of 4 over UDP, no TC, no EDNS (Consul as it comes)",
                ["a rotating part", "all, by EDNS", "all, by EDNS"], "all: 17:17:16:16",
                "all: \(try world.shares("subset", of: 4))"),
            row(
                "an alias alone, of a name that has records",
                ["not measured", "not measured", "not measured"], "followed: 33:33",
                "followed: \(try world.shares("alias", of: 2))"),
            row(
                "asked again at a TTL of 0",
                ["after 1 s", "after 1 s, TTL ignored", "by interval"],
                "after 1 s", try pace(world)),
        ]
    }

    /// Instances that the next answer does not name, and that work.
    private func losses(_ world: World) throws -> [Row] {
        let ports = world.web.map(\.port)
        for (name, left) in [("replaced", 2), ("shrunk", 2), ("lone", 1)] {
            world.dns.say(LyingNameServer.ports(Array(ports[..<left])), of: "\(name).test.")
        }
        func row(
            _ name: String, _ situation: String, _ peers: [String], _ meaning: String,
            _ shares: String, of instances: Int
        ) throws -> Row {
            try waitFor("\(situation)") {
                try world.shares(name, of: instances) == shares ? () : nil
            }
            return Row(
                situation: situation, peers: peers + ["not measured"],
                fairlead: "\(meaning): \(shares)")
        }
        return [
            try row(
                "replaced", "2 others in place of 2 in one answer",
                ["the new ones, unchecked", "503 to all for 0.8 s, then the new ones"],
                "the new ones once up", "33:33", of: 2),
            try row(
                "shrunk", "2 left of 5 in one answer",
                ["those 2, whatever the load", "those 2, whatever the load"],
                "those 2, and the others should these not carry the load", "33:33:0:0:0", of: 5),
            try row(
                "lone", "1 left of 4 in one answer",
                ["the one, whatever the load", "the one, whatever the load"],
                "all for 60 s, as one could not carry the load", "17:17:16:16", of: 4),
        ]
    }

    /// One request in 257, so none or one of these.
    private func smallShare(_ world: World) throws -> String {
        let shares = try world.shares("zero", of: 2)
        return ["0:66", "1:65"].contains(shares) ? "1 of 66 at most" : shares
    }

    /// Questions of ten seconds: never more than one a second, give or take the jitter.
    private func pace(_ world: World) throws -> String {
        let before = world.dns.seen(of: "pace.test.").count
        let clock = ContinuousClock()
        let begin = clock.now
        while begin.duration(to: clock.now) < .seconds(10) { usleep(50_000) }
        let count = world.dns.seen(of: "pace.test.").count - before
        return (1...12).contains(count) ? "after 1 s" : "\(count) times in 10 s"
    }

    /// How long the name server lies; FAIRLEAD_OUTAGE_SECONDS makes it longer, for a look by hand.
    private static var outageSeconds: Int {
        let asked = unsafe getenv("FAIRLEAD_OUTAGE_SECONDS").flatMap {
            unsafe Int(String(cString: $0))
        }
        return max(40, asked ?? 40)
    }

    /// Forty seconds in which the name server lies about four names in four ways, longer than any
    /// of the peers holds out, and a request to each every quarter of a second.
    private func outages(_ world: World) async throws -> [Row] {
        let lies:
            [(name: String, situation: String, peers: [String], answer: LyingNameServer.Answer)] = [
                (
                    "silent", "silent for 40 s while the instances work",
                    ["keeps serving", "503 to all after 30 s", "keeps serving"],
                    LyingNameServer.code(nil)
                ),
                (
                    "servfail", "SERVFAIL for 40 s",
                    ["keeps serving", "503 to all after 30 s", "empties at once"],
                    LyingNameServer.code(.serverFailure)
                ),
                (
                    "nxdomain", "NXDOMAIN for 40 s",
                    ["502 to all within 3 s", "503 to all after 30 s", "empties at once"],
                    LyingNameServer.code(.nameError)
                ),
                (
                    "nodata", "no records (NODATA) for 40 s",
                    ["502 to all within 3 s", "503 to all after 30 s", "empties at once"],
                    LyingNameServer.code(.noError)
                ),
            ]
        for lie in lies { world.dns.say(lie.answer, of: "\(lie.name).test.") }
        var failures: [String: Int] = [:]
        let clock = ContinuousClock()
        let begin = clock.now
        while begin.duration(to: clock.now) < .seconds(Self.outageSeconds) {
            for lie in lies {
                let counts = try world.ask(lie.name, 1)
                failures[lie.name, default: 0] += (counts["one"] ?? counts["two"]) == nil ? 1 : 0
            }
            try await Task.sleep(for: .milliseconds(250))
        }
        return lies.map { lie in
            let failed = failures[lie.name] ?? 0
            #expect(failed == 0, "\(lie.situation)")
            return Row(
                situation: lie.situation, peers: lie.peers,
                fairlead: failed == 0 ? "keeps serving" : "\(failed) requests failed")
        }
    }

    private static func markdown(_ rows: [Row]) -> String {
        var text = """
            # SRV answers: what proxies make of them

            What a proxy does with each answer while its instances work. Fairlead's column is what \
            `SurveyTests` sees; it writes and checks this file. The others' are measurements of August \
            2026, and for instances that an answer leaves out of November, with nginx 1.31.3 \
            (`service=`), HAProxy 2.8.25 (`server-template`) and the code of gobetween 0.8.1. Shares are requests by instance.

            | answer | Fairlead | nginx | HAProxy | gobetween |
            |---|---|---|---|---|

            """
        for row in rows {
            text +=
                "| \(row.situation) | **\(row.fairlead)** | \(row.peers.joined(separator: " | ")) "
                + "|\n"
        }
        return text
    }
}
