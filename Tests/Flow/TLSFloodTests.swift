// Clients that cost a listener with TLS as much as they can: by handshakes that they leave, and by
// changes of their keys.

internal import TestSupport
import Testing

extension Flow {
    // Goal: what one client does makes no other wait, and what it leaves behind is bounded. Method:
    // the program with a certificate that was made for the test, Python's and openssl's TLS.
    @Suite struct TLSFloods {
        /// Fairlead with a certificate for `web.test`, before one web instance.
        private func site(
            _ stage: Stage, mode: String = "http"
        ) throws -> (folder: TemporaryFolder, files: CertificateFiles, fairlead: Fairlead) {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            let web = try stage.web("one")
            let path = try folder.write(
                """
                workers: 2
                admin: 127.0.0.1:\(try FreePort.take())
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    backends: ["127.0.0.1:\(web[0].port)"]
                    mode: \(mode)
                    tls: {certificates: [\(files.entry("web"))]}
                    timeouts: {handshake: 3s}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
            try fairlead.waitForBackends(up: 1)
            return (folder, files, fairlead)
        }

        @Test func `handshakes that are begun and left end in time, and take little memory`()
            throws
        {
            try withStage { stage in
                let (folder, files, fairlead) = try site(stage)
                let script = try folder.write(
                    """
                    import resource, socket, ssl, sys
                    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
                    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
                    leaving = ssl.MemoryBIO()
                    tls = ssl.create_default_context().wrap_bio(
                        ssl.MemoryBIO(), leaving, server_hostname="web.test")
                    try:
                        tls.do_handshake()
                    except ssl.SSLWantReadError:
                        hello = leaving.read()
                    for wave in range(2):
                        clients = []
                        for part in b"", hello[:100], hello:
                            for _ in range(400):
                                client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
                                client.sendall(part)
                                clients.append(client)
                        print("begun", flush=True)
                        for client in clients:
                            client.settimeout(60)
                            try:
                                while client.recv(65536):
                                    pass
                            except ConnectionResetError:
                                pass
                        print("left", flush=True)
                    """, to: "client.py")
                let before = try fairlead.metric("process_resident_memory_bytes")
                let clients = stage.hold(
                    try RunningProcess(["python3", script, "\(fairlead.port)"]))
                try waitFor("the first wave") { clients.output.contains("begun") ? true : nil }
                // Meanwhile others get through.
                let answer = try curl(
                    "--cacert", files.path("web"), "--connect-to",
                    "web.test::127.0.0.1:\(fairlead.port)", "https://web.test:\(fairlead.port)/")
                #expect(answer.exit == .status(0), "\(answer.said)")
                #expect(try clients.waitForExit() == .status(0))
                try fairlead.expectMetric(
                    "fairlead_tls_failures_total", "reason=\"timeout\"", is: 2400)
                try fairlead.expectMetric("fairlead_listener_open_connections", is: 0)
                #expect(try fairlead.metric("fairlead_tls_delayed_handshakes_total") > 0)
                // OpenSSL has 45 KB of each that was answered.
                let after = try fairlead.metric("process_resident_memory_bytes")
                #expect(after - before < 1200 * 20_000, "\(before) to \(after)")
                // Most of what stayed is free, and goes back once they have been gone for a while.
                try waitFor("the memory that they needed to go back", limit: .seconds(30)) {
                    let now = try fairlead.metric("process_resident_memory_bytes")
                    return now < (before + after) / 2 ? true : nil
                }
            }
        }

        /// A client that changes its keys: by each line `k`, and by each line `K`, which asks for a
        /// change in return. `openssl` takes a line for that if it is read by itself. All is within
        /// one request. Prints how many changes were sent, and how often that was answered.
        private static let keyChanger = """
            import array, fcntl, os, subprocess, sys, tempfile, termios, time
            port, count, lines = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
            written = tempfile.TemporaryFile()
            client = subprocess.Popen(
                ["openssl", "s_client", "-connect", "127.0.0.1:" + port, "-tls1_3", "-crlf"],
                stdin=subprocess.PIPE, stdout=written, stderr=subprocess.STDOUT)
            def said():
                # Without a seek, which would move where it writes.
                return os.pread(written.fileno(), 1 << 20, 0)
            def say(line):
                client.stdin.write(line.encode() + b"\\n")
                client.stdin.flush()
                # It reads a line when it has sent the one before.
                unread = array.array("i", [1])
                while unread[0] and client.poll() is None:
                    time.sleep(0.0005)
                    fcntl.ioctl(client.stdin, termios.FIONREAD, unread)
            try:
                say("GET / HTTP/1.1\\nHost: web.test")
                for number in range(count):
                    if client.poll() is not None:
                        break
                    say(lines[number % len(lines)])
                say("Connection: close\\n")
                while client.poll() is None and b"200 OK" not in said():
                    time.sleep(0.01)
                client.stdin.close()
            except BrokenPipeError:
                pass
            client.wait()
            print(said().count(b"KEYUPDATE"), said().count(b"200 OK"))
            """

        // The lines: changes alone, and content between them.
        @Test(arguments: [["k"], ["K"], ["k", "A: b"], ["K", "A: b"]], ["http", "tcp"])
        func `a client that changes its keys without end is cut off`(
            lines: [String], mode: String
        ) throws {
            try withStage { stage in
                let (folder, _, fairlead) = try site(stage, mode: mode)
                let script = try folder.write(Self.keyChanger, to: "client.py")
                let client = stage.hold(
                    try RunningProcess(["python3", script, "\(fairlead.port)", "400"] + lines))
                try waitFor("the cut") {
                    try fairlead.metric("fairlead_tls_floods_total") == 1 ? true : nil
                }
                _ = try client.waitForExit()
                let count = client.output.split(separator: " ").first.flatMap { Int($0) } ?? 0
                // It sends on until it learns of its end.
                #expect((33..<200).contains(count), "\(client.transcript)")
            }
        }

        @Test(arguments: ["k", "K"])
        func `a client that changes its keys now and then is served`(line: String) throws {
            try withStage { stage in
                let (folder, files, fairlead) = try site(stage)
                let script = try folder.write(Self.keyChanger, to: "client.py")
                let client = stage.hold(
                    try RunningProcess(
                        ["python3", script, "\(fairlead.port)", "32", line]))
                _ = try client.waitForExit()
                #expect(client.output == "32 1\n", "\(client.transcript)")
                let answer = try curl(
                    "--cacert", files.path("web"), "--connect-to",
                    "web.test::127.0.0.1:\(fairlead.port)", "https://web.test:\(fairlead.port)/")
                #expect(answer.exit == .status(0), "\(answer.said)")
                #expect(try fairlead.metric("fairlead_tls_floods_total") == 0)
                try fairlead.expectMetric("fairlead_requests_total", is: 2)
            }
        }
    }
}
