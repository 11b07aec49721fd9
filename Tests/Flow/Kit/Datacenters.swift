// Two datacentres and an edge: three networks of a test's own, each datacentre on a link that can
// be cut. What is sent over a cut link is lost without a word, as with a cable.

internal import Glibc

/// Networks of the edge and of datacentres 1 and 2. Needs root. Any thread.
final class Datacenters: Sendable {
    /// Where Fairlead, its clients and what answers for Consul are: `inside` it.
    let edge: OwnMachine
    private let machines: [OwnMachine]

    /// The port of every instance.
    static let port: UInt16 = 8080

    /// Returns when both are reached from the edge.
    init() throws {
        edge = try OwnMachine()
        machines = [try OwnMachine(), try OwnMachine()]
        for (index, machine) in machines.enumerated() {
            let number = index + 1
            // By their numbers out here, which only a shell out here knows.
            try Self.run(
                in: edge, "ip link add dc\(number) type veth peer name edge netns \(machine.first)",
                "ip address add 10.77.\(number).1/24 dev dc\(number)", "ip link set dc\(number) up")
            try Self.run(
                in: machine, "ip link set edge up",
                "ip route add default via 10.77.\(number).1 2>/dev/null || true")
            // The two see each other by the edge, as over a WAN.
            try Self.run(
                in: machine, "ip address add 10.77.\(number).10/24 dev edge",
                "ip route replace default via 10.77.\(number).1")
        }
        try Self.run(in: edge, "echo 1 >/proc/sys/net/ipv4/ip_forward")
    }

    /// The machine of a datacentre, 1 or 2.
    func machine(_ number: Int) -> OwnMachine { machines[number - 1] }

    /// The address of an instance of a datacentre, counted from 1.
    static func address(_ number: Int, _ instance: Int) -> String {
        "10.77.\(number).\(10 + instance)"
    }

    /// Starts so many instances in a datacentre, which answer with its name: `dc1`.
    func startInstances(_ count: Int, in number: Int, on stage: Stage) throws {
        for instance in 1...count {
            let address = Self.address(number, instance)
            try Self.run(in: machine(number), "ip address add \(address)/24 dev edge")
            let process = stage.hold(
                try RunningProcess(
                    machine(number).command([
                        Fairlead.program(), "backend", "--listen", "\(address):\(Self.port)",
                        "--name", "dc\(number)",
                    ])))
            try process.waitForOutput(containing: "backend.started")
        }
    }

    /// Cuts the link of a datacentre.
    func cut(_ number: Int) throws {
        try Self.run(in: machine(number), "ip link set edge down")
    }

    /// Makes it whole again.
    func mend(_ number: Int) throws {
        // The route goes with the link.
        try Self.run(
            in: machine(number), "ip link set edge up",
            "ip route replace default via 10.77.\(number).1")
    }

    private static func run(in machine: OwnMachine, _ lines: String...) throws {
        _ = try RunningProcess.run(
            ["nsenter", "--target", "\(machine.first)", "--net", "--", "sh", "-ec"]
                + [lines.joined(separator: "\n")])
    }
}
