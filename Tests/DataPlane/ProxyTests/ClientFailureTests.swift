// Goal: a client that goes away, is slow or is answered early leaves nothing behind, neither at the
// proxy (every test ends with all gauges at zero) nor at the backend. Method: clients that close,
// reset and stop on cue.

import HTTP1
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct ClientFailureTests {
    @Test(
        "a client that goes away in the middle of a response ends the backend's connection",
        arguments: [false, true])
    func disconnect(isReset: Bool) throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(1 << 30)\r\n\r\n")
            while true { try wire.sendPattern(to: Pattern.period) }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try client.receivePattern(to: 1)
            if isReset { client.reset() } else { client.close() }
            try waitUntil("the backend's connection ends") { backend.ended == 1 }
            try waitUntil("the request is over") { proxy.service[.inFlight] == 0 }
            try waitUntil("the client is gone") { proxy.listener[.open] == 0 }
            #expect(proxy.backend(backend.port)[.open] == 0)
            #expect(proxy.service[.clientAborts] == 1)
        }
    }

    @Test("a client that resets while its response is awaited ends the backend's connection")
    func resetWhileWaiting() throws {
        let backend = try Backend { wire, backend in while try backend.next(wire) != nil {} }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the request is there") { backend.requests.count == 1 }
            client.reset()
            try waitUntil("the backend's connection ends") { backend.ended == 1 }
            #expect(proxy.service[.clientAborts] == 1)
        }
    }

    @Test("a client that ends its sending is gone: its request is cancelled")
    func goneByHalfClose() throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the request is there") { backend.requests.count == 1 }
            client.endSending()
            try waitUntil("the backend's connection ends") { backend.ended == 1 }
            #expect(proxy.service[.clientAborts] == 1)
        }
    }

    @Test("a client that only ends its sending gets its response, where that is configured")
    func halfClose() throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            gate.wait()
            try wire.send(response("late"))
        }
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.cancelsAtHalfClose = false
        } _: { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            client.endSending()
            try waitUntil("the request is there") { backend.requests.count == 1 }
            gate.open()
            let answer = try client.receiveResponse()
            #expect(answer.text == "late")
            #expect(try client.receiveToEnd() == ([], .end))
        }
    }

    @Test("a client that ends within its request's body ends the backend's request, noticeably")
    func endsWithinBody() throws {
        let seen = Gate()
        let reset = Gate()
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "abc")
            seen.open()
            if try wire.receiveToEnd().ending == .reset { reset.open() }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc")
            seen.wait()
            client.endSending()
            #expect(try client.receiveToEnd().bytes.isEmpty)
            reset.wait()
            #expect(proxy.service[.clientAborts] == 1)
        }
    }

    @Test(
        "a response that comes before the request has ended reaches the client",
        arguments: [false, true], [0, 8 << 20])
    func earlyResponse(closesWithReset: Bool, sentBefore: Int) throws {
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "\r\n\r\n")
            try wire.send(response("too large", "413 Content Too Large", "Connection: close\r\n"))
            if closesWithReset { wire.reset() } else { _ = try? wire.receiveToEnd() }
        }
        try withProxy([backend.port]) { proxy in
            for _ in 0..<10 {
                let client = try proxy.connect()
                try client.send(
                    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(64 << 20)\r\n\r\n")
                // The proxy stops reading for the response's sake at some point; that is no
                // failure.
                try? client.sendPattern(to: sentBefore)
                let answer = try client.receiveResponse()
                #expect(answer.status == 413)
                #expect(answer.value("connection") == "close")
                #expect(answer.text == "too large")
            }
            #expect(proxy.service[.responses4xx] == 10)
        }
    }

    @Test("a large upload whose backend stops reading and answers gets that answer")
    func earlyResponseUnderPressure() throws {
        let gate = Gate()
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "\r\n\r\n")
            gate.wait()
            try wire.send(response("too large", "413 Content Too Large", "Connection: close\r\n"))
            // Closing with the upload unread makes the kernel send RST.
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(64 << 20)\r\n\r\n")
            var last = -1
            var unchanged = 0
            // As much as goes in without anyone reading: less than what a socket's buffer takes is
            // enough to fill the backend's side.
            try client.sendPattern(to: 1 << 20)
            try waitUntil("the upload stands still") {
                let now = proxy.service[.bytesFromClients]
                unchanged = now == last ? unchanged + 1 : 0
                last = now
                return unchanged > 25
            }
            gate.open()
            #expect(try client.receiveResponse().text == "too large")
        }
    }

    // MARK: - Time

    private func withShortTimes(_ port: UInt16, _ body: (RunningProxy) throws -> Void) throws {
        try withProxy([port]) { options in
            options.listeners[0].policy.timeouts.head = .milliseconds(300)
            options.listeners[0].policy.timeouts.idle = .milliseconds(300)
            options.listeners[0].policy.timeouts.stall = .milliseconds(300)
        } _: { proxy in
            try body(proxy)
        }
    }

    @Test("a head that does not end is a 408", arguments: ["G", "GET / HTTP/1.1\r\n", "\r\n"])
    func slowHead(part: String) throws {
        let backend = try Backend.replying(response("x"))
        try withShortTimes(backend.port) { proxy in
            let client = try proxy.connect()
            try client.send(part)
            #expect(try client.receiveResponse().status == 408)
            #expect(try client.receiveToEnd() == ([], .end))
            // Also behind a first request.
            let second = try proxy.connect()
            #expect(try second.get().text == "x")
            try second.send(part)
            #expect(try second.receiveResponse().status == 408)
            #expect(proxy.listener[.badRequests] == 2)
        }
    }

    @Test("an unused connection is closed without an answer")
    func idle() throws {
        let backend = try Backend.replying(response("x"))
        try withShortTimes(backend.port) { proxy in
            #expect(try proxy.connect().receiveToEnd() == ([], .end))
            let client = try proxy.connect()
            #expect(try client.get().text == "x")
            #expect(try client.receiveToEnd() == ([], .end))
        }
    }

    @Test("a body that does not come is a 408, and the backend's request is cut short")
    func slowBody() throws {
        let backend = try Backend { wire, _ in _ = try wire.receiveToEnd() }
        try withShortTimes(backend.port) { proxy in
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc")
            #expect(try client.receiveResponse().status == 408)
            try waitUntil("the backend's connection ends") { backend.ended == 1 }
        }
    }

    @Test("a client that does not read its response is cut off")
    func stalledReader() throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(64 << 20)\r\n\r\n")
            try wire.sendPattern(to: 64 << 20)
        }
        try withShortTimes(backend.port) { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the client is cut off") { proxy.service[.clientAborts] == 1 }
            try waitUntil("the backend's connection ends") { backend.ended == 1 }
            #expect(try client.receiveToEnd().ending == .reset)
        }
    }

    @Test("an upload slower than the backend's idle time is no failure")
    func slowUploadOnKeptConnection() throws {
        let backend = try Backend.echoing()
        try withProxy([backend.port]) { options in
            options.services[0].policy.timeouts.idle = .milliseconds(300)
        } _: { proxy in
            let client = try proxy.connect()
            let head = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n"
            try client.send(head + "one")
            #expect(try client.receiveResponse().text == "one")
            try client.send(head)
            // Other connections' idle time passes meanwhile: that is what is waited for.
            let other = try Wire(to: proxy.port)
            #expect(try other.get().status == 200)
            #expect(proxy.backend(backend.port)[.open] == 2)
            try waitUntil("an idle connection is closed") {
                proxy.backend(backend.port)[.open] == 1
            }
            try client.send("two")
            #expect(try client.receiveResponse().text == "two")
        }
    }
}
