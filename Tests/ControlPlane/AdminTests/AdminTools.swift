// Programs from PyPI, which `conf/install-packages test` installs into a folder of its own.

import FoundationEssentials

/// Where the programs are.
enum AdminTools {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// A Python with prometheus_client.
    static func python() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? "/root"
        let tools = environment["FAIRLEAD_TOOLS"] ?? "\(home)/.cache/fairlead"
        let python = "\(tools)/schemathesis-4.32.5/bin/python"
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw Missing(description: "\(python) is not there: run conf/install-packages test")
        }
        return python
    }
}
