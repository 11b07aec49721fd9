// Answers in every shape that a name server gives them.

import Testing

extension Following {
    // Goal: an answer's instances get traffic however the answer is put.
    // Method: named without additional sections, named with more records than a packet holds, and
    // packets that are no answers at all.
    @Suite struct Answers {
        @Test func `targets that come without addresses are asked for`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let named = stage.hold(
                    try Named(web.map { SRVRecord($0) }, minimal: true))
                let fairlead = try stage.fairlead(following: named.port, up: 3)
                #expect(try fairlead.bodies(of: 30) == ["one": 10, "two": 10, "three": 10])
            }
        }

        @Test func `an answer too long for UDP is asked for over TCP`() throws {
            try withStage { stage in
                let many = stage.hold(try Nginx("many", ports: 60))
                let named = try stage.named(SRVRecord.all(of: many))
                let fairlead = try stage.fairlead(following: named.port, up: 60)
                #expect(try fairlead.metric("fairlead_dns_messages_total", "truncated") > 0)
                let expected = many.ports.map { ("many:\($0)", 1) }
                #expect(
                    try fairlead.bodies(of: 60) == Dictionary(uniqueKeysWithValues: expected))
            }
        }

        @Test func `malformed packets are ignored, and the real answer is found among them`() throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = try stage.named([SRVRecord(web[0])])
                let noisy = stage.hold(try NoisyNameServer(before: named.port))
                let fairlead = try stage.fairlead(following: noisy.port, up: 1)
                #expect(try fairlead.bodies(of: 6) == ["one": 6])
                try named.add(SRVRecord(web[1]))
                try fairlead.waitForTraffic("traffic to the added instance") {
                    $0 == ["one": 6, "two": 6]
                }
                for kind in ["timeout", "malformed", "servfail"] {
                    let failures = try fairlead.metric(
                        "fairlead_discovery_answers_total", "kind=\"\(kind)\"")
                    #expect(failures == 0, "\(kind)")
                }
                #expect(try fairlead.metric("fairlead_dns_messages_total", "malformed") > 0)
            }
        }

        @Test func `added records get traffic, one by one`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three", "four", "five", "six")
                let named = try stage.named([SRVRecord(web[0])])
                let fairlead = try stage.fairlead(following: named.port, up: 1)
                var delays: [Duration] = []
                for new in web.dropFirst() {
                    try named.add(SRVRecord(new))
                    let added = ContinuousClock.now
                    let connection = try HTTPConnection(port: fairlead.port)
                    try waitFor("traffic to \(new.name)") {
                        try connection.request().body == new.name ? () : nil
                    }
                    delays.append(ContinuousClock.now - added)
                }
                print("measured: TTL 1 s, from nsupdate's end to the first request: \(delays)")
            }
        }
    }
}
