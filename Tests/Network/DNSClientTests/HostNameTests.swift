// Goal: a host's name leads where libc would lead it. Method: texts of hosts(5) and resolv.conf(5),
// whole, odd and hostile; then a scripted server that knows a host under one of its possible names.

import DNSClient
import DNSWire
import Endpoints
import Events
import ScriptedDNS
import Testing

@Suite struct HostNameTests {
    // MARK: - resolv.conf

    @Test(
        "resolv.conf gives its first three nameservers, those with a zone too",
        arguments: [
            ("nameserver 10.0.0.1\nnameserver\t::1\r\n", ["10.0.0.1:53", "[::1]:53"]),
            (
                "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4",
                ["1.1.1.1:53", "2.2.2.2:53", "3.3.3.3:53"]
            ),
            (
                "# nameserver 1.1.1.1\n;nameserver 1.1.1.1\nsearch a.b\noptions "
                    + "edns0\nnameservers 1.1.1.1\n"
                    + "nameserver\nnameserver x\nnameserver 10.0.0.1%lo\nnameserver 9.9.9.9 # "
                    + "mine",
                ["9.9.9.9:53"]
            ),
            ("nameserver fe80::1%lo\nnameserver 1.1.1.1", ["[fe80::1%lo]:53", "1.1.1.1:53"]),
            ("nameserver fe80::1%nowhere\nnameserver 1.1.1.1", ["1.1.1.1:53"]),
            ("", ["127.0.0.1:53"]),
            ("\u{0}\nnameserver", ["127.0.0.1:53"]),
        ])
    func servers(text: String, servers: [String]) {
        #expect(ResolvConf(text).endpoints().map(\.description) == servers)
    }

    @Test("search, ndots, timeout and attempts are read, and bounded as libc bounds them")
    func options() throws {
        let text = """
            domain first.test
            search a.test b.test.
            options ndots:5 timeout:3 attempts:4 use-vc edns0
            """
        let read = ResolvConf(text)
        #expect(read.search.domains == [try DomainName("a.test"), try DomainName("b.test")])
        #expect(read.search.ndots == 5 && read.timeout == .seconds(3) && read.attempts == 4)
        #expect(read.usesTCP)
        let large = ResolvConf("options ndots:99 timeout:999 attempts:99999999999999999999\n")
        #expect(large.search.ndots == 15 && large.timeout == .seconds(30) && large.attempts == 5)
        let bad = ResolvConf("options ndots:-1 timeout:0 attempts:x ndots timeout: :\noptions\n")
        #expect(bad == ResolvConf())
        #expect(ResolvConf("search a.test\ndomain b.test").search.domains.count == 1)
        let many = "search " + (0..<100).map { "d\($0).test" }.joined(separator: " ")
        #expect(ResolvConf(many).search.domains.count == 32)
        let nonsense = "search . a..b \(String(repeating: "a", count: 64))"
        #expect(ResolvConf(nonsense).search.domains.isEmpty)
    }

    @Test(
        "which names are asked for, by dots and ndots",
        arguments: [
            ("web", 1, ["web.a.test.", "web.b.test.", "web."]),
            ("web.", 1, ["web."]),
            ("web.prod", 1, ["web.prod.", "web.prod.a.test.", "web.prod.b.test."]),
            ("web.prod", 2, ["web.prod.a.test.", "web.prod.b.test.", "web.prod."]),
            ("web", 0, ["web.", "web.a.test.", "web.b.test."]),
        ])
    func candidates(host: String, ndots: Int, names: [String]) throws {
        var search = ResolvConf("search a.test b.test").search
        search.ndots = ndots
        let found = search.candidates(for: try HostName(host))
        #expect(found.map(\.description) == names)
    }

    @Test("a name that gets too long by a domain is not tried with it")
    func tooLong() throws {
        let label = String(repeating: "a", count: 60)
        let host = try HostName([label, label, label, label].joined(separator: "."))
        let search = ResolvConf("search \(label).test b\noptions ndots:9").search
        #expect(search.candidates(for: host).map(\.description) == ["\(host).b.", "\(host)."])
    }

