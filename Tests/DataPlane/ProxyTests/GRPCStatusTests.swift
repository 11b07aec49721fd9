// Goal: the status of a call of gRPC counts for its backend as that of HTTP does, wherever it
// stands; a call goes elsewhere by a rule that says so, and only while its client has nothing of an
// answer; and its backend knows how long it is waited for. Method: a client and backends that
// decide on every frame.

import Backends
import GRPCWire
import HTTP1
import Locking
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct GRPCStatusTests {
    private static let call =
        "POST /a.b/C HTTP/1.1\nHost: a.test\nContent-Type: application/grpc"
    private static let head = "HTTP/1.1 200 OK\nContent-Type: application/grpc"

    /// A backend that answers calls with a message and this status behind it, in trailers.
    private func ending(_ status: Int) throws -> Backend {
        try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, Self.head, "abcde", endsStream: false)
            try server.sendTrailers("grpc-status: \(status)\r\n", in: request.slot)
        }
    }

    /// One that answers with a head alone, which has these further lines.
    private func refusing(_ lines: String) throws -> Backend {
        try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, Self.head + "\n" + lines)
        }
    }

    private func callOften(_ proxy: RunningProxy, _ count: Int) throws {
        let client = try HTTP2Client(proxy.connect())
        for _ in 0..<count { #expect(try client.get(Self.call).status == 200) }
        client.wire.close()
        proxy.workers.drain(limit: .seconds(5))
        try proxy.awaitFinish()
    }

    // MARK: - Evidence

    @Test("a run of calls that end with a server's status is reported, wherever that stands")
    func run() throws {
        for bad in [try ending(14), try refusing("grpc-status: 13")] {
            let good = try ending(0)
            try withProxy([bad.port, good.port], byHTTP2) { proxy in
                try callOften(proxy, 6)
                #expect(proxy.liveFailures.map(\.port) == [bad.port])
                let failure = try #require(proxy.liveFailures.first?.failure)
                #expect(
                    failure == .answers(consecutive: 3, last: -14)
                        || failure == .answers(consecutive: 3, last: -13))
                #expect("\(failure)".contains("in a row failed, the last: grpc-status 1"))
                #expect(proxy.backend(bad.port)[.responses5xx] == 3)
                #expect(proxy.service[.callsOK] == 3 && proxy.service[.callsFailed] == 3)
                #expect(proxy.service[.failed] == 3 && proxy.service[.responses2xx] == 6)
            }
        }
    }

    @Test("a status that is about the call speaks against no backend", arguments: [5, 1, 12, 16])
    func refusals(status: Int) throws {
        let backends = [try ending(status), try ending(0)]
        try withProxy(backends.map(\.port), byHTTP2) { proxy in
            try callOften(proxy, 12)
            #expect(proxy.liveFailures.isEmpty)
            #expect(proxy.backend(backends[0].port)[.responses5xx] == 0)
            #expect(proxy.service[.failed] == 0)
            #expect(proxy.service[status == 12 ? .callsFailed : .callsRefused] == 6)
        }
    }

    @Test("on probation the status decides, and not the head before it")
    func probation() throws {
        let backends = [try ending(14), try ending(0), try ending(0)]
        try withProxy(backends.map(\.port), byHTTP2) { proxy in
            proxy.publish(
                backends.map(\.port), onProbation: [backends[0].port, backends[1].port])
            try callOften(proxy, 6)
            #expect(proxy.provenPorts == [backends[1].port])
            #expect(proxy.liveFailures.first?.port == backends[0].port)
            #expect(proxy.liveFailures.first?.failure == .answers(consecutive: 1, last: -14))
        }
    }

    @Test("a call without a status, and what is no call, are judged by the status of HTTP")
    func others() throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK\nGrpc-Status: 14", "abc")
        }
        try withProxy([backend.port, backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            for _ in 0..<4 {
                #expect(
                    try client.get("POST / HTTP/1.1\nHost: a.test\nContent-Type: a/b").status
                        == 200)
            }
            #expect(proxy.backend(backend.port)[.responses5xx] == 0)
        }
        let silent = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, Self.head, "abc")
        }
        try withProxy([silent.port], byHTTP2) { proxy in
            proxy.publish([silent.port], onProbation: [silent.port])
            try callOften(proxy, 1)
            #expect(proxy.provenPorts == [silent.port])
            #expect(proxy.service[.callsOK] == 0)
        }
    }

    // MARK: - Another try

    private func retrying(_ options: inout ProxyOptions) {
        byHTTP2(&options)
        options.services[0].policy.retry.rule.failures.conditions.insert(.grpcUnavailable)
    }

    @Test("a call that gets UNAVAILABLE alone goes elsewhere, with its message, by such a rule")
    func retried() throws {
        let bad = try refusing("grpc-status: 14")
        let good = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, Self.head, request.message.text, endsStream: false)
            try server.sendTrailers("grpc-status: 0\r\n", in: request.slot)
        }
        try withProxy([bad.port, good.port], retrying) { proxy in
            let client = try HTTP2Client(proxy.connect())
            for _ in 0..<4 {
                let answer = try client.answer(try client.send(Self.call, "message"))
                #expect(answer.text == "message" && answer.trailers == "grpc-status: 0\r\n")
            }
            #expect(proxy.service[.retries] >= 2 && proxy.service[.failed] == 0)
            #expect(proxy.backend(bad.port)[.responses5xx] == proxy.service[.retries])
            #expect(proxy.service[.callsOK] == 4 && proxy.service[.callsFailed] == 0)
        }
    }

    @Test(
        "a call is not made again without the rule, for another status, or as the server says",
        arguments: [
            ("grpc-status: 14", false), ("grpc-status: 13", true), ("grpc-status: 5", true),
            ("grpc-status: 14\ngrpc-retry-pushback-ms: 1000", true),
        ])
    func notRetried(lines: String, hasRule: Bool) throws {
        let backends = [try refusing(lines), try refusing(lines)]
        try withProxy(backends.map(\.port), hasRule ? retrying : byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let answer = try client.get(Self.call)
            #expect(answer.value("grpc-status") != nil && answer.isWhole)
            #expect(proxy.service[.retries] == 0)
        }
    }

    @Test("once a part of an answer has gone on, its status goes on as well")
    func tooLate() throws {
        let backends = [try ending(14), try ending(14)]
        try withProxy(backends.map(\.port), retrying) { proxy in
            let answer = try HTTP2Client(proxy.connect()).get(Self.call)
            #expect(answer.text == "abcde" && answer.trailers == "grpc-status: 14\r\n")
            #expect(proxy.service[.retries] == 0)
        }
    }

    // MARK: - The time that is left

    /// The time that a backend is given, in nanoseconds.
    private func time(_ request: HTTP2Server.Request?) throws -> UInt64 {
        let lines = try #require(request).message.head.lowercased().split(separator: "\r\n")
        let found = lines.filter { $0.hasPrefix("grpc-timeout: ") }
        try #require(found.count == 1, "\(lines)")
        let value = Array(found[0].dropFirst("grpc-timeout: ".count).utf8)
        let time = GRPCTimeout.nanoseconds(value.span)
        return try #require(time)
    }

    @Test("a backend is told what is left of the time, another one after it less")
    func timeLeft() throws {
        let times = Locked<[UInt64]>([])
        let backend = { (status: Int) in
            try Backend.answeringHTTP2 { server, request in
                let time = try time(request)
                times.withLock { $0.append(time) }
                try server.answer(request.slot, Self.head + "\ngrpc-status: \(status)")
            }
        }
        let backends = [try backend(14), try backend(14)]
        try withProxy(backends.map(\.port), retrying) { proxy in
            let client = try HTTP2Client(proxy.connect())
            _ = try client.get(Self.call + "\nGrpc-Timeout: 50S\nX-A: b")
            let told = times.withLock { $0 }
            try #require(told.count == 2)
            #expect(told[0] <= 50_000_000_000 && told[0] > 20_000_000_000)
            #expect(told[1] <= told[0])
        }
    }

    @Test("a backend is told no more than the listener's time for a request")
    func listenersTime() throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            #expect(try time(request) <= 20_000_000_000)
            try server.answer(request.slot, Self.head + "\ngrpc-status: 0")
        }
        try withProxy([backend.port]) {
            byHTTP2(&$0)
            $0.listeners[0].policy.timeouts.request = .seconds(20)
        } _: { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get(Self.call + "\nGrpc-Timeout: 1H").value("grpc-status") == "0")
        }
    }

    @Test(
        "a time that says nothing goes on as it came, and so does that of what is no call",
        arguments: [("application/grpc", "soon"), ("application/json", "7S")])
    func otherTimes(type: String, value: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            #expect(
                request.message.head.lowercased().contains(
                    "grpc-timeout: \(value.lowercased())\r\n"))
            try server.answer(request.slot)
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let head = "POST / HTTP/1.1\nHost: a.test\nContent-Type: \(type)"
            #expect(try client.get(head + "\nGrpc-Timeout: \(value)").status == 200)
        }
    }
}
