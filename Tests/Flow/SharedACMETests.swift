// Certificates from an authority for many machines, whose store is Consul's K/V store.

internal import Glibc
import TestSupport
import Testing

extension Following.ACME {
    private func withAgent(_ test: (Stage, ConsulStandIn) throws -> Void) throws {
        let agent = try ConsulStandIn()
        defer { agent.stop() }
        try withStage { try test($0, agent) }
    }

    private func consul(_ agent: ConsulStandIn, more: String = "") -> String {
        "consul: {agents: [\"\(agent.target)\"]\(more)}"
    }

    /// The names below the prefix.
    private func names(_ agent: ConsulStandIn) -> [String] {
        agent.known.pairs.keys.filter { $0.hasPrefix("certificates/") }
            .map { String($0.dropFirst("certificates/".count)) }.sorted()
    }

    private func wait(_ text: String, _ fairlead: Fairlead) throws {
        try waitSlowly("“\(text)”; fairlead said:\n\(fairlead.process.transcript)") {
            fairlead.process.errors.contains(text)
        }
    }

    @Test func `machines with one prefix order once, each answers for the other, and all show it`()
        throws
    {
        try withAgent { stage, agent in
            let site = try site(stage)
            let other = (http: try FreePort.take(), https: try FreePort.take())
            let settings = consul(agent)
            let files = try [
                site.file("a", http: site.http, https: site.https, consul: settings),
                site.file("b", http: other.http, https: other.https, consul: settings),
            ]
            // The authority sees the first alone, and the second is the one that orders: the first
            // is kept from it.
            agent.change { world in
                world.liesTo = "/v1/session/create"
                world.lie = .status(500, "not yet")
            }
            let first = try run(stage, files[0])
            try wait("acme.store_unusable", first)
            let second = try run(stage, files[1])
            agent.change { $0.lie = nil }
            try waitForCertificate(site, first, site.https)
            try waitForCertificate(site, second, other.https)
            #expect(site.pebble.issued == 1)
            let log = first.process.errors + second.process.errors
            #expect(log.split(separator: "\n").count { $0.contains("acme.ordering") } == 1)
            try waitFor("the end of the order") {
                agent.known.pairs["certificates/lock"]?.session == nil ? () : nil
            }
            #expect(
                names(agent).filter { !$0.hasPrefix("accounts/") } == [
                    "changed", "lock", "web.test/fullchain.pem", "web.test/privkey.pem",
                ])
            // A restart shows it from its first connection on, and orders nothing.
            second.process.signal(SIGTERM)
            try second.process.waitForExit()
            let third = try run(stage, files[1])
            #expect(try site.isServed(other.https))
            #expect(!third.process.errors.contains("acme.ordering"))
            #expect(site.pebble.issued == 1)
            let stats = try third.page("/stats").body
            #expect(stats.contains("Consul key certificates/web.test/fullchain.pem"))
            let key = String(
                decoding: agent.known.pairs["certificates/web.test/privkey.pem"]?.value ?? [],
                as: UTF8.self
            ).split(separator: "\n")
            #expect(key.count > 2)
            let shown =
                try stats + third.page("/config").body + third.process.transcript
                + first.process.transcript
            for line in key.dropFirst().dropLast() { #expect(!shown.contains(line)) }
        }
    }

    @Test func `one that is killed within an order leaves it to another machine`() throws {
        try withAgent { stage, agent in
            let site = try site(stage, sleep: 4)
            let settings = consul(agent)
            let first = try run(
                stage, site.file("a", http: site.http, https: site.https, consul: settings))
            try waitSlowly("a challenge; fairlead said:\n\(first.process.transcript)") {
                names(agent).contains { $0.hasPrefix("challenges/") }
            }
            first.process.signal(SIGKILL)
            try first.process.waitForExit()
            let killed = ContinuousClock.now
            let second = try run(
                stage, site.file("b", http: site.http, https: site.https, consul: settings))
            try waitForCertificate(site, second, site.https)
            // The session's life, as much again, and the delay of the lock; then an order.
            #expect(ContinuousClock.now - killed > .seconds(15))
            try expectSoon(false) { names(agent).contains { $0.hasPrefix("challenges/") } }
        }
    }

    @Test func `one that loses its session drops its order, and the next try goes on`() throws {
        try withAgent { stage, agent in
            agent.change { $0.lockDelayMax = .seconds(1) }
            let site = try site(stage, sleep: 4)
            let fairlead = try run(
                stage, site.file("a", http: site.http, https: site.https, consul: consul(agent)))
            try waitSlowly("a challenge; fairlead said:\n\(fairlead.process.transcript)") {
                names(agent).contains { $0.hasPrefix("challenges/") }
            }
            agent.change { world in
                if let session = world.pairs["certificates/lock"]?.session {
                    world.end(session: session)
                }
            }
            try wait("acme.lock_lost host=web.test", fairlead)
            try waitForCertificate(site, fairlead, site.https)
            #expect(!fairlead.process.errors.contains("acme.failed"))
        }
    }

    @Test func `what Consul refuses, or that it is away, is said, and what is there goes on`()
        throws
    {
        try withAgent { stage, agent in
            agent.change { world in
                var reader = ConsulWorld.Grants()
                reader.keyReads = ["certificates/"]
                world.tokens = ["reader-of-keys": reader]
            }
            let site = try site(stage)
            let file = try site.file(
                "a", http: site.http, https: site.https,
                consul: consul(agent, more: ", token: reader-of-keys"))
            let fairlead = try run(stage, file)
            try wait("acme.store_unusable", fairlead)
            let said = fairlead.process.errors
            #expect(
                said.contains("answered 403") && said.contains("needs session:write"), "\(said)")
            #expect(try fairlead.page("/stats").body.contains("acme.consul: agent"))
            #expect(try curl("-k", "https://127.0.0.1:\(site.https)/").exit == .status(0))
            #expect(site.pebble.issued == 0)
            agent.change { $0.tokens = nil }
            try waitForCertificate(site, fairlead, site.https)
            // Consul restarts, and is away for a while: clients see nothing of it.
            agent.change { $0.lie = .reset }
            agent.closeConnections()
            try waitSlowly("it to be said") {
                try fairlead.page("/stats").body.contains("acme.consul: agent")
            }
            #expect(try site.isServed(site.https))
            // A process that takes over would have nothing to show: it is refused.
            fairlead.process.signal(SIGUSR2)
            try wait("the process before goes on", fairlead)
            #expect(try site.isServed(site.https))
            agent.change { $0.lie = nil }
            try waitSlowly("it to be over") {
                try !fairlead.page("/stats").body.contains("acme.consul: agent")
            }
            #expect(site.pebble.issued == 1)
            defer { signalSuccessor(of: fairlead.process, SIGKILL) }
            fairlead.process.signal(SIGUSR2)
            try fairlead.process.waitForOutput(containing: "process.took_over")
            #expect(try site.isServed(site.https))
        }
    }
}
