// Goal: where it is wanted, requests wait while a service has no backend, in order and in bounds,
// and none that may be repeated is lost between one backend and the next. Method: rotations that
// the test publishes; counters show what waits.

import Backends
import Endpoints
import Events
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct WhenEmptyTests {
    private func withWaiting(
        _ ports: [UInt16], wait: Duration = .seconds(60), queue: Int = 1000,
        _ body: (RunningProxy) throws -> Void
    ) throws {
        try withProxy(ports) { options in
            options.services[0].policy.limits.emptyWait = wait
            options.services[0].policy.limits.emptyQueueMax = queue
        } _: {
            try body($0)
        }
    }

    private func send(_ text: String, _ proxy: RunningProxy, waiting count: Int) throws -> Wire {
        let client = try proxy.connect()
        try client.send("\(text) HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n")
        try waitUntil("it waits") { proxy.service[.queueLength] == count }
        return client
    }

    @Test func `requests of any method wait for a backend, and are served in order`() throws {
        let backend = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                try wire.send(response(request.target))
            }
        }
        try withWaiting([]) { proxy in
            let clients = try (0..<4).map { index in
                try send("\(index == 0 ? "POST" : "GET") /\(index)", proxy, waiting: index + 1)
            }
            proxy.publish([backend.port])
            for (index, client) in clients.enumerated() {
                #expect(try client.receiveResponse().text == "/\(index)")
            }
            #expect(proxy.service[.queueLength] == 0)
            #expect(proxy.service[.queued] == 4)
            #expect(proxy.service[.failed] == 0)
        }
    }

    @Test func `without the option it is refused at once`() throws {
        try withProxy([]) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.status == 503)
            #expect(proxy.service[.queued] == 0)
        }
    }

    @Test func `one that has waited for as long as it may gets 503`() throws {
        try withWaiting([], wait: .milliseconds(200)) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.status == 503)
            #expect(answer.text.contains("No healthy backend"))
            #expect(proxy.service[.noBackend] == 1)
            #expect(proxy.service[.queueLength] == 0)
        }
    }

    @Test func `more than may wait are refused at once`() throws {
        let backend = try Backend.replying(response("late"))
        try withWaiting([], queue: 2) { proxy in
            let clients = [
                try send("GET /", proxy, waiting: 1), try send("GET /", proxy, waiting: 2),
            ]
            #expect(try proxy.connect().get().status == 503)
            proxy.publish([backend.port])
            for client in clients { #expect(try client.receiveResponse().text == "late") }
        }
    }

    @Test func `a request that its last backend lost is sent to the next one`() throws {
        let gate = Gate()
        let dying = try Backend { wire, backend in
            _ = try backend.next(wire)
            gate.wait()
        }
        let next = try Backend.replying(response("next"))
        try withWaiting([dying.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("it is there") { dying.requests.count == 1 }
            proxy.publish([])
            gate.open()
            try waitUntil("it waits") { proxy.service[.queueLength] == 1 }
            proxy.publish([next.port])
            #expect(try client.receiveResponse().text == "next")
            #expect(proxy.service[.failed] == 0)
        }
    }

    @Test func `a POST that may have run is not sent again`() throws {
        let gate = Gate()
        let dying = try Backend { wire, backend in
            _ = try backend.next(wire)
            gate.wait()
        }
        try withWaiting([dying.port]) { proxy in
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n")
            try waitUntil("it is there") { dying.requests.count == 1 }
            proxy.publish([])
            gate.open()
            #expect(try client.receiveResponse().status == 502)
            #expect(proxy.service[.queued] == 0)
        }
    }

    @Test func `one that could not be dialled is waited for only until others are there`() throws {
        let closed = try Socket.listen(on: Endpoint(.loopback, 0))
        let port = try #require(closed.localEndpoint?.port)
        closed.close()
        let next = try Backend.replying(response("next"))
        try withWaiting([port]) { proxy in
            let client = try send("POST /", proxy, waiting: 1)
            // What else ends does not have it dialled again and again.
            let dials = proxy.backend(port)[.requests]
            let other = try send("GET /", proxy, waiting: 2)
            #expect(proxy.backend(port)[.requests] == dials + 1)
            proxy.publish([next.port])
            #expect(try client.receiveResponse().text == "next")
            #expect(try other.receiveResponse().text == "next")
        }
    }

    @Test func `a client that leaves while it waits is forgotten`() throws {
        try withWaiting([]) { proxy in
            let client = try send("GET /", proxy, waiting: 1)
            client.close()
            try waitUntil("it has left") { proxy.service[.queueLength] == 0 }
        }
    }
}
