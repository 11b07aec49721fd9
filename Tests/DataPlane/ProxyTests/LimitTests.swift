// Goal: no backend gets more than the limits, waiting requests are served in order, and a request
// that can't be served is answered at once. Method: backends that answer when the test says so;
// counters show what waits.

import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct LimitTests {
    private func gated(_ gate: Gate) throws -> Backend {
        try Backend { wire, backend in
            while let request = try backend.next(wire) {
                gate.wait()
                try wire.send(response(request.target))
            }
        }
    }

    private func send(_ count: Int, to proxy: RunningProxy) throws -> [Wire] {
        try (0..<count).map { index in
            let client = try proxy.connect()
            try client.send("GET /\(index) HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the request is known") { proxy.service[.requests] == index + 1 }
            return client
        }
    }

    @Test("requests beyond the limit of a backend wait, and are served in order")
    func queue() throws {
        let gate = Gate()
        let backend = try gated(gate)
        try withProxy([backend.port]) { options in
            options.services[0].policy.limits.backendRequestsMax = 1
            options.services[0].policy.limits.queueWait = .seconds(60)
        } _: { proxy in
            let clients = try send(6, to: proxy)
            #expect(proxy.service[.queueLength] == 5)
            #expect(proxy.backend(backend.port)[.inFlight] == 1)
            gate.open()
            for (index, client) in clients.enumerated() {
                #expect(try client.receiveResponse().text == "/\(index)")
            }
            #expect(backend.requests.map(\.target) == (0..<6).map { "/\($0)" })
            #expect(proxy.service[.queued] == 5)
            #expect(proxy.service[.queueLength] == 0)
            #expect(backend.connections == 1)
        }
    }

    @Test("when the queue is full, the next request gets 503 with Retry-After")
    func full() throws {
        let gate = Gate()
        let backend = try gated(gate)
        try withProxy([backend.port]) { options in
            options.services[0].policy.limits.backendRequestsMax = 1
            options.services[0].policy.limits.queueMax = 1
            options.services[0].policy.limits.queueWait = .seconds(60)
        } _: { proxy in
            let clients = try send(2, to: proxy)
            let late = try proxy.connect()
            let answer = try late.get()
            #expect(answer.status == 503)
            #expect(answer.value("retry-after") == "1")
            #expect(answer.text.contains("as many requests as it may have"))
            #expect(proxy.service[.overLimit] == 1)
            gate.open()
            for client in clients { #expect(try client.receiveResponse().status == 200) }
            #expect(try late.get().status == 200)
        }
    }

    @Test("a request that has waited up to the limit gets 503")
    func wait() throws {
        let gate = Gate()
        let backend = try gated(gate)
        try withProxy([backend.port]) { options in
            options.services[0].policy.limits.requestsMax = 1
            options.services[0].policy.limits.queueWait = .milliseconds(100)
        } _: { proxy in
            let clients = try send(2, to: proxy)
            #expect(try clients[1].receiveResponse().status == 503)
            #expect(proxy.service[.overLimit] == 1)
            gate.open()
            #expect(try clients[0].receiveResponse().status == 200)
            #expect(try clients[1].get("/again").status == 200)
        }
    }

    @Test("a client that leaves while it waits is skipped")
    func leaving() throws {
        let gate = Gate()
        let backend = try gated(gate)
        try withProxy([backend.port]) { options in
            options.services[0].policy.limits.backendRequestsMax = 1
            options.services[0].policy.limits.queueWait = .seconds(60)
        } _: { proxy in
            let clients = try send(3, to: proxy)
            clients[1].close()
            try waitUntil("it is noticed") { proxy.service[.queueLength] == 1 }
            gate.open()
            #expect(try clients[0].receiveResponse().text == "/0")
            #expect(try clients[2].receiveResponse().text == "/2")
            #expect(backend.requests.count == 2)
        }
    }

    @Test("a new backend serves requests that wait")
    func relief() throws {
        let gate = Gate()
        let backend = try gated(gate)
        let relief = try Backend.replying(response("relief"))
        try withProxy([backend.port]) { options in
            options.services[0].policy.limits.backendRequestsMax = 1
            options.services[0].policy.limits.queueWait = .seconds(60)
        } _: { proxy in
            let clients = try send(3, to: proxy)
            proxy.publish([backend.port, relief.port])
            for client in clients.dropFirst() {
                #expect(try client.receiveResponse().text == "relief")
            }
            gate.open()
            #expect(try clients[0].receiveResponse().text == "/0")
        }
    }

    @Test("a TCP connection beyond the limit is reset")
    func tcp() throws {
        let backend = try Backend { wire, _ in _ = try wire.receiveToEnd() }
        try withProxy([backend.port], mode: .tcp) { options in
            options.services[0].policy.limits.backendRequestsMax = 1
        } _: { proxy in
            let first = try proxy.connect()
            try waitUntil("it is there") { backend.connections == 1 }
            // It may be reset before its own connect has returned.
            let second = try? proxy.connect()
            if let second { #expect(try second.receiveToEnd().ending == .reset) }
            try waitUntil("it is counted") { proxy.service[.overLimit] == 1 }
            first.close()
        }
    }
}
