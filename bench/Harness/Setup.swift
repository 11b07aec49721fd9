// Setup: what a proxy is asked to be in one scenario; every peer has its own words for it.

internal import BenchSupport

/// What a proxy has to do, and where.
struct Setup: Sendable {
    /// What it speaks.
    enum Mode: Sendable { case http, tcp }

    /// Files in PEM.
    struct Certificate: Sendable {
        let chain: String
        let key: String
        /// Key and chain in one, as HAProxy reads them.
        let both: String
        /// A folder with those for `names`, key and chain in one; nil without names.
        var folder: String?
    }

    var mode = Mode.http
    /// Of the origin, on every address of 127.0.0.0/8.
    var origin: UInt16
    /// Where the proxy listens; the next one up is free as well.
    var port: UInt16
    /// Endpoints of the one service, all of which lead to the origin.
    var backends = 1
    /// Services, each with one endpoint and found by its host name (`host(_:)`).
    var services = 1
    /// Whether it writes a line for each request to the file `logPath`.
    var hasAccessLog = false
    /// What its clients are shown, who all speak TLS 1.3 with AES-128-GCM and X25519, so that each
    /// proxy computes the same; nil where TLS is not spoken.
    var certificate: Certificate?
    /// Whether clients speak HTTP/2.
    var speaksHTTP2 = false
    /// Whether the proxy speaks HTTP/2 to the origin, and not HTTP/1.1. Such an origin says nothing
    /// of the heads that it gets.
    var originSpeaksHTTP2 = false
    /// Host names that clients ask for, in turn, and without which they are refused; none: they ask
    /// for none.
    var names = 0
    /// Of clients, at once.
    var connections = 1_000
    /// A folder for its files.
    var folder: String

    /// Where the access log goes.
    var logPath: String { "\(folder)/access.log" }

    /// Address of the `index`-th endpoint: 127.0.1.1 and so on, 250 in each network.
    static func address(_ index: Int) -> String { "127.0.\(index / 250 + 1).\(index % 250 + 1)" }

    /// The endpoints of the one service.
    var endpoints: [String] { (0..<backends).map { "\(Self.address($0)):\(origin)" } }

    /// The host whose requests go to the `index`-th service.
    static func host(_ index: Int) -> String { "s\(index).bench" }

    /// Makes a certificate of its own for a key on P-256, and has clients speak TLS.
    mutating func speakTLS() throws {
        let made = Certificate(
            chain: "\(folder)/bench.pem", key: "\(folder)/bench.key",
            both: "\(folder)/bench-both.pem")
        let (output, exit) = try BenchSupport.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=bench", "-addext", "subjectAltName=DNS:bench",
            "-keyout", made.key, "-out", made.chain,
        ])
        guard exit == .status(0) else { throw BenchError("openssl made no certificate: \(output)") }
        _ = try write(text(made.key) + text(made.chain), as: "bench-both.pem", of: self)
        certificate = made
    }

    /// Names of a certificate: as many as Let's Encrypt allows.
    private static let namesPerCertificate = 100

    /// The name that the `index`-th connection asks for; they are far from each other. Nil without
    /// names.
    func name(_ index: Int) -> String? { names == 0 ? nil : "h\(index &* 7919 % names).bench" }

    /// Has clients ask for so many names, all of which there are certificates for.
    mutating func speakTLS(names: Int) throws {
        try speakTLS()
        self.names = names
        let folder = "\(folder)/names-\(names)"
        let (output, exit) = try BenchSupport.run([
            "sh", "-c",
            """
            set -e
            # Another round has made them.
            [ ! -d '\(folder)' ] || exit 0
            mkdir '\(folder)'
            openssl ecparam -genkey -name prime256v1 -noout -out '\(folder)/.key'
            first=0
            while [ $first -lt \(names) ]; do
                last=$((first + \(Self.namesPerCertificate - 1)))
                [ $last -lt \(names) ] || last=$((\(names) - 1))
                hosts=$(seq -s , -f 'DNS:h%.0f.bench' $first $last)
                openssl req -x509 -key '\(folder)/.key' -days 2 -subj "/CN=h$first" \\
                    -addext "subjectAltName=$hosts" -out '\(folder)/.chain'
                cat '\(folder)/.key' '\(folder)/.chain' >'\(folder)'/$first.pem
                first=$((last + 1))
            done
            """,
        ])
        guard exit == .status(0) else { throw BenchError("openssl made no names: \(output)") }
        certificate?.folder = folder
    }
}
