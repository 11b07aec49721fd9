// Goal: a name whose answer is an alias alone is followed to its SRV records, and never in circles.
// Method: a real resolver and source against a scripted server over loopback.

import Backends
import DNSClient
import DNSWire
import Endpoints
import Events
import InstanceSources
import Lookups
import ScriptedDNS
import Testing

@Suite struct AliasedNameTests {
    let loop = EventLoop()
    let name: DomainName

    init() throws {
        name = try DomainName("web.test")
    }

    /// A server that gives each name of `aliases` as an alias of the other, with that alone, and
    /// any other name two SRV records.
    private func server(_ aliases: [(String, String)]) throws -> ScriptedServer {
        let aliases = Dictionary(
            uniqueKeysWithValues: try aliases.map {
                (try DomainName($0.0), try DomainName($0.1))
            })
        return try ScriptedServer(on: loop) { query in
            guard let question = query.question else { return [] }
            var reply = query.reply()
            if let target = aliases[question.name] {
                reply.answers = [ResourceRecord(question.name, ttlSeconds: 3, .cname(target))]
            } else {
                reply.answers = (1...2).compactMap { number in
                    guard let target = try? DomainName("0a00000\(number).addr.dc1.consul") else {
                        return nil
                    }
                    return ResourceRecord(
                        question.name, ttlSeconds: 60,
                        .srv(.init(priority: 1, weight: 1, port: 80, target: target)))
                }
            }
            return [reply.datagram]
        }
    }

    private func answer(
        of server: ScriptedServer, fallbackPort: UInt16? = nil
    ) throws -> DiscoveryAnswer {
        let resolver = Resolver(ResolverOptions(servers: [server.endpoint]), on: loop)
        defer { resolver.close() }
        var options = LookupOptions()
        options.fallbackPort = fallbackPort
        let source = SRVSource(name, resolver: resolver, options: options, on: loop)
        var answer: DiscoveryAnswer?
        source.start { answer = answer ?? $0 }
        var turnsLeft = 10_000
        while answer == nil, turnsLeft > 0 {
            loop.runOnce(waiting: true)
            turnsLeft -= 1
        }
        source.stop()
        return try #require(answer)
    }

    @Test("a name that is an alias alone is followed, over several questions")
    func followed() throws {
        let server = try server([("web.test", "a.test"), ("a.test", "b.test")])
        defer { server.close() }
        guard case .instances(let instances) = try answer(of: server) else {
            Issue.record("it was not followed")
            return
        }
        #expect(instances.map(\.endpoint.description) == ["10.0.0.1:80", "10.0.0.2:80"])
        #expect(server.queries.count == 3)
    }

    @Test(
        "aliases in a circle are refused, and end",
        arguments: [
            [("web.test", "web.test")], [("web.test", "a.test"), ("a.test", "web.test")],
            (0..<30).map { ($0 == 0 ? "web.test" : "a\($0).test", "a\($0 + 1).test") },
        ])
    func circle(aliases: [(String, String)]) throws {
        let server = try server(aliases)
        defer { server.close() }
        guard case .failure(.malformed(let why)) = try answer(of: server, fallbackPort: 80) else {
            Issue.record("it was not refused")
            return
        }
        #expect(why.contains("circle"))
        #expect(server.queries.count <= 1 + AliasTrail.questionsMax)
    }
}
