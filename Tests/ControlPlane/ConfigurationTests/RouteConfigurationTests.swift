// Goal: routes load as they are written, and every mistake in one is told with its place. Method: a
// listener with the route in question; each mistake is a malformed twin of something that loads.

import Configuration
import Documents
import Testing

@Suite struct RouteConfigurationTests {
    private func file(_ routes: String, mode: String = "http") -> String {
        """
        services: {web: {srv: _web._tcp.example}, api: {srv: _api._tcp.example}}
        listeners:
        - listen: ":8080"
          mode: \(mode)
          routes:
        \(routes)
        """
    }

    @Test("a host's final dot does not count")
    func finalDot() throws {
        let loaded = try load(
            file("  - {host: a.example., service: web}\n  - {host: '*.a.example.', service: web}"))
        #expect(
            loaded.configuration.listeners[0].routes.map(\.host) == ["a.example", "*.a.example"])
        #expect(throws: (any Error).self) {
            try load(
                file("  - {host: a.example., service: web}\n  - {host: a.example, service: web}"))
        }
    }

    @Test("a route with everything")
    func whole() throws {
        let loaded = try load(
            file(
                """
                  - host: "*.a.example"
                    path-prefix: /api
                    methods: [GET, POST]
                    headers: {X-A: "1", X-B: "*"}
                    service: api
                    replace-prefix: /v2
                    request-headers: {set: {Host: inner, X-C: a b}, add: {X-D: e}, remove: [Cookie]}
                    response-headers: {remove: Server}
                  - {path: /r, redirect: {to: "https://{host}{path}{query}", status: 308}}
                  - {path: /f, respond: {status: 200, body: "x\\n", content-type: text/html}}
                  - {service: web}
                """))
        let routes = loaded.configuration.listeners[0].routes
        try #require(routes.count == 4)
        #expect(routes[0].host == "*.a.example")
        #expect(routes[0].pathPrefix == "/api")
        #expect(routes[0].methods == ["GET", "POST"])
        #expect(routes[0].headers.map(\.name) == ["X-A", "X-B"])
        #expect(routes[0].headers.map(\.value) == ["1", nil])
        #expect(routes[0].service == "api")
        #expect(routes[0].replacePrefix == "/v2")
        #expect(routes[0].requestHeaders.set.map(\.name) == ["Host", "X-C"])
        #expect(routes[0].requestHeaders.set.map(\.value) == ["inner", "a b"])
        #expect(routes[0].requestHeaders.add.map(\.name) == ["X-D"])
        #expect(routes[0].requestHeaders.remove == ["Cookie"])
        #expect(routes[0].responseHeaders.remove == ["Server"])
        #expect(routes[1].redirect.to == "https://{host}{path}{query}")
        #expect(routes[1].redirect.status == 308)
        #expect(routes[2].respond.status == 200)
        #expect(routes[2].respond.body == "x\n")
        #expect(routes[2].respond.contentType == "text/html")
        #expect(loaded.configuration.listeners[0].service.isEmpty)
        #expect(loaded.configuration.listeners[0].serviceNames == ["api", "web"])
        #expect(loaded.warnings.isEmpty)
    }

    @Test("copies of requests, in full, by the service alone, and as they are written down")
    func mirrors() throws {
        let loaded = try load(
            file(
                "  - {path: /a, service: web, mirror: {service: api, percent: 2.5%, body: 1KiB}}\n"
                    + "  - {path: /b, split: {web: 95%, api: 5%}, mirror: api}\n"
                    + "  - {path: /c, service: web, mirror: {service: api, percent: 0.01}}\n"
                    + "  - {service: web}"))
        let listener = loaded.configuration.listeners[0]
        let mirrors = listener.routes.map(\.mirror)
        #expect(mirrors.map(\.service) == ["api", "api", "api", nil])
        #expect(mirrors.map(\.share) == [25_000, 1_000_000, 100, 1_000_000])
        #expect(mirrors.map(\.bodyMax) == [1024, 65_536, 65_536, 65_536])
        #expect(listener.mirrorServiceNames == ["api"])
        let yaml = loaded.effective.yaml
        #expect(yaml.contains("percent: 2.5%") && yaml.contains("percent: 0.01%"))
        #expect(try load(yaml).configuration.listeners == loaded.configuration.listeners)

        // A service that gets copies alone is used, and holds up nobody.
        let alone = try load(file("  - {service: web, mirror: api}"))
        #expect(alone.warnings.isEmpty)
        #expect(alone.configuration.listeners[0].serviceNames == ["web", "api"])
        #expect(alone.configuration.listeners[0].neededServiceNames == ["web"])
    }

    @Test(
        "a mistake in a route is told exactly",
        arguments: [
            (
                "{path: /a}",
                "found nothing, expected one of service, split, redirect (with to) and respond "
                    + "(with status or health)"
            ),
            (
                "{redirect: {to: /x}, service: web}",
                "found service and redirect, expected one of service, split, redirect (with to) "
                    + "and respond (with status or health)"
            ),
            (
                "{redirect: {status: 301}}",
                "found no redirect.to, no respond.status and no respond.health, expected one of "
                    + "them"
            ),
            ("{path: /a, service: wob}", "found the service \"wob\", expected web?"),
            (
                "{path: /a, service: unlike}",
                "found the service \"unlike\", expected the name of one under services"
            ),
            (
                "{path: /a, path-prefix: /a, service: web}",
                "found path and path-prefix, expected one of them"
            ),
            (
                "{path: /a, service: web, strip-prefix: on}",
                "found a change of the prefix, expected path-prefix and service or split beside it"
            ),
            (
                "{methods: [CONNECT], service: web}",
                "found the method CONNECT, expected connect: on beside the listener's routes"
            ),
            (
                "{path-prefix: /a, service: web, strip-prefix: on, replace-prefix: /b}",
                "found strip-prefix and replace-prefix, expected one of them"
            ),
            ("{service: web, mirror: wob}", "found the service \"wob\", expected web?"),
            (
                "{service: web, mirror: {percent: 5%}}",
                "found mirror.percent without mirror.service, expected the service that gets the "
                    + "copies beside it"
            ),
            (
                "{path: /a, redirect: {to: /x}, mirror: web}",
                "found mirror on a route whose requests go to no backend, expected service or "
                    + "split beside it"
            ),
        ])
    func contradictions(route: String, message: String) {
        #expect(errors(file("  - \(route)")) == ["f.yaml:6:5: listeners[0].routes[0]: \(message)"])
    }

    @Test(
        "a bad value in a route is told exactly",
        arguments: [
            (
                "{path: a, service: web}",
                "12: path: found \"a\", expected a path that starts with /, without query, such as "
                    + "/api"
            ),
            (
                "{path: /a/../b, service: web}",
                "12: path: found \"/a/../b\", expected a path without dot segments and "
                    + "backslashes, since requests with those are refused"
            ),
            (
                "{host: 'a.example:80', service: web}",
                "12: host: found \"a.example:80\", expected a host without a port, such as "
                    + "a.example.com or *.example.com"
            ),
            (
                "{redirect: {to: '/{paht}'}}",
                "21: redirect.to: found \"/{paht}\", expected no braces but {scheme}, {host}, "
                    + "{port}, {path} and {query}"
            ),
            (
                "{redirect: {to: 'https:/{path}'}}",
                "21: redirect.to: found \"https:/{path}\", expected a host behind the scheme, such "
                    + "as https://{host}{path}: a request's path in its place would let it choose "
                    + "where the client is sent"
            ),
            (
                "{redirect: {status: 300, to: /x}}",
                "25: redirect.status: found \"300\", expected 301, 302, 303, 307, 308"
            ),
            ("{respond: {status: 100}}", "24: respond.status: found \"100\", expected 200 to 599"),
            (
                "{service: web, request-headers: {set: {Content-Length: '1'}}}",
                "37: request-headers: found \"Content-Length\", expected another field: it says "
                    + "where a message ends, or belongs to one connection"
            ),
            (
                "{service: web, request-headers: {add: {Host: x}}}",
                "37: request-headers: found \"Host\", expected another field: a request has one "
                    + "Host, which can only be set"
            ),
            (
                "{service: web, request-headers: {set: {Via: x}}}",
                "37: request-headers: found \"Via\", expected another field: this one is the "
                    + "business of the listener's forwarding"
            ),
            (
                "{service: web, response-headers: {set: {X-Y: \"a\\r\\nb\"}}}",
                "50: response-headers.set.X-Y: found \"a\\u{d}\\u{a}b\", expected a value of "
                    + "visible ASCII, without spaces around it"
            ),
            (
                "{service: web, response-headers: {set: {'X Y': z}}}",
                "45: response-headers.set.\"X Y\": found \"X Y\", expected the name of a field, "
                    + "such as X-Tenant"
            ),
            (
                "{service: web, response-headers: [a]}",
                "38: response-headers: found a list, expected a mapping with keys of: remove, "
                    + "set, add"
            ),
            ("{service: web, pth: /x}", "20: pth: unknown key, expected path?"),
        ])
    func values(route: String, message: String) throws {
        let place = try #require(message.firstRange(of: ": "))
        let expected =
            "f.yaml:6:\(message[..<place.lowerBound]): listeners[0].routes[0]."
            + message[place.upperBound...]
        #expect(errors(file("  - \(route)")) == [expected])
    }

    @Test("a route that would never be used is reported", arguments: ["/a", "/a/"])
    func duplicates(prefix: String) {
        let routes = """
              - {path-prefix: /a, methods: [PUT, GET], service: web}
              - {path-prefix: \(prefix), methods: [GET, PUT], service: api}
              - {path-prefix: /a, service: api}
            """
        #expect(
            errors(file(routes)) == [
                "f.yaml:7:5: listeners[0].routes[1]: found a second route for the same requests, "
                    + "expected one: this one would never be used"
            ])
    }

    @Test("a listener of TCP routes TLS connections by what their clients ask for")
    func tcp() {
        let routes = """
              - {sni: A.example, service: web}
              - {sni: "*.example", alpn: [h2, http/1.1], service: web}
              - {alpn: acme-tls/1, service: web}
              - {sni: a.example, service: web}
            """
        #expect(
            errors(file(routes, mode: "tcp")) == [
                "f.yaml:9:5: listeners[0].routes[3]: found a second route for the same requests, "
                    + "expected one: this one would never be used"
            ])
    }
}
