// The ways to start it: by environment, by flags, by file.

internal import Glibc
internal import Testing

extension Flow {
    // Goal: each way of starting gives the same proxy, and what is missing at the start is no
    // reason not to start. Method: the whole command line or environment is the test's own.
    @Suite struct Start {
        @Test func `the environment alone starts it`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = stage.hold(
                    try Fairlead(
                        arguments: ["run"],
                        environment: [
                            "FAIRLEAD_LISTEN": "127.0.0.1:\(try FreePort.take())",
                            "FAIRLEAD_SERVICE": SRVRecord.service,
                            "FAIRLEAD_DNS": "127.0.0.1:\(named.port)",
                            "FAIRLEAD_ADMIN": "127.0.0.1:\(try FreePort.take())",
                            "FAIRLEAD_WORKERS": "1",
                        ]))
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 30) == ["one": 15, "two": 15])
            }
        }

        @Test func `flags alone start it, and win over the environment`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = stage.hold(
                    try Fairlead(
                        arguments: [
                            "run", "--listen", "127.0.0.1:0", "--service", SRVRecord.service,
                            "--dns", "127.0.0.1:\(named.port)",
                            "--admin", "127.0.0.1:\(try FreePort.take())", "--workers", "1",
                        ],
                        environment: ["FAIRLEAD_WORKERS": "2", "FAIRLEAD_LISTEN": "127.0.0.1:1"]))
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 30) == ["one": 15, "two": 15])
            }
        }

        @Test func `a file starts it, with a listener for HTTP and one for TCP`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named(web[..<2].map { SRVRecord($0) })
                let folder = try TemporaryFolder()
                let path = try folder.write(
                    """
                    workers: 1
                    admin: 127.0.0.1:\(try FreePort.take())
                    dns: {servers: [127.0.0.1:\(named.port)]}
                    services:
                      found:
                        srv: \(SRVRecord.service)
                        check: {path: /health, interval: 500ms}
                      fixed:
                        backends: [127.0.0.1:\(web[2].port)]
                    listeners:
                      - {name: http, listen: 127.0.0.1:0, mode: http, service: found}
                      - {name: tcp, listen: 127.0.0.1:0, mode: tcp, service: fixed}
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", path], listeners: 2))
                try fairlead.waitForBackends(up: 3)
                #expect(try fairlead.bodies(of: 30) == ["one": 15, "two": 15])
                #expect(try get(port: fairlead.ports[1]).body == "three")
            }
        }

        @Test func `it serves within milliseconds of its start`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                // The machine may be busy: one such start is enough. Of a debug build, which starts
                // slower.
                var times: [Duration] = []
                try waitFor("a start within 150 ms; they took \(times)") { () -> Void? in
                    let port = try FreePort.take()
                    let start = ContinuousClock.now
                    let process = try Fairlead.start([
                        "run", "--listen", "127.0.0.1:\(port)", "--admin", "off", "--backend",
                        "127.0.0.1:\(web[0].port)",
                    ])
                    while (try? get(port: port))?.status != 200 {
                        let now = ContinuousClock.now
                        guard start.duration(to: now) < .seconds(20) else {
                            throw FlowError("no answer for 20 s:\n\(process.transcript)")
                        }
                        pause(milliseconds: 1)
                    }
                    times.append(start.duration(to: .now))
                    return times.last ?? .zero < .milliseconds(150) ? () : nil
                }
                print("from its start to its first answer: \(times)")
            }
        }

        @Test func `without an admin port it serves all the same`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = stage.hold(
                    try Fairlead(
                        arguments: [
                            "run", "--listen", "127.0.0.1:0", "--backend",
                            "127.0.0.1:\(web[0].port)", "--admin", "off",
                        ], hasAdmin: false))
                try waitFor("the first good answer") {
                    try get(port: fairlead.port).status == 200 ? () : nil
                }
                #expect(try get(port: fairlead.port).body == "one")
            }
        }

        @Test(arguments: [1, 2])
        func `every worker takes its turns`(workers: Int) throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let fairlead = stage.hold(
                    try Fairlead(
                        arguments: [
                            "run", "--listen", "127.0.0.1:0", "--workers", "\(workers)",
                            "--admin", "127.0.0.1:\(try FreePort.take())",
                        ] + web.flatMap { ["--backend", "127.0.0.1:\($0.port)"] }))
                try fairlead.waitForBackends(up: 3)
                // A connection stays with its worker, and each worker is exact for itself.
                for _ in 0..<4 {
                    #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
                }
            }
        }

        @Test(arguments: ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
        func `a standard descriptor that is closed is none for sockets`(closing: String) throws {
            try withStage { stage in
                let web = try stage.web("one")
                let (port, admin) = (try FreePort.take(), try FreePort.take())
                let process = stage.hold(
                    try RunningProcess([
                        "sh", "-c",
                        "exec \(try Fairlead.program()) run --listen 127.0.0.1:\(port) --admin "
                            + "127.0.0.1:\(admin) --backend 127.0.0.1:\(web[0].port) --workers 1 "
                            + "--access-log stdout \(closing)",
                    ]))
                try waitFor("the admin port") {
                    (try? getAdmin("/health/ready", port: admin))?.status == 200 ? () : nil
                }
                for _ in 0..<20 { #expect(try get(port: port).body == "one") }
                let id = try #require(process.id)
                for (number, mark) in ["<&-", ">&-", "2>&-"].enumerated()
                where closing.split(separator: " ").contains(mark[...]) {
                    var bytes = [CChar](repeating: 0, count: 64)
                    let count = unsafe readlink("/proc/\(id)/fd/\(number)", &bytes, bytes.count)
                    let target = bytes.prefix(max(count, 0)).map(UInt8.init(bitPattern:))
                    #expect(String(decoding: target, as: UTF8.self) == "/dev/null")
                }
                process.signal(SIGTERM)
                #expect(try process.waitForExit() == .status(0))
            }
        }

        @Test func `a backend may be named, and localhost is never asked for`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let silent = try FreePort.take()
                let fairlead = try stage.fairlead([
                    "--backend", "localhost:\(web[0].port)", "--dns", "127.0.0.1:\(silent)",
                ])
                try waitFor("the instance on 127.0.0.1") {
                    try fairlead.backends().contains {
                        $0.state == "up" && $0.address == "127.0.0.1:\(web[0].port)"
                    } ? () : nil
                }
                #expect(try fairlead.bodies(of: 6) == ["one": 6])
            }
        }

        @Test func `a backend's name is asked for in the DNS`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let named = try stage.named([SRVRecord(web[0])])
                let fairlead = try stage.fairlead([
                    "--backend", "one.flow.example:\(web[0].port)",
                    "--dns", "127.0.0.1:\(named.port)",
                ])
                try fairlead.waitForBackends(up: 1)
                #expect(try fairlead.bodies(of: 6) == ["one": 6])
            }
        }

        @Test(arguments: [
            ["--service", "_nothing._tcp.flow.example"], ["--backend", "nothing.flow.example:80"],
        ])
        func `a name that does not resolve is told, and it starts all the same`(
            source: [String]
        ) throws {
            try withStage { stage in
                let named = try stage.named([])
                let fairlead = try stage.fairlead(source + ["--dns", "127.0.0.1:\(named.port)"])
                try fairlead.process.waitForOutput(containing: "NXDOMAIN")
                #expect(try get(port: fairlead.port).status == 503)
                #expect(try fairlead.readiness() == 503)
                #expect(try fairlead.page("/health/live").status == 200)
            }
        }

        @Test func `a name server that is away is told, and readiness comes with a backend`() throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let port = try FreePort.take()
                let fairlead = try stage.fairlead([
                    "--service", SRVRecord.service, "--dns", "127.0.0.1:\(port)",
                ])
                try fairlead.process.waitForOutput(containing: "warning discovery.failed")
                #expect(try fairlead.readiness() == 503)
                _ = stage.hold(try Named([SRVRecord(web[0])], port: port))
                try waitFor("readiness") { try fairlead.readiness() == 200 ? () : nil }
                #expect(try fairlead.bodies(of: 3) == ["one": 3])
            }
        }
    }
}
