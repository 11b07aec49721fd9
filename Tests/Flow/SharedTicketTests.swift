// Session tickets of many machines, whose keys are in Consul's K/V store.

import TestSupport
import Testing

extension Flow.Tickets {
    private static let key = "secrets/ticket-keys"

    private func options(_ agent: ConsulStandIn, more: String = "") -> String {
        """
        consul: {agents: ["\(agent.target)"]\(more)}
        ticket-keys: {consul: \(Self.key)}
        """
    }

    /// What one test needs: an agent, certificates and a backend.
    private func withAgent(
        _ test: (Stage, ConsulStandIn, CertificateFiles, UInt16) throws -> Void
    ) throws {
        let agent = try ConsulStandIn()
        defer { agent.stop() }
        try withStage { stage in
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            try test(stage, agent, files, try stage.web("one")[0].port)
        }
    }

    private func keys(_ agent: ConsulStandIn) -> ConsulWorld.Pair? {
        agent.known.pairs[Self.key]
    }

    /// The lines of the value: a key each.
    private func lines(_ agent: ConsulStandIn) -> [String] {
        String(decoding: keys(agent)?.value ?? [], as: UTF8.self).split(separator: "\n")
            .map(String.init)
    }

    /// Dates the keys back.
    private func age(_ agent: ConsulStandIn, hours: Int) {
        agent.change { world in
            guard let pair = world.pairs[Self.key] else { return }
            world.put(Self.key, pair.value, flags: pair.flags - UInt64(hours * 3600))
        }
    }

    @Test func `machines with one key in Consul resume each other's sessions, and one renews it`()
        throws
    {
        try withAgent { stage, agent, files, backend in
            let sites = try (0..<2).map { _ in
                try site(stage, files, over: backend, more: options(agent), hasAdmin: true)
            }
            for site in sites {
                try site.process.waitForOutput(containing: "tickets.keys key=")
            }
            try expectSoon(1) {
                sites.count { $0.process.transcript.contains("tickets.renewed") }
            }
            let made = lines(agent)
            #expect(made.count == 2 && made.allSatisfy { $0.utf8.count == 108 })
            let session = sites[0].folder.path("session")
            try begin(sites[0].port, session)
            #expect(try resumes(sites[1].port, session))
            // Nine hours later the next key seals, a new one is behind it, and the first opens.
            age(agent, hours: 9)
            try waitFor("a renewal") { lines(agent).count == 3 ? () : nil }
            let renewed = lines(agent)
            #expect([renewed[0], renewed[2]] == [made[1], made[0]])
            let writes = sites.count { $0.process.transcript.contains("tickets.renewed") }
            #expect((1...2).contains(writes))
            for site in sites {
                try waitFor("the new keys") {
                    site.process.transcript.contains("keys=3") ? () : nil
                }
            }
            #expect(try resumes(sites[1].port, session))
            try begin(sites[1].port, session)
            #expect(try resumes(sites[0].port, session))
            // Secrets are nowhere.
            for site in sites {
                let stats = try site.fairlead.page("/stats").body
                #expect(stats.contains(#""ticketKeys":{"count":3,"place":"Consul key secrets/"#))
                let shown =
                    try site.process.transcript + stats + site.fairlead.page("/config").body
                    + site.fairlead.page("/metrics").body
                for key in made + renewed { #expect(!shown.contains(key.prefix(16))) }
                #expect(shown.contains("fairlead_ticket_keys_failing 0"))
            }
        }
    }

    @Test func `keys that are broken, or are away, leave those of before in force`() throws {
        try withAgent { stage, agent, files, backend in
            let sites = try (0..<2).map { _ in
                try site(stage, files, over: backend, more: options(agent), hasAdmin: true)
            }
            for site in sites { try site.process.waitForOutput(containing: "keys=2") }
            let session = sites[0].folder.path("session")
            try begin(sites[0].port, session)
            let good = try #require(keys(agent))
            agent.change { $0.put(Self.key, Array("nonsense-that-is-secret".utf8)) }
            for site in sites {
                try site.process.waitForOutput(containing: "effect=\"the keys of before stay\"")
                try site.fairlead.expectMetric("fairlead_ticket_keys_failing", is: 1)
                let stats = try site.fairlead.page("/stats").body
                #expect(stats.contains("Ticket keys (Consul key \(Self.key)): found 23 bytes"))
                #expect(!(stats + site.process.transcript).contains("nonsense"))
                #expect(try site.fairlead.page("/health/ready").status == 200)
            }
            #expect(try resumes(sites[1].port, session))
            // Nobody writes over what it can't read.
            #expect(lines(agent) == ["nonsense-that-is-secret"])
            agent.change { $0.put(Self.key, good.value, flags: good.flags) }
            for site in sites {
                try waitFor("the mended keys") {
                    try site.fairlead.metric("fairlead_ticket_keys_failing") == 0 ? () : nil
                }
            }
            // Consul can't be asked: sessions go on, at either.
            agent.change { $0.lie = .reset }
            for site in sites {
                try waitFor("the failure") {
                    try site.fairlead.metric("fairlead_ticket_keys_failing") == 1 ? () : nil
                }
            }
            try begin(sites[1].port, session)
            #expect(try resumes(sites[0].port, session))
            // It comes back without its data, as one of development: there are new keys for all.
            agent.change { $0.restart() }
            for site in sites {
                try waitFor("new keys") {
                    try site.fairlead.metric("fairlead_ticket_keys_failing") == 0
                        && lines(agent).count == 2 ? () : nil
                }
            }
            #expect(keys(agent)?.value != good.value)
            try waitFor("both to have them", limit: .seconds(20)) { () -> Void? in
                try begin(sites[0].port, session)
                return try resumes(sites[1].port, session) ? () : nil
            }
        }
    }

    @Test func `a token that may not write the key is told so, and an operator's keys are taken`()
        throws
    {
        try withAgent { stage, agent, files, backend in
            agent.change { world in
                var reader = ConsulWorld.Grants()
                reader.keyReads = ["secrets/"]
                world.tokens = ["reader-of-keys": reader]
            }
            let site = try site(
                stage, files, over: backend,
                more: options(agent, more: ", token: reader-of-keys"), hasAdmin: true)
            try site.process.waitForOutput(containing: "tickets.failed")
            let said = site.process.transcript
            #expect(said.contains("answered 403"), "\(said)")
            #expect(said.contains("its token needs key:write for"), "\(said)")
            #expect(said.contains("resumed by the process alone that began them"), "\(said)")
            try site.fairlead.expectMetric("fairlead_ticket_keys_failing", is: 1)
            // Its own keys do meanwhile.
            let session = site.folder.path("session")
            try begin(site.port, session)
            #expect(try resumes(site.port, session))
            let key = try RunningProcess.run([
                "sh", "-c", "openssl rand -base64 80 | tr -d '\\n'",
            ])
            agent.change { $0.put(Self.key, Array(key.utf8)) }
            try site.process.waitForOutput(containing: "keys=1")
            #expect(try site.fairlead.metric("fairlead_ticket_keys_failing") == 0)
            #expect(try resumes(site.port, session))
        }
    }
}
