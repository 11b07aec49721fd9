// `fairlead ready` and `fairlead version`: what scripts, containers and reports of faults ask.

internal import FoundationEssentials
internal import Testing

extension Flow {
    // Goal: a health check that knows no more than the environment of the process tells whether it
    // is ready, and why not. Method: the program is asked beside a running one, as an engine does
    // for HEALTHCHECK.
    @Suite struct Ready {
        /// What it answers in this environment.
        private func ready(
            _ environment: [String: String], _ flags: [String] = []
        ) throws -> (exit: RunningProcess.Exit, said: String) {
            let process = try Fairlead.start(["ready"] + flags, environment: environment)
            let exit = try process.waitForExit()
            return (exit, process.transcript)
        }

        @Test func `the environment of the process is enough to ask whether it is ready`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let environment = [
                    "FAIRLEAD_LISTEN": "127.0.0.1:\(try FreePort.take())",
                    "FAIRLEAD_BACKEND": "127.0.0.1:\(web[0].port)",
                    "FAIRLEAD_ADMIN": "127.0.0.1:\(try FreePort.take())",
                    "FAIRLEAD_WORKERS": "1",
                ]
                let before = try ready(environment)
                #expect(before.exit == .status(1))
                #expect(before.said.contains("nobody answers at 127.0.0.1:"), "\(before.said)")

                // A hook waits for a start that has not happened yet.
                let hook = stage.hold(
                    try Fairlead.start(["ready", "--wait", "20s"], environment: environment))
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run"], environment: environment))
                #expect(try hook.waitForExit() == .status(0))
                #expect(hook.output.hasPrefix("ready"))

                try fairlead.waitForBackends(up: 1)
                #expect(try ready(environment).exit == .status(0))
                #expect(try ready(environment, ["--every"]).exit == .status(0))
                try web[0].kill()
                let after = try waitFor("readiness to be denied") {
                    let answer = try ready(environment)
                    return answer.exit == .status(0) ? nil : answer
                }
                #expect(after.exit == .status(1))
                #expect(after.said.hasPrefix("fairlead: not ready\n"), "\(after.said)")
                #expect(after.said.contains("no backend"), "\(after.said)")
            }
        }

        @Test func `where the port needs a token, it is asked with that of the configuration`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let folder = try TemporaryFolder()
                let token = try folder.write("0123456789abcdef0123\n", to: "token")
                let file = try folder.write(
                    """
                    workers: 1
                    admin: {listen: "127.0.0.1:\(try FreePort.take())", token-file: \(token)}
                    listeners:
                      - listen: "127.0.0.1:\(try FreePort.take())"
                        backends: ["127.0.0.1:\(web[0].port)"]
                      - name: empty
                        listen: "127.0.0.1:\(try FreePort.take())"
                        backends: ["127.0.0.1:\(try FreePort.take())"]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", file], listeners: 2))
                // Reasons are for those who may read the port.
                try waitFor("the service without a backend to be told of") {
                    let answer = try ready([:], ["--config", file])
                    return answer.exit == .status(0) && answer.said.contains("empty") ? () : nil
                }
                #expect(try ready([:], ["--config", file, "--every"]).exit == .status(1))
                #expect(fairlead.process.exit == nil)
            }
        }

        @Test func `the address for health is asked where the admin port is off`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let environment = [
                    "FAIRLEAD_LISTEN": "127.0.0.1:\(try FreePort.take())",
                    "FAIRLEAD_BACKEND": "127.0.0.1:\(web[0].port)",
                    "FAIRLEAD_ADMIN": "off", "FAIRLEAD_HEALTH": ":\(try FreePort.take())",
                ]
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run"], environment: environment, hasAdmin: false))
                #expect(try ready(environment, ["--wait", "20s"]).exit == .status(0))
                try web[0].kill()
                try waitFor("readiness to be denied") {
                    try ready(environment).exit == .status(1) ? () : nil
                }
                #expect(fairlead.process.exit == nil)
            }
        }

        @Test func `what can't be asked is an error of the configuration`() throws {
            let off = try ready([
                "FAIRLEAD_LISTEN": "127.0.0.1:0", "FAIRLEAD_BACKEND": "127.0.0.1:1",
                "FAIRLEAD_ADMIN": "off",
            ])
            #expect(off.exit == .status(2))
            #expect(off.said.contains("the admin port is off"))
            let wrong = try ready(["FAIRLEAD_LISTEN": "nowhere"])
            #expect(wrong.exit == .status(2))
            #expect(wrong.said.contains("FAIRLEAD_LISTEN"))
            #expect(try ready([:], ["--wait", "3"]).exit == .status(2))
        }

        @Test func `the version is told with those of the libraries`() throws {
            struct Told: Decodable {
                var version: String
                var swift: String
                var libevent: String
                var libyaml: String
            }
            let program = try Fairlead.program()
            let told = try JSONDecoder().decode(
                Told.self, from: Data(RunningProcess.run([program, "version", "--json"]).utf8))
            #expect(try RunningProcess.run([program, "--version"]) == told.version + "\n")
            #expect(told.swift.hasPrefix("6."))
            #expect(told.libevent.hasPrefix("2."))
            #expect(told.libyaml.hasPrefix("0."))
            let text = try RunningProcess.run([program, "version"])
            #expect(text.hasPrefix("fairlead \(told.version)\n"))
            #expect(text.contains("libevent \(told.libevent)\n"))
        }
    }
}
