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
                try fairlead.expectMetric(
                    "fairlead_listener_failed_arrivals_total", "reason=\"untrusted\"", is: 1)
                #expect(
                    try fairlead.metric(
                        "fairlead_listener_failed_arrivals_total", "reason=\"malformed\"") == 0)
                try fairlead.process.waitForErrors(containing: "client.refused")
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

        /// Fairlead over Varnish, with listeners for TCP and HTTP that ask for certificates, and
        /// one that takes headers from a proxy in front.
        private func overVarnish(
            _ stage: Stage, _ authority: CertificateAuthority
        ) throws -> (tcp: UInt16, http: UInt16, plain: UInt16) {
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            let varnish = stage.hold(try Peer.varnishBehindHeaders())
            let folder = stage.hold(try TemporaryFolder())
            let ports = (try FreePort.take(), try FreePort.take(), try FreePort.take())
            let tls =
                "tls: {certificates: [\(files.entry("web"))], "
                + "client-certificates: {mode: optional, ca-file: \(authority.path)}}"
            let file = try folder.write(
                """
                admin: 127.0.0.1:\(try FreePort.take())
                services:
                  web:
                    backends: ["127.0.0.1:\(varnish.port)"]
                    send-proxy: v2
                listeners:
                  - {listen: "127.0.0.1:\(ports.0)", mode: tcp, service: web, \(tls)}
                  - {listen: "127.0.0.1:\(ports.1)", service: web, \(tls)}
                  - listen: "127.0.0.1:\(ports.2)"
                    mode: tcp
                    service: web
                    proxy-protocol: {from: [127.0.0.1]}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(
                try Fairlead(arguments: ["run", "--config", file], listeners: 3))
            try fairlead.waitForBackends(up: 1)
            return ports
        }

        @Test func `Varnish behind learns of the client's TLS and certificate`() throws {
            try withStage { stage in
                let authority = stage.hold(try CertificateAuthority())
                try authority.issue("ann", to: "/O=Ac/CN=ann \u{e9}")
                try authority.issue("odd", to: "/CN=root\u{1}x")
                let ports = try overVarnish(stage, authority)
                func ask(_ port: UInt16, _ options: String...) throws -> String {
                    let process = try RunningProcess(
                        [
                            "curl", "-sSk", "--interface", "127.0.0.5", "--resolve",
                            "web.test:\(port):127.0.0.1", "--http1.1",
                        ] + options + ["https://web.test:\(port)/"])
                    _ = try process.waitForExit()
                    return process.transcript
                }
                for (port, alpn) in [(ports.tcp, ""), (ports.http, "http/1.1")] {
                    let client = "client=127.0.0.5 authority=web.test alpn=\(alpn) tls=true "
                    let newest = "version=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 "
                    let none = try ask(port)
                    #expect(
                        none == client + newest
                            + "shown=false had=false verify=1 cn= method=GET")
                    let ann = try ask(port, "--cert", authority.path("ann"))
                    #expect(
                        ann == client + newest
                            + "shown=true had=true verify=0 cn=ann \u{e9} method=GET")
                    // A name with which some readers would see another one is not told.
                    let odd = try ask(port, "--cert", authority.path("odd"), "--tls-max", "1.2")
                    #expect(
                        odd == client + "version=TLSv1.2 cipher=ECDHE-ECDSA-AES128-GCM-SHA256 "
                            + "shown=true had=true verify=0 cn= method=GET")
                }
                // A name that is no UTF-8, and has no room any more when it was made some.
                let noise = try openSSL(
                    port: ports.http, "-ign_eof -servername $(printf '%0200d' 0 | tr 0 '\\377')",
                    input: "GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")
                #expect(noise.contains("client=127.0.0.1 authority= alpn= tls=true"), "\(noise)")
                // By a session that is resumed the certificate is known, and not shown.
                let folder = stage.hold(try TemporaryFolder())
                let certificate = authority.path("ann")
                for (option, said) in [("-sess_out", "shown=true"), ("-sess_in", "shown=false")] {
                    let answer = try openSSL(
                        port: ports.http,
                        "-ign_eof -servername web.test -cert \(certificate) -key \(certificate)",
                        option, folder.path("session"),
                        input: "GET / HTTP/1.1\\r\\nHost: web.test\\r\\n"
                            + "Connection: close\\r\\n\\r\\n")
                    #expect(
                        answer.contains("\(said) had=true verify=0 cn=ann"), "\(option): \(answer)")
                }
            }
        }

        @Test func `what HAProxy in front says of TLS is passed on, and nothing is said without`()
            throws
        {
            try withStage { stage in
                let authority = stage.hold(try CertificateAuthority())
                try authority.issue("ann", to: "/CN=ann")
                let files = stage.hold(try CertificateFiles())
                try files.make("front", for: ["front.test"])
                let ports = try overVarnish(stage, authority)
                let port = try FreePort.take()
                let haproxy = stage.hold(
                    try Peer.haproxy(
                        tcpOver: ports.plain,
                        "send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,authority",
                        "bind 127.0.0.1:\(port) ssl crt \(files.path("front")) alpn http/1.1 "
                            + "verify optional ca-file \(authority.path)"))
                let secure = try RunningProcess([
                    "curl", "-sSk", "--http1.1", "--cert", authority.path("ann"), "--resolve",
                    "front.test:\(port):127.0.0.1", "https://front.test:\(port)/",
                ])
                _ = try secure.waitForExit()
                #expect(
                    secure.transcript
                        == "client=127.0.0.1 authority=front.test alpn=http/1.1 tls=true "
                        + "version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 shown=true had=true "
                        + "verify=0 cn=ann method=GET")
                #expect(
                    try get(haproxy.port, from: "127.0.0.5")
                        == "client=127.0.0.5 authority= alpn= tls=false version= cipher= "
                        + "shown=false had=false verify=0 cn= method=GET")
            }
        }
    }
}
