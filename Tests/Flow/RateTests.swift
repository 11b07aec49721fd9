// How much may come: `rate` before real clients.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: a limit holds for a client over its connections, protocols and all workers, another
    // client is not touched by it, and a reload forgets nothing that it does not change. Method:
    // curl from several addresses of the loopback, and limits of a few requests an hour.
    @Suite struct Rates {
        /// The statuses of so many requests of a client at `source`, on one connection.
        private func statuses(
            _ port: UInt16, _ path: String, from source: String, count: Int = 1,
            _ arguments: String...
        ) throws -> String {
            let curl = try RunningProcess(
                ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} ", "--max-time", "20"]
                    + ["--interface", source] + arguments
                    + Array(repeating: "http://127.0.0.1:\(port)\(path)", count: count)
                    + Array(repeating: ["-o", "/dev/null"], count: count - 1).flatMap(\.self))
            _ = try curl.waitForExit()
            return curl.transcript
        }

        @Test func `a client has its limit, and a reload forgets only what it changes`() throws {
            try withStage { stage in
                let web = try stage.web("one")[0].port
                let folder = stage.hold(try TemporaryFolder())
                let log = folder.path("access.log")
                let ports = try (0..<2).map { _ in try FreePort.take() }
                func text(login: String, idle: String) -> String {
                    """
                    workers: 2
                    admin: 127.0.0.1:\(ports[0])
                    access-log: {to: \(log)}
                    services: {web: {backends: ["127.0.0.1:\(web)"]}}
                    listeners:
                      - listen: 127.0.0.1:\(ports[1])
                        service: web
                        timeouts: {client-idle: \(idle)}
                        rate: {limit: 6/h, by: address}
                        routes:
                          - {path: /login, service: web, rate: \(login)}
                    """
                }
                let path = try folder.write(text(login: "2/h", idle: "60s"), to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 1)
                let port = ports[1]
                #expect(
                    try statuses(port, "/", from: "127.0.0.5", count: 4) == "200 200 200 200 ")
                // One by one: curl 7.88 can't send a second request by prior knowledge.
                for status in ["200 ", "200 ", "429 "] {
                    #expect(
                        try statuses(port, "/", from: "127.0.0.5", "--http2-prior-knowledge")
                            == status)
                }
                #expect(try statuses(port, "/", from: "127.0.0.6") == "200 ")
                #expect(
                    try statuses(port, "/login", from: "127.0.0.7", count: 3) == "200 200 429 ")
                let answer = try curl(
                    "--interface", "127.0.0.5", "-i", "http://127.0.0.1:\(port)/")
                #expect(answer.said.contains("HTTP/1.1 429 Too Many Requests\r\n"))
                #expect(answer.said.contains("\r\nRetry-After: "))

                _ = try folder.write(text(login: "3/h", idle: "50s"), to: "fairlead.yaml")
                fairlead.process.signal(SIGHUP)
                // The route's limit is another one; the listener's has three left for this client.
                try waitFor("the other limit") {
                    try statuses(port, "/login", from: "127.0.0.7") == "200 " ? () : nil
                }
                #expect(try statuses(port, "/", from: "127.0.0.5") == "429 ")
                for (reason, least) in [("listener", 3.0), ("route", 1.0)] {
                    #expect(
                        try fairlead.metric(
                            "fairlead_listener_limited_requests_total", "reason=\"\(reason)\"")
                            >= least, "\(reason)")
                }
                try waitFor("the log") { () -> Void? in
                    (readFile(log) ?? "").contains(#""status":429,"cause":"FL""#) ? () : nil
                }
            }
        }
    }
}
