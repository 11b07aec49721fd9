// What counts as a failed request, and that it counts once, wherever it is shown.

internal import FoundationEssentials
internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: /stats and /metrics have one figure of failed requests, each counted once, whatever
    // befell it on its way. Method: requests of known fates through the whole program.
    @Suite struct FailedRequests {
        /// What the tests look at in `/stats`.
        struct Figures: Decodable {
            struct Service: Decodable {
                var name: String
                var requests: Int
                var failed: Int
                var inFlight: Int
                var responses: [String: Int]
                var errors: [String: Int]
            }

            var services: [Service]
        }

        private func figures(_ fairlead: Fairlead) throws -> [String: Figures.Service] {
            // The last request is counted when it is over, which its client may hear before that.
            try waitFor("everything in flight to end") {
                let body = try fairlead.page("/stats").body
                let all = try JSONDecoder().decode(Figures.self, from: Data(body.utf8)).services
                guard all.allSatisfy({ $0.inFlight == 0 }) else { return nil }
                return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
            }
        }

        /// Answers as the path says.
        private static func moody() throws -> ScriptedBackend {
            try ScriptedBackend { socket, _ in
                while let head = try socket.receive(through: "\r\n\r\n") {
                    switch head.split(separator: " ").dropFirst().first {
                    case "/404":
                        try socket.send("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
                    case "/500":
                        try socket.send("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")
                    case "/500-cut":
                        return try socket.send("HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nno")
                    case "/cut":
                        return try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno")
                    case "/closed": return
                    case "/nonsense": return try socket.send("SSH-2.0-OpenSSH_9.2\r\n\r\n")
                    default:
                        try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    }
                }
            }
        }

        @Test func `a failed request counts once, and never are more failed than there were`()
            throws
        {
            try withStage { stage in
                let moody = stage.hold(try Self.moody())
                let nobody = try FreePort.take()
                let folder = try TemporaryFolder()
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    services:
                      moody:
                        backends: ["127.0.0.1:\(moody.port)"]
                        retry: {attempts: 1}
                      nobody: {backends: ["127.0.0.1:\(nobody)"]}
                      streams: {backends: ["127.0.0.1:\(nobody)"]}
                    listeners:
                      - listen: "127.0.0.1:\(try FreePort.take())"
                        routes:
                          - {path-prefix: /nobody, service: nobody}
                          - {service: moody}
                      - listen: "127.0.0.1:\(try FreePort.take())"
                        mode: tcp
                        service: streams
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(
                        arguments: ["run", "--config", path, "--workers", "1"], listeners: 2))
                try fairlead.waitForBackends(up: 1)
                let fates = [
                    ("/", 7, false), ("/404", 3, false), ("/500", 5, true), ("/500-cut", 4, true),
                    ("/cut", 3, true), ("/closed", 2, true), ("/nonsense", 2, true),
                ]
                for (path, count, _) in fates {
                    // Some of these end in the middle.
                    for _ in 0..<count { _ = try? get(path, port: fairlead.port) }
                }
                for _ in 0..<6 { #expect(try get("/nobody", port: fairlead.port).status == 503) }
                for _ in 0..<3 { _ = try? get(port: fairlead.ports[1]) }
                let shown = try figures(fairlead)
                let streams = try #require(shown["streams"])
                #expect(streams.requests == 3)
                #expect(streams.failed == 3)
                let moodys = try #require(shown["moody"])
                #expect(moodys.requests == fates.reduce(0) { $0 + $1.1 })
                #expect(moodys.failed == fates.reduce(0) { $0 + ($1.2 ? $1.1 : 0) })
                let nobodys = try #require(shown["nobody"])
                #expect(nobodys.requests == 6)
                #expect(nobodys.failed == 6)
                // Their sum, which the page and the alerts once showed, has these twice.
                #expect(nobodys.responses["5xx"] == 6)
                #expect(nobodys.errors["noBackend"] == 6)
                for (name, service) in shown {
                    let metric = "fairlead_failed_requests_total"
                    try fairlead.expectMetric(metric, "\"\(name)\"", is: Double(service.failed))
                }
            }
        }

        @Test
        func `a reload that SIGHUP asks for and that is refused moves what the alert watches`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let folder = try TemporaryFolder()
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    services: {web: {backends: ["127.0.0.1:\(web[0].port)"]}}
                    listeners: [{listen: "127.0.0.1:\(try FreePort.take())", service: web}]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                #expect(try fairlead.metric("fairlead_reloads_total", "refused") == 0)
                #expect(try fairlead.metric("fairlead_reload_refused") == 0)
                try folder.write("services: 5\n", to: "fairlead.yaml")
                fairlead.process.signal(SIGHUP)
                try waitFor("the refusal") { () -> Void? in
                    try fairlead.metric("fairlead_reload_refused") == 1 ? () : nil
                }
                try fairlead.expectMetric("fairlead_reloads_total", "refused", is: 1)
            }
        }
    }
}
