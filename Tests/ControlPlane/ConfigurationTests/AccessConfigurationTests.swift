// Goal: who may come is read for listeners and routes, as written and by default, and what
// contradicts itself is refused with its place. Method: small files, each with a wrong twin.

import Access
import Configuration
import Endpoints
import RateLimits
import Routing
import Testing
import Traffic

@Suite struct AccessConfigurationTests {
    private func file(_ listener: String, route: String = "path: /a", top: String = "") -> String {
        """
        \(top)
        services: {web: {srv: _web._tcp.example}}
        listeners:
        - {listen: ":8080", service: web, routes: [{\(route), service: web}], \(listener)}
        """
    }

    @Test("the lists of listeners, defaults and routes")
    func lists() throws {
        let loaded = try load(
            file(
                "allow: [10.0.0.0/8, 2001:db8::/32], deny: 10.1.0.0/16",
                route: "path: /a, allow: 10.2.0.1"))
        let listener = loaded.configuration.listeners[0]
        #expect(
            listener.policy.access.allowed.map(\.description) == ["10.0.0.0/8", "2001:db8::/32"])
        #expect(listener.policy.access.denied.map(\.description) == ["10.1.0.0/16"])
        #expect(listener.routes[0].access.allowed.map(\.description) == ["10.2.0.1/32"])
        #expect(listener.routes[0].access.denied.isEmpty)
        let yaml = loaded.effective.yaml
        let again = try load(yaml)
        #expect(again.configuration.listeners == loaded.configuration.listeners)

