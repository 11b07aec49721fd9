// The process from outside: it takes over from another one, from a service manager, and from its
// own past.

internal import Glibc
internal import TestSupport
internal import Testing

extension Flow {
    // Goal: nobody notices that the process is another one by now; what goes wrong with the new one
    // is the old one's to survive. Method: signals, load all the while, and what the log says.
    @Suite struct Upgrade {
        /// A file's text for a listener on `port` with so many workers.
        private func text(_ port: UInt16, workers: Int, backends: [UInt16]) -> String {
            let addresses = backends.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
            return """
                workers: \(workers)
                admin: off
                services: {web: {backends: [\(addresses)]}}
                listeners: [{listen: "127.0.0.1:\(port)", service: web}]
                """
        }

        @Test
        func `a successor takes over under load, with more workers or fewer, and nobody notices`()
            throws
        {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let ports = try stage.web("one", "two").map(\.port)
                let port = try FreePort.take()
                let file = try folder.write(text(port, workers: 2, backends: ports), to: "f.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", file], hasAdmin: false))
                let process = fairlead.process
                defer { signalSuccessor(of: process, SIGKILL) }
                _ = try waitFor("traffic") { (try? get(port: port))?.status == 200 ? true : nil }
                // A connection each, so that the load itself never uses one that the old process
                // closes.
                let load = Load { _ in
                    {
                        let response = try get(port: port)
                        return response.status == 200 ? nil : "\(response)"
                    }
                }
                try load.start(clients: 4)
                try load.awaitMore(20)
                for (turn, workers) in [3, 1].enumerated() {
                    _ = try folder.write(
                        text(port, workers: workers, backends: ports), to: "f.yaml")
                    if turn == 0 {
                        process.signal(SIGUSR2)
                    } else {
                        signalSuccessor(of: process, SIGUSR2)
                    }
                    try waitFor("take-over \(turn + 1)") { () -> Void? in
                        let lines = process.errors.split(separator: "\n")
                        return lines.count { $0.contains("process.took_over") } == turn + 1
                            ? () : nil
                    }
                    if turn == 0 { #expect(try process.waitForExit() == .status(0)) }
                    try load.awaitMore(20)
                }
                try load.stop()
                #expect(load.failures == [], "\(process.transcript)")
            }
        }

        // The old process has accepted them, so it has to serve them, though another one
        // serves by then.
        @Test func `requests that wait for a backend are served, whichever process they wait in`()
            throws
        {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let web = try stage.web("one")
                let port = try FreePort.take()
                let file = try folder.write(
                    text(port, workers: 2, backends: [web[0].port])
                        + "\ndefaults: {when-empty: {wait: 50s}}\n", to: "f.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", file], hasAdmin: false))
                let process = fairlead.process
                defer { signalSuccessor(of: process, SIGKILL) }
                // One of them has its connection from before.
                let kept = try HTTPConnection(port: port)
                try waitFor("traffic") { (try? get(port: port))?.status == 200 ? () : nil }
                #expect(try kept.request().body == "one")
                try web[0].kill()
                try process.waitForOutput(containing: "service.no_backend")
                func ask(_ method: String, _ number: Int) throws -> RawSocket {
                    let socket = try RawSocket(port: port)
                    try socket.send(
                        "\(method) / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(number)\r\n"
                            + "Connection: close\r\n\r\n" + String(repeating: "x", count: number))
                    return socket
                }
                try kept.socket.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                var waiting = [kept.socket]
                for number in 0..<24 {
                    waiting.append(try ask(number % 2 == 0 ? "GET" : "POST", number))
                }
                process.signal(SIGUSR2)
                try process.waitForOutput(containing: "process.took_over")
                for number in 0..<8 { waiting.append(try ask("POST", number)) }
                // Nobody was refused for the hand-over, or at its end.
                sleep(1)
                #expect(process.exit == nil)
                try web[0].start()
                for (number, socket) in waiting.enumerated() {
                    let head = try socket.receive(through: "\r\n\r\n")
                    #expect(head?.hasPrefix("HTTP/1.1 200") == true, "\(number): \(head ?? "cut")")
                }
                #expect(try process.waitForExit() == .status(0))
                #expect(try get(port: port).body == "one")
            }
        }

        @Test func `a successor that can't start leaves everything as it was, and says why`() throws
        {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let ports = try stage.web("one").map(\.port)
                let port = try FreePort.take()
                let file = try folder.write(text(port, workers: 1, backends: ports), to: "f.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", file], hasAdmin: false))
                _ = try folder.write("listeners: nonsense\n", to: "f.yaml")
                fairlead.process.signal(SIGUSR2)
                try fairlead.process.waitForOutput(containing: "upgrade.failed")
                try fairlead.process.waitForErrors(
                    containing: "ended with status 2 before it served; what it printed says why")
                try fairlead.process.waitForErrors(containing: "f.yaml")
                #expect(try get(port: port).body == "one")
                #expect(fairlead.process.exit == nil)
                // The next one may be better.
                _ = try folder.write(text(port, workers: 1, backends: ports), to: "f.yaml")
                defer { signalSuccessor(of: fairlead.process, SIGKILL) }
                fairlead.process.signal(SIGUSR2)
                #expect(try fairlead.process.waitForExit() == .status(0))
                #expect(try get(port: port).body == "one")
            }
        }

        @Test func `a successor that can't resolve a name says so, and waits for no more`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let named = try stage.named([SRVRecord(web[0])])
                let folder = stage.hold(try TemporaryFolder())
                let (port, other) = (try FreePort.take(), try FreePort.take())
                let text = { (source: String) in
                    """
                    workers: 1
                    admin: off
                    dns: {servers: ["127.0.0.1:\(named.port)"]}
                    services:
                      web: {backends: ["127.0.0.1:\(web[0].port)"]}
                      other: {\(source)}
                    listeners:
                      - {listen: "127.0.0.1:\(port)", service: web}
                      - {listen: "127.0.0.1:\(other)", service: other}
                    """
                }
                let file = try folder.write(
                    text("backends: [\"one.flow.example:\(web[0].port)\"]"), to: "f.yaml")
                let fairlead = stage.hold(
                    try Fairlead(
                        arguments: ["run", "--config", file], listeners: 2, hasAdmin: false))
                defer { signalSuccessor(of: fairlead.process, SIGKILL) }
                try waitFor("the name") {
                    (try? get(port: other))?.status == 200 ? () : nil
                }
                // A name that is no more, by each way in which services have names.
                _ = try folder.write(text("backends: [\"gone.flow.example:80\"]"), to: "f.yaml")
                fairlead.process.signal(SIGUSR2)
                #expect(try fairlead.process.waitForExit() == .status(0))
                // The successor writes them, which may go on after the end of the process before.
                for text in [
                    "service.no_backend service=other", "gone.flow.example",
                    "effect=\"it takes over without a backend for it\"",
                ] {
                    try waitFor("“\(text)”; they said:\n\(fairlead.process.errors)") {
                        fairlead.process.errors.contains(text) ? () : nil
                    }
                }
                #expect(try get(port: port).body == "one")
                #expect(try get(port: other).status == 503)
            }
        }

        @Test(arguments: [
            "exec $0/current/fairlead", "cd $0 && exec current/fairlead",
            "cd $0/current && exec ./fairlead", "PATH=$0/current:$PATH exec fairlead",
            "cd / && exec -a another-name $0/current/fairlead",
        ])
        func `the path by which it was started leads to the next version, whatever its form`(
            start: String
        ) throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let program = try Fairlead.program()
                for version in ["v1", "v2"] { try folder.makeFolder(version) }
                try folder.link("v1/fairlead", to: program)
                // A version that is known by what it says.
                try folder.write(
                    "#!/bin/sh\necho this is v2 >&2\nexec \(program) \"$@\"\n",
                    to: "v2/fairlead", mode: 0o700)
                try folder.link("current", to: "v1")
                let port = try FreePort.take()
                let backends = try stage.web("one").map(\.port)
                let file = try folder.write(
                    text(port, workers: 1, backends: backends), to: "f.yaml")
                let process = stage.hold(
                    try RunningProcess([
                        "bash", "-c", "\(start) run --config \(file)", folder.path(""),
                    ]))
                defer { signalSuccessor(of: process, SIGKILL) }
                try process.waitForOutput(containing: "listener.open")
                try folder.link("current", to: "v2")
                process.signal(SIGUSR2)
                try process.waitForOutput(containing: "process.took_over")
                try process.waitForErrors(containing: "this is v2")
                try process.waitForErrors(containing: "/current/fairlead process=")
                #expect(try process.waitForExit() == .status(0))
                #expect(try get(port: port).body == "one")
            }
        }

        @Test func `a file that was replaced is the next version, and one that is gone is told`()
            throws
        {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let program = folder.path("fairlead")
                try folder.link("fairlead", to: Fairlead.program())
                let port = try FreePort.take()
                let backends = try stage.web("one").map(\.port)
                let file = try folder.write(
                    text(port, workers: 1, backends: backends), to: "f.yaml")
                let process = stage.hold(
                    try RunningProcess([program, "run", "--config", file]))
                defer { signalSuccessor(of: process, SIGKILL) }
                try process.waitForOutput(containing: "listener.open")
                try folder.remove("fairlead")
                process.signal(SIGUSR2)
                try process.waitForOutput(containing: "upgrade.failed")
                try process.waitForErrors(containing: program)
                #expect(try get(port: port).body == "one")
                try folder.write(
                    "#!/bin/sh\necho this is new >&2\nexec \(try Fairlead.program()) \"$@\"\n",
                    to: "fairlead", mode: 0o700)
                process.signal(SIGUSR2)
                try process.waitForOutput(containing: "process.took_over")
                try process.waitForErrors(containing: "this is new")
                #expect(try process.waitForExit() == .status(0))
            }
        }

        @Test func `a service manager's sockets are used, and it hears how things are`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let port = try FreePort.take()
                let manager = stage.hold(
                    try RunningProcess([
                        "python3", "-c", Self.manager, "\(port)", try Fairlead.program(), "run",
                        "--listen", "127.0.0.1:\(port)", "--backend", "127.0.0.1:\(web[0].port)",
                        "--admin", "off", "--workers", "2",
                    ]))
                // A request of before the program runs is answered by it.
                try manager.waitForOutput(containing: "listening")
                let early = try HTTPConnection(port: port)
                try manager.waitForOutput(containing: "READY=1")
                #expect(try early.request().body == "one")
                try manager.waitForOutput(containing: "WATCHDOG=1")
                try manager.waitForOutput(containing: "STATUS=All services are well.")
                try web[0].kill()
                try manager.waitForOutput(containing: "STATUS=Requests are failing")
                #expect(!manager.output.contains("LISTEN_"))
                manager.signal(SIGTERM)
                try manager.waitForOutput(containing: "STOPPING=1")
                #expect(try manager.waitForExit() == .status(0))
            }
        }

        @Test func `a service manager hears of a registry that fails while every service is well`()
            throws
        {
            try withStage { stage in
                let agent = try ConsulStandIn()
                defer { agent.stop() }
                let web = try stage.web("one")
                let manager = stage.hold(
                    try RunningProcess(
                        [
                            "python3", "-c", Self.manager, "\(try FreePort.take())",
                            try Fairlead.program(), "run", "--listen",
                            "127.0.0.1:\(try FreePort.take())", "--backend",
                            "127.0.0.1:\(web[0].port)", "--admin", "off",
                        ],
                        environment: [
                            "FAIRLEAD_CONSUL_AGENTS": "\(agent.target)",
                            "FAIRLEAD_CONSUL_KV": "fairlead/",
                        ]))
                try manager.waitForOutput(containing: "STATUS=All services are well.")
                agent.stop()
                try waitFor("the manager to hear of the agent; it heard:\n\(manager.output)") {
                    let last = manager.output.split(separator: "\n").last {
                        $0.hasPrefix("STATUS=")
                    }
                    return last?.contains("STATUS=Requests are served, but") == true
                        && last?.contains("\(agent.target)") == true ? () : nil
                }
            }
        }

        /// Listens, and starts the program as systemd does; prints what it is told.
        private static let manager = """
            import ctypes, os, signal, socket, sys
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", int(sys.argv[1])))
            listener.listen(100)
            notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            name = "fairlead-flow-%d" % os.getpid()
            notify.bind("\\0" + name)
            print("listening", flush=True)
            child = os.fork()
            if child == 0:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)
                os.dup2(listener.fileno(), 3)
                os.set_inheritable(3, True)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1",
                                  NOTIFY_SOCKET="@" + name, WATCHDOG_USEC="400000")
                os.execv(sys.argv[2], ["fairlead"] + sys.argv[3:])
            listener.close()
            signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
            notify.settimeout(0.2)
            while True:
                try:
                    print(notify.recv(4096).decode(), flush=True)
                except TimeoutError:
                    pass
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    sys.exit(os.waitstatus_to_exitcode(status))
            """

        @Test
        func `with a state file a start without nameserver begins where the last process was`()
            throws
        {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let web = try stage.web("one", "two")
                let environment = ["FAIRLEAD_STATE_FILE": folder.path("state.json")]
                let dns = try stage.named(web.map { SRVRecord($0) })
                let flags = ["--service", SRVRecord.service, "--dns"]
                do {
                    let first = try Fairlead(
                        flags + ["127.0.0.1:\(dns.port)"], environment: environment)
                    try first.waitForBackends(up: 2)
                    first.process.signal(SIGTERM)
                    #expect(try first.process.waitForExit() == .status(0))
                }
                // Nobody answers there.
                let second = try stage.fairlead(
                    flags + ["127.0.0.1:\(try FreePort.take())"], environment: environment)
                try second.waitForBackends(up: 2)
                #expect(try second.bodies(of: 4) == ["one": 2, "two": 2])
                try second.process.waitForErrors(containing: "the state file had them")
            }
        }

        @Test func `readiness is denied for a while before it stops accepting`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(web[0].port)"],
                    environment: ["FAIRLEAD_STOP_DELAY": "3s"])
                try fairlead.waitForBackends(up: 1)
                #expect(try fairlead.readiness() == 200)
                fairlead.process.signal(SIGTERM)
                try waitFor("it to deny readiness") { () -> Void? in
                    try fairlead.readiness() == 503 ? () : nil
                }
                #expect(try get(port: fairlead.port).body == "one")
                #expect(try fairlead.process.waitForExit() == .status(0))
            }
        }

        @Test(.enabled(if: geteuid() == 0, "only root can become somebody else"))
        func `it serves as the user that it is told to be`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(web[0].port)"],
                    environment: ["FAIRLEAD_USER": "nobody"])
                try fairlead.waitForBackends(up: 1)
                let id = try #require(fairlead.process.id)
                let status = try #require(readFile("/proc/\(id)/status"))
                let nobody = try unsafe #require(getpwnam("nobody")).pointee.pw_uid
                #expect(status.contains("Uid:\t\(nobody)\t\(nobody)\t\(nobody)\t\(nobody)"))
                #expect(try get(port: fairlead.port).body == "one")
            }
        }
    }
}

/// Signals the process that was started last in an upgrade of `process`: it is no child of the
/// test's, and writes into the same log.
func signalSuccessor(of process: RunningProcess, _ number: Int32) {
    let ids = process.errors.split(separator: "\n").compactMap { line -> pid_t? in
        guard line.contains("upgrade.started") else { return nil }
        return line.split(separator: " ").first { $0.hasPrefix("process=") }
            .flatMap { pid_t($0.dropFirst("process=".count)) }
    }
    if let id = ids.last, id > 0 { _ = kill(id, number) }
}
