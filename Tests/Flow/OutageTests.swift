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
            let load = try load(fairlead, seconds: 32)
            try named.freeze()
            try await expectNoFailure(load, "a name server that hangs for 30 s")
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
            let load = try load(fairlead, seconds: 32)
            try named.terminate()
            try await expectNoFailure(load, "a name server that is gone for 30 s")
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
            let load = try load(fairlead, seconds: 12)
            try named.deleteAll()
            try await expectNoFailure(load, "NXDOMAIN for 10 s")
            #expect(try fairlead.metric("fairlead_discovery_answers_total", "nxdomain") > 0)
            #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
        }
    }

    /// Load that is on when this returns.
    private func load(_ fairlead: Fairlead, seconds: Int) throws -> Wrk {
        let load = try Wrk(port: fairlead.port, seconds: seconds, connections: 8, pause: 20)
        try waitFor("load") { try fairlead.metric("fairlead_requests_total") > 20 ? () : nil }
        return load
    }

    private func expectNoFailure(_ load: Wrk, _ what: String) async throws {
        #expect(load.isRunning)
        let result = try await load.resultInTime()
        #expect(result.failures == 0 && result.requests > 0, "\(result)")
        print("measured: \(what), \(result)")
    }
}
