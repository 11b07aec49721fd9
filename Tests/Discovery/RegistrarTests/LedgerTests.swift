// Goal: the agent is brought to what is wanted by the fewest requests, whatever it has forgotten or
// refuses, and nothing that is not ours is ever touched. Method: ledgers that are told what is
// wanted, what the agent holds and what came of each request, with `now` passed in.

import Consul
import Containers
import DockerAPI
import Endpoints
import Lookups
import Testing

@testable import Registrar

@Suite struct LedgerTests {
    private let start = ContinuousClock.now
    private let options = RegistrarOptions(node: "host-1", RegistrarPolicy())

    /// An agent that does what it is told.
    private struct Agent {
        var services: [String: AgentHoldings.Service] = [:]
        var asked: [String] = []

        mutating func take(
            _ ledger: inout RegistrarLedger, _ now: ContinuousClock.Instant, max: Int = 4
        ) {
            while true {
                let actions = ledger.next(now: now, max: max)
                if actions.isEmpty { return }
                for action in actions { perform(action, &ledger, now) }
            }
        }

        mutating func perform(
            _ action: RegistrarLedger.Action, _ ledger: inout RegistrarLedger,
            _ now: ContinuousClock.Instant
        ) {
            switch action {
            case .list:
                asked.append("list")
                ledger.finishList(.success(AgentHoldings(services)), now: now)
            case .find(let id):
                asked.append("find \(id)")
                ledger.finish(action, services[id] == nil ? .unknown : .done, now: now)
            case .register(let service, _):
                asked.append("register \(service.id)")
                hold(service)
                ledger.finish(action, .done, now: now)
            case .report(let report, let id):
                asked.append("report \(id) \(report.status.rawValue)")
                guard var service = services[id], service.checks[report.check] != nil else {
                    return ledger.finish(action, .unknown, now: now)
                }
                service = service.with(report.check, report.status)
                services[id] = service
                ledger.finish(action, .done, now: now)
            case .deregister(let id):
                asked.append("deregister \(id)")
                services[id] = nil
                ledger.finish(action, .done, now: now)
            }
        }

        mutating func hold(_ service: AgentService) {
            var checks: [String: AgentCheck.Status] = [:]
            for check in service.checks {
                checks[check.id ?? "service:\(service.id)"] = check.status ?? .critical
            }
            services[service.id] = .init(
                name: service.name, address: service.address ?? "", port: Int(service.port),
                tags: service.tags, meta: service.meta, checks: checks)
        }

        mutating func takeAsked() -> [String] {
            defer { asked = [] }
            return asked
        }
    }

    private func ships(_ names: [String], _ change: (inout Ship) -> Void = { _ in })
        -> [String: ContainerRegistration]
    {
        var wanted: [String: ContainerRegistration] = [:]
        for name in names {
            var ship = Ship(name: name)
            change(&ship)
            for one in ship.registered().registrations { wanted[one.service.id] = one }
        }
        return wanted
    }

    private func settled(
        _ wanted: [String: ContainerRegistration], _ agent: inout Agent
    ) -> RegistrarLedger {
        var ledger = RegistrarLedger(options, now: start)
        ledger.want(wanted) { _ in "gone" }
        agent.take(&ledger, start)
        _ = agent.takeAsked()
        _ = ledger.takeNews()
        return ledger
    }

    // MARK: -

    @Test func `nothing is written before it is known what the agent holds`() {
        var ledger = RegistrarLedger(options, now: start)
        ledger.want(ships(["a"])) { _ in "" }
        #expect(ledger.next(now: start, max: 4) == [.list])
        #expect(ledger.next(now: start, max: 4) == [])
        ledger.finishList(.success(AgentHoldings()), now: start)
        #expect(ledger.next(now: start, max: 4).map(\.id) == ["host-1:a:80"])
    }

    @Test func `nothing is removed before it is known what runs`() {
        var agent = Agent()
        for one in ships(["a"]).values { agent.hold(one.service) }
        var ledger = RegistrarLedger(options, now: start)
        agent.take(&ledger, start)
        #expect(agent.takeAsked() == ["list"])
        // This life of the process never wanted it, so that no plan names it as different.
        ledger.want([:], changed: []) { _ in "gone" }
        agent.take(&ledger, start)
        #expect(agent.takeAsked() == ["deregister host-1:a:80"])
    }

