// The address for health and metrics alone, and routes that answer with the process's health: what
// kubelets, load balancers and Prometheus ask for.

internal import Glibc
internal import Synchronization
internal import TestSupport
import Testing

extension Flow {
    // Goal: everybody who reaches the address learns the health and the metrics, and nobody can do
    // or learn anything else there; it moves with the configuration and stays open over an upgrade.
    // Method: requests as probes send them; the file edited and SIGHUP; SIGUSR2 under probes.
    @Suite struct HealthPort {
        private static let token = "correct-horse-battery"

        /// A file with these further lines.
        private func text(_ lines: String, _ port: UInt16, backend: UInt16) -> String {
            """
            workers: 1
            stop-delay: 1s
            admin: off
            \(lines)
            services: {web: {backends: ["127.0.0.1:\(backend)"]}}
            listeners:
              - listen: "127.0.0.1:\(port)"
                service: web
                routes:
                  - {path: /up, respond: {health: ready}}
                  - {path: /alive, respond: {health: live}}

            """
        }

        /// Fairlead with such a file, the port of its listener and that of its health.
        private func fairlead(
            _ stage: Stage, backend: UInt16
        ) throws -> (fairlead: Fairlead, port: UInt16, health: UInt16) {
            let folder = stage.hold(try TemporaryFolder())
            let (port, health) = (try FreePort.take(), try FreePort.take())
            let file = try folder.write(
                text("health: 127.0.0.1:\(health)", port, backend: backend), to: "f.yaml")
            let fairlead = stage.hold(
                try Fairlead(arguments: ["run", "--config", file], hasAdmin: false))
            return (fairlead, port, health)
        }

        private func waitForStatus(_ status: Int, _ path: String, port: UInt16) throws {
            try waitFor("status \(status) of \(path)") {
                (try? get(path, port: port))?.status == status ? () : nil
            }
        }

        @Test func `it has health and metrics, and nothing else, for everybody`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let port = try FreePort.take()
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(web[0].port)", "--health", "127.0.0.1:\(port)"],
                    environment: ["FAIRLEAD_ADMIN_TOKEN": Self.token])
                try waitForStatus(200, "/health/ready", port: port)
                #expect(try get("/health/live", port: port).body == "live\n")
                // As a Prometheus asks, by a name of its own, and as a proxy passes it on.
                let fields = ["Accept: application/openmetrics-text", "Via: 1.1 lb"]
                let metrics = try get("/metrics", port: port, headers: fields)
                #expect(metrics.status == 200 && metrics.body.contains("fairlead_ready 1"))
                let head = try HTTPConnection(port: port)
                try head.socket.send("HEAD /health/ready HTTP/1.0\r\n\r\n")
                let answer = String(decoding: try head.socket.receiveToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("\r\n\r\n"))

