// What the admin port tells, through the eyes of those who ask it.

import Testing

extension Flow {
    // Goal: the admin port's answers are true and can be read by the tools they are made for.
    // Method: traffic of known counts; promtool.
    @Suite struct AdminPort {
        @Test func `metrics pass promtool`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(over: [web[0].port])
                _ = try fairlead.bodies(of: 5)
                let metrics = try fairlead.page("/metrics")
                #expect(metrics.status == 200)
                try checkMetrics(metrics.body)
            }
        }

        // Whoever looks takes another time of start for another process, and its counters for new
        // ones.
        @Test func `a process started when it did, however often it is asked`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(over: [web[0].port])
                var times: Set<Substring> = []
                for _ in 0..<200 {
                    let stats = try fairlead.page("/stats").body
                    times.insert(try #require(stats.firstMatch(of: /"startedAt":"([^"]+)"/)).1)
                }
                #expect(times.count == 1)
            }
        }

        @Test func `the alerts fire when they should, and not otherwise`() throws {
            let folder = #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
            let said = try RunningProcess.run([
                "promtool", "test", "rules", "\(folder)/alerts.yaml",
            ])
            #expect(said.contains("SUCCESS"))
        }

        @Test func `fairlead top prints what the page shows, with the token where one is needed`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let token = ["FAIRLEAD_ADMIN_TOKEN": "correct-horse-battery"]
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(web[0].port)"], environment: token)
                let admin = try #require(fairlead.admin)
                let arguments = ["top", "--admin", "127.0.0.1:\(admin)", "--once"]
                try waitFor("all to be well") { () -> Void? in
                    let top = try Fairlead.start(arguments, environment: token)
                    let exit = try top.waitForExit()
                    guard exit == .status(0) else { return nil }
                    #expect(top.output.hasPrefix("ok All services are well."))
                    #expect(top.output.contains("127.0.0.1:\(web[0].port)"))
                    return ()
                }
                let refused = try Fairlead.start(arguments)
                #expect(try refused.waitForExit() == .status(1))
                #expect(refused.transcript.contains("it needs a token"))
            }
        }

        @Test func `each backend is shown with its state, its cause and its record`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = try stage.named([
                    SRVRecord(web[0], priority: 1, weight: 5),
                    SRVRecord(web[1], priority: 2, weight: 6),
                ])
                let fairlead = try stage.fairlead(following: named.port, up: 2)
                let shown = try fairlead.backends().sorted { $0.priority < $1.priority }
                #expect(shown.map(\.address) == web.map { "127.0.0.1:\($0.port)" })
                #expect(shown.map(\.weight) == [5, 6])
                #expect(shown.allSatisfy { $0.state == "up" && !$0.cause.isEmpty })
            }
        }

        @Test(arguments: ["/", "/stats", "/metrics", "/backends", "/health/live", "/health/ready"])
        func `every page answers`(path: String) throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(over: [web[0].port])
                let page = try fairlead.page(path)
                #expect(page.status == 200)
                #expect(!page.body.isEmpty)
            }
        }

        @Test func `the admin pages are not reachable through the listener`() throws {
            try withStage { stage in
                let echo = stage.hold(try ScriptedBackend.echoingHeads())
                let fairlead = try stage.fairlead(over: [echo.port])
                #expect(try get("/backends", port: fairlead.port).body.hasPrefix("GET /backends "))
            }
        }
    }
}

/// Has promtool read a metrics page.
/// - Throws: with what it has to say, if it finds anything.
func checkMetrics(_ page: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(page, to: "metrics")
    // promtool reads its standard input, and speaks of what it does not like even where it exits 0.
    let said = try RunningProcess.run(["sh", "-c", "promtool check metrics < \(file) 2>&1"])
    guard said.isEmpty else { throw FlowError("promtool: \(said)") }
}
