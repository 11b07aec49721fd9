// Make before break, end to end: which sets serve after a change in the registry.

internal import DNSWire
internal import Endpoints
import TestSupport
import Testing

extension Flow {
    // Goal: a deploy leaves the old ones, a scale-down gives what it removed nothing new, and a
    // registry that lost its mind leaves nobody alone with the load; no request fails for any of
    // it. Method: a stand-in for Consul's agent, whose answers change as a whole; nginx as
    // instances, which live on whatever the registry says.
    @Suite struct Deploys {
        private func id(_ web: Nginx) -> String { "web-\(web.port)" }

        /// Instances of these names that serve, with the Fairlead that follows them.
        private func withInstances(
            _ names: [String], spare: [String] = [],
            _ test: (ConsulStandIn, Fairlead, [Nginx], [Nginx]) throws -> Void
        ) throws {
            let agent = try ConsulStandIn()
            defer { agent.stop() }
            try withStage { stage in
                let web = try (names + spare).map { try stage.web($0)[0] }
                let (first, others) = (Array(web.prefix(names.count)), web.dropFirst(names.count))
                agent.change { world in for web in first { register(web, in: &world) } }
                let fairlead = try stage.fairlead(
                    ["--consul", "web"],
                    environment: [
                        "FAIRLEAD_CONSUL_AGENTS": "\(agent.target)",
                        "FAIRLEAD_CHECK_INTERVAL": "500ms",
                    ])
                try fairlead.waitForBackends(up: names.count)
                try test(agent, fairlead, first, Array(others))
            }
        }

        private func register(_ web: Nginx, in world: inout ConsulWorld) {
            world.register(
                ConsulWorld.Instance(
                    "web", id: id(web), address: "127.0.0.1", port: Int(web.port)))
        }

        @Test func `blue and green change places in one answer, and only green serves`() throws {
            try withInstances(["a", "b", "c"], spare: ["x", "y", "z"]) {
                agent, fairlead, blue, green in
                agent.change { world in
                    for web in green { register(web, in: &world) }
                    for web in blue { world.deregister(id(web)) }
                }
                try fairlead.waitForTraffic("the new ones alone") {
                    $0 == ["x": 4, "y": 4, "z": 4]
                }
                let stats = try fairlead.page("/stats").body
                #expect(stats.contains("3 new backends are up in place of 3 old ones"))
            }
        }

        @Test func `5 to 2: those removed get nothing new though they live`() throws {
            try withInstances(["a", "b", "c", "d", "e"]) { agent, fairlead, web, _ in
                agent.change { world in for web in web.dropFirst(2) { world.deregister(id(web)) } }
                try fairlead.waitForTraffic("the two that are left") { $0 == ["a": 6, "b": 6] }
                let stats = try fairlead.page("/stats").body
                #expect(stats.contains("2 named by the answer serve; 3 lost at "))
                // They are there when the two are not.
                try web[0].kill()
                try web[1].kill()
                try fairlead.waitForTraffic("those removed") { $0 == ["c": 4, "d": 4, "e": 4] }
            }
        }

        @Test func `4 to 1 and then none: nobody is left alone with the load`() throws {
            try withInstances(["a", "b", "c", "d"]) { agent, fairlead, web, _ in
                agent.change { world in for web in web.dropFirst(1) { world.deregister(id(web)) } }
                try fairlead.waitForTraffic("all of them") { counts in
                    let stats = try? fairlead.page("/stats").body
                    return counts == ["a": 3, "b": 3, "c": 3, "d": 3]
                        && stats?.contains("the 3 lost serve as well") == true
                }
                agent.change { $0.deregister(id(web[0])) }
                for _ in 0..<20 {
                    #expect(try fairlead.bodies(of: 4) == ["a": 1, "b": 1, "c": 1, "d": 1])
                }
            }
        }

        @Test func `a catalogue that is wiped for a while costs no request`() throws {
            try withInstances(["a", "b", "c", "d"]) { agent, fairlead, web, _ in
                agent.change { world in for web in web { world.deregister(id(web)) } }
                try waitFor("the empty answer") {
                    try fairlead.metric("fairlead_discovery_answers_total", "nodata") > 0 ? () : nil
                }
                for _ in 0..<20 {
                    #expect(try fairlead.bodies(of: 4) == ["a": 1, "b": 1, "c": 1, "d": 1])
                }
                agent.change { world in for web in web { register(web, in: &world) } }
                try waitFor("the end of the hold") {
                    try fairlead.page("/stats").body.contains("\"hold\":") ? nil : ()
                }
                #expect(try fairlead.bodies(of: 8) == ["a": 2, "b": 2, "c": 2, "d": 2])
            }
        }

        @Test func `a canary that was rolled back gets nothing when the rest is replaced`() throws {
            try withInstances(["a", "b", "c"], spare: ["canary", "x", "y", "z"]) {
                agent, fairlead, old, others in
                let (canary, new) = (others[0], others.dropFirst())
                agent.change { register(canary, in: &$0) }
                try fairlead.waitForTraffic("the canary") { $0["canary"] == 3 }
                agent.change { $0.deregister(id(canary)) }
                try fairlead.waitForTraffic("the others alone") {
                    $0 == ["a": 4, "b": 4, "c": 4]
                }
                agent.change { world in
                    for web in new { register(web, in: &world) }
                    for web in old { world.deregister(id(web)) }
                }
                try fairlead.waitForTraffic("the new ones alone") { counts in
                    #expect(counts["canary"] == nil)
                    return counts == ["x": 4, "y": 4, "z": 4]
                }
            }
        }

        @Test func `those listed as critical get nothing, until the others are out`() throws {
            try withInstances(["a", "b", "c", "d"]) { agent, fairlead, web, _ in
                agent.change { world in
                    for web in web.dropFirst(1) { world.setStatus("critical", of: id(web)) }
                }
                try fairlead.waitForTraffic("the one that is well") { $0 == ["a": 12] }
                // The registry's checks fail, and ours pass.
                try web[0].kill()
                try fairlead.waitForTraffic("the others") { $0 == ["b": 4, "c": 4, "d": 4] }
            }
        }
    }
}