    // MARK: - /etc/hosts

    @Test("names, aliases, both families, any letter case; comments and nonsense are skipped")
    func hostsFile() throws {
        let file = HostsFile(
            """
            127.0.0.1\tlocalhost
            # 10.9.9.9 web
            10.0.0.1 web.internal Web   # 10.8.8.8 web
            fd00::1 web
            10.0.0.1 web
              10.0.0.2 db.
            nonsense web
            10.0.0.3
            """ + "\r\n10.0.0.4 last\r")
        func addresses(_ text: String) throws -> [String] {
            file.addresses(of: try HostName(text)).map(\.description)
        }
        #expect(try addresses("WEB") == ["10.0.0.1", "fd00::1"])
        #expect(try addresses("web.internal.") == ["10.0.0.1"])
        #expect(try addresses("db") == ["10.0.0.2"])
        #expect(try addresses("last") == ["10.0.0.4"])
        #expect(try addresses("nobody").isEmpty)
    }

    @Test("a hostile file takes bounded memory")
    func hostileHosts() throws {
        let lines = (0..<70_000).map { "10.0.0.1 h\($0)" }
        let file = HostsFile(lines.joined(separator: "\n"))
        #expect(file.addresses(of: try HostName("h0")).count == 1)
        #expect(file.addresses(of: try HostName("h69999")).isEmpty)
        let one = (0..<1000).map { "10.0.\($0 / 250).\($0 % 250) web" }.joined(separator: "\n")
        #expect(HostsFile(one).addresses(of: try HostName("web")).count == 64)
    }

    // MARK: - Looking up

    /// Looks hosts up at a server that answers as `code` says for each name.
    private final class Stage {
        let loop = EventLoop()
        let server: ScriptedServer
        let hosts: HostResolver
        var rules = NameRules()
        /// By name: its address, or the code that denies it. Others are NXDOMAIN.
        var zone: [String: Result<UInt32, CodeError>] = [:]

        struct CodeError: Error { var code: ResponseCode }
        private final class Box { weak var stage: Stage? }

        init(_ conf: String, hosts text: String = "") throws {
            let box = Box()
            server = try ScriptedServer(on: loop) { query in box.stage?.answer(query) ?? [] }
            var options = ResolverOptions(servers: [server.endpoint])
            options.attempts = 1
            options.timeout = .milliseconds(200)
            hosts = HostResolver(Resolver(options, on: loop)) {
                box.stage?.rules ?? NameRules()
            }
            rules.search = ResolvConf(conf).search
            rules.hosts = HostsFile(text)
            box.stage = self
        }

        deinit { server.close() }

        private func answer(_ query: Message) -> [[UInt8]] {
            guard let question = query.question else { return [] }
            switch zone["\(question.name.lowercased)"] {
            case nil: return [query.reply(.nameError).datagram]
            case .failure(let error): return [query.reply(error.code).datagram]
            case .success(let address):
                var reply = query.reply()
                if question.type == .a {
                    reply.answers = [
                        ResourceRecord(question.name, ttlSeconds: 7, .a(address))
                    ]
                }
                return [reply.datagram]
            }
        }

        func look(up host: String, _ family: AddressFamily = .both) throws -> HostAnswer {
            var found: HostAnswer?
            hosts.resolve(try HostName(host), family) { found = $0 }
            #expect(found == nil)
            for _ in 0..<10_000 where found == nil { loop.runOnce(waiting: true) }
            return try #require(found)
        }

        var asked: Set<String> {
            Set(server.queries.compactMap { $0.0.question.map { "\($0.name.lowercased)" } })
        }
    }

