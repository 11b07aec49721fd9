// Goal: a listener is opened, handed over and closed while its worker goes on with the others.
// Method: the workers alone; what they report of closed listeners is counted.

import Backends
import Endpoints
import Events
import Glibc
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct ListenerTests {
    private func options(_ number: Int, _ mode: ListenerMode = .http) -> ListenerOptions {
        .plain(number, on: Endpoint(.loopback, 0), mode, to: ServiceID(index: 0))
    }

    @Test("a listener that is opened accepts on every worker, and is closed on every one")
    func opened() throws {
        let backend = try Backend.replying(response("x"))
        try withProxy([backend.port], workers: 2) { proxy in
            let sockets = try proxy.workers.open(Endpoint(.loopback, 0))
            proxy.registry.addListener(1)
            var change = ProxyChange()
            change.opened = [.init(options(1), .sockets(sockets))]
            proxy.workers.publish(change)
            for _ in 0..<20 {
                let client = try Wire(to: sockets.endpoint.port)
                #expect(try client.get().text == "x")
            }
            #expect(proxy.registry.listenerTotals(1)[.accepted] == 20)

            let kept = try proxy.connect()
            #expect(try kept.get().text == "x")
            change = ProxyChange()
            change.closed = [1]
            proxy.workers.publish(change)
            try proxy.awaitReports(until: { proxy.closedListeners == [1, 1] })
            #expect(throws: (any Error).self) { try Wire(to: sockets.endpoint.port) }
            #expect(try kept.get().text == "x")
            #expect(proxy.registry.listenerTotals(1)[.open] == 0)
        }
    }

    @Test(
        "sockets get their listener's limits for hosts that vanish, even if they had others")
    func peerLimits() throws {
        func limit(_ proxy: RunningProxy) -> Int32 {
            var value: Int32 = -1
            var length = socklen_t(4)
            guard let socket = proxy.workers.openDescriptors.first else { return -1 }
            unsafe _ = getsockopt(
                socket.number, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &value, &length)
            return value
        }
        let backend = try Backend.replying(response("x"))
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.timeouts.vanished = .seconds(70)
        } _: { proxy in
            // At once, before a worker has run.
            #expect(limit(proxy) == 70_000)
            var changed = options(0)
            changed.policy.timeouts.vanished = .seconds(80)
            var change = ProxyChange()
            change.listeners = [changed]
            proxy.workers.publish(change)
            try waitUntil("a change is taken up") { limit(proxy) == 80_000 }
            change = ProxyChange()
            change.closed = [0]
            change.opened = [.init(options(1, .tcp), .successor(of: 0))]
            proxy.registry.addListener(1)
            proxy.workers.publish(change)
            try waitUntil("a successor's are taken up") { limit(proxy) == 0 }
        }
    }

    @Test(
        "requests and streams on a closed listener end when its time is over",
        arguments: [ListenerMode.http, .tcp])
    func limit(mode: ListenerMode) throws {
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "\r\n\r\n")
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst")
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port], mode: mode) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try client.receive(through: "first")
            var change = ProxyChange()
            change.closed = [0]
            change.drainLimit = .milliseconds(50)
            proxy.workers.publish(change)
            #expect(try client.receiveToEnd() == ([], .reset))
            try proxy.awaitReports(until: { proxy.closedListeners == [0] })
        }
    }

    @Test(
        "a successor takes the address and the counters, and requests under way stay where they are"
    )
    func successor() throws {
        let backend = try Backend.replying(response("x"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            #expect(try client.get().text == "x")
            proxy.registry.addListener(1, continuing: 0)
            var change = ProxyChange()
            change.opened = [.init(options(1), .successor(of: 0))]
            change.closed = [0]
            proxy.workers.publish(change)
            let answer = try client.get()
            #expect(answer.text == "x" && answer.value("connection") == "close")
            try proxy.awaitReports(until: { proxy.closedListeners == [0] })
            #expect(try proxy.connect().get().text == "x")
            #expect(proxy.registry.listenerTotals(1)[.accepted] == 2)
        }
    }
}
