// Goal: workers have even parts of a limit, never nothing, and a check does what its type says.
// Method: tables.

import Testing
import Traffic

@Suite struct PolicyTests {
    @Test(
        "each of so many workers has its part of a limit, rounded up",
        arguments: [(1, 8, 8), (3, 8, 3), (8, 8, 1), (9, 8, 1), (64, 1, 1)])
    func share(workers: Int, limit: Int, part: Int) {
        var clients = ClientPolicy()
        clients.connectionsMax = limit
        #expect(clients.share(ofWorkers: workers).connectionsMax == part)
        var backends = BackendPolicy()
        backends.limits.backendRequestsMax = limit
        backends.limits.requestsMax = limit
        backends.limits.queueMax = limit
        backends.limits.emptyQueueMax = limit
        backends.limits.releasedFirst = limit
        let limits = backends.share(ofWorkers: workers).limits
        #expect(limits.backendRequestsMax == part && limits.requestsMax == part)
        #expect(limits.emptyQueueMax == part && limits.releasedFirst == part)
        #expect(limits.queueMax == part)
    }

    @Test("what has no limit has none in parts, and where nobody may wait nobody does")
    func without() {
        var backends = BackendPolicy()
        backends.limits.queueMax = 0
        let limits = backends.share(ofWorkers: 4).limits
        #expect(limits.backendRequestsMax == nil && limits.requestsMax == nil)
        #expect(limits.queueMax == 0)
    }

    @Test("a check does what its type says, whatever the other types were told")
    func kind() {
        var check = CheckOptions()
        #expect(check.kind == .tcp)
        check.http.path = "/up"
        check.expect = "+PONG"
        #expect(check.kind == .sendExpect(.init(expect: Array("+PONG".utf8))))
        check.send = "PING"
        #expect(
            check.kind
                == .sendExpect(.init(send: Array("PING".utf8), expect: Array("+PONG".utf8))))
        check.type = .http
        #expect(check.kind == .http(.init(path: "/up")))
        check.grpcService = "shop.Cart"
        check.type = .grpc
        check.http.host = "shop.test"
        #expect(check.kind == .grpc(.init(service: "shop.Cart", host: "shop.test")))
        check.type = .off
        #expect(check.kind == .off)
    }
}