    @Test("localhost is both loopback addresses, whatever DNS and /etc/hosts say")
    func localhost() throws {
        let stage = try Stage("search a.test", hosts: "10.0.0.1 localhost\n")
        #expect(try stage.look(up: "LocalHost").addresses == [.loopback, .v6(0, 1)])
        #expect(try stage.look(up: "x.localhost", .ipv4).addresses == [.loopback])
        #expect(stage.server.queries.isEmpty)
    }

    @Test("/etc/hosts goes before DNS, unless it has no address of the wanted family")
    func hostsFirst() throws {
        let stage = try Stage("", hosts: "10.0.0.1 host.docker.internal hdi\n")
        let answer = try stage.look(up: "host.docker.internal")
        #expect(answer.addresses == [.v4(0x0a00_0001)] && answer.origin == .hostsFile)
        #expect(try stage.look(up: "HDI.").addresses.count == 1)
        #expect(stage.server.queries.isEmpty)
        #expect(try stage.look(up: "hdi", .ipv6).addresses.isEmpty)
        #expect(stage.asked == ["hdi."])
    }

    @Test("a short name is found by the search list; a failure says which names were tried")
    func search() throws {
        let stage = try Stage("search ns.svc.test svc.test\noptions ndots:5")
        stage.zone = ["web.svc.test.": .success(0x0a00_0002)]
        let answer = try stage.look(up: "web")
        #expect(answer.addresses == [.v4(0x0a00_0002)] && answer.timeToLive == .seconds(7))
        let missing = try stage.look(up: "nobody")
        #expect(missing.failure == .nxdomain && missing.isComplete)
        for name in ["nobody.ns.svc.test.", "nobody.svc.test.", "nobody.", "/etc/hosts"] {
            #expect(missing.reason.contains(name))
        }
    }

    @Test("a code of one domain does not hide another, and a failure is told rather than a denial")
    func codes() throws {
        let stage = try Stage("search a.test b.test")
        stage.zone = [
            "web.a.test.": .failure(.init(code: .serverFailure)),
            "web.b.test.": .success(0x0a00_0003),
            "db.a.test.": .failure(.init(code: .refused)),
        ]
        #expect(try stage.look(up: "web").addresses == [.v4(0x0a00_0003)])
        let db = try stage.look(up: "db")
        #expect(db.failure == .refused && !db.isComplete)
    }

    @Test("a server's bad moment does not lead to the host of the same name in another domain")
    func noStray() throws {
        let stage = try Stage("search a.test b.test")
        stage.zone = [
            "web.a.test.": .success(0x0a00_0001), "web.b.test.": .success(0x0a00_0002),
        ]
        #expect(try stage.look(up: "web").addresses == [.v4(0x0a00_0001)])
        stage.zone["web.a.test."] = .failure(.init(code: .serverFailure))
        let answer = try stage.look(up: "web")
        #expect(answer.addresses.isEmpty && answer.failure == .servfail && !answer.isComplete)
        // A denial is no bad moment: then the other one is meant.
        stage.zone["web.a.test."] = nil
        #expect(try stage.look(up: "web").addresses == [.v4(0x0a00_0002)])
    }

    @Test("other servers take over questions under way")
    func otherServers() throws {
        let stage = try Stage("")
        let silent = try ScriptedServer(on: stage.loop)
        defer { silent.close() }
        var options = ResolverOptions(servers: [silent.endpoint])
        let resolver = Resolver(options, on: stage.loop)
        stage.zone = ["web.": .success(0x0a00_0004)]
        var answer: AddressAnswer?
        resolver.resolveAddresses(try DomainName("web"), .ipv4) { answer = $0 }
        for _ in 0..<10_000 where silent.queries.isEmpty { stage.loop.runOnce(waiting: true) }
        options.servers = [stage.server.endpoint]
        resolver.setOptions(options)
        for _ in 0..<10_000 where answer == nil { stage.loop.runOnce(waiting: true) }
        #expect(answer?.addresses == [.v4(0x0a00_0004)])
        #expect(resolver.servers.map(\.endpoint) == [stage.server.endpoint])
        #expect(resolver.pendingCount == 0)
    }
}