                for path in ["/", "/stats", "/config", "/openapi.json", "/backends", "/events"] {
                    let answer = try get(path, port: port)
                    #expect(answer.status == 404, "\(path)")
                    #expect(answer.body.contains("one of /metrics, /health/live, /health/ready"))
                }
                for path in ["/reload", "/log-level?level=debug"] {
                    let answer = try HTTPConnection(port: port).request("POST", path)
                    #expect(answer.status == 404, "\(path)")
                }
                for path in ["/metrics", "/health/ready"] {
                    let answer = try HTTPConnection(port: port).request(
                        "POST", path, headers: ["Content-Length: 0"])
                    #expect(answer.status == 405 && answer["allow"] == "GET, HEAD", "\(path)")
                }
                // The admin port still wants its token.
                #expect(try fairlead.page("/metrics").status == 401)
            }
        }

        @Test func `connections that say nothing do not keep probes out`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let port = try FreePort.take()
                _ = try stage.fairlead([
                    "--backend", "127.0.0.1:\(web[0].port)", "--health", "127.0.0.1:\(port)",
                ])
                try waitForStatus(200, "/health/ready", port: port)
                let silent = try (0..<200).map { _ in try RawSocket(port: port) }
                for _ in 0..<10 { #expect(try get("/health/live", port: port).status == 200) }
                withExtendedLifetime(silent) {}
            }
        }

        @Test func `a reload adds, moves and removes it, or is refused and changes nothing`() throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let folder = stage.hold(try TemporaryFolder())
                let (port, first, second) = (
                    try FreePort.take(), try FreePort.take(), try FreePort.take()
                )
                func write(_ lines: String) throws -> String {
                    try folder.write(text(lines, port, backend: web[0].port), to: "f.yaml")
                }
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", write("")], hasAdmin: false))
                func reload(_ lines: String) throws {
                    _ = try write(lines)
                    fairlead.process.signal(SIGHUP)
                }
                try reload("health: 127.0.0.1:\(first)")
                try waitForStatus(200, "/health/ready", port: first)
                try reload("health: 127.0.0.1:\(second)")
                try waitForStatus(200, "/health/ready", port: second)
                #expect(throws: (any Error).self) { try get("/health/live", port: first) }
                // A part of the other, which the kernel does not give beside it.
                try reload("health: :\(second)")
                try fairlead.process.waitForOutput(
                    containing: "health.open listen=[::]:\(second)")
                #expect(try get("/health/ready", port: second).status == 200)
                // Another program has it.
                try reload("health: 127.0.0.1:\(web[0].port)")
                try fairlead.process.waitForOutput(
                    containing: "health.listen: cannot listen on 127.0.0.1:\(web[0].port)")
                #expect(try get("/health/ready", port: second).status == 200)
                try reload("")
                try fairlead.process.waitForOutput(
                    containing: "health.closed listen=[::]:\(second)")
                #expect(throws: (any Error).self) { try get("/health/live", port: second) }
                #expect(try get(port: port).body == "one")
            }
        }

        @Test func `it speaks TLS by certificates that are followed, until a reload ends it`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let folder = stage.hold(try TemporaryFolder())
                let files = stage.hold(try CertificateFiles())
                let authority = stage.hold(try CertificateAuthority())
                try authority.issue("prometheus", to: "/CN=prometheus")
                try files.make("health", for: ["localhost"])
                let (port, health) = (try FreePort.take(), try FreePort.take())
                func write(_ tls: String) throws -> String {
                    try folder.write(
                        text(
                            "health: {listen: \"127.0.0.1:\(health)\"\(tls)}", port,
                            backend: web[0].port), to: "f.yaml")
                }
                let tls = ", tls: {certificates: \(files.path("health"))}"
                let file = try write(tls)
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", file], hasAdmin: false))
                func ask(_ options: String...) throws -> (exit: RunningProcess.Exit, said: String) {
                    let process = try RunningProcess(
                        ["curl", "-sS", "--max-time", "20", "--cacert", files.path("health")]
                            + options + ["https://localhost:\(health)/metrics"])
                    return (try process.waitForExit(), process.output)
                }
                try waitFor("an answer") {
                    try ask().said.contains("fairlead_ready 1") ? () : nil
                }
                #expect(try get("/health/ready", port: health).status == 400)
                let ready = try Fairlead.start(["ready", "--config", file])
                #expect(try ready.waitForExit() == .status(0), "\(ready.transcript)")

                // The file alone has changed: the old certificate is trusted no more.
                try files.make("health", for: ["localhost"])
                try waitFor("the new certificate") {
                    try ask().exit == .status(0) ? () : nil
                }
                _ = try write(
                    tls.dropLast()
                        + ", client-certificates: {mode: required, ca-file: \(authority.path)}}")
                fairlead.process.signal(SIGHUP)
                try waitFor("clients without certificates to be refused") {
                    try ask().exit == .status(0) ? nil : ()
                }
                #expect(
                    try ask("--cert", authority.path("prometheus")).said.contains(
                        "fairlead_ready 1"))
                _ = try write("")
                fairlead.process.signal(SIGHUP)
                try waitForStatus(200, "/health/ready", port: health)
                #expect(try ask("--cert", authority.path("prometheus")).exit != .status(0))
            }
        }

        // The backend accepts, so that a dial shows nothing, and answers no check any more.
        @Test func `checks that time out are believed unless requests succeed`() throws {
            final class Switch: Sendable { let isOn = Atomic(false) }
            try withStage { stage in
                let isStuck = Switch()
                let backend = stage.hold(
                    try ScriptedBackend { socket, _ in
                        while let head = try socket.receive(through: "\r\n\r\n") {
                            let isCheck = head.hasPrefix("GET /check ")
                            if isCheck, isStuck.isOn.load(ordering: .relaxed) {
                                _ = try socket.receiveToEnd()
                            }
                            try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                        }
                    })
                let health = try FreePort.take()
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(backend.port)", "--health", "127.0.0.1:\(health)"],
                    environment: [
                        "FAIRLEAD_CHECK_PATH": "/check", "FAIRLEAD_CHECK_INTERVAL": "300ms",
                        "FAIRLEAD_CHECK_TIMEOUT": "200ms",
                    ])
                try waitForStatus(200, "/health/ready", port: health)
                try fairlead.waitForBackends(up: 1)
                isStuck.isOn.store(true, ordering: .relaxed)
                // Three checks, and a look at the requests.
                try waitForStatus(503, "/health/ready", port: health)
                let answer = try get("/health/ready", port: health)
                #expect(answer.body.contains("none has had a good answer lately"), "\(answer)")
                // Requests go there nevertheless, and show that only the check is broken.
                #expect(try get(port: fairlead.port).body == "ok")
                try waitForStatus(200, "/health/ready", port: health)
                isStuck.isOn.store(false, ordering: .relaxed)
                try fairlead.waitForBackends(up: 1)
                // A check may come too late on a busy machine.
                try waitForStatus(200, "/health/ready", port: health)
            }
        }

        @Test func `probes of all kinds go on over an upgrade`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let (fairlead, port, health) = try fairlead(stage, backend: web[0].port)
                let process = fairlead.process
                defer { signalSuccessor(of: process, SIGKILL) }
                try waitForStatus(200, "/up", port: port)
                try waitForStatus(200, "/health/ready", port: health)
                let load = Load { number in
                    let place =
                        [("/up", port), ("/health/live", health), ("/health/ready", health)][number]
                    return {
                        let answer = try get(place.0, port: place.1)
                        return answer.status == 200 ? nil : "\(place): \(answer)"
                    }
                }
                try load.start(clients: 3)
                try load.awaitMore(10)
                process.signal(SIGUSR2)
                #expect(try process.waitForExit() == .status(0))
                try load.awaitMore(20)
                try load.stop()
                #expect(load.failures == [], "\(process.transcript)")
                #expect(try get("/metrics", port: health).status == 200)
            }
        }

        @Test func `a listener's route says what the admin port says, and no while it stops`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let (fairlead, port, health) = try fairlead(stage, backend: web[0].port)
                try waitForStatus(200, "/up", port: port)
                #expect(try get("/up", port: port).body == "ready\n")
                #expect(try get("/alive", port: port).body == "live\n")
                // Reasons are for operators.
                try web[0].kill()
                try waitForStatus(503, "/up", port: port)
                #expect(try get("/up", port: port).body == "not ready\n")
                #expect(try get("/alive", port: port).status == 200)
                #expect(try get("/health/ready", port: health).body.contains("web: no backend"))
                try web[0].start()
                try waitForStatus(200, "/up", port: port)
                fairlead.process.signal(SIGTERM)
                try waitForStatus(503, "/up", port: port)
                #expect(try get("/alive", port: port).status == 200)
                #expect(try fairlead.process.waitForExit() == .status(0))
            }
        }
    }
}
