// Who gets how much.

import Testing

extension Following {
    // Goal: requests are shared exactly as the records say, and as the records' changes say.
    // Method: named and nginx; 30 requests on one connection, counted by the body of the answer.
    @Suite struct Distribution {
        @Test func `three equal instances get ten requests of thirty each`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named(web.map { SRVRecord($0) })
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
            }
        }

        @Test func `weights three to two to one get 15, 10 and 5`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = try stage.named([
                    SRVRecord(web[0], weight: 3), SRVRecord(web[1], weight: 2),
                    SRVRecord(web[2], weight: 1),
                ])
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                #expect(try fairlead.bodies(of: 30) == ["one": 15, "two": 10, "three": 5])
            }
        }

        @Test func `a weight of ten to one gets ten requests of eleven, again and again`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = try stage.named([
                    SRVRecord(web[0], weight: 10), SRVRecord(web[1], weight: 1),
                ])
                let fairlead = try stage.fairlead(following: named.port, up: 2)
                for _ in 0..<5 {
                    #expect(try fairlead.bodies(of: 11) == ["one": 10, "two": 1])
                }
            }
        }

        @Test func `the lower priority number gets everything, the next tier when it is down`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two", "spare")
                let named = try stage.named([
                    SRVRecord(web[0], priority: 1), SRVRecord(web[1], priority: 1),
                    SRVRecord(web[2], priority: 2),
                ])
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                #expect(try fairlead.bodies(of: 30) == ["one": 15, "two": 15])

                try web[0].kill()
                try web[1].kill()
                try fairlead.waitForBackends(up: 1)
                #expect(try fairlead.bodies(of: 30) == ["spare": 30])

                try web[0].start()
                try web[1].start()
                try fairlead.waitForBackends(up: 3)
                #expect(try fairlead.bodies(of: 30) == ["one": 15, "two": 15])
            }
        }

        @Test func `a fixed list is shared out evenly without any DNS`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let fairlead = try stage.fairlead(over: web.map(\.port))
                #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
            }
        }
    }
}
