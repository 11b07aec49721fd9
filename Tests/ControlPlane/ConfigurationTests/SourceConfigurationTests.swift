// Goal: the sources of a service are read in the order of fail-over, what does not fit together is
// told, and what comes while the program runs is held to the same rules. Method: texts in,
// configurations or the lines of their errors out.

import Backends
import Configuration
import ConsulQuery
import DNSWire
import Documents
import Endpoints
import Lookups
import Testing

@Suite struct SourceConfigurationTests {
    private func service(_ text: String) throws -> Service {
        let text = "services: {web: \(text)}\nlisteners: [{listen: ':1', service: web}]"
        return try #require(load(text).configuration.services.first)
    }

    @Test("names are tiers in their order, alone or as a list")
    func names() throws {
        #expect(try service("{srv: web.service.consul}").sources == [.srv("web.service.consul")])
        let two = try service("{srv: [web.service.consul, web.service.dc2.consul]}")
        #expect(two.sources == [.srv("web.service.consul"), .srv("web.service.dc2.consul")])
    }

    @Test("a service of Consul's API has the DNS name at its place for when it fails")
    func consul() throws {
        let query = try ConsulServiceQuery("web?passing")
        let second = try ConsulServiceQuery("web?dc=dc2")
        #expect(
            try service("{consul: 'web?passing'}").sources == [.consul(query, fallback: nil)])
        let both = try service("{consul: ['web?passing', 'web?dc=dc2'], srv: [a.consul, b.consul]}")
        #expect(
            both.sources == [
                .consul(query, fallback: "a.consul"), .consul(second, fallback: "b.consul"),
            ])
    }

    @Test("a file, by its path")
    func file() throws {
        #expect(try service("{file: /etc/web.json}").sources == [.file("/etc/web.json")])
    }

    @Test("how records become instances, and when a tier is not enough")
    func records() throws {
        let web = try service(
            "{srv: a.b, addresses: ipv6-first, srv-port: 8080, fallback-port: 80, failover-below: "
                + "40%}"
        )
        #expect(web.lookup.family == .ipv6First)
        #expect(web.lookup.port == 8080 && web.lookup.fallbackPort == 80)
        #expect(web.rosterOptions.failoverPercent == 40)
        let plain = try service("{srv: a.b}")
        #expect(plain.lookup.family == .ipv4First)
        #expect(plain.lookup.port == nil && plain.lookup.fallbackPort == nil)
        #expect(plain.rosterOptions.failoverPercent == 0)
    }

    @Test("holds have their defaults, and each can be set")
    func holds() throws {
        let web = try service("{srv: a.b, hold: {nxdomain: 1m, mass-loss: 0s, keep-passing: on}}")
        #expect(
            web.rosterOptions.holds.nxdomain == .seconds(60)
                && web.rosterOptions.holds.massLoss == .zero)
        #expect(web.rosterOptions.keepsPassingAfterHold)
        #expect(
            web.rosterOptions.holds.nodata == .seconds(900)
                && web.rosterOptions.holds.timeout == .seconds(86400))
    }

    @Test(
        "sources that do not fit together are told",
        arguments: [
            (
                "{srv: a.b, file: /x}",
                "web.srv: found both srv and file, expected one of them, or srv and consul"
            ),
            (
                "{consul: web, backends: ['h:1']}",
                "web.consul: found both consul and backends, expected one of them, or srv and "
                    + "consul"
            ),
            (
                "{consul: [a, b], srv: a.b}",
                "web.consul: found 2 services in Consul beside 1 names of DNS, expected as many: "
                    + "each name is for when the query at its place fails"
            ),
            ("{srv: [a.b, a.b]}", "web.srv: found a name twice, expected each once"),
            ("{srv: [a.b, c]}", "web.srv[1]: found \"c\", expected a DNS name, such as "),
            ("{consul: 'web?dc'}", "web.consul: found dc without a value, expected dc=…"),
            (
                "{consul: 'web?colour=1'}",
                "web.consul: found the parameter \"colour\", expected one of"
            ),
            ("{srv: a.b, srv-port: 0}", "web.srv-port: found \"0\", expected 1 to 65535 or auto"),
            (
                "{srv: a.b, hold: {nxdomain: 5}}",
                "web.hold.nxdomain: found \"5\", expected a duration"
            ),
            ("{srv: a.b, hold: {nxdomian: 5m}}", "unknown key, expected nxdomain?"),
        ])
    func misfits(text: String, message: String) {
        let found = errors("services: {web: \(text)}\nlisteners: [{listen: ':1', service: web}]")
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test("flags and environment name sources as well")
    func flags() throws {
        let query = try ConsulServiceQuery("web")
        let loaded = try load(
            nil, environment: ["FAIRLEAD_CONSUL": "web", "FAIRLEAD_CONSUL_AGENTS": "10.0.0.1"],
            flags: [.listen: [":1"]])
        #expect(loaded.configuration.services.map(\.sources) == [[.consul(query, fallback: nil)]])
        #expect(loaded.configuration.services.map(\.name) == ["web"])
        #expect(
            loaded.configuration.consul.agents.map(\.place)
                == [.target(.endpoint(Endpoint(.v4(0x0a00_0001), 8500)))])
        let two = try load(nil, flags: [.listen: [":1"], .service: ["a.b", "c.d"]])
        #expect(two.configuration.services.map(\.sources) == [[.srv("a.b"), .srv("c.d")]])
    }

    @Test("what Kubernetes sets for a service called fairlead sets no option")
    func kubernetes() throws {
        let environment = [
            "FAIRLEAD_SERVICE_HOST": "10.96.0.7", "FAIRLEAD_SERVICE_PORT": "80",
            "FAIRLEAD_SERVICE_PORT_HTTP": "80", "FAIRLEAD_PORT": "tcp://10.96.0.7:80",
            "FAIRLEAD_PORT_80_TCP": "tcp://10.96.0.7:80", "FAIRLEAD_PORT_80_TCP_PROTO": "tcp",
            "FAIRLEAD_PORT_80_TCP_PORT": "80", "FAIRLEAD_PORT_80_TCP_ADDR": "10.96.0.7",
        ]
        let plain = try load(web)
        #expect(try load(web, environment: environment).configuration == plain.configuration)
    }

    @Test("a token is never shown, however wrong it is")
    func secret() {
        let found = errors("consul: {token: 'top secret'}" + web)
        #expect(
            found == [
                "f.yaml:1:17: consul.token: found something else, expected a token of visible "
                    + "ASCII characters"
            ])
        let loaded = try? load("consul: {token: sesame}" + web)
        #expect(loaded?.configuration.consul.token == "sesame")
    }

    // MARK: Fragments

    private func loaded(_ text: String, adding documents: [(String, String)]) throws
        -> Configuration
    {
        let fragments = try documents.map { key, text in
            try ConfigurationFragment(key: key, NamedText(name: "kv:\(key)", text: text))
        }
        return try ConfigurationLoader.load(
            file: NamedText(name: "f.yaml", text: text), fragments: fragments, processorCount: 1
        ).configuration
    }

    private func refusals(_ documents: [(String, String)]) -> [String] {
        do {
            _ = try loaded(web, adding: documents)
            return []
        } catch {
            return "\(error)".split(separator: "\n").map(String.init)
        }
    }

    @Test("services, routes and decisions about backends come beside the file's")
    func fragments() throws {
        let configuration = try loaded(
            web,
            adding: [
                ("routes/api", "{path-prefix: /api, service: api}"),
                ("routes/more/of/them", "[{path: /a, service: web}, {path: /b, service: api}]"),
                ("services/api", "srv: _api._tcp.example"),
                ("backends/web/10.0.0.1:80", "weight: 5"),
                ("backends/api/10.0.0.2:80", "drain: on"),
            ])
        #expect(configuration.services.map(\.name) == ["web", "api"])
        #expect(configuration.listeners[0].routes.map(\.service) == ["api", "web", "api"])
        let one = try #require(Endpoint("10.0.0.1:80"))
        let two = try #require(Endpoint("10.0.0.2:80"))
        #expect(configuration.services[0].overrides[one]?.weight == 5)
        #expect(configuration.services[1].overrides[two]?.isDrained == true)
    }

    @Test("a listener may begin without anything when routes may come")
    func empty() throws {
        let text = "consul: {kv: fairlead/}\nlisteners: [{listen: ':1', name: public}]"
        #expect(try loaded(text, adding: []).listeners[0].serviceNames.isEmpty)
        let added = try loaded(
            text,
            adding: [
                ("services/a", "srv: a.b"), ("routes/a", "{service: a, listener: public}"),
            ])
        #expect(added.listeners[0].serviceNames == ["a"])
        #expect(
            errors("consul: {kv: fairlead/}\nlisteners: [{listen: ':1', mode: tcp}]").count == 1)
    }

    @Test(
        "what does not fit is told by key, line and column",
        arguments: [
            (
                "routes/a", "{path: /a, service: wep}",
                "kv:routes/a:1:1: found the service \"wep\", expected web?"
            ),
            (
                "routes/a", "{path: /a, servce: web}",
                "kv:routes/a:1:12: servce: unknown key, expected service?"
            ),
            (
                "routes/a", "web",
                "kv:routes/a:1:1: found \"web\", expected a route, or a list of them"
            ),
            (
                "routes/a", "{service: web, listener: x}",
                "kv:routes/a:1:1: found the listener \"x\", expected one of: :8080"
            ),
            ("routes/a", "[", "kv:routes/a:1:2: not YAML: "),
            ("services/web", "srv: a.b", "kv:services/web: found a second service named \"web\""),
            ("services/a b", "srv: a.b", "kv:services/a b: found the name \"a b\""),
            ("services/a", "srvv: a.b", "kv:services/a:1:1: srvv: unknown key, expected srv?"),
            ("backends/wep/1.2.3.4:5", "drain: on", "found the service \"wep\", expected web?"),
            (
                "backends/web/1.2.3.4:5", "drain: yes",
                "kv:backends/web/1.2.3.4:5:1:8: drain: found \"yes\""
            ),
            (
                "backends/web/1.2.3.4", "drain: on",
                "found the backend \"1.2.3.4\", expected its address"
            ),
            (
                "nonsense", "1",
                "kv:nonsense: found a key that nothing reads, expected routes/ANYTHING"
            ),
        ])
    func refused(key: String, text: String, message: String) {
        let found = refusals([(key, text)])
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }

    @Test("two routes for the same requests are one too many, wherever they came from")
    func twice() {
        let found = refusals([
            ("routes/a", "{path: /a, service: web}"), ("routes/b", "{path: /a, service: web}"),
        ])
        #expect(found.count == 1 && found[0].hasPrefix("kv:routes/b:1:1: found a second route"))
    }
}
