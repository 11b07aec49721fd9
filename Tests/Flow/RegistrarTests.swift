// `fairlead registrar` between a real engine and an agent.

internal import FoundationEssentials
internal import Glibc
internal import TestSupport
internal import Testing

extension Following {
    // Goal: the catalogue names what runs, whoever of registrar, engine and agent is killed at
    // whatever point, and what others registered stays as it was. Method: Docker's engine on a
    // machine of the test's own, a stand-in that answers as a Consul agent does, containers that
    // come and go meanwhile; `docker ps` beside the catalogue.
    @Suite(.enabled(if: OwnMachine.isPossible, "namespaces are refused, or this is not root"))
    struct Registering {
        @Test func `killed at ten points, it leaves and finds the catalogue as the engine is`()
            throws
        {
            try withRegistrar { world in
                for number in 1...3 { try world.run("kept\(number)") }
                try world.waitForAgreement("three containers")
                var waits: [UInt32] = []
                for round in 0..<10 {
                    let wait = UInt32.random(in: 0...600)
                    waits.append(wait)
                    // Containers come, go and are born again while it is killed.
                    let moves = try world.move(round)
                    pause(milliseconds: wait)
                    try world.killRegistrar()
                    try moves.waitForExit()
                    if round % 3 == 1 { try world.engine.docker("restart", "-t", "0", "kept1") }
                    try world.startRegistrar()
                    try world.waitForAgreement("round \(round), killed after \(wait) ms")
                }
                print("measured: killed after \(waits) ms, and right each time")
            }
        }

        @Test func `engine, agent and registrar restart in any order`() throws {
            try withRegistrar { world in
                for number in 1...3 { try world.run("kept\(number)") }
                try world.waitForAgreement("three containers")
                let steps: [(String, () throws -> Void)] = [
                    ("engine", world.restartEngine), ("agent", world.restartAgent),
                    ("registrar", world.restartRegistrar),
                ]
                for (round, order) in [
                    [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0],
                ].enumerated() {
                    for step in order { try steps[step].1() }
                    let names = order.map { steps[$0].0 }.joined(separator: ", ")
                    try world.waitForAgreement(names)
                    // All of it while another container comes and one goes.
                    try world.run("new\(round)")
                    try world.engine.docker("rm", "--force", "kept\(round % 3 + 1)")
                    try world.run("kept\(round % 3 + 1)")
                    try world.waitForAgreement("\(names), and then containers")
                }
            }
        }

        @Test func `what it registers a Fairlead finds, and no request fails when one stops`()
            throws
        {
            try withRegistrar { world in
                let a = try world.run("aa")
                let b = try world.run("bb")
                let fairlead = try world.stage.fairlead(
                    ["--consul", "app"],
                    environment: ["FAIRLEAD_CONSUL_AGENTS": "\(world.agent.target)"])
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b])
                let load = try fairlead.load(on: "shop.test")
                try load.awaitMore(20)
                let c = try world.run("cc")
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b, c])
                for name in ["aa", "bb"] {
                    try world.engine.docker("stop", name)
                    try load.awaitMore(50)
                }
                try fairlead.waitForAnswers(to: "shop.test", by: [c])
                let again = try world.engine.docker("start", "aa")
                #expect(again.contains("aa"))
                try fairlead.waitForAnswers(to: "shop.test", by: [a, c])
                try load.stop()
                #expect(load.failures == [], "\(fairlead.process.transcript)")
                let log = world.log
                #expect(log.contains("it was told to stop by signal 15"), "\(log)")
            }
        }

        @Test func `a HEALTHCHECK is a check of Consul's, and what is wrong is shown`() throws {
            try withRegistrar { world in
                let healthy = [
                    "--health-cmd", "test -e /tmp/well", "--health-interval", "300ms",
                    "--health-retries", "1", "--health-start-period", "1m",
                ]
                try world.run("well", healthy + ["--env", "SERVICE_CHEK_TCP=1"])
                func status() -> String? {
                    world.agent.known.instances["node-1/host-1:well:8080"]?.status
                }
                try waitFor("its start") { status() == "warning" ? () : nil }
                try world.engine.docker("exec", "well", "touch", "/tmp/well")
                try waitFor("its health") { status() == "passing" ? () : nil }
                try world.engine.docker("exec", "well", "rm", "/tmp/well")
                try waitFor("its illness") { status() == "critical" ? () : nil }
                let shown = try getAdmin("/services", port: world.statusPort).body
                #expect(shown.contains("SERVICE_CHECK_TCP was meant?"), "\(shown)")
                #expect(shown.contains("\"health\" : \"critical\""), "\(shown)")
                #expect(try getAdmin("/health/ready", port: world.statusPort).status == 200)
                let metrics = try getAdmin("/metrics", port: world.statusPort).body
                #expect(
                    metrics.contains("fairlead_registrar_services{state=\"registered\"} 1"),
                    "\(metrics)")
                // Told to stop, it leaves what it registered.
                try world.endRegistrar()
                #expect(world.agent.known.agentServices.count == 2)
                #expect(world.log.contains("registrar.stopped complete=yes"), "\(world.log)")
            }
        }

        /// Runs a test with a registrar.
        private func withRegistrar(_ test: (RegistrarWorld) throws -> Void) throws {
            try withEngine { stage, engine in
                let world = try RegistrarWorld(stage, engine)
                defer { world.agent.stop() }
                try world.startRegistrar()
                try test(world)
            }
        }
    }
}

