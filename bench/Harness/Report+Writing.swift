// The report as tables for readers, and the files it is written to.

internal import BenchSupport
internal import FoundationEssentials

extension Report {
    /// Tables of medians and ratios.
    var markdown: String {
        var lines = [
            "# Fairlead beside its peers", "",
            "\(surroundings.date), commit \(surroundings.commit), \(surroundings.machine), "
                + "\(surroundings.kernel), \(congestionControl).",
            "",
            "Medians of \(effort.rounds) interleaved rounds of \(effort.seconds) s. One worker on "
                + "a "
                + "processor of its own, load and origin on another, in a network of their own. "
                + "Less "
                + "is better. Ratios are medians of each round's ratio. Compare within a table: "
                + "the "
                + "machine's pace changes from minute to minute.",
            "",
        ]
        for peer in versions.keys.sorted() where versions[peer] != "" {
            lines.append("- \(peer): \(versions[peer] ?? "")")
        }
        for section in sections { lines += ["", section.table] }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Writes tables, JSON and the chart into `folder`; returns the paths.
    func write(to folder: String) throws -> [String] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let day = surroundings.date.prefix { $0 != "T" }
        let path = "\(folder)/\(day)-\(surroundings.commit.filter { $0 != "+" })"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let files = [
            (path + ".md", Data(markdown.utf8)), (path + ".json", try encoder.encode(self)),
            (path + ".svg", Data(chart.utf8)),
        ]
        for (path, data) in files { try data.write(to: URL(filePath: path)) }
        return files.map(\.0)
    }
}

extension Report.Section {
    /// The proxies that the others are compared with, if they took part.
    private static let references = ["floor", "haproxy", "haproxy-splice", "nginx"]

    /// The scenario as a table.
    var table: String {
        let references = Self.references.filter { values(of: $0) != nil }
        let details = Set(outcomes.flatMap { $0.samples.flatMap(\.details.keys) }).sorted()
        let columns = ["proxy", unit, "least to most"] + references.map { "to \($0)" } + details
        var lines = [
            "## \(title)", "", row(columns),
            "|---|" + String(repeating: "---:|", count: columns.count - 1),
        ]
        for outcome in outcomes {
            guard let values = values(of: outcome.peer), let least = values.min(),
                let most = values.max()
            else { continue }
            let name = outcome.peer == "fairlead" ? "**fairlead**" : outcome.peer
            var cells = [
                name, number(BenchSupport.median(values)),
                "\(number(least)) to \(number(most))",
            ]
            for reference in references {
                let ratio = outcome.peer == "direct" ? nil : ratio(of: outcome.peer, to: reference)
                cells.append(ratio.map { decimals($0, 2) } ?? "")
            }
            for detail in details {
                cells.append(median(of: outcome.peer, detail).map(number) ?? "")
            }
            lines.append(row(cells))
        }
        for outcome in outcomes {
            guard let refusal = outcome.refusal else { continue }
            let reason = refusal.split(separator: "\n").joined(separator: "; ").prefix(300)
            lines += ["", "No figure for \(outcome.peer): \(reason)"]
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ cells: [String]) -> String {
        "| " + cells.joined(separator: " | ") + " |"
    }

    /// Three digits or so.
    private func number(_ value: Double) -> String {
        decimals(value, abs(value) < 1 ? 2 : abs(value) < 100 ? 1 : 0)
    }
}
