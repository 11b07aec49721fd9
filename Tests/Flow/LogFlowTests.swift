// The log as whoever collects it sees it.

internal import FoundationEssentials
internal import Glibc
internal import Testing

extension Flow {
    // Goal: a collector that reads JSON reads nothing else, and levels are what somebody is woken
    // up by. Method: the program's standard error, line by line.
    @Suite struct Logs {
        /// Each line as an object.
        private func objects(_ text: String) throws -> [[String: String]] {
            try text.split(separator: "\n").map {
                try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
            }
        }

        @Test(arguments: [
            (["run", "--listen", "nowhere"], Int32(2), "configuration.invalid"),
            (["run", "--backend", "127.0.0.1:1"], 2, "configuration.invalid"),
            (["run", "--nonsense"], 2, "process.failed"),
            (
                ["run", "--listen", "192.0.2.1:1", "--backend", "127.0.0.1:1", "--admin", "off"], 1,
                "process.failed"
            ),
        ])
        func `a start that fails says so as JSON when JSON is asked for`(
            arguments: [String], status: Int32, event: String
        ) throws {
            let process = try Fairlead.start(
                arguments, environment: ["FAIRLEAD_LOG_FORMAT": "json", "FAIRLEAD_NONSENSE": "1"])
            #expect(try process.waitForExit() == .status(status))
            let lines = try objects(process.errors)
            #expect(lines.last?["event"] == event, "\(process.transcript)")
            #expect(lines.last?["level"] == "error")
            #expect(process.output == "")
        }

        @Test func `a file that asks for JSON gets it also for what is wrong in it`() throws {
            let folder = try TemporaryFolder()
            let path = try folder.write("log: {format: json}\nnonsense: 1\n", to: "f.yaml")
            let process = try Fairlead.start(["run", "--config", path])
            #expect(try process.waitForExit() == .status(2))
            #expect(
                try objects(process.errors).contains {
                    $0["cause"]?.contains("f.yaml:2:1: nonsense: unknown key") == true
                })
        }

        @Test func `a life is told from its first line to its last, each as severe as it is`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let fairlead = try stage.fairlead(
                    web.flatMap { ["--backend", "127.0.0.1:\($0.port)"] },
                    environment: [
                        "FAIRLEAD_LOG_FORMAT": "json", "FAIRLEAD_NONSENSE": "1",
                        "FAIRLEAD_WHEN_NONE_UP": "never",
                    ])
                try fairlead.waitForBackends(up: 3)
                for instance in web { try instance.kill() }
                try waitFor("the outage; it said:\n\(fairlead.process.errors)") {
                    fairlead.process.errors.contains("service.no_backend") ? () : nil
                }
                fairlead.process.signal(SIGTERM)
                #expect(try fairlead.process.waitForExit() == .status(0))
                let lines = try objects(fairlead.process.errors)
                #expect(lines[0]["event"] == "configuration.warning")
                #expect(lines[1]["event"] == "process.started")
                for key in ["version", "pid", "file", "services", "workers"] {
                    #expect(lines[1][key] != nil, "\(key)")
                }
                #expect(lines.last?["event"] == "process.stopped")
                let found = lines.filter { $0["event"] == "backend.found" }
                #expect(found.count == 1 && found[0]["count"] == "3", "\(found)")
                let down = lines.filter { $0["to"] == "down" }
                #expect(!down.isEmpty && down.allSatisfy { $0["level"] == "warning" })
                #expect(
                    lines.filter { $0["event"] == "service.no_backend" }.map { $0["level"] }
                        == ["error"])
            }
        }
    }
}
