// Goal: every mistake is told with its place, what was found and what was expected, and all at
// once. Method: tables of text and exact message; each is a malformed twin of something that loads.

import Configuration
import Documents
import Testing

@Suite struct ConfigurationErrorTests {
    @Test(
        "a value of the wrong kind is told exactly",
        arguments: [
            ("workers: 0", "1:10: workers: found \"0\", expected 1 to 256 or auto"),
            ("workers: [1]", "1:10: workers: found a list, expected 1 to 256, or auto"),
            ("workers: +1", "1:10: workers: found \"+1\", expected 1 to 256 or auto"),
            ("workers:", "1:9: workers: found nothing, expected 1 to 256, or auto"),
            (
                "admin: 0.0.0.0:9090",
                "1:8: admin: found 0.0.0.0:9090 without a token, expected a loopback address, such "
                    + "as 127.0.0.1:9090, or admin.token, admin.token-file or "
                    + "admin.tls.client-certificates as well"
            ),
            (
                "admin: 9090",
                "1:8: admin: found \"9090\", expected an address with a port, such as "
                    + "127.0.0.1:9090 or 0.0.0.0:9090, or off"
            ),
            (
                "dns: {servers: ['10.0.0.1', 'ns example']}",
                "1:29: dns.servers[1]: found \"ns example\", expected a nameserver's address, such "
                    + "as 127.0.0.1:8600 or 10.0.0.2"
            ),
            (
                "dns: {servers: [1.1.1.1, 2.2.2.2, [3]]}",
                "1:35: dns.servers[2]: found a list, expected a plain value"
            ),
            (
                "defaults: {forwarding: {trusted-proxies: [10.0.0.0/8, 10.1.2.3/8]}}",
                "1:55: defaults.forwarding.trusted-proxies[1]: found \"10.1.2.3/8\", expected a "
                    + "network's first address: 10.0.0.0/8, or 10.1.2.3"
            ),
            (
                "defaults: {forwarding: {trusted-proxies: 10.0.0.0/33}}",
                "1:42: defaults.forwarding.trusted-proxies: found \"10.0.0.0/33\", expected a "
                    + "network, such as 10.0.0.0/8, or an address"
            ),
            (
                "defaults: {forwarding: {forwarded: true}}",
                "1:36: defaults.forwarding.forwarded: found \"true\", expected append, replace or "
                    + "off"
            ),
            (
                "stop-timeout: 30",
                "1:15: stop-timeout: found \"30\", expected a duration with a unit, such as "
                    + "500ms or 2s"
            ),
            (
                "stop-timeout: 30 s",
                "1:15: stop-timeout: found \"30 s\", expected a duration with a unit, such as "
                    + "500ms or 2s"
            ),
            (
                "stop-timeout: 99999999999999999999h",
                "1:15: stop-timeout: found \"99999999999999999999h\", expected 0s to 1h"
            ),
            (
                "log-level: loud",
                "1:12: log-level: found \"loud\", expected error, warning, info or debug"
            ),
            (
                "defaults: {limits: {head-bytes: 16384}}",
                "1:33: defaults.limits.head-bytes: found \"16384\", expected a size with a unit, "
                    + "such as 64KiB or 1MiB"
            ),
            (
                "defaults: {limits: {head-bytes: 1MiB}}",
                "1:33: defaults.limits.head-bytes: found \"1MiB\", expected 1KiB to 64KiB"
            ),
            (
                "defaults: {check: {jitter: 20}}",
                "1:28: defaults.check.jitter: found \"20\", expected a percentage, such as 20%"
            ),
            (
                "defaults: {check: {jitter: 51%}}",
                "1:28: defaults.check.jitter: found \"51%\", expected 0% to 50%"
            ),
            (
                "defaults: {check: {rise: 0}}",
                "1:26: defaults.check.rise: found \"0\", expected 1 to 100"
            ),
            (
                "defaults: {check: {fall: -1}}",
                "1:26: defaults.check.fall: found \"-1\", expected 1 to 100"
            ),
            (
                "defaults: {check: {path: health}}",
                "1:26: defaults.check.path: found \"health\", expected a path that starts with /, "
                    + "such as /health"
            ),
            (
                "defaults: {check: {path: \"/a\\r\\nX: y\"}}",
                "1:26: defaults.check.path: found \"/a\\u{d}\\u{a}X: y\", expected a path that "
                    + "starts with /, such as /health"
            ),
            (
                "defaults: {check: {host: \"a b\"}}",
                "1:26: defaults.check.host: found \"a b\", expected a host, such as web.internal "
                    + "or web.internal:8080, or auto"
            ),
            (
                "defaults: {check: {status: 399-200}}",
                "1:28: defaults.check.status: found \"399-200\", expected a status or a range of "
                    + "them, such as 200 or 200-399"
            ),
            (
                "defaults: {check: {type: tcp, path: /x}}",
                "1:37: defaults.check.path: found a check of type tcp, expected type http beside "
                    + "path"
            ),
            (
                "dns: 127.0.0.1:53",
                "1:6: dns: found \"127.0.0.1:53\", expected a mapping with keys of: servers, "
                    + "timeout, attempts, transport, edns, mix-case, rate, resolv-conf"
            ),
            ("worker: 1", "1:1: worker: unknown key, expected workers?"),
            ("dns: {time-out: 1s}", "1:7: dns.time-out: unknown key, expected timeout?"),
            (
                "dns: {\"a\\e[1m b\": 1s}",
                "1:7: dns.\"a\\u{1b}[1m b\": unknown key, expected one of: servers, timeout, "
                    + "attempts, transport, edns, mix-case, rate, resolv-conf"
            ),
        ])
    func values(text: String, message: String) {
        #expect(errors(text + web) == ["f.yaml:" + message])
    }

