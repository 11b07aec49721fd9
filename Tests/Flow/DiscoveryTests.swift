// What the name server says, and what follows from it.

import Testing

extension Following {
    // Goal: records are advice that is followed within their time to live.
    // Method: named with nsupdate, and dnsmasq.
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
    }
}
