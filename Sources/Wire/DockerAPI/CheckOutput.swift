// CheckOutput: what a HEALTHCHECK said when it failed, cut to what a person reads at a glance. The
// program of a stranger wrote it: it may have any bytes, and any number of them.

/// Makes one line of what a HEALTHCHECK wrote. Pure.
enum CheckOutput {
    /// Lines that are kept, the last ones.
    static let linesMax = 3
    /// Characters of these together, the last ones.
    static let charactersMax = 240

    /// `exit 1: curl: (7) Failed to connect to localhost port 80`; nil for a run that passed.
    static func failure(exitCode: Int, output: String) -> String? {
        guard exitCode != 0 else { return nil }
        // Engines keep 4 KiB of it.
        let lines = output.suffix(8192).split(whereSeparator: \.isNewline)
            .map { shown($0) }.filter { !$0.isEmpty }
        let text = lines.suffix(linesMax).joined(separator: " / ")
        // An engine that ended the check itself gives -1, and says so.
        let code = exitCode < 0 ? "" : "exit \(exitCode)"
        let cut = text.count > charactersMax ? "…\(text.suffix(charactersMax))" : text
        return [code, cut].filter { !$0.isEmpty }.joined(separator: ": ")
    }

    /// A line without what moves a cursor, turns the direction of writing or is not seen.
    private static func shown(_ line: Substring) -> String {
        var text = String.UnicodeScalarView()
        for scalar in line.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
                .paragraphSeparator:
                text.append(" ")
            default: text.append(scalar)
            }
        }
        return String(text).split(separator: " ").joined(separator: " ")
    }
}
