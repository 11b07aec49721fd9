// The tree as text: what the rules look at.

internal import FoundationEssentials

/// A Swift file of this package.
struct SourceFile {
    /// From the top of the package: `Sources/HTTP1/HeadParser.swift`.
    let path: String
    let lines: [String]
}

/// The package that this file is part of.
enum Tree {
    /// The top folder: two above the one this file is in.
    static let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())

    /// Every Swift file in these top-level folders, in order of path.
    static func swiftFiles(in folders: String...) throws -> [SourceFile] {
        var files: [SourceFile] = []
        for folder in folders {
            // A folder may be missing (`bench` in a package of sources); the tests' own is not.
            for name in try names(under: folder).sorted() where name.hasSuffix(".swift") {
                let data = try Data(contentsOf: URL(filePath: "\(root)/\(name)"))
                let text = String(decoding: data, as: UTF8.self)
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                files.append(SourceFile(path: name, lines: lines.map(String.init)))
            }
        }
        return files
    }

    private static func names(under folder: String) throws -> [String] {
        let manager = FileManager.default
        guard manager.fileExists(atPath: "\(root)/\(folder)") else { return [] }
        return try manager.subpathsOfDirectory(atPath: "\(root)/\(folder)").map {
            "\(folder)/\($0)"
        }
    }
}
