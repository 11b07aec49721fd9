// Certificates that change while Fairlead runs, on disk as Kubernetes, certbot and people change
// them.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: a new certificate is shown without a reload and without a failed request, and one that
    // is broken or half written leaves the old one in force and is told until it is mended. Method:
    // folders laid out and changed as those programs do it, and clients that connect all the while.
    @Suite struct CertificateChanges {
        private func fairlead(
            _ stage: Stage, _ certificates: String, more: String = ""
        ) throws -> Fairlead {
            let folder = stage.hold(try TemporaryFolder())
            let web = try stage.web("one")
            let path = try folder.write(
                """
                workers: 2
                admin: 127.0.0.1:\(try FreePort.take())
                \(more)
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    backends: ["127.0.0.1:\(web[0].port)"]
                    tls: {certificates: \(certificates)}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
            try fairlead.waitForBackends(up: 1)
            return fairlead
        }

        /// The certificate that a client is shown.
        private func shown(_ fairlead: Fairlead) throws -> String {
            let said = try openSSL(port: fairlead.port, "-servername web.test")
            let start = said.firstRange(of: "-----BEGIN CERTIFICATE-----")?.upperBound
            let end = said.firstRange(of: "-----END CERTIFICATE-----")?.lowerBound
            guard let start, let end, start < end else { return "" }
            return String(said[start..<end])
        }

        /// Waits until another certificate than `last` is shown, and returns it.
        private func next(_ fairlead: Fairlead, after last: String) throws -> String {
            try waitFor("a new certificate") {
                let now = try shown(fairlead)
                return now != last && !now.isEmpty ? now : nil
            }
        }

        /// How many swaps: a few, or what `FAIRLEAD_SWAPS` says for a figure.
        private static let swapCount = ProcessInfo.environment("FAIRLEAD_SWAPS").flatMap { Int($0) }

        @Test func `a secret of Kubernetes is swapped under load`() throws {
            try withStage { stage in
                let files = stage.hold(try CertificateFiles())
                let secret = stage.hold(try TemporaryFolder())
                func write(_ version: Int) throws {
                    try files.make("web", for: ["web.test"])
                    try secret.makeFolder("..\(version)")
                    let pem = readFile(files.path("web")) ?? ""
                    try secret.write(pem, to: "..\(version)/tls.crt")
                    try secret.write(pem, to: "..\(version)/tls.key")
                }
                try write(0)
                try secret.link("..data", to: "..0")
                for name in ["tls.crt", "tls.key"] {
                    try secret.link(name, to: "..data/\(name)")
                }
                let fairlead = try fairlead(stage, secret.path(""))
                // One connection is kept for all of the test, new ones are made all the time, and
                // sessions are resumed.
                let clients = try RunningProcess([
                    "python3", "-c",
                    """
                    import http.client, ssl, sys, socket
                    context = ssl._create_unverified_context()
                    kept = http.client.HTTPSConnection(
                        "127.0.0.1", \(fairlead.port), context=context)
                    session = None
                    count = resumed = 0
                    while True:
                        kept.request("GET", "/")
                        assert kept.getresponse().read() == b"one"
                        raw = socket.create_connection(("127.0.0.1", \(fairlead.port)))
                        new = context.wrap_socket(
                            raw, server_hostname="web.test", session=session)
                        new.sendall(
                            b"GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")
                        got = b""
                        while part := new.recv(65536): got += part
                        assert got.startswith(b"HTTP/1.1 200 ") and got.endswith(b"one"), got
                        resumed += new.session_reused
                        session = new.session if count % 3 else None
                        new.close()
                        count += 1
                        print(count, resumed, flush=True)
                    """,
                ])
                var last = try shown(fairlead)
                var before = 0.0
                let swaps = Self.swapCount ?? 4
                for version in 1...swaps {
                    try write(version)
                    try secret.link("..data", to: "..\(version)")
                    last = try next(fairlead, after: last)
                    if version == 2 { before = try resident(fairlead) }
                }
                let after = try resident(fairlead)
                #expect(after - before < 3 * 1_048_576, "\(before) bytes, then \(after)")
                #expect(clients.exit == nil, "\(clients.transcript)")
                let counts = clients.output.split(separator: "\n").last?.split(separator: " ")
                #expect(Int(counts?.last ?? "") ?? 0 > 0, "\(clients.transcript.suffix(200))")
                try fairlead.process.waitForErrors(containing: "certificate.new")
                #expect(!fairlead.process.errors.contains("process.reloading"))
                if Self.swapCount != nil {
                    print("\(swaps) swaps: resident \(before), then \(after); \(counts ?? [])")
                }
            }
        }

        private func resident(_ fairlead: Fairlead) throws -> Double {
            try fairlead.metric("process_resident_memory_bytes")
        }

        @Test func `a renewal of certbot's that is half done leaves the old one in force`() throws {
            try withStage { stage in
                let files = stage.hold(try CertificateFiles())
                let folder = stage.hold(try TemporaryFolder())
                for name in ["live", "live/web.test", "archive", "archive/web.test"] {
                    try folder.makeFolder(name)
                }
                func write(_ version: Int) throws {
                    try files.make("web", for: ["web.test"])
                    let pem = readFile(files.path("web")) ?? ""
                    for name in ["fullchain", "privkey"] {
                        try folder.write(pem, to: "archive/web.test/\(name)\(version).pem")
                    }
                }
                func turn(_ name: String, _ version: Int) throws {
                    try folder.link(
                        "live/web.test/\(name).pem",
                        to: "../../archive/web.test/\(name)\(version).pem")
                }
                // Leaves each file its part.
                func cut(_ version: Int) throws {
                    _ = try RunningProcess.run([
                        "sh", "-c",
                        """
                        cd \(folder.path("archive/web.test")) && f=fullchain\(version).pem
                        openssl x509 -in $f -out c && mv c $f && f=privkey\(version).pem
                        openssl pkey -in $f -out k && mv k $f
                        """,
                    ])
                }
                for version in 1...2 {
                    try write(version)
                    try cut(version)
                }
                for name in ["fullchain", "privkey"] { try turn(name, 1) }
                let fairlead = try fairlead(stage, folder.path("live"))
                let first = try shown(fairlead)
                try fairlead.expectMetric("fairlead_certificates", is: 1)
                let ends = try fairlead.metric("fairlead_certificate_expiry_timestamp_seconds")
                #expect(abs(ends - Double(time(nil)) - 30 * 86_400) < 3600)

                try turn("privkey", 2)
                try fairlead.process.waitForOutput(containing: "certificate.refused")
                try fairlead.expectMetric("fairlead_certificate_files_refused", is: 1)
                let stats = try fairlead.page("/stats").body
                #expect(stats.contains("belongs to this key; put it there"))
                #expect(stats.contains(#""level":"warning""#))
                #expect(try shown(fairlead) == first)
                #expect(try fairlead.page("/health/ready").status == 200)

                try turn("fullchain", 2)
                let second = try next(fairlead, after: first)
                try fairlead.process.waitForOutput(containing: "certificate.mended")
                #expect(try fairlead.metric("fairlead_certificate_files_refused") == 0)
                #expect(try fairlead.page("/stats").body.contains(#""level":"good""#))
                #expect(!second.isEmpty)
            }
        }

        @Test func `the log says what should have been renewed by now`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                // By `openssl ca`, which alone lets a certificate begin in the past.
                try folder.write(
                    """
                    [ca]
                    default_ca=own
                    [own]
                    database=index
                    serial=serial
                    new_certs_dir=.
                    default_md=sha256
                    policy=any
                    x509_extensions=names
                    [any]
                    commonName=supplied
                    [names]
                    subjectAltName=DNS:web.test
                    """, to: "ca.cnf")
                _ = try RunningProcess.run([
                    "sh", "-c",
                    """
                    set -e
                    cd \(folder.path("."))
                    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\
                        -subj /CN=web.test -keyout key -out csr
                    : >index
                    day() { date -u -d "$1" +%Y%m%d%H%M%SZ; }
                    openssl ca -batch -selfsign -config ca.cnf -keyfile key -in csr -notext \\
                        -create_serial -startdate $(day '-85 days') \\
                        -enddate $(day '+5 days +1 hour') -out cert
                    cat cert key >web.pem
                    """,
                ])
                let files = stage.hold(try CertificateFiles())
                try files.make("other", for: ["other.test"], days: 30)
                let fairlead = try fairlead(
                    stage, "[\(files.entry("other")), \(folder.path("web.pem"))]")
                try fairlead.process.waitForOutput(containing: "certificate.ending")
                let lines = fairlead.process.errors.split(separator: "\n").filter {
                    $0.contains("certificate.ending")
                }
                #expect(lines.count == 1)
                #expect(lines.first?.contains("warning certificate.ending file=") == true)
                #expect(lines.first?.contains("web.pem about=web.test ends=20") == true)
                #expect(lines.first?.contains("days_left=5 effect=") == true)
            }
        }

        @Test func `a response of the authority is sent along while it counts`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                func run(_ script: String) throws {
                    _ = try RunningProcess.run([
                        "sh", "-c", "set -e; cd \(folder.path(""));" + script,
                    ])
                }
                // An authority's index has a line for each certificate: valid, its end, its number.
                try run(
                    """
                    ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                    openssl req -x509 $ec -subj /CN=root -keyout root.key -out root.pem
                    openssl req $ec -subj /CN=web -keyout web.key -out web.csr
                    printf 'subjectAltName=DNS:web.test' >names
                    openssl x509 -req -in web.csr -CA root.pem -CAkey root.key -set_serial 16 \
                        -extfile names -out web.pem
                    printf 'V\t490101000000Z\t\t10\tunknown\t/CN=web\n' >index
                    openssl ocsp -index index -CA root.pem -rsigner root.pem -rkey root.key \
                        -issuer root.pem -serial 16 -ndays 3 -respout good
                    printf 'R\t490101000000Z\t200101000000Z\t10\tunknown\t/CN=web\n' >index
                    openssl ocsp -index index -CA root.pem -rsigner root.pem -rkey root.key \
                        -issuer root.pem -serial 16 -ndays 3 -respout revoked
                    cp good web.pem.ocsp
                    """)
                let fairlead = try fairlead(
                    stage, "[{cert: \(folder.path("web.pem")), key: \(folder.path("web.key"))}]")
                func said() throws -> String {
                    try openSSL(port: fairlead.port, "-status -servername web.test")
                }
                #expect(try said().contains("OCSP Response Status: successful (0x0)"))
                try run("cp revoked next && mv next web.pem.ocsp")
                try fairlead.process.waitForOutput(
                    containing: "the authority says that the certificate is revoked or unknown")
                // Workers hear of it after the log.
                try waitFor("no response") {
                    try said().contains("OCSP response: no response sent") ? () : nil
                }
                #expect(try fairlead.page("/stats").body.contains("is shown without it"))
                try run("cp good next && mv next web.pem.ocsp")
                try fairlead.process.waitForOutput(containing: "certificate.mended")
                try waitFor("the response") {
                    try said().contains("OCSP Response Status: successful (0x0)") ? () : nil
                }
            }
        }

        @Test func `files that are gone, cut short or closed to us leave the old one`() throws {
            try withStage { stage in
                let files = stage.hold(try CertificateFiles())
                try files.make("web", for: ["web.test"])
                // The superuser may read what is closed to everyone else.
                let isSuperuser = geteuid() == 0
                _ = try RunningProcess.run([
                    "chmod", "-R", "a+rX", String(files.path("").dropLast(".pem".count)),
                ])
                let fairlead = try fairlead(
                    stage, "[\(files.entry("web"))]", more: isSuperuser ? "user: nobody" : "")
                let first = try shown(fairlead)
                let path = files.path("web")
                for (change, cause) in [
                    ("chmod 0 \(path)", "Permission denied"),
                    ("chmod 644 \(path) && truncate -s 300 \(path)", "can't be read"),
                    ("mv \(path) \(path).away", "No such file or directory"),
                ] {
                    _ = try RunningProcess.run(["sh", "-c", change])
                    try waitFor("the trouble: \(cause)") {
                        try fairlead.page("/stats").body.contains(cause) ? true : nil
                    }
                    #expect(try shown(fairlead) == first, "\(change)")
                }
                try files.make("web", for: ["web.test"])
                _ = try RunningProcess.run(["chmod", "644", path])
                _ = try next(fairlead, after: first)
                #expect(try fairlead.metric("fairlead_certificate_files_refused") == 0)
            }
        }
    }
}

/// The environment of this process.
private enum ProcessInfo {
    static func environment(_ name: String) -> String? {
        // The variable's text lives as long as nothing sets it, which no test does.
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
