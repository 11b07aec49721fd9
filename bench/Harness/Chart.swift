// Chart: the report as a picture (SVG): a panel for each scenario, a bar for each proxy.

internal import BenchSupport

extension Report {
    /// Panels beside each other, three in a row.
    var chart: String {
        let panels = sections.filter { section in
            section.outcomes.contains { !$0.samples.isEmpty }
        }
        var (body, y) = ("", 64)
        for row in stride(from: 0, to: panels.count, by: Panel.perRow) {
            let members = panels[row..<min(row + Panel.perRow, panels.count)].map(Panel.init)
            for (index, panel) in members.enumerated() {
                body += panel.svg(x: Panel.margin + index * (Panel.width + Panel.gap), y: y)
            }
            y += (members.map(\.height).max() ?? 0) + Panel.gap
        }
        let width = 2 * Panel.margin + Panel.perRow * (Panel.width + Panel.gap) - Panel.gap
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(y)" width="\(width)" \
            height="\(y)" font-family="system-ui, sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#ffffff"/>
            <text x="\(Panel.margin)" y="28" font-size="18" font-weight="600" fill="#1a1a1a">\
            Fairlead beside its peers: shorter is better</text>
            <text x="\(Panel.margin)" y="46" fill="#666666">\(escaped(surroundings.date)), commit \
            \(escaped(surroundings.commit)), \(escaped(surroundings.machine)), \(escaped(surroundings.kernel)); medians of \
            \(effort.rounds) rounds, lines from least to most</text>
            \(body)</svg>

            """
    }
}

private func escaped(_ text: String) -> String {
    var out = ""
    for character in text {
        switch character {
        case "&": out += "&amp;"
        case "<": out += "&lt;"
        case ">": out += "&gt;"
        default: out.append(character)
        }
    }
    return out
}

/// One scenario's bars.
private struct Panel {
    static let (margin, gap, width, perRow) = (24, 28, 400, 3)
    private static let (labelWidth, barHeight, step, top) = (96, 14, 21, 40)
    /// Room behind the longest bar for its number.
    private static let numberWidth = 52

    let section: Report.Section
    let bars: [(peer: String, median: Double, least: Double, most: Double)]

    init(_ section: Report.Section) {
        self.section = section
        bars = section.outcomes.compactMap { outcome in
            guard outcome.peer != "direct", let values = section.values(of: outcome.peer),
                let least = values.min(), let most = values.max()
            else { return nil }
            return (outcome.peer, median(values), least, most)
        }
    }

    var height: Int { Self.top + bars.count * Self.step }

    func svg(x: Int, y: Int) -> String {
        var out = """
            <g transform="translate(\(x),\(y))">
            <text y="12" font-weight="600" fill="#1a1a1a">\(escaped(section.title))</text>
            <text y="27" font-size="11" fill="#666666">\(escaped(section.unit))</text>

            """
        let longest = max(bars.map(\.median).max() ?? 1, 1e-9)
        let room = Double(Self.width - Self.labelWidth - Self.numberWidth)
        func length(_ value: Double) -> Double {
            max(0, min(value, longest * 1.1)) / longest * room
        }
        for (index, bar) in bars.enumerated() {
            let top = Self.top + index * Self.step
            let color =
                bar.peer == "fairlead" ? "#0b6e99" : bar.peer == "floor" ? "#c9c9c9" : "#9aa7b0"
            let middle = Double(top) + Double(Self.barHeight) / 2
            let (from, to) = (
                Double(Self.labelWidth) + length(bar.least),
                Double(Self.labelWidth) + length(bar.most)
            )
            out += """
                <text x="\(Self.labelWidth - 6)" y="\(top + 11)" text-anchor="end" \
                fill="#1a1a1a"\(bar.peer == "fairlead" ? " font-weight=\"600\"" : "")>\
                \(escaped(bar.peer))</text>
                <rect x="\(Self.labelWidth)" y="\(top)" width="\(decimals(length(bar.median), 1))" \
                height="\(Self.barHeight)" fill="\(color)"/>
                <line x1="\(decimals(from, 1))" x2="\(decimals(to, 1))" y1="\(decimals(middle, 1))" \
                y2="\(decimals(middle, 1))" stroke="#1a1a1a" stroke-opacity="0.55"/>
                <text x="\(decimals(max(to, Double(Self.labelWidth) + length(bar.median)) + 5, 1))" \
                y="\(top + 11)" fill="#1a1a1a">\(decimals(bar.median, bar.median < 100 ? 1 : 0))</text>

                """
        }
        return out + "</g>\n"
    }
}
