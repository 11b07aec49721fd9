// Goal: every request and connection leaves one line, with its outcome and its backend. Method:
// requests end in various ways, and the lines are read when the workers have ended.

import AccessLog
import HTTP1
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct AccessLogTests {
    /// Runs `body` with a proxy that logs; returns the lines.
    private func lines(
        _ ports: [UInt16], mode: ListenerMode = .http,
        _ configure: (inout ProxyOptions) -> Void = { _ in },
        _ body: (RunningProxy) throws -> Void
    ) throws -> [String] {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withProxy(ports, mode: mode, accessLog: log, configure) { try body($0) }
        log.stop(within: .seconds(30))
        return String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n").map(
            String.init)
    }

    /// The value of a number or a text in a line.
    private func value(_ key: String, _ line: String) -> String? {
        guard let range = line.firstRange(of: "\"\(key)\":") else { return nil }
        return String(line[range.upperBound...].prefix { $0 != "," && $0 != "}" })
    }

    @Test("a request answered: who, what, where, how long and how much")
    func complete() throws {
        let backend = try Backend.replying(response("hello"))
        let request = "GET /a HTTP/1.1\r\nHost: a.test\r\nUser-Agent: t\r\n\r\n"
        var received = 0
        let lines = try lines([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send(request)
                let answer = try client.receiveResponse()
                received = answer.head.utf8.count + answer.body.count
            }
        }
        try #require(lines.count == 2)
        for (number, line) in lines.enumerated() {
            #expect(value("client", line) == "\"127.0.0.1\"")
            #expect(value("service", line) == "\"web\"")
            #expect(value("backend", line) == "\"127.0.0.1:\(backend.port)\"")
            #expect(value("method", line) == "\"GET\"")
            #expect(value("target", line) == "\"/a\"")
            #expect(value("host", line) == "\"a.test\"")
            #expect(value("user_agent", line) == "\"t\"")
            #expect(value("status", line) == "200")
            #expect(value("cause", line) == "\"--\"")
            #expect(value("bytes_in", line) == "\(request.utf8.count)")
            #expect(value("bytes_out", line) == "\(received)")
            #expect(value("tries", line) == "1")
            #expect(value("queue_us", line) != "null")
            // The second goes by the connection of the first.
            #expect(number == 0 || value("connect_us", line) == "0")
            #expect(value("first_byte_us", line) != "null")
        }
    }

    @Test("a large body is counted whole, either way")
    func bodies() throws {
        let backend = try Backend.echoing()
        let lines = try lines([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n")
            try client.sendPattern(to: 1_000_000)
            #expect(try client.receiveResponse().body.count == 1_000_000)
        }
        try #require(lines.count == 1)
        #expect(value("bytes_in", lines[0]).flatMap { Int($0) } ?? 0 > 1_000_000)
        #expect(value("bytes_out", lines[0]).flatMap { Int($0) } ?? 0 > 1_000_000)
    }

    @Test(
        "a request that Fairlead answered itself says why",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "400", "CH", "0"),
            ("CONNECT a.test:1 HTTP/1.1\r\nHost: a.test:1\r\n\r\n", "400", "CH", "0"),
            ("OPTIONS / HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n", "200", "FA", "0"),
            (
                "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "400",
                "CB", "0"
            ),
            ("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "503", "BR", "1"),
        ])
    func ownAnswers(request: String, status: String, cause: String, tries: String) throws {
        let refusing = try RefusingPort()
        let lines = try lines([refusing.port]) { proxy in
            let client = try proxy.connect()
            try client.send(request)
            _ = try client.receiveResponse()
        }
        try #require(lines.count == 1)
        #expect(value("status", lines[0]) == status)
        #expect(value("cause", lines[0]) == "\"\(cause)\"")
        #expect(value("tries", lines[0]) == tries)
        #expect(value("first_byte_us", lines[0]) == "null")
    }

    @Test("without a backend in the rotation there is no try")
    func noBackend() throws {
        let lines = try lines([]) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.status == 503)
        }
        try #require(lines.count == 1)
        #expect(value("cause", lines[0]) == "\"BN\"")
        #expect(value("backend", lines[0]) == "\"\"")
        #expect(value("queue_us", lines[0]) == "null")
    }

    @Test(
        "the code shows how a backend failed",
        arguments: [
            ("", "502", "BC"), ("SSH-2.0\r\n\r\n", "502", "BP"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "200", "BX"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz", "200", "BP"),
        ])
    func backendFailures(answer: String, status: String, cause: String) throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(answer)
        }
        let lines = try lines([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            _ = try client.receiveToEnd()
        }
        try #require(lines.count == 1)
        #expect(value("status", lines[0]) == status)
        #expect(value("cause", lines[0]) == "\"\(cause)\"")
        #expect(value("backend", lines[0]) == "\"127.0.0.1:\(backend.port)\"")
    }

    @Test("a client that goes away, and one that is cut off at the stop")
    func clientGone() throws {
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            _ = try wire.receiveToEnd()
        }
        let lines = try lines([backend.port]) { proxy in
            let first = try proxy.connect()
            try first.send("GET /gone HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the request is there") { backend.requests.count == 1 }
            first.reset()
            try waitUntil("its end is noticed") { proxy.service[.clientAborts] == 1 }
            let second = try proxy.connect()
            try second.send("GET /stopped HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the request is there") { backend.requests.count == 2 }
            proxy.workers.drain(limit: .milliseconds(1))
            try proxy.awaitFinish()
        }
        #expect(lines.map { value("target", $0) } == ["\"/gone\"", "\"/stopped\""])
        #expect(lines.map { value("cause", $0) } == ["\"CG\"", "\"FS\""])
        #expect(lines.map { value("status", $0) } == ["0", "0"])
    }

    @Test("a TCP connection leaves a line at its end")
    func tcp() throws {
        let backend = try Backend { wire, _ in
            _ = try wire.receive(exactly: 3)
            try wire.send("four")
        }
        let lines = try lines([backend.port], mode: .tcp) { proxy in
            let client = try proxy.connect()
            try client.send("abc")
            client.endSending()
            #expect(try client.receiveToEnd().bytes.count == 4)
            try waitUntil("it is over") { proxy.listener[.open] == 0 }
        }
        try #require(lines.count == 1)
        #expect(value("protocol", lines[0]) == "\"TCP\"")
        #expect(value("cause", lines[0]) == "\"--\"")
        #expect(value("backend", lines[0]) == "\"127.0.0.1:\(backend.port)\"")
        #expect(value("bytes_in", lines[0]) == "3")
        #expect(value("bytes_out", lines[0]) == "4")
        #expect(value("connect_us", lines[0]) != "null")
    }
}
