// Goal: what is legal but unwise is told, with what to do, and what is usual is not. Method: a
// table of what stands in the file, and the whole warning.

import Configuration
import Testing

@Suite struct AdviceTests {
    /// Where the text stands: a line of the top level, or behind a service or a listener.
    enum Place { case top, service, listener }

    private func warnings(
        _ text: String, _ place: Place, environment: [String: String] = [:]
    ) throws -> [String] {
        let parts = [Place.top, .service, .listener].map { $0 == place ? text : "" }
        return try load(
            """
            \(parts[0])
            services: {web: {srv: _web._tcp.example\(parts[1])}}
            listeners: [{listen: ":8080", service: web\(parts[2])}]
            """, environment: environment
        ).warnings.map(\.description)
    }

    @Test(
        "what is unwise is told with what to do",
        arguments: [
            (
                "stop-timeout: 0s", Place.top,
                "f.yaml:1:15: stop-timeout: found 0s: requests under way are cut off at a stop, "
                    + "and when their listener is removed; give them some seconds"
            ),
            (
                "workers: 16", .top,
                "f.yaml:1:10: workers: found 16 on 4 processors: more only compete; use auto"
            ),
            (
                "share-addresses: on", .top,
                "f.yaml:1:18: share-addresses: found on: a second Fairlead started by mistake gets "
                    + "a part of the traffic without a word; switch it on for the change of one "
                    + "for another"
            ),
            (
                "dns: {mix-case: off}", .top,
                "f.yaml:1:17: dns.mix-case: found off: an answer is easier to forge; leave it on, "
                    + "an answer in another case is asked for again over TCP"
            ),
            (
                "consul: {token: abcdefgh}", .top,
                "f.yaml:1:17: consul.token: found a secret in the file, which whoever may read it "
                    + "has: use consul.token-file or FAIRLEAD_CONSUL_TOKEN"
            ),
            (
                "consul: {token-file: /t, agents: [10.0.0.1]}", .top,
                "f.yaml:1:34: consul.agents: the token goes to 10.0.0.1:8500 in the clear: ask by "
                    + "https://, or an agent on this machine, over 127.0.0.1 or unix:"
            ),
            (
                ", retry: {attempts: 1}", .service,
                "f.yaml:2:60: services.web.retry.attempts: found 1: a request that meets a dead "
                    + "backend fails, though another could answer it; 2 or more repeat only what "
                    + "may be repeated"
            ),
            (
                ", retry: {budget: 100%}", .service,
                "f.yaml:2:58: services.web.retry.budget: found 100%: retries add as much load as "
                    + "that when backends are failing for too much of it; use 20%"
            ),
            (
                ", timeouts: {connect: 10s}", .service,
                "f.yaml:2:62: services.web.timeouts.connect: found 10s: for so long a request "
                    + "waits for a backend whose machine is gone before it goes elsewhere; use 1s "
                    + "to 5s"
            ),
            (
                ", timeouts: {backend-idle: 2m}", .service,
                "f.yaml:2:67: services.web.timeouts.backend-idle: found 2m: most servers close "
                    + "unused connections sooner, and a POST on one that was just closed gets 502; "
                    + "stay below what the backends have"
            ),
            (
                ", sticky: {cookie: b}", .service,
                "f.yaml:2:59: services.web.sticky.cookie: found no sticky.secret beside it: anyone "
                    + "can work out which backend a cookie stands for, and choose one; set "
                    + "sticky.secret"
            ),
            (
                ", limits: {requests: 2}", .service,
                "f.yaml:2:61: services.web.limits.requests: found 2 with 4 workers, which have 1 "
                    + "each at least: in effect it is 4; use fewer workers or a larger limit"
            ),
            (
                ", hold: {timeout: 0s}", .service,
                "f.yaml:2:58: services.web.hold.timeout: found 0s: one bad answer takes every "
                    + "backend away; give the registry some minutes"
            ),
            (
                ", refresh: {ceiling: 1h}", .service,
                "f.yaml:2:61: services.web.refresh.ceiling: found 1h: a change may be noticed as "
                    + "late as that; use 60s, a question costs little"
            ),
            (
                ", check: {type: off}", .service,
                "f.yaml:2:56: services.web.check.type: found off: only requests that fail show "
                    + "that a backend does; a TCP check costs next to nothing"
            ),
            (
                ", eject: {failures: off, silence: off, error-rate: off}", .service,
                "f.yaml:2:60: services.web.eject.failures: found off, as error-rate is: a backend "
                    + "whose answers fail keeps its share as long as its checks pass; leave "
                    + "failures and silence at their defaults"
            ),
            (
                ", check: {interval: 30s}", .service,
                "f.yaml:2:60: services.web.check.interval: found 30s and fall 3: a backend that "
                    + "hangs without traffic is noticed after 90s; use a shorter interval"
            ),
            (
                ", eject: {share-max: 100%}", .service,
                "f.yaml:2:61: services.web.eject.share-max: found 100%: traffic that fails "
                    + "everywhere, as at a broken database, ejects all but one; use 50%"
            ),
            (
                ", timeouts: {client-head: 5m}", .listener,
                "f.yaml:3:69: listeners[0].timeouts.client-head: found 5m: clients that send a "
                    + "head byte by byte hold connections for so long; use 10s"
            ),
            (
                ", forwarding: {x-forwarded: off}", .listener,
                "f.yaml:3:71: listeners[0].forwarding.x-forwarded: found off: backends see what "
                    + "clients write about themselves in X-Forwarded-For as if it were true; use "
                    + "append or replace"
            ),
            (
                ", forwarding: {trusted-proxies: 0.0.0.0/0}", .listener,
                "f.yaml:3:75: listeners[0].forwarding.trusted-proxies: found 0.0.0.0/0, which is "
                    + "everybody: any client can claim any address; name the networks of the "
                    + "proxies in front"
            ),
            (
                ", routes: [{path-prefix: /, service: web}]", .listener,
                "f.yaml:3:54: listeners[0].routes[0]: this route is for every request, so that the "
                    + "listener's service gets none: leave one of them out"
            ),
        ])
    func unwise(text: String, place: Place, warning: String) throws {
        #expect(try warnings(text, place) == [warning])
    }

    @Test(
        "it is reported once where defaults or the environment set it, never if nothing does"
    )
    func places() throws {
        let twice = "defaults: {check: {type: off}}"
        #expect(try warnings(twice, .top).count == 1)
        #expect(
            try warnings("", .top, environment: ["FAIRLEAD_STOP_TIMEOUT": "0s"]).first?
                .hasPrefix("FAIRLEAD_STOP_TIMEOUT: found 0s") == true)
        #expect(
            try warnings("", .top, environment: ["FAIRLEAD_CONSUL_TOKEN": "abcdefgh"]).isEmpty)
        #expect(try warnings("", .top).isEmpty)
    }
}
