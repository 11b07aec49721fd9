// Listeners that speak TLS, as clients see them: curl, openssl and Python.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: a client gets the certificate for the name that it asks for, its request reaches a
    // backend as https, and everything that is no TLS ends with a reason. Method: the program with
    // certificates that were made for the test, and real clients.
    @Suite struct TLS {
        /// Fairlead with a listener whose TLS is `tls`, over `backend`.
        private func fairlead(
            _ stage: Stage, _ folder: TemporaryFolder, _ tls: String, over backend: UInt16,
            more: String = ""
        ) throws -> Fairlead {
            let path = try folder.write(
                """
                workers: 2
                admin: 127.0.0.1:\(try FreePort.take())
                access-log: {to: \(folder.path("access.log"))}
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    backends: ["127.0.0.1:\(backend)"]
                    tls: {\(tls)}
                    \(more)
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
            try fairlead.waitForBackends(up: 1)
            return fairlead
        }

        /// Fairlead with a certificate for `web.test`, before one web instance.
        private func site(
            _ stage: Stage, tls: String = "", more: String = ""
        ) throws -> (folder: TemporaryFolder, files: CertificateFiles, fairlead: Fairlead) {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            let web = try stage.web("one")
            let fairlead = try fairlead(
                stage, folder, "certificates: [\(files.entry("web"))]\(tls)", over: web[0].port,
                more: more)
            return (folder, files, fairlead)
        }

        /// Fairlead with that certificate, before a backend that answers with the head that it got.
        private func echo(
            _ stage: Stage, _ more: String
        ) throws -> (folder: TemporaryFolder, files: CertificateFiles, fairlead: Fairlead) {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            let backend = stage.hold(try ScriptedBackend.echoingHeads())
            let fairlead = try fairlead(
                stage, folder, "certificates: [\(files.entry("web"))]", over: backend.port,
                more: more)
            return (folder, files, fairlead)
        }

        @Test func `a request by https reaches a backend as such, and is logged as such`() throws {
            try withStage { stage in
                let (folder, files, fairlead) = try echo(
                    stage, "routes: [{path: /r, redirect: {to: '{scheme}://other.test{path}'}}]")
                let port = fairlead.port
                let options = [
                    "--cacert", files.path("web"), "--connect-to", "web.test::127.0.0.1:\(port)",
                ]
                let answer = try curl(
                    options[0], options[1], options[2], options[3], "https://web.test:\(port)/a",
                    "https://web.test:\(port)/b")
                #expect(answer.exit == .status(0), "\(answer.said)")
                for path in ["GET /a", "GET /b"] { #expect(answer.said.contains(path)) }
                #expect(answer.said.contains("X-Forwarded-Proto: https\r\n"))
                #expect(answer.said.contains("X-Forwarded-Port: \(port)\r\n"))
                let redirect = try curl(
                    options[0], options[1], options[2], options[3], "-o", "/dev/null", "-w",
                    "%{redirect_url}", "https://web.test:\(port)/r")
                #expect(redirect.said == "https://other.test/r")
                try waitFor("the log") { () -> Void? in
                    let lines = readFile(folder.path("access.log"))?.split(separator: "\n") ?? []
                    return lines.count == 3
                        && lines.allSatisfy {
                            $0.contains(
                                #""tls":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256","#
                                    + #""sni":"web.test","resumed":false"#)
                        } ? () : nil
                }
                try fairlead.expectMetric("fairlead_tls_handshakes_total", "type=\"full\"", is: 2)
            }
        }

        @Test func `a certificate is chosen by name, and by what the client can verify`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let files = stage.hold(try CertificateFiles())
                try files.make("ecdsa", for: ["both.test", "*.wild.test"])
                try files.make("rsa", for: ["both.test"], rsa: true)
                try files.make("first", for: ["first.test"])
                let web = try stage.web("one")
                let entries = ["first", "ecdsa", "rsa"].map(files.entry).joined(separator: ", ")
                let fairlead = try fairlead(
                    stage, folder, "certificates: [\(entries)]", over: web[0].port)
                func shown(_ arguments: String...) throws -> String {
                    let said = try openSSL(
                        port: fairlead.port, arguments.joined(separator: " "))
                    let line = said.split(separator: "\n").first { $0.hasPrefix("subject=") }
                    return line.map { String($0.dropFirst("subject=CN = ".count)) } ?? said
                }
                #expect(try shown("-servername both.test") == "ecdsa")
                #expect(try shown("-servername BOTH.test -tls1_2") == "ecdsa")
                #expect(try shown("-servername both.test -sigalgs rsa_pss_rsae_sha256") == "rsa")
                #expect(
                    try shown("-servername both.test -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256")
                        == "rsa")
                #expect(try shown("-servername a.wild.test") == "ecdsa")
                #expect(try shown("-servername a.b.wild.test") == "first")
                #expect(try shown("-noservername") == "first")
                // What is old or unknown is refused.
                for old in [
                    "-tls1_1 -cipher ALL:@SECLEVEL=0", "-tls1 -cipher ALL:@SECLEVEL=0",
                    "-tls1_2 -cipher AES128-SHA", "-alpn spdy/3", "-tls1_3 -groups ffdhe8192",
                ] {
                    let said = try openSSL(
                        port: fairlead.port, "-servername both.test", old)
                    #expect(said.contains("no peer certificate available"), "\(old): \(said)")
                }
                #expect(try shown("-servername both.test -groups P-384") == "ecdsa")
                for (offer, choice) in [
                    ("http/1.1,h2", "h2"), ("h2", "h2"), ("http/1.1", "http/1.1"),
                ] {
                    let said = try openSSL(port: fairlead.port, "-alpn \(offer)")
                    #expect(said.contains("ALPN protocol: \(choice)\n"), "\(offer): \(said)")
                }
            }
        }

        @Test func `a session is resumed by any worker, with one ticket of each handshake`() throws
        {
            try withStage { stage in
                let (folder, _, fairlead) = try site(stage)
                let session = folder.path("session")
                let request =
                    "GET / HTTP/1.1\\r\\nHost: web.test\\r\\nConnection: close\\r\\n\\r\\n"
                let first = try openSSL(
                    port: fairlead.port, "-ign_eof -servername web.test -sess_out \(session)",
                    input: request)
                #expect(first.contains("New, TLSv1.3"), "\(first)")
                #expect(first.components(of: "Post-Handshake New Session Ticket") == 1)
                for _ in 0..<12 {
                    let next = try openSSL(
                        port: fairlead.port, "-ign_eof -servername web.test -sess_in \(session)",
                        input: request)
                    #expect(next.contains("Reused, TLSv1.3") && next.contains("200 OK"), "\(next)")
                }
                try fairlead.expectMetric(
                    "fairlead_tls_handshakes_total", "type=\"resumed\"", is: 12)
                for version in ["-tls1_2"] {
                    _ = try openSSL(
                        port: fairlead.port, version, "-sess_out \(session)", input: "Q")
                    #expect(
                        try openSSL(port: fairlead.port, version, "-sess_in \(session)").contains(
                            "Reused, TLSv1.2"))
                }
            }
        }

        @Test func `what is no TLS, and who is slow, ends with its reason counted`() throws {
            try withStage { stage in
                let (_, _, fairlead) = try site(
                    stage, tls: ", strict-sni: on", more: "timeouts: {handshake: 3s}")
                let port = fairlead.port
                let plain = try get(port: port)
                #expect(plain.status == 400)
                #expect(plain.body.contains("write https:// in place of http://"))

                let garbage = try RawSocket(port: port)
                try garbage.send([UInt8](repeating: 0x80, count: 3000))
                #expect(try garbage.receiveToEnd() == [21, 3, 1, 0, 2, 2, 10])
                let silent = try RawSocket(port: port)
                #expect(try silent.receiveToEnd() == [])
                let gone = try RawSocket(port: port)
                try gone.send([22, 3, 1])
                gone.endSending()
                #expect(try gone.receiveToEnd() == [])
                #expect(
                    try openSSL(port: port, "-servername other.test").contains("unrecognized name"))
                #expect(try curl("https://127.0.0.1:\(port)/").said.contains("unrecognized name"))
                #expect(
                    try curl(
                        "--connect-to", "web.test::127.0.0.1:\(port)", "https://web.test:\(port)/"
                    ).said.contains("self-signed certificate"))
                for (reason, count) in [
                    ("plain_http", 1.0), ("not_tls", 1), ("timeout", 1), ("broken_off", 1),
                    ("unknown_name", 2), ("refused_by_client", 1), ("malformed", 0),
                ] {
                    try fairlead.expectMetric(
                        "fairlead_tls_failures_total", "reason=\"\(reason)\"", is: count)
                }
                try waitFor("no open connection") {
                    try fairlead.metric("fairlead_listener_open_connections") == 0 ? true : nil
                }
            }
        }

        @Test func `who breaks TLS between two requests hears of it, whatever is sent behind`()
            throws
        {
            try withStage { stage in
                let (folder, files, fairlead) = try site(stage)
                // Python seals the request; the records behind it are made up. Were the connection
                // reset, what is still sent would destroy the alert or fail.
                let script = try folder.write(
                    """
                    import socket, ssl, sys, time
                    context = ssl.create_default_context(cafile=sys.argv[2])
                    entering, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
                    tls = context.wrap_bio(entering, leaving, server_hostname="web.test")
                    client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))

                    def step(action):
                        while True:
                            try:
                                result = action()
                                client.sendall(leaving.read())
                                return result
                            except ssl.SSLWantReadError:
                                client.sendall(leaving.read())
                                received = client.recv(65536)
                                entering.write(received) if received else entering.write_eof()

                    step(tls.do_handshake)
                    tls.write(b"GET / HTTP/1.1\\r\\nHost: web.test\\r\\n\\r\\n")
                    client.sendall(leaving.read())
                    print(step(lambda: tls.read(65536)).split()[1].decode())
                    for _ in range(3):
                        client.sendall(b"\\x17\\x03\\x03\\x00\\x20" + bytes(32))
                        time.sleep(0.1)
                    try:
                        step(lambda: tls.read(65536))
                    except ssl.SSLError as error:
                        print(error.reason)
                    """, to: "client.py")
                let client = stage.hold(
                    try RunningProcess([
                        "python3", script, "\(fairlead.port)", files.path("web"),
                    ]))
                #expect(try client.waitForExit() == .status(0), "\(client.transcript)")
                #expect(client.output == "200\nSSLV3_ALERT_BAD_RECORD_MAC\n")
            }
        }

        @Test func `a client's hello may need several records`() throws {
            try withStage { stage in
                let (folder, files, fairlead) = try site(stage)
                let script = try folder.write(
                    """
                    import http.client, ssl, sys
                    context = ssl.create_default_context(cafile=sys.argv[2])
                    context.check_hostname = False
                    context.set_alpn_protocols(["%03d" % n * 80 for n in range(210)] + ["http/1.1"])
                    client = http.client.HTTPSConnection("127.0.0.1", sys.argv[1], context=context)
                    client.request("GET", "/")
                    print(client.getresponse().status)
                    """, to: "client.py")
                let client = stage.hold(
                    try RunningProcess([
                        "python3", script, "\(fairlead.port)", files.path("web"),
                    ]))
                #expect(try client.waitForExit() == .status(0), "\(client.transcript)")
                #expect(client.output == "200\n")
            }
        }

        @Test func `a PROXY header comes before TLS, and says who the client is`() throws {
            try withStage { stage in
                let (folder, files, fairlead) = try echo(
                    stage, "proxy-protocol: {from: [127.0.0.1], required: on}")
                let script = try folder.write(
                    """
                    import socket, ssl, sys
                    context = ssl.create_default_context(cafile=sys.argv[2])
                    client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
                    header = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\\r\\n"
                    for byte in header if len(sys.argv) > 3 else []:
                        client.sendall(bytes([byte]))
                    try:
                        client = context.wrap_socket(client, server_hostname="web.test")
                    except (ssl.SSLError, ConnectionError):
                        sys.exit(3)
                    client.sendall(b"GET / HTTP/1.1\\r\\nHost: web.test\\r\\n\\r\\n")
                    print(client.recv(65536).decode())
                    """, to: "client.py")
                func run(_ more: [String]) throws -> RunningProcess {
                    stage.hold(
                        try RunningProcess(
                            ["python3", script, "\(fairlead.port)", files.path("web")] + more))
                }
                let client = try run(["with"])
                #expect(try client.waitForExit() == .status(0), "\(client.transcript)")
                for field in ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"] {
                    #expect(client.output.contains(field), "\(client.output)")
                }
                #expect(try run([]).waitForExit() == .status(3))
            }
        }

        @Test func `a connection on which nothing has come holds up no stop`() throws {
            try withStage { stage in
                let (_, _, fairlead) = try site(stage, more: "timeouts: {handshake: 5m}")
                let silent = try RawSocket(port: fairlead.port)
                try waitFor("the connection") {
                    try fairlead.metric("fairlead_listener_open_connections") == 1 ? true : nil
                }
                fairlead.process.signal(SIGTERM)
                #expect(try silent.receive().isEmpty)
                // The drain's limit is longer than this waits.
                try fairlead.process.waitForExit()
            }
        }

        @Test func `new certificates are taken up under load, and broken ones are refused`() throws
        {
            try withStage { stage in
                let (folder, files, fairlead) = try site(stage)
                let port = fairlead.port
                func serial() throws -> String {
                    let said = try openSSL(port: port, "-servername web.test")
                    return String(said.split(separator: "\n").first { $0.hasPrefix("MII") } ?? "")
                }
                // A client that keeps its connection for all of the test.
                let kept = try RunningProcess([
                    "python3", "-c",
                    """
                    import http.client, ssl, sys, time
                    context = ssl._create_unverified_context()
                    kept = http.client.HTTPSConnection("127.0.0.1", \(port), context=context)
                    end = time.time() + 60
                    count = 0
                    while not sys.stdin.closed and time.time() < end:
                        kept.request("GET", "/")
                        assert kept.getresponse().read() == b"one"
                        new = http.client.HTTPSConnection("127.0.0.1", \(port), context=context)
                        new.request("GET", "/")
                        assert new.getresponse().read() == b"one"
                        new.close()
                        count += 1
                        print(count, flush=True)
                    """,
                ])
                var last = try serial()
                for _ in 0..<5 {
                    try files.make("web", for: ["web.test"])
                    fairlead.process.signal(SIGHUP)
                    last = try waitFor("the new certificate") {
                        let now = try serial()
                        return now != last && !now.isEmpty ? now : nil
                    }
                }
                try files.make("web", for: ["web.test"], days: -1)
                fairlead.process.signal(SIGHUP)
                try fairlead.process.waitForOutput(
                    containing: "the certificate /CN=web has expired; renew it")
                #expect(try serial() == last)
                #expect(try fairlead.page("/health/ready").status == 200)
                let counted = kept.output.split(separator: "\n").count
                try waitFor("requests after all of it") {
                    kept.output.split(separator: "\n").count > counted + 5 ? true : nil
                }
                #expect(kept.exit == nil, "\(kept.transcript)")
                // A start is refused as well.
                let second = try Fairlead.start(["run", "--config", folder.path("fairlead.yaml")])
                #expect(try second.waitForExit() == .status(2))
                #expect(second.errors.contains("\(files.path("web"))"))
            }
        }

        @Test func `TCP is relayed under TLS, and an end without a word is no end`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let files = stage.hold(try CertificateFiles())
                try files.make("web", for: ["web.test"])
                let backend = stage.hold(
                    try ScriptedBackend { socket, _ in
                        while let line = try socket.receive(through: "\n") {
                            try socket.send(line)
                        }
                    })
                let fairlead = try fairlead(
                    stage, folder, "certificates: [\(files.entry("web"))]", over: backend.port,
                    more: "mode: tcp")
                let file = try folder.write(
                    """
                    import socket, ssl, sys
                    context = ssl._create_unverified_context()
                    raw = socket.create_connection(("127.0.0.1", \(fairlead.port)))
                    tls = context.wrap_socket(raw, server_hostname="web.test")
                    data = b"0123456789abcdef" * 65536 + b"\\n"
                    tls.sendall(data)
                    got = b""
                    while len(got) < len(data): got += tls.recv(1 << 20)
                    assert got == data
                    if sys.argv[1] == "cut":
                        socket.socket(fileno=tls.detach()).close()
                    else:
                        tls.unwrap()
                    print("ended")
                    """, to: "client.py")
                for way in ["end", "cut"] {
                    #expect(try RunningProcess.run(["python3", file, way]) == "ended\n")
                }
                let log = try waitFor("the log") { () -> String? in
                    let text = readFile(folder.path("access.log")) ?? ""
                    return text.split(separator: "\n").count == 2 ? text : nil
                }
                #expect(log.contains(#""protocol":"TCP","tls":"TLSv1.3""#))
                for cause in ["--", "CG"] { #expect(log.contains("\"cause\":\"\(cause)\"")) }
            }
        }
    }
}

extension String {
    /// How often `part` is in it.
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
