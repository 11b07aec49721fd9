// Goal: a request whose answer failed goes elsewhere when that is safe; runs of failures are
// reported when others do not fail; a backend on probation proves itself by one request. Method:
// backends that answer by status, counted on both sides.

import Backends
import Proxy
import Routing
import Stats
import TestSupport
import Testing

@Suite struct AnswerEvidenceTests {
    private func failing(_ status: String, body: String = "no") throws -> Backend {
        try Backend.replying(
            "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    @Test("a GET that failed with a status is answered by another backend, on kept connections")
    func status() throws {
        let bad = try failing("500 Internal Server Error")
        let good = try Backend.replying(response("good"))
        try withProxy([bad.port, good.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<8 { #expect(try client.get().text == "good") }
            #expect(proxy.service[.responses5xx] == 0)
            #expect(proxy.service[.retries] == bad.requests.count)
            #expect(proxy.backend(bad.port)[.responses5xx] == bad.requests.count)
            #expect(bad.requests.count >= 4)
            // The failed answers were read to their ends.
            #expect(bad.connections == 1)
        }
    }

    @Test(
        "a request that may not be repeated gets the answer as it is",
        arguments: [("POST", "500 Oops"), ("PUT", "503 Later"), ("GET", "501 Never")])
    func notRepeated(method: String, status: String) throws {
        let bad = try failing(status)
        let good = try Backend.replying(response("good"))
        try withProxy([bad.port, good.port]) { proxy in
            let client = try proxy.connect()
            try client.send("\(method) / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n")
            let answer = try client.receiveResponse()
            #expect("\(answer.status)" == status.prefix(3))
            #expect(answer.text == "no")
            #expect(proxy.service[.retries] == 0)
            #expect(good.requests.isEmpty)
        }
    }

    @Test("when all backends fail, the client gets the last answer")
    func allFail() throws {
        let bad = [try failing("500 A", body: "a"), try failing("502 B", body: "b")]
        try withProxy(bad.map(\.port)) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.text == "b")
            #expect(answer.status == 502)
            #expect(proxy.service[.retries] == 1)
        }
    }

    @Test("a response that fails within a body still coming is dropped with its connection")
    func unfinished() throws {
        let bad = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send("HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\npart")
            _ = try wire.receiveToEnd()
        }
        let good = try Backend.replying(response("good"))
        try withProxy([bad.port, good.port]) { proxy in
            let client = try proxy.connect()
            #expect(try client.get().text == "good")
            try waitUntil("the connection is closed") { bad.ended == 1 }
        }
    }

    @Test("a route's rule decides for its requests")
    func route() throws {
        let bad = try failing("429 Slow Down")
        let good = try Backend.replying(response("good"))
        try withProxy([bad.port, good.port]) { options in
            var failures = RetryRule.Failures()
            failures.statuses = [429]
            var rule = RouteRule(.forward(options.services[0].id, prefix: nil))
            rule.path = .prefix("/again")
            rule.retry = RetryRule.Override()
            rule.retry?.failures = failures
            options.listeners[0].routes = RouteTable([rule])
        } _: { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/other").status == 429)
            #expect(try client.get("/other").status == 200)
            #expect(try client.get("/again").status == 200)
            #expect(bad.requests.count == 2)
        }
    }

    @Test("three failures in a row are reported when the other backend never fails")
    func run() throws {
        let bad = try failing("500 Oops")
        let good = try Backend.replying(response("good"))
        try withProxy([bad.port, good.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<6 {
                try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n")
                _ = try client.receiveResponse()
            }
            client.close()
            proxy.workers.drain(limit: .seconds(5))
            try proxy.awaitFinish()
            #expect(proxy.liveFailures.map(\.port) == [bad.port])
            #expect(proxy.liveFailures.first?.failure == .answers(consecutive: 3, last: 500))
        }
    }

    @Test("when all backends fail, none is reported")
    func everyone() throws {
        let bad = [try failing("500 Oops"), try failing("500 Oops"), try failing("503 Oops")]
        try withProxy(bad.map(\.port)) { proxy in
            let client = try proxy.connect()
            for _ in 0..<200 {
                try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n")
                _ = try client.receiveResponse()
            }
            client.close()
            proxy.workers.drain(limit: .seconds(5))
            try proxy.awaitFinish()
            #expect(proxy.liveFailures.isEmpty)
        }
    }

    @Test("on probation one good answer is proof, and one failure is reported at once")
    func probation() throws {
        let bad = try failing("500 Oops")
        let good = try Backend.replying(response("good"))
        let steady = try Backend.replying(response("steady"))
        try withProxy([bad.port, good.port, steady.port]) { proxy in
            proxy.publish(
                [bad.port, good.port, steady.port], onProbation: [bad.port, good.port])
            let client = try proxy.connect()
            for _ in 0..<6 { #expect(try client.get().status == 200) }
            client.close()
            proxy.workers.drain(limit: .seconds(5))
            try proxy.awaitFinish()
            #expect(proxy.provenPorts == [good.port])
            #expect(proxy.liveFailures.first?.port == bad.port)
            #expect(proxy.liveFailures.first?.failure == .answers(consecutive: 1, last: 500))
        }
    }
}
