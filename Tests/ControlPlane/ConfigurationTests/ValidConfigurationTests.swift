// Goal: what an operator may write means what the reference says.
// Method: texts, variables and flags against the values of the model.

import Backends
import Configuration
import DNSWire
import Documents
import Endpoints
import HTTP1
import Lookups
import Routing
import Testing
import Traffic

@Suite struct ValidConfigurationTests {
    @Test("the shortest file gets every default")
    func defaults() throws {
        let loaded = try load(web)
        let configuration = loaded.configuration
        #expect(loaded.warnings.isEmpty)
        #expect(configuration.workers == 4)
        #expect(configuration.admin.listen == Endpoint("127.0.0.1:9090"))
        #expect(configuration.dns.servers == [])
        #expect(
            configuration.dns.queries.timeout == nil && configuration.dns.queries.attempts == nil)
        #expect(configuration.dns.resolvConf == "/etc/resolv.conf")
        #expect(configuration.stopTimeout == .seconds(30))
        #expect(configuration.log.level == .info)
        let listener = try #require(configuration.listeners.first)
        #expect(listener.name == ":8080")
        #expect(listener.listen == Endpoint(.any, 8080))
        #expect(listener.mode == .http)
        #expect(listener.service == "web")
        #expect(listener.policy.timeouts.head == .seconds(10))
        #expect(listener.policy.headLimits.bytesMax == 16384)
        let service = try #require(configuration.services.first)
        #expect(service.sources == [.srv("_web._tcp.example")])
        #expect(service.check.type == .tcp)
        #expect(service.check.interval == .seconds(2))
        #expect(service.check.http.statuses == [200...399])
        #expect(service.lookup.refresh.floor == .seconds(1))
        #expect(service.policy.retry.rule.attempts == 3)
        #expect(service.policy.retry.budgetPercent == 20)
    }

    @Test("every key of a full file is read")
    func full() throws {
        let configuration = try load(fullText).configuration
        #expect(configuration.workers == 2)
        #expect(configuration.admin.listen == nil)
        #expect(configuration.stopTimeout == .seconds(60))
        #expect(configuration.log.level == .debug)
        #expect(
            configuration.dns.servers.map(\.description) == [
                "127.0.0.1:8600", "10.0.0.2:53", "[::1]:53",
            ])
        #expect(configuration.dns.queries.timeout == .milliseconds(500))
        #expect(configuration.dns.queries.attempts == 1)
        #expect(configuration.dns.resolvConf == "/r")
        let (service, fixed) = (configuration.services[0], configuration.services[1])
        #expect(service.sources == [.srv("_web._tcp.service.consul")])
        #expect(service.lookup.refresh.floor == .milliseconds(100))
        #expect(service.lookup.refresh.ceiling == .seconds(7200))
        #expect(service.lookup.refresh.jitterPercent == 0)
        #expect(service.check.type == .http)
        #expect(service.check.http.path == "/h?a=1")
        #expect(service.check.http.host == "web:80")
        #expect(service.check.http.statuses == [204...204])
        #expect(service.check.interval == .seconds(3))
        #expect(service.check.timeout == .milliseconds(20))
        #expect(
            [
                service.rosterOptions.checks?.rise, service.rosterOptions.checks?.fall,
                service.check.jitterPercent,
            ] == [1, 1, 50])
        #expect(service.check.port == 81)
        #expect(
            [
                service.policy.retry.rule.attempts, service.policy.retry.budgetPercent,
                service.policy.retry.budgetFloorPerSecond,
            ]
                == [1, 100, 0])
        guard case .backends(let backends) = fixed.sources[0] else {
            Issue.record("found no fixed backends")
            return
        }
        #expect(backends.map(\.address.host) == ["10.0.0.1", "::1", "db.internal"])
        #expect(backends.map(\.weight) == [1, 0, 1])
        #expect(backends.map(\.priority) == [0, 65535, 0])
        let (first, second) = (configuration.listeners[0], configuration.listeners[1])
        #expect(first.name == "a")
        #expect(first.mode == .tcp)
        #expect(second.policy.headLimits.bytesMax == 65536)
        #expect(second.policy.connectionsMax == 1)
        let timeouts = second.policy.timeouts
        #expect(
            [timeouts.head, timeouts.idle, timeouts.stall, timeouts.tunnel]
                == (1...4).map { Duration.seconds($0) })
        #expect(timeouts.request == .seconds(8))
        #expect(first.policy.timeouts.request == nil)
        #expect(!second.policy.allowsUpgrade)
        #expect(second.policy.allowsConnect && !first.policy.allowsConnect)
        #expect(second.policy.forwarding.xForwarded == .replace)
        #expect(second.policy.forwarding.forwarded == .append)
        #expect(second.policy.forwarding.via == nil)
        #expect(second.policy.forwarding.addsRequestID)
        #expect(
            second.policy.trustedProxies.map(\.description)
                == ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "::1/128"])
        #expect(
            [
                service.policy.timeouts.connect, service.policy.timeouts.responseHead,
                service.policy.timeouts.idle,
            ]
                == (5...7).map { Duration.seconds($0) })
    }

    @Test("a listener may carry its source")
    func carried() throws {
        let configuration = try load(
            "listeners: [{listen: ':1', srv: a.example}, {name: n, listen: ':2', backends: "
                + "['h:3']}]"
        ).configuration
        #expect(configuration.services.map(\.name) == ["a.example", "n"])
        #expect(configuration.listeners.map(\.service) == ["a.example", "n"])
    }

    @Test("flags alone are enough, and so is the environment")
    func direct() throws {
        let flags: [ConfigurationFlag: [String]] = [
            .listen: [":8080"], .service: ["_web._tcp.service.consul"], .dns: ["127.0.0.1:8600"],
            .admin: ["127.0.0.1:9090"], .workers: ["1"],
        ]
        let environment = [
            "FAIRLEAD_LISTEN": ":8080", "FAIRLEAD_SERVICE": "_web._tcp.service.consul",
            "FAIRLEAD_DNS": "127.0.0.1:8600", "FAIRLEAD_ADMIN": "", "FAIRLEAD_WORKERS": "1",
            "PATH": "/bin",
        ]
        let byFlags = try load(nil, flags: flags)
        let byEnvironment = try load(nil, environment: environment)
        #expect(byFlags.configuration == byEnvironment.configuration)
        #expect(byFlags.warnings == byEnvironment.warnings)
        #expect(byFlags.configuration.workers == 1)
        #expect(byFlags.configuration.dns.servers == [.endpoint(Endpoint(.loopback, 8600))])
        #expect(byFlags.configuration.listeners.map(\.service) == ["_web._tcp.service.consul"])
        #expect(
            byFlags.configuration.services.map(\.sources) == [[.srv("_web._tcp.service.consul")]])
    }

    @Test("flags win over environment, environment over file, and one service over all defaults")
    func precedence() throws {
        let text = """
            workers: 1
            log-level: error
            stop-timeout: 5s
            defaults: {check: {interval: 7s, rise: 7}}
            services: {web: {srv: a.example}, own: {srv: b.example, check: {interval: 9s}}}
            listeners: [{listen: ":1", service: web}, {listen: ":2", service: own}]
            """
        let environment = [
            "FAIRLEAD_WORKERS": "2", "FAIRLEAD_LOG_LEVEL": "debug", "FAIRLEAD_CHECK_INTERVAL": "8s",
        ]
        let configuration = try load(text, environment: environment, flags: [.workers: ["3"]])
            .configuration
        #expect(configuration.workers == 3)
        #expect(configuration.log.level == .debug)
        #expect(configuration.stopTimeout == .seconds(5))
        #expect(configuration.services.map(\.check.interval) == [.seconds(8), .seconds(9)])
        #expect(configuration.services.map(\.rosterOptions.checks?.rise) == [7, 7])
    }

    @Test(
        "flags add a listener beside those of the file, and their source replaces the environment's"
    )
    func beside() throws {
        let configuration = try load(
            web, environment: ["FAIRLEAD_SERVICE": "a.example", "FAIRLEAD_MODE": "tcp"],
            flags: [.listen: [":81"], .backend: ["h:1,h:2", "h:3"]]
        ).configuration
        #expect(configuration.listeners.map(\.name) == [":8080", ":81"])
        #expect(configuration.listeners.map(\.mode) == [.http, .tcp])
        guard case .backends(let backends)? = configuration.services.last?.sources.first else {
            Issue.record("found no fixed backends")
            return
        }
        #expect(backends.map(\.address.port) == [1, 2, 3])
    }

    @Test("a check is HTTP by its path, unless its own scope says otherwise")
    func checkKind() throws {
        let configuration = try load(
            """
            defaults: {check: {path: /health}}
            services:
              a: {srv: a.example}
              b: {srv: b.example, check: {type: tcp}}
              c: {srv: c.example, check: {type: off}}
            listeners: [{listen: ":1", service: a}, {listen: ":2", service: b},
              {listen: ":3", service: c}]
            """
        ).configuration
        #expect(configuration.services.map(\.check.type) == [.http, .tcp, .off])
        #expect(
            try load(web, environment: ["FAIRLEAD_CHECK_PATH": "/x"]).configuration.services
                .map(\.check.type) == [.http])
    }

    @Test(
        "the number of workers is bounded and never zero",
        arguments: [(-1, 1), (0, 1), (3, 3), (1000, 256)])
    func workers(processors: Int, expected: Int) throws {
        let loaded = try ConfigurationLoader.load(
            file: NamedText(name: "f", text: "workers: auto" + web), processorCount: processors)
        #expect(loaded.configuration.workers == expected)
    }

    @Test("sections may be empty, with all their keys commented out")
    func emptySections() throws {
        #expect(
            try load("dns:\ndefaults:\n  check:\n" + web).configuration == load(web).configuration)
    }

    @Test("warnings name what is likely not meant")
    func warnings() throws {
        let loaded = try load(
            """
            services:
              web: {srv: a.example, check: {timeout: 3s}}
              spare: {srv: b.example}
            listeners: [{listen: ":1", service: web}]
            """, environment: ["FAIRLEAD_WORKER": "1", "FAIRLEAD_ELSEWHERE_ENTIRELY": "x"])
        #expect(
            loaded.warnings.map(\.description) == [
                "f.yaml:2:42: services.web.check.timeout: found a timeout of 3s and an interval of "
                    + "2s, expected timeout <= interval: a check that hangs delays the next",
                "f.yaml:3:3: services.spare: no listener uses this service",
                "FAIRLEAD_ELSEWHERE_ENTIRELY: unknown variable, ignored",
                "FAIRLEAD_WORKER: unknown variable, ignored, expected FAIRLEAD_WORKERS?",
            ])
    }
}

