// pebble: Let's Encrypt's own test of ACME clients, which refuses nonces, takes its time and
// forgets what was proven. With it the name server that says of every name that it is here.

/// A certificate authority on 127.0.0.1.
final class Pebble {
    /// Where it is asked.
    let port: UInt16
    private let management: UInt16
    private let folder: TemporaryFolder
    private let names: RunningProcess
    private let process: RunningProcess

    /// Returns when it answers. It looks by http-01 at `http`, and by tls-alpn-01 at `tls`.
    /// - Parameters:
    ///   - validity: for how many seconds its certificates are good.
    ///   - sleep: how many seconds it takes at most before it looks.
    ///   - refusals: the share of nonces that it refuses, in percent.
    init(
        http: UInt16, tls: UInt16, validity: Int = 90 * 86400, sleep: Int = 1, refusals: Int = 50
    ) throws {
        folder = try TemporaryFolder()
        port = try FreePort.take()
        management = try FreePort.take()
        let dns = try FreePort.take()
        names = try RunningProcess([
            "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01",
            "127.0.0.1:\(dns)", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management",
            "127.0.0.1:\(try FreePort.take())",
        ])
        _ = try RunningProcess.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=pebble", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
            folder.path("key.pem"), "-out", folder.path("ca.pem"),
        ])
        let file = try folder.write(
            """
            {"pebble": {"listenAddress": "127.0.0.1:\(port)",
              "managementListenAddress": "127.0.0.1:\(management)",
              "certificate": "\(folder.path("ca.pem"))",
              "privateKey": "\(folder.path("key.pem"))", "httpPort": \(http), "tlsPort": \(tls),
              "certificateValidityPeriod": \(validity)}}
            """, to: "pebble.json")
        process = try RunningProcess(
            ["pebble", "-config", file, "-dnsserver", "127.0.0.1:\(dns)", "-strict"],
            environment: [
                "PEBBLE_WFE_NONCEREJECT": "\(refusals)", "PEBBLE_VA_SLEEPTIME": "\(sleep)",
                "PEBBLE_AUTHZREUSE": "0", "PEBBLE_VA_NOSLEEP": sleep == 0 ? "1" : "0",
            ])
        try process.waitForOutput(containing: "Listening on")
        try waitSlowly("pebble to answer") { try curl("-k", directory).said.contains("newOrder") }
    }

    /// Its directory.
    var directory: String { "https://127.0.0.1:\(port)/dir" }
    /// The file with the root of its own certificate.
    var authority: String { folder.path("ca.pem") }

    /// A file with the root of the certificates that it issues.
    func root() throws -> String {
        let answer = try curl("-k", "https://127.0.0.1:\(management)/roots/0")
        return try folder.write(answer.said, to: "root.pem")
    }

    /// How many certificates it has issued.
    var issued: Int {
        process.transcript.split(separator: "\n").count { $0.contains("Issued certificate serial") }
    }

    /// How often its directory was asked for.
    var directoryLooks: Int {
        process.transcript.split(separator: "\n").count { $0.contains("GET /dir") }
    }

    /// Ends it.
    func stop() throws {
        process.signal(15)
        try process.waitForExit()
    }
}

/// Asks `condition` a few times a second until it holds. An order takes seconds, and pebble, which
/// refuses half of what it is asked, makes it more of them.
func waitSlowly(_ what: @autoclosure () -> String, _ condition: () throws -> Bool) throws {
    try waitFor(what(), limit: .seconds(90)) { () -> Void? in
        if try condition() { return () }
        pause(milliseconds: 200)
        return nil
    }
}
