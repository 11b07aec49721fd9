// Goal: what an operator may say of checks and ejections is read as meant, and what contradicts
// itself is refused with its place. Method: texts, each with its malformed twin.

import Configuration
import Evidence
import HTTP1
import Testing
import Traffic

@Suite struct CheckConfigurationTests {
    /// The service `web` with this check.
    private func text(_ check: String, defaults: String = "{}") -> String {
        """
        defaults: {check: \(defaults)}
        services:
          web:
            srv: a.example
            check: \(check)
        listeners: [{listen: ":1", service: web}]
        """
    }

    private func check(_ check: String, defaults: String = "{}") throws -> CheckOptions {
        let loaded = try load(text(check, defaults: defaults))
        return try #require(loaded.configuration.services.first).check
    }

    // MARK: HTTP

    @Test("an HTTP check has every part that its options give it")
    func http() throws {
        let check = try check(
            """
            {method: POST, path: /up, host: web, headers: {X-Tenant: a, Accept: "text/plain, */*"},
                status: [200-299, 401], body: "\\"ok\\""}
            """)
        #expect(check.type == .http)
        #expect(check.http.method == .post)
        #expect(
            check.http.fields.map { "\($0.name): \($0.value)" } == [
                "X-Tenant: a", "Accept: text/plain, */*",
            ])
        #expect(check.http.statuses == [200...299, 401...401])
        #expect(check.http.body == "\"ok\"")
    }

    @Test("headers may be a list of lines, of mappings, or one line")
    func headers() throws {
        func lines(_ check: CheckOptions?) -> [String] {
            check?.http.fields.map { "\($0.name)|\($0.value)" } ?? []
        }
        #expect(lines(try check("{headers: [\"A: 1\", \"A:2:3 \"]}")) == ["A|1", "A|2:3"])
        #expect(lines(try check("{headers: [A: 1, A: \"2:3\"]}")) == ["A|1", "A|2:3"])
        #expect(lines(try check("{headers: \"A: 1\"}")) == ["A|1"])
        #expect(lines(try check("{headers: {A: }}")) == ["A|"])
        let variable = try load(web, environment: ["FAIRLEAD_CHECK_HEADERS": "A: 1, A: 2:3"])
        #expect(lines(variable.configuration.services.first?.check) == ["A|1", "A|2:3"])
        #expect(variable.configuration.services.first?.check.type == .http)
    }

    @Test(
        "each option that only HTTP has makes a check HTTP",
        arguments: [
            "method: HEAD", "path: /", "host: a", "headers: {A: b}", "status: 200", "body: ok",
        ])
    func httpByOption(option: String) throws {
        #expect(try check("{\(option)}").type == .http)
        #expect(try check("{\(option), type: http}").type == .http)
        let key = option.prefix { $0 != ":" }
        #expect(
            errors(text("{\(option), type: tcp}")).first?.contains(
                "check.\(key): found a check of type tcp, expected type http"
                    + "\(["host", "headers"].contains(key) ? " or grpc" : "") beside \(key)")
                == true)
    }

    // MARK: gRPC

    @Test("a service of gRPC, or the type alone for the whole server, makes a check of gRPC")
    func grpc() throws {
        let check = try check("{grpc: shop.v1.Cart, host: shop.test, headers: {X-Tenant: a}}")
        #expect(
            check.kind
                == .grpc(
                    .init(
                        service: "shop.v1.Cart", host: "shop.test",
                        fields: [.init(name: "X-Tenant", value: "a")])))
        #expect(try self.check("{type: grpc}").kind == .grpc(.init()))
        #expect(try self.check("{grpc: \"\"}").kind == .grpc(.init()))
        // What the defaults have for HTTP says nothing against it.
        #expect(try self.check("{grpc: a}", defaults: "{path: /x}").type == .grpc)
        let variable = try load(web, environment: ["FAIRLEAD_CHECK_GRPC": "shop.v1.Cart"])
        #expect(
            variable.configuration.services.first?.check.kind
                == .grpc(.init(service: "shop.v1.Cart")))
        #expect(
            errors(text("{grpc: a, path: /}")).first?.contains(
                "check.path: found grpc, expected type http beside path") == true)
    }

    // MARK: TCP

    @Test("bytes to send and to expect are written with YAML's escapes, and make a check TCP")
    func sendExpect() throws {
        let check = try check(#"{send: "PING\r\n\0", expect: "+PONG\x01"}"#, defaults: "{path: /x}")
        #expect(check.type == .tcp)
        #expect(check.send == "PING\r\n\0")
        #expect(check.expect == "+PONG\u{1}")
        #expect(try self.check("{expect: '220 '}").expect == "220 ")
        #expect(try self.check("{}").trustsTraffic)
        #expect(!(try self.check("{trust-traffic: off}").trustsTraffic))
    }

    // MARK: Times

    @Test("intervals by state, with the defaults that give way to a shorter interval")
    func intervals() throws {
        let check = try check("{interval: 5s, fast-interval: 200ms, down-interval: 1m}")
        #expect(check.interval == .seconds(5))
        #expect(check.fastInterval == .milliseconds(200))
        #expect(check.downInterval == .seconds(60))
        let plain = try self.check("{interval: 100ms, timeout: 50ms}")
        #expect(plain.fastInterval == .milliseconds(100))
        #expect(plain.downInterval == nil)
        #expect(
            try self.check("{down-interval: auto}", defaults: "{down-interval: 9s}").downInterval
                == nil)
    }

    @Test("a fast interval above the interval is refused, wherever it was given")
    func fastInterval() {
        let reason =
            "expected fast-interval <= interval: it is for backends that are to be looked at more "
            + "closely"
        #expect(
            errors(text("{fast-interval: 3s}")) == [
                "f.yaml:5:28: services.web.check.fast-interval: found a fast-interval of 3s and an "
                    + "interval of 2s, \(reason)"
            ])
        #expect(
            errors(text("{interval: 200ms, timeout: 100ms}", defaults: "{fast-interval: 300ms}"))
                == [
                    "f.yaml:5:23: services.web.check.interval: found a fast-interval of 300ms and "
                        + "an interval of 200ms, \(reason)"
                ])
        #expect(errors(text("{fast-interval: 2s}")).isEmpty)
        #expect(errors(text("{type: off, fast-interval: 3s}")).isEmpty)
    }

    // MARK: What is refused

    @Test(
        "a value that can't be is told with its place",
        arguments: [
            (
                "{method: TRACE}",
                "21: services.web.check.method: found \"TRACE\", expected GET, HEAD, OPTIONS, "
                    + "POST, PUT, PATCH or DELETE"
            ),
            ("{method: get}", nil),
            (
                "{status: []}",
                "21: services.web.check.status: found nothing, expected at least one value"
            ),
            (
                "{status: [200, 600]}",
                "27: services.web.check.status[1]: found \"600\", expected a status or a range of "
                    + "them, such as 200 or 200-399"
            ),
            ("{status: [200, [201]]}", nil),
            ("{body: \"\"}", "19: services.web.check.body: found 0 bytes, expected 1 to 1024"),
            ("{expect: \"\"}", "21: services.web.check.expect: found 0 bytes, expected 1 to 1024"),
            (
                "{headers: {\"A b\": c}}",
                "23: services.web.check.headers[0]: found something else, expected a field line, "
                    + "such as X-Tenant: a"
            ),
            (
                "{headers: [token]}",
                "23: services.web.check.headers[0]: found something else, expected a field line, "
                    + "such as X-Tenant: a"
            ),
            (
                "{headers: {A: \"b\\r\\nC: d\"}}",
                "23: services.web.check.headers[0]: found a value of A that can't be sent, "
                    + "expected visible ASCII"
            ),
            (
                "{headers: {A: 1, Host: x}}",
                "29: services.web.check.headers[1]: found the field Host, expected another: that "
                    + "is the option host"
            ),
            ("{headers: {content-length: 5}}", nil), ("{headers: {A: [b]}}", nil),
            (
                "{send: \"PING\"}",
                "19: services.web.check.send: found send without expect, expected both: nobody "
                    + "would look at the answer"
            ),
            (
                "{method: HEAD, body: ok}",
                "33: services.web.check.body: found the method HEAD and a body to expect, expected "
                    + "another method: an answer to HEAD has no body"
            ),
            (
                "{path: /, expect: a}",
                "30: services.web.check.expect: found path, expected type tcp beside expect"
            ),
            (
                "{type: http, expect: a}",
                "33: services.web.check.expect: found a check of type http, expected type tcp "
                    + "beside expect"
            ),
            (
                "{type: off, path: /}",
                "30: services.web.check.path: found a check of type off, expected type http beside "
                    + "path"
            ),
            ("{trust-traffic: yes}", nil), ("{down-interval: 1ms}", nil),
            ("{fast-interval: 2}", nil),
        ] as [(String, String?)])
    func malformed(check: String, expected: String?) {
        let errors = errors(text(check))
        #expect(errors.count == 1, "\(errors)")
        if let expected { #expect(errors == ["f.yaml:5:\(expected)"]) }
    }

    @Test("no message shows what may be a secret")
    func secrets() {
        let long = String(repeating: "hunter2", count: 200)
        for check in [
            "{send: \"\(long)\", expect: a}", "{headers: {Authorization: \"hunter2\\n\"}}",
            "{headers: [\"hunter2\"]}", "{headers: {\"a b\": hunter2}}",
        ] {
            let errors = errors(text(check))
            #expect(errors.count == 1)
            #expect(!errors.joined().contains("hunter2"))
        }
    }

    // MARK: The process, and ejections

    @Test("the budget of checks is the process's")
    func rate() throws {
        #expect(try load(web).configuration.checks.rate == 1000)
        #expect(try load("checks: {rate: 5}" + web).configuration.checks.rate == 5)
        #expect(
            try load(web, environment: ["FAIRLEAD_CHECKS_RATE": "100000"]).configuration.checks.rate
                == 100_000)
        #expect(
            errors("checks: {rate: 0}" + web) == [
                "f.yaml:1:16: checks.rate: found \"0\", expected 1 to 100000"
            ])
    }

    @Test("what live traffic may eject is the service's")
    func eject() throws {
        let configuration = try load(
            """
            defaults: {eject: {error-rate: 5%}}
            services:
              a: {srv: a.example}
              b: {srv: b.example, eject: {error-rate: off, slow-factor: 3, requests-min: 50}}
            listeners: [{listen: ":1", service: a}, {listen: ":2", service: b}]
            """
        ).configuration
        #expect(configuration.services.map(\.outliers.errorPercent) == [5, nil])
        #expect(configuration.services.map(\.outliers.slowFactor) == [nil, 3])
        #expect(configuration.services.map(\.outliers.requestsMin) == [20, 50])
        #expect(try load(web).configuration.services.first?.outliers.errorPercent == 30)
    }

    @Test(
        "an ejection that can't be is told with its place",
        arguments: [
            ("error-rate: 0%", "error-rate: found \"0%\", expected 1% to 100% or off"),
            (
                "error-rate: 30",
                "error-rate: found \"30\", expected a percentage, such as 20%, or off"
            ),
            ("slow-factor: 1", "slow-factor: found \"1\", expected 2 to 100 or off"),
            ("requests-min: 0", "requests-min: found \"0\", expected 1 to 100000"),
        ])
    func malformedEject(option: String, expected: String) {
        let errors = errors("defaults: {eject: {\(option)}}" + web)
        #expect(errors.count == 1)
        #expect(errors.first?.hasSuffix("defaults.eject.\(expected)") == true, "\(errors)")
    }
}
