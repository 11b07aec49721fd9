// Backends that speak HTTP/2, of other makes: nghttpd, nginx and grpcio.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: backends that speak HTTP/2 get requests by it, by TLS and in the clear, from clients of
    // either HTTP; gRPC passes through as if nobody stood between. Method: the program over servers
    // of other makes, with curl, h2load and a client of gRPC before it.
    @Suite struct HTTP2Backends {
        /// Fairlead over `ports`, whose service has the lines `more`.
        private func fairlead(
            _ stage: Stage, over ports: [UInt16], host: String = "127.0.0.1", _ more: String,
            check: String = "type: tcp", isUp: Bool = true
        ) throws -> Fairlead {
            let folder = stage.hold(try TemporaryFolder())
            let backends = ports.map { "\"\(host):\($0)\"" }.joined(separator: ", ")
            let file = try folder.write(
                """
                workers: 1
                admin: 127.0.0.1:\(try FreePort.take())
                services:
                  web:
                    backends: [\(backends)]
                    addresses: ipv4
                    check: {\(check), interval: 200ms}
                    \(more.replacing("\n", with: "\n    "))
                listeners:
                  - {listen: "127.0.0.1:\(try FreePort.take())", service: web}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", file]))
            if isUp { try fairlead.waitForBackends(up: ports.count) }
            return fairlead
        }

        /// nghttpd over the files of `folder`, by TLS with `pair` or in the clear. Its port.
        private func nghttpd(
            _ stage: Stage, _ folder: TemporaryFolder, _ pair: TestAuthority.Pair? = nil
        ) throws -> UInt16 {
            let port = try FreePort.take()
            let own = pair.map { [$0.key, $0.cert] } ?? []
            let process = stage.hold(
                try RunningProcess(
                    ["nghttpd", "-a", "127.0.0.1", "-d", folder.path("."), "--echo-upload"]
                        + (pair == nil ? ["--no-tls"] : []) + ["\(port)"] + own))
            _ = process
            try waitFor("nghttpd listens") { try? RawSocket(port: port) }
            return port
        }

        private func connections(_ fairlead: Fairlead) throws -> Double {
            try fairlead.metric("fairlead_backend_http2_connections_total")
        }

        @Test("a backend gets requests by HTTP/2, whatever its clients speak")
        func nghttpd() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let large = String(repeating: "0123456789", count: 300_000)
                try folder.write("hello\n", to: "index.html")
                try folder.write(large, to: "large")
                let fairlead = try fairlead(
                    stage, over: [nghttpd(stage, folder)], "protocol: h2")
                let base = "http://127.0.0.1:\(fairlead.port)"
                for version in ["--http1.1", "--http2-prior-knowledge"] {
                    #expect(try curl(version, "\(base)/").said == "hello\n")
                    #expect(try curl(version, "\(base)/large").said == large)
                    #expect(
                        try curl(version, "--data-binary", "@\(folder.path("large"))", "\(base)/")
                            .said == large)
                    #expect(
                        try curl(version, "-I", "-w", "%{http_code}", "\(base)/large").said
                            .hasSuffix("200"))
                }
                for flags in [["-c", "4", "-m", "20"], ["--h1", "-c", "60"]] {
                    let report = try RunningProcess.run(
                        ["h2load", "-n", "3000"] + flags + ["\(base)/"])
                    #expect(report.contains("3000 succeeded, 0 failed, 0 errored"), "\(report)")
                }
                #expect(try connections(fairlead) <= 2)
            }
        }

        @Test("with auto each backend speaks what it chooses", arguments: [true, false])
        func auto(speaksHTTP2: Bool) throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                try folder.write("hello\n", to: "index.html")
                let authority = try TestAuthority()
                let pair = try authority.issue("web", for: "DNS:localhost")
                let port =
                    try speaksHTTP2
                    ? nghttpd(stage, folder, pair)
                    : stage.hold(SecureServer(pair, of: authority)).port
                let fairlead = try fairlead(
                    stage, over: [port], host: "localhost",
                    "tls: {ca-file: \(authority.file)}\nprotocol: auto")
                let url = "http://127.0.0.1:\(fairlead.port)/"
                // Several at once, so that some wait for what the first finds out.
                let got = try curl("-Z", "--no-progress-meter", "--http1.1", url, url, url, url)
                    .said
                for _ in 0..<3 { #expect(try curl("--http1.1", url).exit == .status(0)) }
                if speaksHTTP2 {
                    #expect(got == String(repeating: "hello\n", count: 4))
                    #expect(try connections(fairlead) >= 1)
                } else {
                    #expect(got.split(separator: "protocol=http/1.1").count == 5, "\(got)")
                    #expect(try connections(fairlead) == 0)
                }
                #expect(
                    try fairlead.metric("fairlead_failed_requests_total", "service=\"web\"") == 0)
            }
        }

        @Test("a backend that speaks HTTP/1.1 alone is out, and it is said why")
        func notHTTP2() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                try folder.write("hello\n", to: "index.html")
                let backend = stage.hold(try ScriptedBackend.echoingHeads())
                let fairlead = try fairlead(
                    stage, over: [backend.port, nghttpd(stage, folder)], "protocol: h2")
                for _ in 0..<4 {
                    #expect(try curl("http://127.0.0.1:\(fairlead.port)/").said == "hello\n")
                }
                try fairlead.process.waitForErrors(containing: "does not speak HTTP/2")
            }
        }

        @Test(
            "a client of gRPC gets through Fairlead what it would get without",
            arguments: [false, true])
        func gRPC(isSecure: Bool) throws {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("peer", for: "DNS:localhost")
                let both = stage.hold(try TemporaryFolder())
                let file = try both.write(
                    String(
                        decoding: TestAuthority.bytes(of: pair.key)
                            + TestAuthority.bytes(of: pair.cert), as: UTF8.self), to: "peer.pem")
                let peer = stage.hold(try GRPCPeer("one", securedBy: isSecure ? file : nil))
                let fairlead = try fairlead(
                    stage, over: [peer.port], host: "localhost",
                    isSecure
                        ? "tls: {ca-file: \(authority.file)}\nprotocol: auto" : "protocol: h2")
                let steps = [
                    "echo:a:b", "size:1000000", "down:90:10000", "up:90:10000", "chat:90:1000",
                    "fail:ABORTED:a: b", "fail-late:INTERNAL:c", "sleep:0:", "cancel:3",
                    "cancelled:1", "many:400:40", "health:", "health:nobody",
                ]
                let lines = try GRPCPeer.ask(fairlead.port, steps)
                #expect(
                    lines == [
                        "echo OK a:b", "size OK 1000000 bytes", "down OK 90 messages",
                        "up OK 90 messages, 900000 bytes", "chat OK 90 messages",
                        "fail ABORTED a: b "
                            + #"[["x-served-by", "one"], ["detail-bin", "00ff613a2062"]]"#,
                        "fail-late INTERNAL c "
                            + #"[["x-served-by", "one"], ["detail-bin", "00ff63"]]"#,
                        "sleep OK no deadline", "cancel OK 3 messages", "cancelled OK 1",
                        "many OK 400 OK from one", "health OK SERVING", "health NOT_FOUND  []",
                    ])
                #expect(try connections(fairlead) == 1)
                let late = try GRPCPeer.ask(fairlead.port, ["sleep:2:0.3"])
                #expect(late.first?.hasPrefix("sleep DEADLINE_EXCEEDED ") == true, "\(late)")
                for status in [
                    "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "NOT_FOUND", "INTERNAL",
                ] {
                    try fairlead.expectMetric(
                        "fairlead_grpc_statuses_total", "status=\"\(status)\"", is: 1)
                }
                try fairlead.expectMetric("fairlead_grpc_late_calls_total", is: 1)
            }
        }

        @Test("a server of gRPC serves while its health service says so, and it is said why not")
        func gRPCHealth() throws {
            try withStage { stage in
                let authority = try TestAuthority()
                let pair = try authority.issue("peer", for: "DNS:localhost,IP:127.0.0.1")
                let both = stage.hold(try TemporaryFolder())
                let file = try both.write(
                    String(
                        decoding: TestAuthority.bytes(of: pair.key)
                            + TestAuthority.bytes(of: pair.cert), as: UTF8.self), to: "peer.pem")
                let peers = try [true, true, false].map {
                    stage.hold(try GRPCPeer("one", securedBy: file, hasHealth: $0))
                }
                let fairlead = try fairlead(
                    stage, over: peers.map(\.port), host: "localhost",
                    "tls: {ca-file: \(authority.file)}\nprotocol: h2", check: "grpc: web",
                    isUp: false)
                func cause(of peer: GRPCPeer) throws -> String? {
                    try fairlead.backends().first { $0.address.hasSuffix(":\(peer.port)") }?.cause
                }
                func awaitCause(_ text: String, of peer: GRPCPeer) throws {
                    try waitFor(text) { () -> Void? in
                        try cause(of: peer)?.contains(text) == true ? () : nil
                    }
                }
                try fairlead.waitForBackends(up: 2)
                try awaitCause("UNIMPLEMENTED): it has no health service", of: peers[2])
                try peers[0].setHealth("NOT_SERVING", of: "web", trusting: authority.file)
                try awaitCause("its health service says NOT_SERVING", of: peers[0])
                try fairlead.waitForBackends(up: 1)
                #expect(
                    try GRPCPeer.ask(fairlead.port, ["echo:a", "health:web"])
                        == ["echo OK a", "health OK SERVING"])
                try peers[0].setHealth("SERVING", of: "web", trusting: authority.file)
                try fairlead.waitForBackends(up: 2)
            }
        }

        @Test("calls of gRPC go on while their backends are stopped one after the other")
        func replaced() throws {
            try withStage { stage in
                let peers = try ["one", "two"].map { stage.hold(try GRPCPeer($0)) }
                let fairlead = try fairlead(
                    stage, over: peers.map(\.port), "protocol: h2")
                let calls = try GRPCPeer.start(fairlead.port, ["many:3000:20"])
                try waitFor("calls") { () -> Void? in
                    try fairlead.metric("fairlead_requests_total", "service=\"web\"") >= 300
                        ? () : nil
                }
                for peer in peers {
                    let path = "/backends/\(try fairlead.key(of: peer.port))"
                    #expect(try fairlead.post("\(path)/drain").status == 200)
                    try waitFor("no call at it") { () -> Void? in
                        let own = "backend=\"127.0.0.1:\(peer.port)\""
                        return try fairlead.metric("fairlead_backend_requests_in_flight", own) == 0
                            ? () : nil
                    }
                    try peer.stop()
                    try peer.start()
                    #expect(try fairlead.post("\(path)/enable").status == 200)
                    try fairlead.waitForBackends(up: 2)
                }
                #expect(try calls.waitForExit() == .status(0))
                #expect(
                    calls.output.wholeMatch(of: /many OK \d+ OK from one, \d+ OK from two\n/)
                        != nil,
                    "\(calls.transcript)")
            }
        }
    }
}
