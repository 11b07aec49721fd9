// Containers of a real engine, from their start to their end.

internal import Glibc
internal import TestSupport
internal import Testing

extension Following {
    // Goal: a container gets requests when it can serve them and no longer, whatever becomes of it,
    // and whoever labels it wrongly is told. Method: Docker's engine and Docker's own client on a
    // machine of the test's own, Fairlead beside them without a file; who answers.
    @Suite(.enabled(if: OwnMachine.isPossible, "namespaces are refused, or this is not root"))
    struct Containers {
        @Test func `a label is all it takes, and what becomes of a container is followed`() throws {
            try withEngine { stage, engine in
                let fairlead = try stage.fairlead(following: engine)
                #expect(try fairlead.ask("shop.test").status == 404)
                let label = ["--label", "fairlead.host=shop.test", "--label", "fairlead.service=s"]
                let (a, b) = (try engine.run("aa", label), try engine.run("bb", label))
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b])
                try engine.docker("pause", "aa")
                try fairlead.waitForAnswers(to: "shop.test", by: [b])
                try engine.docker("unpause", "aa")
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b])
                try engine.docker("stop", "bb")
                try fairlead.waitForAnswers(to: "shop.test", by: [a])
                try engine.docker("start", "bb")
                try fairlead.waitForAnswers(to: "shop.test", by: [a, b])
                try engine.docker("rm", "--force", "aa")
                try fairlead.waitForAnswers(to: "shop.test", by: [b])
                for text in ["it is paused", "it was told to stop by signal 15"] {
                    try fairlead.process.waitForErrors(containing: text)
                }
            }
        }

        @Test func `a HEALTHCHECK that starts keeps requests away, one that fails puts it last`()
            throws
        {
            try withEngine { stage, engine in
                let fairlead = try stage.fairlead(following: engine)
                let label = ["--label", "fairlead.host=shop.test", "--label", "fairlead.service=s"]
                let plain = try engine.run("plain", label)
                try fairlead.waitForAnswers(to: "shop.test", by: [plain])
                let checked = try engine.run(
                    "checked",
                    label + [
                        "--health-cmd", "test -e /tmp/well", "--health-interval", "300ms",
                        "--health-retries", "1", "--health-start-period", "1m",
                    ])
                try waitFor("the check to run") {
                    try engine.docker("inspect", "checked").contains("\"ExitCode\": 1") ? () : nil
                }
                #expect(try fairlead.answers(to: "shop.test", 8) == [plain])
                try engine.docker("exec", "checked", "touch", "/tmp/well")
                try fairlead.waitForAnswers(to: "shop.test", by: [plain, checked])
                try engine.docker("exec", "checked", "rm", "/tmp/well")
                try fairlead.waitForAnswers(to: "shop.test", by: [plain])
                // Better than nobody.
                try engine.docker("stop", "plain")
                try fairlead.waitForAnswers(to: "shop.test", by: [checked])
            }
        }

        @Test func `a HEALTHCHECK that fails is ignored, taken as advice, or must pass`() throws {
            try withEngine { stage, engine in
                let fairlead = try stage.fairlead(following: engine)
                let label = ["--label", "fairlead.host=shop.test", "--label", "fairlead.service=s"]
                func run(_ health: String) throws -> String {
                    try engine.run(
                        health,
                        label + [
                            "--label", "fairlead.health=\(health)", "--health-cmd", "exit 1",
                            "--health-interval", "300ms", "--health-retries", "1",
                        ])
                }
                let plain = try engine.run("plain", label)
                let (ignored, advised) = (try run("ignore"), try run("advice"))
                _ = try run("must")
                try fairlead.waitForAnswers(to: "shop.test", by: [plain, ignored])
                for name in ["ignore", "advice", "must"] {
                    try waitFor("the check of \(name) to fail") {
                        try engine.docker("inspect", name).contains("\"Status\": \"unhealthy\"")
                            ? () : nil
                    }
                }
                try fairlead.waitForAnswers(to: "shop.test", by: [plain, ignored])
                try engine.docker("stop", "plain", "ignore")
                try fairlead.waitForAnswers(to: "shop.test", by: [advised])
                // Nobody is left, and the last one still gets nothing.
                try engine.docker("stop", "advice")
                try expectSoon(503) { try fairlead.ask("shop.test").status }
                let stats = try fairlead.page("/stats").body
                #expect(stats.contains("its HEALTHCHECK fails"), "\(stats)")
            }
        }

        @Test func `a label that makes no sense is told with what was meant, and so is the rest`()
            throws
        {
            try withEngine { stage, engine in
                let folder = stage.hold(try TemporaryFolder())
                let file = try folder.write(
                    """
                    docker: on
                    admin: "127.0.0.1:\(try FreePort.take())"
                    services: {picked: {docker: {label: tier=front, port: 8080}}}
                    listeners:
                      - listen: "127.0.0.1:\(try FreePort.take())"
                        routes: [{host: picked.test, service: picked}]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(
                        arguments: ["run", "--config", file], environment: engine.environment))
                let first = try engine.run("first", ["--label", "fairlead.host=shop.test"])
                _ = try engine.run("second", ["--label", "fairlead.host=shop.test"])
                _ = try engine.run("typo", ["--label", "fairlead.hots=other.test"])
                let front = try engine.run("front", ["--label", "tier=front"])
                _ = try engine.run("island", ["--label", "tier=front", "--network", "none"])
                try fairlead.waitForAnswers(to: "picked.test", by: [front])
                try fairlead.waitForAnswers(to: "shop.test", by: [first])
                let told = [
                    "container second: the route shop.test is of the service first, "
                        + "by the container first",
                    "container typo: label fairlead.hots: there is no such label, "
                        + "expected fairlead.host?",
                    "island: it is on no network that this host reaches, and port 8080 is not "
                        + "published",
                ]
                var stats = ""
                try waitFor("all to be told; /stats shows \(stats)") {
                    stats = try fairlead.page("/stats").body
                    return told.allSatisfy { stats.contains($0) } ? () : nil
                }
                try fairlead.process.waitForErrors(containing: "docker.label_refused")
                let explained = try Fairlead.start(
                    ["explain", "picked", "--config", file], environment: engine.environment)
                #expect(try explained.waitForExit() == .status(0), "\(explained.transcript)")
                for word in [
                    told[2], "unix:\(engine.socket)", "all of its 1 backends", "asked of 1 engine",
                    "its events are heard", "asked from the engine's own host",
                    "port by the service", "network bridge, its only network",
                    "no labels or variables of any convention",
                    "island: no requests: it is on no network",
                ] {
                    #expect(explained.output.contains(word), "\(explained.transcript)")
                }
                #expect(!explained.output.contains("NXDOMAIN"), "\(explained.transcript)")
            }
        }
    }
}
