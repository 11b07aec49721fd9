// What was measured, on what, as a table for readers and as JSON for those who compare runs.

internal import FoundationEssentials
internal import Glibc
internal import Subprocess

/// The outcome of one run.
struct Report: Codable {
    struct Row: Codable {
        var name: String
        var version: String
        /// Median over the rounds, as are the next.
        var microsecondsPerRequest: Double
        var requestsPerSecond: Double
        /// Nil when the other was not in the run.
        var ratioToFloor: Double?
        var ratioToHAProxy: Double?
        var samples: [Sample]
    }

    var date: String
    var commit: String
    var machine: String
    var kernel: String
    var load: Load
    var rows: [Row]

    init(_ contestants: [Contestant], _ samples: [String: [Sample]], _ load: Load) async throws {
        date = Date.now.formatted(.iso8601)
        // `+` when the tree has changes that are not committed: the figure is then of no commit.
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
        self.load = load
        rows = []
        func cost(_ name: String) -> Double? {
            samples[name].map { median($0.map(\.microsecondsPerRequest)) }
        }
        for contestant in contestants {
            guard let own = samples[contestant.name], let micros = cost(contestant.name) else {
                continue
            }
            let said = await output(of: contestant.version).split(separator: "\n").first ?? ""
            rows.append(
                Row(
                    name: contestant.name, version: String(said), microsecondsPerRequest: micros,
                    requestsPerSecond: median(own.map(\.requestsPerSecond)),
                    ratioToFloor: cost("floor").map { micros / $0 },
                    ratioToHAProxy: cost("haproxy").map { micros / $0 }, samples: own))
        }
    }

    /// A table of the medians.
    var markdown: String {
        var lines = [
            "# Processor time per request", "",
            "\(date), commit \(commit), \(machine), \(kernel).",
            "Medians of \(rows.first?.samples.count ?? 0) interleaved rounds of \(load.seconds) s; "
                + "\(load.connections) keep-alive connections, 65-byte answers, one worker on one "
                + "processor, load and origin on another.", "",
            "| proxy | µs per request | least to most | to the floor | to HAProxy | requests/s | version |",
            "|---|---:|---:|---:|---:|---:|---|",
        ]
        for row in rows {
            let all = row.samples.map(\.microsecondsPerRequest)
            let range = "\(decimals(all.min() ?? 0, 1)) to \(decimals(all.max() ?? 0, 1))"
            let ratios = [row.ratioToFloor, row.ratioToHAProxy].map {
                $0.map { decimals($0, 2) } ?? ""
            }
            lines.append(
                "| \(row.name) | \(decimals(row.microsecondsPerRequest, 1)) | \(range) | \(ratios[0]) "
                    + "| \(ratios[1]) | \(Int(row.requestsPerSecond)) | \(row.version) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Writes both forms into `folder` and returns the path of the table.
    func write(to folder: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let stamp = date.filter { $0.isNumber || $0 == "T" }
        let path = "\(folder)/cpu-per-request-\(stamp)"
        try Data(markdown.utf8).write(to: URL(filePath: path + ".md"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: URL(filePath: path + ".json"))
        return path + ".md"
    }
}

private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

private func decimals(_ value: Double, _ count: Int) -> String {
    let scale = count == 1 ? 10 : 100
    let rounded = Int((value * Double(scale)).rounded())
    let fraction = String(rounded % scale)
    return "\(rounded / scale)." + String(repeating: "0", count: count - fraction.count) + fraction
}

/// The first output of a program without the line end, or empty when it does not run: a report says
/// nothing where nothing is known.
private func output(of command: [String]) async -> String {
    guard let program = command.first else { return "" }
    let result = try? await run(
        .name(program), arguments: Arguments(Array(command.dropFirst())),
        output: .string(limit: 65_536), error: .string(limit: 65_536))
    let text = (result?.standardOutput ?? "") + (result?.standardError ?? "")
    return text.last == "\n" ? String(text.dropLast()) : text
}
