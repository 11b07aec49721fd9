// What an operator can do by the admin port, and what it costs nobody.

import Testing

extension Flow {
    // Goal: what an operator asks for happens to traffic, and is told with who asked. Method: the
    // paths that a command line would use; then a tool that reads the OpenAPI document and asks
    // everything that it can think of.
    @Suite struct AdminChanges {
        private static let token = "correct-horse-battery"

        @Test func `a drained backend gets nothing until it is enabled, and the journal says who`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let fairlead = try stage.fairlead(over: web.map(\.port))
                let name = try fairlead.key(of: web[0].port)
                #expect(try fairlead.post("/backends/\(name)/drain").status == 200)
                try fairlead.waitForTraffic("all requests at two") { $0 == ["two": 12] }
                let page = try fairlead.page("/backends/\(name)").body
                #expect(page.contains("drained by the admin port from 127.0.0.1"))
                // The journal is written to the log in turns.
                try waitFor("the lines of the log") {
                    let log = fairlead.process.errors
                    return log.contains("to=drained cause=\"the admin port from 127.0.0.1\"")
                        && log.contains("admin.changed") ? () : nil
                }
                #expect(try fairlead.post("/backends/\(name)/enable").status == 200)
                try fairlead.waitForTraffic("requests at both") { $0.count == 2 }
                #expect(
                    try fairlead.page("/backends/\(name)").body
                        .contains("enabled by the admin port from 127.0.0.1"))
            }
        }

        @Test func `the last backend that serves is taken out only by force, however many are out`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let fairlead = try stage.fairlead(over: web.map(\.port))
                let names = try web.map { try fairlead.key(of: $0.port) }
                // All at once: the first two go, and the third is what is left.
                var statuses: [Int] = []
                for name in names {
                    statuses.append(try fairlead.post("/backends/\(name)/drain").status)
                }
                #expect(statuses == [200, 200, 409])
                for verb in ["drain", "disable"] {
                    let refused = try fairlead.post("/backends/\(names[2])/\(verb)")
                    #expect(refused.status == 409)
                    #expect(refused.body.contains("the last backend of "))
                    #expect(refused.body.contains("\(verb)?force=yes"))
                }
                try fairlead.expectBodies(["three": 4])
                // Those that are out already may be drained and disabled as one likes.
                #expect(try fairlead.post("/backends/\(names[0])/drain").status == 200)
                #expect(try fairlead.post("/backends/\(names[1])/disable").status == 200)
                #expect(try fairlead.post("/backends/\(names[2])/drain?force=yes").status == 200)
                try waitFor("503") { try get(port: fairlead.port).status == 503 ? () : nil }
                // With nothing in the rotation there is no last one.
                #expect(try fairlead.post("/backends/\(names[2])/disable").status == 200)
                #expect(try fairlead.post("/backends/\(names[0])/enable").status == 200)
                try fairlead.waitForTraffic("all requests at one") { $0 == ["one": 12] }
                #expect(try fairlead.post("/backends/\(names[0])/drain").status == 409)
            }
        }

        @Test
        func `a backend beside one that is down is the last, and the one that is down is not`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let fairlead = try stage.fairlead(over: web.map(\.port))
                let names = try web.map { try fairlead.key(of: $0.port) }
                try web[0].kill()
                try fairlead.waitForBackends(up: 1)
                #expect(try fairlead.post("/backends/\(names[1])/drain").status == 409)
                #expect(try fairlead.post("/backends/\(names[0])/drain").status == 200)
                try fairlead.expectBodies(["two": 4])
            }
        }

        @Test func `a weight, a check and an ejection do what they say`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let fairlead = try stage.fairlead(over: web.map(\.port))
                let name = try fairlead.key(of: web[0].port)
                #expect(try fairlead.post("/backends/\(name)/weight?weight=3").status == 200)
                try fairlead.waitForTraffic("three of four at one") { $0 == ["one": 9, "two": 3] }
                #expect(try fairlead.post("/backends/\(name)/weight?weight=auto").status == 200)
                try fairlead.waitForTraffic("half at one") { $0 == ["one": 6, "two": 6] }
                #expect(try fairlead.post("/backends/\(name)/check").status == 200)
                #expect(try fairlead.post("/backends/\(name)/eject").status == 200)
                try fairlead.waitForTraffic("all requests at two") { $0 == ["two": 12] }
                let other = try fairlead.key(of: web[1].port)
                let last = try fairlead.post("/backends/\(other)/eject")
                // By then the first one may be back, on probation, which does not make up for the
                // last.
                #expect(last.status == 409)
                #expect(last.body.contains("no other could take its requests"))
            }
        }

        @Test func `with a token it may listen anywhere, and tells nothing without it`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let folder = stage.hold(try TemporaryFolder())
                let file = try folder.write("\(Self.token)\n", to: "token")
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(web[0].port)"],
                    environment: ["FAIRLEAD_ADMIN_TOKEN_FILE": file])
                #expect(try fairlead.page("/stats").status == 401)
                #expect(try fairlead.page("/health/live").status == 200)
                let admin = try #require(fairlead.admin)
                let stats = try HTTPConnection(port: admin, host: "127.0.0.1:\(admin)").request(
                    "GET", "/stats", headers: ["Authorization: Bearer \(Self.token)"])
                #expect(stats.status == 200)
                #expect(!stats.body.contains(Self.token))
                #expect(try fairlead.post("/reload").status == 401)
            }
        }

        @Test func `the log level can be changed, and is`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(over: [web[0].port])
                #expect(try fairlead.post("/log-level?level=error").status == 200)
                #expect(try fairlead.post("/log-level?level=shout").status == 400)
                let stats = try fairlead.page("/stats").body
                #expect(
                    stats.contains("log level info to error, set by the admin port from 127.0.0.1"))
                try fairlead.process.waitForErrors(containing: "admin.changed")
            }
        }

        // Two hundred requests or so. A fixed seed: what is found once is found again.
        @Test func `schemathesis finds no fault with what the OpenAPI document promises`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let fairlead = try stage.fairlead(over: web.map(\.port))
                let admin = try #require(fairlead.admin)
                let url = "http://127.0.0.1:\(admin)"
                let folder = try TemporaryFolder()
                // When both backends happen to be disabled it is right to be not ready.
                _ = try folder.write(
                    """
                    [[operations]]
                    include-path = "/health/ready"
                    checks.not_a_server_error.expected-statuses = ["2xx", "4xx", "503"]
                    """, to: "schemathesis.toml")
                // Left out: made-up backends are not there, which is no fault; and TRACE is refused
                // for its Content-Length before its path is looked at.
                let command = [
                    "sh", "-c",
                    """
                    cd \(folder.path("")) && \(try Schemathesis.program()) run \(url)/openapi.json \
                    --url \(url) --seed 20261125 --max-examples 8 --workers 1 --no-color \
                    --phases examples,coverage,fuzzing --checks all \
                    --exclude-checks positive_data_acceptance,unsupported_method \
                    --warnings off 2>&1 \
                    || { s=$?; echo "exit code $s"; exit 0; }
                    """,
                ]
                let said = try RunningProcess.run(command, limit: .seconds(300))
                #expect(!said.contains("exit code"), "\(said)")
                #expect(said.contains("No issues found"), "\(said)")
                #expect(try fairlead.page("/health/live").status == 200)
            }
        }
    }
}
