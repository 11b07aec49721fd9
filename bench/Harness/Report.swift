// Report: what was measured, on what, and how the proxies compare.

internal import FoundationEssentials
internal import Glibc
internal import Subprocess

/// The outcome of one run, as it is written in JSON.
struct Report: Codable, Sendable {
    /// One scenario's part.
    struct Section: Codable, Sendable {
        var name: String
        var title: String
        var unit: String
        var outcomes: [Outcome]
    }

    /// When the run began (ISO 8601).
    var date: String
    /// `+` behind it when the tree had changes that were not committed: of no commit, then.
    var commit: String
    var machine: String
    var kernel: String
    /// Of TCP, in the bench's own network.
    var congestionControl: String
    /// By peer.
    var versions: [String: String]
    var effort: Effort
    var sections: [Section] = []

    init(_ peers: [Peer], _ effort: Effort) async {
        date = Date.now.formatted(.iso8601)
        let changes = await output(of: [
            "git", "status", "--porcelain", "--", "Sources", "bench/Harness", "bench/Servers",
        ])
        commit =
            await output(of: ["git", "rev-parse", "--short", "HEAD"]) + (changes.isEmpty ? "" : "+")
        kernel = await output(of: ["uname", "-sr"])
        let model = text("/proc/cpuinfo").split(separator: "\n").first {
            $0.hasPrefix("model name")
        }
        machine = (model?.split(separator: ":").last).map { String($0.dropFirst()) } ?? "unknown"
        machine += ", \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors"
        let control = text("/proc/sys/net/ipv4/tcp_congestion_control")
        congestionControl = String(control.prefix { $0 != "\n" })
        versions = [:]
        for peer in peers {
            let lines = await output(of: peer.version).split(separator: "\n")
            // Traefik has its version in a table.
            let line = lines.first { $0.contains { $0.isNumber } } ?? ""
            versions[peer.name] = line.split(separator: " ").joined(separator: " ")
        }
        self.effort = effort
    }
}

extension Report.Section {
    /// The median figure of `peer`; nil when it has none.
    func median(of peer: String) -> Double? {
        values(of: peer).map(fairlead_bench.median)
    }

    /// The median over the rounds of what `peer` needs over what `other` needs.
    func ratio(of peer: String, to other: String) -> Double? {
        guard let own = values(of: peer), let others = values(of: other) else { return nil }
        return fairlead_bench.median(zip(own, others).map { $0 / $1 })
    }

    /// The median of a detail.
    func median(of peer: String, _ detail: String) -> Double? {
        let samples = outcomes.first { $0.peer == peer }?.samples ?? []
        let values = samples.compactMap { $0.details[detail] }
        return values.isEmpty ? nil : fairlead_bench.median(values)
    }

    /// One figure a round, in order.
    func values(of peer: String) -> [Double]? {
        guard let samples = outcomes.first(where: { $0.peer == peer })?.samples, !samples.isEmpty
        else { return nil }
        return samples.map(\.value)
    }
}

/// The middle of `values`, which are not empty.
func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// `value` with so many decimals.
func decimals(_ value: Double, _ count: Int) -> String {
    let scale = (0..<count).reduce(1) { power, _ in power * 10 }
    let rounded = Int((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && rounded > 0 ? "-" : ""
    guard count > 0 else { return "\(sign)\(rounded)" }
    let fraction = String(rounded % scale)
    let zeros = String(repeating: "0", count: count - fraction.count)
    return "\(sign)\(rounded / scale).\(zeros)\(fraction)"
}

/// The output of a program without the line end, or empty when it does not run: a report says
/// nothing where nothing is known.
func output(of command: [String]) async -> String {
    guard !command.isEmpty else { return "" }
    let result = try? await run(
        // A name is looked up, a path is not taken: env(1) takes both.
        .name("env"), arguments: Arguments(command),
        output: .string(limit: 65_536), error: .string(limit: 65_536))
    let text = (result?.standardOutput ?? "") + (result?.standardError ?? "")
    return text.last == "\n" ? String(text.dropLast()) : text
}
