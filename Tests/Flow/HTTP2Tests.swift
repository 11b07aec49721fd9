// Clients that speak HTTP/2, by TLS and in the clear: curl, nghttp and h2load.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: a request by HTTP/2 reaches a backend as the same request would by HTTP/1.1, its
    // response comes back whole, and many at a time do not disturb each other. Method: the program
    // before nginx and scripted backends, and real clients.
    @Suite struct HTTP2 {
        /// Fairlead before `backend`, with a listener in the clear and one that speaks TLS.
        private func fairlead(
            _ stage: Stage, over backend: UInt16, more: String = "", workers: Int = 1
        ) throws -> (fairlead: Fairlead, secure: UInt16, files: CertificateFiles, log: String) {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            let secure = try FreePort.take()
            let log = folder.path("access.log")
            let path = try folder.write(
                """
                workers: \(workers)
                admin: 127.0.0.1:\(try FreePort.take())
                access-log: {to: \(log)}
                services:
                  web: {backends: ["127.0.0.1:\(backend)"]}
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    service: web
                    \(more)
                  - listen: "127.0.0.1:\(secure)"
                    service: web
                    tls: {certificates: [\(files.entry("web"))]}
                    \(more)
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(
                try Fairlead(arguments: ["run", "--config", path], listeners: 2))
            try fairlead.waitForBackends(up: 1)
            return (fairlead, secure, files, log)
        }

        @Test func `a request reaches its backend as by HTTP/1, by TLS and in the clear`() throws {
            try withStage { stage in
                let backend = stage.hold(try ScriptedBackend.echoingHeads())
                let (fairlead, secure, files, log) = try fairlead(stage, over: backend.port)
                let plain = try curl(
                    "--http2-prior-knowledge", "-w", "%{http_version}\\n", "-H", "X-Odd: a b",
                    "-b", "a=1; b=2", "http://127.0.0.1:\(fairlead.port)/a?b=c")
                #expect(plain.exit == .status(0), "\(plain.said)")
                let head = plain.said
                #expect(
                    head.hasPrefix("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:\(fairlead.port)\r\n"))
                for line in ["x-odd: a b", "cookie: a=1; b=2", "Via: 2.0 fairlead"] {
                    #expect(head.contains("\(line)\r\n"), "\(head)")
                }
                #expect(head.contains("X-Forwarded-Proto: http\r\n"))
                #expect(head.hasSuffix("\r\n\r\n2\n"))

                let tls = try curl(
                    "--http2", "--cacert", files.path("web"), "--connect-to",
                    "web.test::127.0.0.1:\(secure)", "-w", "%{http_version}\\n",
                    "https://web.test:\(secure)/s")
                #expect(tls.exit == .status(0), "\(tls.said)")
                #expect(tls.said.contains("GET /s HTTP/1.1\r\nHost: web.test:\(secure)\r\n"))
                #expect(tls.said.contains("X-Forwarded-Proto: https\r\n"))
                #expect(tls.said.hasSuffix("\r\n\r\n2\n"))
                try waitFor("the log") { () -> Void? in
                    let lines = readFile(log) ?? ""
                    return ["/a?b=c", "/s"].allSatisfy {
                        lines.contains(
                            #""protocol":"HTTP/2.0","method":"GET","target":"\#($0)""#)
                    } ? () : nil
                }
            }
        }

        @Test func `curl sends and gets large bodies, of known and of unknown length`() throws {
            try withStage { stage in
                let backend = stage.hold(try ScriptedBackend.echoingBodies())
                let (fairlead, secure, files, _) = try fairlead(stage, over: backend.port)
                let folder = stage.hold(try TemporaryFolder())
                let text = String(repeating: "sixteen letters\n", count: 200_000)
                let file = try folder.write(text, to: "sent")
                for url in [
                    "http://127.0.0.1:\(fairlead.port)/", "https://web.test:\(secure)/",
                ] {
                    for length in ["Content-Length: \(text.utf8.count)", "Content-Length:"] {
                        let got = folder.path("got")
                        let answer = try curl(
                            "--http2-prior-knowledge", "--cacert", files.path("web"),
                            "--connect-to", "web.test::127.0.0.1:\(secure)", "-H", length,
                            "--data-binary", "@\(file)", "-o", got, "-w",
                            "%{http_version} %{http_code}", url)
                        #expect(answer.said == "2 200", "\(url) \(length)")
                        #expect(readFile(got) == text, "\(url) \(length)")
                    }
                }
            }
        }

        @Test func `h2load gets all of its answers, by TLS and in the clear`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let (fairlead, secure, _, _) = try fairlead(stage, over: web[0].port, workers: 2)
                for url in [
                    "http://127.0.0.1:\(fairlead.port)/", "https://127.0.0.1:\(secure)/",
                ] {
                    let load = try RunningProcess([
                        "h2load", "-n", "5000", "-c", "5", "-m", "50", url,
                    ])
                    #expect(try load.waitForExit() == .status(0))
                    let said = load.transcript
                    #expect(said.contains("5000 succeeded, 0 failed, 0 errored"), "\(said)")
                    #expect(said.contains("status codes: 5000 2xx"), "\(said)")
                    #expect(said.contains("Application protocol: h2"), "\(said)")
                }
                try fairlead.expectMetric("fairlead_http2_requests_total", is: 10_000)
                let faults = try fairlead.page("/metrics").body
                    .split(separator: "\n").filter { $0.hasPrefix("fairlead_http2_faults_total") }
                #expect(!faults.isEmpty && faults.allSatisfy { $0.hasSuffix(" 0") }, "\(faults)")
            }
        }

        @Test func `nghttp's trailers arrive, and a backend's come back to it`() throws {
            try withStage { stage in
                let backend = stage.hold(
                    try ScriptedBackend { socket, _ in
                        guard try socket.receive(through: "\r\n\r\n") != nil,
                            let body = try socket.receive(through: "\r\n\r\n")
                        else { return }
                        let size = String(body.utf8.count, radix: 16)
                        try socket.send(
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                + "\(size)\r\n\(body)\r\n0\r\nx-check: 7\r\n\r\n")
                        _ = try socket.receiveToEnd()
                    })
                let (fairlead, _, _, _) = try fairlead(stage, over: backend.port)
                let folder = stage.hold(try TemporaryFolder())
                let file = try folder.write("abc", to: "sent")
                let client = try RunningProcess([
                    "nghttp", "-v", "--no-content-length", "--trailer=x-sum: 1", "-d", file,
                    "http://127.0.0.1:\(fairlead.port)/",
                ])
                #expect(try client.waitForExit() == .status(0))
                let said = client.transcript
                #expect(said.contains("3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n"), "\(said)")
                #expect(said.contains("x-check: 7"), "\(said)")
            }
        }

        @Test func `where it is off, clients speak HTTP/1.1`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let (fairlead, secure, files, _) = try fairlead(
                    stage, over: web[0].port, more: "http2: off")
                let tls = try curl(
                    "--http2", "--cacert", files.path("web"), "--connect-to",
                    "web.test::127.0.0.1:\(secure)", "-o", "/dev/null", "-w", "%{http_version}",
                    "https://web.test:\(secure)/")
                #expect(tls.said == "1.1")
                let plain = try curl(
                    "--http2-prior-knowledge", "http://127.0.0.1:\(fairlead.port)/")
                #expect(plain.exit != .status(0))
            }
        }

        // SIGUSR2 starts a successor, and ends this process like SIGTERM.
        @Test(arguments: [SIGTERM, SIGUSR2])
        func `what is under way at a stop or an upgrade is finished`(number: Int32) throws {
            try withStage { stage in
                let gate = try Gate()
                let slow = stage.hold(try ScriptedBackend.halfway(gate))
                let (fairlead, _, _, _) = try fairlead(stage, over: slow.port)
                let process = fairlead.process
                defer { signalSuccessor(of: process, SIGKILL) }
                let client = try RunningProcess([
                    "nghttp", "-v", "http://127.0.0.1:\(fairlead.port)/",
                ])
                try waitFor("the first half") { () -> Void? in
                    client.transcript.contains("first-") ? () : nil
                }
                process.signal(number)
                try waitFor("the word to go elsewhere") { () -> Void? in
                    client.transcript.contains("recv GOAWAY") ? () : nil
                }
                gate.open()
                #expect(try client.waitForExit() == .status(0))
                #expect(client.transcript.contains("second"), "\(client.transcript)")
                #expect(try process.waitForExit() == .status(0))
            }
        }
    }
}
