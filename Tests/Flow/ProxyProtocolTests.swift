// The PROXY protocol between Fairlead and the proxies that invented and spread it.

internal import FoundationEssentials
internal import Glibc
import Testing

extension Flow {
    // Goal: clients keep their addresses through HAProxy and nginx on either side, and checks annoy
    // nobody. Method: a client with an address of its own, real proxies before and behind.
    @Suite struct ProxyProtocol {
        /// What a GET of `port` by a client at `source` is answered with.
        private func get(_ port: UInt16, from source: String, count: Int = 1) throws -> String {
            let curl = try RunningProcess(
                ["curl", "-sS", "--interface", source]
                    + Array(repeating: "http://127.0.0.1:\(port)/", count: count))
            _ = try curl.waitForExit()
            return curl.transcript
        }

        private func fairlead(_ stage: Stage, _ yaml: String) throws -> Fairlead {
            let folder = stage.hold(try TemporaryFolder())
            let port = try FreePort.take()
            let file = try folder.write(
                yaml.replacing("PORT", with: "\(port)"), to: "fairlead.yaml")
            let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
            try fairlead.waitForBackends(up: 1)
            return fairlead
        }

        @Test(arguments: [
            "send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        ])
        func `HAProxy in front says who the client is, and its checks are taken`(
            options: String
        ) throws {
            try withStage { stage in
                let web = stage.hold(try Peer.nginx(saying: "$http_x_forwarded_for"))
                let folder = stage.hold(try TemporaryFolder())
                let log = folder.path("access.log")
                let fairlead = try fairlead(
                    stage,
                    """
                    access-log: {to: \(log)}
                    admin: 127.0.0.1:\(try FreePort.take())
                    services: {web: {backends: ["127.0.0.1:\(web.port)"]}}
                    listeners:
                      - listen: "127.0.0.1:PORT"
                        service: web
                        proxy-protocol: {from: [127.0.0.1]}
                    """)
                let haproxy = stage.hold(
                    try Peer.haproxy(tcpOver: fairlead.port, "\(options) check inter 50ms"))
                #expect(try get(haproxy.port, from: "127.0.0.5") == "127.0.0.5")
                #expect(try get(haproxy.port, from: "127.0.0.6", count: 2) == "127.0.0.6127.0.0.6")
                // A client that goes round HAProxy gets nothing.
                #expect(try get(fairlead.port, from: "127.0.0.5").contains("curl: ("))
                try waitFor("a few checks of HAProxy's") {
                    try fairlead.metric("fairlead_listener_connections_total") > 8 ? () : nil
                }
                #expect(
                    try fairlead.metric(
                        "fairlead_listener_failed_arrivals_total", "reason=\"untrusted\"") == 1)
                #expect(
                    try fairlead.metric(
                        "fairlead_listener_failed_arrivals_total", "reason=\"malformed\"") == 0)
                #expect(fairlead.process.errors.contains("client.refused"))
                fairlead.process.signal(SIGTERM)
                #expect(try fairlead.process.waitForExit() == .status(0))
                let lines = String(
                    decoding: try Data(contentsOf: URL(filePath: log)), as: UTF8.self
                ).split(separator: "\n").filter { $0.contains("\"proxy\":\"127.0.0.1\"") }
                #expect(lines.count { $0.contains("\"client\":\"127.0.0.6\"") } == 2)
                #expect(
                    lines.count { $0.contains("\"unique_id\":\"127.0.0.6-") }
                        == (options.contains("unique-id") ? 2 : 0))
            }
        }

        @Test(arguments: ["v1", "v2"], ["tcp", "http"])
        func `HAProxy and nginx behind learn who the client is, and take the checks`(
            version: String, mode: String
        ) throws {
            try withStage { stage in
                let backends = [
                    stage.hold(try Peer.nginx(saying: "$proxy_protocol_addr", "proxy_protocol")),
                    stage.hold(try Peer.haproxyBehindHeaders()),
                ]
                for (backend, check) in backends.flatMap({ [($0, "http"), ($0, "tcp")] }) {
                    let fairlead = try fairlead(
                        stage,
                        """
                        admin: 127.0.0.1:\(try FreePort.take())
                        services:
                          web:
                            backends: ["127.0.0.1:\(backend.port)"]
                            send-proxy: \(version)
                            check: {type: \(check), interval: 100ms}
                        listeners:
                          - {listen: "127.0.0.1:PORT", mode: \(mode), service: web}
                        """)
                    #expect(try get(fairlead.port, from: "127.0.0.5") == "127.0.0.5")
                    #expect(
                        try get(fairlead.port, from: "127.0.0.6", count: 2)
                            == "127.0.0.6127.0.0.6")
                    fairlead.process.signal(SIGTERM)
                    #expect(try fairlead.process.waitForExit() == .status(0))
                    #expect(!backend.transcript.contains("broken header"))
                }
            }
        }
    }
}
