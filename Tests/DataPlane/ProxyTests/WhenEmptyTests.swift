// Goal: where it is wanted, requests wait while a service has no backend, in order and in bounds,
// and none that may be repeated is lost between one backend and the next. Method: rotations that
// the test publishes; counters show what waits.

import Backends
import Endpoints
import Events
import Glibc
import Locking
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
            let other = try send("GET /", proxy, waiting: 2)
            // A loop would dial it thousands of times until now.
            #expect(proxy.backend(port)[.requests] < 50)
            proxy.publish([next.port])
            #expect(try client.receiveResponse().text == "next")
            #expect(try other.receiveResponse().text == "next")
        }
    }

    @Test func `the last backend, which stays in, gets another chance`() throws {
        let refusing = try RefusingPort()
        let port = refusing.port
        try withWaiting([port]) { proxy in
            let client = try send("POST /", proxy, waiting: 1)
            refusing.listen()
            let wire = try refusing.accept()
            #expect(try wire.receiveRequest()?.method == "POST")
            try wire.send(response("up again"))
            #expect(try client.receiveResponse().text == "up again")
        }
    }

    @Test func `a new backend gets few at first, and more as it answers`() throws {
        let permits = Locked(0)
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                try waitUntil("it may answer") {
                    permits.withLock { left in
                        guard left > 0 else { return false }
                        left -= 1
                        return true
                    }
                }
                try wire.send(response("late"))
            }
        }
        try withWaiting([]) { proxy in
            let clients = try (1...40).map { try send("GET /", proxy, waiting: $0) }
            proxy.publish([backend.port])
            try waitUntil("the first are there") {
                backend.requests.count == 8 && proxy.service[.queueLength] == 32
            }
            // A new one need not wait behind them.
            let fresh = try proxy.connect()
            try fresh.send("GET /fresh HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("it is there") { backend.requests.contains { $0.target == "/fresh" } }
            permits.withLock { $0 = 1 }
            try waitUntil("two more are there") { backend.requests.count >= 11 }
            #expect(proxy.service[.queueLength] > 0)
            permits.withLock { $0 = 100 }
            for client in clients + [fresh] {
                #expect(try client.receiveResponse().text == "late")
            }
            #expect(proxy.service[.failed] == 0)
        }
    }

    @Test func `a limit of the service is for those in flight, not for those that wait`() throws {
        let backend = try Backend.replying(response("late"))
        try withProxy([]) { options in
            options.services[0].policy.limits.emptyWait = .seconds(60)
            options.services[0].policy.limits.requestsMax = 2
        } _: { proxy in
            let clients = try (1...6).map { try send("GET /", proxy, waiting: $0) }
            proxy.publish([backend.port])
            for client in clients { #expect(try client.receiveResponse().text == "late") }
            #expect(proxy.service[.failed] == 0)
        }
    }

    @Test func `a body waits with its request, and what is held of it is bounded`() throws {
        let backend = try Backend.echoing()
        try withWaiting([]) { proxy in
            let small = try proxy.connect()
            try small.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello")
            try waitUntil("it waits") { proxy.service[.queueLength] == 1 }
            let total = 8 << 20
            let large = try proxy.connect()
            try large.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(total)\r\n\r\n")
            let sender = large.sender()
            let isSent = Gate()
            try startThread {
                try? sender.sendPattern(to: total)
                isSent.open()
            }
            try waitUntil("it waits") { proxy.service[.queueLength] == 2 }
            try waitUntil("some of it came") { proxy.service[.bytesFromClients] > 64 }
            usleep(100_000)
            #expect(proxy.service[.bytesFromClients] < 256 << 10)
            #expect(!isSent.isOpen)
            proxy.publish([backend.port])
            #expect(try small.receiveResponse().text == "hello")
            #expect(try large.receiveResponse().body.count == total)
            #expect(proxy.service[.failed] == 0)
        }
    }

    @Test func `pipelined requests wait one after the other, and are answered in order`() throws {
        let backend = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                try wire.send(response(request.target))
            }
        }
        try withWaiting([]) { proxy in
            let client = try proxy.connect()
            try client.send(
                (1...3).map { "GET /\($0) HTTP/1.1\r\nHost: a.test\r\n\r\n" }.joined())
            try waitUntil("it waits") { proxy.service[.queueLength] == 1 }
            proxy.publish([backend.port])
            for index in 1...3 { #expect(try client.receiveResponse().text == "/\(index)") }
        }
    }

    @Test func `one that waits while the proxy drains is served if a backend comes`() throws {
        let backend = try Backend.replying(response("late"))
        try withWaiting([]) { proxy in
            let client = try send("GET /", proxy, waiting: 1)
            proxy.workers.drain(limit: .seconds(60))
            proxy.publish([backend.port])
            #expect(try client.receiveResponse().text == "late")
            try proxy.awaitFinish()
        }
    }

    @Test func `one that waits as the service is removed is answered at once`() throws {
        try withWaiting([]) { proxy in
            let client = try send("GET /", proxy, waiting: 1)
            var change = ProxyChange()
            change.listeners = [.plain(0, on: Endpoint(.loopback, 0), .http, to: nil)]
            change.removed = [ServiceID(index: 0)]
            proxy.workers.publish(change)
            #expect(try client.receiveResponse().status == 503)
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