    @Test func `a process that begins again writes nothing where nothing is different`() {
        var agent = Agent()
        let wanted = ships(["a", "b"]) { $0.health = .healthy }
        _ = settled(wanted, &agent)
        var ledger = RegistrarLedger(options, now: start)
        ledger.want(wanted) { _ in "" }
        agent.take(&ledger, start)
        // What was reported by the last one may run out.
        #expect(
            agent.takeAsked().sorted() == [
                "list", "report host-1:a:80 passing", "report host-1:b:80 passing",
            ])
        #expect(ledger.takeNews() == [])
    }

    @Test func `ghosts go, and what is not ours stays`() {
        var agent = Agent()
        for one in ships(["ghost"]).values { agent.hold(one.service) }
        agent.services["foreign"] = .init(name: "db", port: 5432)
        agent.services["other"] = .init(
            name: "x", meta: [RegistrarOptions.ownerKey: "host-2"])
        let before = agent.services
        _ = settled(ships(["a"]), &agent)
        #expect(agent.services.keys.sorted() == ["foreign", "host-1:a:80", "other"])
        #expect(agent.services["foreign"] == before["foreign"])
        #expect(agent.services["other"] == before["other"])
    }

    @Test func `an id that somebody else has is left to him, also when it is wanted later`() {
        var agent = Agent()
        agent.services["host-1:a:80"] = .init(name: "theirs", port: 1)
        var ledger = settled(ships(["b"]), &agent)
        ledger.want(ships(["a", "b"])) { _ in "" }
        agent.take(&ledger, start)
        #expect(agent.takeAsked() == [])
        #expect(agent.services["host-1:a:80"]?.name == "theirs")
        guard case .conflict? = ledger.takeNews().first else {
            Issue.record("it is not told")
            return
        }
        // It is ours once the other has gone.
        agent.services["host-1:a:80"] = nil
        agent.take(&ledger, start + .seconds(61))
        #expect(agent.services["host-1:a:80"]?.name == "nginx")
    }

    @Test(
        "what a Registrator has left is taken over only where that is wanted",
        arguments: [true, false])
    func adopted(adopts: Bool) {
        var options = options
        options.policy.adoptsRegistrator = adopts
        var agent = Agent()
        for id in ["host-1:a:80", "host-1:old:53:udp", "host-2:a:80", "consul"] {
            agent.services[id] = .init(name: "theirs")
        }
        var ledger = RegistrarLedger(options, now: start)
        ledger.want(ships(["a"])) { _ in "gone" }
        agent.take(&ledger, start)
        #expect(agent.services["host-1:a:80"]?.name == (adopts ? "nginx" : "theirs"))
        #expect((agent.services["host-1:old:53:udp"] == nil) == adopts)
        #expect(agent.services["host-2:a:80"]?.name == "theirs")
        #expect(agent.services["consul"]?.name == "theirs")
    }

    // MARK: Order

    @Test func `removals go first, then registrations, then reports`() {
        var agent = Agent()
        var ledger = settled(
            ships(["gone", "kept"]).merging(ships(["well"]) { $0.health = .healthy }) { $1 },
            &agent)
        var wanted = ships(["kept", "new"])
        wanted.merge(ships(["well"]) { $0.health = .starting }) { $1 }
        ledger.want(wanted) { _ in "told to stop" }
        agent.take(&ledger, start, max: 1)
        #expect(
            agent.takeAsked() == [
                "deregister host-1:gone:80", "register host-1:new:80",
                "report host-1:well:80 warning",
            ])
        let news = ledger.takeNews()
        #expect(
            news.first
                == .deregistered(id: "host-1:gone:80", name: "nginx", cause: "told to stop"))
    }

    @Test func `one request of an id is under way at a time, and the last wish counts`() {
        var agent = Agent()
        var ledger = settled([:], &agent)
        ledger.want(ships(["a"])) { _ in "" }
        let first = ledger.next(now: start, max: 4)
        #expect(first.count == 1)
        // Stopped before the agent has answered.
        ledger.want([:]) { _ in "stopped" }
        #expect(ledger.next(now: start, max: 4) == [])
        agent.perform(first[0], &ledger, start)
        agent.take(&ledger, start)
        #expect(agent.services.isEmpty)
    }

    @Test func `a list says nothing of what was written after it was asked for`() {
        var agent = Agent()
        var ledger = settled([:], &agent)
        let late = start + .seconds(61)
        #expect(ledger.next(now: late, max: 1) == [.list])
        ledger.want(ships(["a"])) { _ in "" }
        for action in ledger.next(now: late, max: 1) { agent.perform(action, &ledger, late) }
        ledger.finishList(.success(AgentHoldings()), now: late)
        agent.take(&ledger, late)
        #expect(agent.takeAsked().prefix(1) == ["register host-1:a:80"])
        #expect(!ledger.takeNews().contains { if case .forgotten = $0 { true } else { false } })
    }

    // MARK: What the agent loses

    @Test func `an agent that has forgotten all is found out and told all again`() {
        var agent = Agent()
        var ledger = settled(ships(["a", "b"]), &agent)
        agent.services = [:]
        let now = start + RegistrarLedger.findInterval
        #expect(ledger.nextDeadline(now: start) == now)
        agent.take(&ledger, now)
        #expect(agent.services.count == 2)
        #expect(agent.takeAsked().prefix(2) == ["find host-1:a:80", "list"])
        let news = ledger.takeNews()
        #expect(news.first == .forgotten(2, of: 2))
        #expect(
            news.contains { if case .registered(_, .forgotten) = $0 { true } else { false } })
    }

    @Test func `what is different at the agent is put right`() throws {
        var agent = Agent()
        let wanted = ships(["a"]) { $0.health = .healthy }
        var ledger = settled(wanted, &agent)
        let held = try #require(agent.services["host-1:a:80"])
        agent.services["host-1:a:80"] = .init(
            name: held.name, address: held.address, port: 1, tags: held.tags, meta: held.meta,
            checks: held.checks)
        agent.take(&ledger, start + .seconds(61))
        #expect(agent.services["host-1:a:80"]?.port == 8080)
        // A check that is missing is such a difference.
        agent.services["host-1:a:80"] = .init(
            name: held.name, address: held.address, port: held.port, tags: held.tags,
            meta: held.meta)
        agent.take(&ledger, start + .seconds(122))
        #expect(agent.services["host-1:a:80"]?.checks.count == 1)
    }

    @Test func `a check goes on in the state that it was in`() {
        var agent = Agent()
        let wanted = ships(["a"]) { $0.variables = ["SERVICE_CHECK_TCP": "1"] }
        var ledger = settled(wanted, &agent)
        #expect(agent.services["host-1:a:80"]?.checks.values.first == .critical)
        agent.services["host-1:a:80"] = agent.services["host-1:a:80"]?
            .with("service:host-1:a:80", .passing)
        agent.take(&ledger, start + .seconds(61))
        agent.services = [:]
        agent.take(&ledger, start + .seconds(122))
        #expect(agent.services["host-1:a:80"]?.checks.values.first == .passing)
        // Another container is another matter.
        ledger.want(
            ships(["a"]) {
                $0.variables = ["SERVICE_CHECK_TCP": "1"]
                $0.id = "2"
            }
        ) { _ in "" }
        agent.take(&ledger, start + .seconds(123))
        #expect(agent.services["host-1:a:80"]?.checks.values.first == .critical)
    }

    @Test func `checks of a service in maintenance are left`() {
        var agent = Agent()
        var ledger = settled(ships(["a"]), &agent)
        agent.services["host-1:a:80"] = agent.services["host-1:a:80"]?
            .with("_service_maintenance:host-1:a:80", .critical)
        agent.take(&ledger, start + .seconds(61))
        ledger.want(ships(["a"]) { $0.variables = ["SERVICE_TAGS": "x"] }) { _ in "" }
        let actions = ledger.next(now: start + .seconds(62), max: 4)
        guard case .register(_, replacesChecks: false)? = actions.first else {
            Issue.record("found \(actions)")
            return
        }
    }

    // MARK: Reports

    @Test func `reports are renewed within a third of their life, spread`() {
        var agent = Agent()
        let names = (0..<100).map { "c\($0)" }
        let wanted = ships(names) { $0.health = .healthy }
        var ledger = settled(wanted, &agent)
        var early = 0
        for second in 1...20 {
            agent.take(&ledger, start + .seconds(second))
            early += second < 15 ? agent.takeAsked().filter { $0.hasPrefix("report") }.count : 0
        }
        #expect(early == 0)
        // From 15 s to 20 s all have been.
        #expect(agent.asked.filter { $0.hasPrefix("report") }.count == 100)
        #expect(ledger.takeNews() == [])
    }

    @Test func `a change of health is one report, and unhealthy no dead man`() {
        var agent = Agent()
        var ledger = settled(ships(["a"]) { $0.health = .starting }, &agent)
        ledger.want(ships(["a"]) { $0.health = .healthy }) { _ in "" }
        agent.take(&ledger, start)
        #expect(agent.takeAsked() == ["report host-1:a:80 passing"])
        #expect(ledger.takeNews().count == 1)
        ledger.want(ships(["a"]) { $0.health = .unhealthy }) { _ in "" }
        agent.take(&ledger, start)
        #expect(
            agent.takeAsked() == ["register host-1:a:80", "report host-1:a:80 critical"])
    }

    @Test func `a report on what the agent has forgotten has all of it looked at`() {
        var agent = Agent()
        var ledger = settled(ships(["a", "b"]) { $0.health = .healthy }, &agent)
        agent.services = [:]
        ledger.renewReports(now: start)
        agent.take(&ledger, start, max: 1)
        #expect(agent.services.count == 2)
        #expect(agent.asked.contains("list"))
    }

    // MARK: Failures

    @Test func `an agent that is away is asked again after longer and longer waits`() {
        var agent = Agent()
        var ledger = settled([:], &agent)
        ledger.want(ships(["a"])) { _ in "" }
        let actions = ledger.next(now: start, max: 4)
        ledger.finish(actions[0], .failed(.unreachable("x")), now: start)
        #expect(ledger.takeNews() == [.agentFailed(.unreachable("x"))])
        var now = start
        for wait in [250, 500, 1000, 2000, 4000, 5000, 5000] {
            #expect(ledger.next(now: now, max: 4) == [])
            let deadline = ledger.nextDeadline(now: now)
            #expect(deadline == now + .milliseconds(wait))
            now += .milliseconds(wait)
            #expect(ledger.next(now: now, max: 4) == [.list])
            ledger.finishList(.failure(.unreachable("x")), now: now)
        }
        agent.take(&ledger, now + .seconds(5))
        #expect(agent.takeAsked().prefix(2) == ["list", "register host-1:a:80"])
        #expect(ledger.takeNews().first == .agentAnswers)
    }

    @Test func `a service that is refused holds up no other`() {
        var agent = Agent()
        var ledger = settled([:], &agent)
        ledger.want(ships(["a", "b"])) { _ in "" }
        let refusal = ConsulFailure.status(403, "Permission denied")
        for action in ledger.next(now: start, max: 4) {
            if action.id == "host-1:a:80" {
                ledger.finish(action, .failed(refusal), now: start)
            } else {
                agent.perform(action, &ledger, start)
            }
        }
        #expect(agent.services.keys.sorted() == ["host-1:b:80"])
        #expect(ledger.rows.first?.failure == refusal)
        #expect(ledger.agentFailure == nil)
        #expect(ledger.next(now: start, max: 4) == [])
        let news = ledger.takeNews()
        #expect(news.contains(.refused(id: "host-1:a:80", name: "nginx", refusal)))
        agent.take(&ledger, start + .seconds(1))
        #expect(agent.services.count == 2)
        #expect(ledger.rows.first?.failure == nil)
    }

    @Test func `nothing happens where nothing is to be done`() {
        var agent = Agent()
        var ledger = settled(ships(["a"]), &agent)
        #expect(ledger.isSettled(now: start))
        ledger.want(ships(["a"])) { _ in "" }
        agent.take(&ledger, start + .seconds(1))
        #expect(agent.takeAsked() == [])
    }
}

extension AgentHoldings.Service {
    func with(_ check: String, _ status: AgentCheck.Status) -> Self {
        Self(
            name: name, address: address, port: port, tags: tags, meta: meta,
            checks: checks.merging([check: status]) { $1 })
    }
}
