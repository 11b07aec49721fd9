// Who may come: `allow` and `deny` before real clients, with addresses of their own.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: an operator's lists hold for HTTP/1, HTTP/2 and TCP, with a proxy in front and without,
    // and a reload changes them for connections that are there. Method: curl from several addresses
    // of the loopback, nginx in front, and the program with its log and metrics.
    @Suite struct Access {
        /// The status that a client at `source` gets.
        private func status(
            _ port: UInt16, _ path: String, from source: String, _ arguments: String...
        ) throws -> String {
            let curl = try RunningProcess(
                ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} ", "--max-time", "20"]
                    + ["--interface", source] + arguments + ["http://127.0.0.1:\(port)\(path)"])
            _ = try curl.waitForExit()
            return curl.transcript
        }

        /// The file of a program with three lists, whose listeners are at `ports`.
        private func text(_ ports: [UInt16], web: UInt16, log: String, deny: String) -> String {
            """
            admin: 127.0.0.1:\(ports[0])
            access-log: {to: \(log)}
            services: {web: {backends: ["127.0.0.1:\(web)"]}}
            listeners:
              - listen: 127.0.0.1:\(ports[1])
                service: web
                deny: [\(deny)]
                forwarding: {trusted-proxies: [127.0.0.200]}
                routes:
                  - {path-prefix: /inner, service: web, allow: [127.0.0.8/29]}
                  - {path: /live, respond: {health: live}}
              - {listen: "127.0.0.1:\(ports[2])", mode: tcp, service: web, allow: 127.0.0.5}
            """
        }

        /// Asks as several clients, by each version of HTTP.
        private func ask(_ port: UInt16) throws {
            for version in ["--http1.1", "--http2-prior-knowledge"] {
                for (path, source, said, expected) in [
                    ("/", "127.0.0.5", "", "200 "), ("/", "127.0.0.66", "", "403 "),
                    ("/live", "127.0.0.66", "", "200 "), ("/inner", "127.0.0.9", "", "200 "),
                    ("/inner", "127.0.0.5", "", "403 "),
                    // Nobody else's word counts than the trusted proxy's.
                    ("/", "127.0.0.66", "127.0.0.5", "403 "),
                    ("/", "127.0.0.200", "127.0.0.5, 127.0.0.66", "403 "),
                    ("/", "127.0.0.200", "127.0.0.66, 127.0.0.5", "200 "),
                ] {
                    let status = try status(
                        port, path, from: source, version, "-H", "X-Forwarded-For: \(said)")
                    #expect(status == expected, "\(version) \(path) \(source) \(said)")
                }
            }
        }

        @Test func `clients get in by their addresses, and a reload changes who does`() throws {
            try withStage { stage in
                let web = try stage.web("one")[0].port
                let folder = stage.hold(try TemporaryFolder())
                let log = folder.path("access.log")
                let ports = try (0..<3).map { _ in try FreePort.take() }
                let path = try folder.write(
                    text(ports, web: web, log: log, deny: "127.0.0.66"), to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", path], listeners: 2))
                try fairlead.waitForBackends(up: 1)
                let port = ports[1]
                try ask(port)
                // Two requests on one connection: it stays.
                let twice = try status(
                    port, "/", from: "127.0.0.66", "-w", "%{http_code}/%{num_connects} ",
                    "http://127.0.0.1:\(port)/", "-o", "/dev/null")
                #expect(twice == "403/1 403/0 ")
                #expect(try status(ports[2], "/", from: "127.0.0.5") == "200 ")
                #expect(try status(ports[2], "/", from: "127.0.0.66").hasPrefix("000 "))

                for (reason, count) in [("listener", 8), ("route", 2), ("unknown_client", 0)] {
                    try fairlead.expectMetric(
                        "fairlead_listener_denied_requests_total", "reason=\"\(reason)\"",
                        is: Double(count))
                }
                try fairlead.expectMetric(
                    "fairlead_listener_failed_arrivals_total", "reason=\"denied\"", is: 1)
                try fairlead.process.waitForErrors(containing: "client.refused")

                _ = try folder.write(
                    text(ports, web: web, log: log, deny: "127.0.0.5"), to: "fairlead.yaml")
                fairlead.process.signal(SIGHUP)
                try waitFor("the other list") {
                    try status(port, "/", from: "127.0.0.5") == "403 " ? () : nil
                }
                // Each worker hears of it by itself.
                try expectSoon("200 ") { try status(port, "/", from: "127.0.0.66") }
                try waitFor("the log") { () -> Void? in
                    (readFile(log) ?? "").contains(#""status":403,"cause":"CD""#) ? () : nil
                }
            }
        }
    }
}
