// Certificates from an authority, as operators and clients see them: pebble issues, and curl asks.

internal import Glibc
internal import TestSupport
import Testing

extension Following {
    // Goal: a host gets a certificate by itself and keeps having one, whatever the authority does;
    // what goes wrong is said with what to do. Method: the program beside pebble, which refuses
    // half of all nonces, takes its time, and forgets what was proven.
    @Suite struct ACME {
        /// What a test has around its Fairleads.
        struct Site {
            let folder: TemporaryFolder
            let pebble: Pebble
            let http: UInt16
            let https: UInt16
            let web: UInt16

            /// A configuration file for a Fairlead at these ports; nil has no such listener. The
            /// store is a folder, or what `consul` says of Consul is there in its place.
            func file(
                _ name: String, http: UInt16?, https: UInt16, hosts: [String] = ["web.test"],
                acme: String = "", consul: String? = nil
            ) throws -> String {
                let plain = http.map {
                    "  - {name: plain, listen: \"127.0.0.1:\($0)\", routes: [{path-prefix: /, "
                        + "redirect: {to: 'https://{host}{path}'}}]}"
                }
                return try folder.write(
                    """
                    workers: 1
                    admin: 127.0.0.1:\(try FreePort.take())
                    acme:
                      directory: \(pebble.directory)
                      ca-file: \(pebble.authority)
                      email: ops@example.com
                      terms-agreed: on
                      \(consul == nil ? "store: \(folder.path("store"))" : "consul: certificates/")
                      \(acme)
                    \(consul ?? "")
                    listeners:
                      - name: secure
                        listen: "127.0.0.1:\(https)"
                        backends: ["127.0.0.1:\(web)"]
                        tls: {acme: [\(hosts.joined(separator: ", "))]}
                    \(plain ?? "")
                    """, to: "\(name).yaml")
            }

            /// Whether curl, which believes the authority alone, gets the web instance's answer.
            func isServed(_ port: UInt16, host: String = "web.test") throws -> Bool {
                try curl(
                    "--cacert", pebble.root(), "--connect-to", "\(host)::127.0.0.1:\(port)",
                    "https://\(host):\(port)/"
                ).exit == .status(0)
            }
        }

        func site(
            _ stage: Stage, validity: Int = 90 * 86400, sleep: Int = 1
        ) throws -> Site {
            let (http, https) = (try FreePort.take(), try FreePort.take())
            let pebble = stage.hold(
                try Pebble(http: http, tls: https, validity: validity, sleep: sleep))
            return Site(
                folder: stage.hold(try TemporaryFolder()), pebble: pebble, http: http,
                https: https, web: try stage.web("one")[0].port)
        }

        func run(
            _ stage: Stage, _ file: String, listeners: Int = 2
        ) throws -> Fairlead {
            stage.hold(
                try Fairlead(arguments: ["run", "--config", file], listeners: listeners))
        }

        func waitForCertificate(
            _ site: Site, _ fairlead: Fairlead, _ port: UInt16, host: String = "web.test"
        ) throws {
            try waitSlowly("a certificate; fairlead said:\n\(fairlead.process.transcript)") {
                try site.isServed(port, host: host)
            }
        }

