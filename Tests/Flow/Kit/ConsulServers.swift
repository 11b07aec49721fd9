// Real Consul: a server in each of two datacentres, joined by WAN, and a client agent on the edge.

internal import Glibc

/// Servers of two datacentres that know `web` in each. Killed when released.
final class ConsulServers: Sendable {
    /// The program that CONSUL_BIN names, or else the first `consul` of PATH; nil without one.
    static let program: String? = {
        if let named = unsafe getenv("CONSUL_BIN") {
            let path = unsafe String(cString: named)
            return unsafe access(path, X_OK) == 0 ? path : nil
        }
        guard let folders = unsafe getenv("PATH") else { return nil }
        return unsafe String(cString: folders).split(separator: ":").map { "\($0)/consul" }
            .first { unsafe access($0, X_OK) == 0 }
    }()

    private let folder: TemporaryFolder
    private let processes: [RunningProcess]

    /// Returns when the agent on the edge names `instances` of each datacentre. Call it inside the
    /// edge.
    init(_ centers: Datacenters, instances: [Int]) throws {
        guard let program = Self.program else { throw FlowError("there is no consul") }
        let folder = try TemporaryFolder()
        self.folder = folder
        func agent(_ name: String, _ datacenter: Int, _ bind: String, _ more: [String]) -> [String]
        {
            [
                program, "agent", "-node=\(name)", "-datacenter=dc\(datacenter)",
                "-data-dir=\(folder.path(name))", "-bind=\(bind)", "-client=127.0.0.1",
                "-log-level=warn",
            ] + more
        }
        var processes: [RunningProcess] = []
        for (index, count) in instances.enumerated() {
            let number = index + 1
            let services = (1...count).map { instance in
                let address = Datacenters.address(number, instance)
                let port = Datacenters.port
                return "{ id = \"web-\(instance)\", name = \"web\", address = \"\(address)\", "
                    + "port = \(port), check = { tcp = \"\(address):\(port)\", interval = \"1s\", "
                    + "timeout = \"1s\" } }"
            }
            let command = agent(
                "server-\(number)", number, "10.77.\(number).10",
                [
                    "-server", "-bootstrap-expect=1", "-retry-join-wan=10.77.\(3 - number).10",
                    "-retry-interval-wan=1s",
                    "-hcl=services = [ \(services.joined(separator: ", ")) ]",
                ])
            processes.append(try RunningProcess(centers.machine(number).command(command)))
        }
        processes.append(
            try RunningProcess(
                agent("edge", 1, "10.77.1.1", ["-retry-join=10.77.1.10", "-retry-interval=1s"])))
        self.processes = processes
        for (index, count) in instances.enumerated() {
            let path = "/v1/health/service/web?passing&dc=dc\(index + 1)"
            try waitFor("\(path) to name \(count)", limit: .seconds(60)) { () -> Void? in
                guard let answer = try? get(path, port: 8500), answer.status == 200 else {
                    return nil
                }
                return answer.body.matches(of: /"ID":"web-\d+"/).count == count ? () : nil
            }
        }
    }
}
