// Goal: an agent holds what an engine runs, whatever becomes of engine, agent and registrar, and
// never a bit more or less. Method: a stand-in engine on a Unix socket, a stand-in agent that
// answers as Consul does, and a registrar between them in a loop that the test turns.

import Consul
import Containers
import Docker
import Endpoints
import Events
import Lookups
import TestSupport
import Testing

@testable import Registrar

@Suite final class RegistrarTests {
    private let loop = EventLoop()
    private let engine: StandInEngine
    private let agent: ConsulStandIn
    private var registrar: Registrar?
    private var news: [RegistrarNews] = []

    init() throws {
        engine = try StandInEngine(on: loop, name: "registrar")
        agent = try ConsulStandIn()
    }

    deinit {
        engine.stop()
        agent.stop()
    }

    private func turn(
        until what: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () -> Bool
    ) {
        guard !loop.turn(until: condition) else { return }
        Issue.record("gave up waiting until \(what); held: \(held)", sourceLocation: sourceLocation)
    }

    private func turn(for duration: Duration) { loop.turn(for: duration) }

    private func start(
        token: String? = nil, _ change: (inout RegistrarPolicy) -> Void = { _ in }
    ) {
        registrar = nil
        var docker = DockerOptions(.target(engine.target))
        docker.answerTimeout = .seconds(5)
        var asking = ConsulPolicy()
        asking.answerTimeout = .seconds(2)
        let agents = ConsulAgents(
            ConsulOptions(
                agents: [ConsulAgentPlace(agent.target)], token: token.flatMap { ConsulToken($0) },
                asking),
            on: loop)
        var policy = RegistrarPolicy()
        policy.resync = .seconds(1)
        change(&policy)
        let registrar = Registrar(
            RegistrarOptions(node: "host-1", policy),
            engine: DockerWatch(docker, on: loop), agents: agents, on: loop
        ) { [unowned self] in news += $0 }
        self.registrar = registrar
        registrar.start()
    }

    /// The ids of the services that the agent holds.
    private var held: [String] { agent.known.agentServices.keys.sorted() }

    @discardableResult
    private func run(_ number: Int, _ name: String, health: String = "none") -> String {
        engine.run(number, name) {
            $0.image = "nginx:1"
            $0.published = 20_000 + number
            $0.health = health
        }
    }

    // MARK: -

    @Test func `a container that starts is registered, and one that is killed is not`() {
        start()
        turn(until: "the agent was asked") { registrar?.troubles.isEmpty == true }
        let id = run(1, "web1")
        turn(until: "it is registered") { held == ["host-1:web1:80"] }
        let known = agent.known
        #expect(known.instances["node-1/host-1:web1:80"]?.port == 20_001)
        #expect(known.instances["node-1/host-1:web1:80"]?.service == "nginx")
        // The process still runs.
        engine.kill(id)
        turn(until: "it is not") { held == [] }
        turn(until: "it is told") {
            news.contains(
                .deregistered(
                    id: "host-1:web1:80", name: "nginx",
                    cause: "it was told to stop by signal 15"))
        }
        engine.die(id)
        turn(for: .milliseconds(100))
        #expect(held == [])
        engine.change(id, "start") { $0.state = "running" }
        turn(until: "it is back") { held == ["host-1:web1:80"] }
        engine.change(id, "pause") { $0.state = "paused" }
        turn(until: "it is paused") { held == [] }
        engine.change(id, "unpause") { $0.state = "running" }
        turn(until: "it goes on") { held == ["host-1:web1:80"] }
    }

    @Test func `health is in the catalogue at once`() {
        start()
        let id = run(1, "web1", health: "starting")
        func status() -> String? { agent.known.instances["node-1/host-1:web1:80"]?.status }
        turn(until: "it is a warning") { status() == "warning" }
        #expect(agent.known.instances["node-1/host-1:web1:80"]?.warningWeight == 0)
        for (health, wanted) in [
            ("healthy", "passing"), ("unhealthy", "critical"), ("healthy", "passing"),
        ] {
            engine.change(id, "health_status: \(health)") { $0.health = health }
            turn(until: "it is \(wanted)") { status() == wanted }
        }
    }

