// What is wrong with a configuration and where: one line each, all of them, ready to print.

internal import Documents

/// Where a value was written.
enum Origin: Hashable, Sendable {
    /// `path` is the key with all its parents; empty when the text is no YAML.
    case file(name: String, mark: YAMLMark, path: String)
    /// A file as a whole.
    case wholeFile(name: String)
    case environment(String)
    case flag(ConfigurationFlag)
    /// No single place: something is missing.
    case nowhere
}

extension Origin {
    /// Whether it is a variable of the environment.
    var isVariable: Bool { if case .environment = self { true } else { false } }
}

extension Origin: CustomStringConvertible {
    var description: String {
        switch self {
        case .file(let name, let mark, ""): "\(name):\(mark.line):\(mark.column)"
        case .file(let name, let mark, let path): "\(name):\(mark.line):\(mark.column): \(path)"
        case .wholeFile(let name): name
        case .environment(let name): name
        case .flag(let flag): flag.rawValue
        case .nowhere: "configuration"
        }
    }

    /// Files by position, then the environment, then flags, then the rest.
    fileprivate var order: (Int, Int, Int) {
        switch self {
        case .wholeFile: (0, 0, 0)
        case .file(_, let mark, _): (0, mark.line, mark.column)
        case .environment: (1, 0, 0)
        case .flag: (2, 0, 0)
        case .nowhere: (3, 0, 0)
        }
    }
}

/// One thing that is wrong, or (as a warning) likely not meant.
package struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    let origin: Origin
    let text: String

    /// The document that it is in, by its name; nil for one that is in no single document, but in
    /// the environment, a flag, or missing.
    package var document: String? {
        switch origin {
        case .file(let name, _, _), .wholeFile(let name): name
        case .environment, .flag, .nowhere: nil
        }
    }

    /// `FILE:LINE:COLUMN: KEY: found …, expected …`, or the variable or flag in place of the first
    /// four. One line, printable whatever was in the file.
    package var description: String { "\(origin): \(text)" }
}

/// Everything that is wrong with a configuration; never empty.
package struct ConfigurationErrors: Error, Equatable, Sendable, CustomStringConvertible {
    /// At most 100, by place: file, environment, flags.
    package let problems: [ConfigurationProblem]
    /// How many more there are.
    package let omittedCount: Int
    /// The settings of the log, as far as they could be read: the problems may be reported there.
    package let logFormat: LogSettings.Format

    /// One line per problem, without a newline at the end.
    package var description: String {
        var lines = problems.map(\.description)
        if omittedCount > 0 { lines.append("and \(omittedCount) more") }
        return lines.joined(separator: "\n")
    }
}

/// Problems while they are collected: bounded, each of them once.
struct ProblemList {
    private var problems: [ConfigurationProblem] = []
    private(set) var omittedCount = 0

    var isEmpty: Bool { problems.isEmpty }
    var count: Int { problems.count + omittedCount }

    /// By place; those of one place in the order they were found.
    var sorted: [ConfigurationProblem] {
        problems.enumerated()
            .sorted { left, right in
                let (first, second) = (left.element.origin.order, right.element.origin.order)
                return first == second ? left.offset < right.offset : first < second
            }
            .map(\.element)
    }

    mutating func add(_ text: String, at origin: Origin) {
        let problem = ConfigurationProblem(origin: origin, text: text)
        if problems.contains(problem) { return }
        if problems.count < ConfigurationLimits.problemsMax {
            problems.append(problem)
        } else {
            omittedCount += 1
        }
    }

    mutating func add(found: String, expected: String, at origin: Origin) {
        add("found \(found), expected \(expected)", at: origin)
    }
}
