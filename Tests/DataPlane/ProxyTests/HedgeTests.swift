// Goal: with hedging the first answer of two counts, whichever backend it is from and whatever the
// other does, and no request runs twice that must not. Method: two backends, of which the one asked
// first, and the other, each follow a script; gates decide which answers first.

import Backends
import Glibc
import Locking
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

/// Two backends that share what they do: the n-th request that either reads gets the n-th script,
/// the last for all that follow.
private struct Pair {
    typealias Answer = @Sendable (Wire) throws -> Void

    let backends: [Backend]
    private let order = Locked<[UInt16]>([])

    init(_ answers: [Answer]) throws {
        let order = order
        backends = try (0..<2).map { _ in
            try Backend { wire, backend in
                while try backend.next(wire) != nil {
                    let turn = order.withLock { order in
                        order.append(backend.port)
                        return order.count - 1
                    }
                    try answers[min(turn, answers.count - 1)](wire)
                }
            }
        }
    }

    var ports: [UInt16] { backends.map(\.port) }
    var asked: Int { order.withLock(\.count) }
    /// The backend that was asked first.
    var first: UInt16 { order.withLock { $0[0] } }

    func awaitBoth() throws { try waitUntil("both are asked") { asked == 2 } }
}

@Suite struct HedgeTests {
    private func withHedging(
        _ ports: [UInt16], _ configure: (inout ServiceOptions) -> Void = { _ in },
        _ body: (RunningProxy) throws -> Void
    ) throws {
        try withProxy(ports) { options in
            options.services[0].policy.retry.rule.hedging = .after(.milliseconds(20))
            options.services[0].policy.retry.isReported = true
            options.services[0].policy.ejection.silence = nil
            configure(&options.services[0])
        } _: {
            try body($0)
        }
    }

    private static func answer(_ text: String, after gate: Gate? = nil) -> Pair.Answer {
        { wire in
            gate?.wait()
            try wire.send(response(text))
        }
    }

    @Test("a GET that one backend keeps waiting is answered by another; the first is broken off")
    func secondWins() throws {
        let gate = Gate()
        let pair = try Pair([Self.answer("first", after: gate), Self.answer("second")])
        try withHedging(pair.ports) { proxy in
            let client = try proxy.connect()
            let answer = try client.get()
            #expect(answer.text == "second")
            #expect(answer.value("x-fairlead-attempts") == "2")
            #expect(proxy.service[.hedges] == 1)
            #expect(proxy.service[.hedgesWon] == 1)
            #expect(proxy.service[.retries] == 0)
            #expect(proxy.backend(pair.first)[.inFlight] == 0)
            #expect(proxy.backend(pair.first)[.failures] == 0)
            gate.open()
            // The client's connection is as good as before.
            #expect(try client.get().text == "second")
        }
    }

