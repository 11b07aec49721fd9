// Goal: agents and the engine are asked by TLS when their addresses, our options, or the variables
// of Consul's and Docker's own programs say so, as those programs understand them; what can't be
// used says what was found, where, and what to do. Method: texts and environments against what is
// loaded, with certificates that `openssl` made.

import Configuration
import TLS
import TestSupport
import Testing

@Suite struct RegistryTLSTests {
    private static let consul = """
        services: {web: {consul: web}}
        listeners: [{listen: ":8080", service: web}]
        """
    private static let docker = """
        services: {web: {docker: web}}
        listeners: [{listen: ":8080", service: web}]
        """

    /// What `openssl` made: an authority, a pair of a client, and a folder as `docker` has it.
    private final class Files {
        let authority: TestAuthority
        let pair: TestAuthority.Pair

        init() throws {
            authority = try TestAuthority()
            pair = try authority.issue("cert", for: "DNS:client.test")
            try copy(pair.key, to: "key.pem")
        }

        var folder: String { authority.folder }

        /// Copies a file into the folder.
        func copy(_ file: String, to name: String) throws {
            try TestAuthority.write(TestAuthority.bytes(of: file), to: "\(folder)/\(name)")
        }
    }

    // MARK: - Which are asked by TLS

    @Test(arguments: [
        ("https://consul:8501", "{verify: on}", "https://consul:8501"),
        ("https://consul", "", "https://consul:8501"),
        ("HTTPS://Consul/", "", "https://Consul:8501"),
        ("https://[::1]", "", "https://[::1]:8501"),
        ("consul", "{verify: off}", "https://consul:8501"),
        ("consul:8500", "{use: on}", "https://consul:8500"),
        ("consul", "{use: off}", "consul:8500"), ("consul", "", "consul:8500"),
        ("http://consul", "{use: on}", "consul:8500"),
        ("unix:/run/c.sock", "{use: on}", "unix:/run/c.sock"),
    ])
    func `agents are asked by TLS where they or an option say so`(
        agent: String, tls: String, read: String
    ) throws {
        let files = try Files()
        let options = tls.isEmpty ? "" : ", tls: \(tls)"
        let text = "consul: {agents: [\"\(agent)\"]\(options)}\n\(Self.consul)"
        // This machine's list need not be there.
        let environment = ["FAIRLEAD_CONSUL_TLS_CA_FILE": files.authority.file]
        let isLocal = read.hasPrefix("unix") || !read.hasPrefix("https")
        let loaded = try load(text, environment: isLocal ? [:] : environment)
        #expect(loaded.configuration.consul.agents.map(\.description) == [read])
        #expect((loaded.configuration.consul.tls.client != nil) == read.hasPrefix("https"))
        let again = try load(loaded.effective.yaml)
        #expect(again.configuration == loaded.configuration, "\(loaded.effective.yaml)")
    }

