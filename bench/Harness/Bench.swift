// The harness: `swift run -c release fairlead-bench`. Every proxy in turn, round after round, in one
// run, because only figures of the same minute on the same machine can be compared.

internal import ArgumentParser

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairlead-bench",
        abstract: "Measures the processor time of a request through Fairlead and its peers.")

    @Option(help: "Rounds; the figures are medians over them.")
    var rounds = 5
    @Option(help: "Seconds of load on each proxy in each round.")
    var seconds = 3
    @Option(help: "Keep-alive connections of the load.")
    var connections = 64
    @Option(help: "Comma-separated names, to measure only these.")
    var only = "floor,fairlead,haproxy,nginx"
    @Option(help: "Folder for the results.")
    var results = "bench/results"

    func validate() throws {
        guard rounds > 0, seconds > 0, connections > 0 else {
            throw ValidationError("rounds, seconds and connections must be 1 or more")
        }
    }

    func run() async throws {
        let load = Load(seconds: seconds, connections: connections)
        let names = only.split(separator: ",").map(String.init)
        let report = try await compare(names, rounds: rounds, load: load)
        print(report.markdown)
        print("written to \(try report.write(to: results))")
    }
}

/// A reason why there is no figure, for the user.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