/// Every key, with a value other than its default.
private let fullText = """
    workers: 2
    admin: off
    stop-timeout: 1m
    log-level: debug
    dns: {servers: ["127.0.0.1:8600", "10.0.0.2", "::1"], timeout: 500ms, attempts: 1,
      resolv-conf: /r}
    services:
      web:
        srv: _web._tcp.service.consul.
        balance: round-robin
        refresh: {floor: 100ms, ceiling: 2h, jitter: 0%}
        check: {path: /h?a=1, host: "web:80", status: 204, interval: 3s,
          timeout: 20ms, rise: 1, fall: 1, jitter: 50%, port: 81}
        retry: {attempts: 1, budget: 100%, budget-floor: 0}
        timeouts: {connect: 5s, response-head: 6s, backend-idle: 7s}
      db:
        backends: ["10.0.0.1:5432",
          {address: "[::1]:5432", weight: 0, priority: 65535}, "db.internal:1"]
    listeners:
      - {name: a, listen: "127.0.0.1:0", mode: tcp, service: db}
      - name: b
        listen: "[::1]:80"
        service: web
        limits: {head-bytes: 64KiB, connections: 1}
        timeouts: {client-head: 1s, client-idle: 2s, body-idle: 3s, tunnel-idle: 4s,
          request: 8s}
        upgrade: off
        connect: on
        forwarding:
          {x-forwarded: replace, forwarded: append, via: off, request-id: on,
           trusted-proxies: [10.0.0.0/8, 192.0.2.7, "fd00::/8", "::1"]}
    """
