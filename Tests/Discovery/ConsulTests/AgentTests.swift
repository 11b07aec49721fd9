// Goal: agents are preferred in their order, left after a failure and returned to, and watches
// share connections without starving. Method: the pure parts, as tables.

import Lookups
import Random
import TestSupport
import Testing

@testable import Consul

@Suite struct AgentTests {
    private let start = ContinuousClock.now

    @Test("an agent that failed is asked after the others until its back-off is over")
    func order() {
        var random = SplitMix64(seed: 1)
        var agents = [AgentHealth(), AgentHealth(), AgentHealth()]
        #expect(AgentHealth.order(agents, now: start) == [0, 1, 2])
        agents[0].failed(now: start, using: &random)
        #expect(AgentHealth.order(agents, now: start) == [1, 2, 0])
        agents[1].failed(now: start + .milliseconds(400), using: &random)
        agents[2].failed(now: start + .milliseconds(400), using: &random)
        // All have failed: all are asked, the one first that is left for the shortest time.
        let all = AgentHealth.order(agents, now: start + .milliseconds(400))
        #expect(all.sorted() == [0, 1, 2])
        #expect(AgentHealth.order(agents, now: start + .seconds(2)) == [0, 1, 2])
    }

    @Test("back-off doubles up to a minute, and ends with an answer")
    func backOff() {
        var random = SplitMix64(seed: 2)
        var agent = AgentHealth()
        var now = start
        for seconds in [1.0, 2, 4, 8, 16, 32, 60, 60] {
            agent.failed(now: now, using: &random)
            #expect(!agent.isAvailable(now: now + .seconds(seconds * 0.49)))
            #expect(agent.isAvailable(now: now + .seconds(seconds)))
            now += .seconds(seconds)
        }
        agent.answered()
        #expect(agent.isAvailable(now: now))
        agent.failed(now: now, using: &random)
        #expect(agent.isAvailable(now: now + .seconds(1)))
    }

    @Test("after its back-off one request tries an agent, and the others wait for the outcome")
    func trial() {
        var random = SplitMix64(seed: 6)
        var agents = [AgentHealth(), AgentHealth()]
        // One that has not failed is not on trial.
        agents[0].asked(now: start, limit: .seconds(10))
        #expect(AgentHealth.order(agents, now: start) == [0, 1])
        agents[0].failed(now: start, using: &random)
        let later = start + .seconds(1)
        #expect(AgentHealth.order(agents, now: later) == [0, 1])
        agents[0].asked(now: later, limit: .seconds(10))
        #expect(AgentHealth.order(agents, now: later) == [1, 0])
        agents[0].failed(now: later + .seconds(9), using: &random)
        #expect(agents[0].failuresInRow == 2)
        #expect(AgentHealth.order(agents, now: later + .seconds(9.9)) == [1, 0])
        // A trial that is cancelled is over with its time, and one that is answered at once.
        let third = later + .seconds(12)
        agents[0].asked(now: third, limit: .seconds(10))
        #expect(AgentHealth.order(agents, now: third + .seconds(9)) == [1, 0])
        #expect(AgentHealth.order(agents, now: third + .seconds(10)) == [0, 1])
        agents[0].asked(now: third + .seconds(10), limit: .seconds(10))
        agents[0].answered()
        #expect(AgentHealth.order(agents, now: third + .seconds(10)) == [0, 1])
    }

    @Test("requests that break together are one failure")
    func together() {
        var random = SplitMix64(seed: 3)
        var agent = AgentHealth()
        for _ in 0..<100 { agent.failed(now: start, using: &random) }
        #expect(agent.failuresInRow == 1)
        #expect(agent.isAvailable(now: start + .seconds(1)))
    }

    @Test(
        "more watches than connections wait for a shorter time each",
        arguments: [
            (60, 90, 0, 60), (60, 90, 90, 60), (60, 90, 91, 59), (60, 90, 180, 30),
            (60, 90, 5400, 1), (60, 90, 100_000, 1), (1, 1, 2, 1), (600, 1, 2, 300),
        ])
    func waits(seconds: Int, connections: Int, watches: Int, expected: Int) {
        let wait = ConsulAgents.wait(
            .seconds(seconds), connections: connections, watches: watches)
        #expect(wait == .seconds(expected))
    }

    @Test("a token is sent as it is and shown nowhere")
    func token() throws {
        let token = try #require(ConsulToken("b1gs33cr3t\n"))
        #expect(token.secret == "b1gs33cr3t")
        let options = ConsulOptions(agents: [], token: token, ConsulPolicy())
        var dumped = ""
        dump(options, to: &dumped)
        for text in ["\(token)", String(reflecting: token), "\(options)", dumped] {
            #expect(!text.contains("b1gs33cr3t"), "\(text)")
        }
        #expect(token.redacted(from: "no b1gs33cr3t, b1gs33cr3t") == "no [token], [token]")
        for text in ["", "\n", "a b", "a\r\nX: y", "t\u{e9}", "a\tb"] {
            #expect(ConsulToken(text) == nil, "\(text.debugDescription) was taken")
        }
    }

    @Test(
        "a registration is tried again with longer waits, verified, and made again when forgotten")
    func registration() throws {
        var random = SplitMix64(seed: 4)
        var schedule = RegistrationSchedule()
        for seconds in [1.0, 2, 4, 8, 16, 30, 30] {
            guard case .register(let wait) = schedule.failed(using: &random) else {
                Issue.record("it was not registered again")
                return
            }
            #expect(wait >= .seconds(seconds / 2) && wait <= .seconds(seconds))
        }
        guard case .verify(let wait) = schedule.accepted(using: &random) else {
            Issue.record("it was not verified")
            return
        }
        #expect(wait >= .seconds(27) && wait <= .seconds(33))
        // An agent that is away is asked again at the same pace, and nothing is registered again.
        guard case .verify = schedule.failed(using: &random) else {
            Issue.record("it was not verified again")
            return
        }
        #expect(schedule.forgotten() == .register(after: .zero))
        guard case .register(let again) = schedule.failed(using: &random) else {
            Issue.record("it was not registered again")
            return
        }
        #expect(again <= .seconds(1))
    }

    @Test("an end waits for the request under way, then deregisters until it is done")
    func end() {
        var random = SplitMix64(seed: 5)
        var schedule = RegistrationSchedule()
        #expect(schedule.end(isRequestUnderWay: true) == nil)
        #expect(schedule.accepted(using: &random) == .deregister(after: .zero))
        #expect(schedule.failed(using: &random) == .deregister(after: .milliseconds(200)))
        #expect(schedule.deregistered() == .end)

        var idle = RegistrationSchedule()
        _ = idle.accepted(using: &random)
        #expect(idle.end(isRequestUnderWay: false) == .deregister(after: .zero))
        // The agent has forgotten it: that is as good.
        #expect(idle.forgotten() == .end)
    }
}
