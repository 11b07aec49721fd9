// Goal: who may come is read for listeners and routes, as written and by default, and what
// contradicts itself is refused with its place. Method: small files, each with a wrong twin.

import Access
import Configuration
import Endpoints
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
