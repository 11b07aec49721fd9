// Goal: a failing backend costs no request that can be saved, no request runs twice that must not,
// and no failure looks like a success. Method: backends that refuse, close, reset and lie on cue.

import Glibc
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct BackendFailureTests {
    private func request(_ method: String) -> String {
        "\(method) / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc"
    }

    @Test(
        "a refused dial goes on to the next backend, whatever the method",
        arguments: ["GET", "POST"])
    func refused(method: String) throws {
        let refusing = try RefusingPort()
        let backend = try Backend.echoing()
        try withProxy([refusing.port, backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<4 {
                try client.send(request(method))
                #expect(try client.receiveResponse().text == "abc")
            }
            let dead = proxy.backend(refusing.port)
            #expect(dead[.dialFailures] > 0)
            #expect(dead[.requests] == dead[.dialFailures])
            #expect(proxy.service[.retries] == 0)
            client.close()
            proxy.workers.drain(limit: .seconds(5))
            try proxy.awaitFinish()
            #expect(proxy.reportedPorts.contains(refusing.port))
        }
    }

    @Test(
        "however many refuse, a request goes on to the one that does not",
        arguments: ["GET", "POST"])
    func nearlyAllRefuse(method: String) throws {
        let refusing = try (0..<15).map { _ in try RefusingPort() }
        let backend = try Backend.echoing()
        try withProxy(refusing.map(\.port) + [backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<20 {
                try client.send(request(method))
                #expect(try client.receiveResponse().text == "abc")
            }
            #expect(proxy.service[.noBackend] == 0)
            #expect(proxy.service[.retries] == 0)
        }
    }

    @Test(
        "a break on a kept connection is not the last try, and the next one uses a new connection")
    func staleAtLast() throws {
        let backends = try (0..<3).map { _ in try closingAtSecond(isReset: true) }
        try withProxy(backends.map(\.port)) { options in
            options.services[0].policy.retry.rule.attempts = 2
        } _: { proxy in
            let client = try proxy.connect()
            // The first three leave a connection to each, which closes when it is used again.
            for _ in 0..<9 { #expect(try client.get().text == "GET") }
            #expect(proxy.service[.backendErrors] == 0)
        }
    }

    @Test("when all backends refuse, or there are none, the answer is 503 with the service's name")
    func noneLeft() throws {
        let dead = [try RefusingPort(), try RefusingPort()]
        try withProxy(dead.map(\.port)) { proxy in
            let client = try proxy.connect()
            for method in ["GET", "POST"] {
                try client.send(request(method))
                let answer = try client.receiveResponse()
                #expect(answer.status == 503)
                #expect(
                    answer.text
                        == "No healthy backend for service web: none accepted a connection.\n")
                #expect(answer.value("retry-after") == "1")
            }
            proxy.publish([])
            let later = try proxy.connect()
            let answer = try later.get()
            #expect(answer.status == 503)
            #expect(answer.text == "No healthy backend for service web.\n")
            try later.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            #expect(try later.receiveResponse(to: "HEAD").status == 503)
            #expect(try later.get().status == 503)
            #expect(proxy.service[.noBackend] == 5)
            #expect(proxy.service[.responses5xx] == 5)
        }
    }

    /// Answers the first request of a connection; closes at the second, without an answer.
    private func closingAtSecond(isReset: Bool) throws -> Backend {
        try Backend { wire, backend in
            if let request = try backend.next(wire) {
                try wire.send(response(String(request.method)))
                // The second is read, so that it may have run.
                _ = try backend.next(wire)
                if isReset { wire.reset() }
            }
        }
    }

    @Test(
        "a kept connection that closes at once costs a GET nothing",
        arguments: [false, true], [1, 2])
    func stale(isReset: Bool, count: Int) throws {
        let backends = try (0..<count).map { _ in try closingAtSecond(isReset: isReset) }
        try withProxy(backends.map(\.port)) { proxy in
            let client = try proxy.connect()
            for _ in 0..<6 { #expect(try client.get().text == "GET") }
            #expect(proxy.service[.responses2xx] == 6)
            #expect(proxy.service[.retries] > 0)
        }
    }

    @Test(
        "a POST on a kept connection that closes at once is not sent again",
        arguments: [false, true])
    func stalePost(isReset: Bool) throws {
        let backend = try closingAtSecond(isReset: isReset)
        let other = try Backend.replying(response("other"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(request("POST"))
            #expect(try client.receiveResponse().text == "POST")
            proxy.publish([backend.port, other.port])
            let later = try proxy.connect()
            var statuses: [Int] = []
            for _ in 0..<2 {
                try later.send(request("POST"))
                statuses.append(try later.receiveResponse().status)
            }
            #expect(statuses.sorted() == [200, 502])
            #expect(backend.requests.count == 2)
            #expect(other.requests.count == 1)
            #expect(proxy.service[.retries] == 0)
        }
    }

    @Test(
        "a fresh connection that closes without an answer is a 502 when there is no other backend")
    func closedFresh() throws {
        let backend = try Backend { wire, backend in _ = try backend.next(wire) }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for method in ["GET", "POST"] {
                try client.send(request(method))
                let answer = try client.receiveResponse()
                #expect(answer.status == 502)
                #expect(
                    answer.text
                        == "A backend of service web closed the connection without an answer.\n")
            }
            #expect(backend.connections == 2)
            #expect(proxy.service[.backendErrors] == 2)
            #expect(proxy.service[.retries] == 0)
        }
    }

    @Test("a GET whose backend closes without an answer goes to another backend")
    func closedFreshWithOther() throws {
        let bad = try Backend { wire, backend in _ = try backend.next(wire) }
        let good = try Backend.replying(response("good"))
        try withProxy([bad.port, good.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<4 { #expect(try client.get().text == "good") }
            #expect(proxy.service[.retries] == bad.connections)
            #expect(proxy.backend(bad.port)[.failures] == bad.connections)
        }
    }

    @Test(
        "an answer that is not HTTP/1 is a 502",
        arguments: [
            "SSH-2.0-x\r\n\r\n", "HTTP/1.1 1000 x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 140_000) + "\r\n\r\n",
        ])
    func malformed(answer: String) throws {
        let backend = try Backend.replying(answer)
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 { #expect(try client.get().status == 502) }
            #expect(proxy.service[.backendErrors] == 2)
            #expect(backend.connections == 2)
        }
    }

    @Test(
        "a response cut short does not look whole",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n",
        ], ["HTTP/1.1", "HTTP/1.0"])
    func cutShort(answer: String, version: String) throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(answer)
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / \(version)\r\nHost: a.test\r\n\r\n")
            #expect(try client.receiveToEnd().ending == .reset)
            #expect(proxy.service[.cutShort] == 1)
        }
    }

    @Test("a response that ends with its connection does not look whole when that is reset")
    func resetCloseDelimited() throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 200 OK\r\n\r\nshort")
            gate.wait()
            wire.reset()
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try client.receive(through: "short")
            gate.open()
            #expect(try client.receiveToEnd().ending == .reset)
        }
    }

    // MARK: - Time

    @Test("a backend that does not accept the connection is given up for another")
    func connectTimeout() throws {
        let silent = try SilentPort()
        let backend = try Backend.echoing()
        try withProxy([silent.port, backend.port]) { options in
            options.services[0].policy.timeouts.connect = .milliseconds(200)
        } _: { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send(request("POST"))
                #expect(try client.receiveResponse().text == "abc")
            }
            #expect(proxy.backend(silent.port)[.dialFailures] > 0)
            proxy.publish([silent.port])
            #expect(try proxy.connect().get().status == 503)
        }
    }

    @Test(
        "a backend that does not answer is a 504, and not asked twice", arguments: ["GET", "POST"])
    func firstByteTimeout(method: String) throws {
        let silent = try Backend { wire, backend in while try backend.next(wire) != nil {} }
        try withProxy([silent.port]) { options in
            options.services[0].policy.timeouts.responseHead = .milliseconds(200)
        } _: { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send(request(method))
                #expect(try client.receiveResponse().status == 504)
            }
            #expect(silent.requests.count == 2)
            #expect(proxy.service[.timeouts] == 2)
            try waitUntil("the connections end") { silent.ended == 2 }
        }
    }

    @Test("a whole request has a limit: 504 before the response begins, cut short after it")
    func requestTimeout() throws {
        // It sends something all the time, so that no other limit can end this.
        let endless = try Backend { wire, backend in
            guard let asked = try backend.next(wire) else { return }
            if asked.head.hasPrefix("GET /silent ") {
                while try backend.next(wire) != nil {}
            }
            try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while true {
                try wire.send("1\r\nx\r\n")
                _ = poll(nil, 0, 10)
            }
        }
        try withProxy([endless.port]) { options in
            options.listeners[0].policy.timeouts.request = .milliseconds(300)
        } _: { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/silent").status == 504)
            try client.send(request("GET"))
            _ = try client.receive(through: "\r\n\r\n")
            #expect(try client.receiveToEnd().ending == .reset)
            #expect(proxy.service[.timeouts] == 1)
            #expect(proxy.service[.cutShort] == 1)
            // The backend did not answer the first request; it would have gone on with the second.
            #expect(proxy.backend(endless.port)[.failures] == 1)
        }
    }

    @Test("a request whose time the client has used up does not count against the backend")
    func timeUsedUp() throws {
        let slow = try Backend { wire, backend in
            while try backend.next(wire) != nil {}
        }
        try withProxy([slow.port]) { options in
            options.listeners[0].policy.timeouts.request = .seconds(2)
        } _: { proxy in
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nab")
            usleep(1_500_000)
            try client.send("c")
            // 408 if this machine was so busy that the end of the request came too late.
            #expect([504, 408].contains(try client.receiveResponse().status))
            #expect(proxy.backend(slow.port)[.failures] == 0)
        }
    }
}
