// Backends that die, and services that have none.

internal import Glibc
import Testing

extension Flow {
    // Goal: a dying backend costs no request, and the reason of every absence is shown.
    // Method: nginx killed with SIGKILL, under wrk's load and without.
    @Suite struct Failure {
        @Test func `killing one of three under load costs no request`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                let load = try Wrk(port: fairlead.port)
                try waitFor("load on every instance") {
                    web.allSatisfy { $0.requests > 100 } ? () : nil
                }
                try web[1].kill()
                try fairlead.waitForBackends(up: 2)
                let counted = web.map(\.requests)
                try waitFor("load on those that are left") {
                    [0, 2].allSatisfy { web[$0].requests > counted[$0] + 100 } ? () : nil
                }
                #expect(load.isRunning)
                let result = try load.result()
                #expect(result.failures == 0 && result.requests > 0, "\(result)")
                print("measured: SIGKILL under load, \(result)")
                let dead = try fairlead.backends().first { $0.state != "up" }
                #expect(dead?.address == "127.0.0.1:\(web[1].port)")
                #expect(dead?.cause.isEmpty == false)
            }
        }

        @Test func `a backend that is back gets its share again`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let fairlead = try stage.fairlead(over: web.map(\.port))
                try web[0].kill()
                try fairlead.waitForBackends(up: 1)
                #expect(try fairlead.bodies(of: 6) == ["two": 6])
                try web[0].start()
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 6) == ["one": 3, "two": 3])
            }
        }

        @Test func `without a healthy backend the answer is 503 and says so`() throws {
            try withStage { stage in
                let nobody = try FreePort.take()
                let fairlead = try stage.fairlead(["--backend", "127.0.0.1:\(nobody)"])
                try waitFor("the checks' verdict") {
                    try fairlead.backends().contains { $0.state == "down" } ? () : nil
                }
                let response = try get(port: fairlead.port)
                #expect(response.status == 503)
                let service = "127.0.0.1:\(fairlead.port)"
                #expect(response.body.contains("No healthy backend for service \(service)."))
                #expect(try fairlead.readiness() == 503)
            }
        }

        @Test func `a service without instances is answered with 503`() throws {
            try withStage { stage in
                let named = try stage.named([])
                let fairlead = try stage.fairlead(following: named.port, up: 0)
                let response = try get(port: fairlead.port)
                #expect(response.status == 503)
                #expect(
                    response.body.contains("No healthy backend for service \(SRVRecord.service)."))
            }
        }

        @Test func `a port in use is named in the message and nothing starts`() throws {
            try withStage { stage in
                let taken = stage.hold(try ScriptedBackend.echoingBodies())
                let admin = try FreePort.take()
                let process = try Fairlead.start([
                    "run", "--listen", "127.0.0.1:\(taken.port)", "--admin", "127.0.0.1:\(admin)",
                    "--backend", "127.0.0.1:\(admin)",
                ])
                #expect(try process.waitForExit() == .status(1))
                let place = "127.0.0.1:\(taken.port)"
                #expect(
                    process.errors.contains("cannot listen on \(place): Address already in use: "),
                    "\(process.transcript)")
                #expect(throws: FlowError.self) { try RawSocket(port: admin) }
            }
        }
    }
}