        @Test func `a certificate is got by http-01, and a restart orders none`() throws {
            try withStage { stage in
                let site = try site(stage)
                let file = try site.file("a", http: site.http, https: site.https)
                let fairlead = try run(stage, file)
                // A client that does not look gets an answer already.
                #expect(
                    try curl("-k", "https://127.0.0.1:\(site.https)/").exit == .status(0))
                try waitForCertificate(site, fairlead, site.https)
                #expect(site.pebble.issued == 1)
                // It is shown before it is written.
                for name in ["fullchain.pem", "privkey.pem"] {
                    let mode = try waitFor("the file \(name)") { () -> mode_t? in
                        var status = stat()
                        let path = site.folder.path("store/web.test/\(name)")
                        return unsafe stat(path, &status) == 0 ? status.st_mode : nil
                    }
                    #expect(mode & 0o777 == 0o600)
                }
                // Nothing is left to be answered, and other paths go their way.
                let path = "http://127.0.0.1:\(site.http)/.well-known/acme-challenge/x"
                #expect(
                    try curl("-o", "/dev/null", "-w", "%{http_code}", path).said.hasPrefix("3"))
                fairlead.process.signal(SIGTERM)
                try fairlead.process.waitForExit()
                let looks = site.pebble.directoryLooks
                let second = try run(stage, file)
                #expect(try site.isServed(site.https))
                // A request that it sends a while later shows that it has looked around: what the
                // authority wishes for the renewal is asked after everything else.
                try waitSlowly("a look") { site.pebble.directoryLooks > looks }
                #expect(site.pebble.issued == 1)
                #expect(!second.process.errors.contains("acme.ordering"))
            }
        }

        @Test func `certificates are got by tls-alpn-01, one for each host`() throws {
            try withStage { stage in
                let site = try site(stage)
                let hosts = ["web.test", "other.test"]
                let file = try site.file(
                    "a", http: nil, https: site.https, hosts: hosts,
                    acme: "challenges: [tls-alpn-01]")
                let fairlead = try run(stage, file, listeners: 1)
                for host in hosts {
                    try waitForCertificate(site, fairlead, site.https, host: host)
                }
                #expect(site.pebble.issued == 2)
                // Clients that ask for the protocol of authorities get nothing any more.
                let said = try openSSL(port: site.https, "-servername web.test -alpn acme-tls/1")
                #expect(said.contains("no peer certificate available"), "\(said)")
            }
        }

        @Test func `a certificate is renewed before it ends, without a failed request`() throws {
            try withStage { stage in
                let site = try site(stage, validity: 30)
                let file = try site.file("a", http: site.http, https: site.https)
                let fairlead = try run(stage, file)
                try waitForCertificate(site, fairlead, site.https)
                try waitSlowly("a renewal; fairlead said:\n\(fairlead.process.transcript)") {
                    let isServed = try site.isServed(site.https)
                    #expect(isServed)
                    return site.pebble.issued >= 2
                }
                try waitSlowly("the new one") {
                    fairlead.process.errors.split(separator: "\n").count {
                        $0.contains("acme.certificate_issued")
                    } >= 2
                }
                #expect(try site.isServed(site.https))
            }
        }

        @Test func `two with one folder order once, and each answers for the other`() throws {
            try withStage { stage in
                let site = try site(stage)
                let other = (http: try FreePort.take(), https: try FreePort.take())
                // The authority sees the first alone, and either may be the one that orders.
                let fairleads = [
                    try run(stage, site.file("a", http: site.http, https: site.https)),
                    try run(stage, site.file("b", http: other.http, https: other.https)),
                ]
                try waitForCertificate(site, fairleads[0], site.https)
                try waitForCertificate(site, fairleads[1], other.https)
                #expect(site.pebble.issued == 1)
            }
        }

        @Test func `one that is killed within an order leaves it to another`() throws {
            try withStage { stage in
                let site = try site(stage, sleep: 4)
                let file = try site.file("a", http: site.http, https: site.https)
                let first = try run(stage, file)
                let challenges = site.folder.path("store/challenges")
                try waitSlowly("a challenge; fairlead said:\n\(first.process.transcript)") {
                    try !RunningProcess.run(["ls", challenges]).isEmpty
                }
                first.process.signal(SIGKILL)
                try first.process.waitForExit()
                let second = try run(stage, file)
                try waitForCertificate(site, second, site.https)
                try expectSoon("") { try RunningProcess.run(["ls", challenges]) }
            }
        }

        @Test func `an authority that does not believe, or is away, is said with what to do`()
            throws
        {
            try withStage { stage in
                let site = try site(stage)
                // The authority looks where another server is.
                let elsewhere = try FreePort.take()
                let file = try site.file(
                    "a", http: elsewhere, https: try FreePort.take(), acme: "challenges: [http-01]")
                let fairlead = try run(stage, file)
                func wait(_ text: String, _ fairlead: Fairlead) throws {
                    try waitSlowly("“\(text)”; fairlead said:\n\(fairlead.process.transcript)") {
                        fairlead.process.errors.contains(text)
                    }
                }
                try wait("acme.failed host=web.test", fairlead)
                try wait("port 80 to a listener without TLS", fairlead)
                try wait(
                    "effect=\"clients are shown a certificate that Fairlead has signed", fairlead)
                // A start goes on where this one was: it does not ask the authority again at once.
                fairlead.process.signal(SIGTERM)
                try fairlead.process.waitForExit()
                let looks = site.pebble.directoryLooks
                let again = try run(stage, file)
                pause(milliseconds: 1500)
                #expect(site.pebble.directoryLooks == looks)
                again.process.signal(SIGTERM)
                try again.process.waitForExit()
                try site.pebble.stop()
                let away = try site.file(
                    "b", http: try FreePort.take(), https: site.https, hosts: ["away.test"])
                let second = try run(stage, away)
                try wait("the certificate authority does not answer", second)
            }
        }

        @Test func `a failure is forgotten with the certificate that comes after its time`() throws
        {
            try withStage { stage in
                let site = try site(stage)
                let failed = site.folder.path("store/web.test/failed")
                let first = try run(
                    stage,
                    try site.file(
                        "a", http: try FreePort.take(), https: site.https,
                        acme: "challenges: [http-01]"))
                try waitSlowly("a failure; fairlead said:\n\(first.process.transcript)") {
                    first.process.errors.contains("acme.failed") && readFile(failed) != nil
                }
                first.process.signal(SIGTERM)
                try first.process.waitForExit()
                #expect(try #require(readFile(failed)).hasPrefix("1 "))
                // Its time is over.
                try site.folder.write("1 1\nas it was\n", to: "store/web.test/failed")
                let second = try run(
                    stage, try site.file("b", http: site.http, https: site.https))
                try waitForCertificate(site, second, site.https)
                try expectSoon(nil) { readFile(failed) }
                #expect(try second.page("/stats").body.contains(#""refused":[]"#))
            }
        }

        @Test func `another program answers for its own names while ours are answered`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let files = stage.hold(try CertificateFiles())
                try files.make("other-program", for: ["theirs.test"])
                let (port, answers) = (try FreePort.take(), try FreePort.take())
                let program = stage.hold(
                    try RunningProcess([
                        "openssl", "s_server", "-accept", "127.0.0.1:\(answers)", "-cert",
                        files.path("other-program"), "-alpn", "acme-tls/1", "-www",
                    ]))
                try waitFor("the other program") { (try? RawSocket(port: answers)).map { _ in () } }
                // Another Fairlead orders for a name of ours: it holds the lock, and what is to be
                // answered is in the folder.
                try folder.makeFolder("store")
                try folder.makeFolder("store/challenges")
                let lock = stage.hold(
                    try RunningProcess(["flock", folder.path("store/lock"), "sleep", "60"]))
                try folder.write("token.print", to: "store/challenges/ours.test.tls-alpn")
                let file = try folder.write(
                    """
                    workers: 1
                    admin: 127.0.0.1:\(try FreePort.take())
                    acme:
                      directory: https://127.0.0.1:\(try FreePort.take())/dir
                      email: ops@example.com
                      terms-agreed: on
                      store: \(folder.path("store"))
                      tls-alpn: 127.0.0.1:\(answers)
                    listeners:
                      - listen: "127.0.0.1:\(port)"
                        backends: ["127.0.0.1:\(answers)"]
                        tls: {acme: [ours.test]}
                    """, to: "fairlead.yaml")
                _ = try run(stage, file, listeners: 1)
                func asked(for name: String) throws -> String {
                    try openSSL(port: port, "-alpn acme-tls/1 -servername \(name)")
                }
                try waitFor("our answer") {
                    try asked(for: "ours.test").contains("ALPN protocol: acme-tls/1") ? true : nil
                }
                #expect(try !asked(for: "ours.test").contains("CN = other-program"))
                let theirs = try asked(for: "theirs.test")
                #expect(theirs.contains("CN = other-program"), "\(theirs)")
                _ = (program, lock)
            }
        }

        @Test func `lego is served by folder, and is passed to`() throws {
            try withStage { stage in
                let site = try site(stage)
                let files = stage.hold(try CertificateFiles())
                try files.make("first", for: ["web.test"])
                let answers = try FreePort.take()
                let root = site.folder.path("root")
                _ = try RunningProcess.run(["mkdir", root])
                let file = try site.folder.write(
                    """
                    workers: 1
                    admin: 127.0.0.1:\(try FreePort.take())
                    acme:
                      webroot: \(root)/.well-known/acme-challenge
                      tls-alpn: 127.0.0.1:\(answers)
                    listeners:
                      - listen: "127.0.0.1:\(site.http)"
                        routes: [{path-prefix: /, redirect: {to: 'https://{host}{path}'}}]
                      - listen: "127.0.0.1:\(site.https)"
                        backends: ["127.0.0.1:\(site.web)"]
                        tls: {certificates: [\(files.entry("first"))]}
                    """, to: "fairlead.yaml")
                let fairlead = try run(stage, file)
                for (name, way) in [
                    ("http", ["--http", "--http.webroot", root]),
                    ("alpn", ["--tls", "--tls.port", "127.0.0.1:\(answers)"]),
                ] {
                    let lego = stage.hold(
                        try RunningProcess(
                            [
                                "lego", "--server", site.pebble.directory, "--email",
                                "ops@example.com", "--accept-tos", "--path",
                                site.folder.path(name), "--domains", "\(name).test",
                            ] + way + ["run"],
                            environment: ["LEGO_CA_CERTIFICATES": site.pebble.authority]))
                    let exit = try lego.waitForExit()
                    #expect(exit == .status(0), "\(lego.transcript) \(fairlead.process.transcript)")
                    #expect(
                        try openSSL(port: site.https, "-servername web.test").contains(
                            "CN = first"))
                }
                #expect(site.pebble.issued == 2)
            }
        }
    }
}
