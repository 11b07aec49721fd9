// Goal: what an operator may say of spreading, limiting, ejecting and trying again is read as
// meant, and what contradicts itself is refused with its place. Method: texts, each with its
// malformed twins.

import Backends
import Balancing
import Configuration
import Routing
import Testing
import Traffic

@Suite struct TrafficConfigurationTests {
    /// The service `web` with these keys, flow style.
    private func text(_ keys: String, mode: String = "http", routes: String = "") -> String {
        """
        services:
          web: {srv: a.example\(keys.isEmpty ? "" : ", " + keys)}
          api: {srv: b.example}
        listeners:
        - {listen: ":1", mode: \(mode), service: web\(routes.isEmpty ? "" : ", routes: [\(routes)]")}
        - {listen: ":2", service: api}
        """
    }

    private func service(_ keys: String) throws -> Service {
        try #require(try load(text(keys)).configuration.services.first { $0.name == "web" })
    }

    @Test("by default: in turns, evidence, retries of what may be repeated, ejection, no limits")
    func defaults() throws {
        let web = try service("")
        #expect(web.policy.balancing.policy == .roundRobin)
        #expect(web.rosterOptions.whenNoneUp == .evidence)
        #expect(web.rosterOptions.slowStart == nil)
        #expect(web.rosterOptions.zone.preferred == nil)
        #expect(web.policy.balancing.sticky.cookie == nil)
        #expect(web.policy.limits.backendRequestsMax == nil && web.policy.limits.requestsMax == nil)
        #expect(
            web.policy.retry.rule.failures
                == RetryRule.Failures([.connect, .reset, .silence], [500, 502, 503, 504]))
        #expect(web.policy.ejection.failures == 3)
        #expect(web.policy.ejection.silence == .milliseconds(750))
        #expect(web.policy.retry.tryTimeout == nil)
    }

    @Test("every key is read")
    func whole() throws {
        let web = try service(
            """
            balance: consistent-hash, hash: cookie sid, when-none-up: never, slow-start: 30s, drain-limit: 5m,
            zone: {prefer: eu-1a, key: rack},
            limits: {backend-requests: 50, requests: 400, queue: 0, queue-wait: 200ms},
            eject: {failures: 5, silence: off, time: 1s, time-max: 2s, share-max: 10%},
            retry: {attempts: 2, hedge: 50ms, on: [connect, timeout, 429], back-off: 1ms, back-off-max: 5ms,
                    attempts-header: on},
            timeouts: {try: 2s}
            """)
        #expect(web.policy.balancing.policy == .consistentHash)
        #expect(web.policy.balancing.hashBy == .cookie("sid"))
        #expect(web.rosterOptions.whenNoneUp == .never)
        #expect(web.rosterOptions.slowStart == .seconds(30))
        #expect(web.rosterOptions.drainLimit == .seconds(300))
        #expect(web.rosterOptions.zone.preferred == "eu-1a" && web.rosterOptions.zone.key == "rack")
        #expect(web.policy.limits.backendRequestsMax == 50 && web.policy.limits.requestsMax == 400)
        #expect(
            web.policy.limits.queueMax == 0 && web.policy.limits.queueWait == .milliseconds(200))
        #expect(web.policy.ejection.failures == 5 && web.policy.ejection.silence == nil)
        #expect(
            web.rosterOptions.ejectTime == .seconds(1)
                && web.rosterOptions.ejectTimeMax == .seconds(2))
        #expect(web.rosterOptions.ejectShareMax == 10)
        #expect(web.policy.retry.rule.failures == RetryRule.Failures([.connect, .timeout], [429]))
        #expect(web.policy.retry.rule.hedging == .after(.milliseconds(50)))
        #expect(web.policy.retry.isReported)
        #expect(web.policy.retry.tryTimeout == .seconds(2))
    }

    @Test(
        "each policy is read by its name",
        arguments: [
            "round-robin", "random-of-two", "least-connections", "least-time", "consistent-hash",
        ])
    func policies(name: String) throws {
        #expect(try service("balance: \(name)").policy.balancing.policy.rawValue == name)
    }

    @Test("hashes are read by what they are made of")
    func hashes() throws {
        func hash(_ text: String) throws -> BalancerOptions.HashBy {
            try service("balance: consistent-hash, hash: \(text)").policy.balancing.hashBy
        }
        #expect(try hash("client") == .client)
        #expect(try hash("path") == .path)
        #expect(try hash("header X-User") == .header("X-User"))
        #expect(try hash("cookie sid") == .cookie("sid"))
    }

    private static let contradictions: [(String, String)] = [
        ("balance: first-fit", "expected limits.backend-requests beside it"),
        ("balance: fairest", "expected round-robin, random-of-two, least-connections"),
        ("hash: path", "found hash beside balance round-robin, expected balance consistent-hash"),
        (
            "balance: consistent-hash, hash: header",
            "expected client, path, header NAME or cookie NAME"
        ),
        ("balance: consistent-hash, hash: header a b", "expected client, path, header NAME"),
        (
            "balance: consistent-hash, sticky: {cookie: a}",
            "found sticky.cookie beside balance consistent-hash, expected one of them"
        ),
        ("sticky: {secret: 12345678}", "found sticky.secret without sticky.cookie, expected both"),
        ("sticky: {cookie: \"a b\"}", "expected the name of a cookie"),
        ("sticky: {cookie: a, secret: short}", "expected 8 to 256 characters"),
        (
            "limits: {backend-requests: 10, requests: 5}",
            "found a limit of 10 requests on a backend and of 5 on the service"
        ),
        ("limits: {requests: 0}", "expected 1 to 10000000"),
        ("limits: {queue-wait: 1h}", "expected 100ms to 1m"),
        ("zone: {key: rack}", "found zone.key without zone.prefer, expected both"),
        ("slow-start: 10ms", "expected 1s to 1h"),
        ("when-none-up: maybe", "expected evidence, always or never"),
        ("retry: {on: [sometimes]}", "expected connect, reset, silence, timeout, grpc-unavailable"),
        ("retry: {on: [200]}", "expected connect, reset, silence, timeout, grpc-unavailable"),
        (
            "retry: {back-off: 1s, back-off-max: 100ms}",
            "found a back-off of 1s and at most 100ms, expected back-off <= back-off-max"
        ),
        (
            "timeouts: {try: 60s}",
            "found 1m for a try and 1m for a response's head, expected try < response-head"
        ),
        (
            "retry: {attempts: 1, hedge: 10ms}",
            "found retry.hedge and retry.attempts 1, expected 2 attempts or more"
        ),
        (
            "timeouts: {response-head: 1s}, retry: {hedge: 1s}",
            "found retry.hedge after 1s and 1s for a response's head, expected hedge < "
                + "response-head"
        ),
        (
            "timeouts: {try: 1s}, retry: {attempts: 1}",
            "found a time for a try and retry.attempts 1, expected 2 attempts or more"
        ),
        (
            "eject: {time: 2m}",
            "found an ejection of 2m and at most 1m, expected time <= time-max"
        ),
        ("eject: {failures: 0}", "expected 1 to 1000 or off"),
        ("eject: {silence: 1ms}", "expected 100ms to 1m or off"),
        ("eject: {share-max: 101%}", "expected 0% to 100%"),
    ]

    @Test(
        "what contradicts itself is refused, with file, line and reason", arguments: contradictions)
    func contradiction(keys: String, message: String) {
        let found = errors(text(keys))
        #expect(found.count == 1)
        #expect(found.first?.contains(message) == true, "\(found)")
        #expect(found.first?.contains("f.yaml:2:") == true, "the line of the service: \(found)")
    }

    @Test("what only HTTP has is refused where a listener speaks TCP")
    func tcp() {
        #expect(
            errors(text("balance: consistent-hash, hash: path", mode: "tcp")).first?.contains(
                "found a hash of what only HTTP has") == true)
        #expect(
            errors(text("sticky: {cookie: a}", mode: "tcp")).first?.contains(
                "found a sticky cookie on a service of a listener of mode tcp") == true)
        #expect(errors(text("balance: consistent-hash", mode: "tcp")).isEmpty)
    }

    @Test("a warning says that a silence is longer than a response may take")
    func silence() throws {
        let loaded = try load(text("eject: {silence: 10s}, timeouts: {response-head: 5s}"))
        #expect(loaded.warnings.count == 1)
        #expect("\(loaded.warnings)".contains("it has no effect"))
    }

    // MARK: Routes

    @Test("a route may split its requests, and say when they are tried again")
    func routes() throws {
        let loaded = try load(
            text(
                "",
                routes: """
                    {path-prefix: /a, strip-prefix: on, split: {web: 95%, api: 5%},
                     retry: {attempts: 1, hedge: off, on: [connect]}}
                    """))
        let route = try #require(loaded.configuration.listeners[0].routes.first)
        #expect(route.split.map(\.service) == ["web", "api"])
        #expect(route.split.map(\.percent) == [95, 5])
        #expect(route.retry.attempts == 1)
        #expect(route.retry.hedging == .never)
        #expect(route.retry.failures == RetryRule.Failures([.connect], []))
        #expect(loaded.configuration.listeners[0].serviceNames == ["web", "api"])
    }

    @Test(
        "a split that can't be is refused",
        arguments: [
            ("split: {web: 95%}", "expected two services or more with their shares"),
            ("split: web", "expected two services or more with their shares"),
            ("split: {web: 95%, api: 6%}", "found shares of 101% together, expected 100%"),
            ("split: {web: 95, api: 5%}", "expected a percentage, such as 5%"),
            ("split: {web: 95%, apo: 5%}", "found the service \"apo\", expected api?"),
            ("split: {web: 95%, api: 5%}, service: web", "found service and split, expected one"),
        ])
    func badSplit(route: String, message: String) {
        let found = errors(text("", routes: "{\(route)}"))
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }
}