        let standard = try load(
            file("http2: on", top: "defaults: {deny: [192.0.2.0/24]}"),
            environment: ["FAIRLEAD_ALLOW": "192.0.0.0/16,10.0.0.0/8"])
        let access = standard.configuration.listeners[0].policy.access
        #expect(access.allowed.count == 2 && access.denied.count == 1)
        #expect(standard.configuration.listeners[0].routes[0].access.isEmpty)
        let own = try load(file("deny: []", top: "defaults: {deny: [192.0.2.0/24]}"))
        #expect(own.configuration.listeners[0].policy.access.isEmpty)
    }

    @Test("limits of requests, short and in full, and what is written of them is read alike")
    func rates() throws {
        let loaded = try load(
            file(
                "rate: [100/s, {limit: 5/10s, by: header X-Key, burst: 2, clients: 1000}]",
                route: "path: /a, rate: {limit: 10/m, by: all}"))
        let listener = loaded.configuration.listeners[0]
        #expect(
            listener.policy.rates == [
                RateRule(.address, 100, per: .seconds(1)),
                RateRule(.field("x-key"), 5, per: .seconds(10), burst: 2, clients: 1000),
            ])
        #expect(listener.policy.rates[0].burst == 100)
        #expect(listener.routes[0].rates == [RateRule(.all, 10, per: .seconds(60))])
        let yaml = loaded.effective.yaml
        #expect(yaml.contains("limit: 5/10s by: header x-key burst: 2 clients: 1000"))
        #expect(try load(yaml).configuration.listeners == loaded.configuration.listeners)
        let variable = try load(
            file("http2: on"), environment: ["FAIRLEAD_RATE": "20/h,limit: 3/s by: all"])
        #expect(
            variable.configuration.listeners[0].policy.rates == [
                RateRule(.address, 20, per: .seconds(3600)), RateRule(.all, 3, per: .seconds(1)),
            ])
    }

    @Test("a limit is shared among those of one name in Consul, and needs that name")
    func sharedRates() throws {
        let register = "consul: {register: {name: edge}}"
        let shared = "rate: [{limit: 100/s, by: all, share: on}, {limit: 5/s, share: off}]"
        let loaded = try load(file(shared, top: register))
        let listener = loaded.configuration.listeners[0]
        #expect(
            listener.policy.rates == [
                RateRule(.all, 100, per: .seconds(1), isShared: true),
                RateRule(.address, 5, per: .seconds(1)),
            ])
        let yaml = loaded.effective.yaml
        #expect(yaml.contains("limit: 100/s by: all share: on"))
        #expect(try load(yaml).configuration.listeners == loaded.configuration.listeners)
        // The name may be told by the environment as well.
        let named = try load(file(shared), environment: ["FAIRLEAD_CONSUL_REGISTER_NAME": "edge"])
        #expect(named.configuration.listeners[0].policy.rates[0].isShared)

        let route = "path: /a, rate: {limit: 1/s, share: on}"
        for (text, place) in [
            (file(shared), "listeners[0].rate"), (file("http2: on", route: route), "routes[0]"),
            (file("http2: on", top: "defaults: {rate: {limit: 1/s, share: on}}"), "defaults.rate"),
        ] {
            let errors = errors(text)
            #expect(errors.count == 1)
            #expect(errors.first?.contains(place) == true, "\(errors)")
            #expect(
                errors.first?.contains(
                    "found share: on without consul.register.name, expected the name under which")
                    == true, "\(errors)")
        }
    }

    @Test(
        "what is wrong with a limit is told with its place",
        arguments: [
            ("rate: 100", "found \"100\", expected a limit such as 100/s, 10/m, 1000/h or 5/10s"),
            ("rate: 0/s", "found \"0/s\", expected a limit such as"),
            ("rate: 1/48h", "found \"1/48h\", expected a limit such as"),
            ("rate: 1/x", "found \"1/x\", expected a limit such as"),
            ("rate: {by: all}", "found by without limit, expected {limit: 100/s}, perhaps with"),
            ("rate: {limit: 1/s, by: cookie a}", "found by: \"cookie a\", expected address, h"),
            ("rate: {limit: 1/s, by: header a b}", "found by: \"header a b\", expected address"),
            ("rate: {limit: 1/s, burst: 0}", "found burst: \"0\", expected 1 to 1000000000"),
            ("rate: {limit: 1/s, clients: 9}", "found clients: \"9\", expected 100 to 1048576"),
            ("rate: {limit: 1/s, by: all, clients: 1000}", "found clients beside by: all"),
            ("rate: {limit: 1/s, per: address}", "found \"per\", expected {limit: 100/s}"),
            ("rate: {limit: 1/s, share: yes}", "found share: \"yes\", expected on or off"),
            ("mode: tcp, rate: 1/s", "found rate on a listener of mode tcp, expected mode http"),
            (
                "rate: [\(Array(repeating: "1/s", count: 9).joined(separator: ", "))]",
                "expected at most 8 values"
            ),
        ])
    func wrongRate(listener: String, expected: String) {
        let errors = errors(
            """
            services: {web: {srv: _web._tcp.example}}
            listeners: [{listen: ":8080", service: web, \(listener)}]
            """)
        #expect(errors.count == 1)
        #expect(errors.first?.contains("listeners[0].rate") == true, "\(errors)")
        #expect(errors.first?.contains(expected) == true, "\(errors)")
    }

    @Test("limits of bodies and of the connections of one address")
    func sizes() throws {
        let limits =
            "limits: {request-body: 10MiB, response-body: 0B, connections-per-address: 20, "
            + "connections-exempt: 10.0.0.0/8}"
        let loaded = try load(file(limits, route: "path: /a, limits: {request-body: off}"))
        let listener = loaded.configuration.listeners[0]
        #expect(listener.policy.bodyLimits.request == 10 << 20)
        #expect(listener.policy.bodyLimits.response == 0)
        #expect(listener.policy.connectionsPerAddress == 20)
        #expect(listener.policy.connectionsExempt.map(\.description) == ["10.0.0.0/8"])
        #expect(listener.routes[0].bodyLimits.request == .max)
        #expect(listener.routes[0].bodyLimits.response == nil)
        let again = try load(loaded.effective.yaml)
        #expect(again.configuration.listeners == loaded.configuration.listeners)

        let standard = try load(file("http2: on")).configuration.listeners[0]
        #expect(!standard.policy.bodyLimits.areSet && standard.policy.connectionsPerAddress == nil)
        for (text, expected) in [
            ("limits: {request-body: 10}", "expected a size with a unit"),
            ("limits: {connections-per-address: 0}", "expected 1 to 65535 or off"),
            ("limits: {connections-exempt: here}", "expected"),
            ("mode: tcp, limits: {request-body: 1MiB}", "limits.request-body on a listener of mo"),
        ] {
            let errors = errors(
                """
                services: {web: {srv: _web._tcp.example}}
                listeners: [{listen: ":8080", service: web, \(text)}]
                """)
            #expect(errors.count == 1 && errors.first?.contains(expected) == true, "\(errors)")
        }
    }

    // MARK: - Who is asked

    private func gated(_ listener: String, route: String = "path: /a", top: String = "") -> String {
        """
        \(top)
        services:
          web: {srv: _web._tcp.example}
          gate: {srv: _gate._tcp.example}
        listeners:
        - {listen: ":8080", service: web, \(listener), routes: [{\(route), service: web}]}
        """
    }

    @Test("whom listeners, defaults and routes ask, and what is written of it is read alike")
    func auth() throws {
        let loaded = try load(
            gated(
                "auth: {service: gate, path: /c?d, method: same, host: a.test, send: [Accept], "
                    + "take: [X-User], timeout: 500ms, fail: open}",
                route: "path: /a, auth: off"))
        let listener = loaded.configuration.listeners[0]
        let auth = listener.auth
        #expect(auth.serviceName == "gate" && auth.path == "/c?d" && auth.keepsMethod)
        #expect(auth.host == "a.test" && auth.sentFields == ["authorization", "cookie", "Accept"])
        #expect(auth.take == ["X-User"] && auth.timeout == .milliseconds(500))
        #expect(auth.failure == .open)
        #expect(listener.routes[0].auth.service == "off")
        #expect(listener.routes[0].auth.serviceName == nil)
        #expect(listener.serviceNames == ["web", "gate"])
        #expect(listener.routedServiceNames == ["web"])
        #expect(loaded.warnings.isEmpty)
        let yaml = loaded.effective.yaml
        #expect(try load(yaml).configuration.listeners == loaded.configuration.listeners)

        let short = try load(gated("http2: on", route: "path: /a, auth: gate"))
        #expect(short.configuration.listeners[0].routes[0].auth.serviceName == "gate")
        #expect(short.configuration.listeners[0].auth.service == nil)
        let off = try load(gated("auth: off", top: "defaults: {auth: gate}"))
        #expect(off.configuration.listeners[0].serviceNames == ["web"])
        let again = try load(off.effective.yaml)
        #expect(again.configuration.listeners == off.configuration.listeners)
        let all = try load(gated("http2: on", top: "defaults: {auth: {service: gate}}"))
        #expect(all.configuration.listeners[0].serviceNames == ["web", "gate"])
    }

    @Test(
        "what is wrong with whom to ask is told with its place",
        arguments: [
            ("auth: gat", "", "listeners[0].auth: found the service \"gat\", expected gate?"),
            ("auth: {path: /x}", "", "found auth.path without auth.service, expected the service"),
            ("auth: {service: gate, path: x}", "", "expected a path that starts with /"),
            ("auth: {service: gate, host: a b}", "", "expected a host, such as auth.example.com"),
            ("auth: {service: gate, method: POST}", "", "expected GET or same"),
            ("auth: {service: gate, fail: never}", "", "expected closed or open"),
            ("auth: {service: gate, timeout: 0s}", "", "found \"0s\", expected 10ms to 24h"),
            (
                "auth: {service: gate, take: [Host]}", "",
                "found \"Host\", expected another field: a request has one Host"
            ),
            (
                "auth: {service: gate, send: [Content-Length]}", "",
                "found \"Content-Length\", expected another field: it says where a message ends"
            ),
            (
                "auth: {service: gate, take: [X-Forwarded-For]}", "",
                "found \"X-Forwarded-For\", expected another field: this one is the business"
            ),
            ("mode: tcp, auth: gate", "-", "found auth on a listener of mode tcp, expected mode"),
            ("http2: on", "auth: gats", "found the service \"gats\", expected gate?"),
            ("http2: on", "auth: {take: [A]}", "found auth.take without auth.service"),
        ])
    func wrongAuth(listener: String, route: String, expected: String) {
        let text = gated(listener, route: route.isEmpty ? "path: /a" : "path: /a, \(route)")
        let found = errors(
            route == "-"
                ? text.split(separator: ", routes:")[0] + "}" : text)
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test("a route whose requests go to no backend asks nobody")
    func authWithoutBackend() {
        let found = errors(
            gated("http2: on").replacing(
                "routes: [{path: /a, service: web}]",
                with: "routes: [{path: /a, auth: gate, redirect: {to: /b}}]"))
        #expect(found.count == 1)
        #expect(found.first?.contains("found auth on a route whose requests go to no ba") == true)
    }

    @Test("limits take no more memory together than may be")
    func memory() {
        let all = Array(repeating: "{limit: 1/s, clients: 1048576}", count: 8)
            .joined(separator: ", ")
        let listeners = (0..<5).map {
            "- {listen: \":808\($0)\", service: web, rate: [\(all)]}"
        }
        let text = "services: {web: {srv: _web._tcp.example}}\nlisteners:\n"
        #expect(errors(text + listeners[..<4].joined(separator: "\n")).isEmpty)
        let errors = errors(text + listeners.joined(separator: "\n"))
        #expect(errors.count == 1)
        #expect(
            errors.first?.contains(
                "listeners[4].rate: found limits of requests that take 1280MiB of memory, expected "
                    + "at most 1GiB: fewer of them, or fewer clients in each") == true, "\(errors)")
    }

    @Test(
        "what is wrong is told with its place",
        arguments: [
            (
                "deny: [10.0.0.0/8], allow: [10.0.0.0/8, '::/0']", "path: /a", "",
                "f.yaml:4:73: listeners[0].deny: found 10.0.0.0/8 in allow and in deny, expected "
                    + "it in one of them"
            ),
            (
                "allow: [10.0.0.0/8]", "path: /a", "defaults: {deny: [10.0.0.0/8]}",
                "f.yaml:4:74: listeners[0].allow: found 10.0.0.0/8 in allow and in deny, expected "
                    + "it in one of them"
            ),
            (
                "http2: on", "path: /a, deny: ['::1', '::2'], allow: ['::2', '::1']", "",
                "f.yaml:4:44: listeners[0].routes[0]: found ::2/128 and 1 more in allow and in "
                    + "deny, expected it in one of them"
            ),
            (
                "allow: [10.0.0.1/8]", "path: /a", "",
                "f.yaml:4:75: listeners[0].allow[0]: found \"10.0.0.1/8\", expected a network's "
                    + "first address: 10.0.0.0/8, or 10.0.0.1"
            ),
            (
                "mode: tcp", "sni: a.example, allow: [10.0.0.0/8]", "",
                "f.yaml:4:44: listeners[0].routes[0]: found a route of HTTP on a listener of mode "
                    + "tcp, expected sni, alpn and service alone, or mode http"
            ),
            (
                "whitelist: [10.0.0.0/8]", "path: /a", "",
                "f.yaml:4:67: listeners[0].whitelist: unknown key: a listener or a route has "
                    + "allow: [NETWORK, ...] and deny: [NETWORK, ...]"
            ),
        ])
    func wrong(listener: String, route: String, top: String, expected: String) {
        let errors = errors(file(listener, route: route, top: top))
        #expect(errors.count == 1)
        // Columns are other tests' business.
        func plain(_ line: String) -> String {
            line.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? line
        }
        #expect(errors.first.map(plain) == plain(expected))
    }
}