/// An engine, an agent with a service of somebody else's, and a registrar between them. One thread.
final class RegistrarWorld {
    private static let foreign = #"{"ID":"db","Name":"db","Port":5432,"Meta":{"by":"hand"}}"#

    let stage: Stage
    let engine: DockerEngine
    private(set) var agent: ConsulStandIn
    let statusPort: UInt16
    private var registrar: RunningProcess?
    /// What those wrote that have ended.
    private var past = ""
    /// What all registrars wrote.
    var log: String { past + (registrar?.transcript ?? "") }

    init(_ stage: Stage, _ engine: DockerEngine) throws {
        self.stage = stage
        self.engine = engine
        agent = try ConsulStandIn()
        statusPort = try FreePort.take()
        registerForeign()
    }

    private func registerForeign() {
        agent.change { _ = $0.registerAtAgent(Array(Self.foreign.utf8)) }
    }

    // MARK: Registrar

    func startRegistrar() throws {
        registrar = try Fairlead.start(
            ["registrar", "--node", "host-1"],
            environment: engine.environment.merging([
                "CONSUL_HTTP_ADDR": "\(agent.target)", "FAIRLEAD_REGISTRAR_RESYNC": "2s",
                "FAIRLEAD_REGISTRAR_LISTEN": "127.0.0.1:\(statusPort)",
            ]) { $1 })
    }

    func killRegistrar() throws {
        try end(SIGKILL)
    }

    /// Ends it as its service manager does.
    func endRegistrar() throws {
        try end(SIGTERM)
    }

    private func end(_ signal: Int32) throws {
        registrar?.signal(signal)
        try registrar?.waitForExit()
        past += registrar?.transcript ?? ""
        registrar = nil
    }

    func restartRegistrar() throws {
        try endRegistrar()
        try startRegistrar()
    }

    // MARK: Engine and agent

    /// Kills it and starts it again; its containers go on.
    func restartEngine() throws {
        try engine.kill()
        try engine.start()
    }

    /// Restarts it without its data; somebody else registers his service again.
    func restartAgent() throws {
        let target = agent.target
        agent.stop()
        agent = try ConsulStandIn(on: target)
        registerForeign()
    }

    // MARK: Containers

    /// Runs a container that publishes its port; returns the first 12 digits of its id.
    @discardableResult
    func run(_ name: String, _ arguments: [String] = []) throws -> String {
        try engine.run(name, ["--publish-all"] + arguments)
    }

    /// Containers come and go for about half a second.
    func move(_ round: Int) throws -> RunningProcess {
        let docker = "/usr/bin/docker --host unix://\(engine.socket)"
        let script = """
            \(docker) run -d -P --name more\(round) app:1
            \(docker) rm -f kept2
            \(docker) stop -t 0 kept3
            \(docker) run -d -P --name kept2 app:1
            \(docker) start kept3
            if [ \(round) -gt 1 ]; then \(docker) rm -f more\(round - 1); fi
            """
        return try RunningProcess(["sh", "-c", script])
    }

    // MARK: Agreement

    /// Name and port of each container that runs, as its engine lists them: `aa 32768`.
    private func running() throws -> Set<String> {
        let list = try engine.docker("ps", "--format", "{{.Names}} {{.Ports}}")
        return Set(
            list.split(separator: "\n").map { line in
                // aa 0.0.0.0:32768->8080/tcp, :::32768->8080/tcp
                let parts = line.split(separator: " ", maxSplits: 1)
                let port = parts.last?.split(separator: ":").dropFirst().first?
                    .prefix { $0.isNumber }
                return "\(parts.first ?? "") \(port ?? "")"
            })
    }

    /// Name and port of each container by the catalogue, without what somebody else registered.
    private func registered() -> Set<String> {
        Set(
            agent.known.instances.values.filter { $0.id != "db" }.map { instance in
                let name = instance.id.split(separator: ":").dropFirst().first ?? ""
                return "\(name) \(instance.port)"
            })
    }

    /// Waits until the catalogue is as the engine is, and sees that all else is as it was.
    func waitForAgreement(_ what: String) throws {
        var last: (Set<String>, Set<String>) = ([], [])
        let begin = ContinuousClock.now
        try waitFor("\(what): runs, registered: \(last):\n\(registrar?.transcript ?? "")") {
            last = (try running(), registered())
            return last.0 == last.1 ? () : nil
        }
        print("measured: \(what): right after \(ContinuousClock.now - begin)")
        #expect(agent.known.agentServices["db"] == Self.foreign)
        #expect(agent.known.instances["node-1/db"]?.meta == ["by": "hand"])
    }
}