    @Test(
        "services and listeners that do not fit are told exactly",
        arguments: [
            (
                "",
                "configuration: found no listener, expected listeners in a file (--config FILE), "
                    + "or --listen with --service, --consul or --backend"
            ),
            (
                "listeners: {}",
                "f.yaml:1:12: listeners: found a mapping, expected a list of listeners"
            ),
            (
                "services: []\nlisteners: [{listen: ':1', srv: a.c}]",
                "f.yaml:1:11: services: found a list, expected a mapping of names to services"
            ),
            (
                "listeners: [{service: web}]\nservices: {web: {srv: a.b}}",
                "f.yaml:1:13: listeners[0]: found no address, expected listen: ADDRESS:PORT or "
                    + ":PORT"
            ),
            (
                "listeners: [{listen: ':1'}]",
                "f.yaml:1:13: listeners[0]: found no service, expected service, srv, consul, "
                    + "docker, file, backends or routes"
            ),
            (
                "listeners: [{listen: ':1', service: wep}]\nservices: {web: {srv: a.b}}",
                "f.yaml:1:37: listeners[0].service: found \"wep\", expected web?"
            ),
            (
                "listeners: [{listen: ':1', service: other}]\nservices: {web: {srv: a.b}, db: "
                    + "{srv: a.c}}",
                "f.yaml:1:37: listeners[0].service: found \"other\", expected one of: web, db"
            ),
            (
                "listeners: [{listen: ':1', service: web, srv: a.c}]\nservices: {web: {srv: a.b}}",
                "f.yaml:1:37: listeners[0].service: found service beside srv, consul, docker, "
                    + "file or backends, expected one of them"
            ),
            (
                "listeners: [{listen: ':1', service: web}]\nservices: {web: {}}",
                "f.yaml:2:12: services.web: found no source, expected srv, consul, docker, file "
                    + "or backends"
            ),
            (
                "listeners: [{listen: ':1', srv: a.b, backends: ['h:1']}]",
                "f.yaml:1:33: listeners[0].srv: found both srv and backends, expected one of them, "
                    + "or srv and consul"
            ),
            (
                "listeners: [{listen: ':1', srv: web}]",
                "f.yaml:1:33: listeners[0].srv: found \"web\", expected a DNS name, such as "
                    + "_web._tcp.service.consul"
            ),
            (
                "listeners: [{listen: ':1', srv: a..b}]",
                "f.yaml:1:33: listeners[0].srv: found \"a..b\", expected a DNS name, such as "
                    + "_web._tcp.service.consul"
            ),
            (
                "listeners: [{listen: ':1', backends: []}]",
                "f.yaml:1:38: listeners[0].backends: found an empty list, expected a list of "
                    + "HOST:PORT, or of {address: HOST:PORT, weight: 1, priority: 0}"
            ),
            (
                "listeners: [{listen: ':1', backends: ['10.0.0.256:1']}]",
                "f.yaml:1:39: listeners[0].backends[0]: found \"10.0.0.256:1\", expected "
                    + "HOST:PORT, such as 10.0.0.1:8080 or db.internal:5432"
            ),
            (
                "listeners: [{listen: ':1', backends: ['h:0']}]",
                "f.yaml:1:39: listeners[0].backends[0]: found \"h:0\", expected HOST:PORT, such as "
                    + "10.0.0.1:8080 or db.internal:5432"
            ),
            (
                "listeners: [{listen: ':1', backends: ['h:1', {address: 'h:1'}]}]",
                "f.yaml:1:46: listeners[0].backends[1]: found h:1 again, expected each backend once"
            ),
            (
                "listeners: [{listen: ':1', backends: [{weight: 1}]}]",
                "f.yaml:1:39: listeners[0].backends[0]: found no address, expected address: "
                    + "HOST:PORT"
            ),
            (
                "listeners: [{listen: ':1', backends: [{address: 'h:1', weight: 65536}]}]",
                "f.yaml:1:64: listeners[0].backends[0].weight: found \"65536\", expected 0 to 65535"
            ),
            (
                "listeners: [{listen: '127.0.0.1:1', srv: a.b}, {listen: ':1', srv: a.c}]",
                "f.yaml:1:57: listeners[1].listen: found [::]:1, which listener \"127.0.0.1:1\" "
                    + "has as 127.0.0.1:1, expected an address of its own"
            ),
            (
                "listeners: [{listen: ':9090', srv: a.b}]",
                "f.yaml:1:22: listeners[0].listen: found [::]:9090, which the admin port has as "
                    + "127.0.0.1:9090, expected an address of its own"
            ),
            (
                "listeners: [{listen: ':1', srv: a.b}, {listen: ':2', srv: a.b}]",
                "f.yaml:1:39: listeners[1]: found a second service named \"a.b\", expected one: "
                    + "put it under services and name it in each listener"
            ),
            (
                "listeners: [{name: n, listen: ':1', srv: a.b}, {name: n, listen: ':2', srv: a.c}]",
                "f.yaml:1:55: listeners[1].name: found a second listener named \"n\", expected "
                    + "distinct names: give it one with name"
            ),
            (
                "services: {'a b': {srv: a.b}}\nlisteners: [{listen: ':1', srv: a.c}]",
                "f.yaml:1:12: services.\"a b\": found the name \"a b\", expected 1 to 63 letters, "
                    + "digits, dots, - or _"
            ),
            (
                "listeners: [{listen: ':1', srv: a.b}]\ndefaults: {refresh: {floor: 2m}}",
                "f.yaml:2:29: defaults.refresh.floor: found a floor of 2m and a ceiling of 1m, "
                    + "expected floor <= ceiling"
            ),
        ])
    func structure(text: String, message: String) {
        #expect(errors(text) == [message])
    }

