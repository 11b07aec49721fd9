// Goal: backends come and go, and the proxy stops, without a request noticing. Method: backends
// that hold a response back until a gate opens.

import Backends
import Endpoints
import Events
import HTTP1
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct RotationAndDrainTests {
    /// Sends `first` and, once the gate is open, the rest: `-second`.
    private func halfway(_ gate: Gate) throws -> Backend {
        try Backend { wire, backend in
            while try backend.next(wire) != nil {
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nfirst")
                gate.wait()
                try wire.send("-second")
            }
        }
    }

    private func start(_ client: Wire) throws {
        try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        _ = try client.receive(through: "\r\n\r\nfirst")
    }

    @Test("a backend that leaves the rotation finishes its requests, and gets no new ones")
    func removed() throws {
        let gate = Gate()
        let leaving = try halfway(gate)
        let staying = try Backend.replying(response("stays"))
        try withProxy([leaving.port]) { proxy in
            let client = try proxy.connect()
            try start(client)
            proxy.publish([staying.port])
            let other = try proxy.connect()
            for _ in 0..<5 { #expect(try other.get().text == "stays") }
            gate.open()
            #expect(try client.receive(exactly: 7) == Array("-second".utf8))
            // Its connection is not kept.
            try waitUntil("its connection ends") { leaving.ended == 1 }
            #expect(try client.get().text == "stays")
            #expect(leaving.requests.count == 1)
        }
    }

    @Test("free connections to a backend that leaves are closed, those to one that stays are kept")
    func idleClosed() throws {
        let leaving = try Backend.replying(response("leaves"))
        let staying = try Backend.replying(response("stays"))
        try withProxy([leaving.port, staying.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<4 { _ = try client.get() }
            proxy.publish([staying.port])
            try waitUntil("the connection ends") { leaving.ended == 1 }
            for _ in 0..<4 { #expect(try client.get().text == "stays") }
            #expect(staying.connections == 1)
            // One that comes back is dialled again.
            proxy.publish([leaving.port])
            #expect(try proxy.connect().get().text == "leaves")
            #expect(leaving.connections == 2)
        }
    }

    @Test(
        "one worker's requests are spread exactly by weight", arguments: [[1, 1, 1], [5, 1, 2]])
    func distribution(weights: [UInt32]) throws {
        let backends = try weights.map { _ in try Backend.replying(response()) }
        try withProxy([]) { proxy in
            proxy.publish(backends.map(\.port), weights: weights)
            let client = try proxy.connect()
            let rounds = 5
            for _ in 0..<rounds * Int(weights.reduce(0, +)) { _ = try client.get() }
            #expect(backends.map(\.requests.count) == weights.map { rounds * Int($0) })
        }
    }

    @Test("two workers serve, each in exact turns")
    func twoWorkers() throws {
        let backends = try (0..<2).map { _ in try Backend.replying(response()) }
        try withProxy(backends.map(\.port), workers: 2) { proxy in
            // The kernel spreads connections; with so many each worker has some.
            for _ in 0..<64 {
                let client = try proxy.connect()
                for _ in 0..<4 { #expect(try client.get().status == 200) }
            }
            #expect(backends.map(\.requests.count) == [128, 128])
            for worker in 0..<2 {
                #expect(proxy.registry.listener(0, worker: worker)[.accepted] > 0)
            }
        }
    }

    // MARK: - Drain

    @Test("a drain lets requests finish, closes unused connections and refuses new ones")
    func drain() throws {
        let gate = Gate()
        let slow = try halfway(gate)
        let held = Gate()
        let late = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                held.wait()
                try wire.send(response("late"))
            }
        }
        try withProxy([slow.port, late.port], workers: 1) { proxy in
            let unused = try proxy.connect()
            let halfway = try proxy.connect()
            try start(halfway)
            let waiting = try proxy.connect()
            try waiting.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the request is there") { late.requests.count == 1 }
            proxy.workers.drain(limit: .seconds(60))
            #expect(try unused.receiveToEnd() == ([], .end))
            #expect(throws: Errno.self) { try proxy.connect() }
            held.open()
            let answer = try waiting.receiveResponse()
            #expect(answer.text == "late")
            #expect(answer.value("connection") == "close")
            waiting.close()
            gate.open()
            #expect(try halfway.receiveToEnd() == (Array("-second".utf8), .end))
            halfway.close()
            try proxy.awaitFinish()
            try waitUntil("the backends' connections end") { slow.ended + late.ended == 2 }
        }
    }

    @Test("a head that has begun is read to its end during a drain")
    func drainWithinHead() throws {
        let backend = try Backend.replying(response("x"))
        try withProxy([backend.port]) { proxy in
            let unused = try proxy.connect()
            let client = try proxy.connect()
            #expect(try client.get().text == "x")
            try client.send("GET / HTTP/1.1\r\n")
            #expect(try unused.get().text == "x")
            proxy.workers.drain(limit: .seconds(60))
            // By then the time for connections without a request is over.
            #expect(try unused.receiveToEnd() == ([], .end))
            try client.send("Host: a.test\r\n\r\n")
            let answer = try client.receiveResponse()
            #expect(answer.text == "x")
            #expect(answer.value("connection") == "close")
            client.close()
            try proxy.awaitFinish()
        }
    }

    @Test("a drain's limit cuts off what does not finish", arguments: [ListenerMode.http, .tcp])
    func drainLimit(mode: ListenerMode) throws {
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "\r\n\r\n")
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst")
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port], mode: mode) { proxy in
            let client = try proxy.connect()
            try start(client)
            proxy.workers.drain(limit: .milliseconds(100))
            #expect(try client.receiveToEnd() == ([], .reset))
            try proxy.awaitFinish()
            try waitUntil("the backend's connection ends") { backend.ended == 1 }
        }
    }

    @Test("a drain without any connection ends at once", arguments: [1, 2])
    func drainUnused(workers: Int) throws {
        try withProxy([], workers: workers) { proxy in
            proxy.workers.drain(limit: .seconds(60))
            try proxy.awaitFinish()
        }
    }

    // MARK: - Listeners

    @Test("an address that is taken is a ListenFailure that names it")
    func addressInUse() throws {
        let taken = try Backend.replying("")
        let service = ServiceID(index: 0)
        let endpoint = Endpoint(.loopback, taken.port)
        var options = ProxyOptions.plain(workers: 2)
        options.listeners.append(.plain(1, on: endpoint, to: service))
        let reports = try Mailbox<ProxyReport>()
        let registry = StatsRegistry(workers: 2, listeners: 2, services: 1)
        do {
            _ = try ProxyWorkers(options: options, registry: registry, reports: reports)
            Issue.record("the address was taken")
        } catch {
            #expect(error.endpoint == endpoint)
            #expect(error.error == .addressInUse)
        }
    }

    @Test("two listeners lead to two services, each with its own backends")
    func twoServices() throws {
        let backends = [
            try Backend.replying(response("one")), try Backend.replying(response("two")),
        ]
        try withProxy([backends[0].port]) { options in
            let service = ServiceID(index: 1)
            options.services.append(.plain(service, "api"))
            options.listeners.append(.plain(1, on: Endpoint(.loopback, 0), to: service))
        } _: { proxy in
            let early = try proxy.connect(1)
            #expect(try early.get().text == "No healthy backend for service api.\n")
            proxy.publish([backends[1].port], service: 1)
            #expect(try proxy.connect(1).get().text == "two")
            #expect(try proxy.connect().get().text == "one")
            #expect(proxy.registry.serviceTotals(1)[.requests] == 2)
            #expect(proxy.service[.requests] == 1)
        }
    }

    @Test("a listener that has its limit of connections closes more at once")
    func connectionLimit() throws {
        let backend = try Backend.replying(response("x"))
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.connectionsMax = 1
        } _: { proxy in
            let client = try proxy.connect()
            #expect(try client.get().text == "x")
            #expect(try proxy.connect().receiveToEnd().bytes.isEmpty)
            #expect(proxy.listener[.refused] == 1)
            client.close()
            try waitUntil("the first is gone") { proxy.listener[.open] == 0 }
            #expect(try proxy.connect().get().text == "x")
        }
    }
}
