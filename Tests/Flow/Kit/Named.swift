// BIND: the name server that most people run, with a zone that a test changes as it goes.

internal import Glibc

/// An SRV record of the service under test; every target is 127.0.0.1.
struct SRVRecord: Equatable {
    /// The name that is asked for.
    static let service = "_web._tcp.flow.example"

    var priority: UInt16 = 1
    var weight: UInt16 = 1
    var port: UInt16
    /// The first label of the target's name.
    var host: String

    /// The instance that an nginx is.
    init(_ web: Nginx, priority: UInt16 = 1, weight: UInt16 = 1) {
        self.priority = priority
        self.weight = weight
        port = web.port
        host = web.name
    }

    /// The instance on `port` of a host with this first label.
    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// One record for each port of an nginx.
    static func all(of web: Nginx) -> [SRVRecord] {
        web.ports.map { port in
            var record = SRVRecord(web)
            record.port = port
            return record
        }
    }

    fileprivate var data: String { "\(priority) \(weight) \(port) \(host).flow.example." }
}

/// `named` on 127.0.0.1, authoritative for `flow.example`, which `nsupdate` may change.
final class Named: Sendable {
    let port: UInt16
    private let timeToLive: Int
    private let folder: TemporaryFolder
    private let process: RunningProcess

    /// Returns when the server answers.
    /// - Parameters:
    ///   - port: nil for a free one.
    ///   - timeToLive: seconds, of every record.
    ///   - minimal: answers hold what was asked for and no more: no addresses of targets.
    init(
        _ records: [SRVRecord], port: UInt16? = nil, timeToLive: Int = 1, minimal: Bool = false
    ) throws {
        self.port = try port ?? FreePort.take()
        self.timeToLive = timeToLive
        folder = try TemporaryFolder()
        let zone = try folder.write(
            zoneText(records, timeToLive), to: "flow.example.zone")
        let configuration = try folder.write(
            """
            options {
                directory "\(folder.path(""))";
                pid-file none;
                session-keyfile none;
                listen-on { 127.0.0.1; };
                listen-on-v6 { none; };
                recursion no;
                notify no;
                empty-zones-enable no;
                // Records go out in the order they came in: what a test sees is the proxy's doing.
                rrset-order { order fixed; };
                minimal-responses \(minimal ? "yes" : "no");
            };
            controls { };
            zone "flow.example" {
                type primary;
                file "\(zone)";
                allow-update { 127.0.0.1; };
            };
            """, to: "named.conf")
        // Debian confines /usr/sbin/named, by its path, to folders of its own; a copy may read
        // ours.
        let program = folder.path("named")
        _ = try RunningProcess.run(["cp", "/usr/sbin/named", program])
        process = try RunningProcess([
            program, "-g", "-n", "1", "-c", configuration, "-p", "\(self.port)",
        ])
        // The whole of its last line at a start: before it listens it says on what, and as what, it
        // is running.
        try process.waitForOutput(containing: " running\n")
    }

    /// Adds instances.
    func add(_ records: SRVRecord...) throws {
        try update(
            records.flatMap { record in
                [
                    "update add \(record.host).flow.example. \(timeToLive) A 127.0.0.1",
                    "update add \(SRVRecord.service). \(timeToLive) SRV \(record.data)",
                ]
            })
    }

    /// Removes one instance.
    func delete(_ record: SRVRecord) throws {
        try update(["update delete \(SRVRecord.service). SRV \(record.data)"])
    }

    /// Removes every instance: the service's name ceases to exist, and the answer is NXDOMAIN.
    func deleteAll() throws {
        try update(["update delete \(SRVRecord.service). SRV"])
    }

    private func update(_ lines: [String]) throws {
        let script = ["server 127.0.0.1 \(port)", "zone flow.example"] + lines + ["send", ""]
        let file = try folder.write(script.joined(separator: "\n"), to: "update")
        _ = try RunningProcess.run(["nsupdate", file])
    }

    /// Stops answering, without closing its sockets: every question times out.
    func freeze() throws {
        try process.freeze()
    }

    /// Goes on after `freeze`.
    func thaw() {
        process.thaw()
    }

    /// Ends the server: every question is refused by the kernel.
    func terminate() throws {
        process.signal(SIGTERM)
        try process.waitForExit()
    }
}

/// The zone `flow.example` with these records, as a master file.
func zoneText(_ records: [SRVRecord], _ timeToLive: Int) -> String {
    var lines = [
        "$TTL \(timeToLive)",
        "@ SOA ns.flow.example. nobody.flow.example. 1 60 60 3600 \(timeToLive)",
        "@ NS ns.flow.example.",
        "ns A 127.0.0.1",
    ]
    for record in records {
        lines.append("\(record.host) A 127.0.0.1")
        lines.append("\(SRVRecord.service). SRV \(record.data)")
    }
    return lines.joined(separator: "\n") + "\n"
}
