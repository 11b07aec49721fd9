// Goal: while nameservers are away thousands of questions cost neither descriptors nor time, none
// is lost, and all is well again soon after one is back; and the rate holds whatever is asked.
// Method: a scripted server that is silent when told to; no upper limit of time is asserted.

import DNSClient
import DNSWire
import Endpoints
import Events
import ScriptedDNS
import Testing

@Suite struct OutageTests {
    let loop = EventLoop()

    private func options(_ servers: [ScriptedServer]) -> ResolverOptions {
        var options = ResolverOptions(servers: servers.map(\.endpoint))
        options.timeout = .milliseconds(200)
        options.stagger = .milliseconds(50)
        options.attempts = 1
        return options
    }

    private func turn(until condition: () -> Bool) {
        var turnsLeft = 1_000_000
        while !condition(), turnsLeft > 0 {
            loop.runOnce(waiting: true)
            turnsLeft -= 1
        }
        #expect(condition())
    }

    @Test("thousands of questions to a dead server all end, few of them by asking")
    func dead() throws {
        let server = try ScriptedServer(on: loop)
        defer { server.close() }
        let resolver = Resolver(options([server]), on: loop)
        let name = try DomainName("example")
        var outcomes: [DNSOutcome] = []
        for _ in 0..<5000 { resolver.ask(name, .srv) { outcomes.append($0.outcome) } }
        turn { outcomes.count == 5000 }
        #expect(outcomes.allSatisfy { $0 == .timeout })
        #expect(resolver.servers[0].health.state == .away)
        #expect(resolver.counters[.givenUp] > 4000)
        #expect(resolver.counters[.sentUDP] + resolver.counters[.givenUp] == 5000)
        #expect(resolver.pendingCount == 0)
    }

    @Test("a server that comes back is found by a probe, and questions are answered again")
    func comesBack() throws {
        var isMute = true
        let server = try ScriptedServer(
            on: loop, udp: { isMute ? [] : [$0.replyWithRecords().datagram] })
        defer { server.close() }
        let resolver = Resolver(options([server]), on: loop)
        let name = try DomainName("example")
        var ended = 0
        while resolver.servers[0].health.state != .away {
            let target = ended + 1
            resolver.ask(name, .srv) { _ in ended += 1 }
            turn { ended == target }
        }
        // Now and then one goes through as the probe; the others end without one.
        while resolver.counters[.givenUp] == 0 {
            let target = ended + 1
            resolver.ask(name, .srv) { _ in ended += 1 }
            turn { ended == target }
        }
        isMute = false
        var isAnswered = false
        while !isAnswered {
            var outcome: DNSOutcome?
            resolver.ask(name, .srv) { outcome = $0.outcome }
            turn { outcome != nil }
            if case .records? = outcome { isAnswered = true }
        }
        #expect(resolver.servers[0].health.state == .working)
    }

    @Test("a silent first server gives its place to the second, and is looked after meanwhile")
    func secondTakesOver() throws {
        var isMute = true
        let first = try ScriptedServer(
            on: loop, udp: { isMute ? [] : [$0.replyWithRecords().datagram] })
        let second = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords().datagram] })
        defer {
            first.close()
            second.close()
        }
        let resolver = Resolver(options([first, second]), on: loop)
        let name = try DomainName("example")
        func ask() {
            var isOver = false
            resolver.ask(name, .srv) { _ in isOver = true }
            turn { isOver }
        }
        ask()
        #expect(first.queries.count == 1, "the first is asked first")
        for _ in 0..<20 { ask() }
        // It was passed over, and is asked first no more; it is asked second when this machine
        // stands still for the stagger.
        #expect(first.queries.count - resolver.servers[0].counters[.probes] < 10)
        #expect(second.queries.count >= 20)
        #expect(resolver.servers.map(\.place) == [1, 0])
        isMute = false
        while resolver.servers[0].health.state != .working { ask() }
        #expect(resolver.servers[0].counters[.probes] >= 1)
    }

    @Test("no more questions begin than the rate allows, and none is lost")
    func rate() throws {
        let server = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords().datagram] })
        defer { server.close() }
        var options = options([server])
        options.queriesPerSecond = 40
        options.timeout = .seconds(10)
        let resolver = Resolver(options, on: loop)
        let name = try DomainName("example")
        let start = ContinuousClock.now
        var answers = 0
        for _ in 0..<81 { resolver.ask(name, .srv) { _ in answers += 1 } }
        turn { answers == 81 }
        // At most 40 begin in each second: the 81st begins in the third.
        #expect(start.duration(to: .now) >= .seconds(2))
        #expect(server.queries.count == 81)
    }

    @Test(
        "questions are answered first come first served, and one may leave the line from its middle"
    )
    func line() throws {
        let server = try ScriptedServer(on: loop, udp: { [$0.replyWithRecords().datagram] })
        defer { server.close() }
        var options = options([server])
        options.underWayMax = 1
        options.timeout = .seconds(10)
        let resolver = Resolver(options, on: loop)
        let name = try DomainName("example")
        var order: [Int] = []
        let pending = (0..<500).map { number in
            resolver.ask(name, .srv) { _ in order.append(number) }
        }
        for number in stride(from: 1, to: 500, by: 3) { pending[number].cancel() }
        #expect(resolver.pendingCount == 333)
        turn { order.count == 333 }
        #expect(order == (0..<500).filter { $0 % 3 != 1 })
        #expect(resolver.pendingCount == 0)
    }

    @Test("every question that is turned away gets an answer that says so")
    func overloaded() throws {
        let server = try ScriptedServer(on: loop)
        defer { server.close() }
        var options = options([server])
        options.underWayMax = 1
        options.waitingMax = 10
        let resolver = Resolver(options, on: loop)
        let name = try DomainName("example")
        var outcomes: [DNSOutcome] = []
        for _ in 0..<1000 { resolver.ask(name, .srv) { outcomes.append($0.outcome) } }
        turn { outcomes.count == 1000 }
        #expect(outcomes.count { $0 == .overloaded } == 989)
    }
}
