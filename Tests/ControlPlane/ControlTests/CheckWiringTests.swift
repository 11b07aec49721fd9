// Goal: configured checks reach the checker, and take account of traffic and of each other. Method:
// options of a text against those that Health gets; a running program with backends that count.

import Backends
import Configuration
import Endpoints
import HTTP1
import Health
import TestBackend
import TestSupport
import Testing
import Traffic

@testable import Control

@Suite struct CheckWiringTests {
    private func service(_ more: String) throws -> Service {
        let text = """
            services: {a: {backends: ["127.0.0.1:1"], \(more)}}
            listeners: [{listen: "127.0.0.1:0", service: a}]
            """
        return try #require(configuration(text).services.first)
    }

    private func options(_ check: String) throws -> CheckOptions {
        try service("check: {\(check)}").check
    }

    @Test("every option of a check reaches the checker")
    func assembled() throws {
        var expected = CheckOptions()
        #expect(try options("") == expected)
        var http = CheckOptions.HTTP(path: "/up", host: "web", statuses: [200...299, 401...401])
        http.method = .post
        http.fields = [.init(name: "A", value: "b")]
        http.body = "ok"
        expected.type = .http
        expected.http = http
        expected.interval = .seconds(5)
        expected.fastInterval = .milliseconds(200)
        expected.downInterval = .seconds(60)
        expected.timeout = .seconds(3)
        expected.jitterPercent = 10
        expected.port = 81
        expected.trustsTraffic = false
        let all = try options(
            """
            method: POST, path: /up, host: web, headers: {A: b}, status: [200-299, 401], body: ok,
            interval: 5s, fast-interval: 200ms, down-interval: 1m, timeout: 3s, jitter: 10%,
            port: 81, trust-traffic: off
            """)
        #expect(all == expected)
        let words = CheckOptions.SendExpect(
            send: Array("PING\r\n".utf8), expect: Array("+PONG".utf8))
        #expect(
            try options(#"send: "PING\r\n", expect: +PONG"#).kind == .sendExpect(words))
        #expect(try options("type: off").kind == .off)
    }

    @Test("requests make checks unnecessary, two services share one, and the budget may change")
    func running() throws {
        let backend = try TestBackend(TestBackendOptions(on: Endpoint(.loopback, 0), name: "x"))
        defer { backend.stop() }
        let check = "backends: [\"\(backend.endpoint)\"], check: {interval: 100ms, timeout: 100ms}"
        func text(rate: Int) -> String {
            """
            log-level: error
            checks: {rate: \(rate)}
            services: {a: {\(check)}, b: {\(check)}, c: {\(check)}}
            listeners:
              - listen: "127.0.0.1:0"
                routes:
                  - {path-prefix: /a, service: a, strip-prefix: on}
                  - {path-prefix: /b, service: b, strip-prefix: on}

            """
        }
        try withPlane(text(rate: 50)) { plane in
            let wire = try plane.connect()
            try plane.wait(until: "all are up") { plane in
                plane.services.all.allSatisfy { !$0.roster.rotation.isEmpty }
            }
            // One check is for all three, and of the third no traffic speaks.
            for _ in 0..<20 {
                #expect(try wire.ask("/a").status == 200)
                #expect(try wire.ask("/b").status == 200)
            }
            #expect(try plane.perform { $0.running.checker.counters.skipped } == 0)

            try plane.apply(
                text(rate: 60).split(separator: ", c: {\(check)}").joined())
            #expect(try plane.perform { $0.running.checker.rate } == 60)
            try waitUntil("checks are skipped") {
                for path in ["/a", "/b"] { _ = try? wire.ask(path) }
                return (try? plane.perform { $0.running.checker.counters.skipped >= 3 }) ?? false
            }
        }
    }
}
