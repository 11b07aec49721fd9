// Goal: who comes from another proxy, or from Kubernetes, is told what to write, and starts.
// Method: its words, its variables, and the lines that are said of them.

import Testing

@testable import Configuration

@Suite struct ForeignConfigurationTests {
    // MARK: Words

    @Test(arguments: [
        ("leastconn", "least-connections"), ("least_conn", "least-connections"),
        ("LEAST_REQUEST", "least-connections"), ("roundrobin", "round-robin"),
        ("round_robin", "round-robin"), ("wrr", "round-robin"), ("random", "random-of-two"),
        ("p2c", "random-of-two"), ("ip_hash", "consistent-hash, with hash: client"),
        ("source", "consistent-hash, with hash: client"),
        ("maglev", "consistent-hash, with hash: client"),
        ("uri", "consistent-hash, with hash: path"), ("least_time", "least-time"),
        ("first", "first-fit"),
    ])
    func `a policy of another proxy is told by its name here`(theirs: String, ours: String) {
        let text =
            "services: {web: {srv: a.b, balance: \(theirs)}}\n"
            + "listeners: [{listen: ':1', service: web}]"
        #expect(
            errors(text)
                == ["f.yaml:1:37: services.web.balance: found \"\(theirs)\": use \(ours)"])
        #expect(
            errors(web, environment: ["FAIRLEAD_BALANCE": theirs])
                == ["FAIRLEAD_BALANCE: found \"\(theirs)\": use \(ours)"])
    }

    @Test func `a word that is none gets the list`() {
        #expect(
            errors("defaults: {balance: nonsense}" + web)[0].contains(
                "found \"nonsense\", expected round-robin, random-of-two"))
    }

    @Test(arguments: [
        ("ssl: {cert: a}", "f.yaml:1:1: ssl: unknown key: a listener speaks TLS by tls: {cert"),
        (
            "letsencrypt: on",
            "f.yaml:1:1: letsencrypt: unknown key: Fairlead gets certificates for the hosts in"
        ),
        ("h2c: on", "f.yaml:1:1: h2c: unknown key: clients may speak HTTP/2 on every listener"),
        ("quic: on", "f.yaml:1:1: quic: unknown key: Fairlead speaks HTTP/1.1 and HTTP/2; with"),
        ("upstreams: {}", "f.yaml:1:1: upstreams: unknown key: expected services"),
        ("tracing: on", "f.yaml:1:1: tracing: unknown key: expected traces"),
        ("zipkin: on", "f.yaml:1:1: zipkin: unknown key: traces are told by traceparent"),
        ("frontends: {}", "f.yaml:1:1: frontends: unknown key: expected listeners"),
        (
            "forward-auth: {url: a}",
            "f.yaml:1:1: forward-auth: unknown key: a listener or a route has auth: {service:"
        ),
        ("rate-limit: 5", "f.yaml:1:1: rate-limit: unknown key: a listener or a route has rate:"),
    ])
    func `a key for what Fairlead does not do gets a sentence`(text: String, start: String) {
        #expect(errors(text + web).first?.hasPrefix(start) == true, "\(errors(text + web))")
    }

    @Test func `in a route and in a service as well`() {
        let text = """
            services: {web: {srv: a.b, lb-policy: x}}
            listeners: [{listen: ':1', routes: [{path-regex: "^/a", service: web}]}]
            """
        let found = errors(text)
        #expect(found.count == 2)
        #expect(found[0].hasSuffix("lb-policy: unknown key: expected balance"))
        #expect(found[1].contains("path-regex: unknown key: there are no regular expressions"))
    }

    // MARK: ${NAME}

    @Test func `a variable in a file is not substituted, and the option's own is told`() {
        #expect(
            errors("workers: ${WORKERS}" + web) == [
                "f.yaml:1:10: workers: found \"${WORKERS}\", which is not substituted; use the "
                    + "variable FAIRLEAD_WORKERS"
            ])
        #expect(
            errors("admin: {token: '${ADMIN_TOKEN:-hunter2-hunter2}'}" + web) == [
                "f.yaml:1:16: admin.token: found a ${NAME}, which is not substituted; use the "
                    + "variable FAIRLEAD_ADMIN_TOKEN"
            ])
        let text =
            "services: {web: {srv: '${NAME}.b', check: {path: '/${X}'}}}\n"
            + "listeners: [{listen: ':1', service: web}]"
        #expect(
            errors(text) == [
                "f.yaml:1:23: services.web.srv: found \"${NAME}.b\", which is not substituted; "
                    + "write the value itself",
                "f.yaml:1:50: services.web.check.path: found \"/${X}\", which is not substituted; "
                    + "use the variable FAIRLEAD_CHECK_PATH",
            ])
        #expect(
            errors(
                "services: {web: {backends: ['${HOST}:80']}}\n"
                    + "listeners: [{listen: ':1', service: web}]"
            )
            .contains { $0.contains("which is not substituted; write the value itself") })
    }

    @Test func `a text that goes on as it is may have anything in it`() {
        let text = """
            services: {web: {srv: a.b}}
            listeners:
              - {listen: ':1', routes: [{path: /a, respond: {status: 200, body: "`${x}`"}}, {service: web}]}
            """
        #expect(errors(text) == [])
    }

    // MARK: Variables

    @Test(arguments: [
        ("FAIRLEAD_SRV_PORT", "tcp://10.0.0.1:80"), ("FAIRLEAD_SRV_PORT", "udp://10.0.0.1:80"),
        ("FAIRLEAD_FALLBACK_PORT", "tcp://10.0.0.1:80"),
        ("FAIRLEAD_SRV_SERVICE_HOST", "10.0.0.1"), ("FAIRLEAD_SRV_SERVICE_PORT", "80"),
        ("FAIRLEAD_SRV_SERVICE_PORT_HTTP", "80"), ("FAIRLEAD_SRV_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("FAIRLEAD_SRV_PORT_80_TCP_PROTO", "tcp"), ("FAIRLEAD_SRV_PORT_80_TCP_PORT", "80"),
        ("FAIRLEAD_SRV_PORT_80_TCP_ADDR", "10.0.0.1"), ("FAIRLEAD_PORT", "tcp://10.0.0.1:80"),
        ("FAIRLEAD_SERVICE_HOST", "10.0.0.1"), ("FAIRLEAD_SERVICE_PORT", "80"),
        ("FAIRLEAD_PORT_8080_TCP_ADDR", "fd00::1"),
        ("FAIRLEAD_CONSUL_REGISTER_PORT", "sctp://10.0.0.1:80"),
    ])
    func `what Kubernetes sets for a service is no option, and no mistake`(
        name: String, value: String
    ) throws {
        let loaded = try load(web, environment: [name: value])
        #expect(loaded.warnings == [])
        #expect(try loaded.configuration == load(web).configuration)
    }

    @Test func `what only looks like it is an option, or told`() throws {
        #expect(
            errors(web, environment: ["FAIRLEAD_SRV_PORT": "http://10.0.0.1"])
                == ["FAIRLEAD_SRV_PORT: found \"http://10.0.0.1\", expected 1 to 65535 or auto"])
        #expect(try load(web, environment: ["FAIRLEAD_PORTS": "tcp://a"]).warnings.count == 1)
    }

    @Test(arguments: [
        "10.0.0.1,10.0.0.2", " 10.0.0.1 , 10.0.0.2 ", "10.0.0.1,10.0.0.2,", "10.0.0.1,\n10.0.0.2\n",
        "10.0.0.1\n10.0.0.2\n", "10.0.0.1\r\n10.0.0.2\r\n", "\t10.0.0.1,10.0.0.2 ,\n",
    ])
    func `a list in a variable takes blanks, line ends and a final comma`(text: String) throws {
        let plain = try load(web, environment: ["FAIRLEAD_DNS": "10.0.0.1,10.0.0.2"])
        #expect(
            try load(web, environment: ["FAIRLEAD_DNS": text]).configuration
                == plain.configuration)
    }

    @Test func `nothing between two commas is told`() {
        #expect(errors(web, environment: ["FAIRLEAD_DNS": "10.0.0.1,,10.0.0.2"]).count == 1)
        #expect(errors(web, environment: ["FAIRLEAD_DNS": ","]).count == 1)
    }
}
