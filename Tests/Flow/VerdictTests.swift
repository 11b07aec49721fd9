// What the first line says while requests fail, to everybody who can read it.

internal import FoundationEssentials
internal import Synchronization
internal import TestSupport
import Testing

extension Flow {
    // Goal: while a backend that is up answers 500, the page's data, /stats, `top` and the service
    // manager say so with the same sentence, and it goes by itself. Method: a backend that changes
    // its mind.
    @Suite struct Verdict {
        private struct Stats: Decodable {
            struct Problem: Decodable {
                var level: String
                var text: String
            }

            var level: String
            var ready: Bool
            var sentence: String
            var problems: [Problem]
        }

        private func stats(_ fairlead: Fairlead) throws -> Stats {
            try JSONDecoder().decode(Stats.self, from: Data(fairlead.page("/stats").body.utf8))
        }

        /// A service manager that writes down what it hears.
        private static let manager = """
            import socket, sys
            notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            notify.bind(sys.argv[1])
            print("listening", flush=True)
            while True:
                print(notify.recv(65536).decode(), flush=True)
            """

        private final class Mood: Sendable {
            let isBad = Atomic(false)
        }

        private static func backend(_ mood: Mood) throws -> ScriptedBackend {
            try ScriptedBackend { socket, _ in
                while try socket.receive(through: "\r\n\r\n") != nil {
                    let status = mood.isBad.load(ordering: .relaxed) ? "500 No" : "200 OK"
                    try socket.send("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
                }
            }
        }

        @Test func `a backend that is up and answers 500 is the first thing that everybody hears`()
            throws
        {
            try withStage { stage in
                let mood = Mood()
                let backend = stage.hold(try Self.backend(mood))
                let folder = stage.hold(try TemporaryFolder())
                let manager = stage.hold(
                    try RunningProcess(
                        ["python3", "-c", Self.manager, folder.path("notify")]))
                try manager.waitForOutput(containing: "listening")
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    services: {web: {backends: ["127.0.0.1:\(backend.port)"]}}
                    listeners: [{listen: "127.0.0.1:\(try FreePort.take())", service: web}]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(
                        arguments: ["run", "--config", path],
                        environment: ["NOTIFY_SOCKET": folder.path("notify")]))
                try fairlead.waitForBackends(up: 1)
                let load = Load { [port = fairlead.port] _ in
                    let connection = try HTTPConnection(port: port)
                    return {
                        _ = try connection.request()
                        pause(milliseconds: 20)
                        return nil
                    }
                }
                try load.start(clients: 2)
                try load.awaitMore(100)
                #expect(try stats(fairlead).level == "good")

                mood.isBad.store(true, ordering: .relaxed)
                let said = try waitFor("the verdict") { () -> Stats? in
                    let stats = try stats(fairlead)
                    return stats.level == "failing" ? stats : nil
                }
                let first = try #require(said.problems.first)
                #expect(first.level == "failing")
                let beginning =
                    /web: (\d+) of (\d+) requests a second fail since \d\d:\d\d:\d\d, status 500/
                let end = "; the only backend in the rotation is kept although its answers fail."
                let match = try #require(first.text.prefixMatch(of: beginning), "\(first.text)")
                #expect(first.text[match.range.upperBound...] == end)
                #expect(said.ready, "another Fairlead would have the same backend")
                #expect(try fairlead.readiness() == 200)
                let admin = try #require(fairlead.admin)
                let top = try Fairlead.start(["top", "--admin", "127.0.0.1:\(admin)", "--once"])
                #expect(try top.waitForExit() == .status(1))
                #expect(top.output.hasPrefix("!! Requests are failing"))
                #expect(top.output.contains(end))
                try waitFor("the service manager to hear it") {
                    manager.output.contains(end) ? () : nil
                }

                mood.isBad.store(false, ordering: .relaxed)
                try waitFor("the end of it", limit: .seconds(60)) { () -> Void? in
                    try stats(fairlead).level == "good" ? () : nil
                }
                try load.stop()
                #expect(load.failures.isEmpty)
                try waitFor("the service manager to hear of the end") {
                    manager.output.hasSuffix("STATUS=All services are well.\n") ? () : nil
                }
            }
        }

        @Test
        func `requests that limits refuse, and those without a route, are told with the reason`()
            throws
        {
            try withStage { stage in
                let gate = try Gate()
                let backend = stage.hold(try ScriptedBackend.halfway(gate))
                let folder = try TemporaryFolder()
                let path = try folder.write(
                    """
                    workers: 1
                    admin: 127.0.0.1:\(try FreePort.take())
                    services:
                      web:
                        backends: ["127.0.0.1:\(backend.port)"]
                        limits: {requests: 1, queue: 0}
                    listeners:
                      - listen: "127.0.0.1:\(try FreePort.take())"
                        routes: [{path-prefix: /web, service: web}]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 1)
                let slow = try HTTPConnection(port: fairlead.port)
                try slow.socket.send("GET /web HTTP/1.1\r\nHost: a.example\r\n\r\n")
                _ = try slow.socket.receive(through: "first-")
                for _ in 0..<40 {
                    #expect(try get("/web", port: fairlead.port).status == 503)
                    #expect(try get("/else", port: fairlead.port).status == 404)
                }
                let texts = try waitFor("both") { () -> [String]? in
                    let problems = try stats(fairlead).problems.filter { $0.level == "failing" }
                    return problems.count == 2 ? problems.map(\.text) : nil
                }
                #expect(texts[0].contains("have as many as limits allow"), "\(texts)")
                #expect(texts[1].contains("no route is for them"), "\(texts)")
                gate.open()
            }
        }
    }
}
