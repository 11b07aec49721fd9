// An engine that is named, as in docker-in-docker and behind a proxy before the socket.

internal import TestSupport
internal import Testing

extension Following {
    // Goal: `DOCKER_HOST=tcp://docker:2375` works wherever Docker's own client would, goes on
    // working when the name has another address, and says what the name was found to be. Method: a
    // real engine behind nginx as operators put one before its socket; an /etc/hosts of the test's
    // own.
    @Suite(.enabled(if: OwnMachine.isPossible, "namespaces are refused, or this is not root"))
    struct EngineNames {
        private static let label = ["--label", "fairlead.host=shop.test"]
        private static let place = ["DOCKER_HOST": "tcp://docker:2375", "FAIRLEAD_DOCKER": "on"]

        private func registry(_ fairlead: Fairlead, _ parts: [String]) throws {
            var stats = ""
            try waitFor("\(parts) of the engine; /stats shows \(stats)") {
                stats = try fairlead.page("/stats").body
                return parts.allSatisfy { stats.contains($0) } ? () : nil
            }
        }

        @Test func `its name is followed to each address that it gets, and no request fails`()
            throws
        {
            try withEngine { stage, engine in
                let one = try EngineProxy(of: engine, on: "127.0.0.41", port: 2375)
                defer { withExtendedLifetime(one) {} }
                let a = try engine.run("aa", Self.label)
                let names = try OwnNames(hosts: "", resolvConf: "nameserver 127.0.0.250\n")
                let fairlead = stage.hold(
                    try Fairlead(
                        command: names.command([
                            Fairlead.program(), "run", "--workers", "1",
                            "--listen", "127.0.0.1:\(try FreePort.take())",
                            "--admin", "127.0.0.1:\(try FreePort.take())",
                        ]), environment: Self.place))
                try registry(
                    fairlead,
                    [
                        "the engine at docker:2375 has no address: ",
                        "let docker.host or DOCKER_HOST have a name that this machine finds",
                    ])
                try names.writeHosts("127.0.0.41 docker\n")
                try fairlead.waitForAnswers(to: "shop.test", by: [a])
                try registry(fairlead, ["\"docker:2375\"", "at 127.0.0.41:2375, Docker "])
                let load = try fairlead.load(on: "shop.test")
                // Nobody is at its next address yet.
                try names.writeHosts("127.0.0.42 docker\n")
                try registry(
                    fairlead,
                    [
                        "the engine at docker:2375 (127.0.0.42) could not be reached: ",
                        "is the engine running, and does it listen there?",
                    ])
                try one.end()
                let two = try EngineProxy(of: engine, on: "127.0.0.42", port: 2375)
                defer { withExtendedLifetime(two) {} }
                let b = try engine.run("bb", Self.label + ["--label", "fairlead.service=aa"])
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b])
                try registry(fairlead, ["at 127.0.0.42:2375, Docker "])
                // The one that answers is found among several, and one that is away is no news.
                try names.writeHosts("127.0.0.43 docker\n127.0.0.42 docker\n")
                try engine.docker("stop", "bb")
                try fairlead.waitForAnswers(to: "shop.test", by: [a])
                try load.stop()
                #expect(load.failures == [], "\(fairlead.process.transcript)")
                #expect(!fairlead.process.errors.contains("127.0.0.43 "))
            }
        }

        @Test func `check and explain find it as well, and the registrar by flag`() throws {
            try withEngine { stage, engine in
                let proxy = try EngineProxy(of: engine, on: "127.0.0.41", port: 2375)
                defer { withExtendedLifetime(proxy) {} }
                _ = try engine.run("aa", ["--publish", "18080:8080"])
                let names = try OwnNames(
                    hosts: "127.0.0.41 docker\n", resolvConf: "nameserver 127.0.0.250\n")
                func run(
                    _ arguments: [String], _ environment: [String: String] = [:]
                ) throws -> RunningProcess {
                    try RunningProcess(
                        names.command([Fairlead.program()] + arguments), environment: environment)
                }
                let folder = stage.hold(try TemporaryFolder())
                func file(_ host: String) throws -> String {
                    try folder.write(
                        "docker: {host: \"tcp://\(host)\"}\nservices: {app: {docker: aa}}\n"
                            + "listeners: [{listen: \":8080\", service: app}]\n",
                        to: "\(host).yaml")
                }
                let check = try run(["check", "--config", file("docker")])
                #expect(try check.waitForExit() == .status(0), "\(check.transcript)")
                let explain = try run(["explain", "app", "--config", file("docker")])
                #expect(try explain.waitForExit() == .status(0), "\(explain.transcript)")
                for part in ["docker:2375 (127.0.0.41:2375)", ":8080"] {
                    #expect(explain.output.contains(part), "\(explain.transcript)")
                }
                let lost = try run(["explain", "app", "--config", file("nowhere")])
                #expect(try lost.waitForExit() == .status(1), "\(lost.transcript)")
                #expect(
                    lost.output.contains("nowhere is not in /etc/hosts"), "\(lost.transcript)")
                let agent = try ConsulStandIn()
                defer { agent.stop() }
                let registrar = try run(
                    ["registrar", "--node", "host-1", "--docker-host", "tcp://docker:2375"],
                    [
                        "CONSUL_HTTP_ADDR": "\(agent.target)",
                        "FAIRLEAD_REGISTRAR_LISTEN": "127.0.0.1:\(try FreePort.take())",
                    ])
                try waitFor("the registration; it said \(registrar.transcript)") {
                    agent.known.instances["node-1/host-1:aa:8080"] != nil ? () : nil
                }
                #expect(registrar.transcript.contains("engine=docker:2375"))
            }
        }
    }
}
