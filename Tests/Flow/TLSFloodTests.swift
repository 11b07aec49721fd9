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
            _ stage: Stage
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
                #expect(try clients.waitForExit(limit: .seconds(60)) == .status(0))
                #expect(
                    try fairlead.metric("fairlead_tls_failures_total", "reason=\"timeout\"")
                        == 2400)
                #expect(try fairlead.metric("fairlead_listener_open_connections") == 0)
                #expect(try fairlead.metric("fairlead_tls_delayed_handshakes_total") > 0)
                // OpenSSL has 45 KB of each that was answered.
                let after = try fairlead.metric("process_resident_memory_bytes")
                #expect(after - before < 1200 * 20_000, "\(before) to \(after)")
            }
        }

        @Test func `a client that changes its keys without end is cut off`() throws {
            try withStage { stage in
                let (folder, _, fairlead) = try site(stage)
                // Each line `k` has openssl send a KeyUpdate, if it is read by itself.
                let script = try folder.write(
                    """
                    import subprocess, sys, time
                    client = subprocess.Popen(
                        ["openssl", "s_client", "-connect", "127.0.0.1:" + sys.argv[1], "-tls1_3"],
                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                    time.sleep(0.5)
                    try:
                        while client.poll() is None:
                            client.stdin.write(b"k\\n")
                            client.stdin.flush()
                            time.sleep(0.0005)
                    except BrokenPipeError:
                        pass
                    print(client.stderr.read().count(b"KEYUPDATE"))
                    """, to: "client.py")
                let client = stage.hold(
                    try RunningProcess(["python3", script, "\(fairlead.port)"]))
                #expect(try client.waitForExit() == .status(0), "\(client.transcript)")
                let count = client.output.split(separator: "\n").first.flatMap { Int($0) } ?? 0
                #expect((1000...2000).contains(count), "\(client.transcript)")
            }
        }
    }
}