    @Test(
        "variables and flags are told by name",
        arguments: [
            (
                ["FAIRLEAD_CHECK_INTERVAL": "2"], [:],
                "FAIRLEAD_CHECK_INTERVAL: found \"2\", expected a duration with a unit, such as "
                    + "500ms or 2s"
            ),
            ([:], [.workers: ["0"]], "--workers: found \"0\", expected 1 to 256 or auto"),
            (
                ["FAIRLEAD_DNS": "127.0.0.1,,127.0.0.2"], [:],
                "FAIRLEAD_DNS: found \"\", expected a nameserver's address, such as 127.0.0.1:8600 "
                    + "or 10.0.0.2"
            ),
            (
                [:], [.service: ["a.b"]],
                "--service: found no address to listen on, expected --listen or FAIRLEAD_LISTEN "
                    + "as well"
            ),
            (
                ["FAIRLEAD_MODE": "tcp"], [:],
                "FAIRLEAD_MODE: found no address to listen on, expected --listen or "
                    + "FAIRLEAD_LISTEN as well"
            ),
            (
                ["FAIRLEAD_LISTEN": ":1"], [:],
                "FAIRLEAD_LISTEN: found a listener without service, expected --service, --consul "
                    + "or --backend (FAIRLEAD_SERVICE, FAIRLEAD_CONSUL or FAIRLEAD_BACKEND) as well"
            ),
            (
                [:], [.listen: [":1"], .service: ["a.b"], .backend: ["h:1"]],
                "--service: found both srv and backends, expected one of them, or srv "
                    + "and consul"
            ),
            (
                [:], [.listen: [":1"], .backend: ["h:1,h:2", "h:1"]],
                "--backend: found a backend twice, expected each once"
            ),
            (
                [:], [.listen: ["80"], .service: ["a.b"]],
                "--listen: found \"80\", expected an address with a port, such as :8080 or "
                    + "127.0.0.1:8080"
            ),
            (
                [:], [.listen: [":1"], .service: ["web"]],
                "--service: found \"web\", expected a DNS name, such as _web._tcp.service.consul"
            ),
        ] as [([String: String], [ConfigurationFlag: [String]], String)])
    func overrides(
        environment: [String: String], flags: [ConfigurationFlag: [String]], message: String
    ) {
        #expect(errors(web, environment: environment, flags: flags) == [message])
    }

