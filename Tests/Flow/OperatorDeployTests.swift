// `fairlead deploy`: an operator replaces the instances of a service, as kamal's and blue/green's
// users do.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: a good deploy and a bad one cost no request; the exit code and the words say what
    // happened; what was deployed holds as long as the configuration does not say otherwise.
    // Method: the command itself, nginx as instances, load all the while.
    @Suite struct OperatorDeploy {
        /// A Fairlead whose service `web` has a fixed list, with the file of its configuration.
        private final class Play {
            let stage: Stage
            let fairlead: Fairlead
            let folder: TemporaryFolder
            private let places: (listen: UInt16, admin: UInt16, lines: String)

            /// - Parameter lines: further ones of the configuration.
            init(_ stage: Stage, over backends: [UInt16], lines: String = "") throws {
                self.stage = stage
                folder = stage.hold(try TemporaryFolder())
                places = (try FreePort.take(), try FreePort.take(), lines)
                let file = try folder.write(Self.text(places, backends), to: "f.yaml")
                fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
                try fairlead.waitForBackends(up: backends.count)
            }

            private static func text(
                _ places: (listen: UInt16, admin: UInt16, lines: String), _ backends: [UInt16]
            ) -> String {
                let list = backends.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
                return """
                    workers: 2
                    admin: 127.0.0.1:\(places.admin)
                    \(places.lines)
                    services:
                      web: {backends: [\(list)], check: {interval: 200ms, fast-interval: 100ms}}
                      found: {srv: _web._tcp.flow.example, check: {type: off}}
                    listeners:
                      - listen: "127.0.0.1:\(places.listen)"
                        service: web
                        routes: [{path: /found, service: found}]

                    """
            }

            /// Writes another list into the file, or the same one, and has it read.
            /// - Parameter isSuccessor: whether another process runs by now.
            func reload(over backends: [UInt16], isSuccessor: Bool = false) throws {
                let before = try fairlead.metric("fairlead_reloads_total")
                _ = try folder.write(Self.text(places, backends) + "# \(before)\n", to: "f.yaml")
                if isSuccessor {
                    signalSuccessor(of: fairlead.process, SIGHUP)
                } else {
                    fairlead.process.signal(SIGHUP)
                }
                try waitFor("the reload") {
                    try fairlead.metric("fairlead_reloads_total") > before ? () : nil
                }
            }

            /// `fairlead deploy` with these arguments, begun.
            func deploy(_ arguments: String...) throws -> RunningProcess {
                try Fairlead.start(
                    ["deploy"] + arguments + ["--admin", "127.0.0.1:\(places.admin)"])
            }

            /// The instances that answer so many requests, each on a connection of its own.
            func answers(_ count: Int = 12) throws -> Set<String> {
                Set(try (0..<count).map { _ in try get(port: places.listen).body })
            }

            /// Load that fails on anything but an answer 200; each tenth request is a POST, if any
            /// is.
            func load(hasPosts: Bool = true) -> Load {
                Load { [port = places.listen] number in
                    var count = number
                    return {
                        count += 1
                        let method = hasPosts && count % 10 == 0 ? "POST" : "GET"
                        let answer = try HTTPConnection(port: port).request(
                            method, "/", headers: ["Connection: close", "Content-Length: 0"])
                        return answer.status == 200 ? nil : "\(method): \(answer)"
                    }
                }
            }
        }

        private func to(_ web: [Nginx]) -> String {
            web.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        }

        /// Runs `body` with two instances that serve, two new ones and load; no request may fail.
        private func withLoad(
            hasPosts: Bool = true,
            _ body: (Play, _ old: [Nginx], _ new: [Nginx], Load) throws -> Void
        ) throws {
            try withStage { stage in
                let (old, new) = (try stage.web("a", "b"), try stage.web("x", "y"))
                let play = try Play(stage, over: old.map(\.port))
                defer { signalSuccessor(of: play.fairlead.process, SIGKILL) }
                let load = play.load(hasPosts: hasPosts)
                try load.start(clients: 4)
                try load.awaitMore(20)
                try body(play, old, new, load)
                try load.awaitMore(50)
                try load.stop()
                #expect(load.failures == [], "of \(load.completed)")
                #expect(load.completed > 100)
            }
        }

        // MARK: - Good and bad

        @Test func `a good deploy moves everything, fails no request, and ends with 0`() throws {
            try withLoad { play, _, new, _ in
                let deploy = try play.deploy("web", "--to", to(new), "--watch", "1s")
                #expect(try deploy.waitForExit() == .status(0), "\(deploy.transcript)")
                #expect(deploy.output.contains("requests go to the 2 new ones; the 2 old ones"))
                #expect(deploy.output.contains("web: done in "))
                #expect(deploy.output.contains("There is no state-file"))
                #expect(try play.answers() == ["x", "y"])
                try play.fairlead.expectMetric("fairlead_deploys_total", "\"done\"", is: 1)
                let running = try play.fairlead.page("/metrics").body.split(separator: "\n")
                    .filter { $0.hasPrefix("fairlead_deploy_running{") }
                #expect(running == ["fairlead_deploy_running{service=\"web\"} 0"])
                let stats = try play.fairlead.page("/services/web").body
                #expect(stats.contains("deployed to \(to([new[0]]))"))
            }
        }

        @Test func `new ones that never come up get nothing, and it ends with 1 and the reason`()
            throws
        {
            try withLoad { play, old, new, _ in
                try new[1].kill()
                let deploy = try play.deploy(
                    "web", "--to", to(new), "--timeout", "2s", "--watch", "1s")
                #expect(try deploy.waitForExit() == .status(1), "\(deploy.transcript)")
                #expect(
                    deploy.output.contains("127.0.0.1:\(new[1].port) was not up in time: down"))
                #expect(deploy.output.contains("connection refused"))
                #expect(try play.answers() == ["a", "b"])
                try waitFor("the new ones to be gone") {
                    try play.fairlead.backends().count == old.count ? () : nil
                }
            }
        }

        @Test func `new ones that die while they are watched cost no request`() throws {
            // A POST that was under way when its backend died may not be sent again.
            try withLoad(hasPosts: false) { play, _, new, load in
                let deploy = try play.deploy("web", "--to", to(new), "--watch", "60s")
                try deploy.waitForOutput(containing: "requests go to the 2 new ones")
                try play.fairlead.waitForTraffic("the new ones") { Set($0.keys) == ["x", "y"] }
                try play.fairlead.expectMetric("fairlead_deploy_running", is: 1)
                try load.awaitMore(20)
                for web in new { try web.kill() }
                #expect(try deploy.waitForExit() == .status(1), "\(deploy.transcript)")
                try play.fairlead.expectMetric("fairlead_deploys_total", "\"undone\"", is: 1)
                #expect(try play.fairlead.metric("fairlead_deploy_seconds_total", "undone") > 0)
                #expect(deploy.output.contains("undone, everything is as before: 127.0.0.1:"))
                #expect(try play.answers() == ["a", "b"])
            }
        }

        @Test func `new ones that pass their checks and fail requests are taken out again`() throws
        {
            try withStage { stage in
                let old = try stage.web("a", "b")
                let failing = stage.hold(
                    try ScriptedBackend { socket, _ in
                        while try socket.receive(through: "\r\n\r\n") != nil {
                            try socket.send(
                                "HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\n\r\n")
                        }
                    })
                let play = try Play(
                    stage, over: old.map(\.port), lines: "defaults: {retry: {attempts: 1}}")
                let load = play.load()
                try load.start(clients: 2)
                try load.awaitMore(20)
                let deploy = try play.deploy(
                    "web", "--to", "127.0.0.1:\(failing.port)", "--watch", "60s")
                #expect(try deploy.waitForExit() == .status(1), "\(deploy.transcript)")
                #expect(deploy.output.contains("undone, everything is as before"))
                #expect(try play.answers() == ["a", "b"])
                try load.awaitMore(20)
                try load.stop()
                // What was answered with 500 until then is all that failed.
                #expect(load.failures.allSatisfy { $0.contains("status: 500") })
            }
        }

        // A session is at one instance and nowhere else: it is moved once, when that has to go.
        @Test func `a session stays at its old instance until that drains, and then moves once`()
            throws
        {
            // A busy machine may take longer to ask than the old ones stand by, and gets longer.
            let isProven = try [3, 12, 48].contains { try sessionsStay(watch: $0) }
            #expect(isProven, "sessions move while the old instances stand by")
        }

        /// False if a session had moved by the time that it was looked for; all is expected
        /// otherwise. The old instances stand by for `watch` seconds.
        private func sessionsStay(watch: Int) throws -> Bool {
            var hasStayed = true
            try withStage { stage in
                let (old, new) = (try stage.web("a", "b"), try stage.web("x", "y"))
                let play = try Play(
                    stage, over: old.map(\.port), lines: "defaults: {sticky: {cookie: sid}}")
                func ask(_ cookie: String?) throws -> (body: String, cookie: String?) {
                    let answer = try get(
                        port: play.fairlead.port,
                        headers: cookie.map { ["Cookie: \($0)"] } ?? [])
                    #expect(answer.status == 200)
                    let set = answer["set-cookie"]?.split(separator: ";").first
                    return (answer.body, set.map(String.init))
                }
                var sessions: [(body: String, cookie: String)] = []
                for _ in 0..<6 {
                    let first = try ask(nil)
                    sessions.append((first.body, try #require(first.cookie)))
                }
                #expect(Set(sessions.map(\.body)) == ["a", "b"])
                let deploy = try play.deploy("web", "--to", to(new), "--watch", "\(watch)s")
                try deploy.waitForOutput(containing: "requests go to the 2 new ones")
                try play.fairlead.waitForTraffic("the new ones") { Set($0.keys) == ["x", "y"] }
                hasStayed = try sessions.allSatisfy { session in
                    let answer = try ask(session.cookie)
                    return answer.body == session.body && answer.cookie == nil
                }
                guard hasStayed else { return }
                #expect(try deploy.waitForExit() == .status(0), "\(deploy.transcript)")
                for session in sessions {
                    let moved = try ask(session.cookie)
                    #expect(["x", "y"].contains(moved.body))
                    let cookie = try #require(moved.cookie)
                    for _ in 0..<4 {
                        let answer = try ask(cookie)
                        #expect(answer.body == moved.body && answer.cookie == nil)
                    }
                }
            }
            return hasStayed
        }

        @Test func `what is in flight on the old ones has as long as it is given`() throws {
            try withStage { stage in
                let gate = try Gate()
                let old = stage.hold(try ScriptedBackend.halfway(gate))
                let new = try stage.web("x")
                // The service's own limit is a minute.
                let play = try Play(stage, over: [old.port])
                let client = try RawSocket(port: play.fairlead.port)
                try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                let begin = try client.receive(through: "first-")
                #expect(begin?.hasSuffix("first-") == true)
                let deploy = try play.deploy(
                    "web", "--to", to(new), "--watch", "0s", "--drain", "2s")
                try deploy.waitForOutput(containing: "is in flight on the old one finishes")
                #expect(try play.answers() == ["x"])
                #expect(try deploy.waitForExit() == .status(0), "\(deploy.transcript)")
                // It is cut off, since it was not complete by then.
                #expect(((try? client.receiveToEnd()) ?? []).isEmpty)
                gate.open()
            }
        }

        // MARK: - Called off

        @Test func `Ctrl-C and SIGTERM undo it, and a lost terminal changes nothing`() throws {
            try withLoad { play, _, new, _ in
                for number in [SIGINT, SIGTERM] {
                    let called = try play.deploy("web", "--to", to(new), "--watch", "60s")
                    try called.waitForOutput(containing: "requests go to the 2 new ones")
                    called.signal(number)
                    #expect(
                        try called.waitForExit() == .status(128 + number), "\(called.transcript)")
                    #expect(called.output.contains("called off by 127.0.0.1"))
                    #expect(try play.answers() == ["a", "b"])
                }

                let lost = try play.deploy("web", "--to", to(new), "--watch", "6s")
                try lost.waitForOutput(containing: "requests go to the 2 new ones")
                // Another set waits for its turn; the same one joins.
                let other = try play.deploy("web", "--to", to([new[0]]))
                #expect(try other.waitForExit() == .status(2))
                #expect(other.errors.contains("is under way"))
                lost.signal(SIGKILL)
                let same = try play.deploy("web", "--to", to(new))
                #expect(try same.waitForExit() == .status(0), "\(same.transcript)")
                #expect(try play.answers() == ["x", "y"])
                let status = try play.deploy("web", "--status", "--json")
                #expect(try status.waitForExit() == .status(0))
                #expect(status.output.contains("\"phase\":\"done\""))
            }
        }

        @Test func `undo brings back what was before, by way of its checks`() throws {
            try withLoad { play, _, new, _ in
                let deploy = try play.deploy("web", "--to", to(new), "--watch", "0s")
                #expect(try deploy.waitForExit() == .status(0), "\(deploy.transcript)")
                let undo = try play.deploy("web", "--undo")
                #expect(try undo.waitForExit() == .status(0), "\(undo.transcript)")
                #expect(try play.answers() == ["a", "b"])
                let again = try play.deploy("web", "--undo")
                #expect(try again.waitForExit() == .status(2))
                #expect(again.errors.contains("there is nothing to undo"))
            }
        }

        // MARK: - What it does not do

        @Test
        func `what can't be deployed is refused with 2 and a reason, and a trial does nothing`()
            throws
        {
            try withStage { stage in
                let (old, new) = (try stage.web("a"), try stage.web("x"))
                let play = try Play(stage, over: old.map(\.port))
                func refusal(_ arguments: String...) throws -> String {
                    let process = try Fairlead.start(
                        ["deploy"] + arguments
                            + ["--admin", "127.0.0.1:\(play.fairlead.admin ?? 0)"])
                    #expect(try process.waitForExit() == .status(2), "\(arguments)")
                    return process.errors
                }
                #expect(try refusal("found", "--to", to(new)).contains("which decides on them"))
                #expect(try refusal("weg", "--to", to(new)).contains("There is no service weg"))
                #expect(try refusal("web", "--to", "web-2.invalid:80").contains("web-2.invalid"))
                #expect(try refusal("web", "--to", "10.0.0.1").contains("and a port"))
                #expect(try refusal("web", "--to", "10.0.0.1:0").contains("with a port"))
                #expect(try refusal("web", "--to", "\(to(new)),\(to(new))").contains("twice"))
                #expect(try refusal("web").contains("--to"))
                #expect(try refusal("web", "--to", to(new), "--timeout", "2").contains("--timeout"))
                let own = "127.0.0.1:\(play.fairlead.admin ?? 0)"
                #expect(try refusal("web", "--to", own).contains("own admin port"))

                let trial = try play.deploy("web", "--to", to(new), "--dry-run")
                #expect(try trial.waitForExit() == .status(0))
                #expect(trial.output.contains("new \(to(new)); to go \(to(old))"))
                let named = try play.deploy(
                    "web", "--to", "localhost:\(new[0].port)", "--dry-run")
                #expect(try named.waitForExit() == .status(0), "\(named.transcript)")
                #expect(named.output.hasPrefix("localhost:\(new[0].port) is \(to(new))\n"))
                #expect(named.output.contains("new \(to(new)); to go \(to(old))"))
                let same = try play.deploy("web", "--to", to(old))
                #expect(try same.waitForExit() == .status(0))
                #expect(same.output.contains("they serve already"))
                #expect(try play.fairlead.backends().count == 1)
                #expect(try play.answers() == ["a"])
            }
        }

        // MARK: - How long it holds

        @Test func `it holds over reloads and an upgrade, until the list is another one`() throws {
            try withLoad { play, old, new, load in
                let process = play.fairlead.process
                let deploy = try play.deploy("web", "--to", to(new), "--watch", "0s")
                #expect(try deploy.waitForExit() == .status(0), "\(deploy.transcript)")
                try play.reload(over: old.map(\.port))
                #expect(try play.answers() == ["x", "y"])
                // What is under way is undone first: the next process has what was there before.
                let late = try play.deploy("web", "--to", to(old), "--watch", "60s")
                try late.waitForOutput(containing: "requests go to the 2 new ones")
                process.signal(SIGUSR2)
                #expect(try process.waitForExit() == .status(0))
                #expect(try late.waitForExit() == .status(1), "\(late.transcript)")
                #expect(try play.answers() == ["x", "y"])
                try load.awaitMore(50)
                // The configuration says something new.
                try play.reload(over: [old[0].port], isSuccessor: true)
                try play.fairlead.waitForTraffic("the list") { Set($0.keys) == ["a"] }
            }
        }

        @Test(arguments: [true, false])
        func `a restart goes on with it where there is a state file`(hasFile: Bool) throws {
            try withStage { stage in
                let (old, new) = (try stage.web("a"), try stage.web("x"))
                let folder = stage.hold(try TemporaryFolder())
                let lines = hasFile ? "state-file: \(folder.path("state.json"))" : ""
                let play = try Play(stage, over: old.map(\.port), lines: lines)
                let deploy = try play.deploy("web", "--to", to(new), "--watch", "0s")
                #expect(try deploy.waitForExit() == .status(0), "\(deploy.transcript)")
                #expect(deploy.output.contains("There is no state-file") == !hasFile)
                // It is on disk without a proper stop.
                if hasFile {
                    try waitFor("the state file") {
                        readFile(folder.path("state.json"))?.contains("\"deployed\"") == true
                            ? () : nil
                    }
                }
                play.fairlead.process.signal(SIGKILL)
                _ = try play.fairlead.process.waitForExit()
                let next = stage.hold(
                    try Fairlead(
                        arguments: ["run", "--config", play.folder.path("f.yaml")]))
                try next.waitForBackends(up: 1)
                #expect(try get(port: next.port).body == (hasFile ? "x" : "a"))
            }
        }
    }
}
