// What the admin page shows of containers.

internal import Testing

extension Flow {
    // Goal: whoever looks for a container on the page finds it in its service, with what it is and
    // why it gets no requests, and sees whether its engine is followed. Method: containers of a
    // real engine that serve, are paused and have died; chromium on the same machine of the test's
    // own reads the page, and a client the documents.
    @Suite(.enabled(if: OwnMachine.isPossible, "namespaces are refused, or this is not root"))
    struct ContainerPage {
        /// A HEALTHCHECK that fails, with a text that may not become a part of the page, and
        /// containers that nobody labelled so that they get requests.
        private func showStrangers(
            _ fairlead: Fairlead, _ engine: DockerEngine, _ admin: UInt16
        ) throws {
            let label = ["--label", "fairlead.host=ill.test", "--label", "fairlead.service=ill"]
            _ = try engine.run(
                "ill",
                label + [
                    "--health-cmd", "echo first; echo '<i>no</i> disk left'; exit 3",
                    "--health-interval", "300ms", "--health-retries", "1",
                ])
            _ = try engine.run("typo", ["--label", "fairlead.hots=other.test"])
            _ = try engine.run("plain")
            let said = try RunningProcess.run([
                "/usr/bin/python3", AdminPage.driver, "http://127.0.0.1:\(admin)/",
                "wait:check:/ill ·[^]*HEALTHCHECK: exit 3: first [/] <i>no<.i> disk left/.test("
                    + "document.getElementById('main').innerText)",
                "wait:folded:/^2 containers of the engine that no service wants/.test("
                    + "document.querySelector('#others details summary').innerText)",
                "wait:reasons:/plain[^]*no label such as fairlead.host[^]*typo[^]*expected "
                    + "fairlead.host/.test(document.querySelector('#others details table')"
                    + ".textContent)",
            ])
            #expect(said.contains("console: []"))
            let stats = try getAdmin("/stats", port: admin).body
            #expect(stats.contains("exit 3: first / <i>no</i> disk left"), "\(stats)")
            for name in ["ill", "typo", "plain"] { try engine.docker("rm", "--force", name) }
        }

        @Test func `each container of a service is on the page, and why it gets no requests`()
            throws
        {
            try withEngine { stage, engine in
                let fairlead = try stage.fairlead(following: engine)
                let admin = try #require(fairlead.admin)
                let label = ["--label", "fairlead.host=shop.test", "--label", "fairlead.service=s"]
                let serving = try engine.run("serving", label)
                _ = try engine.run("paused", label)
                _ = try engine.run("dying", label)
                try waitFor("three to serve") {
                    try fairlead.answers(to: "shop.test", 9).count == 3 ? () : nil
                }
                try engine.docker("pause", "paused")
                try engine.docker("kill", "dying")
                try fairlead.waitForAnswers(to: "shop.test", by: [serving])
                let said = try RunningProcess.run([
                    "/usr/bin/python3", AdminPage.driver, "http://127.0.0.1:\(admin)/",
                    "wait:row:/serving · .*[0-9a-f]{12}/.test("
                        + "document.querySelector('tr.up').innerText)",
                    "wait:paused:/paused[^]*it is paused/.test("
                        + "document.querySelector('table.idle').innerText)",
                    "wait:died:/dying[^]*Exited [(]137[)]/.test("
                        + "document.querySelector('table.idle').innerText)",
                    "wait:journal:/dying: it has ended: Exited/.test("
                        + "document.getElementById('journal').innerText)",
                    "wait:engine:/Docker engine[^]*API 1[.][0-9]+, 3 containers/.test("
                        + "document.getElementById('main').innerText)",
                ])
                #expect(said.contains("console: []"))
                try showStrangers(fairlead, engine, admin)
                try engine.docker("unpause", "paused")
                let metrics = try getAdmin("/metrics", port: admin).body
                #expect(
                    metrics.contains("fairlead_registry_up{kind=\"Docker engine\",address=\""))
                #expect(metrics.contains("fairlead_docker_containers{state=\"exited\"} 1\n"))
            }
        }
    }
}