    @Test("all errors are reported, by place, and not only the first")
    func all() {
        let text = """
            workers: 0
            services:
              web:
                srv: a.b
                check: {interval: 2}
            listeners:
              - {listen: ":8080", service: wed}
            """
        #expect(
            errors(text, environment: ["FAIRLEAD_ADMIN": "x"], flags: [.dns: ["y z"]]) == [
                "f.yaml:1:10: workers: found \"0\", expected 1 to 256 or auto",
                "f.yaml:5:23: services.web.check.interval: found \"2\", expected a duration with "
                    + "a unit, such as 500ms or 2s",
                "f.yaml:7:32: listeners[0].service: found \"wed\", expected web?",
                "FAIRLEAD_ADMIN: found \"x\", expected an address with a port, such as "
                    + "127.0.0.1:9090 or 0.0.0.0:9090, or off",
                "--dns: found \"y z\", expected a nameserver's address, such as 127.0.0.1:8600 or "
                    + "10.0.0.2",
            ])
    }

    @Test("more listeners than the limit are refused, and only so many are looked at")
    func manyListeners() {
        let item = "  - {listen: '127.0.0.1:0', srv: a.b}\n"
        let lines = errors("listeners:\n" + String(repeating: item, count: 1001))
        #expect(lines.first == "f.yaml:2:3: listeners: found 1001 listeners, expected at most 1000")
    }

    @Test("a missing listener is reported beside other errors")
    func noListener() {
        #expect(
            errors("workers: 0\nlisteners: []") == [
                "f.yaml:1:10: workers: found \"0\", expected 1 to 256 or auto",
                "configuration: found no listener, expected listeners in a file (--config FILE), "
                    + "or --listen with --service, --consul or --backend",
            ])
    }

    @Test("a file with endless errors fills neither memory nor log")
    func many() {
        let lines = errors((0..<1000).map { "key\($0): 1\n" }.joined())
        #expect(lines.count == 101)
        #expect(lines.last == "and 901 more")
    }
}
