// The main job on one machine: `fairlead demo`, as someone meets it who tries it.

internal import Glibc
import Testing

extension Flow {
    // Goal: the demo does what its guide says, and nothing that happens to its instances costs a
    // request.
    // Method: `fairlead demo` on free ports; instances are broken through its stage.
    @Suite struct Demo {
        @Test func `it answers over HTTP and TCP, and its metrics can be read`() throws {
            try withStage { stage in
                let start = ContinuousClock.now
                let (demo, _) = try demo(stage)
                for port in demo.ports.prefix(2) {
                    try waitFor("an answer on \(port)") {
                        try get(port: port).status == 200 ? () : nil
                    }
                }
                print("measured: the demo answered \(ContinuousClock.now - start) after its start")
                try demo.waitForBackends(up: 3)
                for port in demo.ports.prefix(2) {
                    #expect(try names(of: 30, port) == ["web-1": 10, "web-2": 10, "web-3": 10])
                }
                try checkMetrics(try demo.page("/metrics").body)
            }
        }

        @Test func `it answers by HTTPS, by the line that it prints`() throws {
            try withStage { stage in
                let (demo, _) = try demo(stage)
                try demo.waitForBackends(up: 3)
                let line = demo.process.output.split(separator: "\n").first {
                    $0.contains("curl -k https://")
                }
                let command = line?.split(separator: "  ").first ?? "false"
                #expect(try RunningProcess.run(["sh", "-c", "\(command)"]).hasPrefix("web-"))
                let shown = try openSSL(port: demo.ports[2], "-servername localhost")
                #expect(shown.contains("New, TLSv1.3"), "\(shown)")
                let name = try curl(
                    "-v", "-k", "https://localhost:\(demo.ports[2])/", "-o", "/dev/null")
                #expect(name.said.contains("subject: CN=Fairlead's demo"), "\(name.said)")
            }
        }

        @Test func `a crash costs no request, and the instance is back when it is started`() throws
        {
            try withStage { stage in
                let (demo, door) = try demo(stage)
                try demo.waitForBackends(up: 3)
                let load = try Wrk(port: demo.port, pause: 2)
                try waitFor("load") { try demo.metric("fairlead_requests_total") > 100 ? () : nil }
                #expect(try post("/crash/web-2", door).status == 200)
                try demo.waitForBackends(up: 2)
                let counted = try demo.metric("fairlead_requests_total")
                try waitFor("load on those that are left") {
                    try demo.metric("fairlead_requests_total") > counted + 500 ? () : nil
                }
                #expect(load.isRunning)
                let result = try load.result()
                #expect(result.failures == 0 && result.requests > 0, "\(result)")
                #expect(try names(of: 30, demo.port) == ["web-1": 15, "web-3": 15])

                #expect(try post("/start/web-2", door).status == 200)
                try demo.waitForBackends(up: 3)
                #expect(try names(of: 30, demo.port).count == 3)
            }
        }

        @Test func `churn costs no request`() throws {
            try withStage { stage in
                let (demo, _) = try demo(stage, "--churn")
                try demo.waitForBackends(up: 3)
                var requests = 0
                // Each request is looked at by `names`, which throws on the first that fails.
                try waitFor("three events of churn:\n\(demo.process.transcript)") { () -> Void? in
                    requests += try names(of: 5, demo.port).values.reduce(0, +)
                    let events = demo.process.transcript.split(separator: "\n").count {
                        $0.contains(" demo.stage ")
                    }
                    return events >= 3 ? () : nil
                }
                print("measured: churn, \(requests) requests, none failed")
            }
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func `a signal ends it, and the exit status is 0`(number: Int32) throws {
            try withStage { stage in
                let (demo, _) = try demo(stage)
                try demo.waitForBackends(up: 3)
                demo.process.signal(number)
                #expect(try demo.process.waitForExit() == .status(0))
            }
        }

        @Test(arguments: ["--http", "--https", "--tcp", "--admin", "--dns", "--stage"])
        func `a port in use is named, and nothing starts`(flag: String) throws {
            try withStage { stage in
                let taken = stage.hold(try ScriptedBackend.silent())
                let others = ["--http", "--https", "--tcp", "--admin", "--dns", "--stage"].filter {
                    $0 != flag
                }
                let ports = try others.flatMap { [$0, "\(try FreePort.take())"] }
                let process = try Fairlead.start(["demo", flag, "\(taken.port)"] + ports)
                #expect(try process.waitForExit() == .status(1))
                try process.waitForErrors(containing: "127.0.0.1:\(taken.port)")
                try process.waitForErrors(containing: "in use")
            }
        }

        /// The demo on free ports, and the port of its stage.
        private func demo(_ stage: Stage, _ flags: String...) throws -> (Fairlead, UInt16) {
            let door = try FreePort.take()
            let ports = try ["--admin", "--dns"].flatMap { [$0, "\(try FreePort.take())"] }
            let demo = try Fairlead(
                arguments: ["demo", "--http", "0", "--https", "0", "--tcp", "0"]
                    + ["--stage", "\(door)"] + ports + flags,
                listeners: 3)
            return (stage.hold(demo), door)
        }

        /// Sends requests one after another, each on a connection of its own, and counts the
        /// instances that answered.
        /// - Throws: on any status but 200.
        private func names(of requests: Int, _ port: UInt16) throws -> [String: Int] {
            var counts: [String: Int] = [:]
            for _ in 0..<requests {
                let response = try get(port: port)
                guard response.status == 200 else {
                    throw FlowError("status \(response.status): \(response.body)")
                }
                counts[String(response.body.prefix { $0 != "," }), default: 0] += 1
            }
            return counts
        }

        private func post(_ path: String, _ port: UInt16) throws -> HTTPResponse {
            try HTTPConnection(port: port)
                .request("POST", path, headers: ["Content-Length: 0", "Connection: close"])
        }
    }
}
