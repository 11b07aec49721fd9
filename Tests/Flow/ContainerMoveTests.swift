// Containers that move under load, by Compose and by its engine's end.

internal import TestSupport
internal import Testing

extension Following {
    // Goal: no request fails while containers are added, taken away and replaced, nor while their
    // engine is away; and what happened meanwhile is known when it is back. Method: Compose 1.29 on
    // a real engine, clients that ask all the while, a connection for each request.
    @Suite(.enabled(if: OwnMachine.isPossible, "namespaces are refused, or this is not root"))
    struct ContainerMoves {
        /// A service whose containers serve `shop.test`; compose's name of it is `shop-web`.
        private static func compose(_ more: String = "") -> String {
            """
            version: "2.4"
            services:
              web:
                image: app:1
                labels: {fairlead.host: shop.test}
            """ + more
        }

        private static let label = "com.docker.compose.service=web"

        @Test func `up to five, down to two, stopped and started: no request fails`() throws {
            try withEngine { stage, engine in
                let fairlead = try stage.fairlead(following: engine)
                func scale(_ count: Int) throws {
                    try engine.compose(
                        Self.compose(), ["up", "--detach", "--scale", "web=\(count)"])
                    let running = try engine.running(Self.label)
                    #expect(running.count == count)
                    try fairlead.waitForAnswers(to: "shop.test", by: running)
                }
                try scale(2)
                let load = try fairlead.load(on: "shop.test")
                try scale(5)
                try scale(2)
                let both = try engine.running(Self.label)
                let one = try #require(both.first)
                for (away, back) in [("pause", "unpause"), ("stop", "start"), ("kill", "start")] {
                    try engine.docker(away, one)
                    try fairlead.waitForAnswers(to: "shop.test", by: both.subtracting([one]))
                    try engine.docker(back, one)
                    try fairlead.waitForAnswers(to: "shop.test", by: both)
                }
                try engine.docker("restart", one)
                try fairlead.waitForAnswers(to: "shop.test", by: both)
                try load.stop()
                #expect(load.failures == [], "\(fairlead.process.transcript)")
            }
        }

        @Test(arguments: [3, 1])
        func `all are replaced at once, and requests wait for those that come`(count: Int) throws {
            try withEngine { stage, engine in
                let fairlead = try stage.fairlead(following: engine)
                let file = Self.compose("\n    environment: {DELAY: \"1\"}\n")
                let scale = ["--scale", "web=\(count)"]
                try engine.compose(file, ["up", "--detach"] + scale)
                let old = try engine.running(Self.label)
                try fairlead.waitForAnswers(to: "shop.test", by: old)
                let load = try fairlead.load(on: "shop.test")
                try load.awaitMore(20)
                try engine.compose(file, ["up", "--detach", "--force-recreate"] + scale)
                let new = try engine.running(Self.label)
                #expect(new.count == count && new.isDisjoint(with: old))
                try fairlead.waitForAnswers(to: "shop.test", by: new)
                try load.awaitMore(20)
                try load.stop()
                #expect(load.failures == [], "\(fairlead.process.transcript)")
            }
        }

        @Test func `an engine that is killed or stopped takes nothing away, and is heard again`()
            throws
        {
            try withEngine { stage, engine in
                let fairlead = try stage.fairlead(following: engine)
                let label = ["--label", "fairlead.host=shop.test", "--label", "fairlead.service=s"]
                let (a, b) = (try engine.run("aa", label), try engine.run("bb", label))
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b])
                let load = try fairlead.load(on: "shop.test")
                try engine.kill()
                try waitFor("the loss; fairlead said \(fairlead.process.transcript)") {
                    fairlead.process.errors.contains("docker.feed_failed") ? () : nil
                }
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b])
                try engine.start()
                let c = try engine.run("cc", label)
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b, c])
                // The socket goes with it, and with that all that is asked.
                try engine.stop()
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b, c])
                try engine.start()
                try engine.docker("stop", "aa")
                try fairlead.waitForAnswers(to: "shop.test", by: [b, c])
                try load.stop()
                #expect(load.failures == [], "\(fairlead.process.transcript)")
                try fairlead.process.waitForErrors(containing: "docker.feed_recovered")
            }
        }

        @Test func `what happened while an engine was away is known when it is back`() throws {
            try withEngine { stage, engine in
                let fairlead = try stage.fairlead(following: engine)
                let admin = try #require(fairlead.admin)
                let label = ["--label", "fairlead.host=shop.test", "--label", "fairlead.service=s"]
                let kept = try engine.run("kept", label)
                for (way, end) in [("killed", engine.kill), ("stopped", engine.stop)] {
                    let other = try engine.run(way, label)
                    try fairlead.waitForAnswers(to: "shop.test", by: [kept, other])
                    let id = try engine.docker("inspect", "--format", "{{.State.Pid}}", way)
                    try end()
                    try engine.machine.run("kill", "-KILL", id.filter(\.isNumber))
                    // By then the engine is looked for as seldom as ever.
                    pause(milliseconds: 3000)
                    let back = try moment(
                        "curl -sf --unix-socket \(engine.socket) http://engine/_ping")
                    let right = try moment(
                        "curl -s http://127.0.0.1:\(admin)/events | grep '\(way): it has ended'")
                    try engine.start()
                    let times = try [back, right].map { moment in
                        try moment.waitForExit()
                        return try #require(Int(moment.output.filter(\.isNumber)))
                    }
                    print(
                        "measured: an engine that was \(way): what had happened meanwhile was "
                            + "known \(times[1] - times[0]) ms after its first answer")
                    try fairlead.waitForAnswers(to: "shop.test", by: [kept])
                }
            }
        }

        /// A process that tries a command until that succeeds, and says when: milliseconds since
        /// 1970.
        private func moment(_ command: String) throws -> RunningProcess {
            try RunningProcess([
                "sh", "-c",
                "until { \(command); } >/dev/null 2>&1; do sleep 0.01; done; date +%s%3N",
            ])
        }
    }
}
