// Goal: the whole configuration as text makes the same configuration again, says where each value
// is from, and shows no secret. Method: configurations of every kind through the text and back.

import Configuration
import Documents
import Testing

@Suite struct EffectiveConfigurationTests {
    private static let everything = """
        workers: 3
        stop-timeout: 90s
        dns: {servers: [10.0.0.1, "[::1]:5353"], rate: 5}
        consul: {agents: ["unix:/run/c.sock"], token-file: "/a b", register: {name: edge, tags: [a b]}}
        defaults:
          check: {path: /up, interval: 200ms}
          timeouts: {client-head: 3s}
        services:
          web:
            srv: [_web._tcp.example, other.example]
            consul: ["web?dc=dc2&tag=v1&passing", "query/web"]
            balance: consistent-hash
            hash: cookie session
          db:
            backends: ["[::1]:5432", {address: "db.example:5432", weight: 5, priority: 2}]
            check: {type: tcp, expect: "A\\r\\n\\t\\\"\\\\\\x01 é: #"}
            retry: {on: [connect, 503]}
            zone: {prefer: eu-1, key: az}
          files: {file: /var/lib/x.json, check: {status: [200, 204-206], body: "b: c"}}
        listeners:
          - {listen: ":8080", service: web, upgrade: off}
          - {name: raw, listen: "[::1]:9000", mode: tcp, service: db}
          - {listen: "127.0.0.1:9001", srv: _own._tcp.example}
          - {listen: "127.0.0.1:9002", mode: tcp, backends: ["10.0.0.9:1"]}
          - name: routes
            listen: 0.0.0.0:81
            connect: on
            routes:
              - {host: "*.example.com", path-prefix: /a, service: files, strip-prefix: on}
              - {path: /b, methods: [GET, HEAD], split: {web: 95%, files: 5%}}
              - {headers: {X-Any: "*", X-One: "a: \\"b\\""}, redirect: {to: "https://{host}/", status: 308}}
              - {path: /robots.txt, respond: {status: 200, body: "User-agent: *\\nDisallow: /\\n"}}
              - path-prefix: /
                service: web
                retry: {attempts: 1, on: []}
                request-headers: {remove: [Cookie], set: {X-T: "on", Host: a.b}, add: {X-U: "1"}}

        """

    private func text(_ loaded: LoadedConfiguration) -> String { loaded.effective.yaml }

    @Test(
        "it makes the same configuration again",
        arguments: [
            everything, web, "defaults: {check: {type: off}, balance: least-time}\n" + web,
            "services: {1: {srv: a.example, check: {type: http}}}\n"
                + "listeners: [{listen: ':1', service: 1}]",
        ])
    func again(file: String) throws {
        let first = try load(file)
        let second = try load(text(first))
        #expect(second.configuration == first.configuration)
        // And so on: the text of that says the same, but for places.
        #expect(withoutComments(text(second)) == withoutComments(text(first)))
    }

    @Test(
        "what defaults say of HTTP alone is not said of a listener of mode tcp",
        arguments: [
            "connect: on", "rate: 10/s", "limits: {request-body: 1MiB, response-body: 1MiB}",
            "auth: {service: db}", "error-pages-of: all", "maintenance: {when: on}",
        ])
    func tcp(option: String) throws {
        let loaded = try load(
            """
            defaults: {\(option)}
            services: {db: {backends: ["127.0.0.1:1"]}}
            listeners: [{listen: ":1", mode: tcp, service: db}, {listen: ":2", service: db}]
            """)
        _ = try load(text(loaded))
    }

    private func withoutComments(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            String(line.prefix(upTo: line.firstRange(of: " # ")?.lowerBound ?? line.endIndex))
        }.map { String($0.reversed().drop { $0 == " " }.reversed()) }
    }

    @Test("flags and environment alone make the same as the file of them")
    func direct() throws {
        let first = try load(
            nil, environment: ["FAIRLEAD_CHECK_PATH": "/up"],
            flags: [.listen: [":8080"], .service: ["_a._tcp.example", "b.example"]])
        let second = try load(text(first))
        #expect(second.configuration == first.configuration)
    }

    @Test(
        "each value says where it is from",
        arguments: [
            "workers: 2 # --workers", "stop-timeout: 5s # FAIRLEAD_STOP_TIMEOUT",
            "level: debug # f.yaml:1", "rate: 1000 # default", "web: # f.yaml:3",
            "balance: least-time # f.yaml:2", "interval: 9s # f.yaml:3",
            "path: /up # FAIRLEAD_CHECK_PATH", "srv: [_web._tcp.example] # f.yaml:3",
            "listen: \":8080\" # f.yaml:4",
        ])
    func origins(line: String) throws {
        let loaded = try load(
            """
            log-level: debug
            defaults: {balance: least-time}
            services: {web: {srv: _web._tcp.example, check: {interval: 9s}}}
            listeners: [{listen: ":8080", service: web}]
            """,
            environment: ["FAIRLEAD_STOP_TIMEOUT": "5s", "FAIRLEAD_CHECK_PATH": "/up"],
            flags: [.workers: ["2"]])
        let lines = text(loaded).split(separator: "\n").map { line in
            line.split(separator: " ").drop { $0 == "-" }.joined(separator: " ")
        }
        #expect(lines.contains(line), "\(text(loaded))")
    }

    @Test("secrets are masked wherever they are, and the mask is valid in their place")
    func secrets() throws {
        let loaded = try load(
            """
            consul: {token: hunter2-a}
            services:
              web:
                srv: _web._tcp.example
                sticky: {cookie: b, secret: hunter2-b}
                check: {headers: {X-Token: hunter2-c}}
              db: {srv: _db._tcp.example, check: {send: "AUTH hunter2-d", expect: +}}
            listeners:
              - listen: ":8080"
                routes:
                  - path: /
                    service: web
                    headers: {Authorization: hunter2-e}
                    request-headers: {set: {Authorization: hunter2-f}, add: {X-Api-Key: hunter2-g}}
                  - {path: /db, service: db}
            """)
        let shown = text(loaded)
        #expect(!shown.contains("hunter2"))
        #expect(
            shown.split(separator: "\n").count { $0.contains("masked") && $0.contains(":") } >= 7)
        #expect(throws: Never.self) { try load(shown) }
    }

    @Test("what came while the program runs is in it, with its own place")
    func fragments() throws {
        let loaded = try ConfigurationLoader.load(
            file: NamedText(name: "f.yaml", text: web),
            fragments: [
                ConfigurationFragment(
                    key: "services/more",
                    NamedText(name: "kv:services/more", text: "srv: _m._tcp.example")),
                ConfigurationFragment(
                    key: "routes/x",
                    NamedText(name: "kv:routes/x", text: "{path: /m, service: more}")),
                ConfigurationFragment(
                    key: "backends/more/10.0.0.1:80",
                    NamedText(name: "kv:backends", text: "weight: 5")),
            ], processorCount: 4)
        let shown = text(loaded)
        #expect(shown.contains("kv:services/more\n") && shown.contains("# kv:routes/x:1\n"))
        #expect(shown.contains("# from the K/V store: 10.0.0.1:80 has {weight: 5, drain: off}\n"))
        #expect(try load(shown).configuration.listeners == loaded.configuration.listeners)
    }
}
