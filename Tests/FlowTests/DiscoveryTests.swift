// What the name server says, and what follows from it.

internal import Glibc
import Testing

/// How long a name server stays away while load is on. FAIRLEAD_FLOW_LONG sets it, for a full-length
/// run by hand (30); the default is longer than two lives of a record and a hold that is too short.
private let outageSeconds: Int = {
    guard let text = unsafe getenv("FAIRLEAD_FLOW_LONG") else { return 4 }
    return Int(unsafe String(cString: text)) ?? 30
}()

extension Flow {
    // Goal: records are advice that is followed within their time to live, and a name server that is
    // away or denies everything costs no request.
    // Method: named with nsupdate, frozen or ended; dnsmasq; wrk for load.
    @Suite struct Discovery {
        @Test func `an added record gets traffic`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = try stage.named([SRVRecord(web[0])])
                let fairlead = try stage.fairlead(following: named.port, up: 1)
                #expect(try fairlead.bodies(of: 6) == ["one": 6])
                try named.add(SRVRecord(web[1]))
                try fairlead.waitForTraffic("traffic to the added instance") {
                    $0 == ["one": 6, "two": 6]
                }
            }
        }

        @Test func `a deleted record gets no more traffic though its instance lives`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                try named.delete(SRVRecord(web[1]))
                try fairlead.waitForTraffic("the deleted instance to be left out") {
                    $0 == ["one": 6, "three": 6]
                }
                #expect(try get(port: web[1].port).body == "two")
            }
        }

        @Test func `a changed weight changes the shares`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = try stage.fairlead(following: named.port, up: 2)
                #expect(try fairlead.bodies(of: 12) == ["one": 6, "two": 6])
                try named.add(SRVRecord(web[0], weight: 3))
                try named.delete(SRVRecord(web[0]))
                try fairlead.waitForTraffic("shares of three to one") {
                    $0 == ["one": 9, "two": 3]
                }
            }
        }

        @Test func `dnsmasq, whose records live 0 seconds, is followed like named`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let dnsmasq = stage.hold(
                    try Dnsmasq([
                        SRVRecord(web[0], weight: 2), SRVRecord(web[1], weight: 1),
                        SRVRecord(web[2], priority: 2),
                    ]))
                let fairlead = try stage.fairlead(following: dnsmasq.port, up: 3)
                #expect(try fairlead.bodies(of: 30) == ["one": 20, "two": 10])
            }
        }

        @Test func `a frozen name server costs no request`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                let load = try Wrk(port: fairlead.port, seconds: outageSeconds + 2)
                named.freeze()
                let result = try load.result()
                #expect(result.failures == 0 && result.requests > 0, "\(result)")
                #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
                #expect(try fairlead.readiness() == 200)

                named.thaw()
                try named.delete(SRVRecord(web[2]))
                try fairlead.waitForTraffic("the name server to be heard again") {
                    $0 == ["one": 6, "two": 6]
                }
            }
        }

        @Test func `an ended name server costs no request, and its successor is heard`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named(web[..<2].map { SRVRecord($0) })
                let fairlead = try stage.fairlead(following: named.port, up: 2)
                let load = try Wrk(port: fairlead.port, seconds: outageSeconds)
                try named.terminate()
                let result = try load.result()
                #expect(result.failures == 0 && result.requests > 0, "\(result)")

                _ = stage.hold(try Named(web.map { SRVRecord($0) }, port: named.port))
                try fairlead.waitForBackends(up: 3)
            }
        }

        @Test func `NXDOMAIN while the backends pass their checks costs no request`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                let load = try Wrk(port: fairlead.port, seconds: outageSeconds + 2)
                try named.deleteAll()
                let result = try load.result()
                #expect(result.failures == 0 && result.requests > 0, "\(result)")
                #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
            }
        }

        @Test func `a backend that dies while its name does not exist is left out`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                try named.deleteAll()
                try web[2].kill()
                try fairlead.waitForBackends(up: 2)
                #expect(try fairlead.bodies(of: 12) == ["one": 6, "two": 6])
            }
        }

        @Test func `without a name server it starts, says that it is not ready, and becomes ready`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let port = try FreePort.take()
                let fairlead = try stage.fairlead([
                    "--service", SRVRecord.service, "--dns", "127.0.0.1:\(port)",
                ])
                #expect(try fairlead.readiness() == 503)
                _ = stage.hold(try Named([SRVRecord(web[0])], port: port))
                try waitFor("readiness") { try fairlead.readiness() == 200 ? () : nil }
                #expect(try fairlead.bodies(of: 3) == ["one": 3])
            }
        }
    }
}
