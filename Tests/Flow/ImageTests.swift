// The image: what `conf/package image` makes of the program, in a real engine.

internal import TestSupport
internal import Testing

extension Following {
    // Goal: the image serves with nothing but its environment, as nobody in particular, with a root
    // that can't be written and without one capability, and the engine knows how it is. Method: the
    // image is made of the built program, and containers run in Docker's engine on a machine of the
    // test's own; Compose runs conf/containers/compose.yaml as it is.
    @Suite(.enabled(if: OwnMachine.isPossible, "namespaces are refused, or this is not root"))
    struct Image {
        /// All that a container can be denied.
        private static let denied = [
            "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        ]

        /// Makes the image `fairlead` in an engine.
        private func makeImage(_ engine: DockerEngine) throws {
            let maker = try RunningProcess(
                ["\(PackageFolder.path)/conf/package", "image"],
                // Another client of this name may be before Docker's own in the path.
                environment: engine.environment.merging([
                    "FAIRLEAD_PROGRAM": try Fairlead.program(), "PATH": "/usr/sbin:/usr/bin",
                ]) { $1 })
            let exit = try maker.waitForExit(limit: .seconds(120))
            guard exit == .status(0) else {
                throw FlowError("conf/package image: \(exit):\n\(maker.transcript)")
            }
        }

        /// What is printed of a container by a template.
        private func inspect(
            _ engine: DockerEngine, _ container: String, _ template: String
        ) throws -> String {
            try engine.docker("inspect", "--format", template, container).filter { $0 != "\n" }
        }

        @Test func `a container without rights serves, is known to be healthy, and stops in order`()
            throws
        {
            try withEngine { _, engine in
                try makeImage(engine)
                let backend = try engine.run("backend")
                let address = try inspect(engine, backend, "{{.NetworkSettings.IPAddress}}")
                let port = try FreePort.take()
                try engine.docker(
                    ["run", "--detach", "--name", "edge", "--publish", "\(port):80"] + Self.denied
                        + [
                            "--env", "FAIRLEAD_LISTEN=:80", "--env",
                            "FAIRLEAD_BACKEND=\(address):8080", "--health-interval", "200ms",
                            "fairlead",
                        ])
                try waitFor("the first answer") { () -> Void? in
                    (try? get(port: port).body) == backend ? () : nil
                }
                try waitFor("the engine to call it healthy") {
                    try inspect(engine, "edge", "{{.State.Health.Status}}") == "healthy" ? () : nil
                }
                let id = try inspect(engine, "edge", "{{.State.Pid}}")
                let status = try engine.machine.run("cat", "/proc/\(id)/status")
                #expect(status.contains("Uid:\t65532\t65532\t65532\t65532"))
                #expect(status.contains("CapEff:\t0000000000000000"))
                // Nobody listens at its only backend: no readiness.
                try engine.docker(
                    ["run", "--detach", "--name", "lonely"] + Self.denied + [
                        "--env", "FAIRLEAD_LISTEN=:80", "--env", "FAIRLEAD_BACKEND=127.0.0.1:9",
                        "--health-interval", "200ms", "--health-start-period", "1ms", "fairlead",
                    ])
                try waitFor("the engine to call it unhealthy") {
                    try inspect(engine, "lonely", "{{.State.Health.Status}}") == "unhealthy"
                        ? () : nil
                }
                let log = try inspect(engine, "lonely", "{{json .State.Health.Log}}")
                #expect(log.contains("not ready"), "\(log)")
                try engine.docker("stop", "edge")
                #expect(try inspect(engine, "edge", "{{.State.ExitCode}}") == "0")
                #expect(try engine.docker("run", "--rm", "fairlead", "--version").count > 3)
            }
        }

        @Test func `one command of Compose brings Fairlead and what it finds by labels`() throws {
            try withEngine { _, engine in
                try makeImage(engine)
                let group = try RunningProcess.run(["stat", "--format", "%g", engine.socket])
                let port = try FreePort.take()
                let environment = engine.environment.merging([
                    "DOCKER_SOCKET": engine.socket, "DOCKER_GROUP": group.filter { $0 != "\n" },
                    "PORT": "\(port)",
                ]) { $1 }
                let compose = { (arguments: [String]) in
                    let file = "\(PackageFolder.path)/conf/containers/compose.yaml"
                    let process = try RunningProcess(
                        ["docker-compose", "--no-ansi", "--file", file] + arguments,
                        environment: environment)
                    let exit = try process.waitForExit(limit: .seconds(60))
                    #expect(exit == .status(0), "\(process.transcript)")
                }
                try compose(["up", "--detach"])
                let bodies = { (count: Int) in
                    Set(try (0..<count).map { _ in try get(port: port).body })
                }
                try waitFor("the first answer") { () -> Void? in
                    (try? get(port: port))?.status == 200 ? () : nil
                }
                try compose(["up", "--detach", "--scale", "web=3"])
                try waitFor("three to answer") { try bodies(9).count == 3 ? () : nil }
                let id = try engine.docker(
                    "ps", "--quiet", "--filter", "label=com.docker.compose.service=fairlead")
                let user = try inspect(
                    engine, id.filter { $0 != "\n" }, "{{.Config.User}} {{.HostConfig.CapDrop}}")
                #expect(user == "65532:65532 [ALL]")
                try compose(["down"])
            }
        }
    }
}
