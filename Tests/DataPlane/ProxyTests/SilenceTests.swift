// Goal: requests on a backend that hangs go elsewhere if they may, and a backend that is only slow
// is left alone. Method: backends that read and answer on cue; the limit is short, and the tests
// assert which backend got what, not when.

import Backends
import Glibc
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct SilenceTests {
    /// Reads everything and answers nothing until the gate is opened.
    private func hanging(_ gate: Gate) throws -> Backend {
        try Backend { wire, backend in
            while try backend.next(wire) != nil {
                gate.wait()
                try wire.send(response("hung"))
            }
        }
    }

    private func configure(_ options: inout ProxyOptions) {
        options.services[0].policy.ejection.silence = .milliseconds(200)
        options.services[0].policy.timeouts.responseHead = .seconds(5)
    }

    /// Sends one request on each of `count` connections.
    private func send(
        _ method: String, _ count: Int, fields: String = "Content-Length: 0\r\n",
        to proxy: RunningProxy
    ) throws -> [Wire] {
        try (0..<count).map { _ in
            let client = try proxy.connect()
            try client.send("\(method) / HTTP/1.1\r\nHost: a.test\r\n\(fields)\r\n")
            return client
        }
    }

    /// Ends the workers: after that no report is on its way to the control thread.
    private func expectNoBlame(_ proxy: RunningProxy) throws {
        proxy.workers.drain(limit: .seconds(5))
        try proxy.awaitFinish()
        #expect(proxy.liveFailures.isEmpty)
    }

    @Test("GETs on a backend that hangs are answered by another, and it is reported")
    func hang() throws {
        let gate = Gate()
        let hung = try hanging(gate)
        let good = try Backend.replying(response("good"))
        try withProxy([hung.port, good.port], configure) { proxy in
            let clients = try send("GET", 6, to: proxy)
            // Others have to be answered meanwhile for the silence to mean something.
            let busy = try proxy.connect()
            for client in clients {
                var isAnswered = false
                while !isAnswered {
                    _ = try busy.get()
                    isAnswered = client.hasInput
                }
                #expect(try client.receiveResponse().text == "good")
            }
            // The requests that noticed, and some later ones: no roster takes the backend out of
            // the rotation here.
            #expect(hung.requests.count >= 3)
            #expect(proxy.service[.responses5xx] == 0)
            gate.open()
            busy.close()
            for client in clients { client.close() }
            proxy.workers.drain(limit: .seconds(5))
            try proxy.awaitFinish()
            #expect(
                proxy.liveFailures.contains { port, failure in
                    guard port == hung.port, case .silent(let waiting) = failure else {
                        return false
                    }
                    return waiting >= 1
                })
        }
    }

    @Test("a GET that meets a second hanging backend leaves that as well, since others wait there")
    func twoHang() throws {
        let gate = Gate()
        let hung = try (0..<2).map { _ in try hanging(gate) }
        let good = try Backend.replying(response("good"))
        try withProxy(hung.map(\.port) + [good.port]) { options in
            configure(&options)
            options.services[0].policy.timeouts.responseHead = .seconds(60)
        } _: { proxy in
            let clients = try send("GET", 12, to: proxy)
            let busy = try proxy.connect()
            for client in clients {
                while !client.hasInput { _ = try busy.get() }
                #expect(try client.receiveResponse().text == "good")
            }
            #expect(proxy.service[.responses5xx] == 0)
            gate.open()
        }
    }

    /// Sends only a head, which promises a body of ten bytes, until the gate is opened.
    private func stuck(_ gate: Gate) throws -> Backend {
        try Backend { wire, backend in
            while try backend.next(wire) != nil {
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
                gate.wait()
                try wire.send("0123456789")
            }
        }
    }

    @Test("a head without its body is reported, while others answer")
    func headAlone() throws {
        let gate = Gate()
        let backend = try stuck(gate)
        let good = try Backend.replying(response("good"))
        try withProxy([backend.port, good.port], configure) { proxy in
            var clients = try send("GET", 8, to: proxy)
            try waitUntil("heads are there") { backend.requests.count >= 3 }
            // Without new requests there, and others that are answered meanwhile.
            proxy.publish([good.port])
            for _ in 0..<40 {
                clients += try send("GET", 1, to: proxy)
                usleep(25_000)
            }
            try proxy.awaitReports {
                proxy.liveFailures.contains { port, failure in
                    guard port == backend.port, case .silent = failure else { return false }
                    return true
                }
            }
            gate.open()
            for client in clients { _ = try client.receiveResponse() }
        }
    }

    @Test(
        "a body of unknown length may be silent from its first byte on, like watches and events",
        arguments: ["application/x-ndjson", "text/event-stream", "application/json"])
    func quietStreams(type: String) throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                try wire.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                gate.wait()
                try wire.send("1\r\nx\r\n0\r\n\r\n")
            }
        }
        let good = try Backend.replying(response("good"))
        try withProxy([backend.port, good.port], configure) { proxy in
            var clients = try send("GET", 8, to: proxy)
            try waitUntil("heads are there") { backend.requests.count >= 3 }
            proxy.publish([good.port])
            for _ in 0..<40 {
                clients += try send("GET", 1, to: proxy)
                usleep(25_000)
            }
            gate.open()
            for client in clients {
                _ = try client.receiveResponse()
                client.close()
            }
            try expectNoBlame(proxy)
        }
    }

    @Test("a request for events may wait for the head as well, without evidence")
    func eventsToCome() throws {
        let gate = Gate()
        let quiet = try hanging(gate)
        let good = try Backend.replying(response("good"))
        try withProxy([quiet.port, good.port], configure) { proxy in
            let clients = try send(
                "GET", 8, fields: "accept: text/html, Text/Event-Stream\r\n", to: proxy)
            try waitUntil("all have come") { quiet.requests.count + good.requests.count == 8 }
            let count = quiet.requests.count
            #expect(count > 0)
            proxy.publish([good.port])
            let busy = try proxy.connect()
            for _ in 0..<40 {
                _ = try busy.get()
                usleep(25_000)
            }
            #expect(proxy.service[.retries] == 0)
            #expect(proxy.backend(quiet.port)[.inFlight] == count)
            gate.open()
            busy.close()
            for client in clients {
                _ = try client.receiveResponse()
                client.close()
            }
            try expectNoBlame(proxy)
        }
    }

    @Test("events that do not come in time are no failure of the backend")
    func eventsTooLate() throws {
        let gate = Gate()
        let quiet = try hanging(gate)
        let good = try Backend.replying(response("good"))
        try withProxy([quiet.port]) { options in
            configure(&options)
            options.services[0].policy.timeouts.responseHead = .milliseconds(300)
        } _: { proxy in
            let clients = try send(
                "GET", 4, fields: "Accept: text/event-stream\r\n", to: proxy)
            try waitUntil("they are there") { quiet.requests.count == 4 }
            proxy.publish([quiet.port, good.port])
            for client in clients {
                #expect(try client.receiveResponse().status == 504)
                client.close()
            }
            gate.open()
            try expectNoBlame(proxy)
        }
    }

    @Test("a client that has left by FIN takes up no place on a silent backend")
    func leftWithinBody() throws {
        let gate = Gate()
        let backend = try stuck(gate)
        try withProxy([backend.port], configure) { proxy in
            let clients = try send("GET", 3, to: proxy)
            for client in clients { _ = try client.receive(through: "\r\n\r\n") }
            for client in clients { client.endSending() }
            try waitUntil("the places are free") { proxy.backend(backend.port)[.inFlight] == 0 }
            #expect(proxy.service[.clientAborts] == 3)
            gate.open()
        }
    }

    @Test(
        "a GET on a silent backend that has left the rotation goes elsewhere, even alone")
    func outOfRotation() throws {
        let gate = Gate()
        let hung = try hanging(gate)
        let good = try Backend.replying(response("good"))
        try withProxy([hung.port]) { options in
            configure(&options)
            options.services[0].policy.timeouts.responseHead = .seconds(60)
        } _: { proxy in
            let client = try send("GET", 1, to: proxy)[0]
            try waitUntil("it is there") { hung.requests.count == 1 }
            proxy.publish([good.port])
            let busy = try proxy.connect()
            while !client.hasInput { _ = try busy.get() }
            #expect(try client.receiveResponse().text == "good")
            gate.open()
        }
    }

    @Test("a POST on a silent backend waits, and runs once")
    func post() throws {
        let gate = Gate()
        let hung = try hanging(gate)
        let good = try Backend.replying(response("good"))
        try withProxy([hung.port, good.port], configure) { proxy in
            let clients = try send("POST", 6, to: proxy)
            let busy = try proxy.connect()
            // Only then does every GET go to the other, which has less to do.
            try waitUntil("half of them wait, and the others are answered") {
                hung.requests.count == 3 && good.requests.count == 3
                    && proxy.backend(good.port)[.inFlight] == 0
            }
            let before = proxy.backend(hung.port)[.failures]
            // More than the limit, while others are answered.
            for _ in 0..<400 { _ = try busy.get() }
            gate.open()
            let texts = try clients.map { try $0.receiveResponse().text }
            #expect(Set(texts) == ["good", "hung"])
            #expect(texts.count { $0 == "hung" } == 3)
            #expect(proxy.backend(hung.port)[.failures] == before)
            #expect(proxy.service[.retries] == 0)
        }
    }

    @Test("a POST goes where no request waits in silence, as long as there is such a backend")
    func postElsewhere() throws {
        let gate = Gate()
        let hung = try (0..<6).map { _ in try hanging(gate) }
        let good = try Backend.replying(response("good"))
        try withProxy(hung.map(\.port) + [good.port]) { options in
            // No backend is found silent meanwhile.
            options.services[0].policy.ejection.silence = .seconds(60)
        } _: { proxy in
            let waiting = try send("GET", 7, to: proxy)
            try waitUntil("one waits at each") { hung.allSatisfy { $0.requests.count == 1 } }
            usleep(500_000)
            var posted: [Wire] = []
            for count in 1...30 {
                posted += try send("POST", 1, to: proxy)
                try waitUntil("it is with a backend") {
                    good.requests.count + hung.reduce(0) { $0 + $1.requests.count } == 7 + count
                }
            }
            gate.open()
            let stuck = try posted.count { try $0.receiveResponse().text == "hung" }
            // Without the rule it is 26. A worker that has just stood still takes nothing for
            // silence, so a busy machine costs some.
            #expect(stuck < 6)
            for client in waiting { _ = try client.receiveResponse() }
        }
    }

    @Test("a slow page on a backend that answers others is left alone")
    func slowPage() throws {
        let gate = Gate()
        let backends = try (0..<2).map { _ in
            try Backend { wire, backend in
                while let request = try backend.next(wire) {
                    if request.target == "/slow" { gate.wait() }
                    try wire.send(response(request.target))
                }
            }
        }
        try withProxy(backends.map(\.port)) { options in
            configure(&options)
            options.services[0].policy.ejection.silence = .seconds(1)
        } _: { proxy in
            let slow = try (0..<7).map { _ in
                let client = try proxy.connect()
                try client.send("GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n")
                return client
            }
            let busy = try proxy.connect()
            let begin = ContinuousClock.now
            while begin.duration(to: .now) < .milliseconds(2500) { _ = try busy.get("/quick") }
            #expect(proxy.service[.retries] == 0)
            gate.open()
            for client in slow {
                #expect(try client.receiveResponse().text == "/slow")
            }
        }
    }

    @Test("where long waits are usual, as with long polls, the limit is longer")
    func longPolls() throws {
        let gate = Gate()
        let quick = Gate()
        let poll = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                // The first answers come after a while, as all do here.
                if request.target == "/first" { quick.wait() } else { gate.wait() }
                try wire.send(response("polled"))
            }
        }
        let other = try Backend.replying(response("other"))
        try withProxy([poll.port]) { options in
            options.services[0].policy.ejection.silence = .milliseconds(100)
        } _: { proxy in
            let first = try (0..<64).map { _ in
                let client = try proxy.connect()
                try client.send("GET /first HTTP/1.1\r\nHost: a.test\r\n\r\n")
                return client
            }
            try waitUntil("all wait") { poll.requests.count == 64 }
            let usual = ContinuousClock.now
            usleep(3_000_000)
            quick.open()
            for client in first { _ = try client.receiveResponse() }
            proxy.publish([poll.port, other.port])
            let begin = ContinuousClock.now
            let polls = try send("GET", 8, to: proxy)
            let busy = try proxy.connect()
            try waitUntil("some wait") { poll.requests.count >= 67 }
            for _ in 0..<4 { _ = try busy.get() }
            usleep(300_000)
            let retries = proxy.service[.retries]
            // If the machine stood still meanwhile, the requests have waited for long, and may be
            // moved.
            if begin.duration(to: .now) < usual.duration(to: begin) { #expect(retries == 0) }
            gate.open()
            for client in polls { _ = try client.receiveResponse() }
        }
    }

    @Test("when every backend is silent, none is singled out")
    func allSilent() throws {
        let gate = Gate()
        let hung = [try hanging(gate), try hanging(gate)]
        try withProxy(hung.map(\.port)) { options in
            configure(&options)
            options.services[0].policy.timeouts.responseHead = .milliseconds(900)
        } _: { proxy in
            let clients = try send("GET", 8, to: proxy)
            for client in clients { #expect(try client.receiveResponse().status == 504) }
            #expect(proxy.service[.retries] == 0)
            #expect(proxy.service[.timeouts] == 8)
            gate.open()
        }
    }

    @Test("a time for each try moves a GET on, and the last try has all of the time")
    func tryTimeout() throws {
        let gate = Gate()
        let hung = [try hanging(gate), try hanging(gate)]
        try withProxy(hung.map(\.port)) { options in
            options.services[0].policy.ejection.silence = nil
            options.services[0].policy.retry.tryTimeout = .milliseconds(100)
            options.services[0].policy.timeouts.responseHead = .seconds(60)
        } _: { proxy in
            let client = try send("GET", 1, to: proxy)[0]
            try waitUntil("both were asked") { hung.allSatisfy { $0.requests.count == 1 } }
            gate.open()
            #expect(try client.receiveResponse().text == "hung")
            #expect(proxy.service[.retries] == 1)
            #expect(proxy.service[.timeouts] == 0)
        }
    }
}
