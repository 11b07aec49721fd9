// The tree as text: what the rules look at.

internal import FoundationEssentials
internal import TestSupport

/// A Swift file of this package.
struct SourceFile {
    /// From the top of the package: `Sources/Wire/HTTP1/Heads/RequestHead.swift`.
    let path: String
    let lines: [String]

    /// The folder of its layer, such as `Wire`; nil for a file that is in none.
    var layer: String? { folder(1) }
    /// Its module, such as `HTTP1`; nil for a file that is in no layer.
    var module: String? { folder(2) }

    private func folder(_ depth: Int) -> String? {
        let parts = path.split(separator: "/")
        return parts.first == "Sources" && parts.count > 3 ? String(parts[depth]) : nil
    }
}

/// The package that this file is part of.
enum Tree {
    /// The top folder.
    static let root = PackageFolder.path

    /// Every Swift file in these top-level folders, in order of path.
    static func swiftFiles(in folders: String...) throws -> [SourceFile] {
        var files: [SourceFile] = []
        for folder in folders {
            // A folder may be missing (`bench` in a package of sources); the tests' own is not.
            for name in try names(under: folder).sorted() where name.hasSuffix(".swift") {
                let lines = try text(name).split(separator: "\n", omittingEmptySubsequences: false)
                files.append(SourceFile(path: name, lines: lines.map(String.init)))
            }
        }
        return files
    }

    /// The documents in Markdown that people read: not results of the bench, which nobody edits.
    static func documents() throws -> [(path: String, text: String)] {
        let nested = try ["Sources", "Tests", "bench", "conf"].flatMap { try names(under: $0) }
        let paths = (["README.md", "CHANGELOG.md"] + nested.sorted()).filter {
            $0.hasSuffix(".md") && !$0.hasPrefix("bench/results/")
        }
        return try paths.map { ($0, try text($0)) }
    }

    /// The configurations that an operator copies whole.
    static func examples() throws -> [String] {
        try names(under: "conf").sorted().filter {
            $0.hasSuffix(".yaml") && $0.split(separator: "/").count == 2
        }
    }

    /// The text of a file, by its path from the top.
    static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(path)")), as: UTF8.self)
    }

    private static func names(under folder: String) throws -> [String] {
        let manager = FileManager.default
        guard manager.fileExists(atPath: "\(root)/\(folder)") else { return [] }
        return try manager.subpathsOfDirectory(atPath: "\(root)/\(folder)").map {
            "\(folder)/\($0)"
        }
    }
}
