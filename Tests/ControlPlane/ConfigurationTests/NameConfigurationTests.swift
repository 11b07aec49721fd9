// Goal: names may stand wherever an address may, and Consul's own variables are defaults below
// ours. Method: texts and environments against what is loaded; names are looked up by a closure.

import Configuration
import Documents
import Endpoints
import Testing

@Suite struct NameConfigurationTests {
    private func load(
        _ text: String, _ environment: [String: String] = [:], findHost: HostLookup? = nil
    ) throws -> LoadedConfiguration {
        try ConfigurationLoader.load(
            file: NamedText(name: "f.yaml", text: text), environment: environment,
            processorCount: 1, findHost: findHost)
    }

    @Test(
        "agents by name, by URL and by socket",
        arguments: [
            ("consul:8500", "consul:8500"), ("consul", "consul:8500"),
            ("http://consul:8501", "consul:8501"), ("http://consul/", "consul:8500"),
            ("http://127.0.0.1:8500/", "127.0.0.1:8500"), ("[::1]:8500", "[::1]:8500"),
            ("consul.example.", "consul.example.:8500"), ("unix:/run/c.sock", "unix:/run/c.sock"),
        ])
    func agents(written: String, read: String) throws {
        let loaded = try load("consul: {agents: [\"\(written)\"]}\n\(web)")
        #expect(loaded.configuration.consul.agents.map(\.description) == [read])
    }

    @Test(
        "what no agent can be is refused",
        arguments: [
            "https://consul:8501/prefix", "http://consul:8500/prefix", "http://u:p@consul:8500",
            "a b",
            "consul:0", "consul:99999", "0.0.0.0:8500", "http://", "unix:relative", "10.0.0.300",
        ])
    func noAgents(text: String) {
        #expect(!errors("consul: {agents: [\"\(text)\"]}\n\(web)").isEmpty)
    }

    @Test("nameservers and collectors by name, with their usual ports")
    func places() throws {
        let text = "dns: {servers: [localhost:8600, dns.internal]}\nstatsd: {to: collector}\n\(web)"
        let configuration = try load(text).configuration
        #expect(
            configuration.dns.servers.map(\.description)
                == ["localhost:8600", "dns.internal:53"])
        #expect(configuration.statsd.to?.description == "collector:8125")
    }

    @Test("a name to listen on is a listener for each of its addresses")
    func listen() throws {
        let text = """
            admin: localhost:9191
            services: {web: {srv: _web._tcp.example}}
            listeners: [{listen: "localhost:8080", service: web}]
            """
        let loaded = try load(text)
        let listeners = loaded.configuration.listeners
        #expect(listeners.map(\.listen.description) == ["127.0.0.1:8080", "[::1]:8080"])
        #expect(listeners.map(\.name) == ["localhost:8080", "localhost:8080@::1"])
        let admin = loaded.configuration.admin
        #expect(admin.listen == Endpoint("127.0.0.1:9191"))
        #expect(admin.alsoListen.map(\.description) == ["[::1]:9191"])
        let again = try load(loaded.effective.yaml)
        #expect(again.configuration.listeners == listeners)
        let named = try load(text.replacing("localhost", with: "edge.example")) { host in
            host == "edge.example" ? .success([.v4(0x7f00_0005)]) : .failure(NoSuchHost("no"))
        }
        #expect(named.configuration.listeners.map(\.listen.description) == ["127.0.0.5:8080"])
        #expect(
            errors(text.replacing("9191", with: "8080")).contains {
                $0.contains("the admin port has")
            })
    }

    private let consul = """
        services: {web: {consul: web}}
        listeners: [{listen: ":8080", service: web}]
        """

    @Test("Consul's variables are read below ours, and shown with where they are from")
    func variables() throws {
        let environment = [
            "CONSUL_HTTP_ADDR": "http://consul:8500", "CONSUL_HTTP_TOKEN": "secret",
            "CONSUL_HTTP_SSL": "false",
        ]
        let loaded = try load(consul, environment)
        #expect(loaded.configuration.consul.agents.map(\.description) == ["consul:8500"])
        #expect(loaded.configuration.consul.token == "secret" && loaded.warnings.count == 1)
        #expect(loaded.effective.yaml.contains("# CONSUL_HTTP_ADDR"))
        #expect(loaded.effective.yaml.contains("# CONSUL_HTTP_TOKEN, masked"))
        #expect(!loaded.effective.yaml.contains("secret "))
        var more = environment
        more["CONSUL_HTTP_TOKEN_FILE"] = "/run/token"
        let file = try load(consul, more).configuration.consul
        #expect(file.tokenFile == "/run/token" && file.token == nil)
        more["FAIRLEAD_CONSUL_AGENTS"] = "127.0.0.1"
        more["FAIRLEAD_CONSUL_TOKEN"] = "ours"
        let ours = try load(consul, more).configuration.consul
        #expect(ours.agents.map(\.description) == ["127.0.0.1:8500"])
        #expect(ours.token == "ours" && ours.tokenFile == nil)
        more["FAIRLEAD_CONSUL_TOKEN"] = nil
        let inFile = try load("consul: {agents: [10.0.0.1], token-file: /a}\n\(consul)", more)
        #expect(inFile.configuration.consul.tokenFile == "/a")
    }

    @Test func `nothing of Consul's variables matters where it is not asked`() throws {
        let nonsense = try load(web, ["CONSUL_HTTP_ADDR": "a b", "CONSUL_HTTP_TOKEN": "c d"])
        #expect(nonsense.configuration == (try load(web).configuration))
    }
}
