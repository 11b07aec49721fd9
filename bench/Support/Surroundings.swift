// Surroundings: where a bench runs, and what it says of that.

internal import FoundationEssentials
internal import Glibc

/// What a report says of the machine and the tree.
package struct Surroundings: Codable, Sendable {
    /// When the run began (ISO 8601).
    package var date: String
    /// `+` behind it when the tree had changes that were not committed: of no commit, then.
    package var commit: String
    /// Processor and how many there are.
    package var machine: String
    /// Name and release.
    package var kernel: String

    /// Of now. `folders` are those whose changes matter to the figures.
    package init(folders: [String]) {
        date = Date.now.formatted(.iso8601)
        let changes = output(of: ["git", "status", "--porcelain", "--"] + folders)
        commit = output(of: ["git", "rev-parse", "--short", "HEAD"]) + (changes.isEmpty ? "" : "+")
        kernel = output(of: ["uname", "-sr"])
        let model = text("/proc/cpuinfo").split(separator: "\n").first {
            $0.hasPrefix("model name")
        }
        machine = (model?.split(separator: ":").last).map { String($0.dropFirst()) } ?? "unknown"
        machine += ", \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors"
    }
}

/// The line of a program's output that has its version.
package func version(of command: [String]) -> String {
    let lines = output(of: command).split(separator: "\n")
    // Traefik has its version in a table.
    let line = lines.first { $0.contains { $0.isNumber } } ?? ""
    return line.split(separator: " ").joined(separator: " ")
}

/// Runs this command again, with `--in-namespace`, in a network namespace where only the loopback
/// is: every port is free there, and `settings` (shell commands) change nobody else's network. As
/// root only.
///
/// - Throws: `BenchError` when it can't; otherwise it does not return.
package func enterNamespace(settings: String) throws {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let script = "ip link set lo up && \(settings) && exec \"$@\""
    let words =
        ["unshare", "--net", "sh", "-c", script, "sh", own]
        + CommandLine.arguments.dropFirst() + ["--in-namespace"]
    var pointers = unsafe words.map { unsafe strdup($0) } + [nil]
    // Returns only when it fails; the strings are never freed, since the program ends.
    unsafe _ = execvp("unshare", &pointers)
    throw BenchError("can't run unshare: \(errno)")
}

/// The path of a program of this package, which the build puts beside this one.
package func builtProgram(_ name: String) throws -> String {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return String(own[..<(own.lastIndex(of: "/") ?? own.endIndex)]) + "/" + name
}

/// The text of a file; empty when there is none, as of a process that has ended.
package func text(_ path: String) -> String {
    // Not `Data(contentsOf:)` with a size known before: files of /proc say that they are empty.
    (try? String(contentsOf: URL(filePath: path), encoding: .utf8)) ?? ""
}

/// Nanoseconds of a clock that never jumps.
package func monotonic() -> UInt64 {
    var time = timespec()
    unsafe _ = clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Tells whoever waits, beside the report on standard output.
package func say(_ text: String) {
    let line = Array("\(text)\n".utf8)
    // The array lives across the call; a line that can't be written is no loss.
    unsafe _ = write(STDERR_FILENO, line, line.count)
}

/// A reason why there is no figure, for the user.
package struct BenchError: Error, CustomStringConvertible {
    /// A sentence without its full stop.
    package let description: String

    /// For this reason.
    package init(_ description: String) {
        self.description = description
    }
}