    @Test("the first backend's answer counts if it still comes first")
    func firstWins() throws {
        let gates = [Gate(), Gate()]
        let pair = try Pair([
            Self.answer("first", after: gates[0]), Self.answer("second", after: gates[1]),
        ])
        try withHedging(pair.ports) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try pair.awaitBoth()
            gates[0].open()
            #expect(try client.receiveResponse().text == "first")
            #expect(proxy.service[.hedges] == 1)
            #expect(proxy.service[.hedgesWon] == 0)
            gates[1].open()
        }
    }

    @Test("of two tries one may fail: by an end, by no HTTP, or by a status that is tried again")
    func oneFails() throws {
        let failures: [Pair.Answer] = [
            { $0.close() },
            { try $0.send("nonsense\r\n\r\n") },
            { try $0.send("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno") },
        ]
        for failure in failures {
            for failing in 0..<2 {
                let gates = [Gate(), Gate()]
                let pair = try Pair(
                    (0..<2).map { turn in
                        { wire in
                            gates[turn].wait()
                            if turn == failing {
                                try failure(wire)
                            } else {
                                try wire.send(response("good"))
                            }
                        }
                    })
                try withHedging(pair.ports) { proxy in
                    let client = try proxy.connect()
                    try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                    try pair.awaitBoth()
                    gates[failing].open()
                    try waitUntil("the proxy knows") {
                        pair.ports.map { proxy.backend($0)[.inFlight] }.reduce(0, +) == 1
                    }
                    gates[1 - failing].open()
                    #expect(try client.receiveResponse().text == "good")
                    #expect(proxy.service[.retries] == 0)
                    #expect(proxy.service[.responses5xx] == 0)
                }
            }
        }
    }

    @Test("when both fail, the client gets the answer of the last")
    func bothFail() throws {
        let gates = [Gate(), Gate()]
        let pair = try Pair(
            gates.map { gate in
                { wire in
                    gate.wait()
                    try wire.send("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno")
                }
            })
        try withHedging(pair.ports) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try pair.awaitBoth()
            gates[1].open()
            try waitUntil("one is over") {
                pair.ports.map { proxy.backend($0)[.inFlight] }.reduce(0, +) == 1
            }
            gates[0].open()
            let answer = try client.receiveResponse()
            #expect(answer.status == 503)
            #expect(answer.text == "no")
        }
    }

    @Test("a second backend that refuses connections changes nothing")
    func refused() throws {
        let gate = Gate()
        let slow = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                gate.wait()
                try wire.send(response("slow"))
            }
        }
        let refusing = try RefusingPort()
        try withHedging([slow.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("it is asked") { slow.requests.count == 1 }
            proxy.publish([slow.port, refusing.port])
            // It may be tried by a hedge of this request, or before the other backend: the result
            // is the same.
            let other = try proxy.connect()
            try other.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("it was dialled") { proxy.backend(refusing.port)[.dialFailures] >= 1 }
            gate.open()
            #expect(try client.receiveResponse().text == "slow")
            #expect(try other.receiveResponse().text == "slow")
        }
    }

    @Test("a second backend that was only being dialled when the first answered is not outrun")
    func stillDialled() throws {
        let gate = Gate()
        let slow = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                gate.wait()
                try wire.send(response("slow"))
            }
        }
        let silent = try SilentPort()
        try withHedging([slow.port, silent.port]) { service in
            service.policy.timeouts.connect = .seconds(30)
        } _: { proxy in
            // One goes to each backend, and the one that waits at the slow one is hedged.
            let clients = try (0..<2).map { _ in try proxy.connect() }
            for client in clients { try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n") }
            try waitUntil("one is hedged, and the other dials") {
                proxy.service[.hedges] == 1 && proxy.backend(silent.port)[.open] == 2
            }
            gate.open()
            try waitUntil("it is answered") { proxy.service[.responses2xx] == 1 }
            #expect(proxy.service[.hedgesWon] == 0)
            for client in clients { client.close() }
            try waitUntil("all is over") { proxy.backend(silent.port)[.inFlight] == 0 }
        }
    }

    @Test("a POST, and a GET without another backend, wait where they are")
    func notHedged() throws {
        let gate = Gate()
        let pair = try Pair([Self.answer("first", after: gate)])
        try withHedging(pair.ports) { proxy in
            let post = try proxy.connect()
            try post.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n")
            try waitUntil("it is asked") { pair.asked == 1 }
            usleep(100_000)
            #expect(pair.asked == 1)
            proxy.publish([pair.first])
            let get = try proxy.connect()
            try get.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("it is asked") { pair.asked == 2 }
            usleep(100_000)
            #expect(pair.asked == 2)
            gate.open()
            #expect(try post.receiveResponse().text == "first")
            #expect(try get.receiveResponse().text == "first")
            #expect(proxy.service[.hedges] == 0)
        }
    }

    @Test("a client that goes away ends both tries")
    func clientGone() throws {
        let gate = Gate()
        let pair = try Pair([Self.answer("late", after: gate)])
        try withHedging(pair.ports) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try pair.awaitBoth()
            client.close()
            try waitUntil("both are over") {
                pair.ports.allSatisfy { proxy.backend($0)[.inFlight] == 0 }
            }
            #expect(proxy.service[.clientAborts] == 1)
            gate.open()
        }
    }

    @Test("a large answer of the second arrives whole; once it has begun no other backend is asked")
    func largeAnswer() throws {
        let gates = [Gate(), Gate()]
        let pair = try Pair([
            { _ in gates[0].wait() },
            { wire in
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n")
                gates[1].wait()
                try wire.send([UInt8](repeating: 7, count: 500_000))
            },
        ])
        try withHedging(pair.ports) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("the first is broken off") { proxy.service[.hedgesWon] == 1 }
            usleep(100_000)
            gates[1].open()
            #expect(try client.receiveResponse().body == [UInt8](repeating: 7, count: 500_000))
            #expect(pair.asked == 2)
            gates[0].open()
        }
    }

    @Test("a backend that hangs is reported, though no request waits on it for long")
    func hangIsNoticed() throws {
        let gate = Gate()
        let hung = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                gate.wait()
                try wire.send(response("hung"))
            }
        }
        let good = try Backend.replying(response("good"))
        try withHedging([hung.port, good.port]) { service in
            service.policy.ejection.silence = .milliseconds(200)
            service.policy.timeouts.responseHead = .seconds(60)
        } _: { proxy in
            let client = try proxy.connect()
            let begin = ContinuousClock.now
            while begin.duration(to: .now) < .milliseconds(600) || hung.requests.count < 6 {
                #expect(try client.get().text == "good")
            }
            #expect(proxy.service[.hedgesWon] == hung.requests.count)
            gate.open()
            proxy.workers.drain(limit: .seconds(5))
            client.close()
            try proxy.awaitFinish()
            #expect(
                proxy.liveFailures.contains { port, failure in
                    guard port == hung.port, case .silent = failure else { return false }
                    return true
                })
        }
    }
}
