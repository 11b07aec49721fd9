// NamedRegistry: BIND, the nameserver that most people run. It checks nothing: what is registered
// stays until it is deregistered.

internal import BenchSupport
internal import FoundationEssentials
internal import Glibc

/// `named`, authoritative for one zone. Main thread only.
final class NamedRegistry: Registry {
    static let zone = "churn.test"

    let dnsPort: UInt16 = 18_053
    private let folder: String
    private var process: ChildProcess?

    init(folder: String) {
        self.folder = folder
    }

    func start() throws {
        let zone = Self.zone
        // TTL 0 also for the answer that a name does not exist (the last number of SOA).
        try write(
            """
            $TTL 0
            @ SOA ns.\(zone). nobody.\(zone). 1 60 60 3600 0
            @ NS ns.\(zone).
            ns A 127.0.0.1

            """, to: "\(folder)/zone")
        // A journal of changes would bring the instances of before back.
        unsafe _ = unlink("\(folder)/zone.jnl")
        try write(
            """
            options {
                directory "\(folder)";
                pid-file none;
                session-keyfile none;
                listen-on { 127.0.0.1; };
                listen-on-v6 { none; };
                recursion no;
                notify no;
                empty-zones-enable no;
                max-udp-size 8192;
                minimal-responses no;
            };
            controls { };
            zone "\(zone)" {
                type primary;
                file "\(folder)/zone";
                allow-update { 127.0.0.1; };
            };

            """, to: "\(folder)/named.conf")
        // Debian confines /usr/sbin/named, by its path, to folders of its own; a copy may read
        // ours.
        let program = "\(folder)/named"
        if !FileManager.default.fileExists(atPath: program) {
            try FileManager.default.copyItem(atPath: "/usr/sbin/named", toPath: program)
        }
        let process = try ChildProcess(
            [program, "-g", "-n", "1", "-c", "\(folder)/named.conf", "-p", "\(dnsPort)"],
            outputPath: "\(folder)/named.log")
        self.process = process
        try waitUntil("named to run", seconds: 10) { process.output.contains("running") }
    }

    func stop() {
        process?.stop()
        process = nil
    }

    func register(_ instances: [Instance]) throws -> UInt64 {
        try replace([], by: instances)
    }

    func deregister(_ instance: Instance) throws {
        _ = try replace([instance], by: [])
    }

    func replace(_ leavers: [Instance], by newcomers: [Instance]) throws -> UInt64 {
        let before = monotonic()
        let deletions = leavers.flatMap { instance in
            [
                "update delete \(Discovery.named.service). SRV \(data(instance))",
                "update delete \(Discovery.named.host). A \(instance.address)",
            ]
        }
        let additions = newcomers.flatMap { instance in
            [
                "update add \(target(instance)) 0 A \(instance.address)",
                "update add \(Discovery.named.service). 0 SRV \(data(instance))",
                "update add \(Discovery.named.host). 0 A \(instance.address)",
            ]
        }
        try update(deletions + additions)
        return before
    }

    private func target(_ instance: Instance) -> String { "i\(instance.number).\(Self.zone)." }

    private func data(_ instance: Instance) -> String {
        "1 1 \(instance.port) \(target(instance))"
    }

    private func update(_ lines: [String]) throws {
        let script = ["server 127.0.0.1 \(dnsPort)", "zone \(Self.zone)"] + lines + ["send", ""]
        try write(script.joined(separator: "\n"), to: "\(folder)/update")
        let (output, exit) = try run(["nsupdate", "\(folder)/update"])
        guard exit == .status(0) else { throw BenchError("nsupdate: \(output)") }
    }
}

/// Writes a file of the run.
func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}

/// Blocks until `isTrue`.
///
/// - Throws: `BenchError` when it is not within `seconds`.
func waitUntil(_ what: String, seconds: Int, _ isTrue: () throws -> Bool) throws {
    let limit = monotonic() + UInt64(seconds) * 1_000_000_000
    while try !isTrue() {
        guard monotonic() < limit else { throw BenchError("waited \(seconds) s for \(what)") }
        usleep(10_000)
    }
}
