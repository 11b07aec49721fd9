// Goal: a source reports whole answers, tells failures apart, and never lets an error shrink what
// it knows. Method: a real resolver asks the demo's DNS server over loopback; the test turns the
// loop and changes the zone.

import Backends
import DNSClient
import DNSWire
import Demo
import Endpoints
import Events
import InstanceSources
import Lookups
import Testing

@Suite struct SourceTests {
    let loop = EventLoop()
    let server: DiscoveryServer
    let resolver: Resolver
    let service: DomainName

    init() throws {
        service = try DomainName("_web._tcp.demo.test")
        server = try DiscoveryServer(
            Zone(origin: try DomainName("demo.test")), on: Endpoint(.loopback, 0), loop)
        var options = ResolverOptions(servers: [server.endpoint])
        options.timeout = .milliseconds(200)
        options.attempts = 1
        resolver = Resolver(options, on: loop)
    }

    private var refresh: RefreshSchedule.Options {
        var refresh = RefreshSchedule.Options()
        refresh.floor = .milliseconds(20)
        refresh.ceiling = .milliseconds(20)
        return refresh
    }

    private var options: LookupOptions {
        var options = LookupOptions()
        options.refresh = refresh
        return options
    }

    private func announce(_ host: String, _ address: String?, port: UInt16, weight: UInt16 = 1)
        throws
    {
        let name = try DomainName("\(host).demo.test")
        server.zone.add(
            ResourceRecord(
                service, ttlSeconds: 0,
                .srv(.init(priority: 1, weight: weight, port: port, target: name))))
        if let address = address.flatMap({ IPAddress($0) }) {
            server.zone.add(ResourceRecord(name, ttlSeconds: 0, .address(address)))
        }
    }

    /// Turns the loop until `source` has reported an answer that `isWanted`.
    private func answers(
        of source: any InstanceSources.Source, until isWanted: (DiscoveryAnswer) -> Bool,
        meanwhile: (Int) throws -> Void = { _ in }
    ) throws -> [DiscoveryAnswer] {
        var answers: [DiscoveryAnswer] = []
        source.start { answers.append($0) }
        var seen = 0
        for _ in 0..<20_000 {
            if let last = answers.last, isWanted(last) { break }
            loop.runOnce(waiting: true)
            if answers.count > seen {
                seen = answers.count
                try meanwhile(seen)
            }
        }
        source.stop()
        return answers
    }

    private func endpoints(_ answer: DiscoveryAnswer?) -> [String] {
        guard case .instances(let instances) = answer else { return [] }
        return instances.map(\.endpoint.description).sorted()
    }

    @Test("an SRV name's records become instances, and a change of the zone the next answer")
    func follows() throws {
        try announce("a", "127.0.0.1", port: 1001)
        let source = SRVSource(service, resolver: resolver, options: options, on: loop)
        let heard = try answers(
            of: source, until: { endpoints($0).count == 2 },
            meanwhile: { if $0 == 1 { try announce("b", "127.0.0.2", port: 1002) } })
        #expect(endpoints(heard.first) == ["127.0.0.1:1001"])
        #expect(endpoints(heard.last) == ["127.0.0.1:1001", "127.0.0.2:1002"])
        server.close()
    }

    @Test("a name that does not exist is NXDOMAIN, and one without records NODATA")
    func denials() throws {
        let source = SRVSource(service, resolver: resolver, options: options, on: loop)
        let text = ResourceRecord(service, ttlSeconds: 0, .txt([[0x61]]))
        let heard = try answers(
            of: source, until: { $0 == .failure(.nodata) },
            meanwhile: { if $0 == 1 { server.zone.add(text) } })
        #expect(heard.first == .failure(.nxdomain))
        #expect(heard.last == .failure(.nodata))
        server.close()
    }

    @Test("a server that is away is a failure, and the source recovers when it is back")
    func away() throws {
        try announce("a", "127.0.0.1", port: 1001)
        let endpoint = server.endpoint
        server.close()
        let source = SRVSource(service, resolver: resolver, options: options, on: loop)
        var second: DiscoveryServer?
        let heard = try answers(
            of: source, until: { endpoints($0).count == 1 },
            meanwhile: { count in
                guard count == 2 else { return }
                second = try DiscoveryServer(server.zone, on: endpoint, loop)
            })
        guard case .failure(let failure) = heard.first else {
            Issue.record("found \(heard), expected a failure first")
            return
        }
        #expect([.unreachable, .timeout].contains(failure))
        #expect(endpoints(heard.last) == ["127.0.0.1:1001"])
        second?.close()
    }

    @Test("a target without an address is left out, the others are not")
    func unresolvable() throws {
        try announce("a", "127.0.0.1", port: 1001)
        try announce("b", nil, port: 1002)
        let source = SRVSource(service, resolver: resolver, options: options, on: loop)
        let heard = try answers(of: source, until: { _ in true })
        #expect(endpoints(heard.last) == ["127.0.0.1:1001"])
        server.close()
    }

    @Test("a fixed list of addresses is reported once, as it is")
    func fixed() throws {
        let entry = StaticSource.Entry(.address(.loopback), port: 80, priority: 2, weight: 3)
        let source = StaticSource(
            [entry], hosts: HostResolver(resolver), refresh: refresh, on: loop)
        let heard = try answers(of: source, until: { _ in true })
        guard case .instances(let instances) = heard.first else {
            Issue.record("found \(heard), expected instances")
            return
        }
        #expect(instances == [Instance(Endpoint(.loopback, 80), priority: 2, weight: 3)])
        server.close()
    }

    @Test(
        "a fixed name is resolved, again and again, and its new address is reported")
    func names() throws {
        let name = try DomainName("db.demo.test")
        let address = ResourceRecord(name, ttlSeconds: 0, .address(.loopback))
        server.zone.add(address)
        let entry = StaticSource.Entry(
            .name(try HostName("db.demo.test")), port: 5432, priority: 0, weight: 1)
        let source = StaticSource(
            [entry], hosts: HostResolver(resolver), refresh: refresh, on: loop)
        let heard = try answers(
            of: source, until: { endpoints($0) == ["127.0.0.9:5432"] },
            meanwhile: { count in
                guard count == 1 else { return }
                server.zone.remove(name)
                server.zone.add(
                    ResourceRecord(name, ttlSeconds: 0, .address(.v4(0x7f00_0009))))
            })
        #expect(endpoints(heard.first) == ["127.0.0.1:5432"])
        #expect(endpoints(heard.last) == ["127.0.0.9:5432"])
        server.close()
    }
}