    @Test func `one agent may be asked by TLS beside another that is not`() throws {
        let files = try Files()
        let loaded = try load(
            """
            consul:
              agents: [http://127.0.0.1, c1, https://c2]
              tls: {ca-file: \(files.authority.file)}
            \(Self.consul)
            """)
        #expect(
            loaded.configuration.consul.agents.map(\.description)
                == ["127.0.0.1:8500", "https://c1:8501", "https://c2:8501"])
        #expect(try load(loaded.effective.yaml).configuration == loaded.configuration)
    }

    // MARK: - Consul's variables

    @Test func `Consul's variables say what they say to its own programs`() throws {
        let files = try Files()
        let loaded = try load(
            Self.consul,
            environment: [
                "CONSUL_HTTP_ADDR": "10.0.0.7", "CONSUL_HTTP_SSL": "true",
                "CONSUL_CACERT": files.authority.file, "CONSUL_CLIENT_CERT": files.pair.cert,
                "CONSUL_CLIENT_KEY": files.pair.key,
                "CONSUL_TLS_SERVER_NAME": "server.dc1.consul",
            ])
        let consul = loaded.configuration.consul
        #expect(consul.agents.map(\.description) == ["https://10.0.0.7:8501"])
        let client = try #require(consul.tls.client)
        #expect(client.certificate != nil && client.name?.description == "server.dc1.consul")
        #expect(loaded.warnings.isEmpty)
        for variable in [
            "CONSUL_HTTP_SSL", "CONSUL_CACERT", "CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY",
            "CONSUL_TLS_SERVER_NAME",
        ] {
            #expect(loaded.effective.yaml.contains("# \(variable)"))
        }
        let unverified = try load(
            Self.consul,
            environment: ["CONSUL_HTTP_ADDR": "https://c", "CONSUL_HTTP_SSL_VERIFY": "false"])
        #expect(!unverified.configuration.consul.tls.verifies)
        #expect(
            unverified.warnings.map(\.description) == [
                "CONSUL_HTTP_SSL_VERIFY: found off: anybody on the way can answer as Consul, and "
                    + "say where requests go; name the authority with ca-file, and leave it on"
            ])
    }

    @Test func `CONSUL_HTTP_SSL is a wish that no scheme overrules`() throws {
        let wish = ["CONSUL_HTTP_SSL": "TRUE", "CONSUL_HTTP_SSL_VERIFY": "false"]
        for (address, read) in [("http://c", "https://c:8501"), ("c:1", "https://c:1")] {
            let environment = wish.merging(["CONSUL_HTTP_ADDR": address]) { $1 }
            let loaded = try load(Self.consul, environment: environment)
            #expect(loaded.configuration.consul.agents.map(\.description) == [read])
        }
        let here = try load(Self.consul, environment: wish)
        #expect(here.configuration.consul.agents.map(\.description) == ["https://127.0.0.1:8501"])
    }

    @Test func `files alone switch nothing on, and our options come first`() throws {
        let files = try Files()
        var environment = [
            "CONSUL_CACERT": "/nowhere", "CONSUL_CLIENT_CERT": "/nowhere",
            "CONSUL_HTTP_SSL_VERIFY": "0",
        ]
        let plain = try load(Self.consul, environment: environment)
        #expect(plain.configuration.consul == (try load(Self.consul).configuration.consul))
        environment["CONSUL_HTTP_SSL"] = "1"
        let tls = "ca-file: \(files.authority.file), verify: on, name: a.test"
        let pair = "certificate: {cert: \(files.pair.cert), key: \(files.pair.key)}"
        let ours = try load(
            "consul: {tls: {\(tls), \(pair)}}\n\(Self.consul)", environment: environment)
        #expect(ours.configuration.consul.tls.verifies)
        #expect(ours.configuration.consul.tls.client?.name?.description == "a.test")
        environment = ["CONSUL_HTTP_ADDR": "https://c", "FAIRLEAD_CONSUL_AGENTS": "d"]
        let other = try load(Self.consul, environment: environment)
        #expect(other.configuration.consul.agents.map(\.description) == ["d:8500"])
        #expect(try load(web, environment: ["CONSUL_HTTP_SSL": "maybe"]).warnings.isEmpty)
    }

    @Test func `a folder of authorities is read as a whole`() throws {
        let files = try Files()
        let folder = "\(files.folder)/trusted"
        try TestAuthority.makeFolder(folder)
        try files.copy(files.authority.file, to: "trusted/a.crt")
        try files.copy(files.authority.file, to: "trusted/b.pem")
        let environment = ["CONSUL_HTTP_SSL": "1", "CONSUL_CAPATH": folder]
        let loaded = try load(Self.consul, environment: environment)
        #expect(loaded.configuration.consul.tls.client != nil)
        try files.copy(files.pair.key, to: "trusted/key")
        #expect(
            errors(Self.consul, environment: environment) == [
                "CONSUL_CAPATH: \"\(folder)/key\": it has no certificate; expected a folder of "
                    + "certificates in PEM alone"
            ])
        let empty = "\(files.folder)/empty"
        try TestAuthority.makeFolder(empty)
        #expect(
            errors(Self.consul, environment: ["CONSUL_HTTP_SSL": "1", "CONSUL_CAPATH": empty]) == [
                "CONSUL_CAPATH: \"\(empty)\": it has no file that can be read; expected "
                    + "certificates in PEM"
            ])
    }

    @Test func `what can't be used is refused with its place`() throws {
        let files = try Files()
        func refusal(_ environment: [String: String]) -> [String] {
            errors(Self.consul, environment: environment.merging(["CONSUL_HTTP_SSL": "1"]) { $1 })
        }
        #expect(
            refusal(["CONSUL_CACERT": "/nowhere"])
                == ["CONSUL_CACERT: \"/nowhere\": cannot be read: No such file or directory"])
        #expect(
            refusal(["CONSUL_CACERT": files.pair.key])
                == [
                    "CONSUL_CACERT: \"\(files.pair.key)\": it has no certificate; expected PEM, "
                        + "which begins with -----BEGIN CERTIFICATE-----"
                ])
        #expect(
            refusal(["CONSUL_CACERT": files.authority.file, "CONSUL_CLIENT_KEY": files.pair.key])
                == [
                    "CONSUL_CLIENT_KEY: found \"\(files.pair.key)\" alone, expected {cert: FILE, "
                        + "key: FILE}; both may name the same file"
                ])
        #expect(
            errors(Self.consul, environment: ["CONSUL_HTTP_SSL": "yes"])
                == ["CONSUL_HTTP_SSL: found \"yes\", expected true or false"])
        let other = try files.authority.issue("other", for: "DNS:other.test")
        let found = refusal([
            "CONSUL_CACERT": files.authority.file, "CONSUL_CLIENT_CERT": files.pair.cert,
            "CONSUL_CLIENT_KEY": other.key,
        ])
        #expect(found.count == 1 && found[0].hasPrefix("CONSUL_CLIENT_CERT: "), "\(found)")
        #expect(found[0].contains("key"), "\(found)")
    }

    @Test func `options that nothing is asked by are told`() throws {
        let files = try Files()
        let text = """
            consul: {agents: [http://c, "unix:/c"], tls: {ca-file: \(files.authority.file)}}
            \(Self.consul)
            """
        #expect(
            try load(text).warnings.map(\.description) == [
                "f.yaml:1:56: consul.tls.ca-file: no effect: consul.agents names nothing that is "
                    + "asked by TLS; write https:// there"
            ])
    }

    // MARK: - Docker's variables

    @Test func `Docker's variables say what they say to its own client`() throws {
        let files = try Files()
        try files.copy(files.authority.file, to: "ca.pem")
        var environment = [
            "DOCKER_HOST": "tcp://docker", "DOCKER_TLS_VERIFY": "0",
            "DOCKER_CERT_PATH": files.folder,
        ]
        let loaded = try load(Self.docker, environment: environment)
        #expect(loaded.configuration.docker.host.description == "https://docker:2376")
        let client = try #require(loaded.configuration.docker.tls.client)
        #expect(client.certificate != nil && loaded.configuration.docker.tls.verifies)
        #expect(loaded.effective.yaml.contains("# DOCKER_CERT_PATH"))
        // A port that is written counts.
        environment["DOCKER_HOST"] = "tcp://docker:99"
        let written = try load(Self.docker, environment: environment)
        #expect(written.configuration.docker.host.description == "https://docker:99")
        // Nobody has said where.
        environment["DOCKER_HOST"] = nil
        let here = try load(Self.docker, environment: environment)
        #expect(here.configuration.docker.host.description == "https://localhost:2376")
        // Without DOCKER_TLS_VERIFY a path means nothing, and DOCKER_TLS verifies nothing.
        environment["DOCKER_TLS_VERIFY"] = nil
        let plain = try load(Self.docker, environment: environment)
        #expect(plain.configuration.docker == (try load(Self.docker).configuration.docker))
        environment["DOCKER_TLS"] = "1"
        let unverified = try load(Self.docker, environment: environment)
        #expect(!unverified.configuration.docker.tls.verifies && unverified.warnings.count == 1)
        // Options of ours, and engines that nobody asks.
        let ours = try load(
            "docker: {host: \"tcp://e\", tls: {use: off}}\n\(Self.docker)", environment: environment
        )
        #expect(ours.configuration.docker.host.description == "e:2375")
        #expect(errors(web, environment: ["DOCKER_TLS_VERIFY": "1"]).isEmpty)
    }

    @Test func `the folder of Docker's client may lack a certificate, and no authority`() throws {
        let files = try Files()
        let home = "\(files.folder)/home"
        try TestAuthority.makeFolder(home)
        try TestAuthority.makeFolder("\(home)/.docker")
        let environment = ["DOCKER_HOST": "tcp://docker", "DOCKER_TLS_VERIFY": "1", "HOME": home]
        let missing = "\(home)/.docker/ca.pem"
        #expect(
            errors(Self.docker, environment: environment) == [
                "DOCKER_TLS_VERIFY: \"\(missing)\": cannot be read: No such file or directory"
            ])
        try files.copy(files.authority.file, to: "home/.docker/ca.pem")
        let loaded = try load(Self.docker, environment: environment)
        #expect(loaded.configuration.docker.tls.client?.certificate == nil)
        #expect(loaded.configuration.docker.tls.client != nil)
        // Both go by one folder's name, and it may be another.
        var other = environment
        other["DOCKER_CONFIG"] = "\(files.folder)/none"
        #expect(errors(Self.docker, environment: other)[0].hasPrefix("DOCKER_CONFIG: "))
    }

    @Test(arguments: [
        ("https://docker", "", "https://docker:2376"),
        ("tcp://docker", "{verify: off}", "https://docker:2376"),
        ("http://docker", "{verify: off}", "docker:2375"),
        ("http://docker", "{use: on}", "docker:2375"),
        ("unix:///run/d.sock", "{use: on}", "unix:/run/d.sock"),
    ])
    func `the engine is asked by TLS where its host or an option says so`(
        host: String, tls: String, read: String
    ) throws {
        let files = try Files()
        let options = tls.isEmpty ? "" : ", tls: \(tls)"
        let environment = ["FAIRLEAD_DOCKER_TLS_CA_FILE": files.authority.file]
        let loaded = try load(
            "docker: {host: \"\(host)\"\(options)}\n\(Self.docker)",
            environment: read.hasPrefix("https") ? environment : [:])
        #expect(loaded.configuration.docker.host.description == read)
        #expect((loaded.configuration.docker.tls.client != nil) == read.hasPrefix("https"))
        #expect(try load(loaded.effective.yaml).configuration == loaded.configuration)
    }
}
