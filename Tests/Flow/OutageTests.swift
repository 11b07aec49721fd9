// Discovery away for as long as it is in real life. These tests last; they run beside the others,
// with a load that leaves them room.

import Testing

// Goal: a name server that hangs, is gone or denies everything costs no request.
// Method: named frozen, ended, or emptied, under a paced load of wrk, for 30 s, 30 s and 10 s.
@Suite struct Outages {
    @Test func `a name server that hangs for 30 s costs no request`() async throws {
        try await withStage { stage in
            let web = try stage.web("one", "two", "three")
            let named = try stage.named(web.map { SRVRecord($0) })
            let fairlead = try stage.fairlead(following: named.port, up: 3)
            let load = try load(fairlead)
            try named.freeze()
            try await expectNoFailure(load, for: 30, "a name server that hangs")
            #expect(try fairlead.metric("fairlead_discovery_answers_total", "timeout") > 0)
            #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
            #expect(try fairlead.readiness() == 200)

            named.thaw()
            try named.delete(SRVRecord(web[2]))
            try fairlead.waitForTraffic("the name server to be heard again") {
                $0 == ["one": 6, "two": 6]
            }
        }
    }

    @Test func `a name server that is gone for 30 s costs no request, and its successor is heard`()
        async throws
    {
        try await withStage { stage in
            let web = try stage.web("one", "two", "three")
            let named = try stage.named(web[..<2].map { SRVRecord($0) })
            let fairlead = try stage.fairlead(following: named.port, up: 2)
            let load = try load(fairlead)
            try named.terminate()
            try await expectNoFailure(load, for: 30, "a name server that is gone")
            #expect(try fairlead.bodies(of: 30) == ["one": 15, "two": 15])

            _ = stage.hold(try Named(web.map { SRVRecord($0) }, port: named.port))
            try fairlead.waitForBackends(up: 3)
        }
    }

    @Test func `NXDOMAIN for 10 s while the backends pass their checks costs no request`()
        async throws
    {
        try await withStage { stage in
            let web = try stage.web("one", "two", "three")
            let named = try stage.named(web.map { SRVRecord($0) })
            let fairlead = try stage.fairlead(following: named.port, up: 3)
            let load = try load(fairlead)
            try named.deleteAll()
            try await expectNoFailure(load, for: 10, "NXDOMAIN")
            #expect(try fairlead.metric("fairlead_discovery_answers_total", "nxdomain") > 0)
            #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
        }
    }

    /// Load that is on when this returns.
    private func load(_ fairlead: Fairlead) throws -> Wrk {
        let load = try Wrk(port: fairlead.port, connections: 8, pause: 20)
        try waitFor("load") { try fairlead.metric("fairlead_requests_total") > 20 ? () : nil }
        return load
    }

    /// Goes on for so many seconds, without holding one of the few threads that tests have.
    private func expectNoFailure(_ load: Wrk, for seconds: Int, _ what: String) async throws {
        try await Task.sleep(for: .seconds(seconds))
        #expect(load.isRunning)
        let result = try load.result()
        #expect(result.failures == 0 && result.requests > 0, "\(result)")
        print("measured: \(what) for \(seconds) s, \(result)")
    }
}
