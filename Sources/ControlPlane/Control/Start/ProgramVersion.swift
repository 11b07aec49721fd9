// The version of the program, and of what it is made of.

internal import CBuild
internal import Documents
internal import Events

/// Raised with each release, shown by `--version` and on the admin port. CHANGELOG.md begins with
/// it, and packages are named by it.
package let fairleadVersion = "0.1.0"

/// What a report of a fault should say of the program. Value type.
package struct ProgramVersion: Encodable, Sendable {
    /// The program's own.
    package let version = fairleadVersion
    /// The commit that it was built from, in hexadecimal; nil when the build was not told.
    package let commit: String?
    /// Swift's standard library, which comes with the compiler: `6.3`.
    package let swift: String
    /// The libevent that the program runs with, which may be newer than the one it was built with.
    package let libevent: String
    /// The libyaml that the program runs with, which may be newer as well.
    package let libyaml: String

    /// This program.
    package init() {
        // Both are strings that end in zero and live as long as the process.
        let commit = unsafe String(cString: build_commit())
        self.commit = commit.isEmpty ? nil : commit
        // Of a release such as 6.3.1 it tells 6.3.0.
        let parts = "\(_SwiftStdlibVersion.current)".split(separator: ".")
        swift = parts.prefix(2).joined(separator: ".")
        libevent = EventLoop.libraryVersion
        libyaml = YAMLParser.libraryVersion
    }

    /// With a line end after each line.
    package var text: String {
        """
        fairlead \(version)
        commit   \(commit ?? "unknown")
        swift    \(swift)
        libevent \(libevent)
        libyaml  \(libyaml)

        """
    }
}
