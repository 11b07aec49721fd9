// Rules that a tool checks better than a reader of lines.

internal import FoundationEssentials
import Subprocess
import Testing

// Goal: the sources have one format, and the program stays small.
// Method: `swift format` and `readelf`.
@Suite struct Tools {
    @Test func `the sources are formatted`() async throws {
        let folders = ["Sources", "Tests", "bench"].map { "\(Tree.root)/\($0)" }
            .filter { FileManager.default.fileExists(atPath: $0) }
        let found = try await output(
            of: "swift", ["format", "lint", "--strict", "--recursive"] + folders)
        #expect(
            found.isEmpty,
            "swift format finds fault: run `swift format -i -r Sources Tests bench`\n\(found)")
    }

    @Test func `the program is not linked with Foundation`() async throws {
        // The test bundle, which is this process, and the program are built into the same folder.
        let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program =
            String(bundle[..<(bundle.lastIndex(of: "/") ?? bundle.endIndex)]) + "/fairlead"
        let needed = try await output(of: "readelf", ["--dynamic", "--wide", program])
            .split(separator: "\n").filter { $0.contains("(NEEDED)") }
        #expect(needed.contains { $0.contains("[libc.so") }, "readelf shows nothing of \(program)")
        #expect(
            !needed.contains { $0.contains("[libFoundation.so") },
            """
            \(program) is linked with libFoundation.so, which makes it five times as big: find the \
            module or the package that imports Foundation, and use FoundationEssentials there
            """)
    }

    /// What a program writes to both its outputs.
    private func output(of program: String, _ arguments: [String]) async throws -> String {
        let result = try await run(
            .name(program), arguments: Arguments(arguments), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        return result.standardOutput + result.standardError
    }
}
