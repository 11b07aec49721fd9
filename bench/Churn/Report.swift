// Report: what came of it all, as a table and as JSON.

internal import BenchSupport
internal import FoundationEssentials

/// The outcome of one comparison, as it is written in JSON.
struct Report: Codable, Sendable {
    /// One scenario's part.
    struct Section: Codable, Sendable {
        var name: String
        var title: String
        var bar: Bar
        var outcomes: [Outcome]
    }

    var surroundings: Surroundings
    var discovery: Discovery
    var effort: Effort
    /// By peer.
    var versions: [String: String]
    var sections: [Section] = []

    init(_ peers: [Peer], _ discovery: Discovery, _ effort: Effort) {
        surroundings = Surroundings(folders: ["Sources", "bench/Churn", "bench/Support"])
        self.discovery = discovery
        self.effort = effort
        versions = [:]
        for peer in peers { versions[peer.name] = version(of: peer.version) }
    }

    /// Whether Fairlead reached every bar.
    var isReached: Bool {
        sections.allSatisfy { $0.outcomes.allSatisfy(\.misses.isEmpty) }
    }

    /// The table.
    var markdown: String {
        let peers = sections.first?.outcomes.map(\.peer) ?? []
        let schedule = effort.schedule
        var lines = [
            "# Fairlead and its peers under churn", "",
            "\(surroundings.date), commit \(surroundings.commit), \(surroundings.machine), "
                + "\(surroundings.kernel); instances found by \(discovery.rawValue).",
            "",
            "Fairlead as it comes, the others as their experts set them up. "
                + "Failed requests; the worst of \(effort.rounds) rounds. Each proxy has its own "
                + "load of "
                + "\(schedule.gets) GETs and \(schedule.posts) POSTs of 10 KiB a second, without "
                + "retries; clients give up after 5 s. Three instances that answer after "
                + "\(effort.delayMilliseconds) ms; \(effort.together) proxies at a time. `slow`: "
                + "more than 1 s from when the request was due. `moved`: seconds until traffic had "
                + "moved. `uneven`: the largest share of an instance, where shares should be "
                + "equal, "
                + "as a multiple of an equal one. `streams at once`: the largest part of an "
                + "instance's streams that ended within 0.1 s. Where a row names other instances "
                + "or another load, it has those.",
            "",
        ]
        for peer in versions.keys.sorted() { lines.append("- \(peer): \(versions[peer] ?? "")") }
        lines += [
            "", row(["what happens", "bar"] + peers),
            "|---|---|" + String(repeating: "---|", count: peers.count),
        ]
        for section in sections {
            let cells = section.outcomes.map { outcome in
                let isOwn = outcome.peer.hasPrefix("fairlead")
                let verdict = isOwn ? (outcome.misses.isEmpty ? "**met**: " : "**missed**: ") : ""
                return verdict + outcome.cell
            }
            lines.append(row([section.title, section.bar.text] + cells))
        }
        lines += notes
        return lines.joined(separator: "\n") + "\n"
    }

    /// What does not fit a cell.
    private var notes: [String] {
        var lines: [String] = []
        for section in sections {
            for outcome in section.outcomes {
                for miss in outcome.misses {
                    lines.append("- \(section.name): \(outcome.peer) missed the bar: \(miss)")
                }
                for doubt in outcome.doubts {
                    lines.append("- \(section.name): \(outcome.peer) in doubt: \(doubt)")
                }
                let refusal = outcome.misses.isEmpty ? outcome.refusal : nil
                if let refusal {
                    lines.append("- \(section.name): no figure for \(outcome.peer): \(refusal)")
                }
            }
        }
        let lateness = sections.flatMap { $0.outcomes.flatMap(\.tallies) }.map(\.latenessSeconds)
        let latest = decimals((lateness.max() ?? 0) * 1000, 0)
        lines.append("- The load was \(latest) ms late at most.")
        return [""] + lines
    }

    /// Writes table and JSON into `folder`; returns the paths.
    func write(to folder: String) throws -> [String] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let day = surroundings.date.prefix { $0 != "T" }
        let commit = surroundings.commit.filter { $0 != "+" }
        let path = "\(folder)/\(day)-churn-\(discovery.rawValue)-\(commit)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let files = [
            (path + ".md", Data(markdown.utf8)), (path + ".json", try encoder.encode(self)),
        ]
        for (path, data) in files { try data.write(to: URL(filePath: path)) }
        return files.map(\.0)
    }

    private func row(_ cells: [String]) -> String {
        "| " + cells.joined(separator: " | ") + " |"
    }
}

extension Outcome {
    /// The worst round: that with most failures, then with most slow answers, then the slowest to
    /// move.
    var worst: Tally? {
        tallies.max { left, right in
            (left.failedCount, left.slow, left.movedSeconds ?? .infinity)
                < (right.failedCount, right.slow, right.movedSeconds ?? .infinity)
        }
    }

    /// The outcome as in the table.
    var cell: String {
        guard let worst else { return "none" }
        guard tallies.count > 1, worst.failedCount > 0 else { return worst.cell }
        let middle = BenchSupport.median(tallies.map { Double($0.failedCount) })
        return worst.cell + "; median \(decimals(middle, 0))"
    }
}

extension Tally {
    /// The tally as in the table: `3 GET, 1 POST (3 500, 1 closed); 4 slow; moved 0.21 s`.
    var cell: String {
        var parts: [String] = []
        if failedCount == 0 {
            parts.append("0")
        } else {
            let counts = [(failedGetCount, "GET"), (failedPostCount, "POST")]
                .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            let causes = failedGets.merging(failedPosts, uniquingKeysWith: +)
                .sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
                    "\($0.key) × \($0.value)"
                }
            parts.append("\(counts.joined(separator: ", ")) (\(causes.joined(separator: ", ")))")
        }
        if slow > 0 { parts.append("\(slow) slow") }
        if postsTwice > 0 { parts.append("\(postsTwice) POST twice") }
        if let shareMax { parts.append("share \(decimals(shareMax * 100, 0)) %") }
        if let unevenMax { parts.append("uneven \(decimals(unevenMax, 2))") }
        if let streamsTogether {
            parts.append("streams at once \(decimals(streamsTogether * 100, 0)) %")
        }
        if streamsRefused > 0 { parts.append("\(streamsRefused) streams refused") }
        if let movedSeconds { parts.append("moved \(decimals(movedSeconds, 2)) s") }
        return parts.joined(separator: "; ")
    }
}
