// Session tickets between processes: after an upgrade, and by a file that several have.

import Glibc
import TestSupport
import Testing

extension Flow {
    // Goal: a client resumes its session at another process that serves the same site, and no
    // request fails while one takes over. Method: `openssl s_client` with sessions of before, and
    // Python's clients all the while.
    @Suite struct Tickets {
        struct Site {
            let folder: TemporaryFolder
            let file: String
            let port: UInt16
            let fairlead: Fairlead
            var process: RunningProcess { fairlead.process }
        }

        /// Fairlead with a certificate for `web.test` and with `more` at the top of its file, and
        /// an admin port if it is to have one.
        func site(
            _ stage: Stage, _ files: CertificateFiles, over backend: UInt16, more: String = "",
            hasAdmin: Bool = false
        ) throws -> Site {
            let folder = stage.hold(try TemporaryFolder())
            let port = try FreePort.take()
            let file = try folder.write(
                """
                workers: 2
                admin: \(hasAdmin ? "127.0.0.1:\(try FreePort.take())" : "off")
                \(more)
                services: {web: {backends: ["127.0.0.1:\(backend)"]}}
                listeners:
                  - listen: "127.0.0.1:\(port)"
                    service: web
                    tls: {certificates: [\(files.entry("web"))]}
                """, to: "f.yaml")
            let fairlead = stage.hold(
                try Fairlead(arguments: ["run", "--config", file], hasAdmin: hasAdmin))
            return Site(folder: folder, file: file, port: port, fairlead: fairlead)
        }

        private static let request =
            "GET / HTTP/1.1\\r\\nHost: web.test\\r\\nConnection: close\\r\\n\\r\\n"

        /// A request at `port` that leaves its session in the file `session`, by this version.
        func begin(_ port: UInt16, _ session: String, _ version: String = "-tls1_3") throws {
            let said = try openSSL(
                port: port, "-ign_eof -servername web.test -sess_out \(session)", version,
                input: Self.request)
            #expect(said.contains("New, TLSv1") && said.contains("200 OK"), "\(said)")
        }

        /// Whether a request at `port` with the session in `session` resumes it.
        func resumes(
            _ port: UInt16, _ session: String, _ version: String = "-tls1_3"
        ) throws -> Bool {
            let said = try openSSL(
                port: port, "-ign_eof -servername web.test -sess_in \(session)", version,
                input: Self.request)
            #expect(said.contains("200 OK"), "\(said)")
            return said.contains("Reused, TLSv1")
        }

        @Test func `an upgrade under load of TLS fails no request, and sessions are resumed`()
            throws
        {
            try withStage { stage in
                let files = stage.hold(try CertificateFiles())
                try files.make("web", for: ["web.test"])
                let site = try site(stage, files, over: try stage.web("one")[0].port)
                let process = site.process
                defer { signalSuccessor(of: process, SIGKILL) }
                let sessions = ["-tls1_3", "-tls1_2"].map { ($0, site.folder.path("s\($0)")) }
                for (version, session) in sessions { try begin(site.port, session, version) }
                // New connections, each of which resumes the last one's session or not.
                let load = stage.hold(
                    try RunningProcess([
                        "python3", "-c",
                        """
                        import socket, ssl, sys
                        context = ssl._create_unverified_context()
                        session, count, resumed = None, 0, 0
                        while True:
                            raw = socket.create_connection(("127.0.0.1", \(site.port)))
                            tls = context.wrap_socket(
                                raw, server_hostname="web.test",
                                session=session if count % 3 else None)
                            resumed += tls.session_reused
                            tls.sendall(b"GET / HTTP/1.1\\r\\nHost: web.test\\r\\n"
                                        b"Connection: close\\r\\n\\r\\n")
                            got = b""
                            while piece := tls.recv(65536): got += piece
                            assert got.startswith(b"HTTP/1.1 200"), got
                            session = tls.session
                            tls.close()
                            count += 1
                            print(count, resumed, flush=True)
                        """,
                    ]))
                /// What the load has counted: requests, and resumed sessions.
                func counts() -> [Int] {
                    (load.output.split(separator: "\n").last ?? "0 0").split(separator: " ")
                        .compactMap { Int($0) }
                }
                func awaitMore() throws {
                    let before = counts()
                    try waitFor("more requests; \(load.transcript)") { () -> Void? in
                        counts().first ?? 0 > (before.first ?? 0) + 40 ? () : nil
                    }
                    #expect(load.exit == nil, "\(load.transcript)")
                }
                try awaitMore()
                process.signal(SIGUSR2)
                try process.waitForOutput(containing: "process.took_over")
                #expect(try process.waitForExit() == .status(0))
                let before = counts()
                try awaitMore()
                let after = counts()
                // Two of three begin with a session.
                let share = Double(after[1] - before[1]) / Double(after[0] - before[0])
                #expect(share > 0.6, "\(before) \(after)")
                for (version, session) in sessions {
                    #expect(try resumes(site.port, session, version), "\(version)")
                }
                // Keys are nowhere but in memory.
                #expect(!process.transcript.contains("tickets"))
            }
        }

        @Test func `processes with one file of keys resume each other's sessions, and follow it`()
            throws
        {
            try withStage { stage in
                let files = stage.hold(try CertificateFiles())
                try files.make("web", for: ["web.test"])
                let backend = try stage.web("one")[0].port
                let folder = stage.hold(try TemporaryFolder())
                let keys = folder.path("keys")
                func key() throws -> String {
                    try RunningProcess.run(["sh", "-c", "openssl rand -base64 80 | tr -d '\\n'"])
                }
                /// Puts a file with `lines` in the place of the one before.
                func write(_ lines: String...) throws {
                    let text = lines.map { "\($0)\n" }.joined()
                    try folder.write(text, to: "new")
                    _ = try RunningProcess.run(["mv", folder.path("new"), keys])
                }
                let (one, two) = (try key(), try key())
                try write(one)
                let sites = try (0..<2).map { _ in
                    try site(stage, files, over: backend, more: "ticket-keys: \(keys)")
                }
                let session = folder.path("session")
                try begin(sites[0].port, session)
                #expect(try resumes(sites[1].port, session))
                // A new one seals, and the old one still opens.
                try write(two, one)
                for site in sites {
                    try site.process.waitForOutput(containing: "tickets.keys file=\(keys) keys=2")
                }
                #expect(try resumes(sites[1].port, session))
                try write("nonsense")
                for site in sites {
                    try site.process.waitForOutput(
                        containing: "effect=\"the keys of before stay\"")
                }
                #expect(try resumes(sites[0].port, session))
                try write(two)
                for site in sites {
                    try site.process.waitForOutput(containing: "tickets.keys file=\(keys) keys=1")
                }
                #expect(try !resumes(sites[1].port, session))
                // A start, or a reload, with a broken one is refused.
                try write("nonsense")
                let third = try Fairlead.start(["check", "--config", sites[0].file])
                #expect(try third.waitForExit() == .status(2))
                #expect(third.transcript.contains("ticket-keys: \"\(keys)\": found something else"))
                #expect(!third.transcript.contains("nonsense"))
            }
        }
    }
}
