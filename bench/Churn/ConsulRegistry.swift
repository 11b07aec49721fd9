// ConsulRegistry: a Consul agent of its own, in development mode: services as operators register
// them, with an HTTP check every second, so that an instance is told of once it passes and no more
// when it fails or is gone.

internal import BenchSupport
internal import FoundationEssentials
internal import HTTP1

/// `consul agent -dev`, all of whose services are one. Main thread only.
final class ConsulRegistry: Registry {
    static let httpPort: UInt16 = 18_500

    let dnsPort: UInt16 = 18_600
    private let program: String
    private let folder: String
    private let caller: Caller
    private var process: ChildProcess?

    /// - Parameter program: the path of `consul`.
    init(program: String, folder: String, caller: Caller) {
        self.program = program
        self.folder = folder
        self.caller = caller
    }

    func start() throws {
        // By default Consul answers over UDP with three instances and does not say that there are
        // more.
        try write(
            """
            {"dns_config": {"enable_truncate": true}, "disable_update_check": true}
            """, to: "\(folder)/consul.json")
        process = try ChildProcess(
            [
                program, "agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1",
                "-http-port", "\(Self.httpPort)", "-dns-port", "\(dnsPort)", "-grpc-port", "-1",
                "-server-port", "18510", "-serf-lan-port", "18511", "-serf-wan-port", "-1",
                "-config-file", "\(folder)/consul.json",
            ], outputPath: "\(folder)/consul.log")
        try waitUntil("Consul to have a leader", seconds: 20) { [caller] in
            let answer = caller.call(.get, "/v1/status/leader", on: Self.httpPort)
            return answer?.status == 200 && answer.map { $0.body.count > 4 } ?? false
        }
    }

    func stop() {
        process?.stop(limitMilliseconds: 5_000)
        process = nil
    }

    func register(_ instances: [Instance]) throws -> UInt64 {
        for instance in instances {
            let service = Service(instance)
            let body = Array(try JSONEncoder().encode(service))
            try put("/v1/agent/service/register", body)
        }
        let wanted = Set(instances.map { "web-\($0.number)" })
        var before = monotonic()
        try waitUntil("Consul to tell of \(wanted.sorted())", seconds: 15) {
            let now = monotonic()
            if wanted.isSubset(of: try passing()) { return true }
            before = now
            return false
        }
        return before
    }

    func deregister(_ instance: Instance) throws {
        try put("/v1/agent/service/deregister/web-\(instance.number)", [])
    }

    func replace(_ leavers: [Instance], by newcomers: [Instance]) throws -> UInt64 {
        let told = try register(newcomers)
        for leaver in leavers { try deregister(leaver) }
        return told
    }

    private func put(_ path: String, _ body: [UInt8]) throws {
        let answer = caller.call(.put, path, on: Self.httpPort, body: body)
        guard answer?.status == 200 else {
            throw BenchError("Consul does not take \(path): \(answer?.status ?? 0)")
        }
    }

    /// The ids of the instances that Consul tells of.
    private func passing() throws -> Set<String> {
        struct Entry: Decodable {
            struct Service: Decodable { var ID: String }
            var Service: Service
        }
        let path = "/v1/health/service/web?passing"
        guard let answer = caller.call(.get, path, on: Self.httpPort), answer.status == 200 else {
            return []
        }
        let entries = try JSONDecoder().decode([Entry].self, from: Data(answer.body))
        return Set(entries.map(\.Service.ID))
    }

    /// A service as the agent's API has it; the tags are Traefik's configuration.
    private struct Service: Encodable {
        struct HTTPCheck: Encodable {
            var HTTP: String
            var Interval = "1s"
            var Timeout = "500ms"
        }

        var ID: String
        var Name = "web"
        var Address: String
        var Port: UInt16
        var Tags = Peer.traefikTags
        var Check: HTTPCheck

        init(_ instance: Instance) {
            ID = "web-\(instance.number)"
            Address = instance.address
            Port = instance.port
            Check = HTTPCheck(HTTP: "http://\(instance.place)\(InstanceServer.checkPath)")
        }
    }
}