    @Test func `without reports the agent takes the service away, and gets it back`() {
        run(1, "web1", health: "healthy")
        run(2, "db1")
        agent.change { $0.removalFloor = .milliseconds(100) }
        start {
            $0.reportLife = .seconds(1)
            $0.deregisterAfter = .milliseconds(100)
        }
        turn(until: "both are there") { held.count == 2 }
        turn(for: .seconds(2))
        #expect(held.count == 2)
        #expect(agent.known.instances["node-1/host-1:web1:80"]?.status == "passing")
        // As by kill -9: the dead man's switch takes what is reported, and leaves what is not.
        registrar = nil
        turn(until: "its reports have run out") { held == ["host-1:db1:80"] }
        start()
        turn(until: "it is back") { held.count == 2 }
    }

    @Test func `what the agent forgets is registered again, and what is foreign is left`() {
        agent.change { world in
            _ = world.registerAtAgent(Array(#"{"ID":"db","Name":"db","Port":5432}"#.utf8))
        }
        for number in 1...5 { run(number, "web\(number)") }
        start()
        turn(until: "all are registered") { held.count == 6 }
        agent.change { world in
            world.restart()
            _ = world.registerAtAgent(Array(#"{"ID":"db","Name":"db","Port":5432}"#.utf8))
        }
        agent.closeConnections()
        turn(until: "all are registered again") { held.count == 6 }
        // One that somebody removes, and one that nobody wants.
        agent.change { world in
            _ = world.deregisterAtAgent(id: "host-1:web3:80")
            _ = world.registerAtAgent(
                Array(
                    #"{"ID":"host-1:old:80","Name":"old","Meta":{"fairlead-registrar":"host-1"}}"#
                        .utf8))
        }
        turn(until: "both are put right") {
            held.contains("host-1:web3:80") && !held.contains("host-1:old:80")
        }
        #expect(agent.known.agentServices["db"] == #"{"ID":"db","Name":"db","Port":5432}"#)
        #expect(news.contains(.forgotten(1, of: 5)))
    }

    @Test func `an engine that goes away takes nothing away, and is caught up with`() throws {
        let first = run(1, "web1", health: "healthy")
        run(2, "web2")
        start()
        turn(until: "both are registered") { held.count == 2 }
        engine.stop()
        turn(until: "it is noticed") { registrar?.troubles.isEmpty == false }
        engine.containers[first] = nil
        turn(for: .milliseconds(300))
        #expect(held.count == 2)
        run(3, "web3")
        try engine.listen()
        turn(until: "all is as it is") { held == ["host-1:web2:80", "host-1:web3:80"] }
        turn(until: "it is told") {
            news.contains(
                .deregistered(
                    id: "host-1:web1:80", name: "nginx", cause: "its container is no more"))
        }
    }

    @Test func `an agent that is away at first is told all when it comes`() {
        agent.change { $0.lie = .reset }
        run(1, "web1")
        start()
        turn(until: "it is noticed") {
            news.contains { if case .agentFailed = $0 { true } else { false } }
        }
        #expect(registrar?.troubles.count ?? 0 > 0)
        agent.change { $0.lie = nil }
        turn(until: "it is registered") { held == ["host-1:web1:80"] }
        turn(until: "all is well") { registrar?.troubles.isEmpty == true }
    }

    @Test func `the token goes with each request, and what it may not do is told`() {
        agent.change {
            $0.lie = .status(403, "Permission denied")
            $0.liesTo = "register"
        }
        run(1, "web1")
        start(token: "secret-token")
        turn(until: "it is refused") { registrar?.rows.first?.failure != nil }
        let text = registrar?.rows.first?.failure.map { "\($0)" } ?? ""
        #expect(text.contains("service:write") && text.contains("403"), "\(text)")
        #expect(!text.contains("secret-token"))
        #expect(agent.seen.allSatisfy { $0.token == "secret-token" })
        #expect(registrar?.troubles == [])
        agent.change { $0.lie = nil }
        turn(until: "it is registered") { held.count == 1 }
    }

    @Test func `what a token may not write keeps nothing else from being registered`() {
        agent.change { $0.tokens = ["secret-token": .init(writes: ["nginx"])] }
        let web = run(1, "web1", health: "healthy")
        engine.run(2, "db1") {
            $0.variables = ["SERVICE_NAME=db"]
            $0.published = 20_002
        }
        start(token: "secret-token")
        turn(until: "one is registered") { held == ["host-1:web1:80"] }
        func failure(_ id: String) -> String {
            registrar?.rows.first { $0.id == id }?.failure.map { "\($0)" } ?? ""
        }
        turn(until: "the other is refused") { !failure("host-1:db1:80").isEmpty }
        let text = failure("host-1:db1:80")
        #expect(text.contains(#"lacks permission 'service:write' on "db""#), "\(text)")
        engine.change(web, "health_status: unhealthy") { $0.health = "unhealthy" }
        turn(until: "its report is taken") {
            agent.known.instances["node-1/host-1:web1:80"]?.status == "critical"
        }
        #expect(registrar?.troubles == [])
        // The policy is mended, and the token found again by itself.
        agent.change { $0.tokens = ["secret-token": .init(writes: [""])] }
        turn(until: "both are registered") { held == ["host-1:db1:80", "host-1:web1:80"] }
        // A token that is revoked is trouble with the agent, and takes nothing away.
        let registrations = agent.known.agentRegistrations
        agent.change { $0.tokens = [:] }
        turn(until: "it is noticed") {
            registrar?.troubles.contains { $0.contains("ACL not found") } == true
        }
        #expect(held.count == 2)
        agent.change { $0.tokens = ["secret-token": .init(writes: [""])] }
        turn(until: "all is well") { registrar?.troubles.isEmpty == true }
        #expect(agent.known.agentRegistrations == registrations)
    }

    @Test func `five hundred containers are registered at a pace, and once`() {
        for number in 1...500 { run(number, "web\(number)") }
        let began = ContinuousClock.now
        start { $0.rate = 400 }
        turn(until: "all are registered") { held.count == 500 }
        let took = ContinuousClock.now - began
        // A burst of twenty, and 400 a second.
        #expect(took > .milliseconds(1100), "\(took)")
        // Some are still being closed.
        #expect(agent.connectionsMost <= 12)
        turn(for: .milliseconds(1500))
        #expect(agent.known.agentRegistrations == 500)
        // The next life of the process writes nothing.
        registrar = nil
        start()
        turn(until: "it knows all") { registrar?.rows.filter(\.isHeld).count == 500 }
        turn(for: .milliseconds(200))
        #expect(agent.known.agentRegistrations == 500)
    }

    @Test("at the end registrations stay or go", arguments: RegistrarPolicy.Ending.allCases)
    func ends(ending: RegistrarPolicy.Ending) {
        agent.change { world in
            _ = world.registerAtAgent(Array(#"{"ID":"db","Name":"db","Port":5432}"#.utf8))
        }
        run(1, "web1", health: "healthy")
        run(2, "web2")
        start { $0.ending = ending }
        turn(until: "both are registered") { held.count == 3 }
        turn(until: "all is settled") { registrar?.rows.allSatisfy(\.isHeld) == true }
        let reports = agent.known.agentReports
        var ended: Bool?
        registrar?.stop { ended = $0 }
        turn(until: "it has ended") { ended != nil }
        #expect(ended == true)
        #expect(held.count == (ending == .leave ? 3 : 1))
        if ending == .leave { #expect(agent.known.agentReports == reports + 1) }
    }
}
